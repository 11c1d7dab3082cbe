"""Accuracies on the same images side by side: networks, views of an image, ensembles and their better member."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from fer_lib.intervals import mcnemar, paired_difference
from fer_lib.measurements import right_by_picture
from fer_lib.runs import Run
from fer_lib.tables.overview import as_percent

FORMATS = {
    **dict.fromkeys(("difference", "gain", "low", "high"), "{:+.2%}"),
    **dict.fromkeys(("PublicTest", "PublicTest published", "PrivateTest", "PrivateTest published"), "{:.3%}"),
    "p_exact": "{:.2g}",
    "weight": "{:.2f}",
    "strength": "{:g}",
    "log loss": "{:.3f}",
    **dict.fromkeys(("PSNR", "PSNR low", "PSNR high"), "{:.2f}"),
    **dict.fromkeys(("PSNR over bicubic", "PSNR over bicubic low", "PSNR over bicubic high"), "{:+.2f}"),
    **dict.fromkeys(("SSIM", "SSIM low", "SSIM high"), "{:.4f}"),
    **dict.fromkeys(("SSIM over bicubic", "SSIM over bicubic low", "SSIM over bicubic high"), "{:+.4f}"),
}
"""How `as_compared` prints columns that are no plain fractions: differences in points, others in units of their own."""


class _Answers(NamedTuple):
    """Which images of a split a run is right on: rows and labels int64 (n,), right bool (n,)."""

    run: Run
    rows: np.ndarray
    labels: np.ndarray
    right: np.ndarray


def paired_table(
    groups: Mapping[str, Sequence[Run]], baseline: str, split: str = "test", view: str = "single"
) -> pd.DataFrame:
    """Each group of runs against one of them, image by image.

    Runs of equal seeds are paired, seeds that only one of the two groups has are left out. Where there are several,
    an image counts with the share of the seeds that are right on it, and McNemar's test becomes the sign test on
    the images that more seeds of the one than of the other are right on; of one seed the two are the same. Transforms
    of a picture stand or fall together, so that each picture counts once.

    Args:
        groups: name of a model -> its runs, one per seed, with saved predictions; those without a run are left out.
        baseline: the group that the others are compared with.
        split: train, validation or test.
        view: view of the split.

    Returns:
        One row per other group: model, seeds (how many were paired), images, accuracy, difference (accuracy minus the
        baseline's), low and high (its paired normal 95 % interval), only here and only baseline (images that the one
        alone is right on), p_exact (McNemar's exact two-sided test). All but the counts and p are fractions.

    Raises:
        ValueError: if the baseline has no run, a group shares no seed with it, or runs have no such predictions or
            those of different images.
    """
    if not groups.get(baseline):
        known = [name for name, runs in groups.items() if runs]
        raise ValueError(f"baseline must be a group with runs, one of {known}. Received: {baseline!r}")
    others = {name: runs for name, runs in groups.items() if name != baseline and runs}
    rows = []
    for name, runs in others.items():
        pairs = _pair_seeds(name, runs, groups[baseline])
        here, there = ([_answers(run, split, view) for run in side] for side in zip(*pairs, strict=True))
        rows.append({"model": name, **_compare(here, there)})
    return pd.DataFrame(rows)


def view_table(groups: Mapping[str, Sequence[Run]]) -> pd.DataFrame:
    """Test accuracy on the plain image, and on the mean over ten crops of it (`crops.ten_crops`).

    Args:
        groups: name of a model -> its runs, one per seed; those that were not tested on ten crops are left out.

    Returns:
        One row per group that has ten crops: model, seeds, images, single, ten crops (accuracies, means over the
        seeds), difference (ten crops minus single), low and high (its paired normal 95 % interval). All but the counts
        are fractions.

    Raises:
        ValueError: if runs of a group have no saved predictions, or those of different images.
    """
    rows = []
    for name, runs in groups.items():
        cropped = [run for run in runs if "ten_crops" in run.metrics.get("test", {})]
        if not cropped:
            continue
        crops, single = ([_answers(run, "test", view) for run in cropped] for view in ("ten_crops", "single"))
        found = _compare(crops, single)
        accuracies = {"single": found["accuracy"] - found["difference"], "ten crops": found["accuracy"]}
        interval = {end: found[end] for end in ("difference", "low", "high")}
        rows.append({"model": name, "seeds": found["seeds"], "images": found["images"], **accuracies, **interval})
    return pd.DataFrame(rows)


def ensemble_table(groups: Mapping[str, Sequence[Run]]) -> pd.DataFrame:
    """Ensembles against the better of their members, on the same test images.

    All that is chosen is chosen on PublicTest, the better member too (`ensemble.compare_with_better_member`).

    Args:
        groups: name of an ensemble -> its runs, one per seed.

    Returns:
        One row per run and view: ensemble, seed, view, fusion ("average" of probabilities, or "features"), weight (of
        the first member's probabilities), strength (L2 penalty of the softmax layer on features), better member, its
        accuracy, accuracy (of the ensemble), gain, low and high (its paired normal 95 % interval), only ensemble and
        only member (images that the one alone is right on), p_exact (McNemar's exact two-sided test). Accuracies, gain
        and interval are fractions; of weight and strength one is NaN.

    Raises:
        ValueError: if a run is no ensemble.
    """
    rows = []
    for name, run in _each(groups):
        for view, found in _ensembles(run).items():
            low, high = found["gain_interval"]
            rows.append(
                {
                    "ensemble": name,
                    "seed": run.request["seed"],
                    "view": view.replace("_", " "),
                    "fusion": run.request["model"],
                    "weight": found.get("weight", np.nan),
                    "strength": found.get("strength", np.nan),
                    "better member": found["better_member"],
                    "its accuracy": found["member_accuracies"][found["better_member"]],
                    "accuracy": found["accuracy"],
                    "gain": found["gain"],
                    "low": low,
                    "high": high,
                    "only ensemble": found["only_ensemble"],
                    "only member": found["only_member"],
                    "p_exact": found["p_exact"],
                }
            )
    return pd.DataFrame(rows)


def penalty_table(groups: Mapping[str, Sequence[Run]]) -> pd.DataFrame:
    """Penalties tried where features were fused: what the layer makes of images that the networks know, and of others.

    Args:
        groups: name of an ensemble -> its runs, one per seed; averages, which have no penalty, are left out.

    Returns:
        One row per run and penalty, the strongest first: ensemble, seed, strength, chosen (bool), train accuracy,
        validation accuracy (on PublicTest, which chose; fractions), log loss (there, nats), iterations, converged
        (bool).

    Raises:
        ValueError: if a run is no ensemble.
    """
    rows = []
    for name, run in _each(groups):
        found = next(iter(_ensembles(run).values()))  # one layer serves all views
        rows += [
            {
                "ensemble": name,
                "seed": run.request["seed"],
                "strength": trial["strength"],
                "chosen": trial["strength"] == found["strength"],
                "train accuracy": trial["train_accuracy"],
                "validation accuracy": trial["validation_accuracy"],
                "log loss": trial["validation_log_loss"],
                "iterations": trial["iterations"],
                "converged": trial["converged"],
            }
            for trial in found.get("trials", [])
        ]
    return pd.DataFrame(rows)


def as_compared(table: pd.DataFrame) -> Styler:
    """Show a table of this module or of `tables.networks`: as `as_percent`, but each column of `FORMATS` in its way."""
    style = as_percent(table)
    for name in (str(name) for name in table if name in FORMATS):
        style = style.format(FORMATS[name], subset=[name], na_rep="–")
    return style


def _each(groups: Mapping[str, Sequence[Run]]) -> list[tuple[str, Run]]:
    return [(name, run) for name, runs in groups.items() for run in runs]


def _ensembles(run: Run) -> dict[str, dict[str, Any]]:
    """What an ensemble chose and gained, by view."""
    found = run.metrics.get("ensemble")
    if not found:
        raise ValueError(f"every run must be an ensemble. Received: {run.folder}")
    return found


def _pair_seeds(name: str, runs: Sequence[Run], others: Sequence[Run]) -> list[tuple[Run, Run]]:
    """Runs of equal seeds, in the order of the first group."""
    firsts, seconds = ({run.request["seed"]: run for run in side} for side in (runs, others))
    pairs = [(run, seconds[seed]) for seed, run in firsts.items() if seed in seconds]
    if not pairs:
        received = f"{list(firsts)} and {list(seconds)}"
        raise ValueError(f"{name!r} must share a seed with the baseline. Received: {received}")
    return pairs


def _answers(run: Run, split: str, view: str) -> _Answers:
    try:
        saved = run.predictions(split, view)
    except (FileNotFoundError, KeyError):
        raise ValueError(f"every run must have predictions of {split} ({view}). Received: {run.folder}") from None
    return _Answers(run, saved.rows, saved.labels, saved.probabilities.argmax(axis=1) == saved.labels)


def _compare(here: Sequence[_Answers], there: Sequence[_Answers]) -> dict[str, Any]:
    """Answers of as many seeds on the same images: accuracy of the first, its difference from the second, the tests."""
    first = here[0]
    for other in (*here[1:], *there):
        if not (np.array_equal(first.rows, other.rows) and np.array_equal(first.labels, other.labels)):
            received = f"{first.run.folder} and {other.run.folder}"
            raise ValueError(
                f"runs must have predicted the same images and classes, in one order. Received: {received}"
            )
    shares, baseline = (right_by_picture(side[0].rows, [found.right for found in side]) for side in (here, there))
    found, signs = paired_difference(shares, baseline), mcnemar(shares > baseline, shares < baseline)
    return {
        "seeds": len(here),
        "images": found["n"],
        "accuracy": float(shares.mean()),
        "difference": found["difference"],
        "low": found["interval"][0],
        "high": found["interval"][1],
        "only here": signs["only_a"],
        "only baseline": signs["only_b"],
        "p_exact": signs["p_exact"],
    }
