"""Feature vectors of two networks, fused under a softmax layer of their own (Liu, Zhang and Xin 2019, section 1).

A layer on fused features is fitted to Training, the very images that the networks learned by heart. There the features
all but name the class, on new images they do not: the layer, left to itself, becomes sure of itself without bound, and
trusts most the network that remembered most, which need not be the better one. A strong penalty on the weights spreads
them over many features and keeps the layer modest; how strong is decided on PublicTest, which no network has seen. That
answers the first half only: a penalty, one number for all features, cannot take weight from one network and give it to
another. Averaged probabilities (`ensemble`), whose only parameter is chosen on PublicTest, are free of the trap; hence
both.

Nothing is random: the same arrays give the same layer.
"""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from fer_lib.ensemble import rank, score

STRENGTHS = (10.0, 1.0, 0.1, 0.01, 0.001)
"""L2 penalties tried: the mean cross-entropy of an image plus half of this times the sum of the squared weights."""

ITERATIONS = 200
"""Budget of each fit, in steps of L-BFGS; a fit that has not converged by then is kept as it is, and noted."""

TOLERANCE = 1e-4
"""A fit has converged where no component of the gradient of the mean loss is larger."""

SMALLEST_DEVIATION = 1e-6
"""A feature that varies on Training less than this share of the most varying one is constant: it gets no weight."""


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
        known, _ = score(train_labels, fusion._probabilities(train))
        accuracy, loss = score(validation_labels, fusion._probabilities(validation))
        trials.append(Trial(strength, known, accuracy, loss, int(layer.n_iter_.max()), converged))
        fusions.append(fusion)
    ranks = [rank(trial.validation_accuracy, trial.validation_log_loss) for trial in trials]
    best = ranks.index(min(ranks))
    return replace(fusions[best], trials=tuple(trials))


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
