"""Numbers of two runs on the same images, and intervals of their differences from images drawn anew."""

from dataclasses import dataclass

import numpy as np

from fer_lib.bootstrap import RESAMPLES, percentile_interval
from fer_lib.comparing.images import CommonImages
from fer_lib.intervals import Interval
from fer_lib.metrics import SMALLEST_PROBABILITY, class_scores

OVERALL = ("accuracy", "macro_f1", "log_loss", "overconfidence")
"""Numbers of all images whose differences are resampled, before the recalls of the classes."""

SEED = 0
"""Of the draws."""

DRAWN_AT_ONCE = 200_000
"""Images that are held at the same time."""


@dataclass(frozen=True)
class _Answers:
    """Of each image: true class and prediction as one number, log loss (nats), probability of the prediction."""

    classes: int
    cells: np.ndarray
    losses: np.ndarray
    confidences: np.ndarray


def difference_intervals(images: CommonImages) -> tuple[dict[str, Interval], dict[str, Interval | None]]:
    """Paired percentile bootstrap: the same images are drawn for both runs, `RESAMPLES` times with seed `SEED`.

    Returns:
        Ends of the 95 % interval of the second run's number minus the first's, of each of `OVERALL`; and of the recall
        of each class by name, without the draws that hold no image of the class, None where no draw does.
    """
    a, b = (_answers(images.labels, probabilities) for probabilities in (images.a, images.b))
    rng, n = np.random.default_rng(SEED), len(images.rows)
    differences, at_once = [], max(1, DRAWN_AT_ONCE // n)
    for start in range(0, RESAMPLES, at_once):
        drawn = rng.integers(n, size=(min(at_once, RESAMPLES - start), n))
        differences.append(_numbers(b, drawn) - _numbers(a, drawn))
    ends = [_percentiles(values) for values in np.concatenate(differences).T]
    overall = {name: interval for name, interval in zip(OVERALL, ends, strict=False) if interval}
    return overall, dict(zip(images.classes, ends[len(OVERALL) :], strict=True))


def overconfidence(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean probability of the predicted class minus the share of right predictions; above zero where a run is too sure.

    Args:
        labels: int64 (n,), true classes.
        probabilities: float (n, classes).
    """
    confidences = probabilities.max(axis=1, initial=0).astype(np.float64)
    return float(confidences.mean() - (probabilities.argmax(axis=1) == labels).mean())


def _answers(labels: np.ndarray, probabilities: np.ndarray) -> _Answers:
    classes = probabilities.shape[1]
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return _Answers(
        classes=classes,
        cells=labels * classes + probabilities.argmax(axis=1),
        losses=-np.log(np.clip(of_truth, SMALLEST_PROBABILITY, 1.0)),
        confidences=probabilities.max(axis=1).astype(np.float64),
    )


def _numbers(answers: _Answers, drawn: np.ndarray) -> np.ndarray:
    """Those of `OVERALL`, then the recall of each class, NaN without images, of images at places `drawn` (draws, n).

    Returns:
        float64 (draws, numbers).
    """
    draws, k = len(drawn), answers.classes
    cells = answers.cells[drawn] + k * k * np.arange(draws)[:, None]
    confusion = np.bincount(cells.ravel(), minlength=draws * k * k).reshape(draws, k, k)
    scores = class_scores(confusion)
    accuracy = np.trace(confusion, axis1=1, axis2=2) / drawn.shape[1]
    recalls = np.where(confusion.sum(axis=2) > 0, scores["recall"], np.nan)
    loss, confidence = answers.losses[drawn].mean(axis=1), answers.confidences[drawn].mean(axis=1)
    return np.column_stack([accuracy, scores["f1"].mean(axis=1), loss, confidence - accuracy, recalls])


def _percentiles(values: np.ndarray) -> Interval | None:
    """Ends of the 95 % interval of float (resamples,), NaN left out (Efron and Tibshirani 1993, section 13.3)."""
    defined = values[~np.isnan(values)]
    return percentile_interval(defined) if len(defined) else None
