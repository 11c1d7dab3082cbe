"""Files that are either whole or not there: written beside their place, then moved into it."""

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

_DAMAGE = (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What numpy and zipfile raise over an npz file that is cut off or has other bytes."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; move it to `path` if the block succeeds, remove it if not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """sha256 of a file's content, in hexadecimal; read in pieces."""
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state_of(path: Path) -> tuple[int, int, int]:
    """What changes when a file or a folder's files do: how many, their bytes, and when the last one changed (ns)."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    states = [file.stat() for file in files]
    return len(states), sum(state.st_size for state in states), max((state.st_mtime_ns for state in states), default=0)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented UTF-8 JSON, whole or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(path, text)


def read_json(path: Path, required: Iterable[str] = ()) -> dict[str, Any]:
    """Read what `write_json` has written of a dictionary.

    Args:
        path: the file.
        required: fields that are read of it, as `outer` or `outer.inner`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds anything but one JSON object, as when it is cut off, or lacks a field; names the file.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _damaged(path, "a JSON object", error) from error
    if not isinstance(value, dict):
        raise _damaged(path, "a JSON object", type(value).__name__)
    for name in required:
        if not _holds(value, name.split(".")):
            raise _damaged(path, f"a JSON object with the field {name!r}", f"the fields {', '.join(value) or 'none'}")
    return value


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_npz(path: Path, arrays: Mapping[str, np.ndarray], *, compressed: bool = False) -> None:
    """Write named arrays, whole or not at all; read them back with `open_npz`."""
    save: Any = np.savez_compressed if compressed else np.savez
    with atomic(path) as temporary, temporary.open("wb") as file:
        save(file, **arrays)


@contextmanager
def open_npz(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    """Open named arrays; each is read when it is asked for, so the block is to read them and for nothing else.

    Raises:
        FileNotFoundError: if there is no such file.
        KeyError: if it has no array of a name asked for.
        ValueError: if it cannot be read, or is damaged; names the file.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        raise _damaged(path, "an npz file", error) from error


def _holds(value: object, names: list[str]) -> bool:
    if not names:
        return True
    return isinstance(value, dict) and names[0] in value and _holds(value[names[0]], names[1:])


def _damaged(path: Path, what: str, received: object) -> ValueError:
    return ValueError(f"{path} must be {what}, whole. Received: {received}")
