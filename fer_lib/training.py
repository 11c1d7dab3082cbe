"""One run: what a card says of a variant, made into a run folder, or loaded where it is there already."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from fer_lib import papers
from fer_lib.audit import is_as_published
from fer_lib.datasets import FerDataset, load_data
from fer_lib.files import write_json
from fer_lib.hardware import code_version, describe_hardware, describe_packages, resolve_precision
from fer_lib.inputs import input_splits
from fer_lib.makers import MAKERS, Job
from fer_lib.models.weights import WeightsNotAvailable, require_weights
from fer_lib.origins import check_current, check_unchanged, origins_of
from fer_lib.papers.values import AVERAGE
from fer_lib.paths import runs_folder
from fer_lib.recorder import TrainingDiverged
from fer_lib.request import is_shortened, make_request, requests_of, sources_of, weighted_network
from fer_lib.runs import OBSTACLE, Run, request_sha256, run_folder, write_obstacle

SESSION = ("started", "code_version", "packages", "hardware")
"""What is recorded of a session that goes on with a run that an earlier one began."""


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
    weights: Mapping[str, str] | None = None,
    trial: int | None = None,
) -> Run:
    """Make one run, or load it where its folder is complete and what determines it is the same.

    A run that was interrupted goes on from its last completed epoch. One that is made from other variants (their
    weights, pictures or probabilities) makes their runs first. A folder made under another request (other data,
    other hyper-parameters) is set aside as `aside-<its hash>-seed-<n>`, and comes back when it is asked for again.

    Args:
        paper: id of the paper's card.
        variant: a variant of the card.
        seed: seed of weights, order and dropout.
        profile: smoke, quick or paper; its budget is in the card.
        data: the data; None finds it as `datasets.load_data` does.
        runs: folder of run folders; None means `paths.runs_folder()`.
        epochs: epochs in place of the profile's and the variants' own, sources included.
        precision: auto, bfloat16 or float32.
        deterministic: the same weights, bit for bit, each time on the same machine; slower.
        overrides: hyper-parameters in place of the card's, as a search gives them.
        weights: files of weights in place of those that the card has variants start from (ImageNet's), by network, as
            `models.build` takes them, sources included; those of networks that the variant does not start from are
            passed over.
        trial: number of the trial, where a search makes the run: it stands in `search/trial-<n>`, and holds a history
            but no predictions, so that no choice can rest on PrivateTest.

    Returns:
        The complete run.

    Raises:
        ValueError: if the paper, variant, profile, precision, a hyper-parameter or the network of `weights` is
            unknown, another process is
            making the run, or it was begun or made from another run that has been made anew since.
        WeightsNotAvailable: if it starts from weights that cannot be had; the reason is noted in its folder.
        TrainingDiverged: if its first epoch left no numbers; noted there, too.
    """
    card = papers.load(paper)
    data = load_data(images=card.budget(profile).images) if data is None else data
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
        weights=weights,
    )
    name = variant
    if trial is not None:
        request, name = {**request, "kind": "trial"}, f"search/trial-{trial:03d}"
    folder = run_folder(runs or runs_folder(), profile, paper, name, seed)
    sha256 = request_sha256(request)
    keep_epochs = card.variants[variant].keep_epochs and trial is None
    job = Job(card, request, sha256, data, folder, resolve_precision(precision), keep_epochs)
    if _is_made(Run(folder), sha256):
        check_current(Run(folder), job.paper_folder)
        return Run(folder)

    def train_source(source: str) -> Run:
        return train(
            paper, source, seed, profile,
            data=data, runs=runs, epochs=epochs, precision=precision, deterministic=deterministic, weights=weights,
        )  # fmt: skip

    return _make_alone(job, train_source)


def _make_alone(job: Job, train_source: Callable[[str], Run]) -> Run:
    """Make a run after those that it is made from, unless another process has made it in the meantime."""
    with _alone(job.folder):
        _set_aside_others(job.folder, job.sha256)
        if Run(job.folder).is_complete:
            check_current(Run(job.folder), job.paper_folder)
            return Run(job.folder)
        try:
            _require_weights(job.request, job.paper_folder)
            for source in sources_of(job.card, job.request["variant"]):
                train_source(source)
            return _make(job)
        except WeightsNotAvailable as error:
            write_obstacle(job.folder, error.reason)
            raise
        except TrainingDiverged as error:
            write_obstacle(job.folder, error.reason, job.request["data"]["sha256"])
            raise


def _is_made(run: Run, sha256: str) -> bool:
    return run.is_complete and run.config["request_sha256"] == sha256


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes off a run folder; the lock goes with the process, however that ends."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(f"a run is made by one process at a time. Received: {folder}, being made by another") from None
    try:
        yield
    finally:
        lock.release()


def _require_weights(request: dict[str, Any], paper_folder: Path) -> None:
    """Refuse a run whose weights, or those of a run that it is made from, cannot be had: before hours of training."""

    def is_there(needed: dict[str, Any]) -> bool:
        run = Run(paper_folder / needed["variant"] / f"seed-{needed['seed']}")
        return _is_made(run, request_sha256(needed))

    sources = [request]
    if request["model"] == AVERAGE:  # whatever the members are made from, their probabilities suffice
        sources = [member for member in request["members"] if not is_there(member)]
    for needed in (made for source in sources for made in requests_of(source)):
        if not is_there(needed) and "weights" in needed["options"]:
            require_weights(weighted_network(needed), needed["options"]["weights"])


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


def _make(job: Job) -> Run:
    for leftover in (*job.folder.glob(".*"), *job.folder.glob("epochs/.*")):
        if leftover.is_file():  # half written, from a process that was killed
            leftover.unlink()
    job, record = _go_on(job)
    config = {"request": job.request, "request_sha256": job.sha256, "record": record}
    write_json(job.folder / "config.json", config)
    settings, seed = job.request["hyperparameters"], job.request["seed"]
    splits = input_splits(job.card, job.request["variant"], job.data, settings, seed, job.paper_folder)
    record["source"] = splits.source
    sources = [job.source(variant) for variant in sources_of(job.card, job.request["variant"])]
    if diverged := [run.request["variant"] for run in sources if run.has_diverged]:
        record["diverged_sources"] = diverged
    metrics = MAKERS[job.request["kind"]](replace(job, data=splits))
    record["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(job.folder / "config.json", config)
    write_json(job.folder / "metrics.json", metrics)
    (job.folder / OBSTACLE).unlink(missing_ok=True)
    (job.folder / "checkpoint.npz").unlink(missing_ok=True)
    return Run(job.folder)


def _go_on(job: Job) -> tuple[Job, dict[str, Any]]:
    """The job in the precision that it was begun in, and its record: when, where, with what and from what it is made.

    Time, hardware and versions are those of the first session; `sessions` has those of every later one.

    Raises:
        ValueError: if its checkpoint was made from other networks than those there are.
    """
    record: dict[str, Any] = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": None,
        "code_version": code_version(),
        "packages": describe_packages(),
        "hardware": describe_hardware(),
        "precision": job.precision,
        "source": None,
        "made_from": origins_of(job.request, job.paper_folder),
        "shortened": is_shortened(job.card, job.request, job.data),
        "as_published": _is_on_published_data(job),
    }
    if not (job.folder / "config.json").exists():
        return job, record
    first = Run(job.folder).config["record"]
    if not (job.folder / "checkpoint.npz").exists():
        first["made_from"] = record["made_from"]  # nothing is left of what was begun
    elif "made_from" in first:
        check_unchanged(job.folder, first["made_from"], record["made_from"])
    else:
        del record["made_from"]  # begun when it was not recorded
    sessions = [*first.get("sessions", []), {name: record[name] for name in SESSION}]
    return replace(job, precision=first["precision"]), {**record, **first, "sessions": sessions}


def _is_on_published_data(job: Job) -> bool:
    """Whether the data have FER2013's counts, where they are FER2013 as a file holds it; else, as of SFEW, True."""
    described = job.request["data"]
    return described["is_sample"] or described["sha256"] != job.data.sha256 or is_as_published(job.data)
