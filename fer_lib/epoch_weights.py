"""The kept weights of every epoch -> what each predicts on PublicTest and PrivateTest, after the run and never in it.

A run that chose its epoch has written metrics.json; only then is PrivateTest shown to the weights of other epochs, and
nothing here changes the run, its metrics or its verdicts. No module that trains or searches imports this one.
"""

import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import keras
import numpy as np

from fer_lib import papers, pipeline
from fer_lib.datasets import FerDataset, load_data
from fer_lib.epoch_predictions import (
    EPOCH_PREDICTIONS,
    SPLITS,
    EpochPredictions,
    find_disagreements,
    keeps_epochs,
    read_epoch_predictions,
)
from fer_lib.files import open_npz, write_npz
from fer_lib.inputs import input_splits
from fer_lib.progress import Progress, write_progress
from fer_lib.protocols import describe_data
from fer_lib.runs import Run


def predict_kept_epochs(runs: Iterable[Run], profile: str, data_path: str = "") -> dict[str, str]:
    """Predict with every epoch of those runs that kept their weights, where that is not done yet.

    Args:
        runs: complete runs of a profile.
        profile: that profile, which may take a part of the data.
        data_path: the data, as `datasets.load_data` takes them; read only where something is to be predicted.

    Returns:
        What became of each run that keeps its epochs: `<paper>/<variant>/seed-<n>` -> words.
    """
    load = lru_cache(lambda images: load_data(data_path or None, images))
    told = {}
    for run in filter(keeps_epochs, runs):
        name = "/".join(run.folder.parts[-3:])
        if (run.folder / EPOCH_PREDICTIONS).exists():
            told[name] = "predicted before"
            continue
        try:
            found = predict_epochs(run, load(papers.load(run.request["paper"]).budget(profile).images))
            told[name] = f"{found.epochs} epochs predicted"
        except ValueError as error:
            told[name] = str(error)
    return told


def predict_epochs(run: Run, data: FerDataset) -> EpochPredictions:
    """Predict PublicTest and PrivateTest with the weights of every epoch, or read what was predicted before.

    Args:
        run: a complete run of a network that kept the weights of its epochs (a variant that says `keep_epochs`).
        data: the data that it was trained on, in their official splits.

    Returns:
        The predicted classes, which also stand in the run folder then.

    Raises:
        ValueError: if the run is not complete, is no trained network with images to choose an epoch on, was trained on
            other data, lacks the weights of an epoch, or these are not those that gave its metrics.
    """
    _check_run(run, data)
    found = read_epoch_predictions(run)
    if found is None:
        splits = _input_splits(run, data)
        model = keras.models.load_model(run.folder / "model.keras", compile=False)
        classes = _predict(run, model, splits)
        found = EpochPredictions({split: run.predictions(split).labels for split in SPLITS}, classes)
        _check_predictions(run, found)
        arrays = {f"classes_{split}": classes[split] for split in SPLITS}
        write_npz(run.folder / EPOCH_PREDICTIONS, arrays, compressed=True)
    return found


def _check_run(run: Run, data: FerDataset) -> None:
    if not run.is_complete:
        raise ValueError(f"a run must be complete before other epochs see its test images. Received: {run.folder}")
    if run.request["kind"] != "network" or not all(split in run.metrics for split in SPLITS):
        received = f"{run.folder}, {run.request['kind']}"
        raise ValueError(f"a run must be of a network that chose its epoch on validation images. Received: {received}")
    described = describe_data(data, papers.load(run.request["paper"]).variants[run.request["variant"]].protocol)
    if described != run.request["data"]:
        received = f"{data.source}, sha256 {data.sha256[:12]}…"
        raise ValueError(f"{run.folder} must be given the data it was trained on. Received: {received}")


def _input_splits(run: Run, data: FerDataset) -> FerDataset:
    request = run.request
    card = papers.load(request["paper"])
    return input_splits(
        card, request["variant"], data, request["hyperparameters"], request["seed"], run.folder.parents[1]
    )


def _predict(run: Run, model: keras.Model, splits: FerDataset) -> dict[str, np.ndarray]:
    """Predicted classes of each split, uint8 (epochs, n)."""
    request, paths = run.request, _weight_files(run)
    images = {split: splits.splits()[split].images for split in SPLITS}
    classes: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    started = time.monotonic()
    for done, path in enumerate(paths, start=1):
        with open_npz(path) as arrays:
            weights = [arrays[f"arr_{index}"] for index in range(len(model.weights))]  # a centre loss' come last
        model.set_weights(weights)
        for split in SPLITS:
            probabilities = model.predict(pipeline.evaluation_batches(images[split]), verbose=0)
            classes[split].append(probabilities.argmax(axis=1).astype(np.uint8))
        left = (time.monotonic() - started) / done * (len(paths) - done)
        write_progress(Progress(request["paper"], request["variant"], request["seed"], done, len(paths), left))
    return {split: np.stack(found) for split, found in classes.items()}


def _weight_files(run: Run) -> list[Path]:
    """One file of weights per epoch, in order."""
    epochs = run.metrics["history"]["epochs"]
    paths = sorted((run.folder / "epochs").glob("[0-9]*.npz"))
    if [int(path.stem) for path in paths] != list(range(1, epochs + 1)):
        raise ValueError(f"{run.folder} must keep the weights of its {epochs} epochs. Received: {len(paths)} files")
    return paths


def _check_predictions(run: Run, found: EpochPredictions) -> None:
    disagreements = find_disagreements(run, found)
    if disagreements:
        raise ValueError(f"{run.folder}: its epochs must give its metrics. Received: {'; '.join(disagreements)}")
