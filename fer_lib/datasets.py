"""FER2013 from its CSV, the variants of it and its image folders -> validated arrays in the official splits."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from fer_lib.block_parsing import SIDE, USAGES, Rows
from fer_lib.cache import cache_paths, read_cache, write_cache
from fer_lib.containers import open_csv
from fer_lib.defects import DatasetError, Plain
from fer_lib.files import file_sha256, state_of
from fer_lib.parsing import parse_csv
from fer_lib.paths import find_data
from fer_lib.picture_folder import pictures_sha256, read_pictures

__all__ = ["DatasetError", "FerDataset", "Split", "load_data", "load_fer2013", "number_pictures", "take_part"]

SPLIT_USAGES = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}
"""The official split: what FER2013 calls each of ours."""

_CACHED_ARRAYS = tuple(f"{array}_{split}" for split in SPLIT_USAGES for array in ("images", "labels", "rows"))


@dataclass(frozen=True, eq=False)
class Split:
    """Part of a data set.

    Attributes:
        images: uint8 (n, h, w, c), grey values from 0 to 255.
        labels: int64 (n,), index in `labels.EMOTIONS`.
        rows: int64 (n,), row of each image in the source, from 0.
        origins: int64 (n,), number of the picture an image was made from, one number for pictures that are equal in
            all their pixels; None where each image is a picture of its own.
        transforms: int64 (n,), 0 for an original and from 1 for its transforms; None where all are originals.
    """

    images: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    origins: np.ndarray | None = None
    transforms: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check the types and shapes.

        Raises:
            ValueError: if they are not as stated above.
        """
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise ValueError(f"images must be uint8 (n, h, w, c). Received: {_describe(self.images)}")
        for name in ("labels", "rows", "origins", "transforms"):
            array = getattr(self, name)
            if array is None and name in ("origins", "transforms"):
                continue
            if array.shape != self.images.shape[:1] or array.dtype != np.int64:
                raise ValueError(f"{name} must be int64 ({len(self.images)},). Received: {_describe(array)}")

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def take(self, positions: np.ndarray) -> "Split":
        """The images at some positions, int64 (n,), in their order."""
        optional = (None if array is None else array[positions] for array in (self.origins, self.transforms))
        return Split(self.images[positions], self.labels[positions], self.rows[positions], *optional)

    def __repr__(self) -> str:
        """Count and size of the images."""
        return f"Split({len(self):,} images of {'×'.join(map(str, self.images.shape[1:]))})"


def number_pictures(images: Iterable[np.ndarray]) -> np.ndarray:
    """Number pictures from 0 by first appearance, equal ones alike: n of uint8 (h, w, c) -> int64 (n,)."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(image.tobytes(), len(numbers)) for image in images], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class FerDataset:
    """FER2013 in its official splits, or other pictures of faces in splits of their own.

    Attributes:
        train: of FER2013, rows of Usage Training.
        validation: rows of Usage PublicTest; holds no image where a protocol has none.
        test: rows of Usage PrivateTest.
        source: the file or folder that was read, or a name for what was made.
        sha256: hash of the source's content.
        is_sample: whether this is the built-in sample, whose numbers are not comparable with any paper's.
        stands_for: data set that the pictures stand in for, not being at hand; empty where they are the real ones.
        whole: the data that this is a part of (see `take_part`); None where it is whole.
    """

    train: Split
    validation: Split
    test: Split
    source: str
    sha256: str
    is_sample: bool
    stands_for: str = ""
    whole: "FerDataset | None" = None

    def splits(self) -> dict[str, Split]:
        """The three splits by name: train, validation, test."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def __repr__(self) -> str:
        """Source, sizes and the beginning of the hash."""
        sizes = ", ".join(f"{name} {len(split):,}" for name, split in self.splits().items())
        return f"FerDataset({sizes}; source {self.source!r}, sha256 {self.sha256[:12]}…)"


def load_fer2013(path: str | Path, cache_folder: str | Path | None = None) -> FerDataset:
    """Load FER2013 and check every byte of it.

    Read are the published `fer2013.csv` (columns emotion, pixels, Usage, in any order, so also `icml_face_data.csv`),
    gzip and zip files of it, and the release as image folders (`train/<class>/Training_1.jpg`, …). Parsed arrays are
    cached beside the source, else (where that cannot be written to) in the user's cache folder, keyed by content.

    Args:
        path: the CSV file, its gzip or zip, or the folder that holds `train` and `test`.
        cache_folder: where the cache goes instead.

    Returns:
        Images uint8 (n, 48, 48, 1) per official split, each in the source's order; all arrays are read-only. `sha256`
        is that of the file's bytes, or for folders of the relative names and contents of the pictures.

    Raises:
        DatasetError: a ValueError that names the file, the row where there is one, and what was received.
    """
    source = _resolve(path)
    compute_sha256, parse = (pictures_sha256, _parse_folder) if source.is_dir() else (_file_sha256, _parse_file)
    candidates = cache_paths(source, None if cache_folder is None else Path(cache_folder).expanduser())
    before = state_of(source)
    sha256 = compute_sha256(source)
    arrays = read_cache(candidates, _CACHED_ARRAYS, sha256)
    if arrays is None:
        arrays = _split_arrays(parse(source), source)
        if state_of(source) != before:
            raise DatasetError(source, "the file must stay as it is while it is read", Plain("a change"))
        write_cache(candidates, sha256, arrays)
    train, validation, test = (
        Split(*(arrays[f"{name}_{split}"] for name in ("images", "labels", "rows"))) for split in SPLIT_USAGES
    )
    return FerDataset(train, validation, test, source=str(source), sha256=sha256, is_sample=False)


