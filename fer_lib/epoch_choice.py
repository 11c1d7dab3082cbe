"""Whose images choose the epoch: what a run would have reported, had it chosen on those that it reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.bootstrap import RESAMPLES, percentile_interval
from fer_lib.epoch_predictions import EpochPredictions, read_epoch_predictions
from fer_lib.intervals import Interval, mean_interval
from fer_lib.runs import Run

DRAWN_AT_ONCE = 250
"""Resamples held in memory at the same time."""

FLATTERY_COLUMNS = [
    "model", "seed", "epochs", "kept epoch", "best on PublicTest", "best on PrivateTest", "honest", "flattering",
    "difference", "low", "high", "PublicTest", "optimism", "optimism low", "optimism high",
]  # fmt: skip


@dataclass(frozen=True)
class Flattery:
    """The accuracy at the epoch chosen on the images that are reported, against the epoch that others choose.

    Attributes:
        honest_epochs: epoch, from 1, with the best accuracy on the other images, the first of equals; one per seed.
        flattering_epochs: the same on the reported images themselves.
        honest: accuracy on the reported images at the honest epoch, mean over the seeds.
        flattering: the same at the flattering epoch; never below `honest`.
        interval: 95 % interval of `difference`.
        rule: how it was made, for people to read.
    """

    honest_epochs: tuple[int, ...]
    flattering_epochs: tuple[int, ...]
    honest: float
    flattering: float
    interval: Interval
    rule: str

    @property
    def difference(self) -> float:
        """What the choice adds to the number, a fraction, at least 0."""
        return self.flattering - self.honest


def measure_flattery(reported: Sequence[np.ndarray], others: Sequence[np.ndarray], seed: int = 0) -> Flattery:
    """How much higher a reported accuracy is at the epoch that its own images choose than at the one others choose.

    With PrivateTest reported and PublicTest as the others: what choosing on the test set would have added. The other
    way round: by how much the accuracy on PublicTest, which chose the epoch, is too high.

    The interval draws both sets of images anew, with replacement, `RESAMPLES` times; all epochs and seeds see the same
    draw (they are paired), and **both epochs are chosen again in each draw**, since the choice is what is measured. A
    draw adds noise to the noise that the highest of many accuracies has picked already, so that the draws' differences
    are too high throughout, and their percentiles with them; only how they scatter about their own mean is taken over:
    difference - (upper percentile - mean) to difference + (mean - lower percentile), cut at zero. In a simulation of 30
    epochs that rise to a plateau, on 900 and 3,589 images, this held the expected difference 93 to 96 times in 100, the
    plain percentiles 100 times, a third to a half wider, and those mirrored at the difference (the basic bootstrap) 62
    to 70 times. With several seeds also Student's over the seeds; the wider of the two counts.

    Args:
        reported: of each seed, bool (epochs, n): whether each epoch is right on each of the images reported.
        others: of each seed, bool (epochs, m): the same of the images that an honest choice rests on.
        seed: of the draws.

    Raises:
        ValueError: if there is no seed, no epoch or no image, or the seeds' images differ in number.
    """
    _check_pairs(reported, others)
    pairs = list(zip(reported, others, strict=True))
    chosen = [(int(other.mean(axis=1).argmax()), int(own.mean(axis=1).argmax())) for own, other in pairs]
    honest = [float(own[first].mean()) for (own, _), (first, _) in zip(pairs, chosen, strict=True)]
    flattering = [float(own[second].mean()) for (own, _), (_, second) in zip(pairs, chosen, strict=True)]
    interval, rule = _interval(np.subtract(flattering, honest), _draw_differences(pairs, seed))
    return Flattery(
        tuple(first + 1 for first, _ in chosen),
        tuple(second + 1 for _, second in chosen),
        float(np.mean(honest)),
        float(np.mean(flattering)),
        interval,
        rule,
    )


def _interval(by_seed: np.ndarray, drawn: np.ndarray) -> tuple[Interval, str]:
    """Interval of the mean of `by_seed` (seeds,) from the differences of the draws (resamples,), and its rule."""
    difference = float(by_seed.mean())
    below, above = percentile_interval(drawn - drawn.mean())
    ends, rule = (difference - max(above, 0.0), difference - min(below, 0.0)), "images drawn anew, epochs chosen anew"
    if len(by_seed) > 1:
        over_seeds, student = mean_interval(by_seed.tolist()), f"Student t over {len(by_seed)} seeds"
        if over_seeds[1] - over_seeds[0] > ends[1] - ends[0]:
            ends, rule = over_seeds, f"{student} (wider than {rule})"
        else:
            rule = f"{rule} (wider than {student})"
    return (max(0.0, float(ends[0])), min(1.0, float(ends[1]))), rule


def _draw_differences(pairs: Sequence[tuple[np.ndarray, np.ndarray]], seed: int) -> np.ndarray:
    """Mean difference over the seeds in each draw of the images, the epochs chosen anew: float64 (resamples,)."""
    rng = np.random.default_rng(seed)
    n, m = pairs[0][0].shape[1], pairs[0][1].shape[1]
    drawn = []
    for _ in range(RESAMPLES // DRAWN_AT_ONCE):
        own_counts, other_counts = (
            rng.multinomial(size, np.full(size, 1 / size), size=DRAWN_AT_ONCE).astype(np.float32) for size in (n, m)
        )  # how often each image is drawn: whole numbers, which float32 adds up exactly
        differences = []
        for own, other in pairs:
            on_own, on_other = (own_counts @ own.T) / n, other_counts @ other.T  # each (drawn, epochs)
            honest = np.take_along_axis(on_own, on_other.argmax(axis=1)[:, None], axis=1)[:, 0]
            differences.append(on_own.max(axis=1) - honest)
        drawn.append(np.mean(differences, axis=0))
    return np.concatenate(drawn).astype(np.float64)


def _check_pairs(reported: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> None:
    shapes = [[np.shape(side) for side in pair] for pair in zip(reported, others, strict=False)]
    sizes = {tuple(shape[-1:] for shape in pair) for pair in shapes}
    fit = all(len(shape) == 2 and min(shape) > 0 for pair in shapes for shape in pair)
    paired = len(reported) == len(others) and all(own[0] == other[0] for own, other in shapes if fit)
    if not shapes or not fit or not paired or len(sizes) != 1:
        received = f"{[np.shape(own) for own in reported]} and {[np.shape(other) for other in others]}"
        raise ValueError(
            "reported and others must be (epochs, n) and (epochs, m) of each seed, n and m the same for all. "
            f"Received: {received}"
        )


def epoch_curves(groups: Mapping[str, Sequence[Run]]) -> pd.DataFrame:
    """Accuracy of every epoch on both splits, of the runs that predicted with each.

    Args:
        groups: name of a model -> its runs, one per seed; those without predictions of every epoch are left out.

    Returns:
        One row per epoch: model, seed, epoch (from 1), PublicTest, PrivateTest (fractions).
    """
    tables = []
    for name, run, found in _predicted(groups):
        accuracies = {"PublicTest": found.accuracies("validation"), "PrivateTest": found.accuracies("test")}
        epoch = np.arange(1, found.epochs + 1)
        tables.append(pd.DataFrame({"model": name, "seed": run.request["seed"], "epoch": epoch, **accuracies}))
    columns = ["model", "seed", "epoch", "PublicTest", "PrivateTest"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def flattery_table(groups: Mapping[str, Sequence[Run]]) -> pd.DataFrame:
    """What choosing the epoch on PrivateTest would have added to each accuracy reported on it (`measure_flattery`).

    Args:
        groups: name of a model -> its runs, one per seed; those without predictions of every epoch are left out.

    Returns:
        One row per run, and one over the seeds of each model that has several: model, seed ("all 3" there), epochs,
        kept epoch (by the run itself), best on PublicTest, best on PrivateTest (epochs, from 1; missing over several
        seeds), honest and flattering (accuracies on PrivateTest at these two), difference, low and high (95 %); then
        the other way round PublicTest (accuracy on it at the epoch that it chose), optimism (that less the accuracy on
        PublicTest at the epoch that PrivateTest would choose), optimism low, optimism high. Fractions.
    """
    rows = []
    for name in groups:
        found = [(run, predictions) for _, run, predictions in _predicted({name: groups[name]})]
        rows += [_flattery_row(name, str(run.request["seed"]), [(run, each)]) for run, each in found]
        if len(found) > 1:
            rows.append(_flattery_row(name, f"all {len(found)}", found))
    return pd.DataFrame(rows, columns=FLATTERY_COLUMNS)


def _flattery_row(name: str, seed: str, found: Sequence[tuple[Run, EpochPredictions]]) -> dict[str, Any]:
    public, private = ([each.right(split) for _, each in found] for split in ("validation", "test"))
    flattery, optimism = measure_flattery(private, public), measure_flattery(public, private)
    alone = len(found) == 1
    return {
        "model": name,
        "seed": seed,
        "epochs": found[0][1].epochs,
        "kept epoch": found[0][0].metrics["history"]["kept_epoch"] if alone else None,
        "best on PublicTest": flattery.honest_epochs[0] if alone else None,
        "best on PrivateTest": flattery.flattering_epochs[0] if alone else None,
        "honest": flattery.honest,
        "flattering": flattery.flattering,
        "difference": flattery.difference,
        "low": flattery.interval[0],
        "high": flattery.interval[1],
        "PublicTest": optimism.flattering,
        "optimism": optimism.difference,
        "optimism low": optimism.interval[0],
        "optimism high": optimism.interval[1],
    }


def _predicted(groups: Mapping[str, Sequence[Run]]) -> list[tuple[str, Run, EpochPredictions]]:
    read = [(name, run, read_epoch_predictions(run)) for name, runs in groups.items() for run in runs]
    return [(name, run, found) for name, run, found in read if found is not None]
