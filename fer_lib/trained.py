"""Networks of run folders: the one that a user names, and how one of them comes to be shipped with the package.

python -m fer_lib.trained RUN_FOLDER     makes fer_lib/weights anew from a published run
"""

import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fer_lib.files import atomic, file_sha256, write_json
from fer_lib.labels import class_names
from fer_lib.paths import PUBLISHED, runs_folder
from fer_lib.published import check_publishable, published_runs
from fer_lib.runs import Run
from fer_lib.shipped import FOLDER, NAME, Score, Weights, load_shipped

PROFILES = ("paper", "quick", "smoke")
"""Profiles whose runs are looked through for the one that is named, in this order."""

MODEL = "model.keras"

_ADVICE = "train it (fer-lib train {paper} {variant} --seed {seed} --profile paper), or leave --run out"


def find_weights(run: str, published: Path = PUBLISHED) -> Weights:
    """Find the weights that a user names.

    Args:
        run: a run folder; `profile/paper/variant/seed-n` in `paths.runs_folder()`; or the same without its profile,
            looked for among the runs of the paper profile, then among what is shipped, then among the other `PROFILES`.
        published: where the committed numbers are, to say that they come without weights.

    Raises:
        ValueError: if there is no such run, it is incomplete, or it holds no network; the message says what to do.
    """
    named, shipped = Path(run).expanduser(), load_shipped()
    by_profile = [runs_folder() / profile / run for profile in (*PROFILES, ".")]
    found = [folder for folder in (named, *by_profile) if (folder / "config.json").is_file()]
    complete = [folder for folder in found if (folder / MODEL).is_file() and Run(folder).is_complete]
    if run == shipped.name and not {named, by_profile[0]} & set(complete):
        return shipped
    if found:
        return _weights_of(Run((complete or found)[0]))
    copy = Path(published) / run.removeprefix("published/")
    if (copy / "config.json").is_file():
        return _weights_of(Run(copy))  # it has none, and is told so
    places = f"a run folder, or [profile/]paper/variant/seed-n in {runs_folder()}"
    raise ValueError(f"run must name {places}. Received: {run!r}")


def ship(run: Run, folder: Path = FOLDER, published: Path = PUBLISHED) -> Weights:
    """Copy a run's network to `folder`, with what is published of it.

    Args:
        run: a run folder with its `model.keras`.
        folder: where the two files go.
        published: where the committed numbers are.

    Raises:
        ValueError: if the run is incomplete, on the built-in sample, shorter than its card says, holds no network, or
            is not published under the same request with the same numbers.
    """
    check_publishable(run)
    weights = _weights_of(run)
    copies = [copy for copy in published_runs(weights.paper, published) if copy.request == run.request]
    if not copies or copies[0].config["request_sha256"] != weights.request_sha256:
        raise ValueError(f"only networks whose numbers are published are shipped. Received: {run.folder}")
    score = _score(copies[0])
    if score is None or score != weights.score:
        raise ValueError(f"the run and what is published of it must have the same numbers. Received: {run.folder}")
    target = Path(folder) / f"{NAME}.keras"
    with atomic(target) as temporary:
        shutil.copyfile(weights.file, temporary)
    described: dict[str, Any] = {
        "paper": weights.paper,
        "variant": weights.variant,
        "seed": weights.seed,
        "request_sha256": weights.request_sha256,
        "weights_sha256": file_sha256(target),
        "classes": list(weights.classes),
        "input_shape": list(weights.input_shape),
        "score": asdict(score),
    }
    write_json(target.with_suffix(".json"), described)
    return load_shipped(folder)


def _weights_of(run: Run) -> Weights:
    try:
        config = run.config
        request = config["request"]
        paper, variant, seed, kind = (request[name] for name in ("paper", "variant", "seed", "kind"))
        if kind != "network":
            raise ValueError(
                f"{run.folder}: only runs of one network name expressions. Received: a run of kind {kind!r}"
            )
        advice = _ADVICE.format(paper=paper, variant=variant, seed=seed)
        if not (run.folder / MODEL).is_file():
            raise ValueError(f"{run.folder}: the run must hold {MODEL}; {advice}. Received: numbers without weights")
        if not run.is_complete:
            raise ValueError(f"{run.folder}: the run must be complete; {advice}. Received: no metrics.json")
        return Weights(
            run.folder / MODEL,
            paper,
            variant,
            seed,
            config["request_sha256"],
            class_names(request["grouping"]),
            tuple(request["options"]["input_shape"]),
            _score(run),
            _enlarger(run),
            _warnings(run),
        )
    except (KeyError, TypeError) as error:
        received = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"{run.folder}: config.json and metrics.json must be those of a run. Received: {received}"
        ) from error


def _score(run: Run) -> Score | None:
    metrics = run.metrics.get("test", {}).get("single")
    if metrics is None:
        return None
    low, high = metrics["accuracy_interval"]
    return Score(_test_of(run), metrics["n"], metrics["accuracy"], (low, high))


def _test_of(run: Run) -> str:
    """What a run is tested on, in words."""
    data = run.request["data"]
    name = "PrivateTest" if "protocol" not in data else f"its own test ({data['protocol']})"
    if "stands_for" in data:
        name = f"{name}, on a stand-in for {data['stands_for']}"
    return f"{name} of the built-in sample" if data["is_sample"] else name


def _enlarger(run: Run) -> str | None:
    source = run.request.get("enlarged_by")
    if not isinstance(source, dict):
        return source
    generator = run.folder.parents[1] / source["variant"] / f"seed-{source['seed']}" / MODEL
    if not generator.is_file():
        raise ValueError(
            f"{run.folder}: the generator that enlarges its images must be there. Received: no {generator}"
        )
    return str(generator)


def _warnings(run: Run) -> tuple[str, ...]:
    warnings = []
    if run.request["data"]["is_sample"]:
        warnings.append("These weights have seen drawn faces only: what they say of photographs means nothing.")
    if run.config["record"].get("shortened"):
        warnings.append("These weights were trained for less than their paper says.")
    if run.request["data"].get("protocol") == "sfew_whole":
        warnings.append("These weights were trained on whole scenes: --faces none shows them what they know.")
    return tuple(warnings)


if __name__ == "__main__":
    print(ship(Run(Path(sys.argv[1]))).describe())
