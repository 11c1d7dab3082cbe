"""A photograph of one's own, of any common kind -> RGB values, or one line that says why not."""

import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fer_lib.defects import DatasetError, Plain

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Formats that are read: those that cameras, phones, scanners and browsers write. Pillow knows more, some of which
start other programs (EPS); nothing else is tried."""

LARGEST_PIXELS = 50_000_000
"""Pixels of the largest picture that is read; 150 MB as RGB. Cameras of phones have 12 to 48 million."""

LARGEST_RATIO = 20
"""How many times as long as its shorter side the longer side of a picture may be."""

ANNOTATED_BY = "fer-lib predict"
"""What annotated pictures are marked with as PNG's `Software`: `fer-lib predict *.png`, said twice, leaves them out."""

_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_16_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_GREATEST_16_BIT = 65_535


class PhotographError(DatasetError):
    """A picture that cannot be used; the message names the file and what was received, in one line."""


def read_photograph(path: str | Path) -> np.ndarray:
    """Read a picture at its full size, upright as its EXIF orientation says.

    What it declares to be its size is checked before any pixel is unpacked. Of an animation the first frame is taken.
    Transparency is laid on white. 16-bit grey values are divided by 257, so that white stays white; of 16-bit colour
    Pillow keeps the high byte. Embedded colour profiles are passed over.

    Args:
        path: a file of one of `FORMATS`, whatever its name says.

    Returns:
        uint8 (h, w, 3), RGB.

    Raises:
        PhotographError: if there is no such file, it is no picture or is cut off or damaged, has more than
            `LARGEST_PIXELS` or is longer than `LARGEST_RATIO` allows, holds 32-bit values, or is what `annotating`
            wrote.
    """
    path = Path(path)
    _check_file(path)
    with _told(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=FORMATS) as image:
            if image.info.get("Software") == ANNOTATED_BY:
                raise PhotographError(
                    path, "the picture must be a photograph", Plain(f"one annotated by {ANNOTATED_BY}")
                )
            _check_size(path, *image.size)
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return _as_rgb(path, image)


def to_grey(picture: np.ndarray) -> np.ndarray:
    """Luma (ITU-R 601), as Pillow's mode L: what `pictures.read_grey` makes of the data sets' colour pictures.

    Args:
        picture: uint8 (h, w, 3), RGB.

    Returns:
        uint8 (h, w); grey pictures keep their values.
    """
    return np.asarray(Image.fromarray(picture).convert("L"))


def _check_file(path: Path) -> None:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = "no such file" if isinstance(error, FileNotFoundError) else getattr(error, "strerror", None) or error
        raise PhotographError(path, "the picture must be there", Plain(reason)) from error
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "something else, such as a pipe or device"
        raise PhotographError(path, "the picture must be a file", Plain(kind))
    if found.st_size == 0:
        raise PhotographError(path, "the file must be a picture", Plain("an empty file"))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn whatever Pillow raises into one line."""
    try:
        yield
    except PhotographError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        size = re.search(r"\d+(?= pixels)", str(error))
        received = f"{int(size[0]):,} pixels" if size else str(error)
        raise PhotographError(path, _size_rule(), Plain(received)) from error
    except UnidentifiedImageError as error:
        raise PhotographError(path, f"the file must be a picture ({', '.join(FORMATS)})", _describe(path)) from error
    except Exception as error:  # damaged files make Pillow raise errors of any type
        received = Plain(" ".join(f"{type(error).__name__}: {error}".split()))
        raise PhotographError(path, "the picture must be whole and readable", received) from error


def _describe(path: Path) -> Plain:
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC:
        return Plain("HEIC, which is not read here; export it as JPEG")
    return Plain(f"{path.stat().st_size:,} bytes of no such format")


def _size_rule() -> str:
    return f"the picture must have at most {LARGEST_PIXELS // 1_000_000} million pixels"


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > LARGEST_PIXELS:
        received = f"{width} by {height}, {width * height / 1e6:,.2f} million"
        raise PhotographError(path, _size_rule(), Plain(received))
    if max(width, height) > LARGEST_RATIO * min(width, height):
        rule = f"the picture must be at most {LARGEST_RATIO} times as long on one side as on the other"
        raise PhotographError(path, rule, Plain(f"{width} by {height}"))


def _as_rgb(path: Path, image: Image.Image) -> np.ndarray:
    if image.mode in _16_BIT or image.mode == "I":
        return _from_deep_grey(path, np.asarray(image))
    if image.mode == "F":
        raise PhotographError(path, "the picture must have 8 or 16 bits", Plain("32-bit floating point values"))
    if image.mode in _PREMULTIPLIED:
        image = image.convert(_PREMULTIPLIED[image.mode])
    if not image.has_transparency_data:
        return np.array(image.convert("RGB"))
    overlay = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(overlay, mask=overlay.getchannel("A"))
    return np.array(white)


def _from_deep_grey(path: Path, values: np.ndarray) -> np.ndarray:
    """Grey values (h, w) from 0 to 65,535, in whatever integers -> uint8 (h, w, 3)."""
    least, greatest = int(values.min()), int(values.max())
    if least < 0 or greatest > _GREATEST_16_BIT:
        received = Plain(f"32-bit values from {least} to {greatest}")
        raise PhotographError(path, "the picture must have 8 or 16 bits", received)
    grey = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)
