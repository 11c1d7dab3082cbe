"""Two accuracies of one model and what lies between: PublicTest and PrivateTest, crops and none, leaks and none."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.intervals import Interval, wilson_interval
from fer_lib.metric_paths import images_behind
from fer_lib.runs import Run
from fer_lib.scoreboard import Model, with_ends
from fer_lib.seeds import Measurement
from fer_lib.tables import view_table

PAIR_COLUMNS = [
    "model", "whose", "test set", "seeds", "first", "first low", "first high", "second", "second low", "second high",
    "difference", "low", "high",
]  # fmt: skip
"""What a table of two accuracies of each model holds: both, and the first minus the second with its interval."""


def public_private_table(models: Iterable[Model]) -> pd.DataFrame:
    """Accuracy on PublicTest, which chose, and on PrivateTest: `PAIR_COLUMNS`, PublicTest first.

    The two are different images, so the interval of the difference adds the squares of the two intervals' sides
    (Newcombe 1998, method 10).
    """
    rows = [
        _pair(model, model.accuracy(split="validation"), model.accuracy())
        for model in models
        if model.has("single", "validation")
    ]
    return pd.DataFrame(rows, columns=PAIR_COLUMNS)


def leak_table(models: Iterable[Model]) -> pd.DataFrame:
    """Accuracy on all test images, and on those that do not also stand in Training: `PAIR_COLUMNS`, all first.

    Models whose test images hold none that leaked are left out.

    All minus unleaked is the share of the leaked images times how much higher the accuracy on them is. These are other
    images than the unleaked: the interval of the difference is Newcombe's from Wilson's on both, times that share.
    """
    rows = []
    for model in models:
        if model.has("single_unleaked") and any(_leaked_images(run) for run in model.runs):
            interval = np.mean([_leak_interval(run) for run in model.runs], axis=0)
            rows.append(_pair(model, model.accuracy(), model.accuracy("single_unleaked"), tuple(interval)))
    return pd.DataFrame(rows, columns=PAIR_COLUMNS)


def crop_table(models: Iterable[Model]) -> pd.DataFrame:
    """Accuracy on the mean over ten crops of each test image, and on the plain image: `PAIR_COLUMNS`, crops first.

    The interval of the difference is the paired normal one on the same images (`tables.view_table`).
    """
    rows = []
    for model in models:
        if model.has("ten_crops"):
            found = view_table({model.name: model.runs}).iloc[0]
            rows.append(
                _pair(model, model.accuracy("ten_crops"), model.accuracy(), (float(found["low"]), float(found["high"])))
            )
    return pd.DataFrame(rows, columns=PAIR_COLUMNS)


def _pair(model: Model, first: Measurement, second: Measurement, interval: Interval | None = None) -> dict[str, Any]:
    low, high = interval or newcombe_interval(first, second)
    return {
        **model.identity(),
        **with_ends(first, "first", "first low", "first high"),
        **with_ends(second, "second", "second low", "second high"),
        "difference": first.value - second.value,
        "low": low,
        "high": high,
    }


def _images(run: Run, view: str) -> int:
    """Test images of a view, a picture with its transforms counted once."""
    return images_behind(run.metrics["test"][view], "accuracy") or 0


def _leaked_images(run: Run) -> int:
    return _images(run, "single") - _images(run, "single_unleaked")


def newcombe_interval(first: Measurement, second: Measurement) -> Interval:
    """Interval of the difference of two numbers measured on different images, from the interval of each.

    Newcombe 1998 (Statistics in Medicine 17, 873-890), method 10: sides that face the same way are added as squares.

    Raises:
        ValueError: if one of them has no interval.
    """
    if first.interval is None or second.interval is None:
        raise ValueError(f"both numbers must have an interval. Received: {first} and {second}")
    difference = first.value - second.value
    (first_low, first_high), (second_low, second_high) = first.interval, second.interval
    below = np.hypot(first.value - first_low, second_high - second.value)
    above = np.hypot(first_high - first.value, second.value - second_low)
    return float(difference - below), float(difference + above)


def _leak_interval(run: Run) -> Interval:
    """Interval of a run's accuracy on all test images minus that on the unleaked ones."""
    leaked = _leaked_images(run)
    if leaked == 0:
        return 0.0, 0.0
    whole, unleaked = (run.metrics["test"][view] for view in ("single", "single_unleaked"))
    images = _images(run, "single")
    kept = images - leaked
    right = whole["accuracy"] * images - unleaked["accuracy"] * kept
    parts = []
    for correct, n in ((min(max(right, 0.0), leaked), leaked), (unleaked["accuracy"] * kept, kept)):
        parts.append(Measurement(correct / n, wilson_interval(correct, n), "Wilson", {}))
    low, high = newcombe_interval(parts[0], parts[1])
    return leaked / images * low, leaked / images * high
