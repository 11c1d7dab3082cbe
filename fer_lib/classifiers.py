"""Classifiers on pixels from scikit-learn: the baselines of the papers."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from fer_lib.datasets import Split
from fer_lib.predictors import Predict

_CLASSIFIERS: dict[str, Callable[..., Any]] = {
    "lda": LinearDiscriminantAnalysis,
    "qda": QuadraticDiscriminantAnalysis,
    "softmax_regression": LogisticRegression,
}


def names() -> list[str]:
    """Names that `fit_classifier` takes, sorted."""
    return sorted(_CLASSIFIERS)


def fit_classifier(name: str, train: Split, classes: int, side: int | None = None, **options: Any) -> Predict:
    """Fit a scikit-learn classifier on pixels.

    Args:
        name: `lda`, `qda` or `softmax_regression` (Shi, section 4.1).
        train: images uint8 (n, h, w, c) and labels int64 (n,).
        classes: width of the probabilities; a class that `train` lacks gets zero.
        side: pixels a side that images are reduced to by averaging blocks, a divisor of theirs; None keeps them.
        **options: arguments of the classifier.

    Returns:
        A function from uint8 (n, h, w, c) to float32 probabilities (n, classes).

    Raises:
        ValueError: if there is no such classifier, or `side` does not divide the images.
    """
    if name not in _CLASSIFIERS:
        raise ValueError(f"classifier must be one of {names()}. Received: {name!r}")
    classifier = _CLASSIFIERS[name](**options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the iterations are the card's budget, as an epoch is
        classifier.fit(_pixels(train.images, side), train.labels)

    def predict(images: np.ndarray) -> np.ndarray:
        probabilities = np.zeros((len(images), classes), dtype=np.float32)
        probabilities[:, classifier.classes_] = classifier.predict_proba(_pixels(images, side))
        return probabilities

    return predict


def _pixels(images: np.ndarray, side: int | None) -> np.ndarray:
    """uint8 (n, h, w, c) -> float32 (n, features) in [0, 1]: every pixel, or means of blocks, `side` of them a side."""
    count, height, width, channels = images.shape
    if side is not None:
        if height % side or width % side:
            raise ValueError(f"side must divide images of {height}x{width} pixels. Received: {side}")
        blocks = images.reshape(count, side, height // side, side, width // side, channels)
        images = blocks.mean(axis=(2, 4), dtype=np.float32)  # (n, side, side, c)
    return images.reshape(count, -1).astype(np.float32) / 255.0
