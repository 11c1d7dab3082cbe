"""Two runs on the same images -> what differs: accuracies, classes, changed images, settings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.comparing.images import CommonImages, NoCommonImages, match_images
from fer_lib.comparing.notices import list_caveats, list_notices
from fer_lib.comparing.resampling import OVERALL, difference_intervals, overconfidence
from fer_lib.comparing.settings import Setting, differing_settings
from fer_lib.intervals import Interval, mcnemar
from fer_lib.metrics import classification_metrics
from fer_lib.runs import SPLITS, Run

FIXED, BROKEN, STILL_WRONG = "fixed", "broken", "still wrong"
KINDS = (FIXED, BROKEN, STILL_WRONG)
"""Images whose class changed from the first run to the second: wrong to right, right to wrong, wrong to wrong."""

TOLD_SPLITS = ("test", "validation")
"""Splits on which two runs are compared wherever both predict them."""


@dataclass(frozen=True)
class Number:
    """A number of both runs.

    Attributes:
        name: accuracy, macro_f1, log_loss (nats), overconfidence or expected_calibration_error; fractions otherwise.
        a: of the first run.
        b: of the second.
        difference: b minus a.
        interval: paired bootstrap interval of the difference, 95 %; None of the calibration error.
        a_interval: Wilson's 95 % interval of `a`, of an accuracy alone.
        b_interval: the same of `b`.
    """

    name: str
    a: float
    b: float
    difference: float
    interval: Interval | None
    a_interval: Interval | None = None
    b_interval: Interval | None = None


@dataclass(frozen=True)
class ClassDifference:
    """Recall of one class by both runs; fractions, None where the class has no image.

    Attributes:
        name: of the class.
        images: common images of it.
        a: recall of the first run.
        b: recall of the second.
        difference: b minus a.
        interval: its paired bootstrap interval, 95 %, not corrected for the number of classes.
        counts: how many of its images changed, by kind.
    """

    name: str
    images: int
    a: float | None
    b: float | None
    difference: float | None
    interval: Interval | None
    counts: dict[str, int]


@dataclass(frozen=True)
class RunComparison:
    """Two runs on the images of one split that both predict, under one view.

    Attributes:
        a: the first run, from which changes are told.
        b: the second, to which.
        split: train, validation or test.
        view: of the images.
        images: how many both predict.
        predicted: how many each predicts.
        accuracy: of each, and the difference, which is fixed minus broken images over all.
        others: macro F1, log loss, overconfidence, calibration error.
        both_right: images that both are right on.
        both_wrong: images that both are wrong on.
        counts: changed images by kind: fixed (only the second is right), broken (only the first), still wrong.
        p_exact: of McNemar's exact two-sided test.
        p_mid: the same by mid-p (see `intervals.mcnemar`).
        by_class: one per class.
        changed: one row per image whose class changed, the strongest change first: row, true, a, a_probability (of the
            class that the first run calls it), b, b_probability, a_of_true and b_of_true (what each gives the true
            class), kind, strength (how much probability moved to other classes, 0 to 1).
        settings: in which settings the runs differ.
        notices: what a reader must know of these numbers, sentences.
        caveats: why they say nothing of papers: sample data, another file than FER2013's, shortened budget.
    """

    a: Run
    b: Run
    split: str
    view: str
    images: int
    predicted: tuple[int, int]
    accuracy: Number
    others: tuple[Number, ...]
    both_right: int
    both_wrong: int
    counts: dict[str, int]
    p_exact: float
    p_mid: float
    by_class: tuple[ClassDifference, ...]
    changed: pd.DataFrame
    settings: tuple[Setting, ...]
    notices: tuple[str, ...]
    caveats: tuple[str, ...]


def compare_runs(a: Run, b: Run, split: str = "test", view: str = "single") -> RunComparison:
    """Set two runs side by side on the images of a split that both predict.

    Args:
        a: the first run, from which changes are told.
        b: the second, to which.
        split: train, validation or test.
        view: of the images.

    Raises:
        NoCommonImages: a ValueError, if they predict fewer than two images of the split in common.
        ValueError: if there is no such split, a run has no such predictions, their classes or true classes differ, or
            their rows are of different data.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}. Received: {split!r}")
    images = match_images(a, b, split, view)
    first, second = (classification_metrics(images.labels, p, images.classes) for p in (images.a, images.b))
    right_a, right_b = (p.argmax(axis=1) == images.labels for p in (images.a, images.b))
    test = mcnemar(right_a, right_b)
    changed = _changed_images(images)
    overall, recalls = difference_intervals(images)
    numbers = [
        _number(name, images, first, second, overall.get(name)) for name in (*OVERALL, "expected_calibration_error")
    ]
    settings = differing_settings(a, b)
    return RunComparison(
        a=a,
        b=b,
        split=split,
        view=view,
        images=len(images.rows),
        predicted=images.predicted,
        accuracy=numbers[0],
        others=tuple(numbers[1:]),
        both_right=int((right_a & right_b).sum()),
        both_wrong=int((~right_a & ~right_b).sum()),
        counts=_count(changed),
        p_exact=test["p_exact"],
        p_mid=test["p_mid"],
        by_class=tuple(_of_class(name, first, second, recalls[name], changed) for name in images.classes),
        changed=changed,
        settings=settings,
        notices=(*list_notices(a, b, split, settings), *images.notices),
        caveats=list_caveats(a, b),
    )


