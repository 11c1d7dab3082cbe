"""FER2013's image-folder release -> arrays: train/<class>/Training_1.jpg, test/<class>/PublicTest_2.jpg, and so on."""

import hashlib
import re
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from fer_lib.block_parsing import PIXELS, SIDE, USAGES, Rows
from fer_lib.defects import DatasetError, Plain
from fer_lib.labels import EMOTIONS

PARTS = {"train": ("Training",), "test": ("PublicTest", "PrivateTest")}
"""Usages whose pictures stand in each folder of the release."""

CLASS_SPELLINGS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
} | {emotion: emotion for emotion in EMOTIONS}
"""Names that releases give the class folders, in lower case."""

SUFFIXES = (".jpg", ".jpeg", ".png")

_MARKER = re.compile(rf"({'|'.join(USAGES)})_\d+")
_LEFT_BY_SYSTEMS = ("thumbs.db", "desktop.ini")


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
    pictures = []
    for part in PARTS:
        for folder in _visible(parts[part]):
            if not folder.is_dir() or folder.name.lower() not in CLASS_SPELLINGS:
                raise DatasetError(folder, f"there must be only folders called {', '.join(EMOTIONS)}", folder.name)
            pictures += _visible(folder)
    for picture in pictures:
        if picture.suffix.lower() not in SUFFIXES:
            raise DatasetError(picture, f"the file must be a picture ({', '.join(SUFFIXES)})", picture.name)
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
        labels[index] = EMOTIONS.index(CLASS_SPELLINGS[class_folder])
        images[index] = _read_picture(picture)
    return Rows(images.reshape(-1, PIXELS), labels, usages)


def pictures_sha256(root: Path) -> str:
    """Hash of the release: every picture's relative name, length and content, in the order of `list_pictures`.

    Raises:
        DatasetError: if a file cannot be read, or for the reasons of `list_pictures`.
    """
    digest = hashlib.sha256()
    for picture in list_pictures(root):
        try:
            content = picture.read_bytes()
        except OSError as error:
            raise DatasetError(picture, "the picture must be readable", Plain(error)) from error
        digest.update(f"{picture.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _visible(folder: Path) -> list[Path]:
    """What stands in a folder, without what operating systems leave there."""
    return [child for child in folder.iterdir() if child.name[0] != "." and child.name.lower() not in _LEFT_BY_SYSTEMS]


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
    """Grey values uint8 (48, 48); colour is turned to grey."""
    try:
        with Image.open(picture) as image:
            if image.size != (SIDE, SIDE):
                received = Plain(f"{image.width} by {image.height}")
                raise DatasetError(picture, f"the picture must have {SIDE} by {SIDE} pixels", received)
            if image.mode not in ("L", "P", "RGB", "RGBA"):
                raise DatasetError(picture, "the picture must have 8 bits, grey or colour", Plain(f"mode {image.mode}"))
            return np.asarray(image.convert("L"))
    except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DatasetError(
            picture, "the picture must be readable", Plain(f"{type(error).__name__}: {error}")
        ) from error
