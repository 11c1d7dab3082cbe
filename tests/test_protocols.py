import dataclasses
from collections import Counter
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_data import make_tiny_data

from fer_lib.audit import leaked_mask
from fer_lib.datasets import Split, number_pictures
from fer_lib.labels import EMOTIONS
from fer_lib.papers.schema import Protocol
from fer_lib.papers.validation_images import WITHOUT_VALIDATION
from fer_lib.protocols import PROTOCOLS, describe_data, prepare, split_per_class

BALANCED = {"originals_per_class": 5, "test_originals_per_class": 2, "transforms_per_original": 3}
RANDOM = {"test_share": 0.2}


@pytest.fixture(scope="module")
def data():
    return make_tiny_data((42, 14, 14))


def test_the_schema_names_every_protocol():
    assert set(get_args(Protocol)) == set(PROTOCOLS)


def test_unknown_protocol_names_the_known(data):
    with pytest.raises(ValueError, match=r"protocol must be one of \['official'.* Received: 'leave_one_out'"):
        prepare(data, "leave_one_out", {}, 0)


def test_official_is_the_data_as_they_are(data):
    assert prepare(data, "official", {}, 3) is data


@pytest.fixture
def cleaned_away(data, monkeypatch):
    """Rows that an audit of the tiny data is made to find: every fifth."""
    rows = np.arange(0, 70, 5)
    monkeypatch.setattr("fer_lib.protocols._cleaned_away", lambda data: rows)
    return rows


def test_six_classes_leave_disgust_out_of_every_split(data):
    splits = prepare(data, "six_classes", {}, 0).splits()
    for name, split in data.splits().items():
        kept = split.labels != EMOTIONS.index("disgust")
        np.testing.assert_array_equal(splits[name].rows, split.rows[kept])
        np.testing.assert_array_equal(splits[name].images, split.images[kept])
        np.testing.assert_array_equal(splits[name].labels, split.labels[kept])


def test_cleaned_six_leaves_out_what_the_audit_names(data, cleaned_away):
    six, cleaned = (prepare(data, protocol, {}, 0).splits() for protocol in ("six_classes", "cleaned_six"))
    for name in six:
        assert set(cleaned[name].rows) == set(six[name].rows) - set(cleaned_away)
        assert len(cleaned[name]) < len(six[name])


def test_cleaned_data_are_known_by_the_rows_left_out(data, cleaned_away, monkeypatch):
    described = describe_data(data, "cleaned_six")
    assert described == describe_data(data, "cleaned_six")
    monkeypatch.setattr("fer_lib.protocols._cleaned_away", lambda data: cleaned_away[1:])
    other = describe_data(data, "cleaned_six")
    assert {name for name in described if described[name] != other[name]} == {"cleaned_away_sha256"}


def test_a_cleaning_that_leaves_nothing_is_refused(data, monkeypatch):
    monkeypatch.setattr("fer_lib.protocols._cleaned_away", lambda data: np.arange(70))
    with pytest.raises(
        ValueError, match="cleaned_six must leave images for training and for the test. Received: 0 and"
    ):
        prepare(data, "cleaned_six", {}, 0)


def test_the_drawn_sample_is_the_same_whatever_the_data(data):
    sample = prepare(data, "drawn_sample", {}, 0)
    assert sample.is_sample and len(sample.train) == 1800
    described = describe_data(data, "drawn_sample")
    assert described == {"sha256": sample.sha256, "is_sample": True, "protocol": "drawn_sample"}


def test_random_split_divides_all_rows(data):
    found = prepare(data, "random_split", RANDOM, 0)
    rows = np.concatenate([found.train.rows, found.test.rows])
    assert (len(found.train), len(found.validation), len(found.test)) == (56, 0, 14)
    assert sorted(rows) == list(range(70))
    pool = {
        int(row): image for split in data.splits().values() for row, image in zip(split.rows, split.images, strict=True)
    }
    assert all(
        np.array_equal(pool[int(row)], image) for row, image in zip(found.test.rows, found.test.images, strict=True)
    )


