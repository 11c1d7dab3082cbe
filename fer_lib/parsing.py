"""FER2013's CSV text -> arrays: whole blocks of lines at once where they are plain, line by line where they are not.

`BlockParser` accepts only what it has proven to be right, and is silent about the rest; `parse_line` is the readable
statement of what a row may be, and says what is wrong with one. What the first declines goes to the second.
"""

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fer_lib.block_parsing import PIXELS, USAGES, BlockParser, Layout, Rows
from fer_lib.defects import DatasetError, Plain
from fer_lib.labels import EMOTIONS

COLUMNS = ("emotion", "pixels", "Usage")

BLOCK_BYTES = 1 << 18
"""Bytes read at a time: the arrays made of them stay in the processor's cache (64 kB to 1 MB differ little)."""

_LABELS = {str(label): label for label in range(len(EMOTIONS))}
_PIXEL_VALUES = {f"{value:0{width}}": value for value in range(256) for width in (1, 2, 3)}


def parse_csv(file: BinaryIO, path: Path) -> Iterator[Rows]:
    """Read the rows of a CSV file in FER2013's layout, block by block.

    Args:
        file: the uncompressed bytes.
        path: the file's name, for messages.

    Yields:
        The rows of the file in their order. Lines that hold nothing but blanks are passed over.

    Raises:
        DatasetError: naming the line (from 1) and the row (from 0) of the first defect.
    """
    blocks = _line_blocks(file)
    first = next(blocks, b"")
    if not first:
        raise DatasetError(path, "the file must not be empty", Plain("0 bytes"))
    heading, _, rest = first.partition(b"\n")
    layout = parse_heading(heading, path)
    parser = BlockParser(layout)
    line, row = 2, 0
    for block in chain([rest], blocks):
        if not block.endswith(b"\n") and block.strip():
            block = _end_line(block, layout, _where(path, line, row))
        rows = parser.parse(block)
        if rows is not None:
            line += len(rows.labels)
        else:
            rows = _parse_lines(block, layout, path, line, row)
            line += block.count(b"\n")
        row += len(rows.labels)
        yield rows
    if row == 0:
        raise DatasetError(path, "rows must follow the heading", Plain("a heading alone"))


def parse_heading(heading: bytes, path: Path) -> Layout:
    """Find the three columns in the first line: in any order, blanks around them and a byte-order mark allowed.

    Raises:
        DatasetError: if it does not name exactly emotion, pixels and Usage, or is not text.
    """
    where = f"{path}, line 1"
    names = [name.strip() for name in _fields(heading.removeprefix(b"\xef\xbb\xbf"), where)]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise DatasetError(where, f"the heading must name the column {missing[0]}", names)
    if len(names) != len(COLUMNS):
        raise DatasetError(where, f"the heading must name {', '.join(COLUMNS)} and no other column", names)
    return Layout(*(names.index(column) for column in COLUMNS))


def _parse_lines(block: bytes, layout: Layout, path: Path, line: int, row: int) -> Rows:
    """Read lines one by one; `line` and `row` are those of the first."""
    parsed: list[tuple[bytes, int, int]] = []
    for offset, text in enumerate(block.removesuffix(b"\n").split(b"\n")):
        if text.strip(b" \t\r"):
            where = _where(path, line + offset, row + len(parsed))
            parsed.append(parse_line(text.removesuffix(b"\r"), layout, where))
    pixels = b"".join(image for image, _, _ in parsed)
    return Rows(
        np.frombuffer(pixels, np.uint8).reshape(-1, PIXELS),
        np.array([label for _, label, _ in parsed], np.uint8),
        np.array([usage for _, _, usage in parsed], np.uint8),
    )


def parse_line(line: bytes, layout: Layout, where: str) -> tuple[bytes, int, int]:
    """Read one row: fields may be quoted, and blanks may stand around them and between the pixels.

    Args:
        line: the row without its line break.
        layout: order of the columns.
        where: file, line and row, for messages.

    Returns:
        2,304 pixels as bytes, the label, and the index of the Usage.

    Raises:
        DatasetError: saying what the first defect is.
    """
    fields = [field.strip(" ") for field in _fields(line, where)]
    if len(fields) != len(COLUMNS):
        raise DatasetError(
            where, f"a row must have {len(COLUMNS)} fields", Plain(f"{len(fields)} in {line.decode()!r}")
        )
    emotion, pixels, usage = fields[layout.emotion], fields[layout.pixels], fields[layout.usage]
    if emotion not in _LABELS:
        raise DatasetError(where, "the emotion must be a whole number from 0 to 6", emotion)
    if usage not in USAGES:
        raise DatasetError(where, f"the Usage must be one of {', '.join(USAGES)}", usage)
    tokens = [token for token in pixels.split(" ") if token]
    try:
        values = bytes([_PIXEL_VALUES[token] for token in tokens])
    except KeyError:
        index, token = next((index, token) for index, token in enumerate(tokens) if token not in _PIXEL_VALUES)
        raise DatasetError(where, f"pixel {index} must be a whole number from 0 to 255", token) from None
    if len(values) != PIXELS:
        raise DatasetError(where, f"a row must have {PIXELS:,} pixels", Plain(f"{len(values):,} pixels"))
    return values, _LABELS[emotion], USAGES.index(usage)


def _fields(line: bytes, where: str) -> list[str]:
    """Fields of one line of CSV."""
    if b"\0" in line:
        raise DatasetError(where, "the file must be text, without NUL bytes", line)
    try:
        return next(csv.reader([line.decode("utf-8")], strict=True))
    except UnicodeDecodeError as error:
        raise DatasetError(where, "the file must be text in UTF-8", line[error.start :]) from None
    except csv.Error as error:
        raise DatasetError(where, f"the line must be CSV ({error})", line) from None


def _line_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Blocks of whole lines; what lacks its line break comes alone: the last line, or one too long to be a row."""
    rest = b""
    while chunk := file.read(BLOCK_BYTES):
        text = rest + chunk
        end = text.rfind(b"\n") + 1
        if not end and len(text) > BLOCK_BYTES:
            end = len(text)
        if end:
            yield text[:end]
        rest = text[end:]
    if rest:
        yield rest


def _end_line(line: bytes, layout: Layout, where: str) -> bytes:
    """Give the last line its line break, if it can be seen to be whole: no beginning of a Usage is a Usage."""
    if len(line) > BLOCK_BYTES:
        raise DatasetError(where, f"a line must have at most {BLOCK_BYTES:,} bytes", line)
    if layout.usage != len(COLUMNS) - 1:
        raise DatasetError(where, "the last line must end with a line break, else it may be cut off", line)
    return line + b"\n"


def _where(path: Path, line: int, row: int) -> str:
    return f"{path}, line {line} (row {row} from 0)"
