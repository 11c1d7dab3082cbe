import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny_data import make_tiny_data

from fer_lib import papers, pipeline, recorder, training
from fer_lib.datasets import FerDataset
from fer_lib.evaluation import history_metrics
from fer_lib.hardware import code_version
from fer_lib.labels import EMOTIONS
from fer_lib.progress import read_progress
from fer_lib.provenance import facts
from fer_lib.recorder import TrainingDiverged
from fer_lib.request import make_request
from fer_lib.runs import Run, read_obstacles
from fer_lib.timing import compare_speed, medians_ratio_interval
from fer_lib.training import train

PAPER = "shi_light_vgg"


@pytest.fixture(scope="module")
def data():
    return make_tiny_data()


def train_tiny(data, runs, variant="light_vgg", epochs=2, **arguments):
    arguments = {"precision": "float32", **arguments}
    return train(PAPER, variant, profile="smoke", data=data, runs=runs, epochs=epochs, **arguments)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    return train_tiny(data, tmp_path_factory.mktemp("runs"))


def numbers(history):
    return history.drop(columns="seconds").to_numpy()


def test_a_run_folder_holds_what_the_design_says(run, data):
    names = {path.name for path in run.folder.iterdir()}
    kept = {"config.json", "history.csv", "predictions.npz", "metrics.json", "model.keras", "epochs"}
    assert names == kept
    assert run.folder.parts[-4:] == ("smoke", PAPER, "light_vgg", "seed-0")
    assert run.history["epoch"].tolist() == [1, 2]
    assert run.request["data"] == {
        "sha256": "tiny",
        "is_sample": True,
        "sizes": {"train": 28, "validation": 14, "test": 14},
    }
    record = run.config["record"]
    assert record["precision"] == "float32" and record["shortened"] is True
    assert record["packages"]["keras"] == keras.__version__
    assert run.metrics["model"] == {
        "parameters": 104_663, "trainable_parameters": 104_551, "convolution_parameters": 30_192,
        "depth": 18, "convolutions": 9, "separable_convolutions": 0, "all_convolutions": 9,
    }  # fmt: skip
    assert run.views == {"train": ["single"], "validation": ["single"], "test": ["single"]}
    assert run.predictions("test").rows.tolist() == data.test.rows.tolist()


def test_saved_model_gives_the_saved_probabilities(run, data):
    model = keras.models.load_model(run.folder / "model.keras")
    probabilities = model.predict(pipeline.evaluation_batches(data.test.images), verbose=0)
    np.testing.assert_array_equal(probabilities, run.predictions("test").probabilities)


