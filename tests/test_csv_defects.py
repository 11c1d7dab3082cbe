import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from csv_files import caches, csv_bytes, damage, pack, table, write_table

from fer_lib.datasets import DatasetError, load_fer2013

pytestmark = pytest.mark.usefixtures("user_cache")


def replace_pixel(value: str) -> Callable[[list[list[str]]], None]:
    def edit(rows: list[list[str]]) -> None:
        pixels = rows[4][1].split()
        pixels[100] = value
        rows[4][1] = " ".join(pixels)

    return edit


def set_field(column: int, value: str) -> Callable[[list[list[str]]], None]:
    def edit(rows: list[list[str]]) -> None:
        rows[4][column] = value

    return edit


def drop_column(column: int) -> Callable[[list[list[str]]], None]:
    def edit(rows: list[list[str]]) -> None:
        for row in rows:
            del row[column]

    return edit


def repeat_usage(rows: list[list[str]]) -> None:
    for row in rows:
        row[2] = row[2].replace("PrivateTest", "PublicTest")


def move_pixel(rows: list[list[str]]) -> None:
    rows[4][1], pixel = rows[4][1].rsplit(" ", 1)
    rows[5][1] += f" {pixel}"


ROW = r"line 5 \(row 3 from 0\)"
DEFECTS_OF_ROWS = {
    "2303 pixels": (lambda rows: rows[4].__setitem__(1, rows[4][1].rsplit(" ", 1)[0]), ROW, "2,303 pixels"),
    "2305 pixels": (lambda rows: rows[4].__setitem__(1, rows[4][1] + " 0"), ROW, "2,305 pixels"),
    "a pixel moved to the next row": (move_pixel, ROW, "2,303 pixels"),
    "no pixels": (set_field(1, ""), ROW, "0 pixels"),
    "pixel 256": (replace_pixel("256"), f"{ROW}: pixel 100 must", "'256'"),
    "pixel 300": (replace_pixel("300"), f"{ROW}: pixel 100 must", "'300'"),
    "pixel 0255": (replace_pixel("0255"), f"{ROW}: pixel 100 must", "'0255'"),
    "pixel -1": (replace_pixel("-1"), f"{ROW}: pixel 100 must", "'-1'"),
    "pixel +5": (replace_pixel("+5"), f"{ROW}: pixel 100 must", r"'\+5'"),
    "pixel 1.5": (replace_pixel("1.5"), f"{ROW}: pixel 100 must", r"'1\.5'"),
    "pixel abc": (replace_pixel("abc"), f"{ROW}: pixel 100 must", "'abc'"),
    "pixel tab": (replace_pixel("1\t2"), f"{ROW}: pixel 100 must", r"'1\\t2'"),
    "two pixels joined by a dash": (replace_pixel("1-2"), f"{ROW}: pixel 100 must", "'1-2'"),
    "label 7": (set_field(0, "7"), f"{ROW}: the emotion must", "'7'"),
    "label -1": (set_field(0, "-1"), f"{ROW}: the emotion must", "'-1'"),
    "label name": (set_field(0, "happy"), f"{ROW}: the emotion must", "'happy'"),
    "no label": (set_field(0, ""), f"{ROW}: the emotion must", "''"),
    "unknown Usage": (set_field(2, "Validation"), f"{ROW}: the Usage must", "'Validation'"),
    "Usage in capitals": (set_field(2, "TRAINING"), f"{ROW}: the Usage must", "'TRAINING'"),
    "four fields": (lambda rows: rows[4].append("x"), f"{ROW}: a row must have 3 fields", "4 in .*"),
    "two fields": (lambda rows: rows[4].pop(), f"{ROW}: a row must have 3 fields", "2 in .*"),
    "open quotation mark": (set_field(2, '"Training'), f"{ROW}: the line must be CSV", ".*"),
    "no emotion column": (drop_column(0), "line 1: the heading must name the column emotion", ".*'Usage'.*"),
    "no pixels column": (drop_column(1), "line 1: the heading must name the column pixels", ".*'Usage'.*"),
    "no Usage column": (drop_column(2), "line 1: the heading must name the column Usage", ".*'pixels'.*"),
    "no heading": (lambda rows: rows.pop(0), "line 1: the heading must name the column emotion", r"\['0'.*"),
    "another column": (lambda rows: [row.insert(0, "1") for row in rows], "line 1: .* no other column", ".*"),
    "heading only": (lambda rows: rows.__delitem__(slice(1, None)), "rows must follow", "a heading alone"),
    "an empty split": (repeat_usage, "rows of Usage PrivateTest", ".*'PrivateTest': 0.*"),
}


@pytest.mark.parametrize("name", DEFECTS_OF_ROWS)
def test_defect_in_a_row_is_told(name: str, small_csv: Path, tmp_path: Path) -> None:
    edit, where, received = DEFECTS_OF_ROWS[name]
    rows = table(small_csv)
    edit(rows)
    write_table(small_csv, rows)

    with pytest.raises(ValueError, match=rf"fer2013\.csv.*{where}.*\. Received: {received}$"):
        load_fer2013(small_csv)

    assert caches(tmp_path) == []


