"""Fit a network: precision, seeds, an epoch at a time on disk, and on from there after a kill."""

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
from fer_lib.augmentation_layers import with_augmentation
from fer_lib.checkpoint import read_history, restore_checkpoint
from fer_lib.datasets import FerDataset, Split
from fer_lib.labels import GROUPINGS
from fer_lib.layers import FAST_LAYERS, CompiledPReLU, with_fast_kernels
from fer_lib.losses import with_centre_loss
from fer_lib.models.weights import transfer_weights
from fer_lib.optimizers import FusedAdam, FusedAdamax
from fer_lib.recorder import EpochRecorder
from fer_lib.unfreezing import Phase, open_blocks, plan_phases

OPTIMIZERS: dict[str, tuple[type[keras.optimizers.Optimizer], tuple[str, ...]]] = {
    "adam": (FusedAdam, ("beta_1", "beta_2")),
    "adamax": (FusedAdamax, ("beta_1", "beta_2")),
    "sgd": (keras.optimizers.SGD, ("momentum",)),
}
"""Optimizers by name, and which hyper-parameters each takes beside the learning rate."""

SMALL_BATCH = 16
"""Up to this many images the cost of starting a step shows: several steps are then run at once."""

FEW_STEPS = 1000
"""Fewer steps do not win back the half minute that compiling every PReLU of model A takes."""


@dataclass(frozen=True)
class Fitted:
    """A trained network.

    Attributes:
        model: plain Keras layers in float32, with the weights of the kept epoch.
        history: one row per epoch.
        kept_epoch: the epoch kept, from 1; 0 where none could be, as the first was no number: the weights are then its.
    """

    model: keras.Model
    history: pd.DataFrame
    kept_epoch: int


def fit_network(
    request: dict[str, Any],
    sha256: str,
    data: FerDataset,
    folder: Path,
    *,
    precision: str,
    keep_epochs: bool = False,
    start: keras.Model | None = None,
) -> Fitted:
    """Train the network that `request` describes, going on from the checkpoint in `folder` where there is one.

    Only the training and the validation split are touched. The random state of an epoch (order of the images, dropout,
    augmentation) is a function of the seed and the epoch alone, so a resumed run draws what it would have drawn. Phases
    follow each other (`unfreezing.plan_phases`), each with an optimizer of its own, from the weights of the epoch that
    the one before it kept; a phase ends with its epochs, or earlier where it was patient enough.

    Args:
        request: what determines the run, as `config.json` holds it.
        sha256: hash of the request; a checkpoint of another request is not used.
        data: training and validation splits.
        folder: the run folder; history.csv and checkpoint.npz are written there after every epoch.
        precision: `bfloat16` (mixed, weights in float32) or `float32`.
        keep_epochs: also write the weights of every epoch to `epochs/<epoch>.npz`.
        start: a trained network whose base's weights this one starts from.

    Returns:
        The model with the kept epoch's weights, and its history.
    """
    settings = request["hyperparameters"]
    options = _builder_options(request, data.train)
    keras.utils.set_random_seed(request["seed"])
    if request["deterministic"]:
        tf.config.experimental.enable_op_determinism()
    with dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32"):
        network = models.build(request["model"], **options)
        if start is not None:
            transfer_weights(start, network)
        network = with_fast_kernels(network, _paying_layers(settings, len(data.train)))
        model = with_augmentation(network, settings)
        if settings.get("centre_weight"):
            classes = network.output_shape[-1]
            model = with_centre_loss(model, settings["centre_weight"], settings["centre_rate"], classes)
    phases = _phases(network, settings)
    reached = read_history(folder / "checkpoint.npz", sha256)
    first = int(reached[-1].get("phase", 1)) - 1 if reached else 0
    _compile(model, network, phases[first], settings, len(data.train))
    state = restore_checkpoint(folder / "checkpoint.npz", model, sha256)
    recorder = EpochRecorder(request, sha256, folder, state, phases, keep_epochs)
    for number in range(first, len(phases)):
        recorder.phase = number
        if number > first:
            if not state.kept:
                break  # the phase before it diverged at once
            model.set_weights(state.kept)  # a phase goes on from the epoch that the one before it kept
            _compile(model, network, phases[number], settings, len(data.train))
        if not recorder.is_over():
            _fit_phase(model, request, data, recorder)
    kept = (state.kept or model.get_weights())[: len(network.weights)]  # centres of a centre loss come last
    return Fitted(_plain_model(request["model"], options, kept), pd.DataFrame(state.history), state.kept_epoch)


def _paying_layers(settings: dict[str, Any], images: int) -> dict[type[keras.layers.Layer], type[keras.layers.Layer]]:
    """The fast layers, without those that are compiled for each shape where the training is too short for it."""
    steps = settings["epochs"] * pipeline.steps_per_epoch(images, settings["batch_size"])
    return {plain: fast for plain, fast in FAST_LAYERS.items() if steps >= FEW_STEPS or fast is not CompiledPReLU}


def _phases(network: keras.Model, settings: dict[str, Any]) -> list[Phase]:
    """Those of the schedule; where the paper has none, one that leaves `trainable` as the builder has it."""
    if "schedule" in settings:
        return plan_phases(settings["schedule"], settings, network)
    return [Phase("all", 0, settings["epochs"], settings["learning_rate"])]


def _compile(model: keras.Model, network: keras.Model, phase: Phase, settings: dict[str, Any], images: int) -> None:
    """Freeze as the phase says, with an optimizer of its own; `model` is `network`, or augments before it."""
    if phase.open_blocks:
        open_blocks(network, phase.open_blocks, settings["frozen_batch_norm"])
    steps = pipeline.steps_per_epoch(images, settings["batch_size"])
    model.compile(
        make_optimizer({**settings, "learning_rate": phase.learning_rate}),
        "sparse_categorical_crossentropy",
        metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
        jit_compile=False,
        steps_per_execution=_steps_at_once(steps, settings["batch_size"]),
    )
    model.optimizer.build(model.trainable_variables)  # a step that makes variables would be traced a second time


def _fit_phase(model: keras.Model, request: dict[str, Any], data: FerDataset, recorder: EpochRecorder) -> None:
    """Train to the end of the recorder's phase."""
    batch_size, done = request["hyperparameters"]["batch_size"], len(recorder.state.history)
    train, validation = _grouped(data.train, request), _grouped(data.validation, request)
    model.fit(
        pipeline.training_batches(train, batch_size, request["seed"], first_epoch=done),
        steps_per_epoch=pipeline.steps_per_epoch(len(train), batch_size),
        validation_data=pipeline.evaluation_batches(validation.images, validation.labels) if validation else None,
        initial_epoch=done,
        epochs=done + recorder.epochs_left(),
        callbacks=[recorder],
        shuffle=False,
        verbose=0,
    )


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
    from_scratch = {"weights": "none"} if "weights" in options else {}
    with dtype_policy("float32"):
        model = models.build(name, **{**options, **from_scratch})
    model.set_weights(weights)
    return model
