"""How each kind of run is made: a job -> what metrics.json holds, the other files of the run folder on the way."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_lib import classifiers, models, pipeline
from fer_lib.attribution import measure_attribution
from fer_lib.datasets import FerDataset
from fer_lib.evaluation import evaluate, history_metrics, predict_splits
from fer_lib.files import atomic, write_npz
from fer_lib.fitting import Fitted, fit_network
from fer_lib.labels import class_names
from fer_lib.papers import PaperCard
from fer_lib.regions import sample_masks
from fer_lib.runs import Run
from fer_lib.sample import load_sample
from fer_lib.timing import compare_speed

EXPLAINED = 512
"""Test images whose heat maps are measured, where a variant asks for it: the first ones."""

UNTRAINED = 5
"""Networks with random weights whose heat maps are set beside."""


@dataclass(frozen=True)
class Job:
    """All that a kind of run needs to be made.

    Attributes:
        card: the paper.
        request: what determines the run.
        sha256: its hash.
        data: the splits, as the variant's protocol makes them.
        folder: the run folder.
        precision: bfloat16 or float32.
        keep_epochs: whether the weights of every epoch are kept.
        start: the run whose weights it starts from, if any.
    """

    card: PaperCard
    request: dict[str, Any]
    sha256: str
    data: FerDataset
    folder: Path
    precision: str
    keep_epochs: bool
    start: Run | None


def _make_network(job: Job) -> dict[str, Any]:
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
    return {
        **evaluate(arrays, job.data, job.request["grouping"]),
        "history": history_metrics(fitted.history, fitted.kept_epoch),
        "model": count_parameters(fitted.model),
        "timing": {
            "seconds": float(seconds.sum()),
            "seconds_per_epoch": per_epoch,
            "images_per_second": len(job.data.train) / per_epoch,
        },
        **(_explain(job, fitted.model) if job.request.get("attribution") else {}),
    }


def _explain(job: Job, model: keras.Model) -> dict[str, Any]:
    """Where the network looks, beside the same with random weights; on the built-in sample by its exact landmarks."""
    keras.utils.set_random_seed(job.request["seed"])
    untrained = [keras.models.clone_model(model) for _ in range(UNTRAINED)]
    shown = job.data.test.take(np.arange(min(EXPLAINED, len(job.data.test))))
    exact = job.data.is_sample and job.data.sha256 == load_sample().sha256
    masks = sample_masks(shown) if exact else None
    measured = measure_attribution(model, shown.images, masks=masks, untrained=untrained)
    return {"attribution": {**measured, "exact_landmarks": exact}}


def _make_trial(job: Job) -> dict[str, Any]:
    fitted = _fit(job)
    return {"history": history_metrics(fitted.history, fitted.kept_epoch)}


def _fit(job: Job) -> Fitted:
    start = keras.models.load_model(job.start.folder / "model.keras", compile=False) if job.start else None
    return fit_network(
        job.request, job.sha256, job.data, job.folder,
        precision=job.precision, keep_epochs=job.keep_epochs, start=start,
    )  # fmt: skip


def _make_classifier(job: Job) -> dict[str, Any]:
    started = datetime.now(UTC)
    classes = len(class_names(job.request["grouping"]))
    predict = classifiers.fit_classifier(job.request["model"], job.data.train, classes, **job.request["options"])
    seconds = (datetime.now(UTC) - started).total_seconds()
    arrays = predict_splits(predict, job.data, job.request["grouping"])
    write_npz(job.folder / "predictions.npz", arrays)
    return {**evaluate(arrays, job.data, job.request["grouping"]), "timing": {"seconds": seconds}}


def _make_timing(job: Job) -> dict[str, Any]:
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


MAKERS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "network": _make_network,
    "trial": _make_trial,
    "classifier": _make_classifier,
    "timing": _make_timing,
}
"""What makes each kind of run."""
