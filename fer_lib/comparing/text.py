"""A comparison in the terminal: short, and where the page has more."""

import textwrap
from collections.abc import Sequence

from fer_lib.aligned import align
from fer_lib.bootstrap import RESAMPLES
from fer_lib.comparing import wording
from fer_lib.comparing.names import name_run
from fer_lib.comparing.numbers import RunComparison, seed_accuracies
from fer_lib.comparing.resampling import SEED
from fer_lib.comparing.settings import Setting

STRONGEST = 10
"""Changed images that are listed."""

LONGEST = 28
"""Characters of a setting's value; longer ones are cut."""

WIDTH = 100
"""Characters of a line of prose."""


def describe_comparison(found: RunComparison, elsewhere: Sequence[RunComparison] = ()) -> str:
    """What two runs differ in, for a terminal: differences, McNemar, settings, counts, the strongest changes.

    Args:
        found: the comparison that is told.
        elsewhere: the same runs on other splits and views, a line each.
    """
    parts = [
        [f"A  {name_run(found.a)}", f"B  {name_run(found.b)}"],
        [f"NOT COMPARABLE WITH ANY PAPER: {caveat}" for caveat in found.caveats],
        [line for notice in found.notices for line in _wrap("Note: ", notice)],
        [f"{wording.describe_split(found.split, found.view)}, {found.images:,} images", *_numbers(found)],
        _counts(found),
        _elsewhere(elsewhere),
        _seeds(found),
        _settings(found.settings),
        _strongest(found),
        _wrap(
            "",
            f"Intervals are of 95 %: Wilson's of an accuracy, of a difference the paired bootstrap ({RESAMPLES:,} "
            f"resamples of the images, seed {SEED}). They say what other images would have changed, not what another "
            "seed of the training would.",
        ),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _numbers(found: RunComparison) -> list[str]:
    rows = [["", "A", "B", "B − A", ""]]
    for number in (found.accuracy, *found.others):
        a, b = (wording.format_value(number, value) for value in (number.a, number.b))
        ends = [wording.format_wilson(interval) for interval in (number.a_interval, number.b_interval)]
        difference = [wording.format_difference(number), wording.format_number_interval(number)]
        rows.append([wording.TITLES[number.name], f"{a} {ends[0]}", f"{b} {ends[1]}", *difference])
    return align(rows)


def _counts(found: RunComparison) -> list[str]:
    fixed, broken, still_wrong = found.counts.values()
    return [
        wording.describe_balance(found),
        f"right    both {found.both_right:,}, only A {broken:,}, only B {fixed:,}, neither {found.both_wrong:,}",
        f"McNemar  p {wording.format_p(found.p_exact)} (exact), mid-p {wording.format_p(found.p_mid)}",
        f"changed  {len(found.changed):,} images: {fixed:,} fixed, {broken:,} broken, {still_wrong:,} still wrong",
    ]


def _elsewhere(others: Sequence[RunComparison]) -> list[str]:
    if not others:
        return []
    rows = [["elsewhere", "images", "A", "B", "B − A", "", "McNemar"]]
    for found in others:
        a, b = (wording.format_value(found.accuracy, value) for value in (found.accuracy.a, found.accuracy.b))
        difference = [wording.format_difference(found.accuracy), wording.format_number_interval(found.accuracy)]
        where = wording.describe_split(found.split, found.view)
        rows.append([where, f"{found.images:,}", a, b, *difference, f"p {wording.format_p(found.p_exact)}"])
    return align(rows)


def _seeds(found: RunComparison) -> list[str]:
    a, b = (seed_accuracies(run, found.split, found.view) for run in (found.a, found.b))
    told = {"A, B": a} if a == b else {"A": a, "B": b}
    lines = [f"{name}  {wording.describe_seeds(seeds)}" for name, seeds in told.items() if len(seeds) > 1]
    return [f"accuracy on {found.split}, each run on images of its own, by seed", *lines] if lines else []


def _settings(settings: Sequence[Setting]) -> list[str]:
    """Settings that both have side by side, those of one alone in a line; what runs were made with last."""
    if not settings:
        return ["No setting differs."]
    both = [setting for setting in settings if setting.a and setting.b]
    rows = [["settings that differ", "A", "B"], *([s.name, _cut(s.a), _cut(s.b)] for s in both)]
    lines = align(rows) if both else []
    for name, only in (("A", [s for s in settings if not s.b]), ("B", [s for s in settings if not s.a])):
        values = dict.fromkeys(f"{_last_part(s.name)} {_cut(s.a or s.b)}" for s in only)  # told once, asked for twice
        lines += _wrap(f"only {name} has  ", ", ".join(values)) if values else []
    return lines


def _strongest(found: RunComparison) -> list[str]:
    if found.changed.empty:
        return ["No image changed its class."]
    rows = [["row", "true", "A says", "B says", "kind", "strength"]]
    for image in found.changed.head(STRONGEST).itertuples():
        a, b = f"{image.a} {image.a_probability:.2f}", f"{image.b} {image.b_probability:.2f}"
        rows.append([str(image.row), str(image.true), a, b, str(image.kind), f"{image.strength:.3f}"])
    return [f"the {min(STRONGEST, len(found.changed))} strongest changes of {len(found.changed):,}", *align(rows)]


def _last_part(name: str) -> str:
    return name.rpartition(".")[2]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _wrap(start: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
