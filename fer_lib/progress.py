"""Live progress: training writes a small JSON file, and whoever started it reads the file and shows a line for it."""

import contextlib
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import TextIO

from fer_lib.files import write_json

PLAIN_LINE_SECONDS = 60.0
"""Where the output is no terminal, a notebook gets a line per training run, and at most one more per this time."""

TO_TERMINAL = "-"
"""In place of a file's name: a line per epoch on standard error."""


@dataclass(frozen=True)
class Progress:
    """How far a training run is.

    Attributes:
        paper: id of the paper.
        variant: name of the variant.
        seed: seed of the run.
        epoch: epochs completed.
        epochs: epochs in all.
        seconds_left: estimate for this run, or None where there is none yet.
        seconds: time that its epochs took, or None where it is not known.
        scores: columns of the history by name (`accuracy`, `val_accuracy`, `loss`, `val_loss`), as far as known.
    """

    paper: str
    variant: str
    seed: int
    epoch: int
    epochs: int
    seconds_left: float | None
    seconds: float | None = None
    scores: dict[str, float] = field(default_factory=dict)


def write_progress(progress: Progress) -> None:
    """Write to the file that FER_LIB_PROGRESS names, or for `TO_TERMINAL` a line; nothing where it is not set.

    Scores that are not finite are left out of the file, as JSON has no such numbers.
    """
    path = os.environ.get("FER_LIB_PROGRESS")
    if path == TO_TERMINAL:
        run = f"{progress.variant} seed {progress.seed}  epoch {progress.epoch}/{progress.epochs}"
        left = [f"{format_duration(progress.seconds_left)} left"] if progress.seconds_left else []
        with contextlib.suppress(OSError):  # a terminal that was closed is no reason to stop
            print("  ".join([run, *describe_scores(progress), *left]), file=sys.stderr, flush=True)
    elif path:
        finite = {name: score for name, score in progress.scores.items() if math.isfinite(score)}
        write_json(Path(path), asdict(replace(progress, scores=finite)))


def read_progress(path: Path) -> Progress | None:
    """What was last written to `path`; None before the first time."""
    try:
        return Progress(**json.loads(Path(path).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def estimate_epoch_seconds(seconds: Sequence[float]) -> float | None:
    """Median time of an epoch; the first, in which the network is compiled, counts only where there is no other.

    Args:
        seconds: time of each epoch so far.
    """
    return median(seconds[1:] or seconds) if seconds else None


def format_duration(seconds: float) -> str:
    """Seconds in words: `45 s`, `12 min`, `2 h 05 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def format_progress(name: str, seconds: float, progress: Progress | None) -> str:
    """One line: notebook, time since its start, and where known variant, seed, epoch and time left."""
    line = f"{name}  {format_duration(seconds)}"
    if progress is None:
        return line
    line += f"  {progress.variant} seed {progress.seed}  epoch {progress.epoch}/{progress.epochs}"
    if progress.seconds_left is None or progress.epoch == progress.epochs:
        return line
    return f"{line}  {format_duration(progress.seconds_left)} left"


def describe_scores(progress: Progress) -> list[str]:
    """Accuracy and loss with their validation values, one text each, as far as known."""
    said = []
    for name, form, beside in (("accuracy", "{:.1%}", " (validation {:.1%})"), ("loss", "{:.3f}", " ({:.3f})")):
        if name in progress.scores:
            validation = progress.scores.get(f"val_{name}")
            known = "" if validation is None else beside.format(validation)
            said.append(f"{name} {form.format(progress.scores[name])}{known}")
    return said


class ProgressLines:
    """Shows running notebooks: lines refreshed in place on a terminal, occasional plain lines elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        """Show on `stream`."""
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._shown: list[str] = []
        self._last: dict[str, tuple[Progress | None, float]] = {}

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._erase()
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def show(self, running: Mapping[str, tuple[float, Progress | None]]) -> None:
        """Show where every running notebook is.

        Args:
            running: for each notebook's name, seconds since its start and its progress.
        """
        if not self._is_terminal:
            for name, (seconds, progress) in running.items():
                if self._is_news(name, progress):
                    self.say(format_progress(name, seconds, progress))
            return
        width = shutil.get_terminal_size().columns - 1
        shown = [format_progress(name, seconds, progress)[:width] for name, (seconds, progress) in running.items()]
        if shown != self._shown:
            self._erase()
            self._stream.write("".join(f"{line}\n" for line in shown))
            self._shown = shown
            self._stream.flush()

    def _is_news(self, name: str, progress: Progress | None) -> bool:
        if progress is None:
            return False
        last, at = self._last.get(name, (None, 0.0))
        same_run = last is not None and (last.variant, last.seed) == (progress.variant, progress.seed)
        if progress == last or (same_run and time.monotonic() - at < PLAIN_LINE_SECONDS):
            return False
        self._last[name] = (progress, time.monotonic())
        return True

    def _erase(self) -> None:
        if self._shown:
            self._stream.write(f"\x1b[{len(self._shown)}F\x1b[J")
            self._shown = []
