"""Where eyes, brows and mouth stand in a picture of a face, as masks.

FER2013's faces are aligned only roughly, so one set of boxes serves all of them; the drawn sample's are known exactly.
"""

import math

import numpy as np

from fer_lib.datasets import Split
from fer_lib.labels import EMOTIONS
from fer_lib.sample import SIZES, Box, draw_row

SIDE = 48
"""Side in pixels of the picture that `FACE_BOXES` are boxes of."""

FACE_BOXES: dict[str, tuple[Box, ...]] = {
    "eyes": ((8, 14, 23, 21), (25, 14, 40, 21)),
    "brows": ((7, 7, 23, 14), (25, 7, 41, 14)),
    "mouth": ((13, 32, 35, 44),),
}
"""Boxes (left, top, right, bottom) of the facial parts of an aligned face of 48x48 pixels.

Each is the part's mean box over 700 training pictures of the drawn sample, one standard deviation larger on every side
for how much faces and crops differ (eyes and brows meet half-way, at row 14), to whole pixels and symmetric. They hold
for FER2013: Haar's eye cascade finds eyes in its Training images at (14.6, 18.0) and (32.7, 17.9) on average, standard
deviation 2.6 (pairs in 828 of 1,500 images), against (15.2, 17.5) and (32.7, 17.5) here; its smile cascade finds mouths
at (12.8, 32.4, 35.4, 43.7) (480 of 800 images). Together they cover 30.3 % of the picture.
"""


def fixed_masks(height: int = SIDE, width: int = SIDE) -> dict[str, np.ndarray]:
    """Masks of the facial parts of aligned faces of any size.

    Args:
        height: rows of the pictures.
        width: their columns.

    Returns:
        bool (height, width) for eyes, brows and mouth: the pixels that `FACE_BOXES`, scaled, touch.

    Raises:
        ValueError: if a size is below 1.
    """
    if min(height, width) < 1:
        raise ValueError(f"height and width must be at least 1. Received: {height} and {width}")
    masks = {part: np.zeros((height, width), dtype=bool) for part in FACE_BOXES}
    for part, boxes in FACE_BOXES.items():
        for left, top, right, bottom in boxes:
            scaled = (left * width / SIDE, top * height / SIDE, right * width / SIDE, bottom * height / SIDE)
            _fill(masks[part], scaled)
    return masks


def sample_masks(split: Split, sizes: tuple[int, int, int] = SIZES, seed: int = 0) -> dict[str, np.ndarray]:
    """Exact masks of the facial parts of pictures of the drawn sample, which are drawn again for it.

    Args:
        split: pictures of the sample, any of them in any order, with their rows in it.
        sizes: of the sample.
        seed: of the sample.

    Returns:
        bool (n, 48, 48) for eyes, brows and mouth: the pixels that the boxes of the part's curves touch.

    Raises:
        ValueError: if a row is not one of the sample or holds another picture there.
    """
    masks = {part: np.zeros((len(split), SIDE, SIDE), dtype=bool) for part in FACE_BOXES}
    for place, (image, label, row) in enumerate(zip(split.images, split.labels, split.rows, strict=True)):
        if not 0 <= row < sum(sizes):
            raise ValueError(f"rows must be in 0 ... {sum(sizes) - 1}. Received: {row}")
        index = int(np.searchsorted(np.cumsum(sizes), row, side="right"))
        drawing = draw_row(index, int(row) - sum(sizes[:index]), EMOTIONS[label], seed)
        if not np.array_equal(drawing.image, image.reshape(image.shape[:2])):
            raise ValueError(f"images must be those of the sample of sizes {sizes}, seed {seed}. Received: row {row}")
        for name, box in drawing.boxes.items():
            for part in masks:
                if name.endswith(part.rstrip("s")):  # left_eye, right_eye, left_brow, right_brow, mouth; not the nose
                    _fill(masks[part][place], box)
    return masks


def _fill(mask: np.ndarray, box: Box) -> None:
    """Set the pixels of a mask (h, w) that a box touches."""
    left, top, right, bottom = box
    rows = slice(max(0, math.floor(top)), max(0, math.ceil(bottom)))
    mask[rows, max(0, math.floor(left)) : max(0, math.ceil(right))] = True
