"""Two networks together: what may be chosen, on which images, and what fusing and averaging are worth."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fer_lib.ensemble import average_probabilities, choose_weight, compare_with_better_member
from fer_lib.feature_fusion import fuse_features
from fer_lib.intervals import mcnemar

CLASSES = 3


@st.composite
def two_networks(draw):
    """Labels (n,) and the probabilities (n, classes) of two networks."""
    n = draw(st.integers(2, 30))
    labels = draw(hnp.arrays(np.int64, n, elements=st.integers(0, CLASSES - 1)))
    scores = [draw(hnp.arrays(np.float32, (n, CLASSES), elements=st.floats(0.0625, 1, width=32))) for _ in range(2)]
    return labels, *(score / score.sum(axis=1, keepdims=True) for score in scores)


def accuracy(labels, probabilities):
    return float((probabilities.argmax(axis=1) == labels).mean())


def sure(classes, certainty=0.9):
    """Probabilities of a network that is `certainty` sure of these classes."""
    rest = (1 - certainty) / (CLASSES - 1)
    return np.where(np.eye(CLASSES)[classes] == 1, certainty, rest).astype(np.float32)


@given(two_networks())
def test_the_whole_weight_gives_one_network_as_it_is(networks):
    _, first, second = networks
    np.testing.assert_array_equal(average_probabilities(first, second, 1.0), first)
    np.testing.assert_array_equal(average_probabilities(first, second, 0.0), second)


@given(two_networks(), st.floats(0, 1))
def test_a_network_with_itself_changes_nothing(networks, weight):
    labels, first, _ = networks
    np.testing.assert_array_equal(average_probabilities(first, first, weight), first)
    assert choose_weight(labels, first, first, steps=5)[0] == 0.5


@given(two_networks(), st.floats(0, 1))
def test_an_average_lies_between_its_two_and_sums_to_one(networks, weight):
    _, first, second = networks
    mean = average_probabilities(first, second, weight)
    assert mean.dtype == np.float32
    assert (mean >= np.minimum(first, second) - 1e-6).all() and (mean <= np.maximum(first, second) + 1e-6).all()
    np.testing.assert_allclose(mean.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(mean, average_probabilities(second, first, 1 - weight), atol=1e-6)


@given(two_networks())
def test_the_chosen_weight_is_the_best_of_those_tried(networks):
    labels, first, second = networks
    weight, accuracies = choose_weight(labels, first, second, steps=11)
    assert accuracies.shape == (11,)
    assert accuracies[[0, -1]].tolist() == [accuracy(labels, second), accuracy(labels, first)]
    assert accuracy(labels, average_probabilities(first, second, weight)) == accuracies.max()


def test_of_equal_accuracies_the_lowest_log_loss_decides():
    labels = np.array([0, 1, 2, 0])
    modest, bold = sure(labels, 0.5), sure(labels, 0.95)
    assert choose_weight(labels, modest, bold)[0] == 0.0
    assert choose_weight(labels, bold, modest)[0] == 1.0


@pytest.mark.parametrize("steps", [-1, 1])
def test_fewer_than_two_weights_are_no_choice(steps):
    with pytest.raises(ValueError, match=rf"steps must be at least 2\. Received: {steps}"):
        choose_weight(np.array([0, 1]), sure([0, 1]), sure([0, 1]), steps=steps)


def test_networks_of_other_images_are_not_averaged():
    with pytest.raises(ValueError, match=r"of one shape\. Received: \(2, 3\) and \(1, 3\)"):
        average_probabilities(sure([0, 1]), sure([0]), 0.5)
    with pytest.raises(ValueError, match=r"weight must be in \[0, 1\]\. Received: 1\.5"):
        average_probabilities(sure([0, 1]), sure([0, 1]), 1.5)


def halves(n, seed, noise=0.5):
    """Labels, and two halves of features of which each tells one pair of classes apart: one class against the rest."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, n)
    first, second = (rng.normal(0, noise, (n, 4)) for _ in range(2))
    first[:, 0] += 2 * (labels == 0)
    second[:, 0] += 2 * (labels == 1)
    return labels, first.astype(np.float32), second.astype(np.float32)


def fuse(*parts, **options):
    """A fusion of the features of 240 training images, chosen on 120 others: `parts` says which halves are used."""
    labels, *train = halves(240, seed=0)
    validation_labels, *validation = halves(120, seed=1)
    join = [np.hstack([half[part] for part in parts]) for half in (train, validation)]
    return fuse_features(join[0], labels, join[1], validation_labels, CLASSES, **options)


def test_fused_features_beat_either_half():
    labels, *test = halves(300, seed=2)
    fused = accuracy(labels, fuse(0, 1).predict(np.hstack(test)))
    alone = [accuracy(labels, fuse(part).predict(test[part])) for part in (0, 1)]
    assert fused > 0.85 and max(alone) < 0.75


