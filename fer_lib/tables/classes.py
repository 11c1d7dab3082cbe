"""One row per class of a test set: correct images with their interval, or precision, recall, F1 and support."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.runs import Run
from fer_lib.tables.parts import check_published, interval_of, published_column, split_metrics

RATES = ["precision", "recall", "f1"]
"""Rates of `class_report_table`."""


def class_accuracy_table(
    runs: Sequence[Run], published: Mapping[str, float] | None = None, view: str = "single"
) -> pd.DataFrame:
    """Images and correct ones of each class of the test set and of all (Liu, Table 1), summed over the runs.

    Pictures come back from one re-split to the next, so a sum over re-splits is no larger sample: the interval is
    Wilson's at the size of one run's test set (the mean, where they differ).

    Args:
        runs: runs of one variant: one for a single re-split, several for the sum over re-splits.
        published: class name or "total" -> published accuracy, a fraction.
        view: view of the test set.

    Returns:
        One row per class and one `total`: class, total and correct (images), accuracy, low and high (95 %, fractions)
        and, where given, published; NaN for a class without images.

    Raises:
        ValueError: if there is no run, one has no metrics of that view, or a published name is none of the rows'.
    """
    metrics = split_metrics(runs, "test", view)
    confusion = np.sum([found["confusion"] for found in metrics], axis=0)  # (classes, classes), rows true
    table = pd.DataFrame({"total": confusion.sum(axis=1), "correct": np.diag(confusion)}, index=metrics[0]["classes"])
    table.loc["total"] = table.sum()
    table["accuracy"] = table["correct"] / table["total"]
    images = (table["total"] / len(runs)).round().astype(int)
    table[["low", "high"]] = [interval_of(*row) for row in zip(table["accuracy"], images, strict=True)]
    if published is not None:
        table["published"] = published_column(published, table.index)
    return table.rename_axis("class").reset_index()


def class_report_table(
    runs: Sequence[Run],
    published: Mapping[str, Mapping[str, float]] | None = None,
    split: str = "test",
    view: str = "single",
) -> pd.DataFrame:
    """Precision, recall, F1 and support as scikit-learn's `classification_report` has them (LT2326, Tables 3 and 6).

    Args:
        runs: runs of one variant, one per seed; rates are means over them, supports the mean count, rounded.
        published: name of a row -> precision, recall, f1 or support -> published value.
        split: train, validation or test.
        view: view of the split.

    Returns:
        One row per class, then `accuracy` (in the column of F1), `macro avg` and `weighted avg`: class, precision,
        recall, f1 (fractions), support (images), and beside each the published value where any is given.

    Raises:
        ValueError: if there is no run, one has no metrics of that view, or a published name is not known.
    """
    reports = [_report(found) for found in split_metrics(runs, split, view)]
    table = sum(reports[1:], reports[0]) / len(reports)
    table["support"] = table["support"].round().astype(int)
    return _beside(table, published or {}).rename_axis("class").reset_index()


def _beside(table: pd.DataFrame, published: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """The same with a published column after each that has published values."""
    check_published(published, table.index)
    for row in published.values():
        check_published(row, table.columns)
    columns = {}
    for name in map(str, table.columns):
        columns[name] = table[name]
        values = {row: given[name] for row, given in published.items() if name in given}
        if values:
            column = pd.Series(published_column(values, table.index), table.index)
            columns[f"{name} published"] = column.astype("Int64") if name == "support" else column
    return pd.DataFrame(columns)


def _report(found: Mapping[str, Any]) -> pd.DataFrame:
    """Rates and support of one run by class, then of all classes."""
    n = found["n"]
    table = pd.DataFrame({name: found[name] for name in [*RATES, "support"]}, index=found["classes"])
    weighted = table[RATES].mul(table["support"], axis=0).sum() / n
    table.loc["accuracy"] = [np.nan, np.nan, found["accuracy"], n]
    table.loc["macro avg"] = [*(found[f"macro_{name}"] for name in RATES), n]
    table.loc["weighted avg"] = [*weighted, n]
    return table
