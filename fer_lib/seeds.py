"""One number of several runs, one run per seed -> their mean, its interval, and the rule that made it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fer_lib.intervals import Interval, mean_interval
from fer_lib.metric_paths import MissingNumber, read_number
from fer_lib.runs import Run, describe_run

NO_INTERVAL = "no interval: one seed, and no share of images"


@dataclass(frozen=True)
class Measurement:
    """A number of one variant, or a difference of two.

    Attributes:
        value: mean over the seeds.
        interval: its 95 % interval, None where there is one seed and no interval over the images.
        rule: how the interval was made, for people to read.
        by_seed: the number of each run, by its seed.
    """

    value: float
    interval: Interval | None
    rule: str
    by_seed: dict[int, float]

    def divided_by(self, divisor: float) -> "Measurement":
        """The same over a positive constant."""
        ends = None if self.interval is None else (self.interval[0] / divisor, self.interval[1] / divisor)
        by_seed = {seed: value / divisor for seed, value in self.by_seed.items()}
        return Measurement(self.value / divisor, ends, self.rule, by_seed)

    def within_a_share(self) -> "Measurement":
        """The same, its interval without what no share of images can be."""
        if self.interval is None:
            return self
        return replace(self, interval=(max(self.interval[0], 0.0), min(self.interval[1], 1.0)))


def summarise(
    runs: Sequence[Run], values: Sequence[float], images: Interval | None = None, images_rule: str = ""
) -> Measurement:
    """Mean over the runs with the wider of the images' interval and Student's over the seeds, and its rule in words.

    Where the seeds divided the pictures anew, Student's interval is corrected for the overlap of their training sets
    (Nadeau and Bengio 2003).

    Args:
        runs: one per seed.
        values: the number of each.
        images: interval of the mean over the images alone; None where there is none.
        images_rule: how that was made, in words.

    Raises:
        MissingNumber: if the runs have test images of their own and do not say how many images they trained on.
    """
    by_seed = {int(run.request["seed"]): value for run, value in zip(runs, values, strict=True)}
    mean = float(np.mean(values))
    if len(values) == 1:
        return Measurement(mean, images, f"{images_rule}, one seed" if images else NO_INTERVAL, by_seed)
    if images is None and min(values) == max(values):
        return Measurement(values[0], (values[0], values[0]), "the same with every seed", by_seed)
    seeds_rule = f"Student t 95 % over {len(values)} seeds"
    if sizes := _sizes_of_splits(runs):
        test, train = sizes
        seeds = mean_interval(values, test / train)
        seeds_rule += f" that split anew, variance × (1/{len(values)} + {test:,}/{train:,})"
    else:
        seeds = mean_interval(values)
    if images is None:
        return Measurement(mean, seeds, seeds_rule, by_seed)
    if images[1] - images[0] > seeds[1] - seeds[0]:
        return Measurement(mean, images, f"{images_rule} (wider than {seeds_rule})", by_seed)
    return Measurement(mean, seeds, f"{seeds_rule} (wider than {images_rule})", by_seed)


def _sizes_of_splits(runs: Sequence[Run]) -> tuple[int, int] | None:
    """Test and training images, mean over the runs, where these have test images of their own; None where they share.

    Raises:
        MissingNumber: if the runs have test images of their own and do not say how many images they trained on.
    """
    rows = [found for found in map(_test_rows, runs) if found is not None]
    if all(np.array_equal(found, rows[0]) for found in rows):
        return None
    sizes = [[number_of(run, run.metrics, f"data.{name}_images") for name in ("test", "train")] for run in runs]
    test, train = np.mean(sizes, axis=0)
    return round(test), round(train)


def _test_rows(run: Run) -> np.ndarray | None:
    """Rows int64 (n,) of a run's test images; None where it predicted none."""
    try:
        return run.rows("test")
    except (FileNotFoundError, KeyError):
        return None


def number_of(run: Run, metrics: dict[str, Any], metric: str) -> float:
    """A number of a run's metrics, or of a part of them.

    Raises:
        MissingNumber: if it is not there, naming the run.
    """
    try:
        return read_number(metrics, metric)
    except MissingNumber as error:
        raise MissingNumber(f"{describe_run(run)} has {error}") from None
