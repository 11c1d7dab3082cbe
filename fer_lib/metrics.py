"""Labels and probabilities -> numbers. Everything returned is plain JSON: no array, no NaN."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.intervals import wilson_interval
from fer_lib.labels import EMOTIONS

ZERO_DIVISION = 0.0
"""What an undefined precision, recall or F1 counts as (a class never predicted, or without images)."""

SMALLEST_PROBABILITY = 1e-7
"""Probabilities below this count as this much in the log loss, so that a stored zero does not make it infinite."""

CALIBRATION_BINS = 15


def classification_metrics(
    labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str] = EMOTIONS
) -> dict[str, Any]:
    """Compute every number the reports show of one split under one view.

    Args:
        labels: int (n,), true classes in 0 ... classes - 1.
        probabilities: float (n, classes) in [0, 1], rows summing to one; the largest is the prediction, the first of
            equals.
        class_names: names in the order of the labels.

    Returns:
        A JSON-ready dict: n, accuracy, accuracy_interval [low, high] (Wilson, 95 %), macro_precision, macro_recall and
        macro_f1 (unweighted means over all classes), weighted_precision, weighted_recall and weighted_f1 (means
        weighted by the classes' images; the recall equals the accuracy), log_loss (nats), expected_calibration_error
        (15 bins of equal width), then by class name precision, recall, f1, support (images), predicted_share (fraction
        of the predictions); confusion (counts, rows true, columns predicted), classes, zero_division (what undefined
        values count as).

    Raises:
        ValueError: if shapes, labels or probabilities are not as above, or there is no image.
    """
    labels, probabilities = _checked(labels, probabilities, len(class_names))
    n, classes = probabilities.shape
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
    of_truth = np.clip(probabilities[np.arange(n), labels], SMALLEST_PROBABILITY, 1.0)
    return {
        **confusion_metrics(confusion, class_names),
        "log_loss": float(-np.log(of_truth).mean()),
        "expected_calibration_error": _calibration_error(probabilities.max(axis=1), predicted == labels),
    }


def confusion_metrics(confusion: np.ndarray, class_names: Sequence[str] = EMOTIONS) -> dict[str, Any]:
    """Compute what follows from counts alone.

    Args:
        confusion: int (classes, classes), images by true class (rows) and predicted one; at least one image.
        class_names: names in the order of the classes.

    Returns:
        What `classification_metrics` returns, without log_loss and expected_calibration_error.
    """
    support, called = confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall, f1 = class_scores(confusion).values()
    correct, n = int(np.trace(confusion)), int(confusion.sum())
    return {
        "n": n,
        "accuracy": correct / n,
        "accuracy_interval": list(wilson_interval(correct, n)),
        "macro_precision": float(precision.mean()),
        "macro_recall": float(recall.mean()),
        "macro_f1": float(f1.mean()),
        "weighted_precision": float(precision @ support) / n,
        "weighted_recall": float(recall @ support) / n,
        "weighted_f1": float(f1 @ support) / n,
        "precision": _by_class(class_names, precision),
        "recall": _by_class(class_names, recall),
        "f1": _by_class(class_names, f1),
        "support": {name: int(count) for name, count in zip(class_names, support, strict=True)},
        "predicted_share": _by_class(class_names, called / n),
        "confusion": confusion.tolist(),
        "classes": list(class_names),
        "zero_division": ZERO_DIVISION,
    }


def class_scores(confusions: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall and F1 of each class, in this order; zero where a class gives nothing to divide by.

    Args:
        confusions: int (..., classes, classes), images by true class and predicted one.

    Returns:
        float64 (..., classes) each.
    """
    support, called = confusions.sum(axis=-1), confusions.sum(axis=-2)
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    return {
        "precision": _divide(hits, called),
        "recall": _divide(hits, support),
        "f1": _divide(2 * hits, support + called),
    }


def curve_metrics(history: pd.DataFrame) -> dict[str, float]:
    """Describe the course of a training in a few numbers.

    Args:
        history: one row per epoch with columns accuracy and val_accuracy, fractions, and val_loss.

    Returns:
        late_gain, the rise of the training accuracy over the last quarter of the epochs (the last epoch minus the one a
        quarter, at least one epoch, before it); early_gap, validation minus training accuracy, mean over the first
        quarter; validation_roughness, mean absolute change of the validation accuracy from epoch to epoch over the
        last half; validation_loss_rise, the last validation loss over the lowest, minus one, left out where a loss is
        not finite.

    Raises:
        ValueError: if there are fewer than two epochs.
    """
    epochs = len(history)
    if epochs < 2:
        raise ValueError(f"history must hold at least two epochs. Received: {epochs}")
    accuracy = history["accuracy"].to_numpy(dtype=float)
    validation = history["val_accuracy"].to_numpy(dtype=float)
    quarter = max(1, epochs // 4)
    changes = np.abs(np.diff(validation))
    loss = history["val_loss"].to_numpy(dtype=float)
    return {
        "late_gain": float(accuracy[-1] - accuracy[-1 - quarter]),
        "early_gap": float((validation - accuracy)[:quarter].mean()),
        "validation_roughness": float(changes[-max(1, epochs // 2) :].mean()),
        **({"validation_loss_rise": float(loss[-1] / loss.min() - 1)} if np.isfinite(loss).all() else {}),
    }


def _checked(labels: np.ndarray, probabilities: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels int64 (n,) and probabilities float64 (n, classes), or a ValueError."""
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    if labels.ndim != 1 or len(labels) == 0 or probabilities.shape != (len(labels), classes):
        shapes = f"labels {labels.shape}, probabilities {probabilities.shape}, {classes} class names"
        raise ValueError(f"labels must be (n,) and probabilities (n, classes), n at least 1. Received: {shapes}")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= classes:
        received = f"{labels.dtype} from {labels.min()} to {labels.max()}"
        raise ValueError(f"labels must be whole numbers in 0 ... {classes - 1}. Received: {received}")
    sums = probabilities.sum(axis=1)  # half precision is off by a few thousandths; NaN fails every comparison
    bad = ~((probabilities >= 0).all(axis=1) & (np.abs(sums - 1) <= 0.01))
    if bad.any():
        row = int(bad.argmax())
        received = f"row {row}: {probabilities[row].tolist()}"
        raise ValueError(f"probabilities must be in [0, 1], each row summing to one. Received: {received}")
    return labels.astype(np.int64), probabilities


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    safe = np.maximum(denominator, 1)
    return np.where(denominator > 0, numerator / safe, ZERO_DIVISION)


def _by_class(class_names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(class_names, values, strict=True)}


def _calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Mean distance of confidence and accuracy over bins of equal width, weighted by the images in each."""
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=confidence - correct, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(confidence))
