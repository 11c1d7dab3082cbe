"""Scores of whole sets of images, measured and published: one variant's, or accuracies under several conditions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.measurements import measure_accuracy
from fer_lib.papers.claim_kinds import SplitName
from fer_lib.runs import Run
from fer_lib.tables.parts import check_published, published_column, split_metrics

SCORES = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "macro_recall": "macro recall",
    "macro_precision": "macro precision",
}
"""Rows of `split_score_table`: name in a run's metrics -> what the table calls it, in the order of LT2326's Table 1."""

SCORED_ON: dict[tuple[SplitName, str], str] = {
    ("train", "single"): "train",
    ("test", "single"): "test",
    ("test", "single_unleaked"): "test, without leaks",
    ("test", "single_originals"): "test, originals only",
}
"""Sets of images of `accuracy_table`: split and view in a run's metrics -> what the table calls them."""


def split_score_table(
    runs: Sequence[Run], published: Mapping[str, Mapping[str, float]] | None = None, view: str = "single"
) -> pd.DataFrame:
    """Accuracy, macro F1, recall and precision on train and test (LT2326, Tables 1, 2, 4 and 5), means over the runs.

    Args:
        runs: runs of one variant, one per seed.
        published: "train" or "test" -> name in `SCORES` -> published fraction.
        view: view of the test set; the training set has `single` alone.

    Returns:
        One row per score: score, train, test, and beside each the published value where any is given.

    Raises:
        ValueError: if there is no run, one has no metrics of that view, or a published name is not known.
    """
    columns: dict[str, Any] = {"score": SCORES}
    for split, seen in {"train": "single", "test": view}.items():
        metrics = split_metrics(runs, split, seen)
        columns[split] = {name: float(np.mean([found[name] for found in metrics])) for name in SCORES}
        if published and split in published:
            columns[f"{split} published"] = published_column(published[split], SCORES)
    check_published(published or {}, ("train", "test"))
    return pd.DataFrame(columns, index=list(SCORES)).reset_index(drop=True)


def accuracy_table(
    conditions: Mapping[str, Sequence[Run]], published: Mapping[str, Mapping[str, float]] | None = None
) -> pd.DataFrame:
    """Accuracy under each condition on each set of images that its runs were scored on.

    `figures.plot_accuracies` draws what this returns.

    Args:
        conditions: name of a condition -> its runs, one per seed.
        published: name of a condition -> one of `SCORED_ON` -> published accuracy, a fraction.

    Returns:
        One row per condition and set: condition, scored on, seeds (runs scored on it), images (mean count, rounded),
        leaked (share of the test images whose picture also stands in train, where it was counted), accuracy (mean over
        the seeds), low and high (95 %, made as for a claim on it: `measurements.measure`), lowest seed, highest seed,
        published. All but the counts are fractions, NaN where there is none.

    Raises:
        ValueError: if a condition has no run, or a published name is none of the rows'.
    """
    rows = [row for name, runs in conditions.items() for row in _accuracies(name, runs)]
    keys = [(row["condition"], row["scored on"]) for row in rows]
    values = {(name, place): value for name, row in (published or {}).items() for place, value in row.items()}
    check_published(values, keys)
    return pd.DataFrame(rows).assign(published=[values.get(key, np.nan) for key in keys])


def _accuracies(condition: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Rows of `accuracy_table` for one condition, without the published values."""
    if not runs:
        raise ValueError(f"every condition must have a run. Received: none for {condition!r}")
    rows = []
    for (split, view), name in SCORED_ON.items():
        scored = [run for run in runs if run.metrics.get(split, {}).get(view)]
        if scored:
            found = measure_accuracy(scored, split, view)
            low, high = found.interval or (np.nan, np.nan)
            leaked = [run.metrics.get("data", {}).get("leaked_test_share", np.nan) for run in scored]
            rows.append(
                {
                    "condition": condition,
                    "scored on": name,
                    "seeds": len(scored),
                    "images": round(float(np.mean([run.metrics[split][view]["n"] for run in scored]))),
                    "leaked": float(np.mean(leaked)) if name == "test" else np.nan,
                    "accuracy": found.value,
                    "low": low,
                    "high": high,
                    "lowest seed": min(found.by_seed.values()),
                    "highest seed": max(found.by_seed.values()),
                }
            )
    return rows
