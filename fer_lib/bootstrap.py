"""Intervals by resampling, for numbers whose distribution nobody has written down."""

from collections.abc import Sequence

import numpy as np

from fer_lib.intervals import CONFIDENCE, Interval
from fer_lib.metrics import class_scores

RESAMPLES = 2000
"""Times that the images are drawn anew."""


def ratio_interval(first: np.ndarray, others: Sequence[np.ndarray], seed: int = 0) -> Interval:
    """Percentile bootstrap interval of a mean over the highest of other means, of the same images.

    Args:
        first: float (n,), a number of each image, not negative.
        others: the same of each of the others, float (n,); the highest of their means divides.
        seed: of the draws.

    Returns:
        Ends of the 95 % interval (Efron and Tibshirani 1993, section 13.3); draws in which all others are zero do not
        count.

    Raises:
        ValueError: if there is no image, no other, or the lengths differ.
    """
    shapes = [np.shape(values) for values in (first, *others)]
    if len(shapes) < 2 or len(set(shapes)) != 1 or len(shapes[0]) != 1 or shapes[0] == (0,):
        raise ValueError(f"first and each of the others must be (n,) of the same n >= 1. Received: {shapes}")
    rng = np.random.default_rng(seed)
    n = len(first)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)  # (resamples, n): how often each image is drawn
    divisors = np.max([counts @ other for other in others], axis=0)
    ratios = (counts @ first)[divisors > 0] / divisors[divisors > 0]
    return percentile_interval(ratios) if len(ratios) else (0.0, np.inf)


def score_interval(confusions: Sequence[np.ndarray], images: int, metric: str, place: int = 0) -> Interval | None:
    """Bootstrap interval of an F1 score, or of a mean of the classes' scores, over the images behind it.

    The images are drawn anew from the mean of the confusion matrices, which is all that such a number depends on; the
    interval lies about the mean of the matrices' own numbers as the drawn ones lie about theirs.

    Args:
        confusions: int (classes, classes) of each seed, true class by predicted one.
        images: how many are drawn: the images of a split, pictures with their transforms counted once.
        metric: "f1" of the class at `place`, or "macro_" or "weighted_" with precision, recall or f1.
        place: of the class.

    Returns:
        Ends of the 95 % interval (Efron and Tibshirani 1993, section 13.3), not cut off at zero or one; None where all
        draws give the same number, as of a class that is never recognised: they do not tell how sure that is.
    """
    shares = np.mean([confusion / confusion.sum() for confusion in confusions], axis=0)
    drawn = np.random.default_rng(0).multinomial(images, shares.ravel(), size=RESAMPLES)
    numbers = _score(drawn.reshape(RESAMPLES, *shares.shape), metric, place)
    low, high = percentile_interval(numbers - numbers.mean())
    if low == high:
        return None
    mean = float(np.mean([_score(np.asarray(confusion), metric, place) for confusion in confusions]))
    return mean + low, mean + high


def percentile_interval(drawn: np.ndarray) -> Interval:
    """The middle 95 % of resampled numbers float (draws,), at least one."""
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return float(low), float(high)


def _score(confusions: np.ndarray, metric: str, place: int) -> np.ndarray:
    """A score of int (..., classes, classes): float64 (...)."""
    mean, _, score = metric.rpartition("_")
    of_classes = class_scores(confusions)[score]
    if mean == "weighted":
        support = confusions.sum(axis=-1)
        return np.asarray((of_classes * support).sum(axis=-1) / support.sum(axis=-1))
    return np.asarray(of_classes.mean(axis=-1) if mean == "macro" else of_classes[..., place])
