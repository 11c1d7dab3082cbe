"""Seconds per epoch of two networks, measured in turns on one machine, so that their ratio means something."""

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from fer_lib import models, pipeline
from fer_lib.bootstrap import RESAMPLES, percentile_interval
from fer_lib.datasets import Split
from fer_lib.fitting import dtype_policy, make_optimizer
from fer_lib.intervals import Interval
from fer_lib.layers import with_fast_kernels

LEAST_ROUNDS, MOST_ROUNDS = 5, 100
"""Steps of each network that are timed: a tenth of an epoch's, within these."""


def compare_speed(
    network: str, options: dict[str, Any], reference: str, train: Split, settings: dict[str, Any], precision: str
) -> dict[str, Any]:
    """Train two networks in turns, a full batch at a time.

    Args:
        network: the model timed, by name.
        options: arguments of its builder.
        reference: the model it is set beside, by name, with its builder's defaults.
        train: images to train on.
        settings: optimizer and batch size, for both.
        precision: `bfloat16` or `float32`, for both.

    Returns:
        `seconds_per_epoch` and `reference_seconds_per_epoch` (medians over `rounds` steps, scaled to `train`),
        `ratio_to_reference`, the first over the second, with the ends of its interval (`..._low` and `..._high`), and
        `interval`, how that was made.
    """
    builds: tuple[tuple[str, dict[str, Any]], ...] = ((network, options), (reference, {}))
    trainers = [_trainer(name, arguments, train, settings, precision) for name, arguments in builds]
    steps = len(train) / min(settings["batch_size"], len(train))
    rounds = min(max(int(steps / 10), LEAST_ROUNDS), MOST_ROUNDS)
    seconds = np.array([[_seconds(trainer) for trainer in trainers] for _ in range(rounds)])
    own, other = (float(median) * steps for median in np.median(seconds, axis=0))
    low, high = medians_ratio_interval(seconds)
    return {
        "seconds_per_epoch": own,
        "reference_seconds_per_epoch": other,
        "ratio_to_reference": own / other,
        "ratio_to_reference_low": low,
        "ratio_to_reference_high": high,
        "interval": "bootstrap 95 %",
        "rounds": rounds,
    }


def medians_ratio_interval(seconds: np.ndarray) -> Interval:
    """Percentile bootstrap interval of a median over another, of times taken in turns.

    Args:
        seconds: float (rounds, 2), of each round the time that is divided and the one that divides it; at least one
            round, all above zero.

    Returns:
        Ends of the 95 % interval (Efron and Tibshirani 1993, section 13.3). Rounds are drawn whole: what slows the
        machine for a while slows both.
    """
    drawn = np.random.default_rng(0).integers(len(seconds), size=(RESAMPLES, len(seconds)))
    medians = np.median(seconds[drawn], axis=1)  # (resamples, 2)
    return percentile_interval(medians[:, 0] / medians[:, 1])


def _seconds(trainer: Callable[[], None]) -> float:
    started = time.perf_counter()
    trainer()
    return time.perf_counter() - started


def _trainer(
    name: str, options: dict[str, Any], train: Split, settings: dict[str, Any], precision: str
) -> Callable[[], None]:
    """Compile a network and give a function that trains it on the next full batch; tracing is done here.

    The shorter batch at the end of an epoch is passed over: it would be traced anew, within the time that is taken.
    """
    with dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32"):
        model: keras.Model = with_fast_kernels(models.build(name, **options))
    model.compile(make_optimizer(settings), "sparse_categorical_crossentropy", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    size = min(settings["batch_size"], len(train))
    batches = (batch for batch in pipeline.training_batches(train, size, seed=0) if len(batch[1]) == size)

    def run() -> None:
        model.train_on_batch(*next(batches))

    run()
    return run