def cut(file: bytes) -> bytes:
    return file[:-5000]


def with_second_heading(file: bytes) -> bytes:
    return file.replace(b"\n", b"\nemotion,pixels,Usage\n", 1)


DEFECTS_OF_FILES = {
    "empty": (lambda file: b"", "must not be empty", "0 bytes"),
    "a byte-order mark alone": (lambda file: b"\xef\xbb\xbf", "line 1: the heading", r"\[\]"),
    "blank lines alone": (lambda file: b"\n\n\n", "line 1: the heading", r"\[\]"),
    "last line cut off in its pixels": (cut, r"line 31 \(row 29 from 0\)", ".*"),
    "last line cut off in its Usage": (lambda file: file[:-4], r"line 31 \(row 29 from 0\): the Usage", "'PrivateT'"),
    "NUL bytes at the end": (lambda file: cut(file) + b"\0" * 5000, r"line 31 \(row 29.*NUL", ".*"),
    "NUL bytes for a heading": (lambda file: b"\0" * 5000 + file, "line 1: .*NUL", ".*"),
    "UTF-16": (lambda file: file.decode().encode("utf-16"), "line 1: .*(NUL|UTF-8)", ".*"),
    "Latin-1": (lambda file: file.replace(b"Training", b"\xe9", 1), r"line 2 \(row 0 from 0\).*UTF-8", r"b'\\xe9'"),
    "a picture": (lambda file: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2000, "line 1: .*UTF-8", ".*"),
    "one endless line": (lambda file: b"1" * 2_000_000, "line 1", ".*"),
    "an endless row": (lambda file: file + b"1 " * 1_000_000, r"line 32 \(row 30.*at most 262,144 bytes", ".*"),
    "a second heading": (with_second_heading, r"line 2 \(row 0 from 0\): the emotion", "'emotion'"),
    "gzip cut off": (lambda file: gzip.compress(file)[:-2000], "readable to its end", "EOFError.*"),
    "gzip damaged": (lambda file: gzip.compress(file)[:-8] + bytes(8), "readable to its end", "BadGzipFile.*"),
    "gzip of nothing": (lambda file: gzip.compress(b""), "must not be empty", "0 bytes"),
    "zip cut off": (lambda file: pack(file, "zip")[:-2000], "readable to its end", "BadZipFile.*"),
    "zip damaged": (lambda file: damage(pack(file, "zip"), 40_000), "readable to its end", "(BadZipFile|error).*"),
    "LZMA zip damaged": (
        lambda file: damage(pack(file, "zip", zipfile.ZIP_LZMA), 4_000),
        "readable to its end",
        "(BadZip|LZMAE|EOFE).*",
    ),
    "zip without CSV": (lambda file: zip_of("readme.txt"), "one CSV file", r"\['readme.txt'\]"),
    "zip of two CSV": (lambda file: zip_of("a.csv", "b.csv"), "one CSV file", r"\['a.csv', 'b.csv'\]"),
}


def zip_of(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return packed.getvalue()


@pytest.mark.parametrize("name", DEFECTS_OF_FILES)
def test_defect_of_the_file_is_told(name: str, small_csv: Path, tmp_path: Path) -> None:
    edit, where, received = DEFECTS_OF_FILES[name]
    small_csv.write_bytes(edit(small_csv.read_bytes()))

    with pytest.raises(ValueError, match=rf"(?s)fer2013\.csv.*{where}.*\. Received: {received}$") as raised:
        load_fer2013(small_csv)

    assert len(str(raised.value)) < 400
    assert caches(tmp_path) == []


@pytest.mark.parametrize("lost", [1, 2, 3, 5, 10, 100, 9000])
def test_cut_is_noticed_where_pixels_come_last(lost: int, tmp_path: Path) -> None:
    path = tmp_path / "icml_face_data.csv"
    images = np.full((6, 48 * 48), 123, dtype=np.uint8)
    text = csv_bytes(images, [0] * 6, [0, 1, 2] * 2, ("emotion", "Usage", "pixels"), "\n", "icml")
    path.write_bytes(text[:-lost])

    with pytest.raises(
        DatasetError, match=r"icml_face_data\.csv, line [67] \(row [45] from 0\): the last line must end"
    ):
        load_fer2013(path)

    assert caches(tmp_path) == []


def test_missing_path_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nothing\.csv.*Received: .*nothing\.csv'$"):
        load_fer2013(tmp_path / "nothing.csv")


def test_a_loop_of_links_is_told(tmp_path: Path) -> None:
    (tmp_path / "fer2013.csv").symlink_to(tmp_path / "other.csv")
    (tmp_path / "other.csv").symlink_to(tmp_path / "fer2013.csv")
    with pytest.raises(DatasetError, match=r"fer2013\.csv: there must be a file or folder\. Received: "):
        load_fer2013(tmp_path / "fer2013.csv")


@pytest.mark.parametrize("path", ["x" * 5000, "~nobody_of_that_name/fer2013.csv"])
def test_a_path_that_cannot_be_is_told(path: str) -> None:
    with pytest.raises(DatasetError, match=r"there must be a file or folder\. Received: "):
        load_fer2013(path)
