"""A CSV file as it lies on disk -> its uncompressed bytes: plain, gzip or zip, told apart by their first bytes."""

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from fer_lib.defects import DatasetError, Plain

KNOWN_NAMES = ("fer2013.csv", "icml_face_data.csv")
"""Which member of a zip file is meant, where it holds several CSV files (Kaggle's holds train.csv and test.csv too)."""

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)


@contextmanager
def open_csv(path: Path) -> Iterator[BinaryIO]:
    """Open the uncompressed bytes of a CSV file, or of the one that a gzip or zip file holds.

    Raises:
        DatasetError: if the file cannot be read, is a damaged archive (while it is being read), or holds no or several
            CSV files.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(4)
        if start.startswith(_GZIP):
            with gzip.open(path) as unpacked:
                yield cast(BinaryIO, unpacked)
        elif start == _ZIP:
            with zipfile.ZipFile(path) as archive, archive.open(_csv_member(archive, path)) as member:
                yield cast(BinaryIO, member)
        else:
            with open(path, "rb", buffering=0) as plain:
                yield cast(BinaryIO, plain)
    except DatasetError:
        raise
    except _DAMAGE as error:
        received = Plain(f"{type(error).__name__}: {error}")
        raise DatasetError(path, "the file must be readable to its end", received) from error


def _csv_member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    tables = [name for name in names if name.lower().endswith(".csv")]
    known = [name for name in tables if PurePosixPath(name).name.lower() in KNOWN_NAMES]
    for candidates in (tables, known):
        if len(candidates) == 1:
            return candidates[0]
    expected = f"the zip file must hold one CSV file, or one called {' or '.join(KNOWN_NAMES)}"
    raise DatasetError(path, expected, names)
