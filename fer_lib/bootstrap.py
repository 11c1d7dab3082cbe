"""Intervals by resampling, for numbers whose distribution nobody has written down."""

from collections.abc import Sequence

import numpy as np

from fer_lib.metrics import CONFIDENCE, Interval

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
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(ratios, [tail, 100 - tail]) if len(ratios) else (0.0, np.inf)
    return float(low), float(high)
