"""The number a claim speaks of, read from run folders: mean over the seeds, its interval, and the rule that made it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fer_lib.bootstrap import score_interval
from fer_lib.intervals import Interval, paired_difference, wilson_interval
from fer_lib.labels import GROUPINGS
from fer_lib.metric_paths import (
    SUBSETS,
    MissingNumber,
    images_behind,
    is_mean_of_classes,
    pictures_per_image,
    read_number,
)
from fer_lib.metrics import classification_metrics
from fer_lib.papers.claim_kinds import Claim, DifferenceClaim, SplitName, ValueClaim
from fer_lib.runs import Predictions, Run, describe_run
from fer_lib.seeds import Measurement, number_of, summarise

WITH_TRANSFORMS = "pictures, each with its transforms"


def split_metrics(run: Run, claim: Claim, grouping: str | None) -> dict[str, Any]:
    """Classification metrics of the claim's split and view; under a grouping, computed anew from saved probabilities.

    Raises:
        MissingNumber: if the run does not hold them.
    """
    if grouping is None:
        found = run.metrics.get(claim.split or "", {}).get(claim.view)
        if not found:
            raise MissingNumber(f"{describe_run(run)} has no metrics of {claim.split} ({claim.view})")
        return found
    merge, saved = GROUPINGS[grouping], _predictions(run, claim)
    merged = classification_metrics(
        merge.labels(saved.labels), merge.probabilities(saved.probabilities), class_names=merge.classes
    )
    return {**merged, "originals": len(np.unique(saved.rows))}


def measure(runs: Sequence[Run], claim: Claim, metric: str) -> Measurement:
    """Mean of a number over the runs of one variant, one run per seed.

    The interval is Wilson's on the images behind a share (accuracy: the split; recall: the class), that of images drawn
    anew of an F1 score and of means over classes, and Student's over the seeds where there are several, corrected where
    each has its own split; the wider of those that there are.

    Raises:
        MissingNumber: if a run does not hold the number.
    """
    if claim.split is None:
        found = summarise(runs, [number_of(run, run.metrics, metric) for run in runs], *_stored_interval(runs, metric))
        return found.within_a_share() if metric.endswith("_accuracy") else found
    metrics = [split_metrics(run, claim, claim.grouping) for run in runs]
    values = [number_of(run, found, metric) for run, found in zip(runs, metrics, strict=True)]
    mean = float(np.mean(values))
    counts = [images_behind(found, metric) for found in metrics]
    images = round(float(np.mean([count or 0 for count in counts])))
    if images:
        wilson = wilson_interval(min(max(mean, 0.0), 1.0) * images, images)
        rule = f"Wilson 95 % on {images:,} {_name_of_images(metrics)}"
        return summarise(runs, values, wilson, rule).within_a_share()
    if not is_mean_of_classes(metric):
        return summarise(runs, values)
    return summarise(runs, values, *_resampled_interval(metrics, metric)).within_a_share()


def _resampled_interval(metrics: Sequence[dict[str, Any]], metric: str) -> tuple[Interval | None, str]:
    """Interval of an F1 score or a mean over classes from images drawn anew, and how; none where no counts are."""
    if any("confusion" not in found for found in metrics):
        return None, ""
    head, *of_class = metric.split(".")
    images = round(float(np.mean([found["n"] * pictures_per_image(found) for found in metrics])))
    place = metrics[0]["classes"].index(of_class[0]) if of_class else 0
    confusions = [np.array(found["confusion"]) for found in metrics]
    rule = f"bootstrap 95 % on {images:,} {_name_of_images(metrics)}"
    return score_interval(confusions, images, head, place), rule


def measure_accuracy(runs: Sequence[Run], split: SplitName = "test", view: str = "single") -> Measurement:
    """Mean accuracy of one variant and its interval, made as for a claim on it; raises as `measure`."""
    told = {"id": "accuracy", "says": "accuracy", "where": "here", "kind": "value", "variant": "any"}
    claim = {**told, "split": split, "view": view, "metric": "accuracy", "published": "0 %"}
    return measure(runs, ValueClaim.model_validate(claim), "accuracy")


def measure_difference(pairs: Sequence[tuple[Run, Run]], claim: DifferenceClaim) -> Measurement:
    """Mean over the seeds of one variant's number minus another's.

    The interval of an accuracy is the paired normal one over the same images (each image's difference averaged over the
    seeds), and Student's over the seeds where there are several; of the two the wider. Other numbers, and accuracies of
    seeds that have their own test images, have Student's alone.

    Raises:
        MissingNumber: if a run does not hold the number or its predictions, or two runs of a pair predicted different
            images.
    """
    values = [_of_run(a, claim, claim.grouping) - _of_run(b, claim, None) for a, b in pairs]
    seconds = {b.folder for _, b in pairs}
    runs = [b if len(seconds) == len(pairs) else a for a, b in pairs]  # a classifier stands in every pair
    if claim.split is None or claim.metric != "accuracy":
        return summarise(runs, values)
    correct = [(_correct(a, claim, claim.grouping), _correct(b, claim, None)) for a, b in pairs]
    for (a, b), (first, second) in zip(pairs, correct, strict=True):
        if not np.array_equal(first[0], second[0]):
            names = f"{describe_run(a)} and {describe_run(b)}"
            raise MissingNumber(f"{names} predicted different images, or in another order")
    if any(not np.array_equal(first[0], correct[0][0][0]) for first, _ in correct):
        return summarise(runs, values)
    rows = correct[0][0][0]
    found = paired_difference(
        *(right_by_picture(rows, [side[1] for side in sides]) for sides in zip(*correct, strict=True))
    )
    # Centred on the stored metrics: saved probabilities may be rounded to half precision.
    shift = float(np.mean(values)) - found["difference"]
    ends = (found["interval"][0] + shift, found["interval"][1] + shift)
    what = "images" if found["n"] == len(rows) else WITH_TRANSFORMS
    return summarise(runs, values, ends, f"paired normal 95 % on {found['n']:,} {what}")


def measure_matrix(runs: Sequence[Run], claim: Claim) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Confusion matrix as shares of the true class, mean over the seeds.

    Returns:
        Class names; float64 (classes, classes) shares, rows true; int64 (classes,) images of each true class, mean
        over the seeds, a picture with its transforms counted once.

    Raises:
        MissingNumber: if a run does not hold it or a class has no image.
    """
    metrics = [split_metrics(run, claim, claim.grouping) for run in runs]
    counts = np.array([found["confusion"] for found in metrics])  # (seeds, classes, classes)
    support = counts.sum(axis=2, keepdims=True)  # (seeds, classes, 1)
    if not support.all():
        raise MissingNumber(f"no image of class {metrics[0]['classes'][int(support.min(axis=0).argmin())]!r}")
    independent = [pictures_per_image(found) * of_seed[:, 0] for found, of_seed in zip(metrics, support, strict=True)]
    pictures = np.maximum(np.mean(independent, axis=0).round().astype(np.int64), 1)
    return metrics[0]["classes"], (counts / support).mean(axis=0), pictures


