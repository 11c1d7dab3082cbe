"""How each kind of run is made: a job -> what metrics.json holds, the other files of the run folder on the way."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_lib import classifiers, models, pipeline
from fer_lib.attribution import measure_attribution
from fer_lib.audit import leaked_mask
from fer_lib.compactness import measure_compactness
from fer_lib.crops import check_side
from fer_lib.datasets import FerDataset
from fer_lib.evaluation import evaluate, history_metrics, predict_splits
from fer_lib.files import atomic, write_npz
from fer_lib.fitting import Fitted, fit_network
from fer_lib.fusing import Member, fuse
from fer_lib.inputs import input_splits
from fer_lib.labels import class_names
from fer_lib.models.census import APPLICATIONS, count_application, count_parameters
from fer_lib.papers import PaperCard
from fer_lib.progress import Progress, write_progress
from fer_lib.recorder import TrainingDiverged
from fer_lib.regions import sample_masks
from fer_lib.runs import Run
from fer_lib.sample import load_sample
from fer_lib.super_resolution.content import build_content_network
from fer_lib.super_resolution.enlarging import INTERPOLATIONS, enlarge
from fer_lib.super_resolution.quality import measure_enlarging
from fer_lib.super_resolution.training import train_srgan
from fer_lib.timing import compare_speed
from fer_lib.training_bar import show_progress

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
        data: the splits that the variant is trained and tested on.
        folder: the run folder.
        precision: bfloat16 or float32.
        keep_epochs: whether the weights of every epoch are kept.
    """

    card: PaperCard
    request: dict[str, Any]
    sha256: str
    data: FerDataset
    folder: Path
    precision: str
    keep_epochs: bool

    @property
    def paper_folder(self) -> Path:
        """The folder of the paper's run folders."""
        return next(parent for parent in self.folder.parents if parent.name == self.card.id)

    def source(self, variant: str) -> Run:
        """The run of a variant that this one is made from."""
        return Run(self.paper_folder / variant / f"seed-{self.request['seed']}")

    def load_source(self, variant: str) -> keras.Model:
        """The network of that run."""
        return keras.models.load_model(self.source(variant).folder / "model.keras", compile=False)


def _make_network(job: Job) -> dict[str, Any]:
    settings = job.request["hyperparameters"]
    crop_side = settings.get("test_crop_side")
    if crop_side:
        check_side(crop_side, *job.data.test.images.shape[1:3])  # told before the training, not after it
    fitted = _fit(job)
    if not fitted.kept_epoch:
        raise TrainingDiverged(job.folder, fitted.history.to_dict("records")[0])
    arrays = predict_splits(
        lambda images: fitted.model.predict(pipeline.evaluation_batches(images), verbose=0),
        job.data,
        job.request["grouping"],
        crop_side,
    )
    write_npz(job.folder / "predictions.npz", arrays)
    with atomic(job.folder / "model.keras") as temporary:
        fitted.model.save(temporary)
    seconds = fitted.history["seconds"]
    name = job.request["model"]
    return {
        **evaluate(arrays, job.data, job.request["grouping"]),
        **({"application": count_application(name)} if name in APPLICATIONS else {}),
        "history": history_metrics(fitted.history, fitted.kept_epoch),
        "model": count_parameters(fitted.model),
        "timing": {"seconds": float(seconds.sum()), "seconds_per_epoch": float(seconds.median())},
        **(_explain(job, fitted.model) if job.request.get("attribution") else {}),
        **({"features": _describe_features(job, fitted.model, arrays)} if "centre_weight" in settings else {}),
    }


def _describe_features(job: Job, model: keras.Model, arrays: dict[str, np.ndarray]) -> dict[str, float]:
    """How compact and far apart the classes of the test images are, of the networks of a paper with a centre loss."""
    return measure_compactness(model, job.data.test.images, arrays["labels_test"])


def _explain(job: Job, model: keras.Model) -> dict[str, Any]:
    """Where the network looks, beside the same with random weights; on the built-in sample by its exact landmarks."""
    keras.utils.set_random_seed(job.request["seed"])
    untrained = [keras.models.clone_model(model) for _ in range(UNTRAINED)]
    shown = job.data.test.take(np.arange(min(EXPLAINED, len(job.data.test))))
    exact = job.data.is_sample and load_sample().sha256 in (job.data.sha256, (job.data.whole or job.data).sha256)
    masks = sample_masks(shown) if exact else None
    measured = measure_attribution(model, shown.images, masks=masks, untrained=untrained)
    return {"attribution": {**measured, "exact_landmarks": exact}}


