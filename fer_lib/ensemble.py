"""Two networks together (Liu, Zhang and Xin 2019, section 1): feature vectors fused, or probabilities averaged.

Every choice here is made on validation images; what a function is given of a test set it only measures. Nothing is
random: the same arrays give the same ensemble.

A layer on fused features is fitted to Training, the very images that the networks learned by heart. There the features
all but name the class, on new images they do not: the layer, left to itself, becomes sure of itself without bound, and
trusts most the network that remembered most, which need not be the better one. A strong penalty on the weights spreads
them over many features and keeps the layer modest; how strong is decided on PublicTest, which no network has seen. That
answers the first half only: a penalty, one number for all features, cannot take weight from one network and give it to
another. Averaged probabilities, whose only parameter is chosen on PublicTest, are free of the trap; hence both.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from fer_lib.metrics import classification_metrics, mcnemar, paired_difference

STRENGTHS = (10.0, 1.0, 0.1, 0.01, 0.001)
"""L2 penalties tried: the mean cross-entropy of an image plus half of this times the sum of the squared weights."""

ITERATIONS = 200
"""Budget of each fit, in steps of L-BFGS; a fit that has not converged by then is kept as it is, and noted."""

TOLERANCE = 1e-4
"""A fit has converged where no component of the gradient of the mean loss is larger."""

SMALLEST_DEVIATION = 1e-6
"""A feature that varies on Training less than this share of the most varying one is constant: it gets no weight."""

DIGITS = 9
"""Decimals to which log losses are compared, so that rounding decides no tie."""


@dataclass(frozen=True)
class Trial:
    """A penalty (see `STRENGTHS`) and the layer fitted under it: accuracies are fractions, the log loss is in nats."""

    strength: float
    train_accuracy: float
    validation_accuracy: float
    validation_log_loss: float
    iterations: int
    converged: bool


@dataclass(frozen=True)
class Fusion:
    """A softmax layer on standardised features, and how its strength was chosen.

    Attributes:
        means: float32 (d,), of the training features.
        scales: float32 (d,), their standard deviations; infinite where a feature is constant.
        weights: float32 (d, classes).
        biases: float32 (classes,); minus infinity for a class that Training lacks.
        strength: the penalty chosen.
        trials: all that were tried, the strongest first.
    """

    means: np.ndarray
    scales: np.ndarray
    weights: np.ndarray
    biases: np.ndarray
    strength: float
    trials: tuple[Trial, ...]

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Probabilities float32 (n, classes) of features float (n, d).

        Raises:
            ValueError: if the features have another width or are not finite.
        """
        _check_features("features", features, len(self.means))
        return self._probabilities(_standardise(features, self.means, self.scales))

    def describe(self) -> dict[str, Any]:
        """The choice, JSON-ready: strength, whether it is the strongest or weakest tried, and every trial."""
        strengths = [trial.strength for trial in self.trials]
        return {
            "strength": self.strength,
            "at_the_end": self.strength in (max(strengths), min(strengths)),
            "trials": [asdict(trial) for trial in self.trials],
        }

    def _probabilities(self, standardised: np.ndarray) -> np.ndarray:
        return softmax(standardised @ self.weights + self.biases, axis=1).astype(np.float32)


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
    scores = [_score(labels, average_probabilities(first, second, float(weight))) for weight in weights]
    best = min(range(steps), key=lambda k: (*_rank(*scores[k]), abs(2 * k - (steps - 1)), k))
    return float(weights[best]), np.array([accuracy for accuracy, _ in scores])


