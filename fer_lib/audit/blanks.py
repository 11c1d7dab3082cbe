"""Images without content."""

import numpy as np
import pandas as pd

from fer_lib.datasets import FerDataset

BLANK_STANDARD_DEVIATION = 1.0
"""A blank image's grey values spread by less: those of FER2013's 13 by at most 0.7, of any other by 4.1 or more."""

_IMAGES_AT_ONCE = 1024


def blank_images(dataset: FerDataset) -> pd.DataFrame:
    """List images without content, whose grey values have a standard deviation below 1: columns split, row, label."""
    found = []
    for name, split in dataset.splits().items():
        blank = is_blank(split.images)
        found.append(pd.DataFrame({"split": name, "row": split.rows[blank], "label": split.labels[blank]}))
    return pd.concat(found, ignore_index=True)


def is_blank(images: np.ndarray) -> np.ndarray:
    """Whether each image's grey values hardly differ.

    Args:
        images: uint8 (n, h, w, c).

    Returns:
        bool (n,).
    """
    deviations = [
        images[start : start + _IMAGES_AT_ONCE].std(axis=(1, 2, 3), dtype=np.float32)
        for start in range(0, len(images), _IMAGES_AT_ONCE)
    ]
    return np.concatenate([np.empty(0, np.float32), *deviations]) < BLANK_STANDARD_DEVIATION
