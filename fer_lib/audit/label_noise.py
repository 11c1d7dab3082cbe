"""Labels that a model of the other images doubts, by cleanlab's confident learning (Northcutt et al. 2021)."""

import cv2
import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from fer_lib.audit.near import find_near_pairs, group_pictures
from fer_lib.datasets import FerDataset
from fer_lib.labels import EMOTIONS

__all__ = ["doubt_labels", "out_of_fold_probabilities"]

_SHRINKAGE = 0.1


def out_of_fold_probabilities(data: FerDataset, folds: int = 5, seed: int = 0) -> np.ndarray:
    """Predict every image by a model that was fitted without it and its duplicates, exact or near.

    Histograms of oriented gradients and linear discriminant analysis, on the rows of all three splits: a list of
    doubtful labels is wanted, not a score, and nothing that is scored later is fitted here.

    A weak model: it is right on 45 % of FER2013's Training images, and from its probabilities cleanlab takes 40 % of
    the labels for wrong. Such a list says where to look first (by the evidence), not what to exclude; out-of-fold
    probabilities of a better model make a better one.

    Args:
        data: images uint8 (n, 48, 48, 1); every class needs at least `folds` images.
        folds: number of parts, each predicted by a model of the others.
        seed: of the parts.

    Returns:
        float64 (n, 7), classes in the order of `labels.EMOTIONS`, images in the order of the source's rows.

    Raises:
        ValueError: if the images have another shape, or a class too few of them.
    """
    images, labels = _by_row(data)
    counts = np.bincount(labels, minlength=len(EMOTIONS))
    if images.shape[1:] != (48, 48, 1) or counts.min() < folds:
        received = f"{images.shape[1:]} and {dict(zip(EMOTIONS, counts.tolist(), strict=True))}"
        raise ValueError(f"images must be (48, 48, 1), at least {folds} of every class. Received: {received}")
    descriptor = cv2.HOGDescriptor((48, 48), (16, 16), (8, 8), (8, 8), 9)
    features = np.stack([np.asarray(descriptor.compute(image[..., 0])).ravel() for image in images])
    groups = group_pictures(images, find_near_pairs(images))
    probabilities = np.zeros((len(images), len(EMOTIONS)))
    fold_of_group = np.random.default_rng(seed).permutation(len(images)) % folds
    for fold in range(folds):
        predicted = np.flatnonzero(fold_of_group[groups] == fold)
        fitted = np.flatnonzero(fold_of_group[groups] != fold)
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=_SHRINKAGE).fit(features[fitted], labels[fitted])
        columns = model.classes_  # a class of few pictures may be missing from what was fitted
        probabilities[predicted[:, None], columns] = model.predict_proba(features[predicted])
    return probabilities


def doubt_labels(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """List the labels that cleanlab takes for wrong.

    Args:
        labels: int64 (n,), from 0 to 6.
        probabilities: (n, 7), each image's by a model that was not fitted on it.

    Returns:
        `place`, position of the image; `own`, the probability of its label; `likeliest`, the class of the highest
        probability, and `highest`, this probability.

    Raises:
        ValueError: if the probabilities are not (n, 7) or not in [0, 1] with a sum of 1.
    """
    fits = probabilities.shape == (len(labels), len(EMOTIONS)) and np.isfinite(probabilities).all()
    if not fits or probabilities.min() < 0 or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        received = f"{probabilities.dtype} {probabilities.shape}"
        raise ValueError(
            f"probabilities must be ({len(labels)}, {len(EMOTIONS)}), from 0 to 1, rows adding up to 1. "
            f"Received: {received}"
        )
    from cleanlab.filter import find_label_issues  # type: ignore[import-untyped]  # slow to load, and an option

    places = np.flatnonzero(find_label_issues(labels, probabilities, n_jobs=1))
    chosen = probabilities[places]
    return pd.DataFrame(
        {
            "place": places,
            "own": chosen[np.arange(len(places)), labels[places]],
            "likeliest": chosen.argmax(axis=1),
            "highest": chosen.max(axis=1, initial=0),
        }
    )


def _by_row(data: FerDataset) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of all splits, in the order of the rows."""
    splits = list(data.splits().values())
    order = np.argsort(np.concatenate([split.rows for split in splits]), kind="stable")
    images = np.concatenate([split.images for split in splits])[order]
    return images, np.concatenate([split.labels for split in splits])[order]
