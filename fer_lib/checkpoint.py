"""All that a killed training needs to go on from its last completed epoch, in one file that is whole or not there."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_lib.files import open_npz, write_npz


@dataclass
class State:
    """How far a training has come.

    Attributes:
        history: one row of numbers per completed epoch.
        kept: weights of the epoch kept so far, in the order of `model.get_weights()`; empty before the first.
        kept_epoch: that epoch, from 1; 0 before the first.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    kept: list[np.ndarray] = field(default_factory=list)
    kept_epoch: int = 0


def save_checkpoint(path: Path, model: keras.Model, state: State, request_sha256: str) -> None:
    """Write the model's weights, its optimizer's variables and `state`, atomically."""
    model.optimizer.build(model.trainable_variables)
    header = {"history": state.history, "kept_epoch": state.kept_epoch, "request_sha256": request_sha256}
    arrays = {
        "header": np.frombuffer(json.dumps(header).encode("utf-8"), dtype=np.uint8),
        **_numbered("weight", model.get_weights()),
        **_numbered("optimizer", [np.asarray(variable) for variable in model.optimizer.variables]),
        **_numbered("kept", state.kept),
    }
    write_npz(path, arrays)


def restore_checkpoint(path: Path, model: keras.Model, request_sha256: str) -> State:
    """Put a compiled model back to where its checkpoint left it.

    The model must train the same layers as when it was saved, or its optimizer has other variables (`read_history`
    tells how far it had come).

    Returns:
        The state saved with it; a new one, the model untouched, where there is no checkpoint or it belongs to another
        request.

    Raises:
        ValueError: if the file is damaged, naming it.
    """
    header = _read_header(path, request_sha256)
    if header is None:
        return State()
    with open_npz(path) as arrays:
        weights, optimizer, kept = (_sequence(arrays, prefix) for prefix in ("weight", "optimizer", "kept"))
    model.set_weights(weights)
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(model.optimizer.variables, optimizer, strict=True):
        variable.assign(value)
    return State(header["history"], kept, header["kept_epoch"])


def read_history(path: Path, request_sha256: str) -> list[dict[str, float]]:
    """Rows of the completed epochs; none where there is no checkpoint or it belongs to another request.

    Raises:
        ValueError: if the file is damaged, naming it.
    """
    header = _read_header(path, request_sha256)
    return [] if header is None else header["history"]


def _read_header(path: Path, request_sha256: str) -> dict[str, Any] | None:
    if not path.exists():
        return None
    with open_npz(path) as arrays:
        header: dict[str, Any] = json.loads(arrays["header"].tobytes().decode("utf-8"))
    return header if header["request_sha256"] == request_sha256 else None


def _numbered(prefix: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}_{index:04d}": array for index, array in enumerate(arrays)}


def _sequence(arrays: Any, prefix: str) -> list[np.ndarray]:
    return [arrays[name] for name in sorted(arrays.files) if name.startswith(f"{prefix}_")]
