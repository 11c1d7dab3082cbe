"""Two runs side by side: numbers worked out by hand, and what holds of any two."""

import shutil
import tempfile

import numpy as np
import pytest
from compared_runs import FER, calls, write_run
from fake_runs import write_fake_run
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from fer_lib.comparing import (
    BROKEN,
    FIXED,
    STILL_WRONG,
    compare_elsewhere,
    compare_runs,
    seed_accuracies,
)
from fer_lib.intervals import paired_difference, wilson_interval
from fer_lib.published import publish_run

N = 350
LABELS = np.arange(N) % 7


def right_on(*parts):
    """Predicted classes: the true one in each of the slices, elsewhere one class further."""
    right = np.zeros(N, bool)
    for start, end in parts:
        right[start:end] = True
    return np.where(right, LABELS, (LABELS + 1) % 7)


@pytest.fixture
def pair(tmp_path):
    """A right on the first 210 images; B on 70 to 300, and on 20 more of those left it errs in another way."""
    second = right_on((70, 300))
    second[330:350] = (LABELS[330:350] + 2) % 7
    a = write_run(tmp_path, "a", LABELS, calls(right_on((0, 210))))
    return a, write_run(tmp_path, "b", LABELS, calls(second, 0.7), settings={"learning_rate": 0.01, "momentum": 0.9})


def test_differences_are_those_worked_out_by_hand(pair):
    found = compare_runs(*pair)
    assert found.images == N and found.predicted == (N, N)
    assert (found.both_right, found.both_wrong) == (140, 50)
    assert found.counts == {FIXED: 90, BROKEN: 70, STILL_WRONG: 20}
    assert (found.accuracy.a, found.accuracy.b) == (210 / N, 230 / N)
    assert found.accuracy.difference == pytest.approx(20 / N)
    assert found.accuracy.a_interval == wilson_interval(210, N)
    assert found.p_exact == pytest.approx(binomtest(70, 160).pvalue)
    loss = {number.name: number for number in found.others}["log_loss"]
    assert loss.a == pytest.approx(-(210 * np.log(0.94) + 140 * np.log(0.01)) / N)
    assert loss.b == pytest.approx(-(230 * np.log(0.7) + 120 * np.log(0.05)) / N)


def test_the_bootstrap_interval_is_as_wide_as_the_paired_normal_one(pair):
    found = compare_runs(*pair)
    right = [run.predictions("test").probabilities.argmax(axis=1) == LABELS for run in pair]
    expected = paired_difference(right[1], right[0])["interval"]
    assert found.accuracy.interval == pytest.approx(expected, abs=0.01)
    angry = found.by_class[0]
    of_class = LABELS == 0
    expected = paired_difference(right[1][of_class], right[0][of_class])["interval"]
    assert angry.images == 50 and angry.interval == pytest.approx(expected, abs=0.03)


def test_changed_images_are_listed_the_strongest_first(pair):
    changed = compare_runs(*pair).changed
    assert len(changed) == 180 and changed["strength"].is_monotonic_decreasing
    assert changed["row"].is_unique and set(changed["row"]) == {*range(70), *range(210, 300), *range(330, 350)}
    first = changed[changed["row"] == 0].iloc[0]
    assert (first["true"], first["a"], first["b"], first["kind"]) == ("angry", "angry", "disgust", BROKEN)
    assert first["a_probability"] == first["a_of_true"] == pytest.approx(0.94)
    assert first["b_probability"] == pytest.approx(0.7) and first["b_of_true"] == pytest.approx(0.05)
    assert first["strength"] == pytest.approx(0.94 - 0.05)


def test_a_run_and_itself_differ_in_nothing(pair):
    found = compare_runs(pair[0], pair[0])
    assert found.p_exact == found.p_mid == 1
    for number in (found.accuracy, *found.others, *found.by_class):
        assert number.difference == 0 and number.interval in (None, (0, 0))
    assert found.changed.empty and set(found.counts.values()) == {0} and found.settings == ()
    assert "A and B are one run." in found.notices


def test_opposite_certainties_are_a_change_of_strength_one(tmp_path):
    a = write_run(tmp_path, "a", LABELS, calls(LABELS, 1.0))
    b = write_run(tmp_path, "b", LABELS, calls((LABELS + 3) % 7, 1.0))
    found = compare_runs(a, b)
    assert found.accuracy.difference == -1 and found.accuracy.interval == (-1, -1)
    assert found.counts == {FIXED: 0, BROKEN: N, STILL_WRONG: 0}
    assert (found.changed["strength"] == 1).all() and found.changed["row"].tolist() == list(range(N))


