"""Trained model to saved probabilities to metrics: PrivateTest is scored here and nowhere else."""

from typing import Any

import numpy as np
import pandas as pd

from fer_lib.audit import leaked_mask
from fer_lib.crops import average_views
from fer_lib.datasets import FerDataset
from fer_lib.histories import has_diverged
from fer_lib.labels import GROUPINGS, class_names
from fer_lib.metrics import classification_metrics, curve_metrics
from fer_lib.predictors import Predict
from fer_lib.runs import SPLITS

VIEWS = ("single", "ten_crops")
"""Views of an image: as it is, and the mean over ten crops of it (`crops.ten_crops`)."""


def predict_splits(
    predict: Predict, data: FerDataset, grouping: str | None = None, crop_side: int | None = None
) -> dict[str, np.ndarray]:
    """Probabilities of every split, as `predictions.npz` holds them.

    Args:
        predict: uint8 (n, h, w, c) -> float32 (n, classes).
        data: the three splits.
        grouping: grouping of the classes the model was trained on, or None.
        crop_side: side of the test-time crops whose probabilities are averaged beside the single view, of test images
            alone: what is chosen on validation images is chosen on the single view. None makes none.

    Returns:
        `rows_<split>`, `labels_<split>` and `single_<split>` of each split that holds images, `ten_crops_test` where
        there are crops, and `transforms_<split>` where it holds transforms.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, split in data.splits().items():
        if not len(split):
            continue
        labels = split.labels if grouping is None else GROUPINGS[grouping].labels(split.labels)
        probabilities = np.asarray(predict(split.images), dtype=np.float32)
        arrays |= {f"rows_{name}": split.rows, f"labels_{name}": labels, f"single_{name}": probabilities}
        if crop_side and name == "test":
            arrays["ten_crops_test"] = average_views(predict, split.images, crop_side)
        if split.transforms is not None:
            arrays[f"transforms_{name}"] = split.transforms
    return arrays


def evaluate(arrays: dict[str, np.ndarray], data: FerDataset, grouping: str | None = None) -> dict[str, Any]:
    """Metrics of every split from saved probabilities.

    Args:
        arrays: what `predict_splits` returns.
        data: the same splits, to know which test images also stand in Training.
        grouping: grouping of the classes, or None.

    Returns:
        {split: {view: classification metrics}} of each split that holds images and each of `VIEWS` that it was
        predicted in, with "originals", how many pictures they were made from, where it holds transforms. The test split
        also has "single_unleaked", without the images that are the same, byte for byte, as one of Training or made from
        the same picture, and "single_originals", without transforms, where it holds any; "data" is that of
        `describe_splits`.
    """
    names = class_names(grouping)
    metrics: dict[str, Any] = {
        split: {view: _score(arrays, split, names, view) for view in VIEWS if f"{view}_{split}" in arrays}
        for split in SPLITS
        if f"single_{split}" in arrays
    }
    leaked = leaked_mask(data.train, data.test)
    subsets = {"single_unleaked": ~leaked}
    if "transforms_test" in arrays:
        subsets["single_originals"] = arrays["transforms_test"] == 0
    for view, members in subsets.items():
        if members.any():
            metrics["test"][view] = _score(arrays, "test", names, members=members)
    return {**metrics, "data": describe_splits(data, leaked, grouping)}


def _score(
    arrays: dict[str, np.ndarray],
    split: str,
    names: tuple[str, ...],
    view: str = "single",
    members: np.ndarray | slice = slice(None),
) -> dict[str, Any]:
    labels, probabilities = arrays[f"labels_{split}"][members], arrays[f"{view}_{split}"][members]
    metrics = classification_metrics(labels, probabilities, names)
    if f"transforms_{split}" in arrays:
        metrics["originals"] = len(np.unique(arrays[f"rows_{split}"][members]))
    return metrics


def describe_splits(data: FerDataset, leaked: np.ndarray, grouping: str | None = None) -> dict[str, Any]:
    """What claims ask of the splits themselves.

    Args:
        data: the splits.
        leaked: bool (n_test,), which test images also stand in Training (`audit.leaked_mask`).
        grouping: grouping of the classes, or None.

    Returns:
        Images in all, of each class, for training, validation and test, the fewest of any class in training and in
        test, and how many test images are leaked, with their share.
    """
    names = class_names(grouping)
    counts_of = {
        name: np.bincount(GROUPINGS[grouping].labels(split.labels) if grouping else split.labels, minlength=len(names))
        for name, split in data.splits().items()
    }
    counts = np.sum(list(counts_of.values()), axis=0)
    return {
        "images": int(counts.sum()),
        "images_of": dict(zip(names, counts.tolist(), strict=True)),
        "train_images": len(data.train),
        "validation_images": len(data.validation),
        "test_images": len(data.test),
        "train_per_class": int(counts_of["train"].min()),
        "test_per_class": int(counts_of["test"].min()),
        "leaked_test": int(leaked.sum()),
        "leaked_test_share": float(leaked.mean()),
    }


def history_metrics(history: pd.DataFrame, kept_epoch: int) -> dict[str, Any]:
    """What claims ask of a history.

    Args:
        history: one row per epoch, with the columns `loss`, `accuracy` and, where there are validation images,
            `val_accuracy`: fractions.
        kept_epoch: the epoch kept, from 1.

    Returns:
        Epochs, those of the longest phase (of the whole training where it has no phases), the one kept, the highest and
        the last training accuracy, whether an epoch diverged (`histories.has_diverged`) and, from two epochs on
        and with validation images, `curve_metrics`.
    """
    accuracy = history["accuracy"]
    return {
        "epochs": len(history),
        "longest_phase": int(history["phase"].value_counts().max()) if "phase" in history else len(history),
        "kept_epoch": int(kept_epoch),
        "max_accuracy": float(accuracy.max()),
        "final_accuracy": float(accuracy.iloc[-1]),
        **({"diverged": True} if any(map(has_diverged, history.to_dict("records"))) else {}),
        **(curve_metrics(history) if len(history) > 1 and "val_accuracy" in history else {}),
    }
