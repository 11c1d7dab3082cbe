"""The audit's list: reasons, evidence, the copy that is kept, what is excluded, counted, cached and written."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from audited_data import BLANK, DUPLICATE, MIRRORED, NEAR, make_audited, make_votes, write_votes

from fer_lib.audit import (
    CLEANING,
    REASONS,
    Agreement,
    audit_dataset,
    check_list_path,
    compare_with_cascade,
    count_reasons,
    excluded_rows,
    load_audit,
    write_audit,
)
from fer_lib.audit.repeats import find_repeats
from fer_lib.datasets import FerDataset, Split
from fer_lib.labels import EMOTIONS
from fer_lib.sample import draw_face
from fer_lib.votes import read_votes


@pytest.fixture(scope="module")
def data() -> FerDataset:
    return make_audited()


@pytest.fixture(scope="module")
def votes_path(data: FerDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_votes(tmp_path_factory.mktemp("votes") / "fer2013new.csv", make_votes(data))


@pytest.fixture(scope="module")
def table(data: FerDataset, votes_path: Path) -> pd.DataFrame:
    return audit_dataset(data, votes=read_votes(votes_path, data))


def rows_of(table: pd.DataFrame, reason: str) -> list[int]:
    return table.loc[table["reason"] == reason, "row"].tolist()


def evidence_of(table: pd.DataFrame, row: int, reason: str) -> str:
    return table.loc[(table["row"] == row) & (table["reason"] == reason), "evidence"].item()


def test_every_planted_fault_is_listed_with_its_evidence(table: pd.DataFrame) -> None:
    assert rows_of(table, "duplicate") == [DUPLICATE]
    assert evidence_of(table, DUPLICATE, "duplicate") == "equals row 3 (train, happy)"
    assert rows_of(table, "near_duplicate") == [NEAR, MIRRORED]
    assert evidence_of(table, NEAR, "near_duplicate").startswith("is like row 4 (train, sad): details correlate by ")
    assert evidence_of(table, MIRRORED, "near_duplicate").startswith("mirrors row 5 (train, surprise)")
    assert rows_of(table, "not_a_face") == [0, 1]
    assert evidence_of(table, 1, "not_a_face") == "1 of 10 FER+ votes: not a face"
    assert rows_of(table, "blank") == [BLANK]
    assert not rows_of(table, "label_noise")


def test_lines_are_sorted_and_know_their_row(table: pd.DataFrame, data: FerDataset) -> None:
    assert list(table.columns) == ["row", "split", "label", "reason", "evidence"]
    keys = [(row, REASONS.index(reason)) for row, reason in zip(table["row"], table["reason"], strict=True)]
    assert keys == sorted(set(keys))
    assert table.loc[table["row"] == MIRRORED, ["split", "label"]].to_numpy().tolist()[0] == ["validation", 5]
    assert table["evidence"].str.len().min() > 0
    labels = np.concatenate([split.labels for split in data.splits().values()])
    assert (table["label"].to_numpy() == labels[table["row"]]).all()


def test_one_copy_of_a_picture_under_several_classes_is_kept_by_seed() -> None:
    face = draw_face("fear", np.random.default_rng(2)).image[..., None]
    images = np.stack([face, face, (0.8 * face).astype(np.uint8), face[:, ::-1]])
    known = pd.DataFrame({"row": [4, 5, 8, 9], "split": "train", "label": [2, 2, 4, 2]})
    kept = []
    for seed in range(12):
        excluded = set(find_repeats(images, known, seed)["two_classes"])
        assert excluded == set(find_repeats(images, known, seed)["two_classes"])
        assert len(excluded) == 3
        kept += set(range(4)) - excluded

    assert set(kept) == {0, 1, 2, 3}
    assert find_repeats(images, known.assign(label=2), seed=0)["two_classes"] == {}


def test_a_copy_with_something_else_against_it_does_not_stay_for_a_sound_one() -> None:
    face = draw_face("fear", np.random.default_rng(2)).image[..., None]
    images = np.stack([face, face, face, face])
    known = pd.DataFrame({"row": [4, 5, 8, 9], "split": "train", "label": [2, 2, 4, 2]})
    for seed in range(12):
        excluded = find_repeats(images, known, seed, unsound=[0, 1, 3])["two_classes"]
        assert set(excluded) == {0, 1, 3} and "row 8 (train, sad) was drawn to stay" in excluded[0]
        assert len(find_repeats(images, known, seed, unsound=range(4))["two_classes"]) == 3


def test_no_picture_under_two_classes_is_lost_for_what_is_wrong_with_one_copy(data: FerDataset, tmp_path: Path) -> None:
    votes = make_votes(data)
    votes.loc[NEAR, ["neutral", "NF"]] = [0, 10]
    table = audit_dataset(data, votes=read_votes(write_votes(tmp_path / "votes.csv", votes), data))
    assert rows_of(table, "two_classes") == [NEAR] and 4 not in excluded_rows(table)


def test_images_that_people_cannot_tell_are_listed_and_stay(data: FerDataset, tmp_path: Path) -> None:
    votes = make_votes(data)
    votes.loc[6, ["neutral", "unknown"]] = [4, 6]
    votes.loc[7, ["neutral", "unknown"]] = [5, 5]
    table = audit_dataset(data, votes=read_votes(write_votes(tmp_path / "votes.csv", votes), data))
    assert rows_of(table, "unclear") == [6] and 6 not in excluded_rows(table)
    assert evidence_of(table, 6, "unclear") == "6 of 10 FER+ votes: unknown"


def test_the_evidence_names_the_copy_that_is_kept(table: pd.DataFrame) -> None:
    (row,) = rows_of(table, "two_classes")
    kept = {4: "row 21 (train, surprise)", NEAR: "row 4 (train, sad)"}[row]

    assert evidence_of(table, row, "two_classes") == f"one of 2 copies under sad, surprise; {kept} was drawn to stay"


def test_the_evidence_of_a_near_copy_names_the_earliest_too(data: FerDataset) -> None:
    """A copy that is most like a later one is a copy of an earlier row all the same."""
    images = data.train.images.copy()
    face = images[4].astype(float)
    noise = np.random.default_rng(0).normal(0, 12, face.shape)
    images[40] = np.clip(face + noise, 0, 255)
    images[50] = np.clip(face + noise + 3, 0, 255)
    copied = audit_dataset(replace(data, train=replace(data.train, images=images)))
    assert evidence_of(copied, 40, "near_duplicate").startswith("is like row 50 (")
    assert evidence_of(copied, 40, "near_duplicate").endswith("; the first of them is row 4 (train, sad)")
    assert "first" not in evidence_of(copied, MIRRORED, "near_duplicate")


def test_too_few_images_to_learn_from_are_told_with_their_source(data: FerDataset) -> None:
    few = replace(data, train=data.train.take(np.arange(50)), source="few.csv")
    with pytest.raises(ValueError, match=r"^few.csv: Training must have at least 50 images .* Received: 49$"):
        audit_dataset(few)


def test_covered_eyes_are_listed_and_a_blank_picture_is_not() -> None:
    faces = np.stack([draw_face(EMOTIONS[n % 7], np.random.default_rng([8, n])).image for n in range(260)])[..., None]
    covered, blank = range(230, 245), 259
    faces[covered, 13:25] = 128
    faces[blank] = 0
    train, validation, test = (
        Split(faces[part], np.arange(260)[part] % 7, np.arange(260)[part])
        for part in (slice(0, 230), slice(230, 260), slice(260, 260))
    )
    table = audit_dataset(FerDataset(train, validation, test, source="made", sha256="b" * 64, is_sample=False))
    listed = set(rows_of(table, "hidden"))
    assert len(listed & set(covered)) >= 12 and len(listed - set(covered)) <= 10 and blank not in listed
    for row in listed & set(covered):
        assert re.fullmatch(
            r"(left|right) eye \d+\.\d robust deviations less than usual", evidence_of(table, row, "hidden")
        )
    assert listed <= set(excluded_rows(table))


def test_without_votes_the_cascade_decides_and_says_so(data: FerDataset) -> None:
    alone = audit_dataset(data)

    assert rows_of(alone, "not_a_face") == [BLANK]
    assert evidence_of(alone, BLANK, "not_a_face") == "the Haar cascade, alone, finds no face"


def test_excluded_rows_are_those_of_the_reasons(table: pd.DataFrame) -> None:
    cleaned = excluded_rows(table)

    assert cleaned.dtype == np.int64
    assert cleaned.tolist() == sorted(set(table.loc[table["reason"].isin(CLEANING), "row"]))
    assert DUPLICATE not in cleaned and BLANK in cleaned
    assert excluded_rows(table, ("duplicate", "blank")).tolist() == [DUPLICATE, BLANK]
    assert excluded_rows(table, ()).tolist() == []
    with pytest.raises(ValueError, match=r"reasons must be among duplicate, .*\. Received: \['ugly'\]$"):
        excluded_rows(table, ("blank", "ugly"))


def test_counts_are_per_reason_and_class(table: pd.DataFrame) -> None:
    counts = count_reasons(table)

    assert list(counts.index) == [*REASONS, "cleaning"]
    assert counts.loc["duplicate"].to_dict() == {
        "angry": 0, "disgust": 0, "fear": 0, "happy": 1, "sad": 0, "surprise": 0, "neutral": 0, "all": 1,
    }  # fmt: skip
    assert counts.loc["cleaning", "all"] == len(excluded_rows(table))
    assert (counts.drop(columns="all").sum(axis=1) == counts["all"]).all()
    assert count_reasons(table.iloc[:0]).to_numpy().sum() == 0


def test_the_list_is_cached_by_data_and_votes(
    data: FerDataset, votes_path: Path, table: pd.DataFrame, user_cache: Path
) -> None:
    first = load_audit(data, votes_path)
    made = {path: path.stat().st_mtime_ns for path in user_cache.iterdir()}
    again = load_audit(data, votes_path)

    pd.testing.assert_frame_equal(first, table)
    pd.testing.assert_frame_equal(again, table)
    assert {path: path.stat().st_mtime_ns for path in user_cache.iterdir()} == made

    without = load_audit(data)
    assert rows_of(without, "not_a_face") != rows_of(table, "not_a_face")
    load_audit(replace(data, sha256="b" * 64))
    assert len(list(user_cache.iterdir())) == 3


def test_a_damaged_cache_is_made_anew(
    data: FerDataset, votes_path: Path, table: pd.DataFrame, user_cache: Path
) -> None:
    load_audit(data, votes_path)
    (cached,) = user_cache.iterdir()
    cached.write_bytes(cached.read_bytes()[:200])

    pd.testing.assert_frame_equal(load_audit(data, votes_path), table)


def test_the_list_is_written_as_csv(table: pd.DataFrame, tmp_path: Path) -> None:
    write_audit(table, tmp_path / "lists" / "audit.csv")

    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "lists" / "audit.csv"), table)
    assert [path.name for path in (tmp_path / "lists").iterdir()] == ["audit.csv"]


def test_a_list_may_stand_in_place_of_a_list_and_of_nothing_else(table: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "audit.csv"
    check_list_path(path)
    write_audit(table.iloc[:0], path)
    check_list_path(path)
    with pytest.raises(ValueError, match=r"audit\.csv must be a new file .*\. Received: a file that the list is made"):
        check_list_path(path, [tmp_path / "nothing.csv", tmp_path / "lists" / ".." / "audit.csv"])
    with pytest.raises(ValueError, match=r"Received: a folder$"):
        check_list_path(tmp_path)
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match=r"Received: another file$"):
        check_list_path(path)


def test_data_that_do_not_fit_are_refused(data: FerDataset, votes_path: Path) -> None:
    part = data.train
    twice = replace(data, test=Split(part.images[:3], part.labels[:3], part.rows[:3]))
    small = replace(data, test=Split(part.images[:3, :40, :40], part.labels[:3], np.arange(90, 93)))

    with pytest.raises(ValueError, match=r"once\. Received: row 0 twice$"):
        audit_dataset(twice)
    with pytest.raises(ValueError, match=r"Received: \[\(40, 40, 1\), \(48, 48, 1\)\]$"):
        audit_dataset(small)
    with pytest.raises(ValueError, match=r"votes must be of the 98 rows of the data\. Received: 97 rows$"):
        audit_dataset(data, votes=read_votes(votes_path, data).iloc[:97])
    with pytest.raises(ValueError, match=r"seed must be 0 or more\. Received: -1$"):
        audit_dataset(data, seed=-1)


def test_votes_and_cascade_are_compared_on_all_rows(data: FerDataset, votes_path: Path) -> None:
    agreement = compare_with_cascade(data, read_votes(votes_path, data))

    by_cascade = rows_of(audit_dataset(data), "not_a_face")
    assert agreement.both == len({0, 1} & set(by_cascade))
    assert agreement.both + agreement.votes_only == 2
    assert agreement.both + agreement.cascade_only == len(by_cascade)
    assert agreement.both + agreement.votes_only + agreement.cascade_only + agreement.neither == 98


def test_agreement_beyond_chance_is_cohens_kappa() -> None:
    assert Agreement(20, 5, 10, 15).share == 0.7
    assert Agreement(20, 5, 10, 15).kappa == pytest.approx(0.4)
    assert Agreement(5, 0, 0, 5).kappa == 1
    assert np.isnan(Agreement(0, 0, 0, 5).kappa)
    assert "they agree on 70.0%, kappa 0.400" in Agreement(20, 5, 10, 15).describe()
