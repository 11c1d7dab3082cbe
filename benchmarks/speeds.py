"""Training speed of a compiled network, by arrays as Keras takes them or by our batches; ways measured apart."""

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # TensorFlow is for the measuring processes alone
    import keras

    from fer_lib.datasets import Split

FER2013_IMAGES = 28_709
EPOCHS = 2
"""Of a measurement; the first, which traces, is not counted."""

QUANTISED = (
    "note: tf.data's autotuner lets an epoch of model.fit(arrays) last until it next wakes (10.2, 20.5, 41.0 ... s\n"
    f"after its start), which weighs the more the shorter an epoch is; with --images {FER2013_IMAGES} it hardly does."
)


def make_images(count: int, seed: int = 0) -> "Split":
    """Random images uint8 (count, 48, 48, 1) with random labels."""
    from fer_lib.datasets import Split

    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 48, 48, 1), dtype=np.uint8)
    return Split(images, rng.integers(0, 7, count), np.arange(count))


def images_per_second(model: "keras.Model", count: int, batch_size: int, *, arrays: bool) -> float:
    """Speed of a training on `count` random images, handed over as float32 arrays or as our batches."""
    import keras

    from fer_lib import pipeline

    ends: list[float] = []
    split = make_images(count)
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))
    options: dict[str, Any] = {"epochs": EPOCHS, "verbose": 0, "callbacks": [note]}
    if arrays:
        model.fit(split.images.astype(np.float32) / 255.0, split.labels, batch_size=batch_size, **options)
    else:
        batches = pipeline.training_batches(split, batch_size, seed=0)
        model.fit(batches, steps_per_epoch=pipeline.steps_per_epoch(count, batch_size), shuffle=False, **options)
    return count * (EPOCHS - 1) / (ends[-1] - ends[0])


def measure_apart(program: str, what: str, count: int) -> float:
    """The number that `program --measure what --images count` prints last, in a fresh process."""
    command = [sys.executable, program, "--measure", what, "--images", str(count)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])
