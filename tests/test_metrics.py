"""Numbers of labels and probabilities, their intervals, and paired tests."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn import metrics as sk

from fer_lib.labels import EMOTIONS
from fer_lib.metrics import (
    classification_metrics,
    curve_metrics,
    mcnemar,
    mean_interval,
    paired_difference,
    wilson_interval,
)

NAMES = ("a", "b", "c", "d")


@st.composite
def predictions(draw):
    classes = len(NAMES)
    n = draw(st.integers(1, 40))
    labels = draw(hnp.arrays(np.int64, n, elements=st.integers(0, classes - 1)))
    scores = draw(hnp.arrays(np.float64, (n, classes), elements=st.floats(0.001, 1), unique=True))
    return labels, scores / scores.sum(axis=1, keepdims=True)


@given(predictions())
def test_metrics_agree_with_scikit_learn(given_predictions):
    labels, probabilities = given_predictions
    predicted, classes = probabilities.argmax(axis=1), range(len(NAMES))
    found = classification_metrics(labels, probabilities, NAMES)
    options = {"labels": classes, "zero_division": 0.0}
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, predicted))
    assert found["macro_f1"] == pytest.approx(sk.f1_score(labels, predicted, average="macro", **options))
    assert found["macro_recall"] == pytest.approx(sk.recall_score(labels, predicted, average="macro", **options))
    assert found["macro_precision"] == pytest.approx(sk.precision_score(labels, predicted, average="macro", **options))
    weighted = sk.precision_recall_fscore_support(labels, predicted, average="weighted", **options)
    names = ("weighted_precision", "weighted_recall", "weighted_f1")
    assert [found[name] for name in names] == pytest.approx(list(weighted[:3]))
    per_class = sk.precision_recall_fscore_support(labels, predicted, **options)
    for name, expected in zip(("precision", "recall", "f1", "support"), per_class, strict=True):
        assert list(found[name].values()) == pytest.approx(list(expected))
    assert found["confusion"] == sk.confusion_matrix(labels, predicted, labels=classes).tolist()
    assert found["log_loss"] == pytest.approx(sk.log_loss(labels, probabilities, labels=classes))


@given(predictions())
def test_confusion_sums(given_predictions):
    labels, probabilities = given_predictions
    found = classification_metrics(labels, probabilities, NAMES)
    confusion = np.array(found["confusion"])
    assert confusion.sum() == found["n"] == len(labels)
    assert confusion.sum(axis=1).tolist() == list(found["support"].values())
    assert np.allclose(confusion.sum(axis=0) / found["n"], list(found["predicted_share"].values()))
    assert np.trace(confusion) / found["n"] == pytest.approx(found["accuracy"])
    assert 0 <= found["expected_calibration_error"] <= 1
    assert found["accuracy_interval"][0] <= found["accuracy"] <= found["accuracy_interval"][1]


@given(predictions(), st.permutations(range(len(NAMES))))
def test_renumbering_the_classes_changes_nothing_but_their_order(given_predictions, order):
    labels, probabilities = given_predictions
    top = np.sort(probabilities, axis=1)
    assume((top[:, -1] > top[:, -2]).all())  # of equals the first is predicted, so ties do depend on the order
    before = classification_metrics(labels, probabilities, NAMES)
    renumbered = np.argsort(order)[labels]
    after = classification_metrics(renumbered, probabilities[:, order], [NAMES[i] for i in order])
    scalars = [name for name, value in before.items() if isinstance(value, float)]
    assert len(scalars) == 10
    assert [after[name] for name in scalars] == pytest.approx([before[name] for name in scalars])
    for name in ("precision", "recall", "f1", "support", "predicted_share"):
        assert after[name] == pytest.approx(before[name])
    assert np.array(after["confusion"]).tolist() == np.array(before["confusion"])[np.ix_(order, order)].tolist()


def test_metrics_are_plain_json_with_undefined_values_as_zero():
    labels = np.zeros(5, dtype=np.int64)  # six classes without an image
    probabilities = np.tile(np.eye(7)[1], (5, 1)).astype(np.float16)  # all called disgust, none right
    found = json.loads(json.dumps(classification_metrics(labels, probabilities), allow_nan=False))
    assert found["classes"] == list(EMOTIONS)
    assert found["precision"]["fear"] == found["recall"]["fear"] == found["f1"]["fear"] == found["zero_division"] == 0.0
    assert found["predicted_share"]["disgust"] == 1.0
    assert found["expected_calibration_error"] == 1.0
    assert found["log_loss"] == pytest.approx(-np.log(1e-7))


def test_confidence_that_matches_accuracy_is_calibrated():
    probabilities = np.tile([0.75, 0.25], (400, 1))
    labels = np.repeat([0, 0, 0, 1], 100)
    assert classification_metrics(labels, probabilities, ("a", "b"))["expected_calibration_error"] == 0.0


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([], np.empty((0, 7)), "n at least 1"),
        ([0, 1], np.full((3, 7), 1 / 7), r"Received: labels \(2,\), probabilities \(3, 7\)"),
        ([0], np.full((1, 6), 1 / 6), r"probabilities \(1, 6\), 7 class names"),
        ([7], np.full((1, 7), 1 / 7), "Received: int64 from 7 to 7"),
        ([-1], np.full((1, 7), 1 / 7), "Received: int64 from -1"),
        ([0.0], np.full((1, 7), 1 / 7), "Received: float64"),
        ([0, 1], np.vstack([np.full(7, 1 / 7), np.ones(7)]), "Received: row 1"),
        ([0], np.array([[2.0, -1, 0, 0, 0, 0, 0]]), "Received: row 0"),
        ([0], np.array([[np.nan, 1, 0, 0, 0, 0, 0]]), "Received: row 0"),
    ],
)
def test_unusable_predictions_are_refused(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        classification_metrics(np.array(labels), probabilities)


@given(st.integers(1, 5000), st.floats(0, 1))
def test_wilson_holds_the_share_and_stays_in_the_unit_interval(n, share):
    low, high = wilson_interval(share * n, n)
    assert 0 <= low <= share * n / n <= high <= 1
    assert low < high
    mirrored = wilson_interval(n - share * n, n)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(st.integers(1, 2000), st.data())
def test_wilson_agrees_with_scipy(n, data):
    successes = data.draw(st.integers(0, n))
    expected = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5), (float("nan"), 5)])
def test_wilson_refuses_what_is_no_share(successes, n):
    with pytest.raises(ValueError, match="Received: successes="):
        wilson_interval(successes, n)


def test_mean_interval_is_students():
    values = [0.58, 0.59, 0.60]
    expected = stats.t.interval(0.95, df=2, loc=np.mean(values), scale=stats.sem(values))
    assert mean_interval(values) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.floats(0, 1))
def test_overlapping_training_sets_widen_the_interval(values, ratio):
    assume(np.std(values) > 1e-6)
    low, high = mean_interval(values, ratio)
    plain = mean_interval(values)
    assert (low + high) / 2 == pytest.approx(np.mean(values))
    assert (high - low) / (plain[1] - plain[0]) == pytest.approx((1 + len(values) * ratio) ** 0.5)
    assert mean_interval(values, 0.0) == plain


@pytest.mark.parametrize("ratio", [-0.1, float("nan")])
def test_an_overlap_is_no_less_than_none(ratio):
    with pytest.raises(ValueError, match="test_over_train must be at least 0. Received: "):
        mean_interval([0.5, 0.6], ratio)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, float("nan")]])
def test_mean_interval_needs_two_numbers(values):
    with pytest.raises(ValueError, match="at least two finite numbers"):
        mean_interval(values)


@given(hnp.arrays(bool, st.tuples(st.just(2), st.integers(2, 200))))
def test_paired_difference_is_the_difference_of_accuracies(correct):
    found = paired_difference(correct[0], correct[1])
    low, high = found["interval"]
    assert found["difference"] == pytest.approx(correct[0].mean() - correct[1].mean())
    assert -1 <= low <= found["difference"] + 1e-12 and found["difference"] - 1e-12 <= high <= 1
    swapped = paired_difference(correct[1], correct[0])
    assert swapped["interval"] == pytest.approx([-high, -low])


def test_pairing_narrows_the_interval_of_models_that_fail_on_the_same_images():
    first = np.repeat([True, False], 500)
    second = first.copy()
    second[:20] = False
    low, high = paired_difference(first, second)["interval"]
    assert 0 < low < 0.02 < high < 0.03
    shuffled = np.random.default_rng(0).permutation(second)
    wide = paired_difference(first, shuffled)["interval"]
    assert wide[1] - wide[0] > 3 * (high - low)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test_of_the_images_that_differ(only_a, only_b):
    a = np.r_[np.ones(only_a), np.zeros(only_b), 1, 0].astype(bool)
    b = np.r_[np.zeros(only_a), np.ones(only_b), 1, 0].astype(bool)
    found = mcnemar(a, b)
    assert (found["only_a"], found["only_b"]) == (only_a, only_b)
    expected = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert found["p_exact"] == pytest.approx(expected)
    observed = stats.binom.pmf(only_a, only_a + only_b, 0.5)
    assert found["p_mid"] == pytest.approx(1.0 if only_a == only_b else expected - observed)


@pytest.mark.parametrize(
    ("a", "b"), [([True], [True]), ([True, False], [True]), ([2.0, 0.0], [1.0, 0.0]), ([0.5, 1.0], [1.0, 0.0])]
)
def test_mcnemar_refuses_what_is_not_right_or_wrong_on_the_same_images(a, b):
    with pytest.raises(ValueError, match="Received: "):
        mcnemar(np.array(a), np.array(b))


def test_curve_metrics_describe_a_training():
    accuracy = np.linspace(0.3, 0.6, 31).tolist() + [0.605]
    validation = [value + 0.05 for value in accuracy[:16]] + [0.5, 0.52] * 8
    loss = [2.0, 1.0, 1.25] + [1.5] * 29
    found = curve_metrics(pd.DataFrame({"accuracy": accuracy, "val_accuracy": validation, "val_loss": loss}))
    assert found["validation_loss_rise"] == pytest.approx(0.5)
    assert found["late_gain"] == pytest.approx(accuracy[31] - accuracy[23])
    assert found["early_gap"] == pytest.approx(0.05)
    assert 0.018 < found["validation_roughness"] < 0.022


def test_curve_metrics_of_two_epochs_and_of_one():
    two = pd.DataFrame({"accuracy": [0.2, 0.5], "val_accuracy": [0.3, 0.4], "val_loss": [1.0, 0.5]})
    expected = {"late_gain": 0.3, "early_gap": 0.1, "validation_roughness": 0.1, "validation_loss_rise": 0.0}
    assert curve_metrics(two) == pytest.approx(expected)
    with pytest.raises(ValueError, match="Received: 1"):
        curve_metrics(two.head(1))
