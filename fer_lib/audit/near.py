"""Near duplicates: the same picture cut, scaled, lit, compressed or lettered a little differently, or mirrored.

Faces look alike to a hash of 64 bits: of FER2013's 27,475 distinct Training images 90,000 pairs differ in 12 bits of
the perceptual hash or fewer, and fewer than 3 % of these are one picture. So the hashes only propose pairs, and the
pixels decide: what is left of both images without their broad shading (a Gaussian of 1/16 of the side, 3 pixels, is
taken off) must correlate by 0.70, at the best of all shifts by up to 1/12 of the side. On contact sheets of Training,
35 of 36 pairs and all of 29 mirrored pairs drawn between 0.70 and 0.85 showed one picture; of 18 and 18 between 0.65
and 0.70 about 17 and 10 did. Both hashes together propose more of such pairs than either: 90 % of the pairs and 59 % of
the mirrored ones that wider limits find lie within the limit of the perceptual hash alone.

Of 500 Training images changed by code, mirrored or not, found are: 100 % of those darkened to 60 %, compressed as JPEG
of quality 40, or cut by one pixel on every side and enlarged; 99 % of those shifted by one pixel along a diagonal, but
31 % by two (the hashes no longer propose the rest); 81 % of those with a white word across them; none cut by three
pixels on every side. Of the pairs listed for Training, all of 56 and of 36 under two classes looked right.
"""

from dataclasses import dataclass

import cv2
import imagehash
import numpy as np
import pandas as pd
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fer_lib.audit.blanks import is_blank
from fer_lib.datasets import FerDataset, Split

__all__ = [
    "DETAIL_CORRELATION",
    "HASH_DISTANCES",
    "count_twins",
    "find_near_pairs",
    "group_pictures",
    "twin_mask",
]

HASH_DISTANCES = {"phash": 12, "dhash": 8}
"""Bits of 64 in which the hashes of a proposed pair may differ: either hash may propose it."""

DETAIL_CORRELATION = 0.70
"""Correlation of two images' details from which they are one picture."""

_HASHES = {"phash": imagehash.phash, "dhash": imagehash.dhash}
_SHADING = 1 / 16
"""Standard deviation of the Gaussian that is taken off, as a share of the image's height."""

_SHIFT = 1 / 12
"""Largest shift tried in each direction, as a share of the image's height."""

_ROWS_AT_ONCE = 256
_COLUMNS = ["first", "second", *HASH_DISTANCES, "correlation", "mirrored"]


@dataclass(frozen=True)
class _Looks:
    """What images are compared by: `hashes` uint64 (2, n) and those `mirrored`, `details` float32 (n, h, w)."""

    hashes: np.ndarray
    mirrored: np.ndarray
    details: np.ndarray


def find_near_pairs(images: np.ndarray) -> pd.DataFrame:
    """Find the pairs of images that show the same picture without being equal, one of them mirrored or not.

    Args:
        images: uint8 (n, h, w, c). Blank ones have no pairs.

    Returns:
        One row per pair of distinct pictures, equal images being named by the first of them: `first` < `second`,
        positions int64; `phash` and `dhash`, bits of 64 in which they differ; `correlation` of their details, at least
        0.70; whether `second` was `mirrored`. Sorted by `first`, then `second`.
    """
    firsts = np.flatnonzero(_first_copies(images) == np.arange(len(images)))
    firsts = firsts[~is_blank(images[firsts])]
    looks = _look_at(images[firsts])
    pairs = _compare(looks, looks, once=True)
    pairs[["first", "second"]] = firsts[pairs[["first", "second"]].to_numpy()]
    return pairs


def group_pictures(images: np.ndarray, pairs: pd.DataFrame) -> np.ndarray:
    """Group images that show the same picture: connected components of equal images and near pairs.

    Args:
        images: uint8 (n, h, w, c).
        pairs: from `find_near_pairs(images)`.

    Returns:
        int64 (n,): the position of the first image of each one's group.
    """
    firsts, positions = _first_copies(images), np.arange(len(images))
    start = np.concatenate([positions, pairs["first"].to_numpy(np.int64)])
    end = np.concatenate([firsts, pairs["second"].to_numpy(np.int64)])
    graph = coo_array((np.ones(len(start), bool), (start, end)), shape=(len(images), len(images)))
    _, members = connected_components(graph, directed=False)
    first_of_group = np.full(members.max(initial=-1) + 1, len(images), dtype=np.int64)
    np.minimum.at(first_of_group, members, positions)
    named: np.ndarray = first_of_group[members]
    return named


