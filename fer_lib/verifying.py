"""Published numbers -> what of them does not follow from the published probabilities, in words; nothing is trusted.

Whoever has the data also checks the labels, as the rows that stand beside the probabilities are rows of its source, and
the scores without images that also stand in Training.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.audit import leaked_mask
from fer_lib.datasets import FerDataset
from fer_lib.ensemble_checks import find_unproven
from fer_lib.epoch_predictions import TOLERATED_IMAGES, find_disagreements, read_epoch_predictions
from fer_lib.evaluation import history_metrics
from fer_lib.histories import has_diverged
from fer_lib.labels import EMOTIONS, GROUPINGS
from fer_lib.metric_paths import SUBSETS
from fer_lib.metrics import classification_metrics, confusion_metrics
from fer_lib.paths import PUBLISHED
from fer_lib.published import SPLITS as PREDICTED
from fer_lib.published import published_runs
from fer_lib.runs import SPLITS, Run, request_sha256

TOLERATED_LOSS = 0.002
"""How far a loss (in parts of itself or of one) or a calibration error may be from that of the published probabilities,
which have half precision."""

HISTORY_ROUNDING = 1e-4
"""How far what is said of a history may be from its published rows, which have six digits."""

EXACT = 1e-9


def verify_published(folder: Path = PUBLISHED, data: FerDataset | None = None) -> list[str]:
    """Compute published metrics anew from the published probabilities, and check that the requests have their hashes.

    Args:
        folder: where published numbers stand.
        data: the data set, for the labels and leaked images of runs that were made on it; None where it is not at hand.

    Returns:
        What does not agree, in words, naming the run: counts of a confusion matrix, and of the images on which an
        ensemble or its better member alone is right, that differ by more than `TOLERATED_IMAGES` images (those of the
        kept epoch, where every epoch's classes are published, too), what else is told of an ensemble, losses and
        calibration errors that differ by more than `TOLERATED_LOSS`, any other score that does not follow from its
        counts, scores without probabilities, probabilities without scores, missing fields, what is said of a history
        and does not follow from its rows, rows given twice, labels that are not those of the data, another hash.
        Empty where all is well.
    """
    labels = None if data is None else _labels_of_rows(data)
    unleaked = None if data is None else data.test.rows[~leaked_mask(data.train, data.test)]
    findings = []
    for run in published_runs(folder=folder):
        name = run.folder.relative_to(folder).as_posix()
        if run.config.get("request_sha256") != request_sha256(run.request):
            findings.append(f"{name}: request_sha256 is not the hash of the request")
        checks: tuple[Callable[[Run], list[str]], ...] = (_verify_history, _find_unpredicted)
        if (run.folder / "predictions.npz").exists():
            checks += (_verify_scores, _verify_predictions, _verify_epochs, find_unproven)
            if data is not None and labels is not None and unleaked is not None and is_made_on(run, data):
                checks += (partial(_verify_labels, by_row=labels), partial(_verify_unleaked, rows=unleaked))
        findings += [f"{name}: {finding}" for check in checks for finding in _find(check, run)]
    return findings


def _find(check: Callable[[Run], list[str]], run: Run) -> list[str]:
    try:
        return check(run)
    except KeyError as error:  # what is checked may have been written by anyone
        missing = str(error.args[0])
        return [missing if " " in missing else f"metrics.json holds no {missing!r}"]


def is_made_on(run: Run, data: FerDataset) -> bool:
    """Whether the rows of a run's predictions are rows of these data; those of film stills made of them are not."""
    described = run.request["data"]
    return described["sha256"] == data.sha256 and "stands_for" not in described


def _find_unpredicted(run: Run) -> list[str]:
    """Which scores have no published probabilities that they could follow from."""
    predicted = run.views if (run.folder / "predictions.npz").exists() else {}
    return [
        f"{split} ({view}) has scores and no probabilities"
        for split in PREDICTED
        for view in run.metrics.get(split, {})
        if view not in SUBSETS and view not in predicted.get(split, [])
    ]


def _verify_scores(run: Run) -> list[str]:
    """Which scores do not follow from the counts that stand beside them, those on training images included."""
    findings = []
    for split in SPLITS:
        for view, scores in run.metrics.get(split, {}).items():
            counted = confusion_metrics(np.array(scores["confusion"]), scores["classes"])
            if "originals" in scores and split in run.views and view in run.views[split]:
                counted["originals"] = len(np.unique(run.rows(split)))
            findings += _verify_counted(f"{split} ({view})", scores, counted, EXACT)
    return findings


def _verify_predictions(run: Run) -> list[str]:
    findings = []
    for split in PREDICTED:
        transforms = run.transforms(split)
        for view in run.views[split]:
            if view not in run.metrics.get(split, {}):
                findings.append(f"{split} ({view}) has probabilities and no scores")
                continue
            saved = run.predictions(split, view)
            findings += _verify_numbers(run, split, view, saved.labels, saved.probabilities)
            if transforms is not None:
                originals = transforms == 0
                labels, probabilities = saved.labels[originals], saved.probabilities[originals]
                findings += _verify_numbers(run, split, f"{view}_originals", labels, probabilities)
            elif len(np.unique(saved.rows)) != len(saved.rows):
                findings.append(f"{split} ({view}) predicts a row twice")
    return findings


def _verify_numbers(run: Run, split: str, view: str, labels: np.ndarray, probabilities: np.ndarray) -> list[str]:
    """What of a split's stored metrics does not follow from labels int64 (n,) and probabilities (n, classes)."""
    stored = run.metrics[split][view]
    computed = classification_metrics(labels, probabilities, stored["classes"])
    change = np.abs(np.array(computed["confusion"]) - np.array(stored["confusion"])).sum() / 2
    if computed["support"] != stored["support"] or change > TOLERATED_IMAGES:
        numbers = f"{computed['accuracy']:.4f} from its probabilities, {stored['accuracy']:.4f} in its metrics"
        return [f"{split} ({view}) has accuracy {numbers}"]
    tolerated = {
        "log_loss": TOLERATED_LOSS * max(1.0, computed["log_loss"]),
        "expected_calibration_error": TOLERATED_LOSS + 2 * TOLERATED_IMAGES / computed["n"],  # some change their bin
    }
    return [
        f"{split} ({view}) has {name} {computed[name]:.4f} from its probabilities, {stored[name]:.4f} in its metrics"
        for name, most in tolerated.items()
        if not abs(computed[name] - stored[name]) <= most
    ]


def _verify_counted(name: str, stored: Mapping[str, Any], counted: Mapping[str, Any], tolerance: float) -> list[str]:
    """Which stored values are not those that were counted anew; earlier versions may have stored fewer."""
    wrong = [key for key in counted if key in stored and not _is_same(stored[key], counted[key], tolerance)]
    return [f"{name} has {key} {stored[key]}, {counted[key]} when counted anew" for key in wrong]


def _is_same(stored: Any, counted: Any, tolerance: float) -> bool:
    if isinstance(counted, dict):
        return isinstance(stored, dict) and _is_same(list(stored.items()), list(counted.items()), tolerance)
    if isinstance(counted, list | tuple):
        same_length = isinstance(stored, list | tuple) and len(stored) == len(counted)
        return same_length and all(_is_same(*pair, tolerance) for pair in zip(stored, counted, strict=True))
    if isinstance(counted, float):
        return isinstance(stored, int | float) and math.isclose(stored, counted, rel_tol=tolerance, abs_tol=tolerance)
    return bool(stored == counted)


def _verify_history(run: Run) -> list[str]:
    stored = run.metrics.get("history")
    if stored is None or not (run.folder / "history.csv").exists():
        return []
    if "kept_epoch" not in stored:  # a generator's: its last epoch stands, and is measured by its pictures alone
        return _verify_counted("history", stored, {"epochs": len(run.history)}, EXACT)
    history, kept = run.history, stored["kept_epoch"]
    counted = {"diverged": False, **history_metrics(history, kept)}
    findings = _verify_counted("history", {"diverged": False, **stored}, counted, HISTORY_ROUNDING)
    if kept not in _kept_epochs(history, run.request["hyperparameters"].get("kept_epoch")):
        findings.append(f"history has kept_epoch {kept}, which its rows do not choose")
    return findings


def _kept_epochs(history: pd.DataFrame, rule: str | None) -> list[int]:
    """Epochs that a rule of `recorder.KEPT_EPOCHS` may have kept, of the last phase; equal scores leave several.

    Epochs that diverged are none of them.
    """
    history = history[[not has_diverged(row) for row in history.to_dict("records")]]
    last = history[history["phase"] == history["phase"].max()] if "phase" in history else history
    if rule in ("best_validation_accuracy", "best_validation_loss"):
        scores = last["val_accuracy"] if rule == "best_validation_accuracy" else -last["val_loss"]
        last = last[scores >= scores.max() - HISTORY_ROUNDING * abs(scores.max())]
    elif rule == "last":
        last = last.tail(1)
    return [int(epoch) for epoch in last["epoch"]]


def _verify_epochs(run: Run) -> list[str]:
    try:
        predictions = read_epoch_predictions(run)
    except ValueError as error:
        return [str(error)]
    return [] if predictions is None else find_disagreements(run, predictions)


def _labels_of_rows(data: FerDataset) -> np.ndarray:
    """Labels int64 (rows + 1,) by row of the source; -1 for rows that no split holds, and at the end."""
    splits = data.splits().values()
    rows, labels = (np.concatenate([getattr(split, name) for split in splits]) for name in ("rows", "labels"))
    by_row = np.full(rows.max(initial=-1) + 2, -1)
    by_row[rows] = labels
    return by_row


def _verify_labels(run: Run, by_row: np.ndarray) -> list[str]:
    """Which splits have labels beside their rows that are not those of the data."""
    grouping, findings = run.request["grouping"], []
    groups = range(len(EMOTIONS)) if grouping is None else GROUPINGS[grouping].group_of
    by_emotion = np.array([*groups, -1])  # -1, no emotion, is the last one's place
    for split in PREDICTED:
        for view in run.views[split][:1]:  # all views of a split have the same labels
            saved = run.predictions(split, view)
            true = by_emotion[by_row[np.minimum(saved.rows, len(by_row) - 1)]]
            wrong = int((true != saved.labels).sum())
            if wrong:
                findings.append(f"{split} has {wrong} labels that are not those of the data")
    return findings


def _verify_unleaked(run: Run, rows: np.ndarray) -> list[str]:
    """Which scores are not those of the test images that do not stand in Training, of runs on the official splits."""
    if "sizes" not in run.request["data"] or "single_unleaked" not in run.metrics["test"]:
        return []
    saved = run.predictions("test")
    members = np.isin(saved.rows, rows)
    return _verify_numbers(run, "test", "single_unleaked", saved.labels[members], saved.probabilities[members])
