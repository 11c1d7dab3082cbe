"""FER2013's image-folder release -> arrays: train/<class>/Training_1.jpg, test/<class>/PublicTest_2.jpg, and so on."""

import re
from pathlib import Path

import numpy as np

from fer_lib.block_parsing import PIXELS, SIDE, USAGES, Rows
from fer_lib.defects import DatasetError, Plain
from fer_lib.pictures import CLASS_LABELS, hash_pictures, list_class, list_visible, read_grey

PARTS = {"train": ("Training",), "test": ("PublicTest", "PrivateTest")}
"""Usages whose pictures stand in each folder of the release."""

_MARKER = re.compile(rf"({'|'.join(USAGES)})_\d+")


def list_pictures(root: Path) -> list[Path]:
    """Every picture of the release, sorted by its path relative to `root` (compared part by part).

    Raises:
        DatasetError: if train or test is missing, a class folder's name is unknown, or a file is not a picture's.
    """
    parts = {folder.name.lower(): folder for folder in root.iterdir() if folder.is_dir()}
    for part in PARTS:
        if part not in parts:
            found = sorted(child.name for child in root.iterdir())
            raise DatasetError(root, "the folder must hold the folders train and test", found)
    classes = [folder for part in PARTS for folder in list_visible(parts[part])]
    pictures = [picture for folder in classes for picture in list_class(folder)]
    return sorted(pictures, key=lambda picture: picture.relative_to(root).parts)


def read_pictures(root: Path) -> Rows:
    """Read the release; rows are in the order of `list_pictures`.

    Raises:
        DatasetError: naming the first file that does not say its Usage, contradicts its folder, cannot be read, or is
            not an 8-bit picture of 48 by 48 pixels.
    """
    pictures = list_pictures(root)
    images = np.empty((len(pictures), SIDE, SIDE), np.uint8)
    labels, usages = np.empty(len(pictures), np.uint8), np.empty(len(pictures), np.uint8)
    for index, picture in enumerate(pictures):
        part, class_folder = (name.lower() for name in picture.relative_to(root).parts[:2])
        usages[index] = USAGES.index(_official_usage(picture, part))
        labels[index] = CLASS_LABELS[class_folder]
        images[index] = _read_picture(picture)
    return Rows(images.reshape(-1, PIXELS), labels, usages)


def pictures_sha256(root: Path) -> str:
    """Hash of the release: every picture's relative name, length and content, in the order of `list_pictures`.

    Raises:
        DatasetError: if a file cannot be read, or for the reasons of `list_pictures`.
    """
    return hash_pictures(root, list_pictures(root))


def _official_usage(picture: Path, part: str) -> str:
    """The Usage that the file's name carries."""
    marker = _MARKER.search(picture.name)
    if marker is None:
        expected = f"the file name must carry {', '.join(f'{usage}_<number>' for usage in USAGES)}"
        raise DatasetError(picture, expected, picture.name)
    if marker[1] not in PARTS[part]:
        raise DatasetError(picture, f"a file in {part} must carry {' or '.join(PARTS[part])}", picture.name)
    return marker[1]


def _read_picture(picture: Path) -> np.ndarray:
    """Grey values uint8 (48, 48)."""
    image = read_grey(picture)
    if image.shape != (SIDE, SIDE):
        received = Plain(f"{image.shape[1]} by {image.shape[0]}")
        raise DatasetError(picture, f"the picture must have {SIDE} by {SIDE} pixels", received)
    return image
