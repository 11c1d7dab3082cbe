import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_lib.files import atomic, open_npz, read_json, write_json, write_npz, write_text

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_only_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "folder" / "result.txt"
    with atomic(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert (temporary.parent, temporary.suffix) == (path.parent, ".txt")
    assert path.read_text() == "whole"
    assert names(path.parent) == ["result.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failing_block_leaves_the_old_file_and_no_temporary_one(error, tmp_path):
    path = tmp_path / "result.txt"
    write_text(path, "old")
    with pytest.raises(error), atomic(path) as temporary:
        temporary.write_text("half of the n")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["result.txt"]


def test_a_failing_block_leaves_nothing_where_nothing_was(tmp_path):
    with pytest.raises(ValueError), atomic(tmp_path / "result.txt"):
        raise ValueError
    assert names(tmp_path) == []


def test_a_failing_move_leaves_no_temporary_file(tmp_path):
    (tmp_path / "result.txt").mkdir()
    with pytest.raises(OSError):
        write_text(tmp_path / "result.txt", "text")
    assert names(tmp_path) == ["result.txt"]


def test_written_files_can_be_read_by_all(tmp_path):
    write_text(tmp_path / "result.txt", "text")
    assert os.stat(tmp_path / "result.txt").st_mode & 0o777 == 0o644


@given(value=JSON_VALUES)
def test_json_comes_back_as_it_was(value, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "value.json"
    write_json(path, value)
    assert json.loads(path.read_text(encoding="utf-8")) == value


@pytest.mark.parametrize("value", [float("nan"), {"accuracy": float("inf")}, {1, 2}])
def test_what_is_no_json_leaves_the_old_file(value, tmp_path):
    path = tmp_path / "metrics.json"
    write_json(path, "old")
    with pytest.raises((ValueError, TypeError)):
        write_json(path, value)
    assert json.loads(path.read_text()) == "old"
    assert names(tmp_path) == ["metrics.json"]


def test_text_is_utf8_whatever_the_locale(tmp_path):
    write_text(tmp_path / "text.txt", "±1 × “Ψ”\n")
    assert (tmp_path / "text.txt").read_bytes() == "±1 × “Ψ”\n".encode()


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_come_back_with_names_types_and_shapes(compressed, tmp_path):
    arrays = {"rows": np.arange(3), "single": np.zeros((2, 0, 7), np.float16), "image": np.full((4, 4), 255, np.uint8)}
    write_npz(tmp_path / "arrays.npz", arrays, compressed=compressed)
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as stored:
        assert stored.files == list(arrays)
        for name, array in arrays.items():
            assert stored[name].dtype == array.dtype
            np.testing.assert_array_equal(stored[name], array)
    assert names(tmp_path) == ["arrays.npz"]


def test_compression_makes_the_file_smaller(tmp_path):
    for compressed in (False, True):
        write_npz(tmp_path / f"{compressed}.npz", {"zeros": np.zeros(10_000)}, compressed=compressed)
    assert (tmp_path / "True.npz").stat().st_size < (tmp_path / "False.npz").stat().st_size / 10


@pytest.mark.parametrize("content", [b"", b'{"test": {"single"', b"\0" * 40, b'{"a": "\xff"}', b"[1]"])
def test_damaged_json_is_told_in_one_line_that_names_the_file(content, tmp_path):
    path = tmp_path / "metrics.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"metrics\.json must be a JSON object, whole\. Received: .") as error:
        read_json(path)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [{}, {"request": "a"}, {"request": {"papers": 1}, "record": {}}])
def test_json_that_lacks_a_field_is_told_with_the_field_and_those_there_are(content, tmp_path):
    path = tmp_path / "config.json"
    write_json(path, content)
    assert read_json(path) == content
    there = ", ".join(content) or "none"
    told = rf"config\.json must be a JSON object with the field 'request\.paper', .* the fields {there}$"
    with pytest.raises(ValueError, match=told):
        read_json(path, ["request.paper"])


def test_json_with_all_fields_is_read(tmp_path):
    write_json(tmp_path / "config.json", {"request": {"paper": None}, "record": {}})
    assert read_json(tmp_path / "config.json", ["record", "request.paper"]) == {
        "request": {"paper": None},
        "record": {},
    }


def _read_all(path):
    with open_npz(path) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_arrays_are_told_in_one_line_that_names_the_file(compressed, tmp_path):
    path = tmp_path / "predictions.npz"
    write_npz(path, {"rows": np.arange(300) ** 2}, compressed=compressed)
    whole = path.read_bytes()
    changed = [bytes([*whole[:place], whole[place] ^ 0xA5, *whole[place + 1 :]]) for place in range(150, 400, 10)]
    for content in (b"", b"no archive", whole[:100], whole[:-1], *changed):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"predictions\.npz must be an npz file, whole\. Received: .") as error:
            _read_all(path)
        assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


def test_files_that_are_not_there_are_not_damaged(tmp_path):
    for read in (read_json, _read_all):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "nothing")
