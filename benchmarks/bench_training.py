"""How fast the light VGG trains here beside plain Keras, and how much of an epoch is not the model's own steps.

    python benchmarks/bench_training.py [--images 5120] [--rounds 2] [--breakdown]

Every measurement is a fresh process on random images; the ways take turns, so that whatever else the machine does falls
on all alike. Speeds count from the second epoch on, so that tracing is left out. Shown are each way's best round, and
the median share of an epoch that is not the model's own steps, of a training as published: its batches of 32, and the
weights of every epoch kept.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from measuring import beside_target
from speeds import FER2013_IMAGES, QUANTISED, images_per_second, make_images, measure_apart

if TYPE_CHECKING:  # TensorFlow is for the measuring processes alone
    import keras

    from fer_lib.datasets import Split
    from fer_lib.progress import Progress

PAPER, VARIANT, BATCH_SIZE, LEARNING_RATE = "shi_light_vgg", "light_vgg", 128, 1e-3
OVERHEAD_EPOCHS = 4
"""Of a measurement; the first is not counted."""

ARRAYS, TF_DATA, BFLOAT16, OURS = WAYS = (
    "model.fit(arrays), float32",
    "tf.data without its autotuner, float32",
    "+ precision auto",
    "ours (+ fast layers, fused Adam)",
)
OVERHEAD = "overhead"
LEAST_RATIO, MOST_OVERHEAD = 3, 0.05
"""Targets: of ours over plain Keras, and of the share of an epoch outside the model's own steps."""


def make_network(way: str) -> "keras.Model":
    """The light VGG as published, compiled as the way has it."""
    import keras

    from fer_lib import models
    from fer_lib.fitting import dtype_policy, make_optimizer
    from fer_lib.hardware import resolve_precision
    from fer_lib.layers import with_fast_kernels

    precision = "float32" if way in (ARRAYS, TF_DATA) else resolve_precision("auto")
    with dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32"):
        model = models.build("light_vgg")
        if way == OURS:
            model = with_fast_kernels(model)
    jit_compile: Any = "auto" if way in (ARRAYS, TF_DATA) else False  # as Keras has it, and as we have it
    loss = "sparse_categorical_crossentropy"
    own = {"optimizer": "adam", "learning_rate": LEARNING_RATE}
    optimizer = make_optimizer(own) if way == OURS else keras.optimizers.Adam(LEARNING_RATE)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=jit_compile)
    return model


def measure_overhead(count: int) -> float:
    """Share of an epoch that is not the model's own steps.

    `fit_network` trains as in a run (input pipeline, callbacks, checkpoint, history, progress). Between its epochs the
    same number of bare steps is timed, of a network like it, on batches that are ready in memory. The time of
    validation, which is the model's own too, is taken off the epochs. The first epoch is left out.
    """
    import keras

    from fer_lib import fitting, papers, recorder
    from fer_lib.datasets import FerDataset
    from fer_lib.hardware import resolve_precision
    from fer_lib.request import make_request

    train, few = make_images(count), make_images(BATCH_SIZE, seed=1)
    data = FerDataset(train, few, few, source="random images", sha256="random", is_sample=True)
    card = papers.load(PAPER)
    request = make_request(card, VARIANT, 0, "paper", data, epochs=OVERHEAD_EPOCHS)
    clock = _Clock(train, request["hyperparameters"]["batch_size"])
    keep_epochs = card.variants[VARIANT].keep_epochs
    evaluate = keras.Model.evaluate
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(keras.Model, "evaluate", lambda *given, **named: clock.off(evaluate, *given, **named)),
        mock.patch.object(recorder, "write_progress", clock.end_epoch),  # what a run does last in an epoch
    ):
        precision = resolve_precision("auto")
        fitting.fit_network(request, "hash", data, Path(folder), precision=precision, keep_epochs=keep_epochs)
    epochs, bare = sum(clock.epochs[1:]), sum(clock.bare[1:])
    return (epochs - bare) / epochs


