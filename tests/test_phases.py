"""Trainings in phases: what is frozen, when a phase ends, where a killed one goes on, and what one starts from."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
from tiny_data import make_tiny_data

from fer_lib import fitting, models, papers
from fer_lib.datasets import load_data
from fer_lib.evaluation import history_metrics
from fer_lib.files import write_json
from fer_lib.fitting import fit_network
from fer_lib.origins import network_sha256
from fer_lib.replication import open_replication
from fer_lib.request import make_request
from fer_lib.runs import Run, find_obstacles
from fer_lib.training import train

PAPER = "zakavi_network_surgery"
OPTIONS = {"filters": [2, 3], "dense_units": [4]}


@pytest.fixture(scope="module")
def data():
    return make_tiny_data((56, 14, 14))


@pytest.fixture(scope="module")
def start():
    keras.utils.set_random_seed(7)
    return models.build("shallow", **OPTIONS)


def make(data, epochs=2, **settings):
    """Request of the shallow network, which has dropout and batch norm, in two phases, on all of the tiny data."""
    request = make_request(papers.load(PAPER), "shallow_seven", 0, "smoke", data, epochs=epochs, precision="float32")
    phases = {"schedule": "head_then_all", "batch_size": 7, "learning_rate": 1e-3, "patience": 0}
    request["options"] |= OPTIONS
    request["hyperparameters"] |= {**phases, **settings}
    return request


def fit(data, folder, start, **settings):
    return fit_network(make(data, **settings), "hash", data, folder, precision="float32", start=start)


def fit_first_phases(data, folder, start, count=1, **settings):
    """The head's phase, or the first so many."""
    request = make(data, **settings)
    phases = fitting._phases(start, request["hyperparameters"])[:count]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "_phases", lambda network, settings: phases)
        return fit_network(request, "hash", data, folder, precision="float32", start=start)


class Killed(Exception):
    """In place of a signal."""


def stop_after(patch, epoch):
    """Interrupt a training when an epoch is complete and written."""

    def report(progress):
        if progress.epoch == epoch:
            raise Killed

    patch.setattr("fer_lib.recorder.write_progress", report)


def base_weights(model):
    head = models.blocks.block_names(model)[0]
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights and layer.name not in head}


def differing(one, other):
    """Names of the layers whose weights differ."""
    return {name for name in one if not all(map(np.array_equal, one[name], other[name]))}


def test_the_base_stands_still_while_the_head_is_trained_and_moves_afterwards(data, start, tmp_path):
    frozen = fit(data, tmp_path / "frozen", start, epochs=1, learning_rate=0.0, kept_epoch="last")
    assert frozen.history["phase"].tolist() == [1, 2]
    trained = fit(data, tmp_path / "trained", start, epochs=1, kept_epoch="last")
    before, moved = base_weights(start), base_weights(trained.model)
    convolutions = {name for name in before if "conv" in name}
    assert not differing(before, base_weights(frozen.model)) & convolutions
    assert convolutions <= differing(before, moved)


def test_only_a_trained_batch_norm_moves_on_a_frozen_base(data, start, tmp_path):
    """The head's phase alone is trained."""
    before = base_weights(start)
    for flag, expected in (("inference", set()), ("trained", {name for name in before if "bn" in name})):
        fitted = fit_first_phases(data, tmp_path / flag, start, epochs=1, frozen_batch_norm=flag)
        assert differing(before, base_weights(fitted.model)) == expected


def test_gradual_unfreezing_trains_a_block_more_in_each_phase(data, start, tmp_path):
    settings = {"schedule": "gradual", "epochs": 2, "kept_epoch": "last"}
    blocks = models.blocks.block_names(start)
    assert len(blocks) == 3
    whole = fit(data, tmp_path / "whole", start, **settings)
    assert whole.history["phase"].tolist() == [1, 1, 2, 3]
    before = base_weights(start)
    first = [fit_first_phases(data, tmp_path / str(count), start, count, **settings) for count in (1, 2)]
    for count, fitted in enumerate((*first, whole), start=1):
        moved = differing(before, base_weights(fitted.model))
        assert [not moved.isdisjoint(block) for block in blocks[1:]] == [count > 1, count > 2]


