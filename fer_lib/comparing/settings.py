"""In which settings two runs differ: what determined them, and what they were made with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fer_lib.runs import Run

MADE_WITH = ("code_version", "precision", "packages", "hardware", "shortened")
"""Entries of a run's record that are compared; when and from which file it was made distinguishes no results."""

WORDS = {None: "none", True: "yes", False: "no"}
"""How values are written that are no text, number or list."""


@dataclass(frozen=True)
class Setting:
    """A setting that two runs do not share.

    Attributes:
        name: path in the configuration, its parts separated by dots.
        a: value of the first run as text; empty where it has no such setting.
        b: value of the second.
        determines: whether it determines the result (the request); else it is what the run was made with.
    """

    name: str
    a: str
    b: str
    determines: bool


def differing_settings(a: Run, b: Run) -> tuple[Setting, ...]:
    """Settings in which two runs differ: first what determines them, then what they were made with."""
    requests = (_flatten(run.request) for run in (a, b))
    records = (_flatten(_made_with(run)) for run in (a, b))
    return (*_compare(*requests, determines=True), *_compare(*records, determines=False))


def _made_with(run: Run) -> dict[str, Any]:
    record = run.config.get("record", {})
    return {name: record[name] for name in MADE_WITH if name in record}


def _compare(a: Mapping[str, Any], b: Mapping[str, Any], *, determines: bool) -> list[Setting]:
    names = dict.fromkeys([*a, *b])  # in order, each once
    return [
        Setting(name, _write(a, name), _write(b, name), determines)
        for name in names
        if name not in a or name not in b or a[name] != b[name]
    ]


def _write(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, "")
    return WORDS[value] if value is None or isinstance(value, bool) else str(value)


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted names; lists stay whole."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
