"""Cards, run folders and judgements -> what a reader is told: tallies, rows, facts; nothing is laid out here."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from fer_lib import papers
from fer_lib.claims import SAMPLE_DATA, SHORTENED, VERDICTS, Judgement, judge
from fer_lib.papers import PaperCard
from fer_lib.runs import Run

NO_VERDICT = "no verdict"
STAND_IN_NOTE = (
    "Its pictures are not at hand, others take their place, and nothing is said of the paper's claims: where a verdict "
    "would stand it reads indicative, with what was found."
)
HEADLINE_METRICS = ("accuracy", "macro_f1")
SCALES = (2, 5, 10, 15, 20, 30, 50, 100)
"""Half widths, in percentage points, of the drawing that shows how far measured numbers are from published ones."""


@dataclass(frozen=True)
class Evidence:
    """What one set of runs says of one paper.

    Attributes:
        name: whose runs they are, for people to read.
        card: the paper.
        runs: complete runs of it; may be empty.
    """

    name: str
    card: PaperCard
    runs: Sequence[Run]

    @cached_property
    def judgements(self) -> list[Judgement]:
        """Every claim of the card, judged by these runs, in the card's order."""
        return judge(self.card, self.runs)

    @cached_property
    def caveat(self) -> str:
        """Why numbers of these runs are not comparable with the paper; empty where they are."""
        if any(run.request["data"]["is_sample"] for run in self.runs):
            return SAMPLE_DATA
        return SHORTENED if any(run.config["record"].get("shortened") for run in self.runs) else ""

    @property
    def stand_ins(self) -> list[str]:
        """Data sets that pictures of these runs stand in for, sorted; none where all are the paper's."""
        return sorted({run.request["data"].get("stands_for", "") for run in self.runs} - {""})

    @property
    def tally(self) -> dict[str, int]:
        """How many claims have each verdict, those that none has left out."""
        return count_verdicts(self.judgements)


@dataclass(frozen=True)
class Paper:
    """One paper and the evidence on it, ours first; where there are no runs at all, one empty evidence."""

    card: PaperCard
    evidence: tuple[Evidence, ...]

    @property
    def claims(self) -> list[tuple[Judgement, ...]]:
        """For each claim its judgement by each evidence."""
        return list(zip(*(evidence.judgements for evidence in self.evidence), strict=True))

    @property
    def headlines(self) -> list[tuple[Judgement, ...]]:
        """The claims on published accuracies and F1 scores, their ranges over seeds, and differences of them."""
        return [row for row in self.claims if is_headline(row[0])]

    @cached_property
    def scale_points(self) -> int:
        """Half width, in points, that holds every headline's distance from the published number."""
        ends = [abs(end) for row in self.headlines for judgement in row for end in distances(judgement) or ()]
        return next(scale for scale in (*SCALES, 1000) if 100 * max(ends, default=0.0) <= scale)


def summarise(published: Iterable[Run], own: Iterable[Run] | None = None) -> list[Paper]:
    """Every paper that has a card, in the order of the notebooks, judged by our published runs and by the reader's.

    Args:
        published: runs of `reports/published`, of any paper.
        own: the reader's runs; None where only published numbers are told.
    """
    published, own = list(published), None if own is None else list(own)
    summaries = []
    for card in sorted(map(papers.load, papers.ids()), key=lambda card: card.notebook):
        evidence = [Evidence("published by us", card, runs_of(card, published))]
        if own is not None:
            evidence.append(Evidence("your run", card, runs_of(card, own)))
        summaries.append(Paper(card, tuple(each for each in evidence if each.runs) or (evidence[-1],)))
    return summaries


def runs_of(card: PaperCard, runs: Iterable[Run]) -> list[Run]:
    """Those of `runs` that are of the card's paper."""
    return [run for run in runs if run.folder.parts[-3] == card.id]


def count_verdicts(judgements: Iterable[Judgement]) -> dict[str, int]:
    """How many judgements have each verdict, in the order of VERDICTS, those that none has left out."""
    counts = Counter(judgement.verdict or NO_VERDICT for judgement in judgements)
    return {verdict: counts[verdict] for verdict in (*VERDICTS, NO_VERDICT) if counts[verdict]}


def is_headline(judgement: Judgement) -> bool:
    """Whether a claim is on a published accuracy or F1 score, on its range over seeds, or on a difference of two."""
    if judgement.metric.split(",")[0] not in HEADLINE_METRICS:
        return False
    published = judgement.published_value is not None and judgement.kind in ("value", "difference")
    return published or judgement.kind == "spread"


def distances(judgement: Judgement) -> tuple[float, float, float] | None:
    """Low end, middle and high end of a measured number minus the published one; None where it is not judged."""
    if judgement.verdict is None or judgement.measured is None or judgement.published_value is None:
        return None
    low, high = judgement.interval or (judgement.measured, judgement.measured)
    published = judgement.published_value
    return low - published, judgement.measured - published, high - published


