"""Which images a variant is trained and tested on: the official split, or what its paper did instead."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from fer_lib import sfew
from fer_lib.audit import excluded_rows, load_audit
from fer_lib.augment import make_transforms
from fer_lib.datasets import FerDataset, Split, number_pictures
from fer_lib.labels import GROUPINGS
from fer_lib.sample import load_sample
from fer_lib.votes import find_votes_of

Settings = Mapping[str, Any]

STRENGTH = 4.0
"""How many times as strong the transforms of `balanced_strong` are: up to 60 degrees, 0.6 to 1.4 times the size."""


def prepare(data: FerDataset, protocol: str, settings: Settings, seed: int) -> FerDataset:
    """Make the splits of a protocol from the data in use.

    `official` leaves FER2013's own three splits. `random_split` puts all rows together and takes `test_share` of them
    for the test, by seed (LT2326, Data Preprocessing). `balanced_together` draws `originals_per_class` pictures of each
    class for training and `test_originals_per_class` others for the test, and adds `transforms_per_original` transforms
    of each (LT2326, Discussion); `balanced_apart` makes the same images and then lets chance divide them, so that a
    picture and its transforms may fall on both sides; `balanced_strong` is `balanced_together` with transforms four
    times as strong, since the paper gives no ranges. `sfew_whole` and `sfew_cropped` take SFEW's scenes, or their
    stand-in, and `test_share` of each class for the test, by seed (Liu, section 2.1). `six_classes` is `official` less
    disgust, `cleaned_six` the same less the rows of the audit's cleaning, in all three splits (Zakavi and Okhunov, Data
    Cleaning and Processing). `drawn_sample` is the built-in sample, whatever the data in use.

    Args:
        data: FER2013 or the built-in sample, in its official splits.
        protocol: one of `PROTOCOLS`.
        settings: hyper-parameters, among them those named above that the protocol needs.
        seed: seed of the split and of the transforms.

    Returns:
        The splits. Those of a paper with a split of its own have no validation images, and carry `origins`.

    Raises:
        ValueError: if there is no such protocol, a class has too few pictures for it, or it leaves no picture.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {list(PROTOCOLS)}. Received: {protocol!r}")
    splits = PROTOCOLS[protocol](data, settings, seed)
    if not len(splits.train) or not len(splits.test):
        received = f"{len(splits.train)} and {len(splits.test)} of {data.source}"
        raise ValueError(f"{protocol} must leave images for training and for the test. Received: {received}")
    return splits


def describe_data(data: FerDataset, protocol: str) -> dict[str, Any]:
    """What determines the images of a run, JSON-ready, known without making them.

    Returns:
        `sha256` and `is_sample`; of a part of some data `part_of`, their hash; of the official splits their `sizes`, of
        others the `protocol`; of cleaned data a hash of the rows left out, and whether votes or the cascade said what
        is no face; `stands_for` where the pictures stand in for a data set that is not at hand.
    """
    if protocol == "drawn_sample":
        return {"sha256": load_sample().sha256, "is_sample": True, "protocol": protocol}
    if protocol.startswith("sfew"):
        return {**sfew.identify(data), "protocol": protocol}
    described = {"sha256": data.sha256, "is_sample": data.is_sample}
    if data.whole is not None:
        described["part_of"] = data.whole.sha256
    if protocol == "official":
        return described | {"sizes": {split: len(images) for split, images in data.splits().items()}}
    described["protocol"] = protocol
    if protocol == "cleaned_six":
        described["cleaned_by"] = "votes" if find_votes_of(data) else "cascade"
        described["cleaned_away_sha256"] = hashlib.sha256(_cleaned_away(data).tobytes()).hexdigest()
    return described


def _official(data: FerDataset, settings: Settings, seed: int) -> FerDataset:
    return data


def _random_split(data: FerDataset, settings: Settings, seed: int) -> FerDataset:
    pool = _pool(data)
    train, test = train_test_split(np.arange(len(pool)), test_size=settings["test_share"], random_state=seed)
    return _with_splits(data, pool.take(train), pool.take(test), f"random split {seed}")


def _balanced_together(data: FerDataset, settings: Settings, seed: int) -> FerDataset:
    train, test = _balanced_parts(data, settings, seed)
    return _with_splits(data, train, test, f"balanced classes {seed}")


def _balanced_strong(data: FerDataset, settings: Settings, seed: int) -> FerDataset:
    train, test = _balanced_parts(data, settings, seed, STRENGTH)
    return _with_splits(data, train, test, f"balanced classes, transforms {STRENGTH:g} times as strong {seed}")


def _balanced_apart(data: FerDataset, settings: Settings, seed: int) -> FerDataset:
    train, test = _balanced_parts(data, settings, seed)
    pool = _join(train, test)
    rng = np.random.default_rng([seed, 1])
    to_train, to_test = [], []
    for label in np.unique(pool.labels):
        members = rng.permutation(np.flatnonzero(pool.labels == label))
        size = np.count_nonzero(test.labels == label)
        to_test.append(members[:size])
        to_train.append(members[size:])
    train, test = (pool.take(np.concatenate(side)) for side in (to_train, to_test))
    return _with_splits(data, train, test, f"balanced classes, parted at random {seed}")


def _sfew_whole(data: FerDataset, settings: Settings, seed: int) -> FerDataset:
    return _sfew(data, settings, seed, crop=False)


def _sfew_cropped(data: FerDataset, settings: Settings, seed: int) -> FerDataset:
    return _sfew(data, settings, seed, crop=True)


