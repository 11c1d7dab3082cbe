"""Judgements of one claim -> its row in the table of all claims: what it is filtered and sorted by, and its details."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fer_lib.claims import VERDICTS, Judgement
from fer_lib.metric_paths import is_share
from fer_lib.summaries import NO_VERDICT, Paper, distances
from fer_lib.verdicts import Unit, format_number

FAMILIES = {
    "accuracy": ("accuracy",),
    "recall": ("recall", "macro_recall", "weighted_recall"),
    "precision": ("precision", "macro_precision", "weighted_precision"),
    "F1": ("f1", "macro_f1", "weighted_f1"),
    "confusion": ("confusion_share", "confusion", "predicted_share", "predicted"),
    "loss and calibration": ("log_loss", "log", "expected_calibration_error", "expected"),
    "learning curve": ("history",),
    "network": ("model", "application"),
    "time": ("timing",),
    "data": ("data",),
    "heat maps": ("attribution",),
    "deep features": ("features",),
    "super-resolution": ("super_resolution", "super"),
}
"""Kinds of numbers, each with the heads of the metrics in it, in words as well where a judgement tells an order."""

OTHER = "other"

SCALE_POINTS = 25
"""Half width, in percentage points, of the drawing in a row of the table; what lies beyond stands at its end."""


@dataclass(frozen=True)
class ClaimRow:
    """One claim of one paper with its judgement by each set of evidence.

    Attributes:
        paper: the paper.
        judgements: one for each of `paper.evidence`, in that order.
    """

    paper: Paper
    judgements: tuple[Judgement, ...]

    @property
    def claim(self) -> Judgement:
        """The judgement to read the claim itself from."""
        return self.judgements[0]

    @property
    def family(self) -> str:
        """What kind of number it is on, one of FAMILIES or OTHER."""
        return metric_family(self.claim.metric)

    @property
    def distances(self) -> list[tuple[float, float, float] | None]:
        """For each judgement its distance from the published share, None where it is no share or there is none."""
        return [distances(judgement) if is_on_share(judgement) else None for judgement in self.judgements]

    @property
    def distance(self) -> float | None:
        """Measured minus published share, ours where there is one, else the reader's."""
        return next((ends[1] for ends in self.distances if ends), None)


def claim_rows(papers: Iterable[Paper]) -> list[ClaimRow]:
    """Every claim of every paper, in the order of the papers and of their cards."""
    return [ClaimRow(paper, judgements) for paper in papers for judgements in paper.claims]


def families(rows: Sequence[ClaimRow]) -> list[str]:
    """Kinds of numbers that the rows speak of, in the order of FAMILIES."""
    present = {row.family for row in rows}
    return [family for family in (*FAMILIES, OTHER) if family in present]


def metric_family(metric: str) -> str:
    """What kind of number a judgement's metric is: `order of recall` and `macro_recall` are recalls."""
    head = metric.removeprefix("order of ").replace(",", " ").replace(".", " ").split()[0]
    return next((family for family, heads in FAMILIES.items() if head in heads), OTHER)


def is_on_share(judgement: Judgement) -> bool:
    """Whether its number, or the numbers it is the difference of, are shares told in percentage points."""
    return " / " not in judgement.metric and is_share(judgement.metric.split(",")[0])


def verdict_rank(judgement: Judgement) -> int:
    """Place of a verdict when sorted: as VERDICTS has them, none at the end."""
    return [*VERDICTS, NO_VERDICT].index(judgement.verdict or NO_VERDICT)


def numbers_by_seed(judgement: Judgement) -> list[str]:
    """`seed 0: 61.2 %` for each run behind a number; nothing where there is one run alone, or no one number."""
    by_seed = judgement.details.get("by_seed", {})
    if len(by_seed) < 2:
        return []
    unit = _unit(judgement)
    return [f"seed {seed}: {format_number(value, unit)}" for seed, value in by_seed.items()]


def _unit(judgement: Judgement) -> Unit:
    """What the judgement's measured number is printed in."""
    if " points" in judgement.measured_text:
        return "points"
    return "%" if " %" in judgement.measured_text else ""
