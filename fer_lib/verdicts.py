"""How a verdict is made: published and measured numbers -> a verdict and its reason in words. Nothing is read here."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from fer_lib.intervals import Interval, wilson_interval

Verdict = Literal["reproduced", "exceeded", "below", "not reproduced", "indicative", "not run"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

SAMPLE_DATA = "sample data"
SHORTENED = "shortened budget"
OTHER_DATA = "not the published FER2013"
NO_VOTES = "cleaned without people's votes"
SMALL_BUDGET = "small budget"
DIVERGED = "the training diverged"

MATRIX_SHARE = 0.95
"""Share of a matrix's cells that must hold the published proportion: what 95 % intervals promise."""

TOLERANCE = 1e-9
"""Numbers this close count as equal, so that 0.586 - 0.0005 does not depend on floating point."""

Unit = Literal["", "%", "points"]
Decision = tuple[Verdict | None, str]
"""A verdict, None where one seed allows none, and its reason."""

RULES: tuple[tuple[str, str], ...] = (
    ("measured value", "The mean over the runs of the claim's variant, one run per seed."),
    (
        "interval",
        "95 %. Shares of images (accuracy, precision, recall, shares of predictions): Wilson on the images behind "
        "them. F1 scores and means over classes: the images drawn anew 2,000 times (bootstrap). Differences of "
        "accuracy: paired normal on the same images. A picture that is there with its transforms counts once. With "
        "several seeds also Student's t over the seeds; the wider of the two counts. Times, losses, learning curves "
        "and counts of images have Student's alone, and none with one seed.",
    ),
    (
        "re-splits",
        "Where each seed divides the pictures anew (its test images are its own), the training sets of the seeds "
        "overlap and their numbers are not independent: Student's variance of the mean is then (1/seeds + test "
        "images/training images) times the variance between the seeds (Nadeau and Bengio 2003) instead of 1/seeds "
        "times it. A difference is paired within each seed, whose two runs must share their test images, and has "
        "Student's interval alone.",
    ),
    ("rounding", "A published number stands for itself plus or minus half a unit of its last printed digit."),
    (
        "value, range",
        "reproduced where the interval overlaps the published number or range; exceeded where it lies wholly above, "
        "below where it lies wholly below. Without an interval the measured value itself is compared.",
    ),
    (
        "at least, at most",
        "reproduced where the measured value keeps to the published bound, its rounding included, else not reproduced.",
    ),
    (
        "spread",
        "A published range of single runs, over seeds or re-splits. reproduced where every seed's number lies within "
        "it, rounding included; exceeded where some lie above and none below, below where some lie below and none "
        "above; not reproduced where both; no verdict with fewer than two seeds. Intervals are not used.",
    ),
    (
        "difference",
        "First minus second variant, paired by seed (a classifier lacking that seed, by its first). reproduced where "
        "the interval lies on the published side of zero and overlaps the published difference, or where only the "
        "sign is published; exceeded or below where it lies on the right side of zero but wholly beyond or short of "
        "it; not reproduced where it holds zero or lies on the other side; no verdict where one seed leaves no "
        "interval.",
    ),
    (
        "ordering, ranking",
        "reproduced where, in the measured means, each number of an earlier group is above each of a later one; else "
        "not reproduced, naming the first pair out of order. Intervals are not used.",
    ),
    (
        "matrix",
        "Each cell is a share of its true class, mean over the seeds, with a Wilson interval on that class's images. "
        "reproduced where at least 95 % of the intervals hold the published share with its rounding, else not "
        "reproduced.",
    ),
    (
        "indicative",
        "In place of any other verdict but not run where pictures, tested on or trained on first, stand in for others "
        "that are not at hand: measured as always, the reason says what was found, and nothing is said of the paper's "
        "claim.",
    ),
    ("not run", "A run the claim needs is missing, or does not hold the number; the reason names it."),
    (
        "no verdict",
        f"Numbers measured on the built-in sample ({SAMPLE_DATA}), on a file with other counts than FER2013's "
        f"({OTHER_DATA}), on images that a face detector alone cleaned ({NO_VOTES}) or at less than the card's budget "
        f"({SHORTENED}: fewer epochs, a part of the data, other weights than the card's) are shown and never judged, "
        f"nor called indicative. Nor are those of networks trained for less than in their paper ({SMALL_BUDGET}, "
        "stated with each), unless it is asked only which of such networks of as many epochs is better (an ensemble "
        "counts as its members), nor of trainings whose loss became no number. Differences and spreads of one seed "
        "without an interval have none.",
    ),
)
"""How verdicts are made, for the reports: what, and the rule in words."""


