"""How sure a number is: intervals of a share, of a mean and of a difference, and McNemar's test. Plain JSON values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import bdtr, ndtri, stdtrit

Interval = tuple[float, float]
"""Lower and upper end, lower first."""

CONFIDENCE = 0.95
"""Confidence of every interval of this module."""


def wilson_interval(successes: float, n: int) -> Interval:
    """Wilson's 95 % score interval of a proportion.

    Args:
        successes: how many of the `n` succeeded, 0 ... n; a fraction where it is a mean over several models.
        n: number of trials, at least 1.

    Returns:
        Lower and upper end, both in [0, 1]; successes / n lies between them.

    Raises:
        ValueError: if `n` is below 1 or `successes` outside 0 ... n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"successes must be in 0 ... n with n at least 1. Received: successes={successes!r}, n={n!r}")
    z, share = _normal_quantile(), successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(min(share, max(0.0, centre - half))), float(max(share, min(1.0, centre + half)))


def mean_interval(values: Sequence[float], test_over_train: float = 0.0) -> Interval:
    """Student's 95 % interval of the mean of a few values, one per seed.

    Args:
        values: at least two.
        test_over_train: test images over training images, where each value is of a random split of its own: the
            training sets overlap, and the variance of the mean is 1 / k + test_over_train times that of the k values
            instead of 1 / k (Nadeau and Bengio 2003, the corrected resampled t-test). 0 for independent values.

    Raises:
        ValueError: if there are fewer than two values, one is not finite, or `test_over_train` is below 0.
    """
    sample = np.asarray(values, dtype=float)
    if sample.ndim != 1 or len(sample) < 2 or not np.isfinite(sample).all():
        raise ValueError(f"values must be at least two finite numbers. Received: {values!r}")
    if not test_over_train >= 0:
        raise ValueError(f"test_over_train must be at least 0. Received: {test_over_train!r}")
    quantile = float(stdtrit(len(sample) - 1, (1 + CONFIDENCE) / 2))
    independent = len(sample) / (1 + len(sample) * test_over_train)  # as many independent values would say as much
    half = quantile * sample.std(ddof=1) / np.sqrt(independent)
    return float(sample.mean() - half), float(sample.mean() + half)


def paired_difference(correct_a: np.ndarray, correct_b: np.ndarray) -> dict[str, Any]:
    """Difference of two accuracies measured on the same images, with its paired normal 95 % interval.

    Args:
        correct_a: bool (n,), whether the first model is right on each image; or float in [0, 1], the share of its
            seeds that are.
        correct_b: the same of the second model, images in the same order.

    Returns:
        n, difference (first minus second), interval [low, high].

    Raises:
        ValueError: if shapes differ, there are fewer than two images, or values lie outside [0, 1].
    """
    a, b = _paired(correct_a, correct_b)
    differences = a - b
    mean = float(differences.mean())
    half = _normal_quantile() * float(differences.std(ddof=1)) / float(np.sqrt(len(differences)))
    return {"n": len(differences), "difference": mean, "interval": [max(-1.0, mean - half), min(1.0, mean + half)]}


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> dict[str, Any]:
    """McNemar's two-sided test that two models are right equally often on the same images.

    Args:
        correct_a: bool (n,), whether the first model is right on each image.
        correct_b: bool (n,), the second, images in the same order.

    Returns:
        only_a and only_b, the images on which one model alone is right; p_exact, from the binomial distribution; p_mid,
        which counts the observed table half (less conservative; Fagerland et al. 2013). Both p are 1 where no image
        separates the models.

    Raises:
        ValueError: if shapes differ, there are fewer than two images, or values are not 0 or 1.
    """
    a, b = _paired(correct_a, correct_b)
    if not (np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all()):
        raise ValueError(f"correct must hold only right (1) and wrong (0). Received: {np.unique([a, b])[:5]}")
    only_a, only_b = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
    fewer, n = min(only_a, only_b), only_a + only_b
    tail = float(bdtr(fewer, n, 0.5))
    at_most_one_less = float(bdtr(fewer - 1, n, 0.5)) if fewer else 0.0
    return {
        "only_a": only_a,
        "only_b": only_b,
        "p_exact": min(1.0, 2 * tail),
        "p_mid": min(1.0, tail + at_most_one_less),
    }


def _normal_quantile() -> float:
    return float(ndtri((1 + CONFIDENCE) / 2))


def _paired(correct_a: np.ndarray, correct_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(correct_a, dtype=np.float64), np.asarray(correct_b, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(f"correct_a and correct_b must be (n,) of the same n >= 2. Received: {a.shape} and {b.shape}")
    for values in (a, b):
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError(f"correct must lie in [0, 1]. Received: {values.min()} to {values.max()}")
    return a, b
