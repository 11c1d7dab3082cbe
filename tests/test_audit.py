import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_lib.audit import (
    blank_images,
    conflicting_pairs,
    describe,
    find_duplicates,
    find_leaks,
    leaked_mask,
    summarize,
)
from fer_lib.datasets import FerDataset, Split, load_fer2013


def picture(number: int) -> np.ndarray:
    """A picture uint8 (8, 8, 1), another for each number."""
    return np.random.default_rng(number).integers(0, 256, (8, 8, 1), dtype=np.uint8)


def make_split(pictures: list[int], labels: list[int], first_row: int = 0) -> Split:
    images = np.array([picture(number) for number in pictures], dtype=np.uint8).reshape(-1, 8, 8, 1)
    return Split(
        images, np.array(labels, dtype=np.int64), np.arange(first_row, first_row + len(labels), dtype=np.int64)
    )


def make_dataset(train: Split, validation: Split, test: Split) -> FerDataset:
    return FerDataset(train, validation, test, source="made", sha256="0" * 64, is_sample=False)


@pytest.fixture
def dataset() -> FerDataset:
    """Picture 1: four times, two labels, train and test. 2: twice in train. 3: validation and test. 4 to 8: once."""
    return make_dataset(
        make_split([1, 2, 4, 1, 2, 5], [0, 1, 2, 3, 1, 5]),
        make_split([3, 6], [4, 6], first_row=6),
        make_split([7, 1, 3, 1, 8], [6, 0, 4, 0, 3], first_row=8),
    )


def test_duplicates_are_listed_by_group(dataset: FerDataset) -> None:
    duplicates = find_duplicates(dataset)

    assert list(duplicates.itertuples(index=False, name=None)) == [
        (0, "train", 0, 0),
        (0, "train", 3, 3),
        (0, "test", 9, 0),
        (0, "test", 11, 0),
        (1, "train", 1, 1),
        (1, "train", 4, 1),
        (2, "validation", 6, 4),
        (2, "test", 10, 4),
    ]


def test_leaks_are_the_groups_in_several_splits(dataset: FerDataset) -> None:
    leaks = find_leaks(dataset)

    assert sorted(set(leaks["group"])) == [0, 2]
    assert len(leaks) == 6


def test_conflicting_pairs_show_two_labels_of_a_group(dataset: FerDataset) -> None:
    assert list(conflicting_pairs(dataset).itertuples(index=False, name=None)) == [(0, 3, "angry / happy")]


def test_leaked_mask_marks_what_stands_in_train(dataset: FerDataset) -> None:
    assert leaked_mask(dataset.train, dataset.test).tolist() == [False, True, False, True, False]
    assert leaked_mask(dataset.train, dataset.validation).tolist() == [False, False]


def test_leaked_mask_refuses_images_of_two_sizes(dataset: FerDataset) -> None:
    smaller = Split(dataset.test.images[:, :4], dataset.test.labels, dataset.test.rows)

    with pytest.raises(ValueError, match=r"one size\. Received: \(8, 8, 1\) and \(4, 8, 1\)$"):
        leaked_mask(dataset.train, smaller)


def test_one_different_pixel_is_no_duplicate() -> None:
    split = make_split([1, 1], [0, 0])
    split.images[1, 7, 7, 0] ^= 1

    assert find_duplicates(make_dataset(split, make_split([2], [0]), make_split([3], [0]))).empty


def test_blank_images_are_listed(dataset: FerDataset) -> None:
    dataset.train.images[2] = 0
    dataset.test.images[4] = 255
    dataset.test.images[4, 0, 0] = 254  # all but blank
    dataset.validation.images[1, :4], dataset.validation.images[1, 4:] = 100, 103  # faint, but something

    blanks = blank_images(dataset)

    assert list(blanks.itertuples(index=False, name=None)) == [("train", 2, 2), ("test", 12, 3)]


def test_summary_counts_everything(dataset: FerDataset) -> None:
    summary = summarize(dataset)

    assert json.loads(json.dumps(summary)) == summary
    assert summary["rows"] == 13
    assert summary["splits"]["test"] == {
        "rows": 5,
        "classes": {"angry": 2, "disgust": 0, "fear": 0, "happy": 1, "sad": 1, "surprise": 0, "neutral": 1},
    }
    assert summary["duplicates"] == {
        "images": 5,
        "groups": 3,
        "groups_with_several_labels": 1,
        "groups_across_splits": 2,
    }
    assert summary["leaks"] == {"validation": 0, "test": 2}
    assert summary["blank_images"] == 0
    assert summary["as_published"] is False


def test_description_tells_the_numbers(dataset: FerDataset) -> None:
    text = describe(summarize(dataset))

    lines = [line.split() for line in text.splitlines()]
    assert ["sha256", "0" * 64] in lines
    assert ["angry", "1", "0", "2", "3"] in lines
    assert ["rows", "6", "2", "5", "13"] in lines
    assert "5 images repeat another exactly, in 3 groups; 1 of these carry two labels or more, 2 cross splits" in text
    assert "0 of validation (0.0%) and 2 of test (40.0%) also stand in train" in text
    assert "not as published" in text


def test_summary_of_a_file_without_duplicates(small_csv: Path) -> None:
    summary = summarize(load_fer2013(small_csv))

    assert summary["rows"] == 30
    assert summary["duplicates"]["groups"] == summary["duplicates"]["images"] == summary["blank_images"] == 0
    assert "0 images repeat another" in describe(summary)


numbers = st.lists(st.integers(0, 9), min_size=1, max_size=12)


@settings(max_examples=60)
@given(train=numbers, validation=numbers, test=numbers)
def test_counts_agree_with_sets(train: list[int], validation: list[int], test: list[int]) -> None:
    splits = [make_split(members, [0] * len(members)) for members in (train, validation, test)]
    dataset = make_dataset(*splits)
    everything = train + validation + test

    summary = summarize(dataset)

    assert summary["duplicates"]["images"] == len(everything) - len(set(everything))
    assert summary["duplicates"]["groups"] == sum(everything.count(number) > 1 for number in set(everything))
    crossing = {n for n in everything if (n in train) + (n in validation) + (n in test) > 1}
    assert summary["duplicates"]["groups_across_splits"] == len(crossing)
    assert summary["leaks"] == {
        "validation": sum(number in train for number in validation),
        "test": sum(number in train for number in test),
    }
    assert leaked_mask(dataset.train, dataset.test).tolist() == [number in train for number in test]


@pytest.mark.data
def test_what_is_known_of_fer2013(fer2013_csv: Path, fer2013_cache: Path) -> None:
    dataset = load_fer2013(fer2013_csv, fer2013_cache)

    summary = summarize(dataset)

    assert summary["rows"] == 35_887 and summary["as_published"]
    assert summary["duplicates"] == {
        "images": 1_851,
        "groups": 1_514,
        "groups_with_several_labels": 56,
        "groups_across_splits": 557,
    }
    assert summary["leaks"]["test"] == leaked_mask(dataset.train, dataset.test).sum() == 288
    assert summary["blank_images"] == 13
