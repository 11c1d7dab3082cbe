"""Images and data sets of twice the size; enlarged data sets are cached by content."""

import hashlib
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_lib.cache import read_cache, user_cache_folder, write_cache
from fer_lib.datasets import FerDataset, number_pictures
from fer_lib.origins import network_sha256
from fer_lib.super_resolution.pairs import check_images, enlarge_bicubic, enlarge_nearest

if TYPE_CHECKING:
    import keras

ENLARGING_VERSION = 2
"""Raised whenever the same data and generator give other pixels; caches of another version are made anew."""

INTERPOLATIONS = {"bicubic": enlarge_bicubic, "nearest": enlarge_nearest}
"""Ways of enlarging that need no network."""

SRGAN = "srgan"
"""The way that needs a generator."""

METHODS = (*INTERPOLATIONS, SRGAN)
"""Ways of enlarging a data set."""


def enlarge(images: np.ndarray, method: "str | keras.Model") -> np.ndarray:
    """Enlarge images to twice their size.

    Args:
        images: uint8 (n, h, w, c).
        method: `nearest`, `bicubic`, or a generator (`models.srgan.build_srgan_generator`).

    Returns:
        uint8 (n, 2h, 2w, c).

    Raises:
        ValueError: if the images are not as stated, or there is no such method.
    """
    check_images(images)
    if not isinstance(method, str):
        from fer_lib.super_resolution.applying import apply_generator  # it loads TensorFlow

        return apply_generator(method, images)
    if method not in INTERPOLATIONS:
        raise ValueError(f"method must be a generator or one of {list(INTERPOLATIONS)}. Received: {method!r}")
    return INTERPOLATIONS[method](images)


def load_enlarged(data: FerDataset, method: str, generator_path: Path | None = None) -> FerDataset:
    """Load the data set at twice its size from the user's cache folder, or make it where it is not there.

    A cache is used where it was made of the same images by the same method and, byte for byte, the same generator; one
    that is damaged is made anew. FER2013 takes 331 MB on disk; the images are mapped, not copied.

    Args:
        data: images uint8 (n, h, w, c) per split.
        method: one of `METHODS`.
        generator_path: the saved generator (`.keras`) of `srgan`; None for the other methods.

    Returns:
        The same splits, labels and rows with images uint8 (n, 2h, 2w, c), read-only, whose `origins` number the small
        images: a generator may round equal images apart. `sha256` is that of all that determines them, so that nothing
        cached for the small images is taken for them.

    Raises:
        ValueError: if there is no such method, or a generator is missing, given in vain or no `.keras` file.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {list(METHODS)}. Received: {method!r}")
    if (method == SRGAN) != (generator_path is not None):
        raise ValueError(f"{SRGAN}, and it alone, needs a generator_path. Received: {method!r} with {generator_path}")
    if generator_path is not None and not generator_path.is_file():
        raise ValueError(f"generator_path must name the file of a generator. Received: {generator_path}")
    key = _content_key(data, method, generator_path)
    path = user_cache_folder() / f"enlarged-{method}-{key[:12]}.fer_lib.npz"
    names = tuple(data.splits())
    arrays = read_cache([path], names, key)
    if arrays is None:
        arrays = _enlarge_splits(data, method, generator_path)
        write_cache([path], key, arrays)
        arrays = read_cache([path], names, key) or arrays  # mapped, so that 331 MB of memory are free again
    for images in arrays.values():
        images.flags.writeable = False
    origins = _origins(data)
    train, validation, test = (
        replace(split, images=arrays[name], origins=origins[name]) for name, split in data.splits().items()
    )
    source = f"{data.source}, enlarged to twice its size by {method}"
    return replace(data, train=train, validation=validation, test=test, source=source, sha256=key)


def _origins(data: FerDataset) -> dict[str, np.ndarray]:
    """Which picture each image was made from: as known, else equal images are one picture."""
    splits = data.splits()
    if any(split.origins is None for split in splits.values()):
        numbers = number_pictures([image for split in splits.values() for image in split.images])
        ends = np.cumsum([len(split) for split in splits.values()])[:-1]
        return dict(zip(splits, np.split(numbers, ends), strict=True))
    return {name: split.origins for name, split in splits.items() if split.origins is not None}


def _enlarge_splits(data: FerDataset, method: str, generator_path: Path | None) -> dict[str, np.ndarray]:
    if generator_path is None:
        return {name: enlarge(split.images, method) for name, split in data.splits().items()}
    from keras.models import load_model  # it loads TensorFlow

    generator = load_model(generator_path, compile=False)
    return {name: enlarge(split.images, generator) for name, split in data.splits().items()}


def _content_key(data: FerDataset, method: str, generator_path: Path | None) -> str:
    """Hash of all that determines the pixels, the source's and the library's version included."""
    library = "tensorflow" if method == SRGAN else "pillow"
    key = hashlib.sha256(f"{ENLARGING_VERSION} {method} {library} {version(library)}\n{data.sha256}\n".encode())
    for name, split in data.splits().items():
        key.update(f"{name} {split.images.shape}\n".encode())
        key.update(np.ascontiguousarray(split.rows).data)
        key.update(np.ascontiguousarray(split.images).data)
    if generator_path is not None:
        key.update(network_sha256(generator_path).encode())
    return key.hexdigest()
