"""Numbers of labels and probabilities."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from fer_lib.labels import EMOTIONS
from fer_lib.metrics import classification_metrics, curve_metrics

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
