"""Folders of pictures by class, SFEW's layout (<class>/*.png), and the split files that list them -> arrays."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from PIL import Image

from fer_lib.datasets import Split
from fer_lib.defects import DatasetError, Plain
from fer_lib.files import write_text
from fer_lib.labels import EMOTIONS
from fer_lib.pictures import CLASS_LABELS, hash_pictures, list_classes, read_grey

RESAMPLING = Image.Resampling.BILINEAR
"""Pillow's triangle filter, widened by the factor of reduction and so antialiasing: what torchvision's Resize, the tool
of Liu's framework (PyTorch, abstract), applies to a picture."""

Crop = Callable[[np.ndarray], np.ndarray]
"""Grey values uint8 (h, w) of a picture at its full size -> the part to be used, uint8 (h, w)."""

_LABELS = {str(label): label for label in range(len(EMOTIONS))}


@dataclass(frozen=True)
class LabelledPicture:
    """One picture of a folder.

    Attributes:
        path: relative to the folder, its parts joined by "/".
        label: index in `labels.EMOTIONS`.
    """

    path: str
    label: int


def list_pictures(path: str | Path) -> list[LabelledPicture]:
    """Every picture of `<path>/<class>/*.png` (or .jpg, .jpeg), sorted by its path (compared part by part).

    Class folders are known under any capitalisation, and by nouns such as `Anger`. Hidden files, and those that
    operating systems leave in folders, are passed over.

    Raises:
        DatasetError: naming the folder or file, if a class is missing, without pictures or there twice, or if
            something else stands in the folder or in a class folder.
    """
    root = Path(path).expanduser()
    pictures = []
    for label, files in list_classes(root).items():
        pictures += [LabelledPicture(f"{file.parent.name}/{file.name}", label) for file in files]
    return sorted(pictures, key=lambda picture: picture.path.split("/"))


def load_image_folder(path: str | Path, size: tuple[int, int] = (48, 48), crop: Crop | None = None) -> Split:
    """Load `<path>/<class>/*.png` (or .jpg, .jpeg) as grey images of one size (Liu, section 2.1).

    Each picture is turned to luma, cropped where `crop` is given, and stretched to `size` (`RESAMPLING`), whatever its
    proportions, one after another: of the full-size pictures only one is in memory.

    Args:
        path: the folder that holds a folder per class.
        size: height and width of the images, in pixels.
        crop: applied to the whole picture's grey values before they are resized; the part it returns may be smaller
            than `size`, and is enlarged then.

    Returns:
        Images uint8 (n, h, w, 1), and as rows the index in `list_pictures(path)`.

    Raises:
        DatasetError: naming the folder or file, for the reasons of `list_pictures`, or if a picture cannot be read, is
            cut off, not 8-bit grey or colour, larger than is safe to unpack, or smaller than `size` on a side.
        ValueError: if `size` is not two positive whole numbers, or `crop` returns no grey values.
    """
    return load_pictures(path, list_pictures(path), size, crop)


def load_pictures(
    root: str | Path, pictures: Sequence[LabelledPicture], size: tuple[int, int] = (48, 48), crop: Crop | None = None
) -> Split:
    """Load some of a folder's pictures, such as those of a split file; see `load_image_folder`.

    Returns:
        Images uint8 (n, h, w, 1) and labels in the order of `pictures`; rows are the index in `pictures`.

    Raises:
        DatasetError: see `load_image_folder`.
        ValueError: see `load_image_folder`.
    """
    if len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        raise ValueError(f"size must be a height and a width, at least 1. Received: {size!r}")
    folder = Path(root).expanduser()
    images = np.empty((len(pictures), *size, 1), np.uint8)
    for index, picture in enumerate(pictures):
        images[index, :, :, 0] = _load_picture(folder / picture.path, size, crop)
    labels = np.array([picture.label for picture in pictures], np.int64)
    return Split(images, labels, np.arange(len(pictures), dtype=np.int64))


def hash_folder(path: str | Path) -> str:
    """sha256 of a folder: every picture's relative name, length and content, in the order of `list_pictures`.

    Raises:
        DatasetError: if a file cannot be read, or for the reasons of `list_pictures`.
    """
    root = Path(path).expanduser()
    return hash_pictures(root, (root / picture.path for picture in list_pictures(root)))


