"""A program measured in a process of its own."""

import json
import subprocess
import sys


def measure(program: str, *arguments: str) -> tuple[float, float]:
    """Run a Python program that prints `[seconds, megabytes]` as JSON; returns the two.

    The process that calls this must stay small: on Linux a child's peak counts from its parent's size when it was
    started.
    """
    command = [sys.executable, "-c", program, *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, megabytes = json.loads(output)
    return seconds, megabytes
