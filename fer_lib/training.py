"""One run: what a card says of a variant, made into a run folder, or loaded where it is there already."""

import math
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras

from fer_lib import classifiers, models, papers, pipeline
from fer_lib.attribution import measure_attribution
from fer_lib.datasets import FerDataset, load_data
from fer_lib.evaluation import evaluate, history_metrics, predict_splits
from fer_lib.files import atomic, write_json, write_npz
from fer_lib.fitting import Fitted, fit_network
from fer_lib.hardware import code_version, describe_hardware, describe_packages, resolve_precision
from fer_lib.labels import class_names
from fer_lib.models.weights import WeightsNotAvailable
from fer_lib.papers import PaperCard
from fer_lib.paths import runs_folder
from fer_lib.protocols import prepare
from fer_lib.request import is_shortened, make_request
from fer_lib.runs import OBSTACLE, Run, request_sha256, run_folder, write_obstacle
from fer_lib.timing import compare_speed

EXPLAINED = 512
"""Test images whose heat maps are measured, where a variant asks for it: the first ones."""

UNTRAINED = 5
"""Networks with random weights whose heat maps are set beside."""


@dataclass(frozen=True)
class _Job:
    """All that a kind of run needs to be made."""

    card: PaperCard
    request: dict[str, Any]
    sha256: str
    data: FerDataset
    folder: Path
    precision: str
    keep_epochs: bool
    start: Run | None


def train(
    paper: str,
    variant: str,
    seed: int = 0,
    profile: str = "quick",
    *,
    data: FerDataset | None = None,
    runs: Path | None = None,
    epochs: int | None = None,
    precision: str = "auto",
    deterministic: bool = False,
    overrides: dict[str, Any] | None = None,
    trial: int | None = None,
    keep_epochs: bool = False,
) -> Run:
    """Make one run, or load it where its folder is complete and what determines it is the same.

    A run that was interrupted goes on from its last completed epoch. One that starts from another variant's weights
    makes that run first. A folder made under another request (other data,
    other hyper-parameters) is set aside as `aside-<its hash>-seed-<n>`, and comes back when it is asked for again.

    Args:
        paper: id of the paper's card.
        variant: a variant of the card.
        seed: seed of weights, order and dropout.
        profile: smoke, quick or paper; its budget is in the card.
        data: the data; None finds it as `datasets.load_data` does.
        runs: folder of run folders; None means `paths.runs_folder()`.
        epochs: epochs in place of the profile's.
        precision: auto, bfloat16 or float32.
        deterministic: the same weights, bit for bit, each time on the same machine; slower.
        overrides: hyper-parameters in place of the card's, as a search gives them.
        trial: number of the trial, where a search makes the run: it stands in `search/trial-<n>`, and holds a history
            but no predictions, so that no choice can rest on PrivateTest.
        keep_epochs: keep the weights of every epoch in `epochs/`.

    Returns:
        The complete run.

    Raises:
        ValueError: if the paper, variant, profile, precision or a hyper-parameter is unknown.
        WeightsNotAvailable: if it starts from weights that cannot be had; the reason is noted in its folder.
    """
    card = papers.load(paper)
    data = load_data() if data is None else data
    request = make_request(
        card,
        variant,
        seed,
        profile,
        data,
        epochs=epochs,
        precision=precision,
        deterministic=deterministic,
        overrides=overrides,
    )
    name = variant
    if trial is not None:
        request, name = {**request, "kind": "trial"}, f"search/trial-{trial:03d}"
    folder = run_folder(runs or runs_folder(), profile, paper, name, seed)
    sha256 = request_sha256(request)
    _set_aside_others(folder, sha256)
    if Run(folder).is_complete:
        return Run(folder)
    start = None
    if source := card.variants[variant].starts_from:
        start = train(
            paper, source, seed, profile,
            data=data, runs=runs, epochs=epochs, precision=precision, deterministic=deterministic,
        )  # fmt: skip
    job = _Job(card, request, sha256, data, folder, resolve_precision(precision), keep_epochs, start)
    try:
        return _make(job)
    except WeightsNotAvailable as error:
        write_obstacle(folder, error.reason)
        raise


def _set_aside_others(folder: Path, sha256: str) -> None:
    """Make `folder` free for a request, or the folder of that request where there is one."""

    def aside(other: str) -> Path:
        return folder.with_name(f"aside-{other[:12]}-{folder.name}")

    if (folder / "config.json").exists():
        other = Run(folder).config["request_sha256"]
        if other == sha256:
            return
        folder.replace(aside(other))
    if aside(sha256).exists():
        shutil.rmtree(folder, ignore_errors=True)  # what a kill left before it wrote config.json
        aside(sha256).replace(folder)


