import gzip
import io
import itertools
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from fer_lib.block_parsing import BlockParser, Layout
from fer_lib.datasets import DatasetError, Split, load_data, load_fer2013
from fer_lib.labels import EMOTIONS
from fer_lib.parsing import parse_line

USAGES = ("Training", "PublicTest", "PrivateTest")
SPLITS = ("train", "validation", "test")


@pytest.fixture(autouse=True)
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user-cache"
    monkeypatch.setenv("FER_LIB_CACHE", str(folder))
    return folder


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


def test_rows_go_to_their_splits_in_order(small_csv: Path) -> None:
    rows = table(small_csv)[1:]

    dataset = load_fer2013(small_csv)

    assert dataset.source == str(small_csv) and not dataset.is_sample
    for (name, split), usage in zip(dataset.splits().items(), USAGES, strict=True):
        members = [row for row, fields in enumerate(rows) if fields[2] == usage]
        pixels = np.array([rows[row][1].split() for row in members], dtype=np.uint8)
        np.testing.assert_array_equal(split.images, pixels.reshape(-1, 48, 48, 1), err_msg=name)
        assert split.labels.tolist() == [int(rows[row][0]) for row in members]
        assert split.rows.tolist() == members
        assert [split.images.dtype, split.labels.dtype, split.rows.dtype] == ["uint8", "int64", "int64"]


def test_arrays_are_read_only(small_csv: Path) -> None:
    for dataset in (load_fer2013(small_csv), load_fer2013(small_csv)):  # parsed, then from the cache
        with pytest.raises(ValueError, match="read-only"):
            dataset.train.images[0] = 0


def test_repr_is_short(small_csv: Path) -> None:
    dataset = load_fer2013(small_csv)

    assert "train 18, validation 6, test 6" in repr(dataset) and dataset.sha256[:12] in repr(dataset)
    assert repr(dataset.train) == "Split(18 images of 48×48×1)"


# Every layout that is read


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


def pack(text: bytes, packing: str) -> bytes:
    if packing == "gzip":
        return gzip.compress(text, compresslevel=1)
    if packing == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("example_submission.csv", "emotion\n0\n")
            archive.writestr("challenge/icml_face_data.csv", text)
        return packed.getvalue()
    return text


@settings(max_examples=60)
@given(
    images=arrays(np.uint8, st.tuples(st.integers(3, 6), st.just(48 * 48))),
    labels=st.lists(st.integers(0, 6), min_size=6, max_size=6),
    rotation=st.integers(0, 2),
    order=st.sampled_from(list(itertools.permutations(("emotion", "pixels", "Usage")))),
    line_end=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    style=st.sampled_from(["plain", "icml", "quoted", "blanks", "zeros"]),
    packing=st.sampled_from(["plain", "gzip", "zip"]),
)
def test_whatever_is_written_is_read_back(
    images: np.ndarray,
    labels: list[int],
    rotation: int,
    order: tuple[str, ...],
    line_end: str,
    mark: bytes,
    style: str,
    packing: str,
) -> None:
    labels = labels[: len(images)]
    usages = [(row + rotation) % 3 for row in range(len(images))]
    text = mark + csv_bytes(images, labels, usages, order, line_end, style)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "faces.csv"
        path.write_bytes(pack(text, packing))
        for dataset in (load_fer2013(path), load_fer2013(path)):  # parsed, then from the cache
            for usage, split in enumerate(dataset.splits().values()):
                members = np.flatnonzero(np.array(usages) == usage)
                np.testing.assert_array_equal(split.images, images[members].reshape(-1, 48, 48, 1))
                assert split.labels.tolist() == [labels[row] for row in members]
                assert split.rows.tolist() == members.tolist()


def test_many_blocks_keep_their_order(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (150, 48 * 48), dtype=np.uint8)  # 1.3 MB of text
    labels, usages = [row % 7 for row in range(150)], [row % 3 for row in range(150)]
    path = tmp_path / "faces.csv"
    path.write_bytes(csv_bytes(images, labels, usages, ("emotion", "pixels", "Usage"), "\n", "plain"))

    dataset = load_fer2013(path)

    for usage, split in enumerate(dataset.splits().values()):
        np.testing.assert_array_equal(split.images, images[usage::3].reshape(-1, 48, 48, 1))
        assert split.rows.tolist() == list(range(usage, 150, 3))