def compare_elsewhere(found: RunComparison) -> list[RunComparison]:
    """The same two runs on every other split and view of theirs: test and validation, where they share images."""
    views = [run.views for run in (found.a, found.b)]
    others = []
    for split in TOLD_SPLITS:
        for view in (view for view in views[0][split] if view in views[1][split]):
            if (split, view) != (found.split, found.view):
                try:
                    others.append(compare_runs(found.a, found.b, split, view))
                except NoCommonImages:
                    continue
    return others


def seed_accuracies(run: Run, split: str, view: str) -> dict[int, float]:
    """Accuracy of a run and of those beside it that differ in the seed alone, as they stored it, without transforms.

    Returns:
        Seed -> fraction, ascending; the runs that have no such number left out.
    """
    request, found = _without_seeds(run.request), {}
    for path in run.folder.parent.glob("seed-*/metrics.json"):
        other = Run(path.parent)
        if _without_seeds(other.request) == request:
            views = other.metrics.get(split, {})
            metrics = views.get(f"{view}_originals") or views.get(view) or {}
            found[other.request["seed"]] = metrics.get("accuracy")
    return {seed: accuracy for seed, accuracy in sorted(found.items()) if accuracy is not None}


def _without_seeds(value: Any) -> Any:
    """A request without its seed and those of the requests in it, of the runs that it is made from."""
    if isinstance(value, dict):
        return {name: _without_seeds(inner) for name, inner in value.items() if name != "seed"}
    return [_without_seeds(inner) for inner in value] if isinstance(value, list) else value


def _number(
    name: str, images: CommonImages, first: dict[str, Any], second: dict[str, Any], interval: Interval | None
) -> Number:
    if name == "overconfidence":
        a, b = (overconfidence(images.labels, probabilities) for probabilities in (images.a, images.b))
    else:
        a, b = first[name], second[name]
    wilson = [tuple(found["accuracy_interval"]) if name == "accuracy" else None for found in (first, second)]
    return Number(name, a, b, b - a, interval, *wilson)


def _changed_images(images: CommonImages) -> pd.DataFrame:
    called_a, called_b = images.a.argmax(axis=1), images.b.argmax(axis=1)
    at = np.flatnonzero(called_a != called_b)
    names, truth = np.array(images.classes, dtype=object), images.labels[at]
    right_a, right_b = called_a[at] == truth, called_b[at] == truth
    moved = np.abs(images.a[at].astype(np.float64) - images.b[at]).sum(axis=1) / 2
    table = pd.DataFrame(
        {
            "row": images.rows[at],
            "true": names[truth],
            "a": names[called_a[at]],
            "a_probability": images.a[at, called_a[at]],
            "b": names[called_b[at]],
            "b_probability": images.b[at, called_b[at]],
            "a_of_true": images.a[at, truth],
            "b_of_true": images.b[at, truth],
            "kind": np.select([right_b, right_a], [FIXED, BROKEN], STILL_WRONG),
            "strength": np.minimum(moved, 1.0),
        }
    )
    return table.sort_values(["strength", "row"], ascending=[False, True], ignore_index=True)


def _count(changed: pd.DataFrame) -> dict[str, int]:
    return {kind: int((changed["kind"] == kind).sum()) for kind in KINDS}


def _of_class(
    name: str, first: dict[str, Any], second: dict[str, Any], interval: Interval | None, changed: pd.DataFrame
) -> ClassDifference:
    images = first["support"][name]
    counts = _count(changed[changed["true"] == name])
    if not images:
        return ClassDifference(name, 0, None, None, None, None, counts)
    a, b = first["recall"][name], second["recall"][name]
    return ClassDifference(name, images, a, b, b - a, interval, counts)
