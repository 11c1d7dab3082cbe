"""Run folders -> `reports/published`: the numbers that are committed, small, without faces, paths or names of people.

<published>/<paper>/<variant>/seed-<n>/    the layout of `fer_lib.runs`, so `Run(folder)` reads it
  config.json       request and record; of a path only its last part
  history.csv       six significant digits
  metrics.json      as the run has it
  predictions.npz   validation and test: rows int32, labels uint8, probabilities float16, compressed (about 100 kB);
                    transforms uint8 where a split holds transforms of pictures
  epoch_predictions.npz   of runs that have one: classes that each epoch predicts, uint8, compressed
<published>/<paper>/search.csv             one row per trial of the random search, the best first
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import pandas as pd

from fer_lib import papers
from fer_lib.epoch_predictions import EPOCH_PREDICTIONS, read_epoch_predictions
from fer_lib.files import atomic, write_json, write_npz
from fer_lib.paths import PUBLISHED
from fer_lib.runs import Run, find_obstacles, find_runs, request_sha256, write_obstacle

SPLITS = ("validation", "test")
"""Splits whose predictions are published: Training's would be eight times their size and prove little."""

RECORD = (
    "started", "finished", "code_version", "packages", "hardware", "precision", "source", "shortened", "as_published",
    "sessions", "made_from", "diverged_sources",
)  # fmt: skip
"""What is published of a run's record; anything else in it stays at home."""

PATH_IN_TEXT = re.compile(r"(?<!\S)(?:~|/|[A-Za-z]:[\\/])[^\s,]+")
"""An absolute path among other words, up to a blank or comma."""


def publish(runs: Path, profile: str = "paper", destination: Path = PUBLISHED) -> list[Run]:
    """Publish every complete run of a profile, and the table of each paper's search.

    Args:
        runs: folder of run folders.
        profile: the profile to publish.
        destination: where published numbers stand; what is there of other runs is left alone.

    Returns:
        The published runs.

    Raises:
        ValueError: if there is none, or one is not fit to be published, damaged among them; nothing is written then.
    """
    found = find_runs(runs, profile)
    if not found:
        raise ValueError(f"publishing needs complete runs in {Path(runs) / profile}. Received: none")
    for run in found:
        check_publishable(run)
    obstacles = _places_of_obstacles(found)
    tables = {paper: _search_table(Path(runs) / profile / paper / "search") for paper in _papers_of(found)}
    published = [publish_run(run, Path(destination) / _place(run)) for run in found]
    for place, reason in obstacles.items():
        write_obstacle(Path(destination) / place, reason)
    for paper, table in tables.items():
        if table is not None:
            _write(Path(destination) / paper / "search.csv", table)
    return published


def publish_run(run: Run, folder: Path) -> Run:
    """Copy a run's numbers to `folder`, whole or not at all; what was there is replaced once they are in its place.

    Raises:
        ValueError: for the reasons of `check_publishable`.
    """
    check_publishable(run)
    numbers, folder = _public_numbers(run), Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".publishing-", dir=folder.parent) as name:
        staged = Path(name) / folder.name
        for file, content in numbers.items():
            _write(staged / file, content)
        _put_in_place(staged, folder)
    return Run(folder)


def published_runs(paper: str | None = None, folder: Path = PUBLISHED) -> list[Run]:
    """The published runs, of one paper or of all, sorted by paper, variant and seed."""
    return find_runs(Path(folder).parent, Path(folder).name, paper)


def check_publishable(run: Run) -> None:
    """Refuse what proves nothing to others; everything that would be published is read.

    Raises:
        ValueError: if the run is incomplete, on the built-in sample or other data in place of its card's, or at less
            than its card's budget, if one of its files is damaged, or the predictions of its epochs are not those of
            its images and classes.
    """
    if not run.is_complete:
        raise ValueError(f"only complete runs are published. Received: {run.folder}")
    if run.is_on_sample_instead:
        raise ValueError(f"runs on the built-in sample are not published. Received: {run.folder}")
    if run.is_on_other_data:
        raise ValueError(f"runs on other data than the published FER2013 are not published. Received: {run.folder}")
    if run.config["record"].get("shortened"):
        raise ValueError(f"runs trained for less than the card says are not published. Received: {run.folder}")
    _public_numbers(run)


def _papers_of(found: Sequence[Run]) -> list[str]:
    return sorted({run.request["paper"] for run in found})