class _Clock:
    """Times the epochs of a training, and after each one as many bare steps."""

    def __init__(self, train: "Split", batch_size: int) -> None:
        self.epochs: list[float] = []
        self.bare: list[float] = []
        self._take_bare_steps = _make_bare_steps(train, batch_size)
        self._take_bare_steps()  # traces
        self._off = 0.0
        self._started = time.perf_counter()

    def off(self, function: Any, *arguments: Any, **options: Any) -> Any:
        """Call a function whose time does not count."""
        started = time.perf_counter()
        result = function(*arguments, **options)
        self._off += time.perf_counter() - started
        return result

    def end_epoch(self, progress: "Progress") -> None:
        """Note the epoch that ends, time the bare steps, and start the next."""
        if progress.epoch == 0:  # told before the first one
            return
        ended = time.perf_counter()
        self.epochs.append(ended - self._started - self._off)
        self._take_bare_steps()
        self._off, self._started = 0.0, time.perf_counter()
        self.bare.append(self._started - ended)


def _make_bare_steps(split: "Split", batch_size: int) -> Callable[[], None]:
    """Function that takes an epoch's steps, the last partial one included, on batches that are ready in memory."""
    import tensorflow as tf

    model = make_network(OURS)
    images = tf.constant(split.images[:batch_size], tf.float32) / 255.0
    labels = tf.constant(split.labels[:batch_size])
    model.train_on_batch(images, labels)  # makes the variables of optimizer and metrics
    step = tf.function(model.train_step)
    whole, rest = divmod(len(split), batch_size)

    def take() -> None:
        for _ in range(whole):
            step((images, labels))
        if rest:
            step((images[:rest], labels[:rest]))
        model.optimizer.iterations.numpy()  # waits for the last step

    return take


def _measure(what: str, count: int) -> float:
    """Images per second of a way, or the share of overhead; for a process of its own."""
    if what == OVERHEAD:
        return measure_overhead(count)
    return images_per_second(make_network(what), count, BATCH_SIZE, arrays=what == ARRAYS)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the tables.

    Args:
        arguments: those of the command line, unless given.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5120, help=f"images of an epoch ({FER2013_IMAGES} to quote)")
    parser.add_argument("--rounds", type=int, default=2, help="processes per way")
    parser.add_argument("--breakdown", action="store_true", help="also show what each step from plain to ours gives")
    parser.add_argument("--measure", choices=[*WAYS, OVERHEAD], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(_measure(options.measure, options.images)))
        return
    ways = WAYS if options.breakdown else (ARRAYS, TF_DATA, OURS)
    rounds = [
        {what: measure_apart(__file__, what, options.images) for what in (*ways, OVERHEAD)}
        for _ in range(options.rounds)
    ]
    speeds = {way: max(measured[way] for measured in rounds) for way in ways}
    print(f"light VGG, speeds in batches of {BATCH_SIZE}, {options.images:,} images an epoch; best of {options.rounds}")
    print(f"{'':<42}{'images/s':>9}{'ratio':>8}")
    for way, speed in speeds.items():
        print(f"{way:<42}{speed:>9,.0f}{speed / speeds[ARRAYS]:>8.2f}")
    overhead = statistics.median(measured[OVERHEAD] for measured in rounds)
    print(f"as published, outside the model's own steps: {overhead:.1%} of an epoch, median of {options.rounds}")
    plain = max(speeds[ARRAYS], speeds[TF_DATA])  # not the autotuner's stall
    print(beside_target("ratio of ours to the faster plain way", speeds[OURS] / plain, LEAST_RATIO, at_least=True))
    print(beside_target("share outside the steps", overhead, MOST_OVERHEAD))
    if options.images < FER2013_IMAGES:
        print(QUANTISED)


if __name__ == "__main__":
    main()
