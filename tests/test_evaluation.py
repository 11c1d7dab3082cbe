import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_data import make_tiny_data

from fer_lib.datasets import Split
from fer_lib.evaluation import evaluate, history_metrics, predict_splits
from fer_lib.labels import EMOTIONS, GROUPINGS


@pytest.fixture(scope="module")
def data():
    return make_tiny_data()


def predict_patch(images):
    """The class whose rows of pixels are the brightest: right on every tiny image."""
    bands = images[:, :42].reshape(len(images), 7, -1).mean(axis=2)
    return np.eye(7)[bands.argmax(axis=1)]


def with_leaks(data, places):
    """Test images at `places` replaced by images of Training, their labels left."""
    images = data.test.images.copy()
    images[places] = data.train.images[: len(places)]
    return dataclasses.replace(data, test=Split(images, data.test.labels, data.test.rows))


def test_predictions_of_every_split_stand_with_their_rows_and_labels(data):
    arrays = predict_splits(predict_patch, data)
    kinds = [f"{kind}_{split}" for split in ("train", "validation", "test") for kind in ("rows", "labels", "single")]
    assert sorted(arrays) == sorted(kinds)
    for name, split in data.splits().items():
        assert arrays[f"rows_{name}"].tolist() == split.rows.tolist()
        assert arrays[f"labels_{name}"].tolist() == split.labels.tolist()
        assert arrays[f"single_{name}"].dtype == np.float32
        assert arrays[f"single_{name}"].argmax(axis=1).tolist() == split.labels.tolist()


def test_each_split_is_predicted_once_in_its_order(data):
    seen = []
    predict_splits(lambda images: seen.append(images) or np.full((len(images), 7), 1 / 7), data)
    for images, split in zip(seen, (data.train, data.validation, data.test), strict=True):
        np.testing.assert_array_equal(images, split.images)


@pytest.mark.parametrize("name", GROUPINGS)
def test_labels_of_a_grouped_model_are_those_of_its_groups(name, data):
    grouping = GROUPINGS[name]
    data = with_labels_held(data, grouping)
    arrays = predict_splits(lambda images: grouping.probabilities(predict_patch(images)), data, name)
    assert arrays["labels_test"].tolist() == grouping.labels(data.test.labels).tolist()
    metrics = evaluate(arrays, data, name)
    assert metrics["test"]["single"]["classes"] == list(grouping.classes)
    assert metrics["test"]["single_unleaked"]["accuracy"] == 1.0


def with_labels_held(data, grouping):
    """The splits without images of an emotion that the grouping leaves out."""
    held = {name: np.flatnonzero(grouping.holds(split.labels)) for name, split in data.splits().items()}
    return dataclasses.replace(
        data,
        **{
            name: dataclasses.replace(
                split, images=split.images[kept], labels=split.labels[kept], rows=split.rows[kept]
            )
            for (name, split), kept in zip(data.splits().items(), held.values(), strict=True)
        },
    )


def test_every_split_is_scored_and_the_scores_are_json(data):
    metrics = evaluate(predict_splits(predict_patch, data), data)
    assert json.loads(json.dumps(metrics)) == metrics
    assert {split: list(metrics[split]) for split in data.splits()} == {
        "train": ["single"],
        "validation": ["single"],
        "test": ["single", "single_unleaked"],
    }
    assert [metrics[split]["single"]["n"] for split in data.splits()] == [28, 14, 14]
    assert [metrics[split]["single"]["accuracy"] for split in data.splits()] == [1.0, 1.0, 1.0]


def test_leaked_images_are_excluded_from_the_unleaked_score(data):
    leaky = with_leaks(data, [3, 8, 13])
    arrays = predict_splits(predict_patch, leaky)
    arrays["single_test"] = np.eye(7, dtype=np.float32)[(leaky.test.labels + 1) % 7]  # wrong everywhere ...
    arrays["single_test"][[3, 8, 13]] = np.eye(7)[leaky.test.labels[[3, 8, 13]]]  # ... but on the leaked ones
    scores = evaluate(arrays, leaky)["test"]
    assert (scores["single"]["n"], scores["single"]["accuracy"]) == (14, pytest.approx(3 / 14))
    assert (scores["single_unleaked"]["n"], scores["single_unleaked"]["accuracy"]) == (11, 0.0)


