"""FER2013's CSV as tables, its caches, and splits compared."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np

from fer_lib.datasets import Split

USAGES = ("Training", "PublicTest", "PrivateTest")
SPLITS = ("train", "validation", "test")


def table(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text(encoding="ascii").splitlines()]


def write_table(path: Path, rows: list[list[str]]) -> None:
    path.write_text("".join(",".join(row) + "\n" for row in rows), encoding="ascii")


def caches(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.npz"))


def assert_equal_splits(ours: dict[str, Split], theirs: dict[str, Split]) -> None:
    for name in SPLITS:
        for array in ("images", "labels", "rows"):
            np.testing.assert_array_equal(getattr(ours[name], array), getattr(theirs[name], array))


def csv_bytes(
    images: np.ndarray, labels: list[int], usages: list[int], order: tuple[str, ...], line_end: str, style: str
) -> bytes:
    quote = '"' if style == "quoted" else ""
    blank = " " if style == "blanks" else ""
    lines = [",".join(["", " "][index > 0 and style != "plain"] + name for index, name in enumerate(order))]
    for image, label, usage in zip(images, labels, usages, strict=True):
        pixels = (" " + blank).join(f"{pixel:03}" if style == "zeros" else str(pixel) for pixel in image)
        fields = {"emotion": str(label), "pixels": f"{quote}{blank}{pixels}{blank}{quote}", "Usage": USAGES[usage]}
        lines.append(",".join(blank + fields[name] for name in order))
    return (line_end.join(lines) + line_end).encode("ascii")


def pack(text: bytes, packing: str, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    if packing == "gzip":
        return gzip.compress(text, compresslevel=1)
    if packing == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", compression) as archive:
            archive.writestr("example_submission.csv", "emotion\n0\n")
            archive.writestr("challenge/icml_face_data.csv", text)
        return packed.getvalue()
    return text


def damage(file: bytes, place: int) -> bytes:
    return file[:place] + bytes([file[place] ^ 255]) + file[place + 1 :]