def _make_trial(job: Job) -> dict[str, Any]:
    fitted = _fit(job)
    return {"history": history_metrics(fitted.history, fitted.kept_epoch)}


def _fit(job: Job) -> Fitted:
    source = job.card.variants[job.request["variant"]].starts_from
    start = job.load_source(source) if source else None
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


def _make_super_resolution(job: Job) -> dict[str, Any]:
    settings = job.request["hyperparameters"]
    network = _content_network(job)
    content = build_content_network(network, settings["content_layer"]) if network else None
    show_progress(Progress(job.card.id, job.request["variant"], job.request["seed"], 0, job.request["epochs"], None))
    generator, history = train_srgan(
        job.data.train.images, job.data.validation.images, settings, job.folder, job.request["seed"], job.sha256,
        content, job.precision, partial(_report_epoch, job), deterministic=job.request["deterministic"],
    )  # fmt: skip
    with atomic(job.folder / "model.keras") as temporary:
        generator.save(temporary)
    ways = {name: partial(enlarge, method=name) for name in INTERPOLATIONS} | {
        "srgan": partial(enlarge, method=generator)
    }
    own = job.data.test.images[~leaked_mask(job.data.train, job.data.test)]
    return {
        "super_resolution": {
            **_flat(measure_enlarging(job.data.test.images, ways)),
            "validation": _flat(measure_enlarging(job.data.validation.images, ways)),
            **({"unleaked": _flat(measure_enlarging(own, ways))} if len(own) > 1 else {}),
        },
        "history": {"epochs": len(history)},
        "model": {"parameters": generator.count_params()},
        "timing": {"seconds": float(history["seconds"].sum()), "seconds_per_epoch": float(history["seconds"].median())},
    }


def _content_network(job: Job) -> keras.Model | None:
    """The network of the content loss: of weights that the variant names, or as another run trained it."""
    source = job.card.variants[job.request["variant"]].starts_from
    if "content_network" not in job.request:
        return job.load_source(source) if source else None
    shape, weights = job.data.train.images.shape[1:], job.request["options"]["weights"]
    return models.build(job.request["content_network"], input_shape=shape, weights=weights)


def _report_epoch(job: Job, row: dict[str, Any]) -> None:
    done, epochs = row["epoch"], job.request["epochs"]
    identity = (job.card.id, job.request["variant"], job.request["seed"])
    progress = Progress(*identity, done, epochs, row["seconds"] * (epochs - done))
    write_progress(progress)
    show_progress(progress)


def _flat(measured: dict[str, Any]) -> dict[str, Any]:
    """The measures of SRGAN as claims name them, with the ends of their intervals, and those of all ways."""
    of_srgan = {key: value for key, value in measured["enlargers"]["srgan"].items() if not key.endswith("_interval")}
    ends = {
        f"{key}_{end}": measured["enlargers"]["srgan"][f"{key}_interval"][place]
        for key in of_srgan
        for place, end in enumerate(("low", "high"))
    }
    return {"images": measured["n"], "interval": "Student t 95 %", **of_srgan, **ends, **measured}


def _make_ensemble(job: Job) -> dict[str, Any]:
    members = [_member(job, name) for name in job.card.variants[job.request["variant"]].members]
    arrays, chosen = fuse(job.request["model"], members, len(class_names(job.request["grouping"])))
    write_npz(job.folder / "predictions.npz", arrays)
    parameters = sum(member.run.metrics["model"]["parameters"] for member in members)
    return {
        **evaluate(arrays, job.data, job.request["grouping"]),
        "ensemble": chosen,
        "model": {"parameters": parameters},
    }


def _member(job: Job, variant: str) -> Member:
    """A network of an ensemble, and how to load the images it was trained on: the job's, or those enlarged."""
    settings, seed = job.card.settings(variant), job.request["seed"]
    load = partial(input_splits, job.card, variant, job.data, settings, seed, job.paper_folder)
    return Member(job.source(variant), load)


MAKERS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "network": _make_network,
    "trial": _make_trial,
    "classifier": _make_classifier,
    "timing": _make_timing,
    "super_resolution": _make_super_resolution,
    "ensemble": _make_ensemble,
}
"""What makes each kind of run."""
