"""Accuracies on the same images: for networks that were tested on different parts of a split, or on other classes."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fer_lib.intervals import paired_difference
from fer_lib.runs import Run
from fer_lib.tables.parts import interval_of


def common_images_table(conditions: Mapping[str, Sequence[Run]], within: np.ndarray | None = None) -> pd.DataFrame:
    """Test accuracy of networks on their own test images, and on those that all of them were tested on.

    A network trained on cleaned images is also tested on easier ones, one with more classes has more to confuse. Both
    advantages are gone on the images and among the classes that all share: of each network the shared class with the
    highest probability counts. A third stays unless `within` takes it: cleaning may leave a test image whose copies it
    took from Training, where the other networks learned them.

    Args:
        conditions: name of a condition -> its runs, one per seed, with saved predictions of the test split.
        within: int64, rows among which the shared images are; None for all.

    Returns:
        One row per condition: condition, classes, test images, accuracy (on its own), shared images, accuracy on shared
        (means over the seeds), low and high (Wilson 95 % of the latter), difference (of the accuracy on shared from the
        first condition's), difference low and difference high (its paired normal 95 % interval; all three NaN for the
        first). Fractions but for the counts.

    Raises:
        ValueError: if there is no condition, one has no run, or not two images are shared.
    """
    empty = [name for name, runs in conditions.items() if not runs]
    if not conditions or empty:
        raise ValueError(f"every condition must have a run. Received: none for {empty or 'no condition'}")
    classes = {name: runs[0].metrics["test"]["single"]["classes"] for name, runs in conditions.items()}
    shared_classes = [name for name in next(iter(classes.values())) if all(name in own for own in classes.values())]
    tested = [run.predictions("test").rows for runs in conditions.values() for run in runs]
    rows = set.intersection(*(set(found.tolist()) for found in (*tested, *(() if within is None else (within,)))))
    if len(rows) < 2 or not shared_classes:
        raise ValueError(f"the conditions must share test images and classes. Received: {len(rows)}, {shared_classes}")
    kept = np.array(sorted(rows))
    right = {
        name: np.mean([_hits(run, classes[name], shared_classes, kept) for run in runs], axis=0)
        for name, runs in conditions.items()
    }
    first, table = next(iter(conditions)), []
    for name, runs in conditions.items():
        accuracy, images = float(right[name].mean()), len(right[name])
        low, high = interval_of(accuracy, images)
        own = [run.metrics["test"]["single"] for run in runs]
        table.append(
            {
                "condition": name,
                "classes": len(classes[name]),
                "test images": own[0]["n"],
                "accuracy": float(np.mean([found["accuracy"] for found in own])),
                "shared images": images,
                "accuracy on shared": accuracy,
                "low": low,
                "high": high,
                **_difference(right[name], None if name == first else right[first]),
            }
        )
    return pd.DataFrame(table)


def _difference(right: np.ndarray, others: np.ndarray | None) -> dict[str, float]:
    names = ("difference", "difference low", "difference high")
    if others is None:
        return dict.fromkeys(names, np.nan)
    found = paired_difference(right, others)
    return dict(zip(names, (found["difference"], *found["interval"]), strict=True))


def _hits(run: Run, own: Sequence[str], shared: Sequence[str], rows: np.ndarray) -> np.ndarray:
    """Which of the images `rows`, int64 (n,), that are of a shared class a run is right on, among these classes."""
    saved, columns = run.predictions("test"), np.array([own.index(name) for name in shared])
    counted = np.isin(saved.rows, rows) & np.isin(saved.labels, columns)
    guesses = columns[saved.probabilities[counted][:, columns].argmax(axis=1)]
    return (guesses == saved.labels[counted])[np.argsort(saved.rows[counted])]


def twin_table(conditions: Mapping[str, Sequence[Run]], rows: np.ndarray, twins: np.ndarray) -> pd.DataFrame:
    """Test accuracy on all images, on those with a twin in Training, and on those without.

    Args:
        conditions: name of a condition -> its runs, one per seed, all tested on the same images.
        rows: int64 (n,), rows of the test images.
        twins: bool (n,), which of them have a twin in Training (see `audit.twin_mask`).

    Returns:
        One row per condition: condition, test images, twins, accuracy, with a twin, without a twin, low and high
        (Wilson 95 % of the last); means over the seeds, NaN where there is no such image.

    Raises:
        ValueError: if a condition has no run, or was tested on other images.
    """
    table = []
    for name, runs in conditions.items():
        tested = [run.predictions("test") for run in runs]
        if not tested or any(not np.array_equal(found.rows, rows) for found in tested):
            raise ValueError(f"every condition must have runs tested on these {len(rows):,} images. Received: {name!r}")
        hits = np.mean([found.probabilities.argmax(axis=1) == found.labels for found in tested], axis=0)
        accuracies = [float(hits[part].mean()) if part.any() else np.nan for part in (twins, ~twins)]
        low, high = interval_of(accuracies[1], int((~twins).sum())) if (~twins).any() else (np.nan, np.nan)
        table.append(
            {
                "condition": name,
                "test images": len(rows),
                "twins": int(twins.sum()),
                "accuracy": float(hits.mean()),
                "with a twin": accuracies[0],
                "without a twin": accuracies[1],
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(table)
