"""What each phase of a training came to: a head on a frozen base first, then more and more of the base."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fer_lib.runs import Run


def phase_table(groups: Mapping[str, Sequence[Run]]) -> pd.DataFrame:
    """How long each phase took, and how far it came (Zakavi and Okhunov 2023, Transfer Learning).

    Args:
        groups: name of a model -> its runs, one per seed; those without a run are left out.

    Returns:
        One row per model and phase: model, phase (from 1), seeds (that reached it), epochs (mean, rounded), training
        (accuracy of its last epoch), PublicTest (the best of its epochs). Accuracies are fractions, means over those
        seeds, NaN without validation images.
    """
    rows = []
    for name, runs in groups.items():
        phases = [of_phase for run in runs for of_phase in _phases(run)]
        for number in sorted({phase for phase, _ in phases}):
            found = [epochs for phase, epochs in phases if phase == number]
            rows.append(
                {
                    "model": name,
                    "phase": number,
                    "seeds": len(found),
                    "epochs": round(np.mean([len(epochs) for epochs in found])),
                    "training": float(np.mean([epochs["accuracy"].iloc[-1] for epochs in found])),
                    "PublicTest": float(np.mean([_best_on_validation(epochs) for epochs in found])),
                }
            )
    return pd.DataFrame(rows, columns=["model", "phase", "seeds", "epochs", "training", "PublicTest"])


def _phases(run: Run) -> list[tuple[int, pd.DataFrame]]:
    """Number and rows of the history of each phase; a run without phases has one."""
    history = run.history
    numbers = history["phase"] if "phase" in history else pd.Series(1, index=history.index)
    return [(int(number), epochs) for number, epochs in history.groupby(numbers)]


def _best_on_validation(epochs: pd.DataFrame) -> float:
    return float(epochs["val_accuracy"].max()) if "val_accuracy" in epochs else np.nan
