"""Where faces are in a grey picture: a Haar cascade of those that OpenCV's wheel brings along (Viola and Jones 2001).

The settings below were chosen on 350 stand-in scenes (`fer_lib.scenes`) made from FER2013's Training images, and on the
48 by 48 images themselves. In the scenes the largest box of `alt2` met the face (IoU of 0.5 or more) in 72 %, and lay
elsewhere in 7 %; that of `default` in 69-70 % and 10 %, in half as much time again. With a border of a quarter the
cascade finds a face in 77 % of the images as they are, without one in 61 %.
"""

import threading
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.data import haarcascades

__all__ = ["CROPS_VERSION", "MARGIN", "SMALLEST", "Box", "crop_face", "find_faces", "square_about"]

SMALLEST = 0.2
"""Side of the smallest face looked for, as a share of the picture's shorter side."""

MARGIN = 0.05
"""What `square_about` adds on every side, as a share of the face's side: FER2013's own squares are 1.07 times as wide
as the box that is found in them (median over the scenes)."""

CROPS_VERSION = 1
"""Raised whenever `crop_face` cuts another part out of the same picture; faces cached by another version are cut out
anew."""

_CASCADE = haarcascades + "haarcascade_frontalface_alt2.xml"

_WORKING_FACE = 48
"""Pixels to which the side of the smallest face is brought; the cascade's own window has 20."""

_BORDER = 0.25
"""What a picture is continued by on every side, as a share of its shorter side: faces reach to its edges."""

_STEP, _NEIGHBOURS = 1.1, 3
"""Factor between the sizes tried, and how many of the windows tried must agree."""

_of_this_thread = threading.local()


@dataclass(frozen=True)
class Box:
    """A rectangle in a picture, in whole pixels from its upper left corner."""

    left: int
    top: int
    width: int
    height: int


def find_faces(image: np.ndarray, smallest: float = SMALLEST) -> list[Box]:
    """Find upright faces that look towards the camera.

    The picture is first enlarged or reduced so that the smallest face has 48 pixels: one of 48 by 48 can be searched as
    well as a large photograph, in about the same time.

    Args:
        image: grey values uint8 (h, w).
        smallest: side of the smallest face, as a share of the shorter side, from 0.02 to 1.

    Returns:
        The faces, largest first, each inside the picture; empty where none is found.

    Raises:
        ValueError: if `image` or `smallest` is not as stated.
    """
    if image.ndim != 2 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"image must be uint8 (h, w), at least one pixel. Received: {image.dtype} {image.shape}")
    if not 0.02 <= smallest <= 1:
        raise ValueError(f"smallest must be from 0.02 to 1. Received: {smallest}")
    height, width = image.shape
    scale = _WORKING_FACE / (smallest * min(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    working = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    border = round(_BORDER * min(size))
    found = _cascade().detectMultiScale(
        cv2.copyMakeBorder(working, border, border, border, border, cv2.BORDER_REPLICATE),
        scaleFactor=_STEP,
        minNeighbors=_NEIGHBOURS,
        minSize=(_WORKING_FACE, _WORKING_FACE),
    )
    boxes = []
    for x, y, side, _ in found:
        left, right = _clip(x - border, side, scale, width)
        top, bottom = _clip(y - border, side, scale, height)
        if right > left and bottom > top:
            boxes.append(Box(left, top, right - left, bottom - top))
    return sorted(boxes, key=lambda box: (-box.width * box.height, box.left, box.top))


def crop_face(image: np.ndarray, smallest: float = SMALLEST) -> np.ndarray:
    """Cut out the largest face: what Liu (section 3) proposes to do before the network.

    Args:
        image: grey values uint8 (h, w).
        smallest: as for `find_faces`.

    Returns:
        A view uint8 (side, side) of the largest face and `MARGIN` about it, moved and at most reduced so far that the
        square is inside the picture; the whole picture, of any shape, where no face is found.

    Raises:
        ValueError: for the reasons of `find_faces`.
    """
    faces = find_faces(image, smallest)
    if not faces:
        return image
    square = square_about(faces[0], *image.shape)
    return image[square.top : square.top + square.height, square.left : square.left + square.width]


def square_about(face: Box, height: int, width: int) -> Box:
    """The square that is cut out for a face: the face and `MARGIN` about it.

    Args:
        face: a box inside the picture.
        height: of the picture, in pixels.
        width: of the picture, in pixels.

    Returns:
        A square about the middle of the face, moved and at most reduced so far that it is inside the picture.
    """
    side = min(round(max(face.width, face.height) * (1 + 2 * MARGIN)), height, width)
    top = _move_inside(face.top + face.height / 2, side, height)
    left = _move_inside(face.left + face.width / 2, side, width)
    return Box(left, top, side, side)


def _cascade() -> cv2.CascadeClassifier:
    """One per thread: a cascade keeps what it works on in itself."""
    if not hasattr(_of_this_thread, "cascade"):
        _of_this_thread.cascade = cv2.CascadeClassifier(_CASCADE)
    cascade: cv2.CascadeClassifier = _of_this_thread.cascade
    return cascade


def _clip(start: int, length: int, scale: float, limit: int) -> tuple[int, int]:
    """Both ends, in the picture's own pixels, of a stretch in those that were searched."""
    return max(0, round(start / scale)), min(limit, round((start + length) / scale))


def _move_inside(centre: float, side: int, limit: int) -> int:
    return max(0, min(round(centre - side / 2), limit - side))
