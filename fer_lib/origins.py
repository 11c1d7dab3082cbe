"""What a run is made from, known by its content: one that was begun from some networks goes on from no others."""

import hashlib
import zipfile
from pathlib import Path
from typing import Any

from fer_lib.files import file_sha256
from fer_lib.papers.values import AVERAGE
from fer_lib.runs import Run, request_sha256

WEIGHTS = "model.weights.h5"
"""What of a `.keras` file tells a network from others; the rest also holds times and addresses in memory."""


def network_sha256(path: Path) -> str:
    """sha256 of a network's weights, in hexadecimal: the same however often it is saved.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a whole `.keras` file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return hashlib.sha256(archive.read(WEIGHTS)).hexdigest()
    except FileNotFoundError:
        raise _gone(path, "network") from None
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"a network must be a whole .keras file. Received: {path} ({error})") from error


def _predictions_sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except FileNotFoundError:
        raise _gone(path, "probabilities") from None


def _gone(path: Path, what: str) -> FileNotFoundError:
    asked = f"{path.parent} must hold the {what} that another run is made from, or be deleted to be trained again"
    return FileNotFoundError(f"{asked}. Received: no {path.name}")


def origins_of(request: dict[str, Any], paper_folder: Path) -> dict[str, str]:
    """sha256 of the network of each run that a run starts from, has its pictures from or fuses, by variant.

    Of an average it is that of the file of probabilities, the one that there is: published ones are rounded, and so
    another file. Networks take no part in it.

    Args:
        request: of the run.
        paper_folder: folder of the paper's run folders.

    Raises:
        FileNotFoundError: if the network of one, or its probabilities, are gone, naming the folder.
        ValueError: if it is not a whole `.keras` file.
    """
    return {source["variant"]: _origin_sha256(request, _folder(source, paper_folder)) for source in _sources(request)}


def _sources(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Requests of the runs that a run is directly made from."""
    named = [request.get("starts_from"), request.get("enlarged_by"), *request.get("members", [])]
    return [source for source in named if isinstance(source, dict)]


def _folder(source: dict[str, Any], paper_folder: Path) -> Path:
    return paper_folder / source["variant"] / f"seed-{source['seed']}"


def _is_there(source: dict[str, Any], folder: Path) -> bool:
    """Whether a folder holds the complete run of a request, its network included."""
    run = Run(folder)
    is_whole = run.is_complete and (folder / "model.keras").exists()
    return is_whole and run.config["request_sha256"] == request_sha256(source)


def _origin_sha256(request: dict[str, Any], folder: Path) -> str:
    if request.get("model") == AVERAGE:
        return _predictions_sha256(folder / "predictions.npz")
    return network_sha256(folder / "model.keras")


def check_current(run: Run, paper_folder: Path) -> None:
    """Refuse a complete run whose sources have been made anew since: it is not what its request now makes.

    Of sources that are not complete, are published copies without a network, or were made under another request than
    this run's, nothing is known, and nothing is said.

    Raises:
        ValueError: if one was made anew, naming it and the run's folder.
    """
    made_from = run.config["record"].get("made_from", {})
    changed = []
    for source in _sources(run.request):
        known, folder = made_from.get(source["variant"]), _folder(source, paper_folder)
        if known and _is_there(source, folder) and _origin_sha256(run.request, folder) != known:
            changed.append(source["variant"])
    if changed:
        asked = f"{run.folder} must be of the runs that it was made from, or be deleted to be made anew"
        raise ValueError(f"{asked}. Received: made anew since then: {', '.join(changed)}")


def check_unchanged(folder: Path, begun_from: dict[str, str], today: dict[str, str]) -> None:
    """Refuse to go on from other networks than a run was begun from: its epochs so far saw other weights or pictures.

    Raises:
        ValueError: if one was made anew, naming it and the run's folder.
    """
    changed = [variant for variant, sha256 in today.items() if begun_from.get(variant) != sha256]
    if changed:
        asked = f"{folder} must go on from the runs that it was begun from, or be deleted"
        raise ValueError(f"{asked}. Received: made anew since then: {', '.join(changed)}")
