"""What the scoreboard's figures share: an axis for each set of rows, marks by whose run it is, labels kept apart."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from fer_lib.charts import BLUE, INK, MUTED, OKABE_ITO, Chart, make_chart, style_axes
from fer_lib.scoreboard import OURS, YOURS

MARKS = {OURS: (BLUE, "o"), YOURS: (OKABE_ITO[2], "s")}
"""Colour and marker of our published runs and of the reader's."""

NOTHING = (np.nan, np.nan)
ROW_INCHES = 0.27
WIDTH_INCHES = 9.5
HEADING_CHARACTERS = 60
"""About so many of a heading's characters fit over an axis."""
HEADING_INCHES = 0.15
"""Height of a heading's second line."""
NARROW = 0.08
"""An axis of accuracy up to this wide has ticks with a decimal."""


def make_note(title: str, reason: str) -> Chart:
    """A chart in place of one that there is nothing to draw in, saying why."""
    chart = make_chart(WIDTH_INCHES, 1.3)
    axes = chart.add_subplot(title=title)
    style_axes(axes)
    axes.set_axis_off()
    axes.text(0.5, 0.5, reason, ha="center", va="center", fontsize=10, color=MUTED, transform=axes.transAxes)
    chart.description = f"{title}. {reason}"
    return chart


Panel = tuple[Axes, pd.DataFrame]
"""An axis and the rows that stand on it."""


def make_panels(table: pd.DataFrame, by: str, title: str, row_inches: float = ROW_INCHES) -> tuple[Chart, list[Panel]]:
    """A chart with an axis of its own for each value of the column `by`, as high as it has rows, all equally wide.

    Each axis is headed by that value and drawn from above, row 0 first; the rows of a value stay in their order.
    """
    grouped = table.groupby(by, sort=False)
    groups = [(fill(str(name), HEADING_CHARACTERS), rows.reset_index(drop=True)) for name, rows in grouped]
    heights = [len(rows) + 0.2 for _, rows in groups]
    headings = sum(0.56 + HEADING_INCHES * name.count("\n") for name, _ in groups)
    chart = make_chart(WIDTH_INCHES, 1.3 + row_inches * sum(heights) + headings, title)
    grid = chart.add_gridspec(len(groups), 1, height_ratios=heights)
    panels = []
    for place, (name, rows) in enumerate(groups):
        axes = chart.add_subplot(grid[place])
        style_axes(axes, grid="x")
        axes.set_title(name, loc="left", fontsize=9.5, fontweight="bold", color=INK)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        panels.append((axes, rows))
    return chart, panels


def share_percent_axis(panels: Sequence[Panel], low: float, high: float, label: str) -> None:
    """Give all panels the same axis of percent, labelled under the last."""
    for axes, _ in panels:
        axes.set_xlim(low, high)
        axes.xaxis.set_major_formatter(PercentFormatter(1, 0 if high - low > NARROW else 1))
    panels[-1][0].set_xlabel(label)


def draw_number(axes: Axes, y: float, value: float, ends: tuple[float, float], whose: str, is_hollow: bool) -> None:
    """Draw a number and its interval in the marks of `MARKS`, hollow where it is not comparable with the paper."""
    colour, marker = MARKS[whose]
    axes.plot(ends, (y, y), color=colour, linewidth=2.4, alpha=0.55, solid_capstyle="butt")
    axes.plot(value, y, marker, color=colour, markersize=6.5, markerfacecolor="white" if is_hollow else colour)


def add_legend(chart: Chart, axes: Axes, whose: Sequence[str], has_hollow: bool) -> None:
    """Explain the marks under the chart: those of `whose`, the interval, and hollow ones where there are any."""
    for name in (name for name in MARKS if name in set(whose)):
        colour, marker = MARKS[name]
        axes.plot(*NOTHING, marker, color=colour, markersize=6.5, label=name)
    axes.plot(*NOTHING, color=MUTED, linewidth=2.4, alpha=0.6, label="95 % interval")
    if has_hollow:
        axes.plot(*NOTHING, "o", color=MUTED, markerfacecolor="white", label="hollow: not comparable")
    chart.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=9)


def with_seeds(row: pd.Series) -> str:
    """A model's name and how many seeds its numbers are the mean of."""
    return f"{row['model']} ({row['seeds']} seed{'' if row['seeds'] == 1 else 's'})"


def spread(values: Sequence[float], least: float, low: float = -np.inf, high: float = np.inf) -> list[float]:
    """Move places apart until neighbours are at least `least` away from each other, each group about its middle.

    Args:
        values: places.
        least: distance, above 0.
        low: least place, kept if there is room for all above it.
        high: greatest place, as `low`.

    Returns:
        New places, in the order of `values`; those that were far enough apart and inside stay.
    """
    order = np.argsort(values, kind="stable")
    groups: list[tuple[list[int], float]] = []  # members from below, and the middle of the group
    for member in order:
        members, middle = [int(member)], float(values[member])
        while groups and middle - groups[-1][1] < least * (len(groups[-1][0]) + len(members)) / 2:
            below, other = groups.pop()
            middle = (other * len(below) + middle * len(members)) / (len(below) + len(members))
            members = below + members
        groups.append((members, middle))
    places = np.zeros(len(values))
    for members, middle in groups:
        places[members] = middle + least * (np.arange(len(members)) - (len(members) - 1) / 2)
    steps = least * np.arange(len(places))
    places[order] = np.maximum(places[order], low + steps)
    places[order] = np.minimum(places[order], high - steps[::-1])
    return [float(place) for place in places]
