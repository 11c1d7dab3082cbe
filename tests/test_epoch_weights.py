"""Predictions with the weights of every epoch, from a real training that kept them."""

import dataclasses
import shutil

import numpy as np
import pytest
from tiny_data import make_tiny_data

from fer_lib.epoch_predictions import EPOCH_PREDICTIONS, find_disagreements, keeps_epochs, read_epoch_predictions
from fer_lib.epoch_weights import predict_epochs, predict_kept_epochs
from fer_lib.files import write_json
from fer_lib.runs import Run
from fer_lib.training import train


@pytest.fixture(scope="module")
def data():
    return make_tiny_data()


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A complete run of three epochs that kept their weights."""
    runs = tmp_path_factory.mktemp("runs")
    return train("shi_light_vgg", "light_vgg", profile="smoke", data=data, runs=runs, epochs=3, precision="float32")


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it that a test may change."""
    return Run(shutil.copytree(trained.folder, tmp_path / "smoke" / "shi_light_vgg" / "light_vgg" / "seed-0"))


def test_every_epoch_predicts_and_the_kept_one_what_the_run_did(run, data):
    assert keeps_epochs(run) and read_epoch_predictions(run) is None
    found = predict_epochs(run, data)
    assert found.epochs == 3
    kept = run.metrics["history"]["kept_epoch"] - 1
    for split in ("validation", "test"):
        saved = run.predictions(split)
        assert found.classes[split].dtype == np.uint8 and found.classes[split].shape == (3, len(saved.labels))
        np.testing.assert_array_equal(found.classes[split][kept], saved.probabilities.argmax(axis=1))
        assert found.accuracies(split)[kept] == run.metrics[split]["single"]["accuracy"]
    np.testing.assert_allclose(found.accuracies("validation"), run.history["val_accuracy"], atol=1e-6)


def test_what_was_predicted_is_read_and_not_made_again(run, data):
    first = predict_epochs(run, data)
    shutil.rmtree(run.folder / "epochs")
    (run.folder / "model.keras").unlink()
    again = predict_epochs(run, data)
    for split, classes in first.classes.items():
        np.testing.assert_array_equal(classes, again.classes[split])


def test_the_run_stays_as_it_is(run, data):
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    predict_epochs(run, data)
    after = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    assert {path.name for path in set(after) - set(before)} == {EPOCH_PREDICTIONS}
    assert all(after[path] == content for path, content in before.items())


def test_a_training_that_is_not_complete_is_refused(run, data):
    (run.folder / "metrics.json").unlink()
    with pytest.raises(ValueError, match="complete before other epochs see its test images. Received: "):
        predict_epochs(run, data)
    assert not (run.folder / EPOCH_PREDICTIONS).exists()


def test_a_trial_of_a_search_is_refused(run, data):
    write_json(run.folder / "config.json", {**run.config, "request": {**run.request, "kind": "trial"}})
    with pytest.raises(ValueError, match="chose its epoch on validation images. Received: .*trial"):
        predict_epochs(run, data)


def test_other_data_are_refused(run, data):
    with pytest.raises(ValueError, match="the data it was trained on. Received: "):
        predict_epochs(run, dataclasses.replace(data, sha256="other"))


def test_a_missing_epoch_is_refused(run, data):
    (run.folder / "epochs" / "002.npz").unlink()
    with pytest.raises(ValueError, match="weights of its 3 epochs. Received: 2 files"):
        predict_epochs(run, data)


def test_weights_of_another_training_are_refused(run, data):
    for path in (run.folder / "epochs").glob("*.npz"):
        with np.load(path) as arrays:
            nothing = [np.zeros_like(arrays[name]) for name in arrays]
        np.savez(path, *nothing)
    metrics = run.metrics
    for split in ("validation", "test"):  # as if the run had been right on all images
        metrics[split]["single"]["confusion"] = (np.eye(7, dtype=int) * 2).tolist()
    write_json(run.folder / "metrics.json", metrics)
    with pytest.raises(ValueError, match="its epochs must give its metrics. Received: validation: kept epoch"):
        predict_epochs(run, data)
    assert not (run.folder / EPOCH_PREDICTIONS).exists()


def test_all_runs_of_a_profile_are_told_what_became_of_them(run, data):
    name = "shi_light_vgg/light_vgg/seed-0"
    assert "the data it was trained on" in predict_kept_epochs([run], "smoke", "sample")[name]
    predict_epochs(run, data)
    assert predict_kept_epochs([run], "smoke", "sample") == {name: "predicted before"}
    (run.folder / EPOCH_PREDICTIONS).unlink()
    shutil.rmtree(run.folder / "epochs")
    assert predict_kept_epochs([run], "smoke", "/nowhere") == {}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"classes_validation": np.zeros((3, 14), np.int64)}, "uint8"),
        ({"classes_test": np.zeros((3, 13), np.uint8)}, "uint8"),
        ({"classes_test": np.full((3, 14), 7, np.uint8)}, "classes of the run"),
        ({"classes_test": np.zeros((2, 14), np.uint8)}, "the same epochs"),
    ],
)
def test_a_file_that_does_not_fit_the_run_is_refused(run, arrays, message):
    content = {f"classes_{split}": np.zeros((3, 14), np.uint8) for split in ("validation", "test")} | arrays
    np.savez(run.folder / EPOCH_PREDICTIONS, **content)
    with pytest.raises(ValueError, match=rf"{EPOCH_PREDICTIONS}.*{message}.* Received: "):
        read_epoch_predictions(run)


def test_a_file_with_other_epochs_than_the_history_disagrees(run):
    content = {f"classes_{split}": np.zeros((2, 14), np.uint8) for split in ("validation", "test")}
    np.savez(run.folder / EPOCH_PREDICTIONS, **content)
    (finding,) = find_disagreements(run, read_epoch_predictions(run))
    assert finding == f"{EPOCH_PREDICTIONS} holds 2 epochs, the history 3"
