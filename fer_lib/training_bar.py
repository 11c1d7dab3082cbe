"""A bar in the notebook for each training under way: it moves as batches go by, and ends as one line.

It is plain HTML in one output that is updated in place: it needs no widget, and what stays in the notebook, and in a
page made of it, is the line it ended as.
"""

import html
import math
import os
import sys
import threading
import time
from typing import Any

from fer_lib.progress import Progress, describe_scores, format_duration

MOVE_SECONDS = 0.25
"""A bar moves at most once per this time: a browser shows no more, and short epochs would flood it."""

BLUE = "#0072B2"
"""The first colour of the figures; a bar needs no plotting library."""


class TrainingBar:
    """The output of one training in the running cell."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._handle: Any = None
        self._reached, self._shown_at = (-1, 0.0), -math.inf
        self._progress: Progress | None = None
        self._lock = threading.Lock()  # Keras tells of batches from threads of its own

    def move(self, progress: Progress, fraction: float) -> None:
        """Show where the training is, unless it was shown a moment ago or is further already.

        Args:
            progress: as `show_progress` takes it.
            fraction: of the epoch under way, 0 to 1.
        """
        with self._lock:
            reached, now = (progress.epoch, fraction), time.monotonic()
            is_over = progress.epoch == progress.epochs
            if reached <= self._reached or (now - self._shown_at < MOVE_SECONDS and not is_over):
                return
            self._reached, self._shown_at, self._progress = reached, now, progress
            self._show(_as_line(describe_end(progress)) if is_over else _as_bar(progress, fraction))

    def stop(self) -> None:
        """Say that the training was stopped, if it was not over."""
        with self._lock:
            if self._progress is not None and self._progress.epoch < self._progress.epochs:
                self._show(_as_line(describe_stop(self._progress)))

    def _show(self, bundle: dict[str, str]) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


_bars: dict[tuple[str, str, int], TrainingBar] = {}
"""Those of the running cell."""


def is_watched() -> bool:
    """Whether this is a notebook's kernel, and nobody reads the file that `write_progress` writes in its place."""
    if os.environ.get("FER_LIB_PROGRESS") or "IPython" not in sys.modules:
        return False
    return getattr(sys.modules["IPython"].get_ipython(), "kernel", None) is not None


def show_progress(progress: Progress, fraction: float = 0.0) -> None:
    """Show or move the bar of a training in the running cell of a notebook; do nothing where nobody looks at one.

    At the last epoch the bar becomes a line. Where the cell ends before, the line says that the training was stopped.

    Args:
        progress: epochs completed, of how many; its scores may be those of the epoch under way.
        fraction: of the epoch under way, 0 to 1.
    """
    if not is_watched():
        return
    if not _bars:
        _shell().events.register("post_run_cell", _end_cell)
    training = (progress.paper, progress.variant, progress.seed)
    _bars.setdefault(training, TrainingBar()).move(progress, fraction)
    if progress.epoch == progress.epochs:
        del _bars[training]  # the same again would be another training


def describe_progress(progress: Progress) -> list[str]:
    """What stands beside the bar: the epoch under way, the time left, the scores; what is not known is left out."""
    said = [f"epoch {min(progress.epoch + 1, progress.epochs)} of {progress.epochs}"]
    if progress.seconds_left is not None and progress.seconds_left >= 1:
        said.append(f"{format_duration(progress.seconds_left)} left")
    return said + describe_scores(progress)


def describe_end(progress: Progress) -> list[str]:
    """What is left of the bar: the epochs, how long they took, the scores of the last one."""
    said = "1 epoch" if progress.epochs == 1 else f"{progress.epochs} epochs"
    if progress.seconds is not None:
        said += f" in {format_duration(progress.seconds)}"
    return [f"✓ {_name(progress)}", said, *describe_scores(progress)]


def describe_stop(progress: Progress) -> list[str]:
    """What is left of the bar of a training that did not come to its end."""
    return [f"✗ {_name(progress)}", f"stopped after epoch {progress.epoch} of {progress.epochs}"]


def _name(progress: Progress) -> str:
    return f"{progress.variant}, seed {progress.seed}"


def _as_bar(progress: Progress, fraction: float) -> dict[str, str]:
    name, said = _name(progress), describe_progress(progress)
    bar = (
        f'<progress aria-label="{html.escape(name)}" value="{progress.epoch + fraction:.3f}" max="{progress.epochs}" '
        f'style="width:10em;height:1em;vertical-align:-0.1em;accent-color:{BLUE}"></progress>'
    )
    return _bundle([f"<b>{html.escape(name)}</b>", bar, *map(html.escape, said)], [name, *said])


def _as_line(said: list[str]) -> dict[str, str]:
    return _bundle([f"<b>{html.escape(said[0])}</b>", *map(html.escape, said[1:])], said)


def _bundle(parts: list[str], said: list[str]) -> dict[str, str]:
    spans = "".join(f'<span style="margin-right:0.9em;white-space:nowrap">{part}</span> ' for part in parts)
    page = f'<div style="font-size:0.92em;font-variant-numeric:tabular-nums;line-height:1.6">{spans}</div>'
    return {"text/html": page, "text/plain": "  ".join(said)}


def _end_cell(result: Any) -> None:
    """Called by IPython after the cell, whether it failed, was interrupted or came to its end."""
    _shell().events.unregister("post_run_cell", _end_cell)
    for bar in _bars.values():
        bar.stop()
    _bars.clear()


def _shell() -> Any:
    return sys.modules["IPython"].get_ipython()
