"""What the groups of equal and nearly equal pictures say against single images: positions and evidence."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from fer_lib.audit.near import find_near_pairs, group_pictures
from fer_lib.labels import EMOTIONS

__all__ = ["find_repeats"]


def find_repeats(
    images: np.ndarray, known: pd.DataFrame, seed: int, unsound: Collection[int] = ()
) -> dict[str, dict[int, str]]:
    """Find images whose picture stands elsewhere too.

    Args:
        images: uint8 (n, h, w, c).
        known: `row`, `split` and `label` of each.
        seed: draws the copy that is kept of a picture under several classes, in the group's order; each group's draw
            depends on the seed, its first row and which of its copies are unsound.
        unsound: positions with something else against them; such a copy is kept only where all are like it.

    Returns:
        For duplicate, near_duplicate and two_classes: position -> evidence.
    """
    pairs = find_near_pairs(images)
    equal, groups = group_pictures(images, pairs.iloc[:0]), group_pictures(images, pairs)
    places = np.arange(len(images))
    names = [
        f"row {row} ({split}, {EMOTIONS[label]})"
        for row, split, label in zip(known["row"], known["split"], known["label"], strict=True)
    ]
    links = _best_links(pairs)
    return {
        "duplicate": {place: f"equals {names[equal[place]]}" for place in np.flatnonzero(equal != places).tolist()},
        "near_duplicate": {
            place: _describe(names, int(groups[place]), *links[place])
            for place in np.flatnonzero((equal == places) & (groups != places)).tolist()
        },
        "two_classes": _in_two_classes(groups, known, names, seed, np.isin(places, list(unsound))),
    }


def _best_links(pairs: pd.DataFrame) -> dict[int, tuple[int, int, int, float, bool]]:
    """For each image the other one of its best pair: its position, distances, correlation, whether mirrored."""
    links: dict[int, tuple[int, int, int, float, bool]] = {}
    ordered = pairs.sort_values("correlation", ascending=False, kind="stable")
    for first, second, *evidence in zip(*(ordered[name].tolist() for name in ordered), strict=True):
        links.setdefault(first, (second, *evidence))
        links.setdefault(second, (first, *evidence))
    return links


def _describe(
    names: list[str], first: int, other: int, phash: int, dhash: int, correlation: float, mirrored: bool
) -> str:
    """What an image is most like, how much, and the first of its group, where that is another one."""
    how = "mirrors" if mirrored else "is like"
    origin = "" if other == first else f"; the first of them is {names[first]}"
    how_much = f"details correlate by {correlation:.2f}, hashes differ in {phash} and {dhash} of 64 bits"
    return f"{how} {names[other]}: {how_much}{origin}"


def _in_two_classes(
    groups: np.ndarray, known: pd.DataFrame, names: list[str], seed: int, unsound: np.ndarray
) -> dict[int, str]:
    """All copies but one, drawn at random, of each picture under several classes (Zakavi and Okhunov, section 1)."""
    excluded = {}
    labels, rows = known["label"].to_numpy(), known["row"].to_numpy()
    order = np.argsort(groups, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(np.unique(labels[group])) < 2:
            continue
        sound = group[~unsound[group]]
        kept = int(np.random.default_rng([seed, int(rows[group[0]])]).choice(sound if len(sound) else group))
        classes = ", ".join(EMOTIONS[label] for label in np.unique(labels[group]))
        evidence = f"one of {len(group)} copies under {classes}; {names[kept]} was drawn to stay"
        excluded.update({int(place): evidence for place in group if place != kept})
    return excluded
