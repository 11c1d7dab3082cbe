"""Parsed arrays beside their source, so that they are parsed once: keyed by content, whole or not there."""

import contextlib
import hashlib
import io
import math
import mmap
import os
import struct
import time
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np

from fer_lib.files import write_npz

FORMAT_VERSION = 1
"""Raised when the arrays change their meaning; caches of another version are made anew."""

STALE_SECONDS = 3600.0
"""A half-written cache that nobody has written to for so long belongs to a process that was killed."""

_LONGEST_HEADER = 1024
"""Bytes that certainly hold the header of an array in an npz file."""


def user_cache_folder() -> Path:
    """Where caches go that have no better place: FER_LIB_CACHE, else ~/.cache/fer_lib."""
    return Path(os.environ.get("FER_LIB_CACHE") or Path.home() / ".cache" / "fer_lib")


def cache_paths(source: Path, folder: Path | None = None) -> list[Path]:
    """Where the cache of a source may stand, best first: in `folder`; else beside the source, else with the user's.

    Args:
        source: absolute path of a file or folder.
        folder: the only folder to use, where given.
    """
    origin = hashlib.sha256(str(source).encode()).hexdigest()[:12]  # sources of one name do not share a cache
    elsewhere = f"{source.name}-{origin}.fer_lib.npz"
    if folder is not None:
        return [folder / elsewhere]
    return [source.with_name(f"{source.name}.fer_lib.npz"), user_cache_folder() / elsewhere]


def read_cache(paths: list[Path], names: tuple[str, ...], source_sha256: str) -> dict[str, np.ndarray] | None:
    """Read the first cache that is there, whole, of this version, and made of the same content.

    Args:
        paths: candidates, best first.
        names: the arrays it must hold.
        source_sha256: hash of the source as it is now.

    Returns:
        The arrays, read-only; None if there is no such cache.
    """
    for path in paths:
        try:
            arrays = _map_arrays(path)
            if (int(arrays["format_version"]), str(arrays["source_sha256"])) == (FORMAT_VERSION, source_sha256):
                return {name: arrays[name] for name in names}
        except Exception:  # whatever is wrong with a cache, it is to be made anew
            continue
    return None


def _map_arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays of an uncompressed npz file, checked, and mapped: their pages are those of the system's file cache.

    To copy 80 MB takes longer than to check them, and each process would hold its own copy.
    """
    with open(path, "rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    arrays = {}
    for member in members:
        # A member is preceded by a header of 30 bytes, its name, and more whose length only that header tells.
        start = member.header_offset + 30 + sum(struct.unpack_from("<HH", content, member.header_offset + 26))
        array = content[start : start + member.file_size]
        if zlib.crc32(array) != member.CRC:
            raise ValueError(f"{path}: {member.filename} must have its checksum. Received: another")
        header = io.BytesIO(array[:_LONGEST_HEADER])
        np.lib.format.read_magic(header)
        shape, _, dtype = np.lib.format.read_array_header_1_0(header)
        values = np.frombuffer(array, dtype, count=math.prod(shape), offset=header.tell())
        arrays[member.filename.removesuffix(".npy")] = values.reshape(shape)
    return arrays


def write_cache(paths: list[Path], source_sha256: str, arrays: dict[str, np.ndarray]) -> None:
    """Write the cache to the first place that takes it; warn where none does, for the data are good without it."""
    key = {"format_version": np.array(FORMAT_VERSION), "source_sha256": np.array(source_sha256)}
    problems = []
    for path in paths:
        try:
            write_npz(path, {**key, **arrays})
            _sweep(path)
            return
        except OSError as error:
            problems.append(f"{path}: {error.strerror or error}")
    warnings.warn(f"parsed data could not be cached ({'; '.join(problems)})", stacklevel=3)


def _sweep(path: Path) -> None:
    """Remove what processes that were killed while they wrote a cache have left beside it."""
    for leftover in path.parent.glob(f".{path.stem}-*{path.suffix}"):
        with contextlib.suppress(OSError):  # gone already, or not ours
            if time.time() - leftover.stat().st_mtime > STALE_SECONDS:
                leftover.unlink()
