"""What was tried to train model A of Liu et al. (2019) faster, beside what is used: forward and backward of one part.

    python benchmarks/bench_tried.py [--images 64] [--repeats 20]

Shapes are those of model A, from its first blocks to its middle; the precision is what a training here would have. What
is used and what was tried take turns, one call each, so that whatever else the machine does falls on both alike; shown
are medians of the time that passes, and of the processor time of both. That both compute the same is checked before
anything is measured. What a part gains counts by its share of a step, which profile_step.py shows.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import fer_lib  # noqa: F401 - before Keras and TensorFlow, whose kernels it chooses

# isort: split
import keras
import numpy as np
import tensorflow as tf
from measuring import take_turns

from fer_lib.fitting import dtype_policy
from fer_lib.hardware import resolve_precision
from fer_lib.layers import CompiledPReLU, FusedBatchNormalization, MatmulConv2D, convolve_channels

Computed = Callable[[tf.Tensor], tf.Tensor]
TOLERANCES = {"float32": 2e-3, "bfloat16": 0.1}
"""Largest difference of two ways in norm, over the norm: of a part's outputs, and of each of its gradients."""


@dataclass(frozen=True)
class Trial:
    """One part of the network as it is used and as it was tried, both on the same weights.

    Attributes:
        name: the part, and what was tried.
        shape: of an image's activations, (h, w, c).
        weights: what both compute with.
        used: activations (n, h, w, c) -> outputs.
        tried: the same by other means.
    """

    name: str
    shape: tuple[int, int, int]
    weights: list[tf.Variable]
    used: Computed
    tried: Computed


def by_xla(compute: Computed) -> Computed:
    """Compile forward and backward with XLA."""
    return tf.function(compute, jit_compile=True, autograph=False)


def make_trials(dtype: str) -> Iterator[Trial]:
    """Everything that was tried.

    Args:
        dtype: of activations and of the weights of depthwise convolutions.
    """
    yield from _try_activations()
    yield _try_shortcut()
    for shape in ((44, 44, 64), (6, 6, 256)):
        kernel = _variable((3, 3, shape[-1], 1), dtype)
        used, of_tensorflow = (
            (lambda x, kernel=kernel: convolve_channels(x, kernel.value())),
            _convolve_depthwise(kernel),
        )
        name = f"depthwise convolution of {shape[-1]}"
        yield Trial(f"{name}: gradients of TensorFlow", shape, [kernel], used, of_tensorflow)
        yield Trial(f"{name}: by XLA", shape, [kernel], used, by_xla(of_tensorflow))
        yield Trial(f"{name}: nine products, by XLA", shape, [kernel], used, by_xla(_add_shifted(kernel)))


def _try_activations() -> Iterator[Trial]:
    """Batch normalisation and PReLU, where model A has them at their largest."""
    shape = (44, 44, 64)
    norm, prelu = FusedBatchNormalization(), CompiledPReLU()
    norm.build((None, *shape))
    prelu.build((None, *shape))
    for seed, drawn in enumerate((norm.gamma, norm.beta, prelu.alpha)):
        drawn.assign(keras.random.normal(drawn.shape, stddev=0.3, seed=seed))
    scales, slopes = [norm.gamma.value, norm.beta.value], [prelu.alpha.value]

    def normalise(x: tf.Tensor) -> tf.Tensor:
        return norm(x, training=True)

    def rectify(x: tf.Tensor) -> tf.Tensor:
        return prelu(x, training=True)

    def from_moments(x: tf.Tensor) -> tf.Tensor:
        mean, variance = tf.nn.moments(tf.cast(x, tf.float32), (0, 1, 2))
        for moving, of_batch in ((norm.moving_mean, mean), (norm.moving_variance, variance)):
            moving.assign(moving * norm.momentum + of_batch * (1.0 - norm.momentum))
        scale = norm.gamma * tf.math.rsqrt(variance + norm.epsilon)
        return tf.cast(tf.cast(x, tf.float32) * scale + (norm.beta - mean * scale), x.dtype)

    def where(x: tf.Tensor) -> tf.Tensor:
        return tf.where(x > 0, x, tf.cast(prelu.alpha, x.dtype) * x)

    yield Trial("PReLU: tf.where", shape, slopes, rectify, where)
    yield Trial("batch norm: from its moments, by XLA", shape, scales, normalise, by_xla(from_moments))
    both, in_one = (lambda x: rectify(normalise(x))), by_xla(lambda x: where(from_moments(x)))
    yield Trial("batch norm and PReLU: both in one, by XLA", shape, [*scales, *slopes], both, in_one)


