"""How fast model A of Liu et al. (2019) trains here beside plain Keras, and what each step from plain to ours gives.

    python benchmarks/bench_separable.py [--images 2560] [--rounds 2] [--breakdown]
    python benchmarks/bench_separable.py --turns 20

Every measurement is a fresh process on random images, batches of 64, AdaMax 0.01; the ways take turns, so that whatever
else the machine does falls on all alike. Speeds count from the second epoch on; shown is each way's best round, and
below where a step of ours spends its time. Augmentation and centre loss, which a training has too, are left out. On a
machine that is busy, --turns is the better measure: bare steps in the machine's precision, one after the other in one
process, and the processor time they take beside the time that passes.

What else was tried, and what it gives, is measured by bench_tried.py.
"""

import argparse
import json
import os
import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import profile_step
from measuring import beside_target, take_turns
from speeds import FER2013_IMAGES, QUANTISED, images_per_second, make_images, measure_apart

if TYPE_CHECKING:  # TensorFlow is for the measuring processes alone
    import keras

BATCH_SIZE, LEARNING_RATE = 64, 0.01
ARRAYS, TF_DATA, BFLOAT16, FUSED, COMPILED, MATMUL, OURS = WAYS = (
    "model.fit(arrays), float32",
    "tf.data without its autotuner, float32",
    "+ precision auto",
    "+ fused batch normalisation",
    "+ compiled PReLU",
    "+ separable and 1x1 convolutions of ours",
    "ours (+ fused AdaMax)",
)
LEAST_RATIO = 1.46
"""Target: ours over the fused batch normalisation alone, 350 against 240 images/s."""


def make_network(way: str) -> "keras.Model":
    """Model A as published, compiled as the way has it."""
    import keras

    from fer_lib import models
    from fer_lib.fitting import dtype_policy, make_optimizer
    from fer_lib.hardware import resolve_precision
    from fer_lib.layers import FAST_LAYERS, CompiledPReLU, FusedBatchNormalization, with_fast_kernels

    keras.utils.set_random_seed(0)
    fused = {keras.layers.BatchNormalization: FusedBatchNormalization}
    compiled = {**fused, keras.layers.PReLU: CompiledPReLU}
    swapped = {FUSED: fused, COMPILED: compiled, MATMUL: FAST_LAYERS, OURS: FAST_LAYERS}
    precision = "float32" if way in (ARRAYS, TF_DATA) else resolve_precision("auto")
    with dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32"):
        model = models.build("separable")
        if way in swapped:
            model = with_fast_kernels(model, swapped[way])
    jit_compile: Any = "auto" if way in (ARRAYS, TF_DATA) else False  # as Keras has it, and as we have it
    own = {"optimizer": "adamax", "learning_rate": LEARNING_RATE}
    optimizer = make_optimizer(own) if way == OURS else keras.optimizers.Adamax(LEARNING_RATE)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=jit_compile)
    return model


def print_speeds(ways: tuple[str, ...], count: int, rounds: int) -> None:
    """Measure the ways in turns and print their speeds."""
    measured = [{way: measure_apart(__file__, way, count) for way in ways} for _ in range(rounds)]
    speeds = {way: max(speeds[way] for speeds in measured) for way in ways}
    print(f"model A, batches of {BATCH_SIZE}, {count:,} images an epoch; best of {rounds}")
    print(f"{'':<42}{'images/s':>9}{'ratio':>8}{'to fused':>10}")
    for way, speed in speeds.items():
        print(f"{way:<42}{speed:>9,.0f}{speed / speeds[ARRAYS]:>8.2f}{speed / speeds[FUSED]:>10.2f}")
    print(beside_target("ours to fused", speeds[OURS] / speeds[FUSED], LEAST_RATIO, at_least=True))
    if count < FER2013_IMAGES:
        print(QUANTISED)


def print_turns(turns: int) -> None:
    """Take bare steps in turns in this process, and print the medians and what their ratios are."""
    ways = (BFLOAT16, FUSED, COMPILED, MATMUL, OURS)
    steps = {way: _make_step(way) for way in ways}
    taken = take_turns(list(steps.values()), turns)
    passed = {way: [milliseconds for milliseconds, _ in times] for way, times in zip(ways, taken, strict=True)}
    used = {way: [milliseconds for _, milliseconds in times] for way, times in zip(ways, taken, strict=True)}
    print(f"bare steps of {BATCH_SIZE} images, median of {turns}; ratios are of each turn's, median")
    print(f"{'':<42}{'ms':>8}{'to fused':>10}{'processor ms':>14}{'to fused':>10}")
    to_fused = {}
    for way in ways:
        columns = []
        for times in (passed, used):
            ratio = statistics.median(fused / own for fused, own in zip(times[FUSED], times[way], strict=True))
            columns += [statistics.median(times[way]), ratio]
        to_fused[way] = columns[-1]
        print("{:<42}{:>8.0f}{:>10.2f}{:>14.0f}{:>10.2f}".format(way, *columns))
    print(beside_target("processor time of fused to ours", to_fused[OURS], LEAST_RATIO, at_least=True))


def _make_step(way: str) -> Callable[[], None]:
    """A step of a way on a batch that is ready in memory; tracing is done here."""
    import tensorflow as tf

    model, split = make_network(way), make_images(BATCH_SIZE)
    images, labels = tf.constant(split.images, tf.float32) / 255.0, tf.constant(split.labels)
    model.train_on_batch(images, labels)  # makes the variables of optimizer and metrics
    compiled = tf.function(model.train_step)

    def step() -> None:
        compiled((images, labels))
        model.optimizer.iterations.numpy()  # waits for the end

    step()
    return step


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the tables.

    Args:
        arguments: those of the command line, unless given.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2560, help=f"images of an epoch ({FER2013_IMAGES} to quote)")
    parser.add_argument("--rounds", type=int, default=2, help="processes per way")
    parser.add_argument("--breakdown", action="store_true", help="also show what each step from plain to ours gives")
    parser.add_argument("--turns", type=int, help="instead, take so many bare steps of each way in turns")
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if options.measure:
        network = make_network(options.measure)
        print(json.dumps(images_per_second(network, options.images, BATCH_SIZE, arrays=options.measure == ARRAYS)))
    elif options.turns:
        print_turns(options.turns)
    else:
        print_speeds(
            WAYS if options.breakdown else (ARRAYS, FUSED, COMPILED, MATMUL, OURS), options.images, options.rounds
        )
        print()
        profile_step.main(["separable"])


if __name__ == "__main__":
    main()