def _make(job: _Job) -> Run:
    for leftover in job.folder.glob(".*"):  # files that a kill left half written
        leftover.unlink()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    record = _record(job, started)
    config = {"request": job.request, "request_sha256": job.sha256, "record": record}
    write_json(job.folder / "config.json", config)
    makers = {"network": _make_network, "trial": _make_trial, "classifier": _make_classifier, "timing": _make_timing}
    chosen = job.card.variants[job.request["variant"]]
    splits = prepare(job.data, chosen.protocol, job.request["hyperparameters"], job.request["seed"])
    record["source"] = splits.source
    metrics = makers[job.request["kind"]](replace(job, data=splits))
    record["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(job.folder / "config.json", config)
    write_json(job.folder / "metrics.json", metrics)
    (job.folder / OBSTACLE).unlink(missing_ok=True)
    (job.folder / "checkpoint.npz").unlink(missing_ok=True)
    return Run(job.folder)


def _record(job: _Job, started: str) -> dict[str, Any]:
    return {
        "started": started,
        "finished": None,
        "code_version": code_version(),
        "packages": describe_packages(),
        "hardware": describe_hardware(),
        "precision": job.precision,
        "source": None,
        "shortened": is_shortened(job.card, job.request, job.data),
    }


def _make_network(job: _Job) -> dict[str, Any]:
    fitted = _fit(job)
    arrays = predict_splits(
        lambda images: fitted.model.predict(pipeline.evaluation_batches(images), verbose=0),
        job.data,
        job.request["grouping"],
    )
    write_npz(job.folder / "predictions.npz", arrays)
    with atomic(job.folder / "model.keras") as temporary:
        fitted.model.save(temporary)
    seconds = fitted.history["seconds"]
    per_epoch = float(seconds.median())
    heat = {}
    if job.request.get("attribution"):
        keras.utils.set_random_seed(job.request["seed"])
        untrained = [keras.models.clone_model(fitted.model) for _ in range(UNTRAINED)]  # weights drawn anew
        images = job.data.test.images[:EXPLAINED]
        heat["attribution"] = measure_attribution(fitted.model, images, untrained=untrained)
    return {
        **evaluate(arrays, job.data, job.request["grouping"]),
        "history": history_metrics(fitted.history, fitted.kept_epoch),
        "model": count_parameters(fitted.model),
        "timing": {
            "seconds": float(seconds.sum()),
            "seconds_per_epoch": per_epoch,
            "images_per_second": len(job.data.train) / per_epoch,
        },
        **heat,
    }


def _make_trial(job: _Job) -> dict[str, Any]:
    fitted = _fit(job)
    return {"history": history_metrics(fitted.history, fitted.kept_epoch)}


def _fit(job: _Job) -> Fitted:
    start = keras.models.load_model(job.start.folder / "model.keras", compile=False) if job.start else None
    return fit_network(
        job.request, job.sha256, job.data, job.folder,
        precision=job.precision, keep_epochs=job.keep_epochs, start=start,
    )  # fmt: skip


def _make_classifier(job: _Job) -> dict[str, Any]:
    started = datetime.now(UTC)
    classes = len(class_names(job.request["grouping"]))
    predict = classifiers.fit_classifier(job.request["model"], job.data.train, classes, **job.request["options"])
    seconds = (datetime.now(UTC) - started).total_seconds()
    arrays = predict_splits(predict, job.data, job.request["grouping"])
    write_npz(job.folder / "predictions.npz", arrays)
    return {**evaluate(arrays, job.data, job.request["grouping"]), "timing": {"seconds": seconds}}


def _make_timing(job: _Job) -> dict[str, Any]:
    options, settings = job.request["options"], job.request["hyperparameters"]
    reference = next(variant.model for variant in job.card.variants.values() if variant.kind == "network")
    timing = compare_speed(job.request["model"], options, reference, job.data.train, settings, job.precision)
    return {"model": count_parameters(models.build(job.request["model"], **options)), "timing": timing}


def count_parameters(model: keras.Model) -> dict[str, int]:
    """Parameters of a model: all, the trainable ones, and those of its convolutions (biases included)."""
    convolutions = (keras.layers.Conv2D, keras.layers.SeparableConv2D, keras.layers.DepthwiseConv2D)
    return {
        "parameters": model.count_params(),
        "trainable_parameters": sum(math.prod(weight.shape) for weight in model.trainable_weights),
        "convolution_parameters": sum(
            layer.count_params() for layer in model.layers if isinstance(layer, convolutions)
        ),
    }
