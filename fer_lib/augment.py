"""Offline augmentation: pictures -> a stated number of transforms of each, the same bytes for the same seed.

The LT2326 paper (Discussion and Future Work, tables 4 to 6) makes ten images of every picture by "randomly rotating,
flipping, scaling, adjusting brightness, and contrast" and states no ranges. Those below are assumed: what is usual in
projects of that kind, and mild enough that the face stays in the frame and its expression can be read.
"""

import math

import cv2
import numpy as np

__all__ = [
    "BRIGHTNESS",
    "CONTRAST",
    "FLIP_PROBABILITY",
    "ROTATION_DEGREES",
    "SCALE",
    "STRONGEST",
    "make_transforms",
]

ROTATION_DEGREES = (-15.0, 15.0)
"""Turn about the picture's centre, drawn evenly from this range (assumed, as are all of these)."""

FLIP_PROBABILITY = 0.5
"""Share of transforms in which left and right are exchanged."""

SCALE = (0.9, 1.1)
"""Size of the content beside its original, drawn evenly; the picture keeps its size."""

BRIGHTNESS = (0.8, 1.2)
"""Factor on all grey values, drawn evenly."""

CONTRAST = (0.8, 1.2)
"""Factor on every grey value's distance from the picture's mean, drawn evenly; applied before the brightness."""

STRONGEST = 4.5
"""Times the ranges above: beyond that a brightness or contrast would be turned around."""

_DRAWS = 5
"""Random numbers that one transform takes, always: so transform j does not depend on the ones before it."""

_GREYS = np.arange(256, dtype=np.float64)


def make_transforms(
    images: np.ndarray, count: int, seed: int, numbers: np.ndarray | None = None, strength: float = 1.0
) -> np.ndarray:
    """Rotate, flip, scale, and change brightness and contrast of every picture, each at random within its range.

    Geometry is one bilinear resampling, so a picture is blurred once, not once a step. What comes in from outside is
    the picture mirrored at its edge: faces fill FER2013's frame, and a mirror keeps the texture of hair and background,
    where black corners or drawn-out edges would be marks that no original bears. Grey values then take one linear map,
    rounded and cut to 0..255.

    Transform j of a picture follows from the seed, the picture's number and j alone: not from how many others are
    asked for, what stands beside it, or the number of threads. Working memory beyond the result is a picture's.

    Args:
        images: uint8 (n, h, w, c), of at least one pixel each.
        count: transforms of each, 0 or more.
        seed: 0 or more.
        numbers: int64 (n,), 0 or more: what each picture is known by, such as its row in the data set; pictures of one
            number share their random draws. By default 0 to n - 1.
        strength: how many times as far as the ranges above each change may go, flips aside; at most `STRONGEST`.

    Returns:
        uint8 (n, count, h, w, c); the originals are not among them.

    Raises:
        ValueError: if an argument is not as stated.
    """
    if images.ndim != 4 or images.dtype != np.uint8 or 0 in images.shape[1:]:
        raise ValueError(f"images must be uint8 (n, h, w, c) of at least one pixel. Received: {_describe(images)}")
    for name, value in (("count", count), ("seed", seed)):
        if value < 0:
            raise ValueError(f"{name} must be 0 or more. Received: {value!r}")
    if not 0 <= strength <= STRONGEST:
        raise ValueError(f"strength must be between 0 and {STRONGEST}. Received: {strength!r}")
    result = np.empty((len(images), count, *images.shape[1:]), dtype=np.uint8)
    for image, number, transforms in zip(images, _checked(numbers, len(images)), result, strict=True):
        mean = float(image.mean())
        for j, draws in enumerate(_generator(seed, int(number)).random((count, _DRAWS))):
            transforms[j] = _transform(image, mean, draws, strength)
    return result


def _checked(numbers: np.ndarray | None, length: int) -> np.ndarray:
    if numbers is None:
        return np.arange(length)
    if numbers.shape != (length,) or numbers.dtype != np.int64:
        raise ValueError(f"numbers must be int64 ({length},). Received: {_describe(numbers)}")
    if (numbers < 0).any():
        place = int(np.argmax(numbers < 0))
        raise ValueError(f"numbers must be 0 or more, numbers[{place}] is not. Received: {numbers[place]}")
    return numbers


def _generator(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))


def _transform(image: np.ndarray, mean: float, draws: np.ndarray, strength: float) -> np.ndarray:
    """Transform an image as five draws from [0, 1) say."""
    rotation, flip, scale, brightness, contrast = draws.tolist()
    height, width = image.shape[:2]
    matrix = _to_source(
        (height, width),
        _within(ROTATION_DEGREES, rotation, strength),
        flip < FLIP_PROBABILITY,
        _within(SCALE, scale, strength),
    )
    # OpenCV turns (h, w, 1) into (h, w).
    moved = cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
    )
    greys = _grey_map(mean, _within(BRIGHTNESS, brightness, strength), _within(CONTRAST, contrast, strength))
    return greys[moved].reshape(image.shape)


def _within(bounds: tuple[float, float], draw: float, strength: float) -> float:
    """A draw from [0, 1) on a range whose ends are moved away from its middle, or towards it."""
    low, high = bounds
    drawn = low + (high - low) * draw
    return drawn if strength == 1 else (low + high) / 2 + strength * (drawn - (low + high) / 2)


def _to_source(size: tuple[int, int], rotation_degrees: float, flipped: bool, scale: float) -> np.ndarray:
    """Where a pixel of the result comes from: float64 (2, 3), (x, y) of the result -> (x, y) of the picture."""
    centre = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    cosine, sine = (f(math.radians(rotation_degrees)) / scale for f in (math.cos, math.sin))
    turn = np.array([[cosine, sine], [-sine, cosine]])
    if flipped:
        turn[0] = -turn[0]
    return np.column_stack([turn, centre - turn @ centre])


def _grey_map(mean: float, brightness: float, contrast: float) -> np.ndarray:
    """What becomes of each grey value: uint8 (256,)."""
    mapped = brightness * (mean + contrast * (_GREYS - mean))
    return np.clip(np.rint(mapped), 0, 255).astype(np.uint8)


def _describe(array: np.ndarray) -> str:
    return f"{array.dtype} {array.shape}"
