"""How fast SRGAN trains and enlarges here: images per second, and what a training of FER2013 would take.

    python benchmarks/bench_srgan.py [--images 256] [--repeats 3]

The settings are those of Liu et al.'s card (variant `srgan`), the content network is as the card has it, untrained.
Both kinds of epoch are timed on noise, after one that traces. Seconds of the processor stand beside those of the clock:
where the machine does something else too, they say more.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fer_lib  # noqa: F401 - before Keras and TensorFlow, whose kernels it chooses

# isort: split
import keras
import numpy as np

from fer_lib import models, papers
from fer_lib.hardware import resolve_precision
from fer_lib.models.srgan import build_srgan_generator
from fer_lib.super_resolution.applying import apply_generator
from fer_lib.super_resolution.content import build_content_network
from fer_lib.super_resolution.training import train_srgan

PAPER, VARIANT = "liu_separable_ensemble", "srgan"
FER2013 = 28_709
"""Training images of FER2013."""


def time_epochs(
    images: np.ndarray, repeats: int, phase: str, settings: dict[str, Any], content: keras.Model
) -> tuple[float, float]:
    """Median seconds of an epoch of one phase, by the clock and by the processor; the first epoch is not counted."""
    epochs = repeats + 1
    warm_up = epochs if phase == "warm_up" else 0
    ends = []
    with tempfile.TemporaryDirectory() as folder:
        train_srgan(
            images, images[:2], {**settings, "epochs": epochs, "warm_up_epochs": warm_up}, Path(folder), 0, "bench",
            content, resolve_precision(), on_epoch=lambda row: ends.append((time.perf_counter(), time.process_time())),
        )  # fmt: skip
    clock, processor = np.diff(ends, axis=0).T.tolist()
    return statistics.median(clock), statistics.median(processor)


def time_call(call: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median seconds of a call, by the clock and by the processor."""
    pairs = []
    for _ in range(repeats):
        started = time.perf_counter(), time.process_time()
        call()
        pairs.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    clock, processor = zip(*pairs, strict=True)
    return statistics.median(clock), statistics.median(processor)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table.

    Args:
        arguments: those of the command line, unless given.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=256, help="images of an epoch")
    parser.add_argument("--repeats", type=int, default=3, help="epochs that a median is of")
    options = parser.parse_args(arguments)

    images = np.random.default_rng(0).integers(0, 256, (options.images, 48, 48, 1)).astype(np.uint8)
    card = papers.load(PAPER)
    settings = card.settings(VARIANT, "paper")
    source = card.variants[card.variants[VARIANT].starts_from or ""]
    content = build_content_network(models.build(source.model, **source.options), settings["content_layer"])
    phases = ("warm_up", "adversarial")
    rows = {phase: time_epochs(images, options.repeats, phase, settings, content) for phase in phases}
    generator = build_srgan_generator(filters=settings["filters"], blocks=settings["blocks"])
    apply_generator(generator, images[:2])
    rows["enlarge to 96×96"] = time_call(lambda: apply_generator(generator, images), options.repeats)

    print("{filters} filters, {blocks} blocks, batches of {batch_size}, content of {content_layer}".format(**settings))
    print(f"of {source.model}; {resolve_precision()} (enlarging: float32)")
    print(f"{'':<18}{'images/s':>10}{'processor ms/image':>20}{'FER2013, minutes':>18}")
    for name, (clock, processor) in rows.items():
        rate, milliseconds = options.images / clock, 1000 * processor / options.images
        print(f"{name:<18}{rate:>10.0f}{milliseconds:>20.1f}{FER2013 / rate / 60:>18.1f}")


if __name__ == "__main__":
    main()
