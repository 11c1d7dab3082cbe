"""Cards, run folders and judgements -> what a reader is told of each paper; nothing is laid out here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from fer_lib import papers
from fer_lib.caveats import find_caveats
from fer_lib.claims import SAMPLE_DATA, VERDICTS, Judgement, judge
from fer_lib.papers import PaperCard
from fer_lib.runs import Run

NO_VERDICT = "no verdict"
STAND_IN_NOTE = (
    "Its pictures are not at hand, others take their place, and nothing is said of the paper's claims: where a verdict "
    "would stand it reads indicative, with what was found."
)
PUBLISHED_BY_US, YOUR_RUN = "published by us", "your run"
HEADLINE_METRICS = ("accuracy", "macro_f1")
SCALES = (2, 5, 10, 15, 20, 30, 50, 100)
"""Half widths, in percentage points, of drawings of how far apart numbers are, published and measured or two runs'."""


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
        return next(iter(find_caveats(self.runs)), "")

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
    """One paper and the evidence on it, ours first, then the reader's where it is asked for; either may hold no run."""

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

    @property
    def has_measured_headlines(self) -> bool:
        """Whether any evidence has a number for one of these claims, with a verdict or without."""
        return any(judgement.measured is not None for row in self.headlines for judgement in row)

    @property
    def leading(self) -> list[tuple[Judgement, ...]]:
        """One or two headlines: the best test accuracy that the paper publishes, and its first comparison or range."""
        values = [row for row in self.headlines if row[0].kind == "value" and row[0].split == "test"]
        accuracies = [row for row in values if row[0].metric == "accuracy"]
        best = max(accuracies, key=lambda row: row[0].published_value or 0.0, default=None)  # the first of equals
        others = [row for row in self.headlines if row[0].kind in ("difference", "spread")]
        return [row for row in (best, *others[:1]) if row is not None] or self.headlines[:1]

    @property
    def short_name(self) -> str:
        """Notebook's number and authors, such as `03 Liu et al.`."""
        names = [author.split()[-1] for author in self.card.authors]
        authors = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
        return f"{self.card.notebook[:2]} {authors}"


def summarise(published: Iterable[Run], own: Iterable[Run] | None = None) -> list[Paper]:
    """Every paper that has a card, in the order of the notebooks, judged by our published runs and by the reader's.

    Args:
        published: runs of `reports/published`, of any paper.
        own: the reader's runs; None where only published numbers are told.
    """
    published, own = list(published), None if own is None else list(own)
    summaries = []
    for card in sorted(map(papers.load, papers.ids()), key=lambda card: card.notebook):
        evidence = [Evidence(PUBLISHED_BY_US, card, runs_of(card, published))]
        if own is not None:
            evidence.append(Evidence(YOUR_RUN, card, runs_of(card, own)))
        summaries.append(Paper(card, tuple(evidence)))
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


def scale_points(rows: Iterable[Sequence[Judgement]]) -> int | None:
    """Half width, in points, of a drawing that holds every distance of some claims; None where there is none."""
    ends = [abs(end) for row in rows for judgement in row for end in distances(judgement) or ()]
    return next(scale for scale in (*SCALES, 1000) if 100 * max(ends) <= scale) if ends else None


def total_tallies(papers_told: Sequence[Paper]) -> dict[str, dict[str, int]]:
    """For each set of evidence, by its name, how many claims of all papers have each verdict; empty ones left out."""
    names = dict.fromkeys(evidence.name for paper in papers_told for evidence in paper.evidence if evidence.runs)
    every = [evidence for paper in papers_told for evidence in paper.evidence]
    return {
        name: count_verdicts(judgement for each in every if each.name == name for judgement in each.judgements)
        for name in names
    }


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
