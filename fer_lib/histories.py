"""Histories of trainings: a row of numbers per epoch, and which of them are numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.files import write_text


def write_history(path: Path, history: pd.DataFrame) -> None:
    """Write one row per epoch as CSV, whole or not at all."""
    write_text(path, history.to_csv(index=False))


def has_finite_losses(row: Mapping[Any, Any]) -> bool:
    """Whether the losses of an epoch's row, that of validation where there is one, are numbers."""
    return all(np.isfinite(row[name]) for name in ("loss", "val_loss") if name in row)
