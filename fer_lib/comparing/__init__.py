"""Two runs side by side, image by image: paired differences with bootstrap intervals, McNemar's test, what changed."""

from fer_lib.comparing.images import NoCommonImages
from fer_lib.comparing.names import find_run, known_runs, name_run
from fer_lib.comparing.numbers import (
    BROKEN,
    FIXED,
    KINDS,
    STILL_WRONG,
    ClassDifference,
    Number,
    RunComparison,
    compare_elsewhere,
    compare_runs,
    seed_accuracies,
)
from fer_lib.comparing.page import write_comparison
from fer_lib.comparing.settings import Setting, differing_settings
from fer_lib.comparing.text import describe_comparison

__all__ = [
    "BROKEN",
    "FIXED",
    "KINDS",
    "STILL_WRONG",
    "ClassDifference",
    "NoCommonImages",
    "Number",
    "RunComparison",
    "Setting",
    "compare_elsewhere",
    "compare_runs",
    "describe_comparison",
    "differing_settings",
    "find_run",
    "known_runs",
    "name_run",
    "seed_accuracies",
    "write_comparison",
]
