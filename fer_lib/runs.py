"""A run folder: one training of one variant with one seed, written as it goes, complete when metrics.json is there.

`<runs>/<profile>/<paper>/<variant>/seed-<n>/` holds

- config.json: `request` (what determines the run), `request_sha256`, `record` (where and with what it was made)
- history.csv: one row per epoch: epoch (from 1), loss, accuracy, val_loss, val_accuracy, seconds
- predictions.npz: rows_<split> int64 (n,), labels_<split> int64 (n,), <view>_<split> float32 (n, classes);
  transforms_<split> int64 (n,), 0 for originals, where the split holds transforms of pictures
- metrics.json: {split: {view: classification metrics}, "history": {...}, "model": {...}, "timing": {...}}
- model.keras: the kept weights, plain Keras layers
- epochs/<epoch>.npz: the weights of every epoch, where the card asks for them
- epoch_predictions.npz: classes_<split> uint8 (epochs, n), what those weights predict, computed after the run
- obstacle.json: `reason` why the run could not be made, where it could not, with `data_sha256` where data decided
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.files import open_npz, read_json, write_json

SPLITS = ("train", "validation", "test")
OBSTACLE = "obstacle.json"

_OF_REQUEST = ("paper", "variant", "seed", "data.sha256", "data.is_sample")
_CONFIG_FIELDS = ("request", *(f"request.{name}" for name in _OF_REQUEST), "record")


@dataclass(frozen=True)
class Predictions:
    """Probabilities of one split under one view.

    Attributes:
        rows: int64 (n,), row of each image in the data's source, from 0.
        labels: int64 (n,), true classes.
        probabilities: float32 (n, classes), each row summing to one.
    """

    rows: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True)
class Run:
    """A run folder; every value is read from disk when asked for.

    A file that is damaged is a ValueError that names it, whatever is read.
    """

    folder: Path

    @property
    def is_complete(self) -> bool:
        """Whether metrics.json, written last, is there."""
        return (self.folder / "metrics.json").exists()

    @property
    def config(self) -> dict[str, Any]:
        """What determined the run (`request`) and what it was made with (`record`)."""
        return read_json(self.folder / "config.json", _CONFIG_FIELDS)

    @property
    def request(self) -> dict[str, Any]:
        """The part of the configuration that determines the result."""
        return self.config["request"]

    @property
    def metrics(self) -> dict[str, Any]:
        """Numbers of the run, nested by split and view."""
        path = self.folder / "metrics.json"
        metrics = read_json(path)
        for split in SPLITS:
            views = metrics.get(split, {})
            if not isinstance(views, dict) or not all(isinstance(scores, dict) for scores in views.values()):
                raise ValueError(f"{path} must hold the scores of {split} by view. Received: {views!r:.60}")
        return metrics

    @property
    def history(self) -> pd.DataFrame:
        """One row per epoch."""
        path = self.folder / "history.csv"
        try:
            text = path.read_text(encoding="utf-8")
            if not text.endswith("\n"):
                raise ValueError(f"{text[-20:]!r} at its end")
            return pd.read_csv(StringIO(text))
        except ValueError as error:
            raise ValueError(f"{path} must be a CSV table, whole. Received: {error}") from error

    @property
    def is_on_sample_instead(self) -> bool:
        """Whether the built-in sample took the place of the data; False of a variant that is on it by its protocol."""
        data = self.request["data"]
        return bool(data["is_sample"]) and data.get("protocol") != "drawn_sample"

    @property
    def is_on_other_data(self) -> bool:
        """Whether it was made on a file that reads as FER2013 and has other counts; False where that was not noted."""
        return not self.config["record"].get("as_published", True)

    @property
    def has_diverged(self) -> bool:
        """Whether its training, or that of a run it is made from, ended in a loss that is no number."""
        history = self.metrics.get("history", {})
        return bool(history.get("diverged") or self.config["record"].get("diverged_sources"))

    @property
    def views(self) -> dict[str, list[str]]:
        """Views stored for each split, for example {"test": ["single"]}."""
        with self._open_predictions() as arrays:
            names = arrays.files
        prefixes = ("rows_", "labels_", "transforms_")
        return {
            split: [
                n.removesuffix(f"_{split}") for n in names if n.endswith(f"_{split}") and not n.startswith(prefixes)
            ]
            for split in SPLITS
        }

    def predictions(self, split: str, view: str = "single") -> Predictions:
        """Saved probabilities.

        Raises:
            KeyError: if the run did not predict that split under that view.
        """
        with self._open_predictions() as arrays:
            key = f"{view}_{split}"
            if key not in arrays.files:
                raise KeyError(f"{self.folder} holds no predictions {key!r}; it holds {arrays.files}")
            rows, labels = (arrays[f"{name}_{split}"].astype(np.int64) for name in ("rows", "labels"))
            return Predictions(rows, labels, arrays[key].astype(np.float32))

    def rows(self, split: str) -> np.ndarray:
        """Row int64 (n,) of each predicted image, without reading what was predicted; raises KeyError without any."""
        with self._open_predictions() as arrays:
            return np.asarray(arrays[f"rows_{split}"], dtype=np.int64)

    def transforms(self, split: str) -> np.ndarray | None:
        """Which transform of its row each predicted image is, 0 for the original; None where a split holds none."""
        with self._open_predictions() as arrays:
            name = f"transforms_{split}"
            return arrays[name] if name in arrays.files else None

    def _open_predictions(self) -> AbstractContextManager[np.lib.npyio.NpzFile]:
        return open_npz(self.folder / "predictions.npz")


def run_folder(runs: Path, profile: str, paper: str, variant: str, seed: int) -> Path:
    """Folder of one run under the folder of runs."""
    return Path(runs) / profile / paper / variant / f"seed-{seed}"


def describe_run(run: Run) -> str:
    """Variant and seed, for people to read."""
    return f"{run.request['variant']} (seed {run.request['seed']})"


def find_runs(runs: Path, profile: str, paper: str | None = None) -> list[Run]:
    """Complete runs of a profile, sorted by paper, variant and seed."""
    return sorted(map(Run, _run_folders(Path(runs) / profile, paper or "*", "metrics.json")), key=_order)


def write_obstacle(folder: Path, reason: str, data_sha256: str | None = None) -> None:
    """Note in a run folder why the run cannot be made here; where that is for its data, with their hash."""
    write_json(folder / OBSTACLE, {"reason": reason} | ({"data_sha256": data_sha256} if data_sha256 else {}))


def find_obstacles(runs: Iterable[Run]) -> dict[tuple[str, int], str]:
    """Why other runs of the same papers could not be made: variant and seed -> reason, of the folders beside these."""
    papers = sorted({run.folder.parents[1] for run in runs})
    return {named: reason for paper in papers for named, reason in read_obstacles(paper).items()}


def read_obstacles(paper: Path, data_sha256: Mapping[str, str] | None = None) -> dict[tuple[str, int], str]:
    """Why runs in a paper's folder could not be made: variant and seed -> reason.

    Args:
        paper: folder of the paper's run folders.
        data_sha256: hash of the data of each variant; what was noted for other data is then left out.
    """
    noted = _run_folders(Path(paper).parent, Path(paper).name, OBSTACLE)
    missing = [folder for folder in noted if not Run(folder).is_complete]
    found = {_order(Run(folder))[1:]: read_json(folder / OBSTACLE, ["reason"]) for folder in missing}
    wanted = data_sha256 or {}
    return {
        (variant, seed): noted["reason"]
        for (variant, seed), noted in found.items()
        if variant not in wanted or noted.get("data_sha256", wanted[variant]) == wanted[variant]
    }


def request_sha256(request: dict[str, Any]) -> str:
    """Hash of what determines a run: equal requests, equal hash, whatever the order of their keys."""
    text = json.dumps(request, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _run_folders(profile: Path, paper: str, holding: str) -> list[Path]:
    """Folders of runs that hold a file, sorted; what only looks like one (`seed-a`, `seed-0 copy`) is passed over."""
    found = profile.glob(f"{paper}/*/seed-*/{holding}")
    return sorted(path.parent for path in found if re.fullmatch(r"seed-\d+", path.parent.name))


def _order(run: Run) -> tuple[str, str, int]:
    return run.folder.parts[-3], run.folder.parts[-2], int(run.folder.name.removeprefix("seed-"))
