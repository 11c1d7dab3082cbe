"""How fast pictures are augmented: offline beside Pillow, and online, in a network, beside a chain of Keras' layers.

    python benchmarks/bench_augment.py [--originals 3052] [--count 10] [--batch 64] [--repeats 50]

Offline is the balanced set of the LT2326 paper, beside one picture after the other with Pillow.

436 originals of each of seven classes and ten transforms of each are 33,572 images; pictures are random bytes. Pillow
makes the same five changes step by step (mirror, rotate, scale, brightness, contrast), as most projects do. Each
measurement is a fresh process that reports its own time (imports excluded) and how far its peak memory rises above what
it was before and the result itself; rounds are interleaved, so that whatever else the machine does falls on both alike.

Online is what a batch passes before a network trains on it: flip, rotation, shift and zoom as one `RandomWarp` and as
four Keras layers, then both with a crop of 44 pixels resized to 48 (of Keras' layers two more; its RandomCrop draws one
place for a whole batch). All are compiled and take turns, one batch each; medians are shown, and the best.
"""

import argparse
import statistics
import time
from collections.abc import Callable

from measuring import beside_target, measure

ROUNDS = 3
SIDE = 48
CROP_SIDE = 44
MOST_SECONDS, MOST_MEGABYTES, LEAST_RATIO = 20, 20, 2
"""Targets: of 33,572 images offline, above the result; of one warp over the chain of layers."""

MEASURE = """
import json, resource, sys, time
import numpy as np
{imports}

def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

images = np.random.default_rng(0).integers(0, 256, ({originals}, {side}, {side}, 1), dtype=np.uint8)
before = peak()
start = time.perf_counter()
result = {statement}
seconds = time.perf_counter() - start
assert result.shape == ({originals}, {count}, {side}, {side}, 1), result.shape
print(json.dumps([seconds, (peak() - before - result.nbytes) / 1e6]))
"""

PILLOW = """
from PIL import Image, ImageEnhance, ImageOps
from fer_lib import augment

def transform(picture, rng):
    if rng.random() < augment.FLIP_PROBABILITY:
        picture = ImageOps.mirror(picture)
    picture = picture.rotate(rng.uniform(*augment.ROTATION_DEGREES), Image.Resampling.BILINEAR)
    step = 1 / rng.uniform(*augment.SCALE)
    left, top = ((1 - step) * side / 2 for side in picture.size)
    matrix = (step, 0, left, 0, step, top)
    picture = picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    picture = ImageEnhance.Brightness(picture).enhance(rng.uniform(*augment.BRIGHTNESS))
    return np.asarray(ImageEnhance.Contrast(picture).enhance(rng.uniform(*augment.CONTRAST)))

def make(images, count, rng):
    made = [transform(Image.fromarray(image[..., 0]), rng) for image in images for _ in range(count)]
    return np.stack(made).reshape(len(images), count, *images.shape[1:])
"""

PROGRAMS = {
    "Pillow, step by step": (PILLOW, "make(images, {count}, np.random.default_rng(0))"),
    "make_transforms": ("from fer_lib.augment import make_transforms", "make_transforms(images, {count}, seed=0)"),
}
"""Name -> what is imported or defined, and what is measured."""


def write_program(name: str, originals: int, count: int) -> str:
    """A program that prints its seconds, and megabytes above the result."""
    imports, statement = PROGRAMS[name]
    return MEASURE.format(
        imports=imports, statement=statement.format(count=count), originals=originals, count=count, side=SIDE
    )


