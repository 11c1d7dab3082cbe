"""Fit a network: precision, seeds, an epoch at a time on disk, and on from there after a kill."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from fer_lib import models, pipeline
from fer_lib.augmentation_layers import random_layers, with_augmentation
from fer_lib.checkpoint import State, restore_checkpoint, save_checkpoint
from fer_lib.datasets import FerDataset, Split
from fer_lib.files import atomic, write_text
from fer_lib.labels import GROUPINGS
from fer_lib.layers import with_fast_kernels
from fer_lib.progress import Progress, write_progress

KEPT_EPOCHS = ("best_validation_accuracy", "last")

OPTIMIZERS: dict[str, tuple[type[keras.optimizers.Optimizer], tuple[str, ...]]] = {
    "adam": (keras.optimizers.Adam, ("beta_1", "beta_2")),
    "sgd": (keras.optimizers.SGD, ("momentum",)),
}
"""Optimizers by name, and which hyper-parameters each takes beside the learning rate."""

SMALL_BATCH = 16
"""Up to this many images the cost of starting a step shows: several steps are then run at once."""


@dataclass(frozen=True)
class Fitted:
    """A trained network.

    Attributes:
        model: plain Keras layers in float32, with the weights of the kept epoch.
        history: one row per epoch.
        kept_epoch: the epoch kept, from 1.
    """

    model: keras.Model
    history: pd.DataFrame
    kept_epoch: int


def fit_network(
    request: dict[str, Any], sha256: str, data: FerDataset, folder: Path, *, precision: str, keep_epochs: bool = False
) -> Fitted:
    """Train the network that `request` describes, going on from the checkpoint in `folder` where there is one.

    Only the training and the validation split are touched. The random state of an epoch (order of the images, dropout,
    augmentation) is a function of the seed and the epoch alone, so a resumed run draws what it would have drawn.

    Args:
        request: what determines the run, as `config.json` holds it.
        sha256: hash of the request; a checkpoint of another request is not used.
        data: training and validation splits.
        folder: the run folder; history.csv and checkpoint.npz are written there after every epoch.
        precision: `bfloat16` (mixed, weights in float32) or `float32`.
        keep_epochs: also write the weights of every epoch to `epochs/<epoch>.npz`.

    Returns:
        The model with the kept epoch's weights, and its history.
    """
    seed, settings = request["seed"], request["hyperparameters"]
    options = _builder_options(request, data.train)
    keras.utils.set_random_seed(seed)
    if request["deterministic"]:
        tf.config.experimental.enable_op_determinism()
    with dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32"):
        model = with_augmentation(with_fast_kernels(models.build(request["model"], **options)), settings)
    steps = pipeline.steps_per_epoch(len(data.train), settings["batch_size"])
    model.compile(
        make_optimizer(settings),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
        steps_per_execution=_steps_at_once(steps, settings["batch_size"]),
    )
    state = restore_checkpoint(folder / "checkpoint.npz", model, sha256)
    recorder = _EpochRecorder(request, sha256, folder, state, keep_epochs)
    done = len(state.history)
    if done < request["epochs"]:
        batch_size = settings["batch_size"]
        train, validation = _grouped(data.train, request), _grouped(data.validation, request)
        model.fit(
            pipeline.training_batches(train, batch_size, seed, first_epoch=done),
            steps_per_epoch=steps,
            validation_data=pipeline.evaluation_batches(validation.images, validation.labels) if validation else None,
            initial_epoch=done,
            epochs=request["epochs"],
            callbacks=[recorder],
            shuffle=False,
            verbose=0,
        )
    return Fitted(_plain_model(request["model"], options, state.kept), pd.DataFrame(state.history), state.kept_epoch)


def make_optimizer(settings: dict[str, Any]) -> keras.optimizers.Optimizer:
    """Build the optimizer that hyper-parameters name.

    Args:
        settings: `optimizer`, one of `OPTIMIZERS`, `learning_rate`, and its own values (`beta_1`, `momentum`).

    Raises:
        ValueError: if the optimizer is unknown.
    """
    if settings["optimizer"] not in OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {list(OPTIMIZERS)}. Received: {settings['optimizer']!r}")
    optimizer, own = OPTIMIZERS[settings["optimizer"]]
    return optimizer(settings["learning_rate"], **{name: settings[name] for name in own if name in settings})


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Build layers under a Keras dtype policy, then restore the one before."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class _EpochRecorder(keras.callbacks.Callback):
    """Sets the random state of each epoch; after it, keeps the best weights and writes checkpoint and history."""

    def __init__(self, request: dict[str, Any], sha256: str, folder: Path, state: State, keep_epochs: bool) -> None:
        super().__init__()
        self.request, self.sha256, self.folder, self.state, self.keep_epochs = (
            request,
            sha256,
            folder,
            state,
            keep_epochs,
        )
        if request["hyperparameters"]["kept_epoch"] not in KEPT_EPOCHS:
            received = request["hyperparameters"]["kept_epoch"]
            raise ValueError(f"kept_epoch must be one of {list(KEPT_EPOCHS)}. Received: {received!r}")

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        _seed_layers(self.model, self.request["seed"], epoch)
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        numbers = {name: float(value) for name, value in (logs or {}).items()}
        self.state.history.append({"epoch": epoch + 1, **numbers, "seconds": time.perf_counter() - self.started})
        if self._is_kept():
            self.state.kept = self.model.get_weights()
            self.state.kept_epoch = epoch + 1
        if self.keep_epochs:
            with atomic(self.folder / "epochs" / f"{epoch + 1:03d}.npz") as temporary:
                np.savez(temporary, *self.model.get_weights())
        save_checkpoint(self.folder / "checkpoint.npz", self.model, self.state, self.sha256)
        write_history(self.folder / "history.csv", pd.DataFrame(self.state.history))
        self._report()

    def _is_kept(self) -> bool:
        if self.request["hyperparameters"]["kept_epoch"] == "last":
            return True
        scores = [row["val_accuracy"] for row in self.state.history]
        return scores[-1] > max(scores[:-1], default=-1.0)

    def _report(self) -> None:
        done, epochs = len(self.state.history), self.request["epochs"]
        seconds = np.median([row["seconds"] for row in self.state.history])
        identity = (self.request["paper"], self.request["variant"], self.request["seed"])
        write_progress(Progress(*identity, done, epochs, float(seconds) * (epochs - done)))


def write_history(path: Path, history: pd.DataFrame) -> None:
    """Write one row per epoch as CSV, whole or not at all."""
    write_text(path, history.to_csv(index=False))


def _seed_layers(model: keras.Model, seed: int, epoch: int) -> None:
    """Give every random layer (dropout, augmentation) a state that depends on seed, place and epoch alone."""
    for place, generator in random_layers(model):
        generator.state.assign(np.random.SeedSequence([seed, place, epoch]).generate_state(2, np.uint32))


def _steps_at_once(steps: int, batch_size: int) -> int:
    """Steps run without going back to Python: of small batches the most, up to 32, that divide an epoch evenly."""
    if batch_size > SMALL_BATCH:
        return 1
    return max(count for count in range(1, 33) if steps % count == 0)


def _grouped(split: Split, request: dict[str, Any]) -> Split:
    if request["grouping"] is None:
        return split
    return replace(split, labels=GROUPINGS[request["grouping"]].labels(split.labels))


def _builder_options(request: dict[str, Any], train: Split) -> dict[str, Any]:
    """The request's options, and the mean of the training images where the builder takes one."""
    mean = {"mean": float(train.images.mean()) / 255} if "mean" in models.options_of(request["model"]) else {}
    return {**request["options"], **mean}


def _plain_model(name: str, options: dict[str, Any], weights: list[np.ndarray]) -> keras.Model:
    with dtype_policy("float32"):
        model = models.build(name, **options)
    model.set_weights(weights)
    return model
