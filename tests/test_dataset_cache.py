import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from csv_files import assert_equal_splits, caches, damage, table, write_table

from fer_lib.datasets import load_fer2013

pytestmark = pytest.mark.usefixtures("user_cache")


def test_cache_stands_beside_the_file_and_is_used(small_csv: Path, tmp_path: Path) -> None:
    dataset = load_fer2013(small_csv)
    (cache,) = caches(tmp_path)
    assert cache == small_csv.with_name("fer2013.csv.fer_lib.npz")
    with np.load(cache, allow_pickle=False) as stored:
        altered = dict(stored)
    altered["images_test"] = 255 - altered["images_test"]
    np.savez(cache, **altered)

    np.testing.assert_array_equal(load_fer2013(small_csv).test.images, 255 - dataset.test.images)


def test_what_a_killed_process_left_half_written_is_removed(small_csv: Path) -> None:
    """Not what another process is writing at the moment."""
    left, written, other = (small_csv.with_name(f".fer2013.csv.fer_lib-{name}") for name in ("a.npz", "b.npz", "c.txt"))
    for path in (left, written, other):
        path.write_bytes(b"half")
    for path in (left, other):
        os.utime(path, (0, 0))
    load_fer2013(small_csv)
    assert (left.exists(), written.exists(), other.exists()) == (False, True, True)


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
