"""Run folders of all papers -> tables for comparing them: models, what each was tested on, scores, costs, pairs.

Numbers on different test images are never of one kind: every table says what each row was tested on (`test set`), and
rows are ordered by it, FER2013's official PrivateTest under seven classes first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fer_lib import papers
from fer_lib.caveats import find_caveats
from fer_lib.claims import Judgement, judge
from fer_lib.datasets import FerDataset
from fer_lib.labels import EMOTIONS, GROUPINGS
from fer_lib.measurements import measure_accuracy
from fer_lib.papers.claim_kinds import SplitName
from fer_lib.provenance import training_seconds
from fer_lib.runs import Run
from fer_lib.seeds import Measurement
from fer_lib.tested_on import name_test_sets, test_key
from fer_lib.verdicts import OTHER_DATA, SAMPLE_DATA, SHORTENED, SMALL_BUDGET

OURS, YOURS = "published by us", "your run"

OF_YOURS = {
    SAMPLE_DATA: "**Sample data: your numbers are comparable neither with the papers nor with those published.**",
    OTHER_DATA: "**Not the published FER2013, whose counts are others: your numbers get no verdict.**",
    SHORTENED: "**Shortened budget: your trainings get no verdict.**",
}
"""What a reader must know of runs with a caveat, as Markdown."""


@dataclass(frozen=True)
class Model:
    """One variant of one paper, tested on one set of images.

    Attributes:
        whose: `OURS` or `YOURS`.
        paper: id of its paper.
        variant: its name in the card.
        runs: its runs with test scores, one per seed.
        test_set: what it was tested on, in words; two models with equal words were tested on the same kind of images.
        rank: place of that set among all.
    """

    whose: str
    paper: str
    variant: str
    runs: tuple[Run, ...]
    test_set: str
    rank: int

    @property
    def name(self) -> str:
        """Number of the paper's notebook, variant and network: `05 official (lenet5)`; `, yours` after the reader's."""
        card = papers.load(self.paper)
        variant, network = (name.replace("_", " ") for name in (self.variant, self.runs[0].request["model"]))
        told = variant if network in variant else f"{variant} ({network})"
        return f"{card.notebook[:2]} {told}{', yours' if self.whose == YOURS else ''}"

    @property
    def caveat(self) -> str:
        """Why its numbers are not comparable with its paper's; empty where they are."""
        small = [SMALL_BUDGET] if papers.load(self.paper).variants[self.variant].small_budget else []
        return next(iter([*find_caveats(self.runs), *small]), "")

    def accuracy(self, view: str = "single", split: SplitName = "test") -> Measurement:
        """Mean over the seeds and its interval, made as for a claim on it."""
        return measure_accuracy(self.runs, split, view)

    def has(self, view: str, split: str = "test") -> bool:
        """Whether all runs were scored so."""
        return all(view in run.metrics.get(split, {}) for run in self.runs)

    def is_tested_on(self, data: FerDataset) -> bool:
        """Whether the test images of all runs are those of `data`, all of them."""
        return all(
            run.request["data"]["sha256"] == data.sha256
            and "stands_for" not in run.request["data"]
            and np.array_equal(run.predictions("test").rows, data.test.rows)
            for run in self.runs
        )

    def identity(self) -> dict[str, Any]:
        """What every row on it begins with."""
        return {"model": self.name, "whose": self.whose, "test set": self.test_set, "seeds": len(self.runs)}


def collect(published: Iterable[Run], own: Iterable[Run]) -> list[Model]:
    """Models of all runs that were scored on test images, by test set, then paper and variant, ours before yours.

    Args:
        published: runs of `reports/published`.
        own: the reader's runs of one profile.
    """
    groups: dict[tuple[Any, ...], list[Run]] = {}
    for whose, runs in ((OURS, published), (YOURS, own)):
        for run in (run for run in runs if "single" in run.metrics.get("test", {})):
            request = run.request
            groups.setdefault((whose, request["paper"], request["variant"], test_key(run)), []).append(run)
    names = name_test_sets([key[-1] for key in groups], [runs[0] for runs in groups.values()])
    order = list(dict.fromkeys(names.values()))
    models = [
        Model(whose, paper, variant, tuple(runs), names[key], order.index(names[key]))
        for (whose, paper, variant, key), runs in groups.items()
    ]
    return sorted(models, key=lambda model: (model.rank, model.name))


def score_table(models: Iterable[Model]) -> pd.DataFrame:
    """Test accuracy of every model, what it was measured on, and what the model costs.

    Returns:
        One row per model: model, whose, test set, seeds, images (of the test), accuracy (mean over the seeds), low and
        high (95 %), guess (share of the largest class, which a constant answer would score), parameters (NaN for
        classifiers on pixels), seconds (training time of one seed, mean: `provenance.training_seconds`, with that of
        the runs it is made from; NaN where one is not there), caveat (`Model.caveat`).
    """
    rows = []
    for model in models:
        found, tested = model.accuracy(), model.runs[0].metrics["test"]["single"]
        parameters = model.runs[0].metrics.get("model", {}).get("parameters", np.nan)
        rows.append(
            {
                **model.identity(),
                "images": tested["n"],
                **with_ends(found, "accuracy", "low", "high"),
                "guess": max(tested["support"].values()) / tested["n"],
                "parameters": parameters,
                "seconds": float(np.mean([_seconds(run) for run in model.runs])),
                "caveat": model.caveat,
            }
        )
    columns = ["model", "whose", "test set", "seeds", "images", "accuracy", "low", "high", "guess", "parameters"]
    return pd.DataFrame(rows, columns=[*columns, "seconds", "caveat"])


