"""Histories of trainings: a row of numbers per epoch, and which of them are numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.files import write_text

OVERFLOW = "overflow"
"""Column of the histories in which an epoch left weights that are no numbers: 1 there, nothing in other rows."""


def write_history(path: Path, history: pd.DataFrame) -> None:
    """Write one row per epoch as CSV, whole or not at all."""
    write_text(path, history.to_csv(index=False))


def has_diverged(row: Mapping[Any, Any]) -> bool:
    """Whether an epoch's row has a loss that is no number, of training or validation, or tells of such weights."""
    losses = [row[name] for name in ("loss", "val_loss") if name in row]
    return not np.isfinite(losses).all() or row.get(OVERFLOW) == 1
