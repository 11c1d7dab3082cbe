"""Train SRGAN on pairs made by shrinking: pixels first, then against the discriminator; on from there after a kill."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from fer_lib.fitting import dtype_policy
from fer_lib.histories import write_history
from fer_lib.layers import with_fast_kernels
from fer_lib.models.srgan import build_srgan_discriminator, build_srgan_generator, unclipped
from fer_lib.pipeline import steps_per_epoch
from fer_lib.recorder import TrainingDiverged
from fer_lib.super_resolution.adversarial import (
    Content,
    Players,
    Step,
    make_adversarial_step,
    make_players,
    make_warm_up_step,
)
from fer_lib.super_resolution.applying import apply_generator
from fer_lib.super_resolution.batches import pair_batches
from fer_lib.super_resolution.content import feature_power, with_precision
from fer_lib.super_resolution.pairs import shrink
from fer_lib.super_resolution.progress import restore_progress, save_progress
from fer_lib.super_resolution.quality import psnr

WARM_UP, ADVERSARIAL = "warm_up", "adversarial"

LOSSES = ("pixel_loss", "content_loss", "adversarial_loss", "discriminator_loss", "discriminator_accuracy")

COLUMNS = ("epoch", "phase", *LOSSES, "val_psnr", "seconds")
"""Of the history; what a phase does not have is missing."""

Row = dict[str, Any]


def train_srgan(
    train: np.ndarray,
    validation: np.ndarray,
    settings: Mapping[str, Any],
    folder: Path,
    seed: int,
    sha256: str,
    content: keras.Model | None,
    precision: str,
    on_epoch: Callable[[Row], None] | None = None,
    *,
    deterministic: bool = False,
) -> tuple[keras.Model, pd.DataFrame]:
    """Train a generator that doubles faces, going on from the checkpoint in `folder` where there is one.

    The order of the images is a function of seed and epoch. The generator of the last epoch is kept: no number of
    validation images could choose one, for adversarial training gives up PSNR for detail, so that the best PSNR is
    always the warm-up's.

    Args:
        train: uint8 (n, h, w, c), sides divisible by 2; large images, from which the small ones are made.
        validation: uint8 (m, h, w, c); they are measured after each epoch and choose nothing.
        settings: `optimizer`, where it is said, "adam"; `epochs` in all and how many of them are `warm_up_epochs`;
            `batch_size`, `learning_rate` of the warm-up and `adversarial_learning_rate` of both networks after it
            (Ledig et al.: 16, 1e-4 with Adam for 10^6 steps on pixels, then 1e-4 for 10^5 steps and 1e-5 for as many
            more); `pixel_weight`, above 0, `content_weight`, of the content loss over the mean square of its features,
            and `adversarial_weight` (Ledig et al.: no pixel loss, 1 of features scaled by 1 / 12.75, and 1e-3);
            `filters` and `blocks` of the generator, `discriminator_filters`, whose dense layer is 16 times as wide.
        folder: history.csv and checkpoint.npz are written there after every epoch.
        seed: of weights and order.
        sha256: hash of the request; a checkpoint of another request is not used.
        content: network of the content loss, from images (n, h, w, c) to features; None for pixels and discriminator
            alone, with a `content_weight` of 0.
        precision: `bfloat16` (mixed, weights in float32) or `float32`.
        on_epoch: called after each epoch with its row.
        deterministic: the same weights, bit for bit, each time on the same machine, interrupted or not; slower.

    Returns:
        The generator of the last epoch (plain Keras layers, float32, any size) and the history: a row per epoch with
        `COLUMNS`; losses are means over the epoch, `val_psnr` in decibels, blank images left out.

    Raises:
        ValueError: if images or settings are not as stated.
        TrainingDiverged: if a loss is no longer a number.
    """
    _check(train, validation, settings, content)
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    players = _make_players(train, settings, precision)
    history = restore_progress(folder / "checkpoint.npz", players.variables(), sha256)
    if history:
        write_history(folder / "history.csv", _table(history))  # a kill may have come before the last row
    if len(history) < settings["epochs"]:
        measured = _make_content(content, train, precision) if settings["content_weight"] else None
        steps = {
            WARM_UP: make_warm_up_step(players, settings),
            ADVERSARIAL: make_adversarial_step(players, measured, settings),
        }
        batches = pair_batches(shrink(train), train, settings["batch_size"], seed, first_epoch=len(history))
        count = steps_per_epoch(len(train), settings["batch_size"])
        for epoch in range(len(history) + 1, settings["epochs"] + 1):
            phase = WARM_UP if epoch <= settings["warm_up_epochs"] else ADVERSARIAL
            rate = settings["learning_rate" if phase == WARM_UP else "adversarial_learning_rate"]
            players.generator_optimizer.learning_rate = rate
            started = time.perf_counter()
            losses = _run_epoch(steps[phase], batches, count)
            row = {"epoch": epoch, "phase": phase, **losses, "val_psnr": _mean_psnr(players.generator, validation)}
            history.append({**row, "seconds": time.perf_counter() - started})
            if not np.isfinite(list(losses.values())).all():
                raise TrainingDiverged(folder, row)
            save_progress(folder / "checkpoint.npz", players.variables(), history, sha256)
            write_history(folder / "history.csv", _table(history))
            if on_epoch is not None:
                on_epoch(history[-1])
    return _plain_generator(players, train, settings), _table(history)


def _make_players(train: np.ndarray, settings: Mapping[str, Any], precision: str) -> Players:
    with dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32"):
        generator = _build_generator(train, settings)
        width = settings["discriminator_filters"]
        discriminator = build_srgan_discriminator(train.shape[1:], filters=width, dense_units=16 * width)
        networks = with_fast_kernels(unclipped(generator)), with_fast_kernels(discriminator)
    return make_players(*networks, settings)


def _build_generator(train: np.ndarray, settings: Mapping[str, Any]) -> keras.Model:
    shape = (None, None, train.shape[-1])
    return build_srgan_generator(shape, filters=settings["filters"], blocks=settings["blocks"])


def _plain_generator(players: Players, train: np.ndarray, settings: Mapping[str, Any]) -> keras.Model:
    with dtype_policy("float32"):
        generator = _build_generator(train, settings)
    generator.set_weights(players.generator.get_weights())
    return generator


def _make_content(content: keras.Model | None, train: np.ndarray, precision: str) -> Content:
    assert content is not None
    network = with_precision(content, precision)
    return Content(network, feature_power(network, train))


def _run_epoch(step: Step, batches: Iterator[tuple[tf.Tensor, tf.Tensor]], count: int) -> dict[str, float]:
    """Mean of each loss over the images of an epoch."""
    totals: dict[str, float] = {}
    images = 0
    for _ in range(count):
        small, large = next(batches)
        size = int(small.shape[0])
        images += size
        for name, loss in step(small, large).items():
            totals[name] = totals.get(name, 0.0) + size * float(loss)
    return {name: total / images for name, total in totals.items()}


def _mean_psnr(generator: keras.Model, images: np.ndarray) -> float:
    values = psnr(apply_generator(generator, shrink(images)), images)
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _table(history: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(history, columns=list(COLUMNS))


def _check(train: np.ndarray, validation: np.ndarray, settings: Mapping[str, Any], content: keras.Model | None) -> None:
    if not len(train) or not len(validation) or train.shape[1:] != validation.shape[1:]:
        received = f"{train.shape} and {validation.shape}"
        raise ValueError(f"train and validation must hold images of one shape. Received: {received}")
    if not 0 <= settings["warm_up_epochs"] <= settings["epochs"] or settings["epochs"] < 1:
        received = f"warm_up_epochs={settings['warm_up_epochs']}, epochs={settings['epochs']}"
        raise ValueError(f"epochs must be at least 1, warm_up_epochs at most as many. Received: {received}")
    if settings.get("optimizer", "adam") != "adam":
        raise ValueError(f"optimizer of SRGAN must be 'adam'. Received: {settings['optimizer']!r}")
    if not settings["pixel_weight"] > 0:
        raise ValueError(f"pixel_weight must be above 0. Received: {settings['pixel_weight']!r}")
    if settings["content_weight"] and content is None:
        raise ValueError(f"a content_weight needs a content network. Received: {settings['content_weight']!r}, None")
