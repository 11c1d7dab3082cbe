"""What every model is to those that score it, a network's or a classifier's: a function of images."""

from collections.abc import Callable

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]
"""From images uint8 (n, h, w, c) to probabilities float32 (n, classes)."""