def test_a_phase_ends_where_validation_loss_has_not_fallen_for_long_enough(data, start, tmp_path):
    """At a rate of zero no epoch is better than the first, but for batch norm, which is frozen in the first phase."""
    fitted = fit(data, tmp_path, start, epochs=6, patience=2, head_learning_rate=0.0)
    assert fitted.history["phase"].value_counts()[1] == 3
    assert fitted.history["epoch"].tolist() == list(range(1, len(fitted.history) + 1))
    for _, rows in fitted.history.groupby("phase"):
        waited = len(rows) - 1 - int(np.argmin(rows["val_loss"]))
        assert waited <= 2 and (waited == 2 or len(rows) == 6)


def test_the_epoch_of_the_last_phase_with_the_lowest_validation_loss_is_kept(data, start, tmp_path):
    fitted = fit(data, tmp_path, start, epochs=3)
    last = fitted.history[fitted.history["phase"] == 2]
    assert fitted.kept_epoch == last["val_loss"].idxmin() + 1


@pytest.mark.parametrize("killed_after", [None, 4])
def test_a_phase_goes_on_from_the_epoch_that_the_one_before_it_kept(data, start, tmp_path, monkeypatch, killed_after):
    """At a rate of zero the second phase moves nothing but batch norm: the head is that of the first phase's best."""
    settings = {"epochs": 4, "learning_rate": 0.0, "head_learning_rate": 0.3, "kept_epoch": "best_validation_accuracy"}
    first_phase = fit_first_phases(data, tmp_path / "head", start, **settings)
    assert first_phase.kept_epoch < 4
    if killed_after:
        stop_after(monkeypatch, killed_after)
        with pytest.raises(Killed):
            fit(data, tmp_path / "whole", start, **settings)
        monkeypatch.undo()
    fitted = fit(data, tmp_path / "whole", start, **settings)
    assert len(fitted.history) == 8 and fitted.kept_epoch > 4
    head = models.blocks.block_names(fitted.model)[0]
    for name in head:
        kept, now = (found.model.get_layer(name).get_weights() for found in (first_phase, fitted))
        for one, other in zip(kept, now, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rule", ["best_validation_accuracy", "best_validation_loss", "last"])
def test_a_training_that_diverges_ends_with_its_first_epoch_and_keeps_what_it_had(rule, data, start, tmp_path):
    fitted = fit(data, tmp_path, start, epochs=3, learning_rate=1e30, kept_epoch=rule)
    assert not np.isfinite(fitted.history["val_loss"].iloc[-1])
    assert fitted.kept_epoch <= 3, "the epoch of the phase before stands"
    assert all(np.isfinite(weights).all() for weights in fitted.model.get_weights())
    found = history_metrics(fitted.history, fitted.kept_epoch)
    assert "validation_loss_rise" not in found and found["longest_phase"] == 3 and found["diverged"]
    losses = fitted.history["loss"]
    assert np.isfinite(losses[:-1]).all(), "a phase ends with the epoch whose training loss is no number"


@pytest.fixture(scope="module")
def whole(data, start, tmp_path_factory):
    """Two phases of two epochs, never interrupted."""
    return fit(data, tmp_path_factory.mktemp("whole"), start, kept_epoch="last")


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_a_training_goes_on_in_the_phase_it_was_in(data, start, whole, tmp_path, monkeypatch, killed_after):
    """Killed within the first phase, at its end, within the second: the history and weights of one uninterrupted."""

    with monkeypatch.context() as patch:
        stop_after(patch, killed_after)
        with pytest.raises(Killed):
            fit(data, tmp_path / "killed", start, kept_epoch="last")
    on_disk = pd.read_csv(tmp_path / "killed" / "history.csv")
    assert len(on_disk) == killed_after
    resumed = fit(data, tmp_path / "killed", start, kept_epoch="last")
    columns = ["epoch", "phase", "loss", "accuracy", "val_loss", "val_accuracy"]
    np.testing.assert_allclose(resumed.history[columns], whole.history[columns], rtol=1e-5)
    for one, other in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.fixture
def uncleaned(monkeypatch):
    """The tiny data show no faces: an audit would leave none of them."""
    monkeypatch.setattr("fer_lib.protocols._cleaned_away", lambda data: np.array([], np.int64))


def test_a_variant_starts_from_the_run_of_another(tmp_path, uncleaned, monkeypatch):
    """The first layer of a base that does not learn is that of the pre-training.

    Heat on drawn faces is measured by their exact landmarks, on a part of the sample too.
    """
    data = load_data("sample", images=56)
    monkeypatch.setattr("fer_lib.makers.EXPLAINED", 16)
    monkeypatch.setattr("fer_lib.makers.UNTRAINED", 1)
    arguments = {"profile": "smoke", "data": data, "runs": tmp_path, "precision": "float32", "epochs": 1}
    run = train(PAPER, "small_transfer", **arguments, overrides={"learning_rate": 0.0})
    source = tmp_path / "smoke" / PAPER / "small_pretraining" / "seed-0"
    assert run.request["starts_from"]["variant"] == "small_pretraining"
    assert json.loads((source / "config.json").read_text())["request"]["data"]["is_sample"]
    given, got = (keras.models.load_model(folder / "model.keras") for folder in (source, run.folder))
    kernels = [model.get_layer("stem_conv").get_weights()[0] for model in (given, got)]
    np.testing.assert_array_equal(*kernels)
    assert run.metrics["attribution"]["images"] == run.metrics["test"]["single"]["n"] <= 16
    landmarks = [Run(folder).metrics["attribution"]["exact_landmarks"] for folder in (source, run.folder)]
    assert landmarks == [True, True]


def test_a_killed_run_goes_on_from_the_network_it_was_begun_from_and_no_other(tmp_path, uncleaned, monkeypatch):
    monkeypatch.setattr("fer_lib.makers.EXPLAINED", 2)
    monkeypatch.setattr("fer_lib.makers.UNTRAINED", 1)
    arguments = {"profile": "smoke", "data": load_data("sample", images=56), "runs": tmp_path, "epochs": 1}
    pretrained = train(PAPER, "small_pretraining", **arguments)
    write_json(pretrained.folder / "metrics.json", {**pretrained.metrics, "history": {"diverged": True}})
    source = pretrained.folder / "model.keras"
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_after(patch, 1)
        train(PAPER, "small_transfer", **arguments)
    network = keras.models.load_model(source)
    keras.models.clone_model(network).save(source)
    with pytest.raises(ValueError, match=r"transfer.seed-0 must go on .* made anew since then: small_pretraining$"):
        train(PAPER, "small_transfer", **arguments)
    network.save(source)  # another file, the same network
    run = train(PAPER, "small_transfer", **arguments)
    assert run.history["epoch"].tolist() == [1, 2]
    assert run.config["record"]["made_from"] == {"small_pretraining": network_sha256(source)}
    assert len(run.config["record"]["sessions"]) == 1
    assert run.has_diverged and run.config["record"]["diverged_sources"] == ["small_pretraining"]
    keras.models.clone_model(network).save(source)
    with pytest.raises(ValueError, match=r"transfer.seed-0 must be of .* made anew since then: small_pretraining$"):
        train(PAPER, "small_transfer", **arguments)
    config = pretrained.config
    write_json(pretrained.folder / "config.json", {**config, "request_sha256": "of another request"})
    assert train(PAPER, "small_transfer", **arguments).folder == run.folder, "its own source was set aside"
    write_json(pretrained.folder / "config.json", config)
    source.unlink()  # as of published runs, which come without networks: nothing is known then
    assert train(PAPER, "small_transfer", **arguments).folder == run.folder


def test_weights_that_cannot_be_had_leave_a_reason_and_no_run(data, tmp_path, uncleaned, monkeypatch):
    monkeypatch.setattr("fer_lib.models.weights._is_downloaded", lambda published: False)
    monkeypatch.setattr("fer_lib.models.weights._is_reachable", lambda url: False)
    arguments = {"profile": "smoke", "data": data, "runs": tmp_path}
    replication = open_replication(PAPER, "smoke", "sample", str(tmp_path))
    assert replication.describe_obstacles() == ""
    for variant in ("resnet50", "vgg16"):
        with pytest.raises(models.WeightsNotAvailable, match="ImageNet weights not available"):
            train(PAPER, variant, **arguments)
    assert replication.describe_obstacles() == "resnet50, vgg16: not run, ImageNet weights not available"
    there = train(PAPER, "shallow_seven", **arguments, epochs=1)
    assert find_obstacles([there]) == dict.fromkeys([("resnet50", 0), ("vgg16", 0)], "ImageNet weights not available")
