"""Histories of runs -> the lines of their learning curves, one panel a variant; nothing is laid out here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_lib.runs import Run
from fer_lib.summaries import Evidence

MOST_POINTS = 50
"""Of a line. Of longer trainings each point is the mean of as many epochs as it takes."""

OF_SPLITS = {"accuracy": "training", "val_accuracy": "validation"}


@dataclass(frozen=True)
class Line:
    """Accuracy against epoch of one training on one split.

    Attributes:
        split: "training" or "validation".
        points: epoch, from 1, and accuracy, as a fraction.
    """

    split: str
    points: list[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """The trainings of one variant, one per seed.

    Attributes:
        variant: its name.
        budget: in what its budget is a small one; empty where it is not.
        epochs: those of its longest training.
        lines: of all its trainings.
        kept: epoch of each training whose weights stand, and their accuracy, from 0 to 1.
        kept_on: the split of these: "validation", or "training" where there are no validation images.
    """

    variant: str
    budget: str
    epochs: int
    lines: list[Line]
    kept: list[tuple[int, float]]
    kept_on: str


def learning_curves(evidence: Evidence) -> list[Panel]:
    """The learning curves of a paper's trainings, in the order of the card's variants; none of what has no epochs."""
    panels = []
    for name, variant in evidence.card.variants.items():
        runs = [run for run in evidence.runs if run.request["variant"] == name and _has_curve(run)]
        if runs:
            panels.append(_panel(name, variant.small_budget or "", runs))
    return panels


def _has_curve(run: Run) -> bool:
    return (run.folder / "history.csv").exists() and "accuracy" in run.history


def _panel(name: str, budget: str, runs: Sequence[Run]) -> Panel:
    histories = [run.history.set_index("epoch") for run in runs]
    lines = [
        Line(split, _thin(history[column]))
        for history in histories
        for column, split in OF_SPLITS.items()
        if column in history
    ]
    kept = [_kept(run, history) for run, history in zip(runs, histories, strict=True)]
    kept_on = OF_SPLITS["val_accuracy"] if "val_accuracy" in histories[0] else OF_SPLITS["accuracy"]
    return Panel(name, budget, max(map(len, histories)), lines, kept, kept_on)


def _thin(accuracy: pd.Series) -> list[tuple[float, float]]:
    """At most `MOST_POINTS` points of a curve by epoch, each the mean of neighbours."""
    known = accuracy.dropna()
    groups = np.arange(len(known)) // -(-len(known) // MOST_POINTS)
    means = known.rename("accuracy").reset_index().groupby(groups).mean()
    return [(float(epoch), float(share)) for epoch, share in means.itertuples(index=False)]


def _kept(run: Run, history: pd.DataFrame) -> tuple[int, float]:
    """A training's epoch that stands, and its accuracy: of its saved probabilities, the history where it has none."""
    epoch = int(run.metrics.get("history", {}).get("kept_epoch") or history.index[-1])
    column = "val_accuracy" if "val_accuracy" in history else "accuracy"
    scored = run.metrics.get("validation", {}).get("single", {}).get("accuracy")
    return epoch, float(history[column].loc[epoch] if scored is None or column == "accuracy" else scored)
