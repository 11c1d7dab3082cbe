"""What every folder of pictures shares: names of class folders, files that count, pictures -> grey values, hashes."""

import hashlib
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fer_lib.defects import DatasetError, Plain
from fer_lib.labels import EMOTIONS

CLASS_LABELS: dict[str, int] = {emotion: label for label, emotion in enumerate(EMOTIONS)} | {
    spelling: EMOTIONS.index(emotion)
    for spelling, emotion in {
        "anger": "angry",
        "disgusted": "disgust",
        "fearful": "fear",
        "happiness": "happy",
        "sadness": "sad",
        "surprised": "surprise",
    }.items()
}
"""Label of every name that releases give the class folders, in lower case."""

SUFFIXES = (".jpg", ".jpeg", ".png")

_MODES = ("L", "LA", "P", "RGB", "RGBA")
_LEFT_BY_SYSTEMS = ("thumbs.db", "desktop.ini")


def list_visible(folder: Path) -> list[Path]:
    """What stands in a folder, in no order, without what operating systems leave there.

    Raises:
        DatasetError: if there is no such folder, or it cannot be read.
    """
    try:
        children = list(folder.iterdir())
    except OSError as error:
        raise DatasetError(folder, "there must be a readable folder", _describe(error, folder)) from error
    return [child for child in children if child.name[0] != "." and child.name.lower() not in _LEFT_BY_SYSTEMS]


def class_label(folder: Path) -> int:
    """Label of a class folder, known by its name under any capitalisation.

    Raises:
        DatasetError: if the name is unknown, or it is a file's.
    """
    label = CLASS_LABELS.get(folder.name.lower())
    if label is None or not folder.is_dir():
        raise DatasetError(folder, f"there must be only folders called {', '.join(EMOTIONS)}", folder.name)
    return label


def list_classes(root: Path) -> dict[int, list[Path]]:
    """The pictures of each class of a folder of class folders, by label, in no order.

    Raises:
        DatasetError: naming the folder or file, if a class is missing, without pictures or there twice, or if
            something else stands in the folder or in a class folder.
    """
    folders: dict[int, Path] = {}
    for folder in sorted(list_visible(root)):
        label = class_label(folder)
        if label in folders:
            received = Plain(f"{folders[label].name!r} and {folder.name!r}")
            raise DatasetError(folder, f"there must be one folder for {EMOTIONS[label]}", received)
        folders[label] = folder
    for label, emotion in enumerate(EMOTIONS):
        if label not in folders:
            found = [folder.name for folder in folders.values()]
            raise DatasetError(root, f"there must be a folder for every class, also for {emotion}", found)
    pictures = {label: list_class(folder) for label, folder in folders.items()}
    for label, files in pictures.items():
        if not files:
            raise DatasetError(folders[label], "there must be pictures of every class", Plain("an empty folder"))
    return pictures


def list_class(folder: Path) -> list[Path]:
    """The pictures of one class folder, in no order.

    Raises:
        DatasetError: if the folder's name is unknown, or something in it is not a picture's file by its name.
    """
    class_label(folder)
    pictures = list_visible(folder)
    for picture in pictures:
        if picture.suffix.lower() not in SUFFIXES or picture.is_dir():
            raise DatasetError(picture, f"the file must be a picture ({', '.join(SUFFIXES)})", picture.name)
    return pictures


def read_grey(picture: Path) -> np.ndarray:
    """Grey values of a picture at its full size, upright as its EXIF orientation says.

    Colour is turned to luma (ITU-R 601), of 16-bit colour the high byte; transparency is passed over.

    Returns:
        uint8 (h, w), of its own memory.

    Raises:
        DatasetError: if the file cannot be read as a picture, has more pixels than Pillow holds for safe (89 million),
            or is of another kind than 8-bit grey or colour.
    """
    try:
        with (
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            Image.open(picture) as image,
        ):
            mode = image.mode
            if mode in _MODES:
                upright = ImageOps.exif_transpose(image)
                upright.info.pop("transparency", None)  # Pillow would warn that grey cannot carry it
                return np.array(upright.convert("L"))
    except Exception as error:  # damaged files make Pillow raise errors of any type
        raise DatasetError(picture, "the picture must be readable", _describe(error, picture)) from error
    raise DatasetError(picture, "the picture must have 8 bits, grey or colour", Plain(f"mode {mode}"))


def hash_pictures(root: Path, pictures: Iterable[Path]) -> str:
    """sha256 of every picture's name relative to `root`, length and content, in the order given.

    Raises:
        DatasetError: if a file cannot be read.
    """
    digest = hashlib.sha256()
    for picture in pictures:
        try:
            content = picture.read_bytes()
        except OSError as error:
            raise DatasetError(picture, "the picture must be readable", _describe(error, picture)) from error
        name = picture.relative_to(root).as_posix().encode("utf-8", "surrogateescape")
        digest.update(name + f"\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _describe(error: Exception, path: Path) -> Plain:
    """Type and text of an error, without the path that the message begins with."""
    if isinstance(error, UnidentifiedImageError):
        return Plain(f"UnidentifiedImageError: {path.stat().st_size:,} bytes of no known format")
    text = error.strerror if isinstance(error, OSError) and error.strerror else error
    return Plain(f"{type(error).__name__}: {text}")
