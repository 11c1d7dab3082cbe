"""The FER+ votes: what ten people saw in each image of FER2013 (Barsoum et al. 2016), beside its rows."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from fer_lib.datasets import SPLIT_USAGES, FerDataset
from fer_lib.paths import find_votes

__all__ = ["ANSWERS", "find_votes_of", "read_votes"]

ANSWERS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""What could be answered, in the file's order; NF is "not a face"."""

ROWS = 35_887
"""Of fer2013.csv, and of the file of votes."""

_COLUMNS = ["Usage", "Image name", *ANSWERS]
_SHOWN = 60
_FALLING = 0.01  # share of names that may stand out of order


def find_votes_of(data: FerDataset) -> Path | None:
    """The file of votes that belongs to some data: where there is one, and the whole has FER2013's number of rows."""
    whole = data.whole or data
    return find_votes(whole.source) if sum(map(len, whole.splits().values())) == ROWS else None


def read_votes(path: str | Path, data: FerDataset) -> pd.DataFrame:
    """Read `fer2013new.csv` and check that it fits the data: one line of votes for every row of `fer2013.csv`.

    Args:
        path: the file, with the columns Usage, Image name, neutral … contempt, unknown, NF.
        data: FER2013 in its official splits, or a part of it, loaded from its CSV; the image folders do not keep its
            order of rows.

    Returns:
        `row`, `split` (train, validation, test) and the number of votes for each of `ANSWERS`, int64, in the order of
        the rows.

    Raises:
        ValueError: if the file cannot be read or does not fit; the message names the file, the row (from 0) and column
            where there is one, and what was received.
    """
    if data.whole is not None:
        votes = read_votes(path, data.whole)
        rows = np.concatenate([split.rows for split in data.splits().values()])
        return votes[votes["row"].isin(rows)].reset_index(drop=True)
    path = Path(path).expanduser()
    if Path(data.source).is_dir():
        raise ValueError(
            f"{path}: votes belong to the rows of fer2013.csv. Received: data from a folder, {data.source}"
        )
    table = _read(path)
    if list(table.columns) != _COLUMNS:
        raise _misfit(path, f"the columns must be {', '.join(_COLUMNS)}", ", ".join(map(str, table.columns)))
    expected = _expected_rows(data)
    if len(table) != len(expected):
        raise _misfit(path, f"there must be {len(expected):,} rows, as many as of the data", f"{len(table):,}")
    _check_usages(path, table["Usage"].to_numpy(), expected["split"].map(SPLIT_USAGES).to_numpy())
    _check_names(path, table["Image name"].tolist())
    return pd.concat([expected, *(_counts(path, table[answer]) for answer in ANSWERS)], axis=1)


def _read(path: Path) -> pd.DataFrame:
    """All cells as text; empty ones as empty text."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except (ValueError, OSError) as error:  # pandas' ParserError and EmptyDataError are ValueErrors
        raise _misfit(path, "the file must be readable as CSV", " ".join(str(error).split())) from error


def _expected_rows(data: FerDataset) -> pd.DataFrame:
    rows = pd.concat(
        [pd.DataFrame({"row": split.rows, "split": name}) for name, split in data.splits().items()],
        ignore_index=True,
    ).sort_values("row", ignore_index=True)
    if not np.array_equal(rows["row"], np.arange(len(rows))):
        raise ValueError(f"data must hold each row of fer2013.csv once, to be matched with votes. Received: {data!r}")
    return rows


def _check_usages(path: Path, usages: np.ndarray, expected: np.ndarray) -> None:
    for row in np.flatnonzero(usages != expected)[:1]:
        raise _misfit(path, f"row {row}: Usage must be {expected[row]}, that of the data", repr(usages[row]))


def _check_names(path: Path, names: list[str]) -> None:
    """Images are numbered in the order of the rows, all but four of the published file; some are without a name."""
    numbers = [int(found[1]) for found in (re.search(r"(\d+)\.\w+$", name) for name in names) if found]
    falling = int((np.diff(numbers) <= 0).sum())
    if falling > _FALLING * len(names):
        raise _misfit(path, "Image name must be numbered in the order of the rows", f"{falling:,} numbers that fall")


def _counts(path: Path, cells: pd.Series) -> pd.Series:
    counts = pd.to_numeric(cells, errors="coerce")
    good = (counts >= 0) & (counts == np.floor(counts)) & np.isfinite(counts)
    for row in np.flatnonzero(~good)[:1]:
        raise _misfit(path, f"row {row}: {cells.name} must be a whole number of votes", repr(cells.iloc[row]))
    return counts.astype(np.int64)


def _misfit(path: Path, what: str, received: str) -> ValueError:
    shortened = received if len(received) <= _SHOWN else f"{received[:_SHOWN]}…"
    return ValueError(f"{path}: {what}. Received: {shortened}")
