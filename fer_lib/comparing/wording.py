"""Numbers of a comparison as people read them, the same in the terminal and on the page."""

from fer_lib.comparing.numbers import Number, RunComparison
from fer_lib.intervals import Interval
from fer_lib.runs import Run

TITLES = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "overconfidence": "overconfidence",
    "expected_calibration_error": "calibration error",
}
"""What numbers are called."""

HINTS = {
    "macro_f1": "mean over the classes",
    "log_loss": "nats; lower is better",
    "overconfidence": "mean probability of the decision minus accuracy; zero is best",
    "expected_calibration_error": "lower is better",
}
"""How to read those that are no share of right images."""

SMALLEST_P = 1e-300


def format_points(share: float | None) -> str:
    """A difference of shares in percentage points, `+21.8 points`; a dash for None."""
    return "–" if share is None else f"{_signed(100 * share, 1)} points"


def format_value(number: Number, value: float) -> str:
    """One run's number in its unit."""
    if number.name == "accuracy":
        return f"{100 * value:.1f} %"
    return format_points(value) if number.name == "overconfidence" else f"{value:.3f}"


def format_wilson(interval: Interval | None) -> str:
    """Interval of an accuracy, `[55.4, 58.6]` in percent; nothing for None."""
    return "" if interval is None else f"[{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"


def format_difference(number: Number) -> str:
    """The second run's number minus the first's, in its unit."""
    if number.name in ("accuracy", "overconfidence"):
        return format_points(number.difference)
    return _signed(number.difference, 3)


def format_interval(interval: Interval | None, *, in_points: bool = True) -> str:
    """Interval of a difference, `[+19.9, +23.7]` in points or `[+0.151, +0.210]`; nothing for None."""
    if interval is None:
        return ""
    scale, digits = (100, 1) if in_points else (1, 3)
    return f"[{_signed(scale * interval[0], digits)}, {_signed(scale * interval[1], digits)}]"


def format_number_interval(number: Number) -> str:
    """Interval of a number's difference, in its unit."""
    return format_interval(number.interval, in_points=number.name in ("accuracy", "overconfidence"))


def format_p(p: float) -> str:
    """What follows the letter: `= 0.034`, `= 1.9e-99`, `< 1e-300`, `= 1`."""
    return f"< {SMALLEST_P:g}" if p < SMALLEST_P else f"= {p:.2g}"


def describe_balance(found: RunComparison) -> str:
    """Who is right on more images, a sentence."""
    more = found.counts["fixed"] - found.counts["broken"]
    if not more:
        return f"A and B are right on equally many of {found.images:,} images."
    images = "image" if abs(more) == 1 else "images"
    return f"B is right on {abs(more):,} {images} {'more' if more > 0 else 'fewer'} than A, of {found.images:,}."


def describe_interval(found: RunComparison) -> str:
    """Whether other test images like these might have said the opposite, a sentence."""
    if found.accuracy.interval is None:
        return ""
    low, high = found.accuracy.interval
    if not (found.counts["fixed"] or found.counts["broken"]):
        return "They are right on the same images."
    if low <= 0 <= high:
        return "The interval holds zero: these images do not tell which of the two is right more often."
    return f"The interval lies {'above' if low > 0 else 'below'} zero."


def describe_split(split: str, view: str) -> str:
    """`test`, `validation, ten crops`."""
    return split if view == "single" else f"{split}, {view.replace('_', ' ')}"


def describe_seeds(accuracies: dict[int, float]) -> str:
    """Accuracies by seed, `0: 56.9 %, 1: 57.3 %`."""
    return ", ".join(f"{seed}: {100 * accuracy:.1f} %" for seed, accuracy in accuracies.items())


def label_run(run: Run) -> str:
    """Variant and seed of a run."""
    return f"{run.request['variant']}, seed {run.request['seed']}"


def _signed(value: float, digits: int) -> str:
    """With its sign; without one where it is zero as far as it is written."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]