def test_random_split_depends_on_the_seed_alone(data):
    first, again, other = (prepare(data, "random_split", RANDOM, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.test.rows, again.test.rows)
    assert not np.array_equal(first.test.rows, other.test.rows)


def test_random_split_counts_a_picture_that_stands_twice_as_leaked(data):
    images = data.train.images.copy()
    images[:] = images[0]
    found = prepare(
        dataclasses.replace(data, train=dataclasses.replace(data.train, images=images)), "random_split", RANDOM, 0
    )
    expected = found.test.rows < 42  # those of train are all the same picture
    assert 0 < expected.sum() < len(found.test)
    assert np.array_equal(leaked_mask(found.train, found.test), expected)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_cards_know_which_protocols_leave_validation_images(data, cleaned_away, tmp_path, monkeypatch, protocol):
    monkeypatch.setenv("SFEW_FOLDER", str(write_sfew(tmp_path / "sfew")))
    found = prepare(data, protocol, {**BALANCED, **RANDOM, "scenes_per_class": 5}, 0)
    assert (len(found.validation) == 0) == (protocol in WITHOUT_VALIDATION)


@pytest.mark.parametrize("protocol", ["balanced_together", "balanced_apart", "balanced_strong"])
def test_balanced_sets_hold_exact_counts(data, protocol):
    found = prepare(data, protocol, BALANCED, 0)
    assert Counter(found.train.labels.tolist()) == dict.fromkeys(range(7), 5 * 4)
    assert Counter(found.test.labels.tolist()) == dict.fromkeys(range(7), 2 * 4)
    assert len(found.validation) == 0


@pytest.mark.parametrize("protocol", ["balanced_together", "balanced_apart", "balanced_strong"])
def test_balanced_sets_are_the_same_bytes_for_the_same_seed(data, protocol):
    first, again, other = (prepare(data, protocol, BALANCED, seed) for seed in (0, 0, 1))
    assert first.train.images.tobytes() == again.train.images.tobytes()
    assert first.train.images.tobytes() != other.train.images.tobytes()


def test_both_balanced_sets_hold_the_same_images(data):
    together, apart = (prepare(data, name, BALANCED, 0) for name in ("balanced_together", "balanced_apart"))

    def contents(found):
        return Counter(image.tobytes() for split in (found.train, found.test) for image in split.images)

    assert contents(together) == contents(apart)


def test_pictures_and_their_transforms_are_kept_together_or_part(data):
    together = prepare(data, "balanced_together", BALANCED, 0)
    apart = prepare(data, "balanced_apart", BALANCED, 0)
    assert leaked_mask(together.train, together.test).sum() == 0
    assert leaked_mask(apart.train, apart.test).mean() > 0.5


def test_strong_transforms_are_of_the_same_pictures_and_further_from_them(data):
    mild, strong = (prepare(data, name, BALANCED, 0) for name in ("balanced_together", "balanced_strong"))
    assert np.array_equal(mild.test.rows, strong.test.rows)
    originals = mild.test.transforms == 0
    assert np.array_equal(mild.test.images[originals], strong.test.images[originals])
    pictures = mild.test.images[originals].repeat(4, axis=0).astype(float)
    far, near = (np.abs(found.test.images - pictures).mean() for found in (strong, mild))
    assert far > 1.2 * near


def test_originals_stand_among_their_transforms(data):
    found = prepare(data, "balanced_together", BALANCED, 0)
    assert found.test.transforms.tolist() == [0, 1, 2, 3] * 14
    originals = found.test.transforms == 0
    pool = {image.tobytes() for split in data.splits().values() for image in split.images}
    assert all(image.tobytes() in pool for image in found.test.images[originals])
    assert not any(image.tobytes() in pool for image in found.test.images[~originals])
    assert np.array_equal(found.test.rows[originals].repeat(4), found.test.rows)


def test_a_class_short_of_pictures_repeats_one_with_other_transforms(data):
    found = prepare(
        data, "balanced_together", {**BALANCED, "originals_per_class": 9}, 0
    )  # ten a class: two test, eight left
    angry = found.train.labels == 0
    rows = Counter(found.train.rows[angry & (found.train.transforms == 0)].tolist())
    assert sorted(rows.values()) == [1] * 7 + [2]
    twice = found.train.images[angry & (found.train.rows == max(rows, key=rows.get)) & (found.train.transforms > 0)]
    assert len({image.tobytes() for image in twice}) == 6


def test_a_class_with_too_few_pictures_for_its_test_is_refused(data):
    with pytest.raises(ValueError, match=r"more than 10 pictures, those of its test\. Received: 10 of class 0"):
        prepare(data, "balanced_together", {**BALANCED, "test_originals_per_class": 10}, 0)


@settings(max_examples=30)
@given(st.lists(st.integers(5, 40), min_size=1, max_size=7), st.integers(0, 9))
def test_split_per_class_takes_the_share_of_each_class(counts, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    train, test = split_per_class(labels, 0.2, seed)
    assert sorted([*train, *test]) == list(range(len(labels)))
    assert np.bincount(labels[test], minlength=len(counts)).tolist() == [round(0.2 * count) for count in counts]


def test_sfew_is_split_twenty_of_a_hundred_and_fifteen_of_seventy_five():
    labels = np.repeat(np.arange(7), [100, 75, 100, 100, 100, 100, 100])
    _, test = split_per_class(labels, 0.2, 4)
    assert np.bincount(labels[test]).tolist() == [20, 15, 20, 20, 20, 20, 20]


def write_sfew(folder, per_class=5, size=(96, 60)):
    rng = np.random.default_rng(0)
    for emotion in EMOTIONS:
        (folder / emotion.capitalize()).mkdir(parents=True)
        for number in range(per_class):
            pixels = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
            Image.fromarray(pixels).save(folder / emotion.capitalize() / f"{number}.png")
    return folder


def test_sfew_itself_is_read_where_it_is_at_hand(data, tmp_path, monkeypatch):
    monkeypatch.setenv("SFEW_FOLDER", str(write_sfew(tmp_path / "sfew")))
    described = describe_data(data, "sfew_whole")
    found = prepare(data, "sfew_whole", {"test_share": 0.2, "scenes_per_class": 100}, 0)
    assert (len(found.train), len(found.test)) == (28, 7)
    assert (found.stands_for, found.is_sample) == ("", False) and "stands_for" not in described
    assert found.sha256 == described["sha256"] != data.sha256
    assert found.train.images.shape == (28, 48, 48, 1)


def test_whole_and_cropped_scenes_are_split_alike(data, tmp_path, monkeypatch):
    monkeypatch.setenv("SFEW_FOLDER", str(write_sfew(tmp_path / "sfew")))
    options = {"test_share": 0.2, "scenes_per_class": 100}
    whole, cropped = (prepare(data, name, options, 1) for name in ("sfew_whole", "sfew_cropped"))
    assert np.array_equal(whole.test.rows, cropped.test.rows) and np.array_equal(whole.test.labels, cropped.test.labels)


def test_missing_sfew_folder_is_named(data, tmp_path, monkeypatch):
    monkeypatch.setenv("SFEW_FOLDER", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"SFEW_FOLDER must name a folder that exists\. Received: '.*nowhere'"):
        prepare(data, "sfew_whole", {"test_share": 0.2, "scenes_per_class": 100}, 0)


def test_description_of_official_data_holds_their_sizes(data):
    assert describe_data(data, "official") == {
        "sha256": "tiny", "is_sample": True, "sizes": {"train": 42, "validation": 14, "test": 14},
    }  # fmt: skip
    assert describe_data(data, "random_split")["protocol"] == "random_split"


def test_equal_pictures_have_one_number():
    images = np.zeros((4, 2, 2, 1), np.uint8)
    images[1] = 7
    assert number_pictures(images).tolist() == [0, 1, 0, 0]


def test_a_split_checks_its_origins():
    images, labels = np.zeros((2, 4, 4, 1), np.uint8), np.zeros(2, np.int64)
    with pytest.raises(ValueError, match=r"origins must be int64 \(2,\)\. Received: int64 \(3,\)"):
        Split(images, labels, labels, origins=np.zeros(3, np.int64))
