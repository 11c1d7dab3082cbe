"""Seconds per epoch of two networks, measured in turns on one machine, so that their ratio means something."""

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from fer_lib import models, pipeline
from fer_lib.datasets import Split
from fer_lib.fitting import dtype_policy, make_optimizer
from fer_lib.layers import with_fast_kernels

ROUNDS = 5


def compare_speed(
    network: str, options: dict[str, Any], reference: str, train: Split, settings: dict[str, Any], precision: str
) -> dict[str, float]:
    """Train two networks in turns, a batch at a time.

    Args:
        network: the model timed, by name.
        options: arguments of its builder.
        reference: the model it is set beside, by name, with its builder's defaults.
        train: images to train on.
        settings: optimizer and batch size, for both.
        precision: `bfloat16` or `float32`, for both.

    Returns:
        `seconds_per_epoch` and `reference_seconds_per_epoch` (medians over rounds, scaled to `train`), and
        `ratio_to_reference`, the first over the second.
    """
    builds: tuple[tuple[str, dict[str, Any]], ...] = ((network, options), (reference, {}))
    trainers = [_trainer(name, arguments, train, settings, precision) for name, arguments in builds]
    seconds: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for times, trainer in zip(seconds, trainers, strict=True):
            started = time.perf_counter()
            trainer()
            times.append(time.perf_counter() - started)
    steps = len(train) / min(settings["batch_size"], len(train))
    own, other = (float(np.median(times)) * steps for times in seconds)
    return {"seconds_per_epoch": own, "reference_seconds_per_epoch": other, "ratio_to_reference": own / other}


def _trainer(
    name: str, options: dict[str, Any], train: Split, settings: dict[str, Any], precision: str
) -> Callable[[], None]:
    """Compile a network and give a function that trains it on the next full batch; tracing is done here."""
    with dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32"):
        model: keras.Model = with_fast_kernels(models.build(name, **options))
    model.compile(make_optimizer(settings), "sparse_categorical_crossentropy", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    batches = iter(pipeline.training_batches(train, min(settings["batch_size"], len(train)), seed=0))

    def run() -> None:
        model.train_on_batch(*next(batches))

    run()
    return run