def _six_classes(data: FerDataset, settings: Settings, seed: int) -> FerDataset:
    return _keep(data, lambda split: SIX.holds(split.labels), "without disgust")


def _cleaned_six(data: FerDataset, settings: Settings, seed: int) -> FerDataset:
    excluded = _cleaned_away(data)
    six = _six_classes(data, settings, seed)
    return _keep(six, lambda split: ~np.isin(split.rows, excluded), "cleaned")


def _cleaned_away(data: FerDataset) -> np.ndarray:
    """Rows that the audit's cleaning leaves out, int64 ascending; by the votes of FER+ where they are at hand."""
    return excluded_rows(load_audit(data, find_votes_of(data)))


def _drawn_sample(data: FerDataset, settings: Settings, seed: int) -> FerDataset:
    return load_sample()


PROTOCOLS: dict[str, Callable[[FerDataset, Settings, int], FerDataset]] = {
    "official": _official,
    "random_split": _random_split,
    "balanced_together": _balanced_together,
    "balanced_apart": _balanced_apart,
    "balanced_strong": _balanced_strong,
    "sfew_whole": _sfew_whole,
    "sfew_cropped": _sfew_cropped,
    "six_classes": _six_classes,
    "cleaned_six": _cleaned_six,
    "drawn_sample": _drawn_sample,
}
"""Every protocol by name."""


SIX = GROUPINGS["without_disgust"]


def split_per_class(labels: np.ndarray, test_share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw `test_share` of each class for the test (20 of 100 and 15 of 75 at 0.2), by seed.

    Args:
        labels: int64 (n,).
        test_share: fraction of each class, rounded to whole images.
        seed: seed of the draw.

    Returns:
        Positions of the training and of the test images, int64, each ascending.
    """
    rng = np.random.default_rng(seed)
    test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        test[rng.permutation(members)[: round(test_share * len(members))]] = True
    return np.flatnonzero(~test), np.flatnonzero(test)


def _sfew(data: FerDataset, settings: Settings, seed: int, *, crop: bool) -> FerDataset:
    scenes = sfew.load_scenes(data, settings["scenes_per_class"], crop=crop)
    train, test = split_per_class(scenes.pictures.labels, settings["test_share"], seed)
    return FerDataset(
        train=scenes.pictures.take(train),
        validation=scenes.pictures.take(train[:0]),
        test=scenes.pictures.take(test),
        source=f"{scenes.source}, split {seed}",
        sha256=scenes.sha256,
        is_sample=scenes.is_sample,
        stands_for=scenes.stands_for,
    )


def _balanced_parts(data: FerDataset, settings: Settings, seed: int, strength: float = 1.0) -> tuple[Split, Split]:
    """Originals of the training and of the test set, each followed by its transforms."""
    pool = _pool(data)
    wanted, held_out = settings["originals_per_class"], settings["test_originals_per_class"]
    train, test = [], []
    for label in range(pool.labels.max() + 1):
        members = np.random.default_rng([seed, 0, label]).permutation(np.flatnonzero(pool.labels == label))
        if len(members) <= held_out:
            received = f"{len(members)} of class {label}"
            raise ValueError(
                f"a class must have more than {held_out} pictures, those of its test. Received: {received}"
            )
        test.append(members[:held_out])
        # FER2013 has 547 pictures of disgust, one fewer than 436 + 112: the first of the rest stands twice.
        train.append(np.resize(members[held_out:], wanted))
    count = settings["transforms_per_original"]
    first, second = (_with_transforms(pool, np.concatenate(side), count, seed, strength) for side in (train, test))
    return first, second


def _with_transforms(pool: Split, positions: np.ndarray, count: int, seed: int, strength: float) -> Split:
    """Each picture named by `positions`, then `count` transforms of it; one that stands twice gets other transforms."""
    repeats = np.array([np.count_nonzero(positions[:index] == place) for index, place in enumerate(positions)])
    originals = pool.images[positions]
    made = make_transforms(
        originals, count, seed, numbers=pool.rows[positions] + len(pool) * repeats, strength=strength
    )
    images = np.concatenate([originals[:, None], made], axis=1).reshape(-1, *originals.shape[1:])
    assert pool.origins is not None
    labels, rows, origins = (np.repeat(array[positions], count + 1) for array in (pool.labels, pool.rows, pool.origins))
    return Split(images, labels, rows, origins, np.tile(np.arange(count + 1), len(positions)))


def _keep(data: FerDataset, chosen: Callable[[Split], np.ndarray], what: str) -> FerDataset:
    """The same splits with those images alone that are chosen, bool (n,) of each split."""
    train, validation, test = (split.take(np.flatnonzero(chosen(split))) for split in data.splits().values())
    return replace(data, train=train, validation=validation, test=test, source=f"{data.source}, {what}")


def _pool(data: FerDataset) -> Split:
    """All rows in the source's order, with equal pictures under one number."""
    splits = list(data.splits().values())
    rows = np.concatenate([split.rows for split in splits])
    order = np.argsort(rows)
    images = np.concatenate([split.images for split in splits])[order]
    labels = np.concatenate([split.labels for split in splits])[order]
    return Split(images, labels, rows[order], number_pictures(images))


def _join(first: Split, second: Split) -> Split:
    names = ("images", "labels", "rows", "origins", "transforms")
    return Split(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in names))


def _with_splits(data: FerDataset, train: Split, test: Split, what: str) -> FerDataset:
    nothing = train.take(np.arange(0))
    return replace(data, train=train, validation=nothing, test=test, source=f"{data.source}, {what}")
