"""The built-in sample: drawn faces in FER2013's layout, for when FER2013 is not at hand.

Every picture is drawn from its own seed: an emotion becomes facial actions (`expressions`), they move the face of a
person under a pose and a light (`identity`, `anatomy`), which is painted (`canvas`, `features`, `surroundings`), shaded
by its relief (`relief`) and photographed (`drawing`). Numbers measured on it are not comparable with any paper's.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fer_lib.cache import read_cache, user_cache_folder, write_cache
from fer_lib.datasets import SPLIT_USAGES, FerDataset, Split
from fer_lib.files import atomic
from fer_lib.labels import EMOTIONS
from fer_lib.sample.drawing import Box, Drawing, draw_face

__all__ = [
    "DRAWING_VERSION",
    "SIZES",
    "Box",
    "Drawing",
    "draw_face",
    "draw_row",
    "load_sample",
    "make_sample",
    "write_sample_csv",
]

DRAWING_VERSION = 1
"""Raised whenever the same seed gives another picture; samples cached by another version are drawn anew."""

SIZES = (1800, 300, 300)
"""Images of the default sample in Training, PublicTest and PrivateTest."""

_TRAINING_COUNTS = np.array([3995, 436, 4097, 7215, 4830, 3171, 4965])
"""Images per class in FER2013's Training split: the imbalance the sample copies."""

_SPLITS = tuple(SPLIT_USAGES)
_ARRAYS = tuple(f"{array}_{split}" for split in _SPLITS for array in ("images", "labels"))


def make_sample(sizes: tuple[int, int, int] = SIZES, seed: int = 0) -> FerDataset:
    """Draw a sample.

    Args:
        sizes: images in Training, PublicTest and PrivateTest, each at least 7.
        seed: 0 or more; the same seed gives the same bytes.

    Returns:
        Images uint8 (n, 48, 48, 1) in the three splits, with FER2013's class imbalance in each (but about ten images of
        every class, where the split is large enough). `sha256` is that of its CSV file.

    Raises:
        ValueError: if a size or the seed is too small.
    """
    if len(sizes) != len(_SPLITS) or min(sizes) < len(EMOTIONS):
        raise ValueError(f"sizes must be {len(_SPLITS)} numbers of at least {len(EMOTIONS)}. Received: {sizes}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more. Received: {seed}")
    arrays: dict[str, np.ndarray] = {}
    for index, (split, size) in enumerate(zip(_SPLITS, sizes, strict=True)):
        labels = np.repeat(np.arange(len(EMOTIONS)), _class_counts(size))
        labels = np.random.default_rng([seed, index]).permutation(labels).astype(np.int64)
        images = [draw_row(index, row, EMOTIONS[label], seed).image for row, label in enumerate(labels)]
        arrays[f"images_{split}"], arrays[f"labels_{split}"] = np.stack(images)[..., None], labels
    digest = hashlib.sha256()
    for line in _csv_lines(arrays):
        digest.update(line)
    return _dataset(arrays, digest.hexdigest())


def draw_row(split_index: int, row: int, expression: str, seed: int = 0) -> Drawing:
    """Draw the picture of a sample that stands at a place of it, with where its parts are.

    Args:
        split_index: 0, 1 or 2 for Training, PublicTest and PrivateTest.
        row: place in the split, from 0.
        expression: the one of `labels.EMOTIONS` that the sample shows there.
        seed: of the sample.
    """
    return draw_face(expression, np.random.default_rng([seed, split_index, row]))


def load_sample(sizes: tuple[int, int, int] = SIZES, seed: int = 0) -> FerDataset:
    """Draw a sample, or load it from the user's cache folder where it was drawn before.

    The cache is keyed by everything that determines the sample; one that is damaged is replaced.

    Args:
        sizes: as for `make_sample`.
        seed: as for `make_sample`.

    Raises:
        ValueError: if a size or the seed is too small.
    """
    key = hashlib.sha256(f"version {DRAWING_VERSION}, sizes {tuple(sizes)}, seed {seed}".encode()).hexdigest()
    path = user_cache_folder() / f"sample-{key[:12]}.npz"
    stored = read_cache([path], (*_ARRAYS, "sha256"), key)
    if stored is not None:
        return _dataset(stored, str(stored["sha256"]))
    sample = make_sample(sizes, seed)
    arrays = {"sha256": np.array(sample.sha256)}
    for split, part in sample.splits().items():
        arrays[f"images_{split}"], arrays[f"labels_{split}"] = part.images, part.labels
    write_cache([path], key, arrays)
    return sample


def write_sample_csv(path: str | Path, sizes: tuple[int, int, int] = SIZES, seed: int = 0) -> None:
    """Write a sample as a CSV file of FER2013's layout: emotion, pixels, Usage.

    Args:
        path: the file; replaced where it exists.
        sizes: as for `make_sample`.
        seed: as for `make_sample`.

    Raises:
        ValueError: if a size or the seed is too small.
    """
    arrays: dict[str, np.ndarray] = {}
    for split, part in load_sample(sizes, seed).splits().items():
        arrays[f"images_{split}"], arrays[f"labels_{split}"] = part.images, part.labels
    with atomic(Path(path)) as temporary, open(temporary, "wb") as file:
        file.writelines(_csv_lines(arrays))


def _class_counts(size: int) -> np.ndarray:
    """Images of each class among `size`: FER2013's shares, but at least ten (a fourteenth of a small split)."""
    least = max(1, min(10, size // (2 * len(EMOTIONS))))
    ideal = size * _TRAINING_COUNTS / _TRAINING_COUNTS.sum()
    rare = ideal < least
    ideal[~rare] *= (size - least * rare.sum()) / ideal[~rare].sum()
    counts = np.where(rare, least, np.floor(ideal)).astype(int)
    largest_remainders = np.argsort(np.where(rare, -1.0, ideal - counts), kind="stable")[::-1]
    counts[largest_remainders[: size - counts.sum()]] += 1
    return counts


def _dataset(arrays: dict[str, np.ndarray], sha256: str) -> FerDataset:
    splits, start = {}, 0
    for split in _SPLITS:
        images, labels = arrays[f"images_{split}"], arrays[f"labels_{split}"]
        rows = np.arange(start, start + len(labels), dtype=np.int64)
        for array in (images, labels, rows):
            array.flags.writeable = False  # as those from the cache are
        splits[split], start = Split(images, labels, rows), start + len(labels)
    train, validation, test = (splits[split] for split in ("train", "validation", "test"))
    return FerDataset(train, validation, test, source="built-in sample", sha256=sha256, is_sample=True)


def _csv_lines(arrays: dict[str, np.ndarray]) -> Iterator[bytes]:
    yield b"emotion,pixels,Usage\n"
    numbers = [str(value) for value in range(256)]
    for split, usage in SPLIT_USAGES.items():
        for image, label in zip(arrays[f"images_{split}"], arrays[f"labels_{split}"], strict=True):
            pixels = " ".join(map(numbers.__getitem__, image.tobytes()))
            yield f"{label},{pixels},{usage}\n".encode("ascii")