def test_predictions_are_probabilities_whatever_the_images_beside():
    labels, *test = halves(40, seed=2)
    fusion, features = fuse(0, 1), np.hstack(test)
    probabilities = fusion.predict(features)
    assert probabilities.shape == (40, CLASSES) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    one_by_one = np.vstack([fusion.predict(features[row : row + 1]) for row in range(40)])
    np.testing.assert_allclose(one_by_one, probabilities, atol=1e-6)


@given(st.floats(0.01, 100), st.floats(-5, 5))
@settings(max_examples=5, deadline=None)
def test_the_scale_of_a_network_s_features_does_not_matter(scale, offset):
    labels, *train = halves(90, seed=0)
    validation_labels, *validation = halves(60, seed=1)
    as_they_are, rescaled = (
        fuse_features(
            np.hstack([train[0], factor * train[1] + shift]), labels,
            np.hstack([validation[0], factor * validation[1] + shift]), validation_labels, CLASSES, strengths=(0.1,),
        ).predict(np.hstack([validation[0], factor * validation[1] + shift]))
        for factor, shift in ((1, 0), (np.float32(scale), np.float32(offset)))
    )  # fmt: skip
    np.testing.assert_allclose(rescaled, as_they_are, atol=2e-2)


def test_the_strength_is_chosen_by_validation_accuracy_and_every_trial_is_kept():
    fusion = fuse(0, 1, strengths=(1e-3, 100.0, 0.1))
    assert [trial.strength for trial in fusion.trials] == [100.0, 0.1, 1e-3]
    best = max(trial.validation_accuracy for trial in fusion.trials)
    chosen = next(trial for trial in fusion.trials if trial.strength == fusion.strength)
    assert chosen.validation_accuracy == best
    labels, *validation = halves(120, seed=1)
    assert accuracy(labels, fusion.predict(np.hstack(validation))) == pytest.approx(best)
    assert json.loads(json.dumps(fusion.describe()))["strength"] == fusion.strength


def guesses(labels, share, rng):
    """Features that name the true class of so many images, and another class of the rest: float32 (n, classes)."""
    named = np.where(rng.random(len(labels)) < share, labels, rng.integers(0, CLASSES, len(labels)))
    return (2 * np.eye(CLASSES)[named] + rng.normal(0, 0.3, (len(labels), CLASSES))).astype(np.float32)


def test_the_trap_of_features_that_know_their_training_images():
    """The first network knows its training images by heart and new ones hardly; the second is the same on both."""
    rng = np.random.default_rng(0)
    labels = {"train": rng.integers(0, CLASSES, 300), "validation": rng.integers(0, CLASSES, 300)}
    first = {"train": guesses(labels["train"], 1.0, rng), "validation": guesses(labels["validation"], 0.2, rng)}
    second = {name: guesses(found, 0.7, rng) for name, found in labels.items()}
    both = {name: np.hstack([first[name], second[name]]) for name in labels}
    fusion = fuse_features(both["train"], labels["train"], both["validation"], labels["validation"], CLASSES)
    strongest, weakest = fusion.trials[0], fusion.trials[-1]
    assert weakest.train_accuracy == 1.0
    assert weakest.validation_log_loss > 2 * strongest.validation_log_loss  # sure of itself, and wrong
    assert fusion.strength > weakest.strength  # PublicTest finds that out
    alone = accuracy(labels["validation"], second["validation"])
    assert accuracy(labels["validation"], fusion.predict(both["validation"])) < alone - 0.1  # but no penalty mends it
    likely = [np.exp(part["validation"]) for part in (first, second)]
    weight, accuracies = choose_weight(
        labels["validation"], *(part / part.sum(axis=1, keepdims=True) for part in likely)
    )
    assert weight < 0.5 and accuracies.max() >= alone


def test_the_same_arrays_give_the_same_layer_and_predicting_leaves_it_as_it_was():
    first, second = fuse(0, 1), fuse(0, 1)
    _, *test = halves(50, seed=3)
    features = np.hstack(test)
    before = features.copy()
    first.predict(features)
    np.testing.assert_array_equal(features, before)
    assert first.trials == second.trials and first.strength == second.strength
    np.testing.assert_array_equal(first.weights, second.weights)
    np.testing.assert_array_equal(first.biases, second.biases)


def test_a_feature_that_is_constant_on_training_has_no_say():
    labels, *train = halves(120, seed=0)
    validation_labels, *validation = halves(60, seed=1)
    dead, alive = np.full((120, 1), 0.1, np.float32), np.full((60, 1), 1e6, np.float32)
    known, new = np.hstack(train), np.hstack(validation)
    fusion = fuse_features(np.hstack([known, dead]), labels, np.hstack([new, alive]), validation_labels, CLASSES)
    without = fuse_features(known, labels, new, validation_labels, CLASSES)
    np.testing.assert_allclose(fusion.predict(np.hstack([new, alive])), without.predict(new), atol=1e-5)


