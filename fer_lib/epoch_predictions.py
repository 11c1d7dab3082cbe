"""What every epoch of a run predicts, read from its folder and checked against its metrics.

`epoch_predictions.npz` in a run folder holds, for validation and test, `classes_<split>` uint8 (epochs, n): the class
that each epoch's weights give each image of `predictions.npz`. `fer_lib.epoch_weights` writes it, once the run is
complete.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_lib.files import open_npz
from fer_lib.runs import Run

EPOCH_PREDICTIONS = "epoch_predictions.npz"
SPLITS = ("validation", "test")
"""PublicTest, which chose the epoch kept, and PrivateTest, which a flattered number would have chosen on."""

TOLERATED_IMAGES = 3
"""Images whose predicted class may change when probabilities are rounded to half precision, or computed anew."""


@dataclass(frozen=True)
class EpochPredictions:
    """What each epoch's weights answer.

    Attributes:
        labels: split -> int64 (n,), true classes.
        classes: split -> uint8 (epochs, n), the predicted ones, epochs in their order.
    """

    labels: dict[str, np.ndarray]
    classes: dict[str, np.ndarray]

    @property
    def epochs(self) -> int:
        """How many epochs there are."""
        return len(self.classes["test"])

    def right(self, split: str) -> np.ndarray:
        """Whether each epoch is right on each image: bool (epochs, n)."""
        return self.classes[split] == self.labels[split]

    def accuracies(self, split: str) -> np.ndarray:
        """Accuracy of each epoch, float64 (epochs,)."""
        return self.right(split).mean(axis=1)


def keeps_epochs(run: Run) -> bool:
    """Whether a run folder holds the weights of its epochs, or what they predict."""
    return (run.folder / EPOCH_PREDICTIONS).exists() or (run.folder / "epochs").is_dir()


def read_epoch_predictions(run: Run) -> EpochPredictions | None:
    """What each epoch of a run predicts; None where the run folder does not hold it.

    Raises:
        ValueError: if the file is damaged, or does not fit the run's images and classes.
    """
    path = run.folder / EPOCH_PREDICTIONS
    if not path.exists():
        return None
    with open_npz(path) as arrays:
        classes = {split: arrays[f"classes_{split}"] for split in SPLITS}
    labels = {split: run.predictions(split).labels for split in SPLITS}
    for split, found in classes.items():
        if found.dtype != np.uint8 or found.ndim != 2 or found.shape[1] != len(labels[split]):
            raise _misfit(path, f"classes_{split} must be uint8 (epochs, {len(labels[split])})", found)
        if found.max(initial=0) >= len(run.metrics[split]["single"]["classes"]):
            raise _misfit(path, f"classes_{split} must be classes of the run", found)
    if len(classes["validation"]) != len(classes["test"]) or not len(classes["test"]):
        raise _misfit(path, "both splits must hold the same epochs, at least one", classes["test"])
    return EpochPredictions(labels, classes)


def find_disagreements(run: Run, predictions: EpochPredictions) -> list[str]:
    """What of a run's numbers does not follow from the predictions of its kept epoch, in words; empty where all does.

    Args:
        run: a complete run.
        predictions: what each of its epochs predicts.

    Returns:
        Another number of epochs than the history's, and splits of which more than `TOLERATED_IMAGES` images are counted
        otherwise.
    """
    kept, epochs = run.metrics["history"]["kept_epoch"], run.metrics["history"]["epochs"]
    if predictions.epochs != epochs:
        return [f"{EPOCH_PREDICTIONS} holds {predictions.epochs} epochs, the history {epochs}"]
    findings = []
    for split in SPLITS:
        stored = run.metrics[split]["single"]
        classes, labels = len(stored["classes"]), predictions.labels[split]
        cells = labels * classes + predictions.classes[split][kept - 1]
        confusion = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
        change = np.abs(confusion - np.array(stored["confusion"])).sum() / 2
        if change > TOLERATED_IMAGES:
            accuracy = f"{predictions.accuracies(split)[kept - 1]:.4f}, in the metrics {stored['accuracy']:.4f}"
            findings.append(f"{split}: kept epoch {kept} has accuracy {accuracy} ({change:g} images apart)")
    return findings


def _misfit(path: Path, wanted: str, found: np.ndarray) -> ValueError:
    return ValueError(f"{path}: {wanted}. Received: {found.dtype} {found.shape}, highest {found.max(initial=0)}")
