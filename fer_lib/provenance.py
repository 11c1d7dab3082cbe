"""What was run, where and with what: rows and facts of runs, for people to read; nothing is laid out here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fer_lib.runs import Run
from fer_lib.summaries import Evidence


@dataclass(frozen=True)
class RunRow:
    """One run in the table of what was run.

    Accuracies and F1 are fractions, None where a run has none; `epochs` is for people to read: `25 (20)` where epoch 20
    was kept, `6` where the last one always stands, `–` of what has no epochs; `budget` is in what it is a small one,
    empty where it is not.
    """

    variant: str
    budget: str
    seed: int
    folder: Path
    epochs: str
    validation_accuracy: float | None
    test_accuracy: float | None
    ten_crops_accuracy: float | None
    unleaked_accuracy: float | None
    macro_f1: float | None
    seconds: float | None


def training_seconds(run: Run) -> float | None:
    """Training time of a run, None where it tells none.

    Where it has epochs, each counts as the median of its phase, which no pause makes longer.
    """
    if not (run.folder / "history.csv").exists():
        return _look_up(run.metrics, "timing", "seconds")
    history = run.history
    phases = history["phase"] if "phase" in history else np.ones(len(history))
    return float(history.groupby(phases)["seconds"].transform("median").sum())


def run_rows(evidence: Evidence) -> list[RunRow]:
    """What was run, in the order of the card's variants."""
    variants = evidence.card.variants
    rows = []
    for run in evidence.runs:
        request, metrics = run.request, run.metrics
        row = RunRow(
            variant=request["variant"],
            budget=(variants[request["variant"]].small_budget or "") if request["variant"] in variants else "",
            seed=request["seed"],
            folder=run.folder,
            epochs=_describe_epochs(metrics.get("history", {})),
            validation_accuracy=_look_up(metrics, "validation", "single", "accuracy"),
            test_accuracy=_look_up(metrics, "test", "single", "accuracy"),
            ten_crops_accuracy=_look_up(metrics, "test", "ten_crops", "accuracy"),
            unleaked_accuracy=_look_up(metrics, "test", "single_unleaked", "accuracy"),
            macro_f1=_look_up(metrics, "test", "single", "macro_f1"),
            seconds=training_seconds(run),
        )
        rows.append(row)
    rank = {name: index for index, name in enumerate(variants)}
    return sorted(rows, key=lambda row: (rank.get(row.variant, len(rank)), row.variant, row.seed))


@dataclass(frozen=True)
class Overview:
    """All runs of one paper in one line.

    Attributes:
        runs: how many.
        variants: how many different ones.
        seeds: theirs, for people to read.
        seconds: in all, None where no run tells its time.
        precision: that of the trainings.
        code_versions: of the code that made them.
        finished: day, or first and last day.
    """

    runs: int
    variants: int
    seeds: str
    seconds: float | None
    precision: str
    code_versions: str
    finished: str


def overview(evidence: Evidence) -> Overview:
    """What was run for a paper, in all; texts are empty where no run tells."""
    rows, told = run_rows(evidence), facts(evidence.runs)
    seconds = [row.seconds for row in rows if row.seconds is not None]
    return Overview(
        runs=len(rows),
        variants=len({row.variant for row in rows}),
        seeds=_list_seeds(sorted({row.seed for row in rows})),
        seconds=sum(seconds) if seconds else None,
        precision=", ".join(told.get("precision", [])),
        code_versions=", ".join(version[:12] for version in told.get("code version", [])),
        finished=", ".join(told.get("finished", [])),
    )


def facts(runs: Sequence[Run]) -> dict[str, list[str]]:
    """What the runs were made with: for each kind of fact its distinct values, the commonest first."""
    found: dict[str, Counter[str]] = {}
    for run in runs:
        request, record = run.request, run.config["record"]
        told = [
            ("data", _describe_data(request["data"])),
            *(fact for session in (record, *record.get("sessions", [])) for fact in session_facts(session)),
            ("precision", record.get("precision")),
            ("finished", str(record.get("finished") or "")[:10]),
        ]
        for name, text in told:
            if text:
                found.setdefault(name, Counter())[text] += 1
    told_facts = {name: [text for text, _ in counts.most_common()] for name, counts in found.items()}
    if len(told_facts.get("finished", [])) > 1:
        told_facts["finished"] = [f"{min(told_facts['finished'])} to {max(told_facts['finished'])}"]
    return told_facts


def session_facts(session: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Code version, hardware and packages of one session of a run, each in words."""
    packages = (session.get("packages") or {}).items()
    return [
        ("code version", session.get("code_version")),
        ("hardware", _describe_hardware(session.get("hardware") or {})),
        ("packages", ", ".join(f"{name} {version}" for name, version in packages)),
    ]


def _describe_epochs(history: Mapping[str, Any]) -> str:
    if not history.get("epochs"):
        return "–"
    kept = history.get("kept_epoch")
    return f"{history['epochs']} ({kept})" if kept else str(history["epochs"])


def _list_seeds(seeds: Sequence[int]) -> str:
    """`0`, `0, 7` or, where they follow each other, `0 to 9`."""
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def _describe_data(data: Mapping[str, Any]) -> str:
    what = "built-in sample" if data["is_sample"] else "data"
    if data.get("stands_for"):
        what = f"stand-in for {data['stands_for']}, composed from {what}"
    sizes = " / ".join(f"{size:,}" for size in data.get("sizes", {}).values())
    shape = f"{sizes} images" if sizes else data["protocol"].replace("_", " ")
    return f"{what} of sha256 {data['sha256']} ({shape})"


def _describe_hardware(hardware: Mapping[str, Any]) -> str:
    cores, memory = hardware.get("cores"), hardware.get("memory_gib")
    parts = [
        str(hardware.get("processor") or ""),
        f"{cores} core{'s' if cores > 1 else ''}" if cores else "",
        f"{memory:g} GiB" if memory else "",
        ", ".join(hardware.get("gpus") or []) or ("no GPU" if "gpus" in hardware else ""),
    ]
    return ", ".join(part for part in parts if part)


def _look_up(values: Any, *path: str) -> Any:
    for name in path:
        values = values.get(name) if isinstance(values, Mapping) else None
    return values
