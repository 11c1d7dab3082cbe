"""Where the time of a training step goes, by type of operation, from TensorFlow's profiler.

    python benchmarks/profile_step.py separable [--plain] [--steps 5] [--rows 16] [--each]

The network trains as in a run (precision auto, fast kernels; --plain has Keras' own layers and optimizer), but for
augmentation and centre loss, on a batch that is ready in memory. With TF_ENABLE_ONEDNN_OPTS=0 set it has TensorFlow's
own kernels in place of oneDNN's. Times are of the threads that ran an operation, waiting included, so on a busy machine
only the shares count. Operations that run side by side both count: the sum may exceed the step.
"""

import argparse
import collections
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import fer_lib  # noqa: F401 - before TensorFlow, whose kernels it chooses

NETWORKS: dict[str, tuple[int, str, float]] = {
    "light_vgg": (128, "adam", 1e-3),
    "separable": (64, "adamax", 0.01),
    "resnet50": (64, "adamax", 1e-3),
}
"""Network -> images in a batch, optimizer and its learning rate."""

OPERATION = re.compile(r"(?P<name>[^:]+):(?P<kind>_?[A-Z]\w*)")
"""How the profiler names an operation; whatever else it notes are parts of TensorFlow that hold or await others."""

CONTAINERS = {"PartitionedCall", "StatefulPartitionedCall", "While", "If"}
"""Operations that hold others, whose time would count twice."""

XLA = "CpuExecutable::ExecuteAsyncOnStream"
"""What the profiler calls a kernel that XLA compiled."""


def make_step(name: str, plain: bool = False) -> Callable[[int], None]:
    """Compile a network as it is trained, and give a function that takes so many steps; tracing is done here.

    Args:
        name: one of `NETWORKS`.
        plain: keep Keras' own layers and optimizer.
    """
    import keras
    import tensorflow as tf

    from fer_lib import models
    from fer_lib.fitting import dtype_policy, make_optimizer
    from fer_lib.hardware import resolve_precision
    from fer_lib.layers import with_fast_kernels

    batch, optimizer, rate = NETWORKS[name]
    keras.utils.set_random_seed(0)
    with dtype_policy("mixed_bfloat16" if resolve_precision("auto") == "bfloat16" else "float32"):
        model = models.build(name)
        model = model if plain else with_fast_kernels(model)
    keras_own = {"class_name": optimizer, "config": {"learning_rate": rate}}
    ours = {"optimizer": optimizer, "learning_rate": rate}
    chosen = keras.optimizers.get(keras_own) if plain else make_optimizer(ours)
    model.compile(chosen, "sparse_categorical_crossentropy", jit_compile=False)
    rng = np.random.default_rng(0)
    images = tf.constant(rng.random((batch, 48, 48, 1), np.float32))
    labels = tf.constant(rng.integers(0, 7, batch))
    model.train_on_batch(images, labels)  # makes the variables of the optimizer
    step = tf.function(model.train_step)

    def take(steps: int) -> None:
        for _ in range(steps):
            step((images, labels))
        model.optimizer.iterations.numpy()  # waits for the last step

    take(2)
    return take


def profile(take: Callable[[int], None], steps: int) -> dict[tuple[str, str], float]:
    """Milliseconds a step spends in each operation.

    Args:
        take: function that takes so many steps.
        steps: steps to profile.

    Returns:
        (type, name) of an operation -> milliseconds a step.
    """
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        take(steps)
        tf.profiler.experimental.stop()
        space = xplane_pb2.XSpace()
        space.ParseFromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    spent: collections.Counter[tuple[str, str]] = collections.Counter()
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            noted = plane.event_metadata[event.metadata_id].name
            found = OPERATION.fullmatch("compiled:XLA" if noted == XLA else noted)
            if found and found["kind"] not in CONTAINERS:
                spent[found["kind"], found["name"]] += event.duration_ps / 1e9 / steps
    return dict(spent)


def print_profile(spent: dict[tuple[str, str], float], rows: int, each: bool = False) -> None:
    """Print the dearest operations with their shares, by type, or each by its name."""
    total = sum(spent.values())
    grouped: collections.Counter[str] = collections.Counter()
    for (kind, name), milliseconds in spent.items():
        grouped[f"{kind}  {name}" if each else kind] += milliseconds
    shown = grouped.most_common(rows)
    for label, milliseconds in [*shown, ("the rest", total - sum(value for _, value in shown))]:
        print(f"{milliseconds:>10.1f}{milliseconds / total:>8.1%}  {label}")


def main(arguments: list[str] | None = None) -> None:
    """Profile and print the table.

    Args:
        arguments: those of the command line, unless given.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--plain", action="store_true", help="Keras' own layers and optimizer")
    parser.add_argument("--steps", type=int, default=5, help="steps to profile")
    parser.add_argument("--rows", type=int, default=16, help="operations to show")
    parser.add_argument("--each", action="store_true", help="show each operation by its name, not by type")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    take = make_step(options.network, options.plain)
    times = []
    for _ in range(options.steps):
        started = time.perf_counter()
        take(1)
        times.append(1000 * (time.perf_counter() - started))
    batch = NETWORKS[options.network][0]
    print(
        f"{options.network}, {batch} images a step; median {statistics.median(times):.0f} ms, best {min(times):.0f} ms"
    )
    print(f"{'ms a step':>10}{'share':>8}  operation")
    print_profile(profile(take, options.steps), options.rows, options.each)


if __name__ == "__main__":
    main()