def _places_of_obstacles(found: Sequence[Run]) -> dict[Path, str]:
    """Why other runs of the same papers could not be made: <paper>/<variant>/seed-<n> -> reason."""
    reasons = {}
    for paper in _papers_of(found):
        of_paper = [run for run in found if run.request["paper"] == paper]
        for (variant, seed), reason in find_obstacles(of_paper).items():
            reasons[Path(paper, variant, f"seed-{seed}")] = reason
    return reasons


def _public_numbers(run: Run) -> dict[str, Any]:
    """What is published of a run: name of a file -> what it holds."""
    numbers: dict[str, Any] = {"config.json": _public_config(run.config), "metrics.json": run.metrics}
    if (run.folder / "history.csv").exists():
        numbers["history.csv"] = history = run.history
        epochs = run.metrics.get("history", {}).get("epochs", len(history))
        if len(history) != epochs:
            path = run.folder / "history.csv"
            raise ValueError(f"{path} must have a row for each of {epochs} epochs. Received: {len(history)}")
    if (run.folder / "predictions.npz").exists():
        numbers["predictions.npz"] = _small_predictions(run)
    predicted = read_epoch_predictions(run)
    if predicted is not None:
        numbers[EPOCH_PREDICTIONS] = {f"classes_{split}": found for split, found in predicted.classes.items()}
    return numbers


def _write(path: Path, content: Any) -> None:
    """Write a table, named arrays or a dictionary, as the file's name says."""
    if path.suffix == ".csv":
        with atomic(path) as temporary:
            content.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    elif path.suffix == ".npz":
        write_npz(path, content, compressed=True)
    else:
        write_json(path, content)


def _put_in_place(staged: Path, folder: Path) -> None:
    """Move a folder to its place; what stands there is moved aside before, and back if that fails."""
    before = folder.with_name(f".{folder.name}.before")
    if folder.exists():
        folder.replace(before)
    try:
        staged.replace(folder)
    except OSError:
        if before.exists():
            before.replace(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)


def _place(run: Run) -> Path:
    """Folder of a run relative to its profile's: <paper>/<variant>/seed-<n>."""
    return Path(*run.folder.parts[-3:])


def _public_config(config: dict[str, Any]) -> dict[str, Any]:
    request = _without_folders(config["request"])
    record = {name: config["record"][name] for name in RECORD if name in config["record"]}
    return {"request": request, "request_sha256": request_sha256(request), "record": _without_folders(record)}


def _without_folders(value: Any) -> Any:
    """The same, each absolute path, alone or within a text, cut down to its last part."""
    if isinstance(value, dict):
        return {key: _without_folders(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_without_folders(member) for member in value]
    if isinstance(value, str):
        return _last_part(value) or PATH_IN_TEXT.sub(lambda found: _last_part(found[0]), value)
    return value


def _last_part(text: str) -> str:
    """The name at the end of an absolute path; nothing where `text` is no such path."""
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(text).is_absolute() or text.startswith("~"):
            return kind(text).name
    return ""


def _small_predictions(run: Run) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for split in SPLITS:
        for view in run.views[split]:
            saved = run.predictions(split, view)
            arrays[f"rows_{split}"] = saved.rows.astype(np.int32)
            arrays[f"labels_{split}"] = saved.labels.astype(np.uint8)
            arrays[f"{view}_{split}"] = saved.probabilities.astype(np.float16)
        transforms = run.transforms(split)
        if transforms is not None:
            arrays[f"transforms_{split}"] = transforms.astype(np.uint8)
    return arrays


def _search_table(search: Path) -> pd.DataFrame | None:
    """The trials of a whole search, without those made under another budget or on other data; None of half a search."""
    trials = [Run(found.parent) for found in sorted(search.glob("trial-*/seed-*/metrics.json"))]
    trials = [run for run in trials if _budget(run) == _budget(trials[0]) and not run.request["data"]["is_sample"]]
    if not trials or len(trials) < papers.load(trials[0].request["paper"]).profiles["paper"].trials:
        return None
    table = pd.DataFrame([_trial_row(run) for run in trials])
    varied = [
        name
        for name in table.columns
        if table[name].nunique() > 1 or name in ("trial", "epochs", "validation_accuracy")
    ]
    return table[varied].sort_values("validation_accuracy", ascending=False, kind="stable")


def _budget(run: Run) -> Sequence[Any]:
    return run.request["epochs"], run.request["data"]["sha256"], run.request["seed"]


def _trial_row(run: Run) -> dict[str, Any]:
    return {
        "trial": int(run.folder.parent.name.removeprefix("trial-")),
        **run.request["hyperparameters"],
        "epochs": run.request["epochs"],
        "validation_accuracy": float(run.history["val_accuracy"].max()),
    }