def test_last_line_break_and_blank_lines_may_differ(small_csv: Path) -> None:
    expected = load_fer2013(small_csv).splits()
    text = small_csv.read_text(encoding="ascii")

    small_csv.write_text(text.rstrip("\n"), encoding="ascii")
    assert_equal_splits(load_fer2013(small_csv).splits(), expected)

    lines = text.splitlines(keepends=True)
    small_csv.write_text("".join([*lines[:5], "\n \n", *lines[5:], "\n\n  "]), encoding="ascii")
    assert_equal_splits(load_fer2013(small_csv).splits(), expected)


ROW_OF_FIVES = " ".join(["5"] * (48 * 48))


@settings(max_examples=300)
@given(
    order=st.sampled_from(list(itertools.permutations(range(3)))),
    edits=st.lists(
        st.tuples(
            st.integers(-30, 30), st.integers(0, 1), st.sampled_from('0 25 256 1234 - + . , \n \r " a \0 é'.split(" "))
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_fast_reading_agrees_with_reading_line_by_line(
    order: tuple[int, int, int], edits: list[tuple[int, int, str]]
) -> None:
    """Edits near the ends and the middle of a block: what is accepted at once is what each line by itself says."""
    layout = Layout(*order)
    fields = {layout.emotion: "3", layout.pixels: ROW_OF_FIVES, layout.usage: "PublicTest"}
    block = (",".join(fields[index] for index in range(3)) + "\n").encode() * 2
    for position, removed, added in edits:
        place = len(block) // 2 + position
        block = block[:place] + added.encode() + block[place + removed :]
    block = block.removesuffix(b"\n") + b"\n"

    rows = BlockParser(layout).parse(block)

    if rows is not None:
        lines = [line.removesuffix(b"\r") for line in block.removesuffix(b"\n").split(b"\n")]
        expected = [parse_line(line, layout, "block") for line in lines]
        assert [image.tobytes() for image in rows.images] == [image for image, _, _ in expected]
        assert rows.labels.tolist() == [label for _, label, _ in expected]
        assert rows.usages.tolist() == [usage for _, _, usage in expected]


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_plain_lines_are_read_at_once(width: int, line_end: str) -> None:
    values = list(range(256)) * 9
    line = f"3,{' '.join(f'{value:0{width}}' for value in values)},PublicTest{line_end}"

    rows = BlockParser(Layout(0, 1, 2)).parse(line.encode() * 2)

    assert rows is not None
    assert rows.images.tolist() == [values, values]
    assert (rows.labels.tolist(), rows.usages.tolist()) == ([3, 3], [1, 1])


# Every defect


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
    "zip without CSV": (lambda file: zip_of("readme.txt"), "one CSV file", r"\['readme.txt'\]"),
    "zip of two CSV": (lambda file: zip_of("a.csv", "b.csv"), "one CSV file", r"\['a.csv', 'b.csv'\]"),
}


def damage(file: bytes, place: int) -> bytes:
    return file[:place] + bytes([file[place] ^ 255]) + file[place + 1 :]


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


# The cache


def test_cache_stands_beside_the_file_and_is_used(small_csv: Path, tmp_path: Path) -> None:
    dataset = load_fer2013(small_csv)
    (cache,) = caches(tmp_path)
    assert cache == small_csv.with_name("fer2013.csv.fer_lib.npz")
    with np.load(cache, allow_pickle=False) as stored:
        altered = dict(stored)
    altered["images_test"] = 255 - altered["images_test"]
    np.savez(cache, **altered)

    np.testing.assert_array_equal(load_fer2013(small_csv).test.images, 255 - dataset.test.images)


def test_changed_content_is_read_again_even_at_the_same_size_and_time(small_csv: Path) -> None:
    first = load_fer2013(small_csv)
    status = small_csv.stat()
    rows = table(small_csv)
    rows[1][0] = str((int(rows[1][0]) + 1) % 7)
    write_table(small_csv, rows)
    os.utime(small_csv, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert small_csv.stat().st_size == status.st_size

    second = load_fer2013(small_csv)

    assert second.train.labels[0] == (first.train.labels[0] + 1) % 7
    assert second.sha256 != first.sha256
    assert_equal_splits(load_fer2013(small_csv).splits(), second.splits())


CACHE_DAMAGES = {
    "empty": lambda file: b"",
    "cut off": lambda file: file[: len(file) // 2],
    "not a zip file": lambda file: b"x" * len(file),
    "a pixel changed": lambda file: damage(file, 10_000),
    "the directory changed": lambda file: damage(file, len(file) - 40),
}


@pytest.mark.parametrize("name", CACHE_DAMAGES)
def test_damaged_cache_is_made_anew(name: str, small_csv: Path, tmp_path: Path) -> None:
    expected = load_fer2013(small_csv)
    (cache,) = caches(tmp_path)
    whole = cache.read_bytes()
    cache.write_bytes(CACHE_DAMAGES[name](whole))

    assert_equal_splits(load_fer2013(small_csv).splits(), expected.splits())

    assert caches(tmp_path) == [cache]
    with np.load(cache, allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["images_train"], expected.train.images)


@pytest.mark.parametrize(
    "change", [{"format_version": np.array(0)}, {"images_test": None}, {"images_test": np.array([{}], dtype=object)}]
)
def test_cache_of_another_kind_is_made_anew(
    change: dict[str, np.ndarray | None], small_csv: Path, tmp_path: Path
) -> None:
    expected = load_fer2013(small_csv)
    (cache,) = caches(tmp_path)
    with np.load(cache, allow_pickle=False) as stored:
        altered = dict(stored) | change
    np.savez(cache, **{name: array for name, array in altered.items() if array is not None})

    assert_equal_splits(load_fer2013(small_csv).splits(), expected.splits())


def test_cache_goes_to_the_users_folder_where_none_can_stand_beside(
    small_csv: Path, tmp_path: Path, user_cache: Path
) -> None:
    beside = small_csv.with_name("fer2013.csv.fer_lib.npz")
    beside.mkdir()  # no file can be written here, not even by root

    first = load_fer2013(small_csv)
    assert [path.parent for path in caches(tmp_path) if path != beside] == [user_cache]
    assert_equal_splits(load_fer2013(small_csv).splits(), first.splits())


def test_cache_folder_is_used_where_given(small_csv: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"

    first = load_fer2013(small_csv, cache_folder=folder)

    assert [path.parent for path in caches(tmp_path)] == [folder]
    assert_equal_splits(load_fer2013(small_csv, cache_folder=folder).splits(), first.splits())


def test_files_of_one_name_do_not_share_a_cache(small_csv: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / small_csv.name
    other.parent.mkdir()
    rows = table(small_csv)
    write_table(other, [rows[0], *rows[:0:-1]])

    first, second = (load_fer2013(path, cache_folder=tmp_path / "caches") for path in (small_csv, other))

    assert first.sha256 != second.sha256
    assert len(caches(tmp_path)) == 2


def test_full_disk_leaves_no_cache_but_a_warning(
    small_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(file: BinaryIO, **arrays: np.ndarray) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fer_lib.files.np.savez", write_half)

    with pytest.warns(UserWarning, match="could not be cached.*No space left"):
        dataset = load_fer2013(small_csv)

    assert len(dataset.train) == 18
    assert caches(tmp_path) == []


# The image folders


def write_release(root: Path, suffix: str = ".png", names: tuple[str, ...] = EMOTIONS) -> np.ndarray:
    """One picture per class and Usage; returns images uint8 (3, 7, 48, 48)."""
    coarse = np.random.default_rng(2).integers(0, 256, (3, 7, 6, 6), dtype=np.uint8)
    images = coarse.repeat(8, axis=2).repeat(8, axis=3)  # JPEG keeps flat blocks of 8 by 8
    for usage, part in enumerate(("train", "test", "test")):
        for label, name in enumerate(names):
            folder = root / part / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images[usage, label]).save(folder / f"{USAGES[usage]}_{label + 1}{suffix}")
    return images


SPELLINGS = {
    "ours": EMOTIONS,
    "capitals": tuple(name.upper() for name in EMOTIONS),
    "nouns": ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprised", "Neutral"),
}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_image_folders_give_the_official_split_back(spelling: str, suffix: str, tmp_path: Path) -> None:
    root = tmp_path / "release"
    images = write_release(root, suffix, SPELLINGS[spelling])
    (root / "train" / ".DS_Store").write_bytes(b"x")

    for dataset in (load_fer2013(root), load_fer2013(root)):
        rows = np.concatenate([split.rows for split in dataset.splits().values()])
        assert sorted(rows.tolist()) == list(range(21))
        for usage, split in enumerate(dataset.splits().values()):
            assert sorted(split.labels.tolist()) == list(range(7))
            difference = split.images[..., 0].astype(int) - images[usage, split.labels]
            assert np.abs(difference).max() <= (0 if suffix == ".png" else 3)
    assert caches(tmp_path) == [tmp_path / "release.fer_lib.npz"]


def test_changed_picture_is_read_again(tmp_path: Path) -> None:
    root = tmp_path / "release"
    write_release(root)
    first = load_fer2013(root)
    Image.new("L", (48, 48), 77).save(root / "test" / "happy" / "PrivateTest_4.png")

    second = load_fer2013(root)

    assert second.sha256 != first.sha256
    assert (second.test.images == 77).all(axis=(1, 2, 3)).sum() == 1


def test_colour_pictures_are_turned_to_grey(tmp_path: Path) -> None:
    images = write_release(tmp_path)
    for path in tmp_path.rglob("*.png"):
        Image.open(path).convert("RGB").save(path)

    dataset = load_fer2013(tmp_path)

    np.testing.assert_array_equal(dataset.test.images[..., 0], images[2, dataset.test.labels])


def rename(old: str, new: str) -> Callable[[Path], object]:
    return lambda root: (root / old).rename(root / new)


def remove(pattern: str) -> Callable[[Path], object]:
    def edit(root: Path) -> None:
        for path in list(root.rglob(pattern)):
            path.unlink()

    return edit


DEFECTS_OF_FOLDERS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no train": (rename("train", "training"), "train and test", r"\['test', 'training'\]"),
    "no test": (rename("test", "exam"), "train and test", r"\['exam', 'train'\]"),
    "unknown class": (rename("train/sad", "train/contempt"), "train.contempt: .*only folders", "'contempt'"),
    "a file among the classes": (
        lambda root: (root / "train" / "readme.txt").write_text("x"),
        "readme.txt: .*only folders",
        "'readme.txt'",
    ),
    "not a picture's name": (
        lambda root: (root / "train" / "sad" / "Training_9.gif").write_bytes(b"x"),
        r"Training_9\.gif: .*must be a picture",
        "'Training_9.gif'",
    ),
    "no marker": (rename("train/sad/Training_5.png", "train/sad/im5.png"), r"im5\.png: .*must carry", "'im5.png'"),
    "contradicting marker": (
        rename("test/sad/PublicTest_5.png", "test/sad/Training_99.png"),
        r"Training_99\.png: a file in test must carry PublicTest or PrivateTest",
        "'Training_99.png'",
    ),
    "not a picture": (
        lambda root: (root / "train" / "sad" / "Training_5.png").write_bytes(b"no picture"),
        r"Training_5\.png: .*readable",
        "UnidentifiedImageError.*",
    ),
    "an empty file": (
        lambda root: (root / "train" / "sad" / "Training_5.png").write_bytes(b""),
        r"Training_5\.png: .*readable",
        "UnidentifiedImageError.*",
    ),
    "picture cut off": (
        lambda root: (file := root / "train" / "sad" / "Training_5.png").write_bytes(file.read_bytes()[:-60]),
        r"Training_5\.png: .*readable",
        ".*",
    ),
    "a broken link": (
        lambda root: (root / "train" / "sad" / "Training_9.png").symlink_to(root / "nothing"),
        r"Training_9\.png: .*readable",
        ".*No such file.*",
    ),
    "wrong size": (
        lambda root: Image.new("L", (47, 48)).save(root / "train" / "sad" / "Training_5.png"),
        r"Training_5\.png: .*48 by 48",
        "47 by 48",
    ),
    "16 bits": (
        lambda root: Image.new("I;16", (48, 48)).save(root / "train" / "sad" / "Training_5.png"),
        r"Training_5\.png: .*8 bits",
        "mode I;16",
    ),
    "an empty split": (
        remove("PublicTest_*"),
        "rows of Usage PublicTest",
        ".*'PublicTest': 0.*",
    ),
    "empty folders": (remove("*.png"), "rows of Usage Training", ".*"),
}


@pytest.mark.parametrize("name", DEFECTS_OF_FOLDERS)
def test_defect_of_the_folders_is_told(name: str, tmp_path: Path) -> None:
    edit, where, received = DEFECTS_OF_FOLDERS[name]
    root = tmp_path / "release"
    write_release(root)
    edit(root)

    with pytest.raises(ValueError, match=rf"release.*{where}.*\. Received: {received}$"):
        load_fer2013(root)

    assert caches(tmp_path) == []


# Splits and the choice of data


@pytest.mark.parametrize(
    "images, labels, rows, told",
    [
        (
            np.zeros((2, 48, 48), np.uint8),
            np.zeros(2, np.int64),
            np.zeros(2, np.int64),
            r"images .*uint8 \(2, 48, 48\)$",
        ),
        (np.zeros((2, 4, 4, 1)), np.zeros(2, np.int64), np.zeros(2, np.int64), "images .*float64"),
        (np.zeros((2, 4, 4, 1), np.uint8), np.zeros(3, np.int64), np.zeros(2, np.int64), "labels .*Received: int64"),
        (np.zeros((2, 4, 4, 1), np.uint8), np.zeros(2, np.int64), np.zeros(2, np.int32), "rows .*Received: int32"),
    ],
)
def test_split_refuses_other_arrays(images: np.ndarray, labels: np.ndarray, rows: np.ndarray, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Split(images, labels, rows)


def test_data_is_found_by_path_then_by_environment(
    small_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.csv"
    rows = table(small_csv)
    write_table(other, [*rows, rows[1]])
    monkeypatch.setenv("FER2013_CSV", str(other))

    assert load_data(small_csv).source == str(small_csv)
    assert load_data("").source == load_data(None).source == str(other)


def test_sample_is_loaded_by_name_and_where_no_data_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER2013_CSV", "")
    monkeypatch.setattr("fer_lib.paths.DATA", tmp_path)

    named, fallen_back = load_data("sample"), load_data()

    assert named.is_sample and fallen_back.is_sample
    assert named.sha256 == fallen_back.sha256


# FER2013 itself

CLASSES = {
    "train": [3995, 436, 4097, 7215, 4830, 3171, 4965],
    "validation": [467, 56, 496, 895, 653, 415, 607],
    "test": [491, 55, 528, 879, 594, 416, 626],
}


@pytest.mark.data
def test_published_counts(fer2013_csv: Path, fer2013_cache: Path) -> None:
    for dataset in (load_fer2013(fer2013_csv, fer2013_cache), load_fer2013(fer2013_csv, fer2013_cache)):
        assert {name: len(split) for name, split in dataset.splits().items()} == {
            "train": 28_709,
            "validation": 3_589,
            "test": 3_589,
        }
        for name, split in dataset.splits().items():
            assert np.bincount(split.labels).tolist() == CLASSES[name]
            assert split.images.shape[1:] == (48, 48, 1)


@pytest.mark.data
def test_shared_file_is_read_pixel_by_pixel(fer2013_csv: Path, fer2013_cache: Path) -> None:
    source = Path(__file__).resolve().parents[2] / "shared" / "fer2013" / "fer2013.npz"
    if os.environ.get("FER2013_CSV") or not source.exists():
        pytest.skip("FER2013_CSV names a file of its own, which may differ from the shared one")

    dataset = load_fer2013(fer2013_csv, fer2013_cache)

    assert dataset.sha256 == "18bed97a624fc2f076175868f3c9a64f99c12f1b31ffcac791224938383fc846"
    with np.load(source, allow_pickle=False) as published:
        for usage, split in enumerate(dataset.splits().values()):
            np.testing.assert_array_equal(split.rows, np.flatnonzero(published["usage"] == usage))
            np.testing.assert_array_equal(split.images[..., 0], published["images"][split.rows])
