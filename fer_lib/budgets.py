"""What parameters of a run may be: budgets, precision and files as people type them, checked before anything starts."""

from collections.abc import Callable, Mapping
from typing import Any

PRECISIONS = ("auto", "bfloat16", "float32")


def check_budget(values: Mapping[str, Any]) -> None:
    """Refuse values of these parameters that no training takes; others pass.

    Raises:
        ValueError: naming the parameter, what it must be and what was received.
    """
    count = "must be a whole number from 1 on, or None"
    rules: dict[str, tuple[str, Callable[[Any], bool]]] = {
        "epochs": (count, lambda value: _is_whole(value, 1)),
        "trials": (count, lambda value: _is_whole(value, 1)),
        "seeds": ("must be a list of whole numbers from 0 on, as [0, 1], or None", _are_seeds),
        "data_path": ("must be text", lambda value: isinstance(value, str)),
        "runs_path": ("must be text", lambda value: isinstance(value, str)),
        "precision": (f"must be one of {', '.join(PRECISIONS)}", PRECISIONS.__contains__),
        "weights": ('must be files by network, as {"resnet50": "resnet50.weights.h5"}, or None', _are_files),
    }
    for name, (rule, holds) in rules.items():
        value = values.get(name)
        if value is not None and not holds(value):
            raise ValueError(f"{name} {rule}. Received: {value!r}")


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _are_files(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for pair in value.items() for text in pair)


def _are_seeds(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_whole(seed, 0) for seed in value)
