"""Cards and runs as they are: hyper-parameters, scores of every run, what merging classes does."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from fer_lib.labels import GROUPINGS
from fer_lib.metrics import classification_metrics
from fer_lib.papers import PaperCard
from fer_lib.runs import Run


def hyperparameter_table(card: PaperCard) -> pd.DataFrame:
    """One row per hyper-parameter of a card: its value, stated, assumed or searched, and where or why."""
    rows = [
        {"hyper-parameter": name, "value": str(value.value), "origin": value.origin, "where or why": value.reason}
        for name, value in card.hyperparameters.items()
    ]
    return pd.DataFrame(rows)


def score_table(groups: Mapping[str, Sequence[Run]]) -> pd.DataFrame:
    """One row per run: kept epoch, accuracy, accuracy without leaked test images, macro F1 on the test set.

    Runs with a validation set, as in the official split, have the columns PublicTest and PrivateTest, runs without one
    train and test.

    Args:
        groups: name of a model -> its runs, one per seed.
    """
    return pd.DataFrame([_scores(name, run) for name, runs in groups.items() for run in runs])


def grouping_table(run: Run, retrained: Mapping[str, Run]) -> pd.DataFrame:
    """What merging classes does on PrivateTest: probabilities of a seven-class run summed, and runs trained on groups.

    Args:
        run: a run on the seven emotions.
        retrained: name of a grouping -> a run trained on its classes.

    Returns:
        One row per set of classes and way: accuracy, macro F1, and the share of the largest class, which a constant
        guess would score.
    """
    saved = run.predictions("test")
    rows = [{**run.metrics["test"]["single"], "classes": "seven emotions", "probabilities": "as trained"}]
    for name, other in retrained.items():
        merge = GROUPINGS[name]
        summed = classification_metrics(
            merge.labels(saved.labels), merge.probabilities(saved.probabilities), merge.classes
        )
        rows.append({**summed, "classes": name, "probabilities": "summed"})
        rows.append({**other.metrics["test"]["single"], "classes": name, "probabilities": "trained"})
    largest = [max(row["support"].values()) / row["n"] for row in rows]
    return pd.DataFrame(rows)[["classes", "probabilities", "accuracy", "macro_f1"]].assign(largest_class=largest)


def as_percent(table: pd.DataFrame) -> Styler:
    """Show a table without its index, fractions as percent with one decimal, counts with commas."""
    fractions, counts = (table.select_dtypes(kind).columns for kind in ("float", "integer"))
    style = table.style.hide().format("{:.1%}", subset=fractions, na_rep="–")
    return style.format("{:,}", subset=counts, na_rep="–")


def _scores(name: str, run: Run) -> dict[str, object]:
    metrics = run.metrics
    test = metrics["test"]
    unleaked = test.get("single_unleaked", {}).get("accuracy", np.nan)
    row = {
        "model": name,
        "seed": run.request["seed"],
        "kept epoch": metrics.get("history", {}).get("kept_epoch", "–"),
    }
    if "validation" in metrics:
        row["PublicTest"] = metrics["validation"]["single"]["accuracy"]
        row |= {"PrivateTest": test["single"]["accuracy"], "PrivateTest without leaks": unleaked}
    else:
        row["train"] = metrics["train"]["single"]["accuracy"]
        row |= {"test": test["single"]["accuracy"], "test without leaks": unleaked}
    return row | {"macro F1": test["single"]["macro_f1"]}
