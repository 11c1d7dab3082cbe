"""SRGAN in training: it learns, goes on after a kill as if there had been none, and enlarges data sets."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from tiny_data import make_tiny_data

from fer_lib import models
from fer_lib.models.srgan import build_srgan_generator
from fer_lib.sample import load_sample
from fer_lib.super_resolution.batches import pair_batches
from fer_lib.super_resolution.content import build_content_network, feature_power, with_precision
from fer_lib.super_resolution.enlarging import enlarge, load_enlarged
from fer_lib.super_resolution.pairs import shrink
from fer_lib.super_resolution.progress import restore_progress, save_progress
from fer_lib.super_resolution.quality import psnr
from fer_lib.super_resolution.training import COLUMNS, train_srgan

SETTINGS = {
    "epochs": 3,
    "warm_up_epochs": 1,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "adversarial_learning_rate": 1e-4,
    "pixel_weight": 1.0,
    "content_weight": 1e-2,
    "adversarial_weight": 1e-3,
    "filters": 16,
    "blocks": 1,
    "discriminator_filters": 16,
}
IN_A_PROCESS = """
import os, shutil, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_super_resolution import run

def after(row):
    if row["epoch"] == 2 and {folder!r} == "first":
        shutil.copytree("first", "second")
    if row["epoch"] == 3:
        os.kill(os.getpid(), signal.SIGKILL)

