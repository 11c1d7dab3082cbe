"""Two networks together: their probabilities averaged, and any ensemble against its better member.

Every choice here is made on validation images; what a function is given of a test set it only measures. Nothing is
random: the same arrays give the same ensemble. What Liu, Zhang and Xin (2019, section 1) do, fusing feature vectors, is
in `feature_fusion`, and why both ways stand side by side.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fer_lib.intervals import mcnemar, paired_difference
from fer_lib.metrics import classification_metrics

DIGITS = 9
"""Decimals to which log losses are compared, so that rounding decides no tie."""


def average_probabilities(first: np.ndarray, second: np.ndarray, weight: float) -> np.ndarray:
    """Weighted mean of two networks' probabilities: float32 (n, classes), `weight` being that of the first.

    Raises:
        ValueError: if the shapes differ or the weight is outside [0, 1].
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.ndim != 2 or first.shape != second.shape:
        raise ValueError(f"both must be (n, classes) of one shape. Received: {first.shape} and {second.shape}")
    if not 0 <= weight <= 1:
        raise ValueError(f"weight must be in [0, 1]. Received: {weight!r}")
    mean = weight * first + (1 - weight) * second
    return np.where(first == second, first, mean).astype(np.float32)  # what is the same stays so, bit for bit


def choose_weight(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, steps: int = 101
) -> tuple[float, np.ndarray]:
    """Choose the weight of the first of two networks, for the mean of their probabilities, by validation accuracy.

    Of weights of the same accuracy the one of the lowest log loss is taken (compared to nine decimals), of those the
    one nearest to a half, then the smaller.

    Args:
        labels: int64 (n,), of validation images: PublicTest.
        first: float (n, classes), the first network's probabilities on them.
        second: the same of the second.
        steps: how many weights are tried, evenly from 0 to 1.

    Returns:
        The weight, and the accuracies of all that were tried, float64 (steps,).

    Raises:
        ValueError: if shapes, labels or probabilities do not fit, or there are fewer than two steps.
    """
    if steps < 2:
        raise ValueError(f"steps must be at least 2. Received: {steps!r}")
    weights = np.linspace(0.0, 1.0, steps)
    scores = [score(labels, average_probabilities(first, second, float(weight))) for weight in weights]
    best = min(range(steps), key=lambda k: (*rank(*scores[k]), abs(2 * k - (steps - 1)), k))
    return float(weights[best]), np.array([accuracy for accuracy, _ in scores])


def compare_with_better_member(
    labels: np.ndarray,
    fused: np.ndarray,
    members: Mapping[str, np.ndarray],
    validation_labels: np.ndarray,
    validation_members: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Whether an ensemble is right more often than its better member, on the same images of one split.

    Which member is the better one is decided on validation images (accuracy, then log loss, then the first named): the
    better of two on the test set would be a choice made there, and a bar set too high by chance.

    Args:
        labels: int64 (n,), of the split that is measured.
        fused: float (n, classes), probabilities of the ensemble on it.
        members: name -> probabilities (n, classes) of each member on it.
        validation_labels: int64 (m,), of PublicTest.
        validation_members: name -> probabilities (m, classes) on PublicTest, of the same members.

    Returns:
        JSON-ready: better_member; n; accuracy, of the ensemble; member_accuracies and member_validation_accuracies by
        name; gain, its accuracy minus the better member's, and gain_interval [low, high], paired, 95 %; only_ensemble
        and only_member, the images on which one of the two alone is right; p_exact, of McNemar's two-sided exact test,
        and p_mid (see `intervals.mcnemar`).

    Raises:
        ValueError: if there is no member, the names differ, or shapes, labels or probabilities do not fit.
    """
    if not members or list(members) != list(validation_members):
        received = f"{list(members)} and {list(validation_members)}"
        raise ValueError(f"members must be the same on both splits, at least one. Received: {received}")
    chosen_by = {name: score(validation_labels, found) for name, found in validation_members.items()}
    better = min(members, key=lambda name: rank(*chosen_by[name]))
    accuracies = {name: score(labels, found)[0] for name, found in members.items()}
    accuracy, _ = score(labels, fused)
    right, member_right = (np.argmax(found, axis=1) == labels for found in (fused, members[better]))
    difference, test = paired_difference(right, member_right), mcnemar(right, member_right)
    return {
        "better_member": better,
        "n": len(labels),
        "accuracy": accuracy,
        "member_accuracies": accuracies,
        "member_validation_accuracies": {name: found[0] for name, found in chosen_by.items()},
        "gain": difference["difference"],
        "gain_interval": difference["interval"],
        "only_ensemble": test["only_a"],
        "only_member": test["only_b"],
        "p_exact": test["p_exact"],
        "p_mid": test["p_mid"],
    }


def score(labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
    """Accuracy (a fraction) and log loss (nats) of probabilities float (n, classes) of images of classes int64 (n,)."""
    names = [str(number) for number in range(np.shape(probabilities)[-1])]
    found = classification_metrics(labels, probabilities, names)
    return found["accuracy"], found["log_loss"]


def rank(accuracy: float, loss: float) -> tuple[float, float]:
    """A key that sorts what is tried by its accuracy and log loss on validation images, the best first."""
    return -accuracy, round(loss, DIGITS)