def write_split_file(path: str | Path, pictures: Sequence[LabelledPicture]) -> None:
    """Write a text file of lines "path label", whole or not at all.

    "a txt file that stores the images paths and their labels" (Liu, section 2.1). UTF-8; one blank parts path and
    label, so that a path may hold blanks itself.

    Raises:
        DatasetError: naming the line that `read_split_file` would refuse or read as another picture.
    """
    text = "".join(f"{picture.path} {picture.label}\n" for picture in pictures)
    read_back = _parse_split(text.encode("utf-8", "surrogatepass"), path)
    for line, (written, read) in enumerate(zip(pictures, read_back, strict=False), start=1):
        if written != read:
            expected = "a path must be in one line, its parts joined by single '/'"
            raise DatasetError(f"{path}, line {line}", expected, written.path)
    write_text(Path(path), text)


def read_split_file(path: str | Path, root: str | Path) -> list[LabelledPicture]:
    """Read the pictures that a split file lists, in its order.

    Args:
        path: a text file of lines "path label", see `write_split_file`.
        root: the folder that the paths are relative to.

    Raises:
        DatasetError: naming the file and the line (from 1) that has no label, a label out of range or another than its
            class folder's, an absolute path or one that leaves `root`, a path that is no file under `root` or stands
            in an earlier line, or is no UTF-8 text; or the file, if it is empty or cannot be read.
    """
    try:
        content = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise DatasetError(path, "the split file must be readable", Plain(error)) from error
    pictures = _parse_split(content, path)
    for line, picture in enumerate(pictures, start=1):
        if not os.path.isfile(Path(root).expanduser() / picture.path):
            raise DatasetError(f"{path}, line {line}", f"there must be such a picture under {root}", picture.path)
    return pictures


def _load_picture(picture: Path, size: tuple[int, int], crop: Crop | None) -> np.ndarray:
    """Grey values uint8 of the given size (height, width)."""
    grey = read_grey(picture)
    height, width = size
    if grey.shape[0] < height or grey.shape[1] < width:
        expected = f"the picture must have at least {width} by {height} pixels (width by height)"
        raise DatasetError(picture, expected, Plain(f"{grey.shape[1]} by {grey.shape[0]}"))
    if crop is not None:
        grey = crop(grey)
        if grey.ndim != 2 or grey.dtype != np.uint8 or grey.size == 0:
            raise ValueError(f"{picture}: crop must return uint8 (h, w). Received: {grey.dtype} {grey.shape}")
    return np.asarray(Image.fromarray(grey).resize((width, height), RESAMPLING))


def _parse_split(content: bytes, path: str | Path) -> list[LabelledPicture]:
    """Pictures of a split file's lines, in which none stands twice."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        breaks = content.count(b"\n", 0, error.start)
        received = content[error.start : error.end]
        raise DatasetError(f"{path}, line {breaks + 1}", "the file must be UTF-8 text", received) from error
    if not text:
        raise DatasetError(path, "there must be lines of a path, a blank and a label", Plain("an empty file"))
    first_lines: dict[str, int] = {}
    pictures = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        picture = _parse_line(line.removesuffix("\r"), f"{path}, line {number}")
        first = first_lines.setdefault(picture.path, number)
        if first != number:
            expected = f"a picture must be listed once, and is already in line {first}"
            raise DatasetError(f"{path}, line {number}", expected, picture.path)
        pictures.append(picture)
    return pictures


def _parse_line(line: str, where: str) -> LabelledPicture:
    """Picture of one line "path label"; the path's parts are joined by single "/"."""
    path, _, label = line.rpartition(" ")
    if not path:
        raise DatasetError(where, "the line must be a path, a blank and a label", line)
    if label not in _LABELS:
        raise DatasetError(where, f"the label after the last blank must be from 0 to {len(EMOTIONS) - 1}", label)
    on_windows = PureWindowsPath(path)  # its rules cover those of other systems
    if on_windows.anchor or ".." in on_windows.parts:
        raise DatasetError(where, "the path must be relative and without '..'", path)
    picture = LabelledPicture(PurePosixPath(path).as_posix(), _LABELS[label])
    folder = picture.path.partition("/")[0]
    of_folder = CLASS_LABELS.get(folder.lower(), picture.label)
    if of_folder != picture.label:
        raise DatasetError(where, f"the label must be {of_folder}, that of the folder {folder}", line)
    return picture
