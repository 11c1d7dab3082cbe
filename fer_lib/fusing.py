"""Runs of networks -> probabilities of their ensemble, averaged (`ensemble`) or fused (`feature_fusion`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from fer_lib import pipeline
from fer_lib.crops import ten_crops
from fer_lib.datasets import FerDataset
from fer_lib.ensemble import average_probabilities, choose_weight, compare_with_better_member
from fer_lib.evaluation import VIEWS
from fer_lib.feature_fusion import fuse_features
from fer_lib.files import open_npz
from fer_lib.models.features import feature_model
from fer_lib.papers.values import AVERAGE, FEATURES, FUSIONS
from fer_lib.runs import SPLITS, Run

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Member:
    """A network of an ensemble.

    Attributes:
        run: its complete run; for an average its probabilities suffice, as published ones do, without its network.
        load_splits: loads the splits it was trained and tested on, enlarged where its images were.
    """

    run: Run
    load_splits: Callable[[], FerDataset]

    @property
    def name(self) -> str:
        """Its variant."""
        return str(self.run.request["variant"])

    @property
    def crop_side(self) -> int | None:
        """Side of its test-time crops, None where it has none."""
        return self.run.request["hyperparameters"].get("test_crop_side")


def fuse(way: str, members: Sequence[Member], classes: int) -> tuple[Arrays, dict[str, Any]]:
    """Fuse networks, trained with one seed on the same images.

    Args:
        way: one of `WAYS`: "average" of probabilities, or "features" side by side under a softmax layer of their own.
        members: two; or one, whose features get a layer fitted anew, to compare a fusion with.
        classes: width of the softmax.

    Returns:
        Arrays as `evaluation.predict_splits` makes them, of the splits and views that all members have; and,
        JSON-ready, what was chosen on PublicTest, on the single view, with McNemar's test against the better member on
        the test images in each view (`ensemble.compare_with_better_member`).

    Raises:
        ValueError: if there is no such way, it takes another number of members, they predicted different images, or
            features are to be fused of members that predicted no training images.
    """
    if way not in WAYS:
        raise ValueError(f"way of fusing must be one of {list(WAYS)}. Received: {way!r}")
    if len(members) not in FUSIONS[way]:
        received = f"{len(members)} for way {way!r}"
        raise ValueError(f"members must be {' or '.join(map(str, FUSIONS[way]))} in number. Received: {received}")
    saved = [_saved(member.run) for member in members]
    shared = [split for split in SPLITS if all(f"single_{split}" in arrays for arrays in saved)]
    images = {f"{kind}_{split}": saved[0][f"{kind}_{split}"] for kind in ("rows", "labels") for split in shared}
    for name, expected in images.items():
        if not all(np.array_equal(arrays[name], expected) for arrays in saved):
            received = f"{name} of {' and '.join(str(member.run.folder) for member in members)}"
            raise ValueError(f"members must have predicted the same images in the same order. Received: {received}")
    made, chosen = WAYS[way](members, saved, classes)
    arrays = {**images, **made}
    named = dict(zip([member.name for member in members], saved, strict=True))
    compared = {view: _compare(arrays, named, view) for view in VIEWS if f"{view}_test" in made}
    return arrays, {view: {**chosen, **found} for view, found in compared.items()}


def _average(members: Sequence[Member], saved: Sequence[Arrays], classes: int) -> tuple[Arrays, dict[str, Any]]:
    """Mean of the probabilities; the weight is chosen on PublicTest."""
    first, second = saved
    weight, accuracies = choose_weight(
        first["labels_validation"], first["single_validation"], second["single_validation"]
    )
    shared = [f"{view}_{split}" for view in VIEWS for split in SPLITS if f"{view}_{split}" in first.keys() & second]
    made = {name: average_probabilities(first[name], second[name], weight) for name in shared}
    return made, {"weight": weight, "validation_accuracies": accuracies.tolist()}


def _fuse_features(members: Sequence[Member], saved: Sequence[Arrays], classes: int) -> tuple[Arrays, dict[str, Any]]:
    """A softmax layer on all networks' features, trained on Training, its strength chosen on PublicTest."""
    if not all("labels_train" in arrays for arrays in saved):
        received = [member.run.folder.as_posix() for member in members]
        raise ValueError(f"fusing features needs members that predicted their training images. Received: {received}")
    describe = [_describer(member) for member in members]

    def features(pictures: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate([of(images) for of, images in zip(describe, pictures, strict=True)], axis=1)

    loaded = [member.load_splits().splits() for member in members]
    pictures = {split: [splits[split].images for splits in loaded] for split in SPLITS}
    known = {split: features(pictures[split]) for split in ("train", "validation")}
    labels = [saved[0][f"labels_{split}"] for split in known]
    fusion = fuse_features(known["train"], labels[0], known["validation"], labels[1], classes)
    made = {f"single_{split}": fusion.predict(found) for split, found in known.items()}
    made["single_test"] = fusion.predict(features(pictures["test"]))
    sides = [member.crop_side for member in members if member.crop_side]
    if len(sides) == len(members):
        crops = [ten_crops(images, side) for images, side in zip(pictures["test"], sides, strict=True)]
        views = [fusion.predict(features(view)) for view in zip(*crops, strict=True)]
        made["ten_crops_test"] = np.asarray(np.mean(views, axis=0, dtype=np.float64), np.float32)
    return made, fusion.describe()


def _describer(member: Member) -> Callable[[np.ndarray], np.ndarray]:
    """Images uint8 (n, h, w, c) -> features float32 (n, d) of a member's network."""
    model = feature_model(keras.models.load_model(member.run.folder / "model.keras", compile=False))
    return lambda images: model.predict(pipeline.evaluation_batches(images), verbose=0)


def _compare(arrays: Arrays, members: Mapping[str, Arrays], view: str) -> dict[str, Any]:
    """The ensemble against its better member on the test images."""
    of_test = {name: saved[f"{view}_test"] for name, saved in members.items()}
    of_validation = {name: saved["single_validation"] for name, saved in members.items()}
    return compare_with_better_member(
        arrays["labels_test"], arrays[f"{view}_test"], of_test, arrays["labels_validation"], of_validation
    )


def _saved(run: Run) -> Arrays:
    """What a run has predicted; published probabilities, of half precision, and labels as wide as a run's own."""
    with open_npz(run.folder / "predictions.npz") as arrays:
        return {
            name: array.astype(np.float32 if array.dtype.kind == "f" else np.int64) for name, array in arrays.items()
        }


WAYS: dict[str, Callable[..., tuple[Arrays, dict[str, Any]]]] = {
    AVERAGE: _average,
    FEATURES: _fuse_features,
}
"""Ways to fuse two networks."""