@settings(max_examples=10)
@given(places=st.sets(st.integers(0, 13), max_size=13).map(sorted), seed=st.integers(0, 99))
def test_the_unleaked_score_is_that_of_the_images_left(places, seed):
    leaky = with_leaks(make_tiny_data(), places)
    arrays = predict_splits(lambda images: np.random.default_rng(seed).dirichlet(np.ones(7), len(images)), leaky)
    scores = evaluate(arrays, leaky)["test"]
    left = np.setdiff1d(np.arange(14), places)
    right = arrays["single_test"].argmax(axis=1) == leaky.test.labels
    assert scores["single_unleaked"]["n"] == len(left)
    assert scores["single_unleaked"]["accuracy"] == pytest.approx(right[left].mean())
    assert scores["single"]["accuracy"] == pytest.approx(right.mean())


def test_images_that_stand_twice_in_the_test_split_are_no_leak(data):
    images = data.test.images.copy()
    images[1] = images[0]
    doubled = dataclasses.replace(data, test=Split(images, data.test.labels, data.test.rows))
    assert evaluate(predict_splits(predict_patch, doubled), doubled)["test"]["single_unleaked"]["n"] == 14


def test_history_metrics_of_one_epoch_have_no_curve():
    history = pd.DataFrame({"loss": [1.0], "accuracy": [0.25], "val_accuracy": [0.2]})
    assert history_metrics(history, kept_epoch=1) == {
        "epochs": 1,
        "longest_phase": 1,
        "kept_epoch": 1,
        "max_accuracy": 0.25,
        "final_accuracy": 0.25,
    }


def test_history_metrics_are_json_and_tell_the_highest_from_the_last():
    history = pd.DataFrame({"accuracy": [0.2, 0.6, 0.5], "val_accuracy": [0.1, 0.3, 0.2], "val_loss": [2.0, 1.0, 1.5]})
    history["loss"] = [2.0, 1.0, np.inf]
    metrics = history_metrics(history, kept_epoch=np.int64(2))
    assert json.loads(json.dumps(metrics)) == metrics
    assert (metrics["max_accuracy"], metrics["final_accuracy"], metrics["diverged"]) == (0.6, 0.5, True)
    assert metrics["validation_roughness"] == pytest.approx(0.1)


@pytest.mark.parametrize(("column", "value"), [("loss", np.nan), ("val_loss", np.inf), ("overflow", 1.0)])
def test_an_epoch_that_diverged_is_told_whatever_came_after(column, value):
    history = pd.DataFrame(
        {"loss": [2.0, 1.0], "accuracy": [0.1, 0.2], "val_accuracy": [0.1, 0.2], "val_loss": [2.0, 1.0]}
    )
    assert "diverged" not in history_metrics(history, kept_epoch=2)
    assert history_metrics(history.assign(**{column: [value, 1.0 if column != "overflow" else np.nan]}), 2)["diverged"]


def test_splits_without_images_have_no_metrics(data):
    nothing = Split(data.train.images[:0], data.train.labels[:0], data.train.rows[:0])
    without = dataclasses.replace(data, validation=nothing)
    metrics = evaluate(predict_splits(predict_patch, without), without)
    assert "validation" not in metrics and metrics["test"]["single"]["accuracy"] == 1.0


def test_splits_are_described_with_their_leaks(data):
    metrics = evaluate(predict_splits(predict_patch, with_leaks(data, [0, 3])), with_leaks(data, [0, 3]))
    assert metrics["data"] == {
        "images": 56, "images_of": dict.fromkeys(EMOTIONS, 8),
        "train_images": 28, "validation_images": 14, "test_images": 14, "train_per_class": 4, "test_per_class": 2,
        "leaked_test": 2, "leaked_test_share": 2 / 14,
    }  # fmt: skip


def test_transforms_are_scored_apart_from_their_originals(data):
    """Seven originals that are right, each with a transform that is wrong."""
    images = np.repeat(data.test.images[:7], 2, axis=0)
    images[1::2] = np.roll(images[1::2], 6, axis=1)
    labels, rows = data.test.labels[:7].repeat(2), data.test.rows[:7].repeat(2)
    test = Split(images, labels, rows, origins=rows, transforms=np.tile([0, 1], 7))
    train = dataclasses.replace(data.train, origins=data.train.rows)
    augmented = dataclasses.replace(data, train=train, test=test)
    metrics = evaluate(predict_splits(predict_patch, augmented), augmented)["test"]
    assert (metrics["single"]["accuracy"], metrics["single"]["originals"]) == (0.5, 7)
    assert (metrics["single_originals"]["accuracy"], metrics["single_originals"]["n"]) == (1.0, 7)
