"""The images that two runs both predict, with what each made of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fer_lib.files import open_npz
from fer_lib.runs import Run

HALF_PRECISION_STEP = 2.0**-11
"""Distance of neighbouring numbers of half precision just below one: what rounding may change of a probability."""


class NoCommonImages(ValueError):
    """Two runs predict no image of a split in common, or only one."""


@dataclass(frozen=True)
class CommonImages:
    """Images of one split under one view that two runs predict.

    Attributes:
        classes: names of the classes, in the order of the labels.
        rows: int64 (n,), row of each image in the data's source, ascending, each once.
        labels: int64 (n,), true classes.
        a: float32 (n, classes), probabilities of the first run.
        b: float32 (n, classes), of the second.
        predicted: images of the split that each run predicts, transforms of pictures not counted.
        notices: what a reader must know of the choice of images, sentences.
    """

    classes: tuple[str, ...]
    rows: np.ndarray
    labels: np.ndarray
    a: np.ndarray
    b: np.ndarray
    predicted: tuple[int, int]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _Side:
    """What one run predicts; transforms of pictures and repeated rows are left out, `left_out` says how many."""

    run: Run
    classes: tuple[str, ...]
    rows: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    is_half: bool
    transforms: int
    repeated: int


def match_images(a: Run, b: Run, split: str, view: str) -> CommonImages:
    """Pair two runs image by image, by row of the data.

    Transforms of pictures are left out: they are not images of their own, and two runs may have made others.

    Raises:
        NoCommonImages: if fewer than two images are predicted by both.
        ValueError: if a run has no such predictions, their classes differ, or their rows are of different data.
    """
    first, second = (_read(run, split, view) for run in (a, b))
    if first.classes != second.classes:
        received = f"{', '.join(first.classes)} of {a.folder}, and {', '.join(second.classes)} of {b.folder}"
        raise ValueError(f"runs are compared if they tell the same classes apart. Received: {received}")
    _check_sources(a, b)
    rows, of_a, of_b = np.intersect1d(first.rows, second.rows, assume_unique=True, return_indices=True)
    if len(rows) < 2:
        received = f"{len(rows)} of {len(first.rows):,} and {len(second.rows):,}, {a.folder} and {b.folder}"
        raise NoCommonImages(f"two runs must predict at least two images of {split} in common. Received: {received}")
    labels, others = first.labels[of_a], second.labels[of_b]
    disagreeing = int((labels != others).sum())
    if disagreeing:
        row = rows[labels != others][0]
        received = f"row {row} is {first.classes[labels[labels != others][0]]} in {a.folder} and not in {b.folder}"
        raise ValueError(
            f"the true classes of common rows must be the same in both runs, {disagreeing:,} of {len(rows):,} are not: "
            f"their data differ. Received: {received}"
        )
    probabilities = first.probabilities[of_a], second.probabilities[of_b]
    distance = float(np.abs(np.subtract(*probabilities)).max())
    notices = _notices(first, second, split, len(rows)) + _describe_rounding(first, second, distance)
    predicted = len(first.rows), len(second.rows)
    return CommonImages(first.classes, rows, labels, *probabilities, predicted, tuple(notices))


def _read(run: Run, split: str, view: str) -> _Side:
    try:
        saved = run.predictions(split, view)
        with open_npz(run.folder / "predictions.npz") as arrays:
            name = f"transforms_{split}"
            transforms = arrays[name] if name in arrays.files else np.zeros(len(saved.rows), np.int64)
            is_half = arrays[f"{view}_{split}"].dtype == np.float16
    except (FileNotFoundError, KeyError):
        received = f"{_describe_views(run)} of {run.folder}"
        raise ValueError(f"both runs must hold predictions of {split} ({view}). Received: {received}") from None
    originals = np.flatnonzero(transforms == 0)
    rows, first = np.unique(saved.rows[originals], return_index=True)
    kept = originals[first]
    return _Side(
        run=run,
        classes=tuple(run.metrics[split][view]["classes"]),
        rows=rows,
        labels=saved.labels[kept],
        probabilities=saved.probabilities[kept],
        is_half=bool(is_half),
        transforms=len(transforms) - len(originals),
        repeated=len(originals) - len(rows),
    )


def _describe_views(run: Run) -> str:
    if not (run.folder / "predictions.npz").exists():
        return "no predictions"
    held = [f"{split} ({', '.join(views)})" for split, views in run.views.items() if views]
    return ", ".join(held) or "none"


def _check_sources(a: Run, b: Run) -> None:
    """Rows of the sample, of FER2013 and of the scenes of SFEW or its stand-in number different images."""
    kinds = []
    for run in (a, b):
        request = run.request
        data = request["data"]
        of_scenes = str(data.get("protocol", "")).startswith("sfew")
        scenes = request["hyperparameters"].get("scenes_per_class") if of_scenes else None
        source = data.get("stands_for") or ("SFEW" if of_scenes else "")
        kinds.append((data["is_sample"], source, bool(data.get("stands_for")), scenes))
    if kinds[0] != kinds[1]:
        received = " and ".join(_describe_kind(*kind) for kind in kinds)
        raise ValueError(f"rows of two runs must be of the same data. Received: {received}, {a.folder} and {b.folder}")


def _describe_kind(is_sample: bool, source: str, stand_in: bool, scenes: int | None) -> str:
    data = "the built-in sample" if is_sample else "real data"
    if not source:
        return data
    per_class = f", {scenes} scenes a class" if scenes else ""
    return f"a stand-in for {source} from {data}{per_class}" if stand_in else f"{source}{per_class}"


def _notices(first: _Side, second: _Side, split: str, common: int) -> list[str]:
    sides: Sequence[tuple[str, _Side]] = (("A", first), ("B", second))
    told = []
    if any(side.transforms for _, side in sides):
        counts = " and ".join(f"{side.transforms:,} of {name}" for name, side in sides if side.transforms)
        told.append(f"Transforms of pictures are left out ({counts}): only the originals are compared.")
    for name, side in sides:
        if side.repeated:
            told.append(f"{side.repeated:,} rows that {name} predicts more than once count once.")
    if {common} != {len(first.rows), len(second.rows)}:
        told.append(
            f"Only images that both predict are compared: {common:,} of A's {len(first.rows):,} and of B's "
            f"{len(second.rows):,} in {split}. Their accuracies are of these, not of either run's whole {split} split."
        )
    sources = [side.run.request["data"] for _, side in sides]
    hashes = [data.get("part_of") or data["sha256"] for data in sources]
    if hashes[0] != hashes[1]:
        told.append(
            f"The data are not the same byte for byte (sha256 {hashes[0][:12]}… and {hashes[1][:12]}…). The true "
            f"classes of all {common:,} common rows agree, so that they are taken for the same images."
        )
    return told


def _describe_rounding(first: _Side, second: _Side, distance: float) -> list[str]:
    """What half precision may have done to probabilities that are at most `distance` apart."""
    halves = [name for name, side in (("A", first), ("B", second)) if side.is_half]
    if halves and distance <= HALF_PRECISION_STEP:
        holders = " and ".join(halves)
        return [f"Both hold the same probabilities, up to the half precision in which those of {holders} are stored."]
    if len(halves) == 1:
        return [
            f"Probabilities of {halves[0]} are stored in half precision, those of the other in full: classes that a "
            "run holds for almost equally likely may change places by rounding."
        ]
    return []