def judge_value(low: float, high: float, value: float, interval: Interval | None, unit: Unit) -> Decision:
    """Compare a measured interval (or value, where it has none) with a published number or range, rounding included."""
    least, greatest = interval or (value, value)
    what = "the interval" if interval else "the measured value"
    if least > high + TOLERANCE:
        return "exceeded", f"{what} lies {_distance(least - high, unit)} above the published {_span(low, high, unit)}"
    if greatest < low - TOLERANCE:
        return "below", f"{what} lies {_distance(low - greatest, unit)} below the published {_span(low, high, unit)}"
    return "reproduced", f"{what} meets the published {_span(low, high, unit)}"


def judge_spread(low: float, high: float, values: Sequence[float], unit: Unit) -> Decision:
    """Compare the numbers of single runs with a published range, rounding included.

    Args:
        low: least value that the range takes in.
        high: greatest value that it takes in.
        values: one number per seed.
        unit: what to print them in.
    """
    if len(values) < 2:
        return None, "one seed shows no spread; this needs two"
    published = f"the published {_span(low, high, unit)}"
    above = sum(value > high + TOLERANCE for value in values)
    beneath = sum(value < low - TOLERANCE for value in values)
    if above and beneath:
        return "not reproduced", f"{above} of {len(values)} seeds above {published} and {beneath} below"
    if above:
        farthest = _distance(max(values) - high, unit)
        return "exceeded", f"{above} of {len(values)} seeds above {published}, the farthest by {farthest}"
    if beneath:
        farthest = _distance(low - min(values), unit)
        return "below", f"{beneath} of {len(values)} seeds below {published}, the farthest by {farthest}"
    return "reproduced", f"each of {len(values)} seeds lies within {published}"


def judge_at_least(bound: float, value: float, unit: Unit) -> Decision:
    """Compare a measured value with a published lower bound, less its rounding."""
    if value >= bound - TOLERANCE:
        return "reproduced", f"the measured value reaches {format_number(bound, unit)}"
    return (
        "not reproduced",
        f"the measured value is {_distance(bound - value, unit)} under {format_number(bound, unit)}",
    )


def judge_at_most(bound: float, value: float, unit: Unit) -> Decision:
    """Compare a measured value with a published upper bound, plus its rounding."""
    if value <= bound + TOLERANCE:
        return "reproduced", f"the measured value does not pass {format_number(bound, unit)}"
    return "not reproduced", f"the measured value is {_distance(value - bound, unit)} over {format_number(bound, unit)}"


def judge_difference(published: Interval | None, value: float, interval: Interval | None, unit: Unit) -> Decision:
    """Compare a measured difference with a published one, on either side of zero.

    Args:
        published: least and greatest difference that round to the published one; None where only "higher" is published.
        value: measured difference, first minus second.
        interval: its interval; None where one seed gives none.
        unit: what to print it in.
    """
    if interval is None:
        return None, "one seed gives this number no interval; a difference needs two"
    sign = -1 if published and sum(published) < 0 else 1
    near, far = sorted(sign * end for end in interval)  # away from zero on the published side
    if near <= 0 <= far:
        ends = " to ".join(format_number(end, unit, signed=True) for end in interval)
        return "not reproduced", f"the interval of the difference, {ends}, holds zero"
    if far < 0:
        return "not reproduced", f"the difference {format_number(value, unit, signed=True)} has the opposite sign"
    if published is None:
        return "reproduced", "the interval lies above zero; no value is published"
    low, high = sorted(sign * end for end in published)
    if near > high + TOLERANCE:
        return "exceeded", f"the interval lies {_distance(near - high, unit)} beyond the published difference"
    if far < low - TOLERANCE:
        short = _distance(low - far, unit)
        return "below", f"the interval excludes zero but lies {short} short of the published difference"
    return "reproduced", "the interval excludes zero and meets the published difference"