def recall_table(models: Iterable[Model]) -> pd.DataFrame:
    """Recall of each emotion on the test images, mean over the seeds; models on merged classes are left out.

    Returns:
        One row per model: model, whose, test set, seeds, then the seven emotions, NaN where a model has no such class.
    """
    rows = []
    for model in models:
        grouping = model.runs[0].request["grouping"]
        groups = [group for group in GROUPINGS[grouping].group_of if group >= 0] if grouping else []
        if len(set(groups)) == len(groups):
            recalls = [run.metrics["test"]["single"]["recall"] for run in model.runs]
            means = {name: float(np.mean([found[name] for found in recalls])) for name in recalls[0]}
            rows.append({**model.identity(), **means})
    return pd.DataFrame(rows, columns=["model", "whose", "test set", "seeds", *EMOTIONS])


def claim_table(published: Iterable[Run], own: Iterable[Run]) -> pd.DataFrame:
    """Published test accuracies beside measured ones, judged as in the reports (`claims.judge`).

    Returns:
        One row per claim on a test accuracy, in the cards' order: paper, claim, whose, published, measured, low, high
        (NaN where not run, and where there may be no verdict), verdict (empty where there is none), reason; and once
        more for the reader's runs where these have a verdict: on the paper's data, at its budget.
    """
    rows = []
    published, own = list(published), list(own)
    for card in sorted(map(papers.load, papers.ids()), key=lambda card: card.notebook):
        for whose, runs in ((OURS, published), (YOURS, own)):
            mine = [run for run in runs if run.request["paper"] == card.id]
            judgements = judge(card, mine)
            rows += [
                {"paper": f"{card.notebook[:2]} {card.title}", "whose": whose, **_claim_row(found)}
                for found in judgements
                if (found.kind, found.split, found.metric) == ("value", "test", "accuracy")
                and (whose == OURS or found.verdict not in (None, "not run"))
            ]
    numbers = dict.fromkeys(("published", "measured", "low", "high"), "float64")
    return pd.DataFrame(rows, columns=["paper", "claim", "whose", *numbers, "verdict", "reason"]).astype(numbers)


def describe_sources(published: Sequence[Run], own: Sequence[Run], profile: str) -> str:
    """What the numbers come from, and what a reader must know of them first, as Markdown.

    Args:
        published: runs of `reports/published`.
        own: the reader's runs of a profile; none where there are none.
        profile: that profile.
    """
    told = []
    for whose, runs in ((OURS.capitalize(), published), (f"your own, profile {profile}", own)):
        papers_of = len({run.request["paper"] for run in runs})
        told.append(
            f"{whose}: {_count(len(runs), 'run')} of {_count(papers_of, 'paper')}" if runs else f"{whose}: none"
        )
    notes = [f"{'; '.join(told)}."]
    notes += [OF_YOURS[caveat] for caveat in find_caveats(own)]
    stand_ins = {run.request["data"].get("stands_for", "") for run in (*published, *own)} - {""}
    notes += [f"**A stand-in takes the place of {name}: its verdicts are indicative.**" for name in sorted(stand_ins)]
    return " ".join(notes)


def source_table(models: Sequence[Model]) -> pd.DataFrame:
    """One row per paper and whose runs: number of its notebook, paper, whose, models, seeds, images tested on."""
    rows = []
    for card in sorted(map(papers.load, papers.ids()), key=lambda card: card.notebook):
        for whose in (OURS, YOURS):
            mine = [model for model in models if (model.paper, model.whose) == (card.id, whose)]
            runs = sum(len(model.runs) for model in mine)
            row = {"number": card.notebook[:2], "paper": card.title, "whose": whose}
            if mine or whose == OURS:
                rows.append({**row, "models": len(mine), "runs": runs, "test sets": len({m.test_set for m in mine})})
    return pd.DataFrame(rows)


def _claim_row(found: Judgement) -> dict[str, Any]:
    """What is said, published and measured; nothing measured where there may be no verdict."""
    low, high = found.interval or (np.nan, np.nan)
    measured = {"measured": found.measured, "low": low, "high": high} if found.verdict else {}
    told = {"claim": found.says, "published": found.published_value, "verdict": found.verdict or ""}
    return {**told, **measured, "reason": found.reason}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def with_ends(found: Measurement, name: str, low: str, high: str) -> dict[str, float]:
    """A number and the ends of its interval under these names, NaN where it has none."""
    ends = found.interval or (np.nan, np.nan)
    return {name: found.value, low: ends[0], high: ends[1]}


def _seconds(run: Run) -> float:
    """Training time of a run with that of the runs it is made from; NaN where one of them is not there."""
    if not run.is_complete:
        return np.nan
    request = run.request
    named = [request.get("starts_from"), request.get("enlarged_by"), *request.get("members", [])]
    sources = [source for source in named if isinstance(source, dict)]
    folders = [run.folder.parents[1] / source["variant"] / f"seed-{source['seed']}" for source in sources]
    own = 0.0 if request["kind"] == "ensemble" else training_seconds(run)
    return (np.nan if own is None else own) + sum(_seconds(Run(folder)) for folder in folders)
