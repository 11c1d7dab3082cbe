"""A program measured in a process of its own, and a measured number beside its target."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence


def measure(program: str, *arguments: str) -> tuple[float, float]:
    """Run a Python program that prints `[seconds, megabytes]` as JSON; returns the two.

    The process that calls this must stay small: on Linux a child's peak counts from its parent's size when it was
    started.
    """
    command = [sys.executable, "-c", program, *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, megabytes = json.loads(output)
    return seconds, megabytes


def take_turns(steps: Sequence[Callable[[], object]], turns: int) -> list[list[tuple[float, float]]]:
    """Call steps one after the other, over and over, so that whatever else the machine does falls on all alike.

    Returns:
        For each step the milliseconds of each call, those that passed and those of the processor.
    """
    taken: list[list[tuple[float, float]]] = [[] for _ in steps]
    for _ in range(turns):
        for times, step in zip(taken, steps, strict=True):
            started, processor = time.perf_counter(), time.process_time()
            step()
            times.append((1000 * (time.perf_counter() - started), 1000 * (time.process_time() - processor)))
    return taken


def beside_target(what: str, value: float, bound: float, *, at_least: bool = False) -> str:
    """A line that says whether a target is met: `target: peak MB at most 1,000: 612, met`."""
    met = value >= bound if at_least else value <= bound
    sign = "at least" if at_least else "at most"
    return f"target: {what} {sign} {bound:,.4g}: {value:,.4g}, {'met' if met else 'NOT met'}"