def _stored_interval(runs: Sequence[Run], metric: str) -> tuple[Interval | None, str]:
    """The interval that runs hold of a number, mean over the runs, and how it was made; none mostly."""
    try:
        low, high = (np.mean([read_number(run.metrics, f"{metric}_{end}") for run in runs]) for end in ("low", "high"))
    except MissingNumber:
        return None, ""
    group = runs[0].metrics[metric.split(".")[0]]
    counted = next(unit for unit in ("images", "rounds") if unit in group)
    return (float(low), float(high)), f"{group['interval']} on {group[counted]:,} {counted}"


def _name_of_images(metrics: Sequence[dict[str, Any]]) -> str:
    return "images" if all(pictures_per_image(found) == 1 for found in metrics) else WITH_TRANSFORMS


def right_by_picture(rows: np.ndarray, correct: Sequence[np.ndarray]) -> np.ndarray:
    """Share of runs, and of the images made from it, that are right on each picture.

    Args:
        rows: int64 (n,), row of each image; transforms have the row of their picture.
        correct: bool (n,) of each run.

    Returns:
        float (pictures,); images stay as they are where each is a picture of its own.
    """
    shares = np.mean(correct, axis=0)
    pictures, of_image, counts = np.unique(rows, return_inverse=True, return_counts=True)
    return shares if len(pictures) == len(rows) else np.bincount(of_image, weights=shares) / counts


def _of_run(run: Run, claim: DifferenceClaim, grouping: str | None) -> float:
    found = split_metrics(run, claim, grouping) if claim.split else run.metrics
    return number_of(run, found, claim.metric)


def _predictions(run: Run, claim: Claim) -> Predictions:
    try:
        return run.predictions(claim.split or "", claim.view)
    except (FileNotFoundError, KeyError):
        missing = f"{describe_run(run)} has no saved predictions of {claim.split} ({claim.view})"
        if claim.view in SUBSETS:
            missing += ", only metrics of that part of the images"
        raise MissingNumber(missing) from None


def _correct(run: Run, claim: Claim, grouping: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows int64 (n,) of a run's images and whether it is right on each, bool (n,)."""
    saved = _predictions(run, claim)
    labels, probabilities = saved.labels, saved.probabilities
    if grouping is not None:
        labels, probabilities = GROUPINGS[grouping].labels(labels), GROUPINGS[grouping].probabilities(probabilities)
    return saved.rows, probabilities.argmax(axis=1) == labels
