"""Data small enough to train on in a test: noise with a patch per class, so that something can be learned."""

import numpy as np

from fer_lib.datasets import FerDataset, Split


def make_tiny_data(sizes=(28, 14, 14), seed=0, sha256="tiny"):
    rng = np.random.default_rng(seed)
    first = 0
    splits = []
    for size in sizes:
        labels = np.arange(size) % 7
        images = rng.integers(0, 100, (size, 48, 48, 1))
        for image, label in zip(images, labels, strict=True):
            image[6 * label : 6 * label + 6] += 120
        rows = np.arange(first, first + size)
        splits.append(Split(images.astype(np.uint8), labels.astype(np.int64), rows.astype(np.int64)))
        first += size
    return FerDataset(*splits, source="tiny", sha256=sha256, is_sample=True)
