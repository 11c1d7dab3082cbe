"""How fast the balanced set of the LT2326 paper is made, beside one picture after the other with Pillow.

    python benchmarks/bench_augment.py [--originals 3052] [--count 10]

436 originals of each of seven classes and ten transforms of each are 33,572 images; pictures are random bytes. Pillow
makes the same five changes step by step (mirror, rotate, scale, brightness, contrast), as most projects do. Each
measurement is a fresh process that reports its own time (imports excluded) and how far its peak memory rises above what
it was before and the result itself; rounds are interleaved, so that whatever else the machine does falls on both alike.
"""

import argparse

from measuring import measure

ROUNDS = 3
SIDE = 48
TARGETS = "targets: 33,572 images in less than 20 s, at most 20 MB above the result"

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


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table.

    Args:
        arguments: those of the command line, unless given.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--originals", type=int, default=7 * 436, help="pictures that transforms are made of")
    parser.add_argument("--count", type=int, default=10, help="transforms of each")
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
    for name, results in measured.items():
        peak = max(result[1] for result in results)
        print(
            f"{name:<22}{seconds[name]:>9.2f}{seconds[name] / plain:>8.2f}{made / seconds[name]:>14,.0f}{peak:>9,.0f}"
        )
    print(TARGETS)


if __name__ == "__main__":
    main()