def fuse_features(
    train_features: np.ndarray,
    train_labels: np.ndarray,
    validation_features: np.ndarray,
    validation_labels: np.ndarray,
    classes: int,
    strengths: Sequence[float] = STRENGTHS,
) -> Fusion:
    """Fit a softmax layer to features on Training, under the L2 penalty that is best on PublicTest.

    Features are standardised by the statistics of Training. The penalties are taken from the strongest to the weakest,
    each fit going on from the one before; best is the highest validation accuracy, of equals the lowest log loss, then
    the strongest. The module's text says what such a layer makes of images that the networks know by heart.

    Args:
        train_features: float32 (n, d), the features of the networks side by side.
        train_labels: int64 (n,).
        validation_features: float32 (m, d), of PublicTest.
        validation_labels: int64 (m,).
        classes: width of the softmax; a class that Training lacks gets probability zero.
        strengths: penalties to try, positive, see `STRENGTHS`.

    Raises:
        ValueError: if shapes or labels do not fit, features are not finite, Training holds fewer than two classes, or
            a strength is not positive.
    """
    tried = sorted({float(strength) for strength in strengths}, reverse=True)
    if not tried or not 0 < tried[-1] <= tried[0] < float("inf"):
        raise ValueError(f"strengths must be positive numbers, at least one. Received: {list(strengths)}")
    _check_features("train_features", train_features)
    _check_labels("train_labels", train_labels, len(train_features), classes)
    _check_features("validation_features", validation_features, train_features.shape[1])
    _check_labels("validation_labels", validation_labels, len(validation_features), classes)
    if len(np.unique(train_labels)) < 2:
        raise ValueError(f"train_labels must hold at least two classes. Received: {np.unique(train_labels).tolist()}")
    means, scales = _statistics(train_features)
    train, validation = (_standardise(part, means, scales) for part in (train_features, validation_features))
    layer = LogisticRegression(max_iter=ITERATIONS, tol=TOLERANCE, warm_start=True)
    fusions, trials = [], []
    for strength in tried:
        converged = _fit(layer.set_params(C=1 / (strength * len(train))), train, train_labels)  # C is per summed loss
        fusion = Fusion(means, scales, *_weights_of(layer, classes), strength, ())
        known, _ = _score(train_labels, fusion._probabilities(train))
        accuracy, loss = _score(validation_labels, fusion._probabilities(validation))
        trials.append(Trial(strength, known, accuracy, loss, int(layer.n_iter_.max()), converged))
        fusions.append(fusion)
    ranks = [_rank(trial.validation_accuracy, trial.validation_log_loss) for trial in trials]
    best = ranks.index(min(ranks))
    return replace(fusions[best], trials=tuple(trials))


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
        and p_mid (see `metrics.mcnemar`).

    Raises:
        ValueError: if there is no member, the names differ, or shapes, labels or probabilities do not fit.
    """
    if not members or list(members) != list(validation_members):
        received = f"{list(members)} and {list(validation_members)}"
        raise ValueError(f"members must be the same on both splits, at least one. Received: {received}")
    chosen_by = {name: _score(validation_labels, found) for name, found in validation_members.items()}
    better = min(members, key=lambda name: _rank(*chosen_by[name]))
    accuracies = {name: _score(labels, found)[0] for name, found in members.items()}
    accuracy, _ = _score(labels, fused)
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


def _score(labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
    """Accuracy (a fraction) and log loss (nats)."""
    names = [str(number) for number in range(np.shape(probabilities)[-1])]
    found = classification_metrics(labels, probabilities, names)
    return found["accuracy"], found["log_loss"]


def _rank(accuracy: float, loss: float) -> tuple[float, float]:
    """Sorts the best first."""
    return -accuracy, round(loss, DIGITS)


def _fit(layer: LogisticRegression, features: np.ndarray, labels: np.ndarray) -> bool:
    """Fit within the budget, going on from the weights there are; whether it converged."""
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always", ConvergenceWarning)  # the steps are a budget, as an epoch is
        layer.fit(features, labels)
    return not any(issubclass(warning.category, ConvergenceWarning) for warning in raised)


def _weights_of(layer: LogisticRegression, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights float32 (d, classes) and biases float32 (classes,) of a fitted layer."""
    fitted, offsets = layer.coef_.T, layer.intercept_  # (d, k) and (k,), of two classes the second alone
    if len(layer.classes_) == 2:
        fitted, offsets = np.hstack([np.zeros_like(fitted), fitted]), np.append(np.zeros_like(offsets), offsets)
    weights, biases = np.zeros((len(fitted), classes), np.float32), np.full(classes, -np.inf, np.float32)
    weights[:, layer.classes_], biases[layer.classes_] = fitted, offsets
    return weights, biases


def _statistics(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each feature, float32 (d,); the latter infinite where a feature is constant."""
    means: np.ndarray = features.mean(axis=0, dtype=np.float64)
    deviations: np.ndarray = features.std(axis=0, dtype=np.float64)
    constant = deviations <= SMALLEST_DEVIATION * deviations.max()
    return means.astype(np.float32), np.where(constant, np.inf, deviations).astype(np.float32)


def _standardise(features: np.ndarray, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
    standardised = np.subtract(features, means, dtype=np.float32)  # at 28,709 x 3,072 each copy is 350 MB
    standardised /= scales
    return standardised


def _check_features(name: str, features: np.ndarray, width: int | None = None) -> None:
    shape = np.shape(features)
    if len(shape) != 2 or not all(shape) or width not in (None, shape[1]):
        raise ValueError(f"{name} must be (n, {width or 'd'}), n at least 1. Received: {shape}")
    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        raise ValueError(f"{name} must be finite numbers. Received: another in row {int(finite.argmin())}")


def _check_labels(name: str, labels: np.ndarray, images: int, classes: int) -> None:
    labels = np.asarray(labels)
    if labels.shape != (images,) or not np.isin(labels, range(classes)).all():
        received = f"{labels.shape}, {np.unique(labels).tolist()}"
        raise ValueError(f"{name} must be ({images},), whole numbers in 0 ... {classes - 1}. Received: {received}")