def make_online_ways() -> dict[str, dict[str, Callable]]:
    """What is compared online: {what is augmented: {way: float images (n, h, w, c) -> the same, augmented}}."""
    from keras import layers

    from fer_lib.augmentation_layers import RandomWarp

    moves = {"horizontal_flip": True, "rotation_degrees": 10, "shift_fraction": 0.1, "zoom_fraction": 0.1}

    def make_chain(*crop: layers.Layer) -> Callable:
        chain = [
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(10 / 360, fill_mode="reflect"),
            layers.RandomTranslation(0.1, 0.1, fill_mode="reflect"),
            layers.RandomZoom(0.1, fill_mode="reflect"),
            *crop,
        ]

        def apply(images: object, training: bool) -> object:
            for layer in chain:
                images = layer(images, training=training)
            return images

        return apply

    crop = layers.RandomCrop(CROP_SIDE, CROP_SIDE), layers.Resizing(SIDE, SIDE)
    return {
        "flip, rotation, shift, zoom": {"Keras' layers": make_chain(), "RandomWarp": RandomWarp(**moves)},
        "and a crop": {"Keras' layers": make_chain(*crop), "RandomWarp": RandomWarp(**moves, crop_side=CROP_SIDE)},
    }


def time_online(ways: dict[str, Callable], batch: int, repeats: int) -> dict[str, list[float]]:
    """Seconds of each way for one batch, called in turns; tracing and compiling are left out."""
    import tensorflow as tf

    images = tf.random.stateless_uniform((batch, SIDE, SIDE, 1), seed=(0, 0))
    steps = {name: tf.function(lambda images, way=way: way(images, training=True)) for name, way in ways.items()}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 1):
        for name, step in steps.items():
            started = time.perf_counter()
            step(images).numpy()  # waits for the result
            if repeat:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def print_online(batch: int, repeats: int) -> None:
    """Measure and print the online table; after the offline one, whose processes must start from a small one."""
    print(f"\nonline, batches of {batch} images {SIDE}×{SIDE}×1: images/s, median of {repeats} (best)")
    print(f"{'':<30}{'Keras layers':>20}{'one RandomWarp':>20}{'ratio':>8}")
    for name, ways in make_online_ways().items():
        times = time_online(ways, batch, repeats)
        medians = [statistics.median(times[way]) for way in ways]
        shown = (f"{batch / statistics.median(times[way]):,.0f} ({batch / min(times[way]):,.0f})" for way in ways)
        print(f"{name:<30}" + "".join(f"{text:>20}" for text in shown) + f"{medians[0] / medians[1]:>8.1f}")
        print(beside_target(f"ratio of {name}", medians[0] / medians[1], LEAST_RATIO, at_least=True))


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table.

    Args:
        arguments: those of the command line, unless given.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--originals", type=int, default=7 * 436, help="pictures that transforms are made of")
    parser.add_argument("--count", type=int, default=10, help="transforms of each")
    parser.add_argument("--batch", type=int, default=64, help="images augmented at once online")
    parser.add_argument("--repeats", type=int, default=50, help="batches that a median is of")
    options = parser.parse_args(arguments)
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
    for _ in range(ROUNDS):
        for name, results in measured.items():
            results.append(measure(write_program(name, options.originals, options.count)))

    made = options.originals * options.count
    seconds = {name: min(result[0] for result in results) for name, results in measured.items()}
    plain = seconds["Pillow, step by step"]
    print(
        f"{options.originals:,} originals of {SIDE}×{SIDE}, {made:,} transforms: {options.originals + made:,} images; "
        f"best of {ROUNDS}, peak memory above the result of {made * SIDE * SIDE / 1e6:,.0f} MB"
    )
    print(f"{'':<22}{'seconds':>9}{'ratio':>8}{'transforms/s':>14}{'peak MB':>9}")
    peaks = {name: max(result[1] for result in results) for name, results in measured.items()}
    for name, taken in seconds.items():
        print(f"{name:<22}{taken:>9.2f}{taken / plain:>8.2f}{made / taken:>14,.0f}{peaks[name]:>9,.0f}")
    print(beside_target("seconds of make_transforms", seconds["make_transforms"], MOST_SECONDS))
    print(beside_target("peak MB of make_transforms", peaks["make_transforms"], MOST_MEGABYTES))
    print_online(options.batch, options.repeats)


if __name__ == "__main__":
    main()