@dataclass(frozen=True)
class RunRow:
    """One run in the table of what was run; accuracies and F1 as fractions, None where a run has none."""

    variant: str
    seed: int
    folder: Path
    epochs: int | None
    kept_epoch: int | None
    validation_accuracy: float | None
    test_accuracy: float | None
    unleaked_accuracy: float | None
    macro_f1: float | None
    seconds: float | None


def run_rows(evidence: Evidence) -> list[RunRow]:
    """What was run, in the order of the card's variants."""
    order = list(evidence.card.variants)
    rows = []
    for run in evidence.runs:
        request, metrics = run.request, run.metrics
        row = RunRow(
            variant=request["variant"],
            seed=request["seed"],
            folder=run.folder,
            epochs=_look_up(metrics, "history", "epochs"),
            kept_epoch=_look_up(metrics, "history", "kept_epoch"),
            validation_accuracy=_look_up(metrics, "validation", "single", "accuracy"),
            test_accuracy=_look_up(metrics, "test", "single", "accuracy"),
            unleaked_accuracy=_look_up(metrics, "test", "single_unleaked", "accuracy"),
            macro_f1=_look_up(metrics, "test", "single", "macro_f1"),
            seconds=_look_up(metrics, "timing", "seconds"),
        )
        rows.append(row)
    rank = {name: index for index, name in enumerate(order)}
    return sorted(rows, key=lambda row: (rank.get(row.variant, len(rank)), row.variant, row.seed))


def search_trials(evidence: Evidence) -> list[dict[str, str]]:
    """The published trials of the paper's random search, the best first; none where there is no table of them."""
    tables = {run.folder.parents[1] / "search.csv" for run in evidence.runs}
    rows = [row for path in tables if path.exists() for row in pd.read_csv(path, dtype=str).to_dict("records")]
    return [{str(name): str(value) for name, value in row.items()} for row in rows]


def facts(runs: Sequence[Run]) -> dict[str, list[str]]:
    """What the runs were made with: for each kind of fact its distinct values, the commonest first."""
    found: dict[str, Counter[str]] = {}
    for run in runs:
        request, record = run.request, run.config["record"]
        told = {
            "data": _describe_data(request["data"]),
            "code version": record.get("code_version"),
            "precision": record.get("precision"),
            "hardware": _describe_hardware(record.get("hardware") or {}),
            "packages": ", ".join(f"{name} {version}" for name, version in (record.get("packages") or {}).items()),
            "finished": str(record.get("finished") or "")[:10],
        }
        for name, text in told.items():
            if text:
                found.setdefault(name, Counter())[text] += 1
    told_facts = {name: [text for text, _ in counts.most_common()] for name, counts in found.items()}
    if len(told_facts.get("finished", [])) > 1:
        told_facts["finished"] = [f"{min(told_facts['finished'])} to {max(told_facts['finished'])}"]
    return told_facts


def stand_ins(papers_told: Sequence[Paper]) -> dict[str, list[Paper]]:
    """Data sets that pictures stand in for, sorted, each with the papers whose numbers were measured so."""
    names = sorted({name for paper in papers_told for evidence in paper.evidence for name in evidence.stand_ins})
    return {
        name: [paper for paper in papers_told if any(name in evidence.stand_ins for evidence in paper.evidence)]
        for name in names
    }


def data_differs(paper: Paper) -> bool:
    """Whether two sets of evidence were measured on different files of the real data."""
    used = {run.request["data"]["sha256"] for each in paper.evidence if each.caveat != SAMPLE_DATA for run in each.runs}
    return len(used) > 1


def _describe_data(data: Mapping[str, Any]) -> str:
    what = "built-in sample" if data["is_sample"] else "data"
    if data.get("stands_for"):
        what = f"stand-in for {data['stands_for']}, composed from {what}"
    sizes = " / ".join(f"{size:,}" for size in data.get("sizes", {}).values())
    shape = f"{sizes} images" if sizes else data["protocol"].replace("_", " ")
    return f"{what} of sha256 {data['sha256']} ({shape})"


def _describe_hardware(hardware: Mapping[str, Any]) -> str:
    memory = hardware.get("memory_gib")
    parts = [
        str(hardware.get("processor") or ""),
        f"{hardware['cores']} cores" if hardware.get("cores") else "",
        f"{memory:g} GiB" if memory else "",
        ", ".join(hardware.get("gpus") or []) or ("no GPU" if "gpus" in hardware else ""),
    ]
    return ", ".join(part for part in parts if part)


def _look_up(values: Any, *path: str) -> Any:
    for name in path:
        values = values.get(name) if isinstance(values, Mapping) else None
    return values
