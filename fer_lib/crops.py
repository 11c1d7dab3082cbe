"""Test-time crops: the corners and the centre of every picture and their mirror images, and the mean over them.

The paper (liu_separable_ensemble, Section 4.2) says that "the image is randomly clipped to the size of 44×44, and the
data can be expanded to 16 times by cropping the image and mirroring", and no more. It is read here as what random
clipping in training does: each epoch draws a crop and a mirroring of every picture anew (`augmentation_layers`), rather
than from a fixed copy sixteen times as large. 44 pixels of 48 have 5 × 5 = 25 places, and two mirrorings make 50 views
that can be drawn, of which 16 would be a choice that the paper does not give; in 250 epochs a picture is met in nearly
all of them. An epoch keeps the number of the data set's pictures, so that 250 epochs mean what they mean elsewhere.

Testing on ten crops is not in the paper's text; it is what projects that train on such crops of FER2013 do.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from fer_lib.predictors import Predict

VIEWS = 10


def ten_crops(images: np.ndarray, side: int) -> Iterator[np.ndarray]:
    """Crop the corners and the centre of every picture, one view of all pictures at a time.

    The order is top left, top right, bottom left, bottom right, centre, each followed by its mirror image. A crop is
    resized to the picture's size as those of training are: bilinear, half-pixel centres, edges that repeat; then grey
    values are rounded, once (OpenCV's resizing of bytes is off by up to one).

    Args:
        images: uint8 (n, h, w, c).
        side: side of the square crops in pixels. Where h - side or w - side is odd the centre crop lies half a pixel
            off: its offset is rounded down, towards the top and the left.

    Returns:
        An iterator of ten arrays uint8 (n, h, w, c); each is new, so that one need not keep them all.

    Raises:
        ValueError: if the images are not as stated, or `side` is not from 1 to their smaller side.
    """
    if images.ndim != 4 or images.dtype != np.uint8:
        raise ValueError(f"images must be uint8 (n, h, w, c). Received: {images.dtype} {images.shape}")
    height, width = images.shape[1:3]
    check_side(side, height, width)
    bottom, right = height - side, width - side
    places = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)]
    return _views(images, side, places)


def check_side(side: int, height: int, width: int) -> None:
    """Refuse a side of crops that images of this height and width do not have, in pixels.

    Raises:
        ValueError: if it is not from 1 to the smaller of the two.
    """
    if not 1 <= side <= min(height, width):
        raise ValueError(f"side must be from 1 to the smaller side of images of {height}×{width}. Received: {side!r}")


def average_views(predict: Predict, images: np.ndarray, side: int) -> np.ndarray:
    """Mean of the probabilities of the ten crops; one crop of all pictures is in memory at a time.

    Args:
        predict: uint8 (n, h, w, c) -> probabilities (n, classes); called ten times.
        images: uint8 (n, h, w, c).
        side: side of the crops, see `ten_crops`.

    Returns:
        float32 (n, classes).

    Raises:
        ValueError: as `ten_crops` does.
    """
    total = sum(np.asarray(predict(view), dtype=np.float64) for view in ten_crops(images, side))
    return np.asarray(total / VIEWS, dtype=np.float32)


def _views(images: np.ndarray, side: int, places: list[tuple[int, int]]) -> Iterator[np.ndarray]:
    for top, left in places:
        view = _resize(images[:, top : top + side, left : left + side], images.shape)
        mirrored = view[:, :, ::-1].copy()
        yield view
        yield mirrored


def _resize(crops: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Crops uint8 (n, side, side, c) at the size of `shape`, (n, h, w, c)."""
    resized = np.empty(shape, dtype=np.uint8)
    for crop, picture in zip(crops.astype(np.float32), resized, strict=True):
        # OpenCV turns (h, w, 1) into (h, w).
        enlarged = cv2.resize(crop, (shape[2], shape[1]), interpolation=cv2.INTER_LINEAR)
        picture[:] = np.rint(enlarged).reshape(picture.shape)
    return resized