run(Path({folder!r}), on_epoch=after, deterministic=True, content_weight=0)
"""


def faces(first: int, count: int) -> np.ndarray:
    return load_sample().train.images[first : first + count]


def content_network() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_content_network(models.build("light_vgg", filters=(16, 16, 16)), "block1_conv3")


def run(folder: Path, sha256: str = "hash", on_epoch=None, deterministic: bool = False, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    settings = {**SETTINGS, **changes}
    content = content_network() if settings["content_weight"] else None
    return train_srgan(
        faces(0, 20),
        faces(40, 6),
        settings,
        folder,
        0,
        sha256,
        content,
        "float32",
        on_epoch,
        deterministic=deterministic,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, pd.DataFrame, Path]:
    folder = tmp_path_factory.mktemp("trained")
    return *run(folder), folder


def test_the_history_has_a_row_per_epoch_and_what_its_phase_has(trained) -> None:
    _, history, folder = trained
    assert list(history.columns) == list(COLUMNS)
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["phase"].tolist() == ["warm_up", "adversarial", "adversarial"]
    adversarial = ["content_loss", "adversarial_loss", "discriminator_loss", "discriminator_accuracy"]
    assert history.loc[0, adversarial].isna().all()
    assert (history.loc[1:, adversarial] > 0).all(axis=None)
    assert (history[["pixel_loss", "val_psnr", "seconds"]] > 0).all(axis=None)
    written = pd.read_csv(folder / "history.csv")
    pd.testing.assert_frame_equal(written, history, check_dtype=False)
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.npz", "history.csv"]


def test_the_last_epoch_is_kept_and_measured_on_validation_images(trained) -> None:
    generator, history, _ = trained
    held_out = faces(40, 6)
    expected = psnr(enlarge(shrink(held_out), generator), held_out).mean()
    assert history["val_psnr"].iloc[-1] == pytest.approx(expected, abs=0.01)
    assert {layer.dtype_policy.name for layer in generator.layers} == {"float32"}


def test_what_is_complete_is_loaded_and_not_trained_again(trained) -> None:
    generator, history, folder = trained
    (folder / "history.csv").unlink()  # a kill between checkpoint and history leaves it behind
    again, same = run(folder, on_epoch=lambda row: pytest.fail("an epoch was trained"))
    pd.testing.assert_frame_equal(same, history)
    assert (folder / "history.csv").exists()
    for one, other in zip(again.get_weights(), generator.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_checkpoint_of_another_request_or_network_is_not_used(tmp_path) -> None:
    path, saved = tmp_path / "checkpoint.npz", [keras.Variable([1.0, 2.0]), keras.Variable(3.0)]
    assert restore_progress(path, saved, "hash") == []
    save_progress(path, saved, [{"epoch": 1}], "hash")
    variables = [keras.Variable([0.0, 0.0]), keras.Variable(0.0)]
    assert restore_progress(path, variables, "another") == []
    assert np.asarray(variables[0]).tolist() == [0, 0]
    with pytest.raises(ValueError, match="must hold 1 variables of the networks' shapes"):
        restore_progress(path, variables[:1], "hash")
    assert restore_progress(path, variables, "hash") == [{"epoch": 1}]
    assert [np.asarray(variable).tolist() for variable in variables] == [[1, 2], 3]


def make_textures(count: int, seed: int) -> np.ndarray:
    """Noise under a narrow blur: what shrinking and cubic interpolation lose of it is lost in one way everywhere."""
    noise = np.random.default_rng(seed).normal(size=(count, 48, 48))
    return np.clip([128 + 110 * cv2.GaussianBlur(image, (0, 0), 1.0) for image in noise], 0, 255).astype(np.uint8)[
        ..., None
    ]


def test_learning_improves_on_cubic_interpolation(tmp_path) -> None:
    train, held_out = make_textures(32, seed=0), make_textures(8, seed=1)
    before = psnr(enlarge(shrink(held_out), build_srgan_generator(filters=16, blocks=1)), held_out).mean()
    settings = {**SETTINGS, "epochs": 8, "warm_up_epochs": 8, "batch_size": 4, "content_weight": 0}
    _, history = train_srgan(train, held_out, settings, tmp_path, 0, "hash", None, "float32")
    assert history["val_psnr"].iloc[-1] > before + 0.5
    assert history["pixel_loss"].iloc[-1] < history["pixel_loss"].iloc[0]


def test_a_killed_training_goes_on_as_if_it_had_not_been(tmp_path) -> None:
    """Three epochs in one process, and the third again in another, from what a kill after the second leaves."""
    for folder in ("first", "second"):
        code = IN_A_PROCESS.format(tests=str(Path(__file__).parent), folder=folder)
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
    histories = [pd.read_csv(tmp_path / name / "history.csv") for name in ("first", "second")]
    assert histories[0]["epoch"].tolist() == [1, 2, 3]
    assert histories[0]["seconds"].iloc[2] != histories[1]["seconds"].iloc[2]  # the third was trained twice
    pd.testing.assert_frame_equal(*(history.drop(columns="seconds") for history in histories), check_exact=True)
    one, other = (np.load(tmp_path / name / "checkpoint.npz") for name in ("first", "second"))
    assert one.files == other.files and len(one.files) > 100
    for name in one.files[1:]:  # weights of both networks and the state of both optimizers
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warm_up_epochs": 4}, "warm_up_epochs at most as many. Received: warm_up_epochs=4, epochs=3"),
        ({"epochs": 0, "warm_up_epochs": 0}, "epochs must be at least 1"),
        ({"pixel_weight": 0}, "pixel_weight must be above 0. Received: 0"),
        ({"optimizer": "adamax"}, "optimizer of SRGAN must be 'adam'. Received: 'adamax'"),
        ({"learning_rate": 1e30, "epochs": 1}, "epoch 1 must leave finite losses and weights; lower the learning_rate"),
    ],
)
def test_settings_that_cannot_be_trained_are_refused(tmp_path, changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        run(tmp_path, **changes)
    assert len(list(tmp_path.glob("*"))) == 0 or "learning_rate" in changes


def test_a_content_loss_needs_its_network_and_images_their_shape(tmp_path) -> None:
    arguments = (tmp_path, 0, "hash", None, "float32")
    with pytest.raises(ValueError, match="a content_weight needs a content network"):
        train_srgan(faces(0, 4), faces(4, 2), SETTINGS, *arguments)
    with pytest.raises(ValueError, match=r"images of one shape. Received: \(4, 48, 48, 1\) and \(0, 48, 48, 1\)"):
        train_srgan(faces(0, 4), faces(0, 0), SETTINGS, *arguments)


def test_each_epoch_shows_every_pair_once_in_an_order_of_its_own() -> None:
    large = np.arange(10, dtype=np.uint8)[:, None, None, None].repeat(2, 1).repeat(2, 2)

    def epochs(count: int, **options) -> list[list[int]]:
        batches = pair_batches(shrink(large), large, 4, seed=3, **options)
        shown = []
        for _ in range(count):
            rows: list[int] = []
            for _ in range(3):
                small, big = (np.rint(255 * part.numpy()).astype(int) for part in next(batches))
                np.testing.assert_array_equal(small[:, 0, 0, 0], big[:, 1, 1, 0])
                rows += small.ravel().tolist()
            shown.append(rows)
        return shown

    first, second = epochs(2)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert epochs(1, first_epoch=1) == [second]


def test_the_content_network_is_cut_frozen_and_a_copy() -> None:
    network = models.build("light_vgg", filters=(16, 16, 16))
    content = build_content_network(network, "block2_conv1")
    images = np.random.default_rng(0).random((2, 48, 48, 1)).astype(np.float32)
    expected = keras.Model(network.input, network.get_layer("block2_conv1").output)(images)
    np.testing.assert_allclose(content(images), expected, atol=1e-6)
    assert content.trainable_variables == [] and len(network.trainable_variables) > 0
    assert with_precision(content, "bfloat16")(images).dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(with_precision(content, "bfloat16")(images), tf.float32), expected, atol=0.05)
    faces_ = (255 * images).astype(np.uint8)
    assert feature_power(content, faces_) == pytest.approx(
        np.square(content(faces_ / np.float32(255))).mean(), rel=1e-4
    )
    with pytest.raises(ValueError, match="layer of 'light_vgg' must be one of .* Received: 'block9'"):
        build_content_network(network, "block9")
    with pytest.raises(ValueError, match="must not all be zero"):
        feature_power(content, np.zeros((2, 48, 48, 1), np.uint8))


def test_a_data_set_enlarged_by_a_generator_is_cached_by_the_generators_file(trained, tmp_path, user_cache) -> None:
    generator, _, _ = trained
    path = tmp_path / "generator.keras"
    generator.save(path)
    data = make_tiny_data(sizes=(3, 0, 70))
    made, loaded = load_enlarged(data, "srgan", path), load_enlarged(data, "srgan", path)
    for enlarged in (made, loaded):
        np.testing.assert_array_equal(enlarged.test.images, enlarge(data.test.images, generator))
        assert enlarged.train.images.shape == (3, 96, 96, 1)
    assert len(list(user_cache.iterdir())) == 1
    build_srgan_generator(filters=16, blocks=1).save(path)
    other = load_enlarged(data, "srgan", path)
    assert (other.test.images != made.test.images).any()
    assert len(list(user_cache.iterdir())) == 2
