"""Folders of small pictures in SFEW's layout."""

from pathlib import Path

import numpy as np
from PIL import Image

from fer_lib.image_folder import (
    LabelledPicture,
    load_pictures,
)
from fer_lib.labels import EMOTIONS

SIDE = 48


def fill_folder(root: Path, names: tuple[str, ...] = EMOTIONS, files: tuple[str, ...] = ("1.png", "2.png")) -> None:
    """Pictures 90 by 60 of one grey each: 10 * label + number of the file."""
    for label, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for number, file in enumerate(files):
            Image.new("L", (90, 60), 10 * label + number).save(root / name / file)


def save_happy(root: Path, picture: Image.Image, file: str = "1.png", **options: object) -> LabelledPicture:
    picture.save(root / "happy" / file, **options)
    return LabelledPicture(f"happy/{file}", 3)


def load_one(root: Path, picture: LabelledPicture, **options: object) -> np.ndarray:
    return load_pictures(root, [picture], **options).images[0, ..., 0]


def noise(height: int, width: int, *channels: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, *channels), dtype=np.uint8)