def twin_mask(train: Split, test: Split) -> np.ndarray:
    """Which images of one split stand in another too: equal, as a near duplicate, mirrored, or of the same origin.

    Args:
        train: the split that a model is fitted on.
        test: the split that it is scored on.

    Returns:
        bool (n_test,), True where the image, a near duplicate of it (see the module), the mirror image of either, or
        (of splits that know their origins) another image made from the same picture stands in `train`.

    Raises:
        ValueError: if the images of the two differ in size.
    """
    if train.images.shape[1:] != test.images.shape[1:]:
        received = f"{train.images.shape[1:]} and {test.images.shape[1:]}"
        raise ValueError(f"images of both splits must have one size. Received: {received}")
    known = dict.fromkeys(image.tobytes() for image in train.images)
    twins = np.array(
        [image.tobytes() in known or np.ascontiguousarray(image[:, ::-1]).tobytes() in known for image in test.images],
        dtype=bool,
    )
    if train.origins is not None and test.origins is not None:
        twins |= np.isin(test.origins, train.origins)
    open_ones = np.flatnonzero(~twins & ~is_blank(test.images))
    firsts = np.flatnonzero(_first_copies(train.images) == np.arange(len(train)))
    firsts = firsts[~is_blank(train.images[firsts])]
    pairs = _compare(_look_at(test.images[open_ones]), _look_at(train.images[firsts]), once=False)
    twins[open_ones[pairs["first"].to_numpy()]] = True
    return twins


def count_twins(dataset: FerDataset) -> dict[str, int]:
    """How many images of validation and of test have a twin in train (see `twin_mask`)."""
    held_out = {name: split for name, split in dataset.splits().items() if name != "train"}
    return {name: int(twin_mask(dataset.train, split).sum()) for name, split in held_out.items()}


def _first_copies(images: np.ndarray) -> np.ndarray:
    """Position of the first image that equals each: int64 (n,)."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(image.tobytes(), place) for place, image in enumerate(images)], dtype=np.int64)


def _look_at(images: np.ndarray) -> _Looks:
    grey = images[..., 0] if images.shape[-1] == 1 else images.mean(axis=-1).round().astype(np.uint8)
    details = np.empty(grey.shape, np.float32)
    for place, image in enumerate(grey):
        values = image.astype(np.float32)
        details[place] = values - cv2.GaussianBlur(values, (0, 0), _SHADING * grey.shape[1])
    return _Looks(_hash(grey), _hash(grey[:, :, ::-1]), details)


def _hash(grey: np.ndarray) -> np.ndarray:
    """Images uint8 (n, h, w) -> uint64 (2, n), in the order of `HASH_DISTANCES`."""
    pictures = [Image.fromarray(np.ascontiguousarray(image)) for image in grey]
    bits = [[_HASHES[name](picture).hash.ravel() for picture in pictures] for name in HASH_DISTANCES]
    packed = np.packbits(np.array(bits, dtype=bool).reshape(len(bits), len(grey), 64), axis=-1)
    return packed.view(np.uint64)[..., 0]


def _compare(first: _Looks, second: _Looks, *, once: bool) -> pd.DataFrame:
    """Pairs of one picture; `once` where both are the same images, for each pair to be named but once."""
    found = []
    for mirrored in (False, True):
        pairs = _propose(first.hashes, second.mirrored if mirrored else second.hashes, once=once)
        correlations = np.array(
            [_correlate(first.details[a], second.details[b], mirrored) for a, b in pairs[:, :2]], dtype=np.float64
        )
        table = pd.DataFrame(pairs, columns=_COLUMNS[:4]).assign(correlation=correlations, mirrored=mirrored)
        found.append(table[table["correlation"] >= DETAIL_CORRELATION])
    best = pd.concat(found).sort_values("correlation", ascending=False, kind="stable")
    return best.drop_duplicates(["first", "second"]).sort_values(["first", "second"], ignore_index=True)


def _propose(first: np.ndarray, second: np.ndarray, *, once: bool) -> np.ndarray:
    """Pairs whose hashes are close: int64 (m, 4), both positions and both distances."""
    limits = np.array(list(HASH_DISTANCES.values()))
    proposed = [np.empty((0, 2 + len(limits)), np.int64)]
    for start in range(0, first.shape[1], _ROWS_AT_ONCE):
        begin = start if once else 0
        part = first[:, start : start + _ROWS_AT_ONCE]
        distances = np.bitwise_count(part[:, :, None] ^ second[:, None, begin:])
        close = (distances <= limits[:, None, None]).any(axis=0)
        rows, columns = np.nonzero(np.triu(close, 1) if once else close)
        proposed.append(np.column_stack([rows + start, columns + begin, *distances[:, rows, columns]]))
    return np.concatenate(proposed).astype(np.int64)


def _correlate(first: np.ndarray, second: np.ndarray, mirrored: bool) -> float:
    """Normalised correlation of either image's middle with the other, at its best shift: the higher of the two."""
    other = np.ascontiguousarray(second[:, ::-1]) if mirrored else second
    return max(_find_middle(first, other), _find_middle(other, first))


def _find_middle(image: np.ndarray, other: np.ndarray) -> float:
    margin = max(1, round(_SHIFT * image.shape[0]))
    middle = np.ascontiguousarray(image[margin:-margin, margin:-margin])
    if middle.std() < 1e-3:
        return 0.0
    return float(cv2.matchTemplate(other, middle, cv2.TM_CCOEFF_NORMED).max())
