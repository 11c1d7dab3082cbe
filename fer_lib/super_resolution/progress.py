"""How far a training of SRGAN has come, in one file that is whole or not there."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_lib.files import open_npz, write_npz


def save_progress(path: Path, variables: list[keras.Variable], history: list[dict[str, Any]], sha256: str) -> None:
    """Write all variables, the rows of the completed epochs and the request's hash, atomically."""
    header = {"history": history, "request_sha256": sha256}
    arrays = {f"variable_{place:04d}": np.asarray(variable) for place, variable in enumerate(variables)}
    write_npz(path, {"header": np.frombuffer(json.dumps(header).encode("utf-8"), dtype=np.uint8), **arrays})


def restore_progress(path: Path, variables: list[keras.Variable], sha256: str) -> list[dict[str, Any]]:
    """Put variables back to where `save_progress` left them.

    Returns:
        The rows saved with them; none, the variables untouched, where there is no file or it belongs to another
        request.

    Raises:
        ValueError: if the file is damaged, or holds variables of another number or shape.
    """
    if not path.exists():
        return []
    with open_npz(path) as arrays:
        header = json.loads(arrays["header"].tobytes().decode("utf-8"))
        if header["request_sha256"] != sha256:
            return []
        saved = [arrays[name] for name in sorted(arrays.files) if name.startswith("variable_")]
    shapes, wanted = [value.shape for value in saved], [tuple(variable.shape) for variable in variables]
    if shapes != wanted:
        raise ValueError(f"{path}: must hold {len(wanted)} variables of the networks' shapes. Received: {shapes}")
    for variable, value in zip(variables, saved, strict=True):
        variable.assign(value)
    rows: list[dict[str, Any]] = header["history"]
    return rows