def judge_order(groups: Sequence[Sequence[tuple[str, float]]], unit: Unit) -> Decision:
    """Check that each named number of an earlier group is above each of a later one."""
    for index, group in enumerate(groups):
        for name, value in group:
            for other, above in (member for later in groups[index + 1 :] for member in later):
                if not value > above:
                    first, second = format_number(value, unit), format_number(above, unit)
                    return "not reproduced", f"{name} ({first}) is not above {other} ({second})"
    return "reproduced", "every number stands where the paper has it"


def compare_matrices(published: np.ndarray, measured: np.ndarray, support: np.ndarray, rounding: float) -> np.ndarray:
    """Which cells' Wilson intervals hold the published share.

    Args:
        published: float (classes, classes), shares of each true class.
        measured: the same, mean over the seeds.
        support: int (classes,), images of each true class.
        rounding: half a unit of the published shares' last digit.

    Returns:
        bool (classes, classes).
    """
    holds = np.zeros(published.shape, dtype=bool)
    for (row, column), share in np.ndenumerate(measured):
        images = int(support[row])
        low, high = wilson_interval(min(max(float(share), 0.0), 1.0) * images, images)
        target = published[row, column]
        holds[row, column] = low <= target + rounding + TOLERANCE and high >= target - rounding - TOLERANCE
    return holds


def judge_matrix(holds: np.ndarray) -> Decision:
    """Decide on a matrix by the share of its cells that hold the published one."""
    enough = holds.mean() >= MATRIX_SHARE - TOLERANCE
    reason = f"{int(holds.sum())} of {holds.size} cells hold the published share; 95 % are needed"
    return ("reproduced" if enough else "not reproduced"), reason


def format_number(value: float, unit: Unit, signed: bool = False) -> str:
    """A number as the report prints it: `61.2 %`, `+2.4 points`, `0.872`, `5.42`, `22`, `4,796`."""
    digits, suffix = _format(value, unit, signed)
    return f"{digits} {suffix}".strip()


def format_measured(value: float, interval: Interval | None, unit: Unit, signed: bool = False) -> str:
    """A number with its interval, where it has one of some width: `61.2 % [59.6, 62.8]`."""
    if interval is None or interval[0] == interval[1]:
        return format_number(value, unit, signed)
    digits, suffix = _format(value, unit, signed, like=value)
    low, high = (_format(end, unit, signed, like=value)[0] for end in interval)
    return f"{digits} {suffix}".strip() + f" [{low}, {high}]"


def format_spread(value: float, values: Sequence[float], unit: Unit) -> str:
    """A mean and the range of what it is the mean of: `33.9 % (29.6 to 38.5 % over 10 seeds)`."""
    if len(values) < 2:
        return format_number(value, unit)
    ends = (value, min(values), max(values))
    mean, low, high = (_format(number, unit, signed=False, like=value)[0] for number in ends)
    suffix = f" {unit}" if unit else ""
    return f"{mean}{suffix} ({low} to {high}{suffix} over {len(values)} seeds)"


def _format(value: float, unit: Unit, signed: bool, like: float | None = None) -> tuple[str, str]:
    plus = "+" if signed or unit == "points" else ""
    if unit:
        return f"{100 * value:{plus}.1f}", unit
    if like is None and _is_count(value, unit):
        return f"{value:{plus},.0f}", ""
    size = abs(value if like is None else like)
    return f"{value:{plus},.{3 if size < 1 else 2 if size < 100 else 0}f}", ""


def _span(low: float, high: float, unit: Unit) -> str:
    """`58.55 to 58.65 %`: the published number with its rounding needs a digit more than measured ones."""
    scale, suffix = (100.0, f" {unit}") if unit else (1.0, "")
    if high - low <= TOLERANCE:
        return format_number(low, unit) if _is_count(low, unit) else f"{low * scale:g}{suffix}"
    return f"{low * scale:.6g} to {high * scale:.6g}{suffix}"


def _distance(value: float, unit: Unit) -> str:
    """How far apart two numbers are, always positive; percents are told apart in points."""
    if _is_count(value, unit):
        return format_number(value, unit)
    shown = 100 * value if unit else value
    digits = f"{shown:.1f}" if shown >= 1 else f"{shown:.2g}"
    return digits + (" points" if unit else "")


def _is_count(value: float, unit: Unit) -> bool:
    return not unit and float(value).is_integer()
