"""How fast networks are explained: Grad-CAM and guided back-propagation of a batch, and the measures on heat maps.

    python benchmarks/bench_gradcam.py [--images 64] [--measured 512] [--repeats 3]

Pictures are random bytes and weights untrained: neither changes the work. One call for all images takes turns with a
loop of one call for each, as most code for Grad-CAM is written; the loop is run on a few and scaled up. Best times.
"""

import argparse
import time
from collections.abc import Callable

import fer_lib  # noqa: F401 - before Keras and TensorFlow, whose kernels it chooses

# isort: split
import keras
import numpy as np
from measuring import beside_target

from fer_lib import models
from fer_lib.attribution import measure_attribution
from fer_lib.gradcam import grad_cam, guided_backprop, last_convolution

NETWORKS = ("light_vgg", "vgg16_extended", "resnet50")
LOOPED = 4
LEAST_RATIO = 2
"""Target: time of the loop over that of one call."""


def seconds(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def time_network(model: keras.Model, images: np.ndarray, repeats: int) -> dict[str, float]:
    """Best milliseconds of Grad-CAM in one call and in a loop, and of guided back-propagation."""

    def loop() -> None:
        for place in range(LOOPED):
            grad_cam(model, images[place : place + 1])

    best = dict.fromkeys(("one call", "loop", "guided"), np.inf)
    for _ in range(repeats):
        best["one call"] = min(best["one call"], seconds(lambda: grad_cam(model, images)))
        best["loop"] = min(best["loop"], seconds(loop) * len(images) / LOOPED)
        best["guided"] = min(best["guided"], seconds(lambda: guided_backprop(model, images)))
    return {name: 1000 * value for name, value in best.items()}


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table.

    Args:
        arguments: those of the command line, unless given.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=64, help="images explained in one call")
    parser.add_argument("--measured", type=int, default=512, help="images that the measures are taken on, once")
    parser.add_argument("--repeats", type=int, default=3, help="rounds that the best is of")
    options = parser.parse_args(arguments)
    pictures = np.random.default_rng(0).integers(0, 256, (options.measured, 48, 48, 1), dtype=np.uint8)
    images = np.resize(pictures, (options.images, 48, 48, 1))

    print(f"{options.images} images, ms; measures of {options.measured} images, s")
    print(f"{'':<18}{'layer':<20}{'one call':>9}{'loop':>9}{'ratio':>7}{'guided':>9}{'measures':>10}")
    for name in NETWORKS:
        model = models.build(name)
        times = time_network(model, images, options.repeats)
        ratio, measures = times["loop"] / times["one call"], seconds(lambda: measure_attribution(model, pictures))  # noqa: B023
        print(
            f"{name:<18}{last_convolution(model):<20}{times['one call']:>9,.0f}{times['loop']:>9,.0f}{ratio:>7.1f}"
            f"{times['guided']:>9,.0f}{measures:>10.1f}",
            flush=True,
        )
        print(beside_target(f"ratio of {name}", ratio, LEAST_RATIO, at_least=True), flush=True)


if __name__ == "__main__":
    main()