@st.composite
def predictions(draw):
    """Labels and two sets of probabilities of a few images in three classes."""
    n = draw(st.integers(2, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, 3, n)
    a, b = rng.dirichlet(np.full(3, 0.5), (2, n)).astype(np.float32)
    return labels, a, np.where(rng.random((n, 1)) < draw(st.floats(0, 1)), a, b)


@settings(max_examples=15)
@given(predictions())
def test_swapping_two_runs_negates_differences_and_mirrors_intervals(given_predictions):
    labels, a, b = given_predictions
    with tempfile.TemporaryDirectory() as folder:
        first = write_run(folder, "a", labels, a, classes=("x", "y", "z"))
        second = write_run(folder, "b", labels, b, classes=("x", "y", "z"))
        there, back = compare_runs(first, second), compare_runs(second, first)
    numbers = [(found.accuracy, *found.others, *found.by_class) for found in (there, back)]
    for one, other in zip(*numbers, strict=True):
        assert (one.name, one.a, one.b) == (other.name, other.b, other.a)
        assert (one.difference is None) == (other.difference is None) == (one.a is None)
        if one.interval is not None:
            assert one.difference == -other.difference
            assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]), abs=1e-12)
    assert (there.counts[FIXED], there.counts[STILL_WRONG]) == (back.counts[BROKEN], back.counts[STILL_WRONG])
    assert (there.p_exact, there.p_mid) == (back.p_exact, back.p_mid)
    assert there.changed["row"].tolist() == back.changed["row"].tolist()


@settings(max_examples=15)
@given(predictions())
def test_counts_agree_with_differences(given_predictions):
    labels, a, b = given_predictions
    with tempfile.TemporaryDirectory() as folder:
        runs = [write_run(folder, name, labels, p, classes=("x", "y", "z")) for name, p in (("a", a), ("b", b))]
        found = compare_runs(*runs)
    n = len(labels)
    assert found.counts[FIXED] - found.counts[BROKEN] == pytest.approx(n * found.accuracy.difference)
    assert found.both_right + found.both_wrong + found.counts[FIXED] + found.counts[BROKEN] == n
    assert len(found.changed) == sum(found.counts.values()) == (a.argmax(axis=1) != b.argmax(axis=1)).sum()
    assert sum(each.images for each in found.by_class) == n
    for each in found.by_class:
        assert (each.a is None) == (each.images == 0)
        if each.images:
            assert each.counts[FIXED] - each.counts[BROKEN] == pytest.approx(each.images * each.difference)
            assert each.interval[0] <= each.interval[1]
    assert {kind: sum(each.counts[kind] for each in found.by_class) for kind in found.counts} == found.counts


def test_of_different_splits_the_common_images_alone_count(tmp_path):
    """Rows 0 to 349 and 300 to 649 share 50, in another order."""
    a = write_run(tmp_path, "a", LABELS, calls(right_on((320, 350))))
    rows = np.arange(300, 650)[::-1]
    labels = rows % 7
    b = write_run(tmp_path, "b", labels, calls(labels), rows=rows, data=FER | {"protocol": "random_split"})
    found = compare_runs(a, b)
    assert found.images == 50 and found.predicted == (N, N)
    assert (found.accuracy.a, found.accuracy.b) == (30 / 50, 1)
    assert sorted(found.changed["row"]) == list(range(300, 320))
    assert any("50 of A's 350 and of B's 350" in notice for notice in found.notices)


def test_transforms_are_left_out(tmp_path):
    """Five images of each of 70 pictures, the first the original."""
    rows, transforms = np.arange(N) // 5, np.arange(N) % 5
    labels = rows % 7
    predicted = np.where(transforms == 0, labels, (labels + 1) % 7)
    a = write_run(tmp_path, "a", labels, calls(predicted), rows=rows, transforms=transforms)
    b = write_run(tmp_path, "b", labels[::5], calls((labels[::5] + 1) % 7), rows=rows[::5])
    found = compare_runs(a, b)
    assert found.images == 70 and (found.accuracy.a, found.accuracy.b) == (1, 0)
    assert any("Transforms of pictures are left out (280 of A)" in notice for notice in found.notices)


def test_a_row_predicted_twice_counts_once(tmp_path):
    rows = np.r_[np.arange(N - 1), 0]
    a = write_run(tmp_path, "a", np.r_[LABELS[:-1], LABELS[0]], calls(np.r_[LABELS[:-1], 3]), rows=rows)
    found = compare_runs(a, write_run(tmp_path, "b", LABELS, calls(LABELS)))
    assert found.images == N - 1 and found.accuracy.a == 1
    assert any("1 rows that A predicts more than once" in notice for notice in found.notices)


def test_published_numbers_agree_with_the_full_run_up_to_rounding(tmp_path):
    full = write_fake_run(tmp_path / "runs", accuracy=0.55)
    published = publish_run(full, tmp_path / "published" / "shi_light_vgg" / "light_vgg" / "seed-0")
    found = compare_runs(full, published)
    assert abs(found.accuracy.difference) <= 1 / 200 and found.p_exact == 1
    for number in found.others:
        assert number.difference == pytest.approx(0, abs=0.01)
    assert found.changed["strength"].max() < 0.002 if len(found.changed) else True
    told = " ".join(found.notices)
    assert "every setting that determines a run is equal" in told
    assert "the same probabilities, up to the half precision in which those of B are stored" in told
    other = write_fake_run(tmp_path / "runs", seed=1)
    assert "of B are stored in half precision, those of the other in full" in " ".join(
        compare_runs(other, published).notices
    )