def _resolve(path: str | Path) -> Path:
    """The absolute path of a file or folder that is there."""
    try:
        source = Path(path).expanduser().resolve()
        is_there = source.exists()
    except (OSError, RuntimeError) as error:  # a loop of links, a name too long, no such user's home
        raise DatasetError(path, "there must be a file or folder", Plain(error)) from error
    if not is_there:
        raise DatasetError(source, "there must be a file or folder", str(path))
    return source


def load_data(data_path: str | Path | None = None, images: int | None = None) -> FerDataset:
    """Load the data that a notebook or a run is to use.

    Args:
        data_path: where FER2013 is; "sample" for the built-in sample; empty or None for the order of `paths.find_data`
            (FER2013_CSV, then data/), and the built-in sample where none is found.
        images: about how many training images to take, and as large a share of the other splits; None takes all.

    Raises:
        FileNotFoundError: if a path is named that is not there.
        DatasetError: see `load_fer2013`.
    """
    path = None if str(data_path) == "sample" else find_data(data_path)
    if path is not None:
        data = load_fer2013(path)
    else:
        from fer_lib.sample import load_sample  # it draws and imports this module

        data = load_sample()
    return data if images is None else take_part(data, images)


def take_part(data: FerDataset, images: int) -> FerDataset:
    """Take a part of some data, the same share of every class of every split, drawn with a fixed seed.

    Args:
        data: the whole.
        images: about how many training images to take: the share of each class is rounded up.

    Returns:
        The part, each split in its order, with a `sha256` of its own; the data themselves where they are no larger.

    Raises:
        ValueError: if `images` is below 1.
    """
    if images < 1:
        raise ValueError(f"images must be at least 1. Received: {images}")
    if images >= len(data.train):
        return data
    share = Fraction(images, len(data.train))
    train, validation, test = (_take_share(split, share) for split in data.splits().values())
    return replace(
        data,
        train=train,
        validation=validation,
        test=test,
        source=f"{len(train):,} of the {len(data.train):,} training images of {data.source}",
        sha256=hashlib.sha256(f"{images} training images of {data.sha256}".encode()).hexdigest(),
        whole=data,
    )


def _take_share(split: Split, share: Fraction) -> Split:
    rng = np.random.default_rng(0)
    taken = []
    for label in np.unique(split.labels):
        members = np.flatnonzero(split.labels == label)
        taken.append(rng.permutation(members)[: math.ceil(share * len(members))])
    return split.take(np.sort(np.concatenate(taken)))


def _parse_file(path: Path) -> Iterator[Rows]:
    with open_csv(path) as file:
        yield from parse_csv(file, path)


def _parse_folder(root: Path) -> Iterator[Rows]:
    yield read_pictures(root)


def _split_arrays(blocks: Iterator[Rows], source: Path) -> dict[str, np.ndarray]:
    """Sort rows into splits: images_<split>, labels_<split>, rows_<split>."""
    pixels = [bytearray() for _ in USAGES]  # they grow without being copied, and become the arrays
    labels, usages = bytearray(), bytearray()
    for block in blocks:
        labels += block.labels.data
        usages += block.usages.data
        for usage in np.unique(block.usages):
            pixels[usage] += block.images[block.usages == usage].data
    arrays: dict[str, np.ndarray] = {}
    for split, usage in SPLIT_USAGES.items():
        index = USAGES.index(usage)
        rows = np.flatnonzero(np.frombuffer(usages, np.uint8) == index)
        if len(rows) == 0:
            counts = {name: usages.count(code) for code, name in enumerate(USAGES)}
            raise DatasetError(source, f"there must be rows of Usage {usage}", counts)
        arrays[f"images_{split}"] = np.frombuffer(pixels[index], np.uint8).reshape(-1, SIDE, SIDE, 1)
        arrays[f"labels_{split}"] = np.frombuffer(labels, np.uint8)[rows].astype(np.int64)
        arrays[f"rows_{split}"] = rows
    for array in arrays.values():
        array.flags.writeable = False  # as those of the cache are
    return arrays


def _file_sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise DatasetError(path, "the file must be readable", Plain(error)) from error


def _describe(array: np.ndarray) -> str:
    return f"{array.dtype} {array.shape}"
