import itertools
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from csv_files import USAGES, assert_equal_splits, csv_bytes, pack, table, write_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fer_lib.block_parsing import BlockParser, Layout
from fer_lib.datasets import Split, load_data, load_fer2013, take_part
from fer_lib.parsing import parse_line
from fer_lib.paths import find_data
from fer_lib.protocols import describe_data

pytestmark = pytest.mark.usefixtures("user_cache")


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


@pytest.mark.parametrize("name", ["icml_face_data.csv", "fer2013.csv.gz", "fer2013.csv.zip", "fer2013"])
def test_every_release_is_found_in_its_place(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FER2013_CSV", raising=False)
    monkeypatch.setattr("fer_lib.paths.DATA", tmp_path)
    assert find_data() is None
    (tmp_path / name).write_bytes(b"anything")
    assert find_data() == tmp_path / name
    (tmp_path / "fer2013.csv").write_bytes(b"anything")
    assert find_data() == tmp_path / "fer2013.csv"


def test_sample_is_loaded_by_name_and_where_no_data_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER2013_CSV", "")
    monkeypatch.delenv("FER_LIB_CACHE")  # the sample takes seconds to draw, and the notebooks have drawn it
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


@given(images=st.integers(1, 17))
@settings(max_examples=17, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_part_holds_the_same_share_of_each_class_of_each_split(small_csv: Path, images: int) -> None:
    whole = load_fer2013(small_csv)

    part = take_part(whole, images)

    for name, split in part.splits().items():
        before = whole.splits()[name]
        counts = np.bincount(before.labels, minlength=7)
        expected = -(-counts * images // len(whole.train))
        assert np.bincount(split.labels, minlength=7).tolist() == expected.tolist()
        assert (np.diff(split.rows) > 0).all()
        np.testing.assert_array_equal(before.take(np.searchsorted(before.rows, split.rows)).images, split.images)
    assert part.whole is whole and part.sha256 != whole.sha256
    assert f"{len(part.train)} of the 18 training images of {small_csv}" == part.source


def test_a_part_is_drawn_alike_each_time_and_known_from_the_whole(small_csv: Path) -> None:
    whole = load_data(small_csv)
    first, second = (load_data(small_csv, images=5) for _ in range(2))

    assert_equal_splits(first.splits(), second.splits())
    assert describe_data(first, "official") == describe_data(second, "official")
    for protocol in ("official", "random_split"):
        described = [describe_data(data, protocol)["sha256"] for data in (whole, first, take_part(whole, 4))]
        assert len(set(described)) == 3
    assert take_part(whole, 18) is whole and whole.whole is None
    with pytest.raises(ValueError, match="images must be at least 1. Received: 0"):
        take_part(whole, 0)


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
