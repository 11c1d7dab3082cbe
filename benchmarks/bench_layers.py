"""How fast our layers train beside Keras' own: forward and backward of one layer, in milliseconds.

    python benchmarks/bench_layers.py [--images 64] [--repeats 20]

Activations are (images, 44, 44, 64), in float32 and in bfloat16 under Keras' mixed policy. Keras' layer and ours take
turns, one call each, so that whatever else the machine does falls on both alike; medians are shown.
"""

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import fer_lib  # noqa: F401 - before Keras and TensorFlow, whose kernels it chooses

# isort: split
import keras
import tensorflow as tf
from measuring import take_turns

from fer_lib.layers import CompiledPReLU, FusedBatchNormalization, MatmulConv2D, MatmulSeparableConv2D

HEIGHT, WIDTH, CHANNELS = 44, 44, 64
PRECISIONS = {"float32": "float32", "mixed_bfloat16": "bfloat16"}
"""Dtype policy of a layer -> dtype of the activations that reach it."""


def make_step(layer: keras.layers.Layer, dtype: str, images: int) -> Callable[[], None]:
    """Compile forward and backward of a layer on fixed activations; tracing is done here.

    Args:
        layer: an unbuilt Keras layer.
        dtype: dtype of the activations.
        images: activations in a batch.
    """
    inputs = tf.cast(tf.random.stateless_normal((images, HEIGHT, WIDTH, CHANNELS), seed=(0, 0)), dtype)
    layer.build(inputs.shape)
    above = tf.cast(tf.random.stateless_normal(layer(inputs).shape, seed=(0, 1)), dtype)

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True) if layer.trainable_variables else layer(inputs)
        return tape.gradient(outputs, [inputs, *(variable.value for variable in layer.trainable_variables)], above)

    def run() -> None:
        step()[0].numpy()  # waits for the result

    run()
    return run


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table.

    Args:
        arguments: those of the command line, unless given.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=64, help="activations in a batch")
    parser.add_argument("--repeats", type=int, default=20, help="calls that a median is of")
    options = parser.parse_args(arguments)

    kept = {"filters": CHANNELS, "padding": "same", "use_bias": False}
    pairs = [
        ("batch normalisation", keras.layers.BatchNormalization, FusedBatchNormalization),
        ("PReLU, a slope per position", keras.layers.PReLU, CompiledPReLU),
        *(
            (
                f"1x1 convolution, strides of {strides}",
                *(
                    partial(kind, kernel_size=1, strides=strides, **kept)
                    for kind in (keras.layers.Conv2D, MatmulConv2D)
                ),
            )
            for strides in (1, 2)
        ),
        (
            "separable convolution",
            *(partial(kind, kernel_size=3, **kept) for kind in (keras.layers.SeparableConv2D, MatmulSeparableConv2D)),
        ),
    ]
    shape = (options.images, HEIGHT, WIDTH, CHANNELS)
    print(f"forward and backward of {shape}, ms, median of {options.repeats}")
    print(f"{'':<44}{'Keras':>8}{'ours':>8}{'Keras/ours':>12}")
    for name, *kinds in pairs:
        for policy, dtype in PRECISIONS.items():
            steps = [make_step(kind(dtype=policy), dtype, options.images) for kind in kinds]
            turns = take_turns(steps, options.repeats)
            theirs, ours = (statistics.median(passed for passed, _ in times) for times in turns)
            print(f"{f'{name}, {policy}':<44}{theirs:>8.1f}{ours:>8.1f}{theirs / ours:>12.2f}")


if __name__ == "__main__":
    main()