def _try_shortcut() -> Trial:
    """A 1x1 convolution with strides of 2, by a slice in place of a pooling of windows of one."""
    shape = (22, 22, 64)
    shortcut = MatmulConv2D(128, 1, strides=2, use_bias=False)
    shortcut.build((None, *shape))

    def of_every_second(x: tf.Tensor) -> tf.Tensor:
        return tf.tensordot(x[:, ::2, ::2], tf.cast(shortcut.kernel[0, 0], x.dtype), axes=1)

    name = "1x1 shortcut to 128, strides of 2: a slice"
    return Trial(name, shape, [shortcut.kernel.value], shortcut, of_every_second)


def _variable(shape: tuple[int, ...], dtype: str) -> tf.Variable:
    return tf.Variable(tf.cast(tf.random.stateless_normal(shape, seed=(0, 2), stddev=0.1), dtype))


def _convolve_depthwise(kernel: tf.Variable) -> Computed:
    return lambda x: tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), "SAME")


def _add_shifted(kernel: tf.Variable) -> Computed:
    """A 3x3 depthwise convolution as the sum of nine shifted copies, each times its place of the kernel."""

    def compute(x: tf.Tensor) -> tf.Tensor:
        height, width = x.shape[1:3]
        padded = tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        parts = [padded[:, i : i + height, j : j + width] * kernel[i, j, :, 0] for i in range(3) for j in range(3)]
        return tf.add_n(parts)

    return compute


def make_step(compute: Computed, weights: list[tf.Variable], inputs: tf.Tensor) -> Callable[[], list[tf.Tensor]]:
    """Compile forward and backward on fixed activations; the step gives outputs and all gradients."""
    above = tf.cast(tf.random.stateless_normal(compute(inputs).shape, seed=(0, 1)), inputs.dtype)

    @tf.function(autograph=False)
    def step() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = compute(inputs)
        return [outputs, *tape.gradient(outputs, [inputs, *weights], above)]

    return step


def measure(trial: Trial, dtype: str, images: int, repeats: int) -> list[tuple[float, float]]:
    """Milliseconds that pass, and of the processor, as used and as tried.

    Raises:
        ValueError: if the two do not compute the same.
    """
    inputs = tf.cast(tf.random.stateless_normal((images, *trial.shape), seed=(0, 0)), dtype)
    steps = [make_step(way, trial.weights, inputs) for way in (trial.used, trial.tried)]
    for parts in zip(steps[0](), steps[1](), strict=True):
        used, tried = (tf.cast(part, tf.float32).numpy() for part in parts)
        error = np.linalg.norm(tried - used) / np.linalg.norm(used)
        if not error <= TOLERANCES[dtype]:
            raise ValueError(f"{trial.name}: both ways must compute the same. Received: a difference of {error:.2g}")
    turns = take_turns([lambda step=step: step()[-1].numpy() for step in steps], repeats)  # the last waits for the end
    medians = [np.median(taken, axis=0) for taken in turns]
    return [(float(passed), float(used)) for passed, used in medians]


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table.

    Args:
        arguments: those of the command line, unless given.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=64, help="activations in a batch")
    parser.add_argument("--repeats", type=int, default=20, help="calls that a median is of")
    options = parser.parse_args(arguments)
    tf.get_logger().setLevel("ERROR")  # it warns of functions made in a loop, as they are here
    dtype = resolve_precision("auto")
    print(f"forward and backward of {options.images} images in {dtype}; medians of {options.repeats}")
    print(f"{'':<68}{'ms':>6}{'tried':>7}{'ratio':>7}{'processor ms':>14}{'tried':>7}{'ratio':>7}")
    with dtype_policy("mixed_bfloat16" if dtype == "bfloat16" else "float32"):
        for trial in make_trials(dtype):
            used, tried = measure(trial, dtype, options.images, options.repeats)
            print(f"{f'{trial.name}, {trial.shape}':<68}", end="")
            for width, ours, theirs in zip((6, 14), used, tried, strict=True):
                print(f"{ours:>{width}.1f}{theirs:>7.1f}{ours / theirs:>7.2f}", end="")
            print(flush=True)


if __name__ == "__main__":
    main()
