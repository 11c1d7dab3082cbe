"""FER2013's image-folder release -> arrays: train/<class>/Training_1.jpg, test/<class>/PublicTest_2.jpg, and so on."""

import re
from pathlib import Path

import numpy as np

from fer_lib.block_parsing import PIXELS, SIDE, USAGES, Rows
from fer_lib.defects import DatasetError, Plain
from fer_lib.pictures import CLASS_LABELS, hash_pictures, list_classes, list_visible, read_grey

PARTS = {"train": ("Training",), "test": ("PublicTest", "PrivateTest")}
"""Usages whose pictures stand in each folder of the release."""

_MARKER = re.compile(rf"({'|'.join(USAGES)})_\d+")


def list_pictures(root: Path) -> list[Path]:
    """Every picture of the release, sorted by its path relative to `root` (compared part by part).

    Raises:
        DatasetError: naming the folder or file, if train or test is missing or there twice, another folder holds
            classes too, or for the reasons of `pictures.list_classes`.
    """
    pictures = [
        picture for part in _find_parts(root).values() for files in list_classes(part).values() for picture in files
    ]
    return sorted(pictures, key=lambda picture: picture.relative_to(root).parts)


def read_pictures(root: Path) -> Rows:
    """Read the release; rows are in the order of `list_pictures`.

    Raises:
        DatasetError: naming the first file that does not say its Usage, contradicts its folder, cannot be read, is not
            an 8-bit picture of 48 by 48 pixels, or is a copy of another with the same Usage and number.
    """
    pictures = list_pictures(root)
    first_of: dict[tuple[str, bytes], Path] = {}
    images = np.empty((len(pictures), SIDE, SIDE), np.uint8)
    labels, usages = np.empty(len(pictures), np.uint8), np.empty(len(pictures), np.uint8)
    for index, picture in enumerate(pictures):
        part, class_folder = (name.lower() for name in picture.relative_to(root).parts[:2])
        marker, usage = _official_usage(picture, part)
        usages[index] = USAGES.index(usage)
        labels[index] = CLASS_LABELS[class_folder]
        images[index] = _read_picture(picture)
        first = first_of.setdefault((marker, images[index].tobytes()), picture)
        if first != picture:
            raise DatasetError(
                picture, f"{marker} must stand once, and is also {first.relative_to(root)}", Plain("a copy")
            )
    return Rows(images.reshape(-1, PIXELS), labels, usages)


def pictures_sha256(root: Path) -> str:
    """Hash of the release: every picture's relative name, length and content, in the order of `list_pictures`.

    Raises:
        DatasetError: if a file cannot be read, or for the reasons of `list_pictures`.
    """
    return hash_pictures(root, list_pictures(root))


def _find_parts(root: Path) -> dict[str, Path]:
    """The folders train and test, under any capitalisation."""
    folders = [child for child in sorted(list_visible(root)) if child.is_dir()]
    parts: dict[str, Path] = {}
    for folder in folders:
        part = folder.name.lower()
        if part in parts:
            received = Plain(f"{parts[part].name!r} and {folder.name!r}")
            raise DatasetError(folder, f"there must be one folder {part}", received)
        if part in PARTS:
            parts[part] = folder
        elif any(child.name.lower() in CLASS_LABELS for child in list_visible(folder)):
            raise DatasetError(folder, "pictures must stand in train and test, by the Usage they carry", folder.name)
    if set(parts) != set(PARTS):
        found = sorted(child.name for child in list_visible(root))
        raise DatasetError(root, "the folder must hold the folders train and test", found)
    return {part: parts[part] for part in PARTS}


def _official_usage(picture: Path, part: str) -> tuple[str, str]:
    """The marker that the file's name carries, `Training_12`, and its Usage."""
    marker = _MARKER.search(picture.name)
    if marker is None:
        expected = f"the file name must carry {', '.join(f'{usage}_<number>' for usage in USAGES)}"
        raise DatasetError(picture, expected, picture.name)
    if marker[1] not in PARTS[part]:
        raise DatasetError(picture, f"a file in {part} must carry {' or '.join(PARTS[part])}", picture.name)
    return marker[0], marker[1]


def _read_picture(picture: Path) -> np.ndarray:
    """Grey values uint8 (48, 48)."""
    image = read_grey(picture)
    if image.shape != (SIDE, SIDE):
        received = Plain(f"{image.shape[1]} by {image.shape[0]}")
        raise DatasetError(picture, f"the picture must have {SIDE} by {SIDE} pixels", received)
    return image