@pytest.mark.parametrize("there", [(0, 2), (0, 1, 3)])
def test_a_class_that_training_lacks_gets_zero(there):
    rng = np.random.default_rng(0)
    labels = np.resize(there, 60)
    features = (np.eye(4)[labels] + rng.normal(0, 0.1, (60, 4))).astype(np.float32)
    probabilities = fuse_features(features, labels, features, labels, classes=4).predict(features)
    missing = [number for number in range(4) if number not in there]
    assert (probabilities[:, missing] == 0).all()
    assert accuracy(labels, probabilities) == 1.0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_a_budget_that_ends_early_is_noted_and_no_warning(monkeypatch):
    monkeypatch.setattr("fer_lib.feature_fusion.ITERATIONS", 1)
    fusion = fuse(0, 1)
    assert [trial.iterations for trial in fusion.trials] == [1] * len(fusion.trials)
    assert not any(trial.converged for trial in fusion.trials)


def test_enough_steps_converge():
    assert all(trial.converged and trial.iterations < 200 for trial in fuse(0, 1).trials)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_features": np.zeros((3, 2, 1))}, r"train_features must be \(n, d\), .* Received: \(3, 2, 1\)"),
        ({"validation_features": np.zeros((4, 5))}, r"validation_features must be \(n, 2\), .* Received: \(4, 5\)"),
        ({"train_features": np.array([[0, 1], [np.nan, 1]])}, r"train_features must be finite.*another in row 1"),
        ({"train_labels": np.array([0, 3])}, r"train_labels must be .* 0 \.\.\. 2\. Received: \(2,\), \[0, 3\]"),
        ({"train_labels": np.array([1, 1])}, r"at least two classes\. Received: \[1\]"),
        ({"validation_labels": np.zeros(3)}, r"validation_labels must be \(4,\)"),
        ({"strengths": (1.0, 0.0)}, r"strengths must be positive.*Received: \[1\.0, 0\.0\]"),
        ({"strengths": ()}, r"strengths must be positive.*Received: \[\]"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    given_arrays = {
        "train_features": np.eye(2),
        "train_labels": np.array([0, 1]),
        "validation_features": np.zeros((4, 2)),
        "validation_labels": np.zeros(4, int),
        "classes": CLASSES,
    }
    with pytest.raises(ValueError, match=message):
        fuse_features(**(given_arrays | change))


def test_features_of_another_width_are_not_predicted():
    with pytest.raises(ValueError, match=r"features must be \(n, 8\), n at least 1\. Received: \(5, 4\)"):
        fuse(0, 1).predict(np.zeros((5, 4), np.float32))


VALIDATION = np.array([0, 1, 2, 0, 1, 2])
TEST = np.array([0, 1, 2, 0, 1, 2, 0, 1])


def networks_that_trade_places():
    """The first is better on validation, the second on the test set."""
    validation = {"first": sure(VALIDATION), "second": sure((VALIDATION + 1) % CLASSES)}
    members = {"first": sure(np.where(np.arange(8) < 3, TEST, (TEST + 1) % CLASSES)), "second": sure(TEST)}
    return validation, members


def test_the_better_member_is_the_one_that_is_better_on_validation():
    validation, members = networks_that_trade_places()
    fused = sure(np.where(np.arange(8) < 5, TEST, (TEST + 1) % CLASSES))
    found = compare_with_better_member(TEST, fused, members, VALIDATION, validation)
    assert found["better_member"] == "first"
    assert found["member_accuracies"] == {"first": 3 / 8, "second": 1.0}
    assert found["member_validation_accuracies"] == {"first": 1.0, "second": 0.0}
    assert (found["accuracy"], found["gain"]) == (5 / 8, pytest.approx(2 / 8))
    assert (found["only_ensemble"], found["only_member"], found["p_exact"]) == (2, 0, pytest.approx(0.5))
    assert json.loads(json.dumps(found)) == found


@given(two_networks(), two_networks())
def test_the_test_set_has_no_say_in_who_is_better(on_validation, on_test):
    validation_labels, *validated = on_validation
    labels, *tested = on_test
    validation, members = (dict(zip("ab", networks, strict=True)) for networks in (validated, tested))
    found = compare_with_better_member(labels, members["a"], members, validation_labels, validation)
    better = found["better_member"]
    highest = max(accuracy(validation_labels, network) for network in validated)
    assert accuracy(validation_labels, validation[better]) == highest
    low, high = found["gain_interval"]
    assert low <= found["gain"] <= high
    right = [members[name].argmax(axis=1) == labels for name in ("a", better)]
    assert found["p_exact"] == mcnemar(*right)["p_exact"]


def test_members_must_be_the_same_on_both_splits():
    validation, members = networks_that_trade_places()
    for other in ({}, {"first": members["first"]}):
        with pytest.raises(ValueError, match="members must be the same on both splits"):
            compare_with_better_member(TEST, members["first"], other, VALIDATION, validation)
