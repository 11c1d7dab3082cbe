"""What the tables have in common: metrics of several runs, intervals, published values beside measured ones."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fer_lib.intervals import wilson_interval
from fer_lib.runs import Run


def split_metrics(runs: Sequence[Run], split: str, view: str) -> list[dict[str, Any]]:
    """Classification metrics of one split under one view, one per run.

    Raises:
        ValueError: if there is no run, or one was not scored on that split under that view.
    """
    if not runs:
        raise ValueError(f"runs must hold at least one. Received: {runs!r}")
    found = [run.metrics.get(split, {}).get(view) for run in runs]
    for run, metrics in zip(runs, found, strict=True):
        if not metrics:
            raise ValueError(f"every run must have metrics of {split} ({view}). Received: {run.folder}")
    return found


def interval_of(share: float, images: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of so many images, NaN where there are none."""
    return wilson_interval(share * images, images) if images else (np.nan, np.nan)


def published_column(values: Mapping[str, float], names: Collection[str]) -> list[float]:
    """Published values in the order of a table's rows, NaN where there is none.

    Raises:
        ValueError: if a value belongs to no row.
    """
    check_published(values, names)
    return [float(values.get(name, np.nan)) for name in names]


def check_published(given: Iterable[Hashable], known: Collection[Hashable]) -> None:
    """Refuse published values that a table would leave out in silence.

    Raises:
        ValueError: if a name is not known.
    """
    unknown = [name for name in given if name not in list(known)]
    if unknown:
        raise ValueError(f"published values must belong to {list(known)}. Received: {unknown}")
