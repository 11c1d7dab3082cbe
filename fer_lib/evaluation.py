"""Trained model to saved probabilities to metrics: PrivateTest is scored here and nowhere else."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.audit import leaked_mask
from fer_lib.datasets import FerDataset
from fer_lib.labels import GROUPINGS, class_names
from fer_lib.metrics import classification_metrics, curve_metrics
from fer_lib.runs import SPLITS

Predict = Callable[[np.ndarray], np.ndarray]


def predict_splits(predict: Predict, data: FerDataset, grouping: str | None = None) -> dict[str, np.ndarray]:
    """Probabilities of every split, as `predictions.npz` holds them.

    Args:
        predict: uint8 (n, h, w, c) -> float32 (n, classes).
        data: the three splits.
        grouping: grouping of the classes the model was trained on, or None.

    Returns:
        `rows_<split>`, `labels_<split>` and `single_<split>` for train, validation and test.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, split in data.splits().items():
        labels = split.labels if grouping is None else GROUPINGS[grouping].labels(split.labels)
        probabilities = np.asarray(predict(split.images), dtype=np.float32)
        arrays |= {f"rows_{name}": split.rows, f"labels_{name}": labels, f"single_{name}": probabilities}
    return arrays


def evaluate(arrays: dict[str, np.ndarray], data: FerDataset, grouping: str | None = None) -> dict[str, Any]:
    """Metrics of every split from saved probabilities.

    Args:
        arrays: what `predict_splits` returns.
        data: the same splits, to know which test images also stand in Training.
        grouping: grouping of the classes, or None.

    Returns:
        {split: {"single": classification metrics}}; the test split also has "single_unleaked", without the images that
        are the same, byte for byte, as one of Training.
    """
    names = class_names(grouping)
    metrics: dict[str, Any] = {
        split: {"single": classification_metrics(arrays[f"labels_{split}"], arrays[f"single_{split}"], names)}
        for split in SPLITS
    }
    own = ~leaked_mask(data.train, data.test)
    metrics["test"]["single_unleaked"] = classification_metrics(
        arrays["labels_test"][own], arrays["single_test"][own], names
    )
    return metrics


def history_metrics(history: pd.DataFrame, kept_epoch: int) -> dict[str, Any]:
    """What claims ask of a history.

    Args:
        history: one row per epoch, with columns `accuracy` and `val_accuracy`, fractions.
        kept_epoch: the epoch kept, from 1.

    Returns:
        Epochs, the one kept, the highest and the last training accuracy and, from two epochs on, `curve_metrics`.
    """
    accuracy = history["accuracy"]
    return {
        "epochs": len(history),
        "kept_epoch": int(kept_epoch),
        "max_accuracy": float(accuracy.max()),
        "final_accuracy": float(accuracy.iloc[-1]),
        **(curve_metrics(history) if len(history) > 1 else {}),
    }