def test_other_data_with_the_same_true_classes_are_compared_and_it_is_said(tmp_path):
    a = write_run(tmp_path, "a", LABELS, calls(LABELS))
    b = write_run(tmp_path, "b", LABELS, calls(LABELS), data=FER | {"sha256": "77" * 32})
    assert any("not the same byte for byte (sha256 181818181818…" in notice for notice in compare_runs(a, b).notices)
    part = write_run(tmp_path, "c", LABELS, calls(LABELS), data=FER | {"sha256": "99" * 32, "part_of": "18" * 32})
    assert not any("byte for byte" in notice for notice in compare_runs(a, part).notices)


def test_settings_that_differ_are_told_and_no_others(tmp_path):
    probabilities = calls(LABELS)
    a = write_run(
        tmp_path, "a", LABELS, probabilities, settings={"learning_rate": 0.001, "flip": True, "sizes": [1, 2]}
    )
    b = write_run(
        tmp_path, "b", LABELS, probabilities, seed=3,
        settings={"learning_rate": 0.01, "sizes": [1, 2], "weights": None},
        record={"precision": "bfloat16", "finished": "2026-01-01", "packages": {"python": "3.12.0"}},
    )  # fmt: skip
    told = {setting.name: (setting.a, setting.b, setting.determines) for setting in compare_runs(a, b).settings}
    assert told == {
        "variant": ("a", "b", True),
        "seed": ("0", "3", True),
        "hyperparameters.learning_rate": ("0.001", "0.01", True),
        "hyperparameters.flip": ("yes", "", True),
        "hyperparameters.weights": ("", "none", True),
        "precision": ("float32", "bfloat16", False),
        "packages.python": ("3.11.9", "3.12.0", False),
    }


def test_other_splits_and_views_are_compared_where_both_have_them(tmp_path):
    a, b = (
        write_fake_run(tmp_path, variant=name, accuracy=share) for name, share in (("light_vgg", 0.6), ("lda", 0.3))
    )
    found = compare_runs(a, b)
    (validation,) = compare_elsewhere(found)
    assert (validation.split, validation.view, validation.images) == ("validation", "single", 200)
    assert validation.accuracy.a == a.metrics["validation"]["single"]["accuracy"]
    assert any("accuracies on them flatter" in notice for notice in validation.notices)
    assert [other.split for other in compare_elsewhere(validation)] == ["test"]
    crops = {"ten_crops": calls(LABELS)}
    c, d = (write_run(tmp_path, name, LABELS, calls(right_on((0, 99))), views=crops) for name in "cd")
    (other,) = compare_elsewhere(compare_runs(c, d))
    assert (other.split, other.view, other.accuracy.a) == ("test", "ten_crops", 1)


def test_sample_data_and_shortened_budgets_are_told(tmp_path):
    a = write_fake_run(tmp_path, seed=0, is_sample=True)
    b = write_fake_run(tmp_path, seed=1, is_sample=True, shortened=True)
    assert compare_runs(a, b).caveats == ("sample data", "shortened budget of B")
    assert compare_runs(a, a).caveats == ("sample data",)


def test_other_seeds_of_the_same_training_are_found(tmp_path):
    runs = [write_fake_run(tmp_path, seed=seed, accuracy=0.5 + seed / 10) for seed in (2, 0, 1)]
    expected = {run.request["seed"]: run.metrics["test"]["single"]["accuracy"] for run in runs}
    assert seed_accuracies(runs[0], "test", "single") == expected
    config = (runs[1].folder / "config.json").read_text().replace('"learning_rate": 0.001', '"learning_rate": 0.5')
    (runs[1].folder / "config.json").write_text(config)
    assert list(seed_accuracies(runs[0], "test", "single")) == [1, 2]
    shutil.rmtree(runs[2].folder)
    assert list(seed_accuracies(runs[0], "validation", "single")) == [2]


@pytest.mark.parametrize("source", ["starts_from", "enlarged_by", "members"])
def test_other_seeds_are_found_of_runs_that_are_made_from_runs(tmp_path, source):
    def write(seed, of_source, rate=0.001):
        first = {"variant": "first", "seed": seed, "starts_from": {"variant": "start", "seed": seed}, "rate": rate}
        return write_run(
            tmp_path,
            "made",
            LABELS,
            calls(LABELS),
            seed=seed,
            sources={of_source: [first] if source == "members" else first},
        )

    runs = [write(seed, source) for seed in (0, 2)]
    write(3, source, rate=0.5)
    write(4, "teacher")
    assert list(seed_accuracies(runs[0], "test", "single")) == [0, 2]