def test_saved_model_loads_where_fer_lib_is_not_installed(run, tmp_path):
    code = (
        "import sys; sys.modules['fer_lib'] = None\n"
        "import keras\n"
        f"model = keras.models.load_model({str(run.folder / 'model.keras')!r})\n"
        "print({type(layer).__module__.split('.')[0] for layer in model.layers}, model.count_params())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{{'keras'}} {run.metrics['model']['parameters']}"


def test_kept_epoch_is_the_first_with_the_best_validation_accuracy(run):
    assert run.metrics["history"]["kept_epoch"] == run.history["val_accuracy"].idxmax() + 1
    saved = run.predictions("validation")
    accuracy = (saved.probabilities.argmax(axis=1) == saved.labels).mean()
    assert run.metrics["validation"]["single"]["accuracy"] == pytest.approx(accuracy)
    assert accuracy == pytest.approx(run.history["val_accuracy"].max(), abs=1e-6)


def test_a_complete_run_is_loaded_not_made_again(run, data):
    before = (run.folder / "metrics.json").stat().st_mtime_ns
    again = train_tiny(data, run.folder.parents[3])
    assert again.folder == run.folder
    assert (run.folder / "metrics.json").stat().st_mtime_ns == before


def test_another_request_sets_the_run_aside_and_its_own_brings_it_back(run, data, tmp_path):
    first = train_tiny(data, tmp_path, "lda")
    written = (first.folder / "predictions.npz").read_bytes()
    other = train_tiny(make_tiny_data(seed=1, sha256="other"), tmp_path, "lda")
    assert other.request["data"]["sha256"] == "other"
    again = train_tiny(data, tmp_path, "lda")
    assert again.request["data"]["sha256"] == "tiny"
    assert (again.folder / "predictions.npz").read_bytes() == written


class WithoutTest(FerDataset):
    """Data whose test split may not be looked at."""

    def __getattribute__(self, name):
        if name in ("test", "splits"):
            raise AssertionError("PrivateTest was looked at")
        return super().__getattribute__(name)


def test_nothing_before_the_end_of_the_fit_sees_the_test_split(data, tmp_path):
    from fer_lib.fitting import fit_network

    request = make_request(papers.load(PAPER), "light_vgg", 0, "smoke", data, epochs=1)
    values = {field.name: getattr(data, field.name) for field in dataclasses.fields(data)}
    hidden = WithoutTest(**values)
    with pytest.raises(AssertionError, match="PrivateTest"):
        len(hidden.test)
    fitted = fit_network(request, "hash", hidden, tmp_path, precision="float32")
    assert len(fitted.history) == 1


def test_another_test_split_changes_nothing_but_its_own_scores(run, data, tmp_path):
    other = dataclasses.replace(data, test=make_tiny_data(seed=9).train)
    again = train_tiny(other, tmp_path)
    np.testing.assert_allclose(numbers(again.history), numbers(run.history), rtol=1e-4)
    assert len(again.predictions("test").rows) == 28


def test_a_trial_has_a_history_and_no_predictions(data, tmp_path):
    trial = train_tiny(data, tmp_path, epochs=1, trial=3, overrides={"batch_size": 16})
    assert trial.folder.parts[-2:] == ("trial-003", "seed-0")
    assert {path.name for path in trial.folder.iterdir()} == {"config.json", "history.csv", "metrics.json"}
    assert list(trial.metrics) == ["history"]


def test_every_epoch_is_kept_where_the_card_says_so(data, tmp_path):
    assert not (train_tiny(data, tmp_path, "without_dropout", epochs=1).folder / "epochs").exists()
    folder = tmp_path / "smoke" / PAPER / "light_vgg" / "seed-0"
    (folder / "epochs").mkdir(parents=True)
    (folder / ".ipynb_checkpoints").mkdir()
    for name in (".model-x.keras", "epochs/.002-x.npz"):
        (folder / name).write_bytes(b"half written by a process that was killed")
    run = train_tiny(data, tmp_path)
    assert sorted(path.name for path in (run.folder / "epochs").iterdir()) == ["001.npz", "002.npz"]
    assert [path.name for path in run.folder.glob(".*")] == [".ipynb_checkpoints"]
    model = keras.models.load_model(run.folder / "model.keras")
    with np.load(
        run.folder / "epochs" / f"{run.metrics['history']['kept_epoch']:03d}.npz", allow_pickle=False
    ) as arrays:
        for kept, weight in zip(arrays.values(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(kept, weight)


def test_a_grouped_variant_is_trained_on_its_groups(data, tmp_path):
    run = train_tiny(data, tmp_path, "attitude", epochs=1)
    assert run.predictions("test").probabilities.shape == (14, 3)
    assert run.metrics["test"]["single"]["classes"] == ["negative", "positive", "neutral"]


def test_timing_compares_two_networks(data, tmp_path):
    timing = train_tiny(data, tmp_path, "vgg19_timing").metrics["timing"]
    assert timing["ratio_to_reference"] == pytest.approx(
        timing["seconds_per_epoch"] / timing["reference_seconds_per_epoch"]
    )
    assert 0 < timing["ratio_to_reference_low"] <= timing["ratio_to_reference"] <= timing["ratio_to_reference_high"]
    assert timing["rounds"] == 5  # the least: a tenth of an epoch is none


def test_only_full_batches_are_timed(data, monkeypatch):
    """An epoch of 28 images has two batches of 12 and a rest of 4, for which a network would be traced again."""
    sizes = []
    monkeypatch.setattr(keras.Model, "train_on_batch", lambda model, images, labels: sizes.append(len(images)))
    settings = {"optimizer": "adam", "learning_rate": 0.001, "batch_size": 12}
    timing = compare_speed("lenet5", {}, "lenet_sfew", data.train, settings, "float32")
    assert timing["rounds"] == 5 and sizes == [12] * 12  # of each network the first, untimed, and five


def test_the_interval_of_two_medians_holds_their_ratio_mostly_and_a_common_slowdown_does_not_widen_it():
    rng = np.random.default_rng(0)
    intervals = [medians_ratio_interval(rng.lognormal([np.log(4), 0], 0.2, (50, 2))) for _ in range(200)]
    held = np.mean([low <= 4 <= high for low, high in intervals])
    assert 0.9 <= held <= 0.99
    slow = rng.lognormal(0, 1, (50, 1))
    assert medians_ratio_interval(slow * [4, 1]) == pytest.approx((4, 4))


def test_a_protocol_without_validation_keeps_the_last_epoch(data, tmp_path):
    arguments = {"profile": "smoke", "data": data, "runs": tmp_path, "epochs": 2, "precision": "float32"}
    run = train("lt2326_lenet5", "random_split", seed=1, **arguments)
    assert list(run.history.columns) == ["epoch", "accuracy", "loss", "seconds"]
    assert run.metrics["history"]["kept_epoch"] == 2
    assert "validation" not in run.metrics and run.views["validation"] == []
    assert run.metrics["data"]["train_images"] == 44 and run.metrics["data"]["test_images"] == 12
    assert run.metrics["test"]["single"]["n"] == 12
    assert run.request["data"] == {"sha256": "tiny", "is_sample": True, "protocol": "random_split"}
    assert run.config["record"]["source"] == "tiny, random split 1"


def test_a_run_on_transforms_is_also_scored_on_originals_alone(data, tmp_path):
    counts = {"originals_per_class": 3, "test_originals_per_class": 2, "transforms_per_original": 2}
    arguments = {"profile": "smoke", "data": data, "runs": tmp_path, "epochs": 1, "precision": "float32"}
    run = train("lt2326_lenet5", "balanced_apart", overrides=counts, **arguments)
    test = run.metrics["test"]
    assert test["single"]["n"] == 7 * 2 * 3
    assert test["single_originals"]["n"] == _originals(run)
    unleaked = test.get("single_unleaked", {"n": 0})["n"]
    assert test["single"]["n"] - unleaked == run.metrics["data"]["leaked_test"] > 0


def _originals(run):
    with np.load(run.folder / "predictions.npz", allow_pickle=False) as arrays:
        return np.count_nonzero(arrays["transforms_test"] == 0)


CHILD = """
import os, sys, threading
import tensorflow as tf
from pathlib import Path
sys.path.insert(0, {tests!r})
from tiny_data import make_tiny_data
from fer_lib import pipeline
from fer_lib.training import train

hang_at, seen, make_batches = {hang_at}, [], pipeline.training_batches

def counted(images, labels):
    seen.append(1)
    if len(seen) == hang_at:
        print("hanging", flush=True)
        threading.Event().wait()
    return images, labels

def training_batches(*arguments, **options):
    batches = make_batches(*arguments, **options)
    def pass_on(images, labels):
        shapes = images.shape, labels.shape
        images, labels = tf.py_function(counted, [images, labels], [tf.float32, tf.int64])
        images.set_shape(shapes[0]), labels.set_shape(shapes[1])
        return images, labels
    return batches.map(pass_on)

if hang_at:
    pipeline.training_batches = training_batches
train({paper!r}, {variant!r}, seed=4, profile="smoke", data=make_tiny_data(), runs=Path({runs!r}), epochs=3,
      deterministic=True, overrides={{"batch_size": 8}})
"""


def start_child(runs, paper, variant, hang_at=0):
    code = CHILD.format(tests=str(Path(__file__).parent), runs=str(runs), hang_at=hang_at, paper=paper, variant=variant)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def write_scenes(folder):
    """Five pictures of noise a class, four of them for training."""
    rng = np.random.default_rng(0)
    for emotion in EMOTIONS:
        (folder / emotion).mkdir(parents=True)
        for number in range(5):
            Image.fromarray(rng.integers(0, 256, (60, 50), np.uint8)).save(folder / emotion / f"{number}.png")
    return folder


@pytest.mark.parametrize(
    ("paper", "variant"),
    [(PAPER, "light_vgg"), ("liu_sfew_lenet", "whole_frame"), ("liu_separable_ensemble", "model_a_short")],
    ids=["dropout", "augmentation", "centre loss"],
)
def test_a_run_killed_in_mid_epoch_ends_as_one_never_interrupted(paper, variant, tmp_path, monkeypatch):
    """28 images in batches of 8 make 4 steps an epoch: the 7th batch stands in the middle of the second."""
    monkeypatch.setenv("SFEW_FOLDER", str(write_scenes(tmp_path / "sfew")))
    child = start_child(tmp_path / "killed", paper, variant, hang_at=7)
    try:
        assert child.stdout.readline() == "hanging\n"
        with pytest.raises(ValueError, match="one process at a time.* Received: .*seed-4, being made by another"):
            train(
                paper, variant, 4, "smoke",
                data=make_tiny_data(), runs=tmp_path / "killed", epochs=3, deterministic=True,
                overrides={"batch_size": 8},
            )  # fmt: skip
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    folders = {name: tmp_path / name / "smoke" / paper / variant / "seed-4" for name in ("killed", "whole")}
    assert pd.read_csv(folders["killed"] / "history.csv")["epoch"].tolist() == [1]
    assert not (folders["killed"] / "metrics.json").exists()
    for name in folders:
        resumed = start_child(tmp_path / name, paper, variant)
        _, errors = resumed.communicate()
        assert resumed.returncode == 0, errors
    histories = [pd.read_csv(folder / "history.csv") for folder in folders.values()]
    np.testing.assert_array_equal(numbers(histories[0]), numbers(histories[1]))
    weights = [keras.models.load_model(folder / "model.keras").get_weights() for folder in folders.values()]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def interrupted(function, at):
    """The function, but an interrupt at its call of that number."""
    calls = []

    def call(*arguments):
        calls.append(arguments)
        if len(calls) == at:
            raise KeyboardInterrupt
        return function(*arguments)

    return call


@pytest.mark.parametrize("written", ["write_history", "save_checkpoint"])
def test_a_run_stopped_while_it_writes_its_last_epoch_has_all_its_rows_in_the_end(data, tmp_path, monkeypatch, written):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(recorder, written, interrupted(getattr(recorder, written), at=2))
        train_tiny(data, tmp_path)
    assert train_tiny(data, tmp_path).history["epoch"].tolist() == [1, 2]


def test_a_resumed_run_keeps_when_and_in_what_precision_it_was_begun(data, tmp_path, monkeypatch):
    for precision, version in (("float32", "first"), ("bfloat16", "second")):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(training, "resolve_precision", lambda _, found=precision: found)
            patch.setattr(training, "code_version", lambda found=version: found)
            patch.setattr(recorder, "save_checkpoint", interrupted(recorder.save_checkpoint, at=2))
            train_tiny(data, tmp_path, precision="auto", epochs=3)
    (folder,) = tmp_path.glob("smoke/*/*/seed-0")
    begun = Run(folder).config["record"]["started"]
    record = train_tiny(data, tmp_path, precision="auto", epochs=3).config["record"]
    assert (record["started"], record["code_version"], record["precision"]) == (begun, "first", "float32")
    assert [session["code_version"] for session in record["sessions"]] == ["second", code_version()]
    assert all(session["started"] >= begun for session in record["sessions"])
    assert set(facts([Run(folder)])["code version"]) == {"first", "second", code_version()}


def test_data_with_other_counts_than_fer2013_s_are_noted(data, tmp_path):
    other = dataclasses.replace(data, is_sample=False)
    run = train_tiny(other, tmp_path)
    assert run.is_on_other_data and run.config["record"]["as_published"] is False


def test_a_training_that_diverges_ends_though_its_progress_is_watched(data, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_LIB_PROGRESS", str(tmp_path / "progress.json"))
    run = train_tiny(data, tmp_path, overrides={"learning_rate": 1e30, "batch_size": 8}, trial=0)
    assert run.metrics["history"]["diverged"] is True
    assert "loss" not in read_progress(tmp_path / "progress.json").scores


def test_a_training_that_diverges_at_once_says_so_whenever_it_is_asked_for(data, tmp_path):
    for _ in range(2):
        with pytest.raises(TrainingDiverged, match=r"light_vgg.seed-0: epoch 1 must leave .* Received: \{'loss': nan"):
            train_tiny(data, tmp_path, overrides={"learning_rate": 1e30, "batch_size": 8})
    noted = {("light_vgg", 0): "the training diverged in epoch 1"}
    assert read_obstacles(tmp_path / "smoke" / PAPER) == noted
    assert read_obstacles(tmp_path / "smoke" / PAPER, {"light_vgg": data.sha256}) == noted
    assert read_obstacles(tmp_path / "smoke" / PAPER, {"light_vgg": "5a" * 32}) == {}


def test_history_metrics_name_the_kept_epoch_and_the_gain():
    history = pd.DataFrame(
        {"accuracy": [0.2, 0.4, 0.5, 0.6], "val_accuracy": [0.2, 0.3, 0.3, 0.4], "val_loss": [2, 1, 1, 1]}
    ).assign(loss=1.0)
    metrics = history_metrics(history, kept_epoch=4)
    assert (metrics["epochs"], metrics["kept_epoch"], metrics["max_accuracy"], metrics["final_accuracy"]) == (
        4,
        4,
        0.6,
        0.6,
    )
    assert metrics["late_gain"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "heavy_vgg"}, "variant of shi_light_vgg must be one of .* Received: 'heavy_vgg'"),
        ({"profile": "fast"}, r"profile must be one of .* Received: 'fast'"),
        ({"precision": "float8"}, r"precision must be one of .* Received: 'float8'"),
        ({"overrides": {"lr": 1.0}}, r"must be among .*learning_rate.* Received: \['lr'\]"),
        (
            {"overrides": {"optimizer": "lion"}},
            r"optimizer must be one of \['adam', 'adamax', 'sgd'\]\. Received: 'lion'",
        ),
        (
            {"overrides": {"kept_epoch": "best_test_accuracy"}},
            "kept_epoch must be one of .* Received: 'best_test_accuracy'",
        ),
    ],
)
def test_what_is_unknown_is_refused_with_what_is_known(arguments, message, data, tmp_path):
    arguments = {"variant": "light_vgg", "profile": "smoke", **arguments}
    with pytest.raises(ValueError, match=message):
        train(PAPER, data=data, runs=tmp_path, epochs=1, **arguments)
