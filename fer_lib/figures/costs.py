"""What models cost and what they score: accuracy against parameters and against training time."""

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from fer_lib.charts import INK, MUTED, OKABE_ITO, Chart, make_chart, style_axes
from fer_lib.figures.panels import MARKS, NARROW, NOTHING, WIDTH_INCHES, add_legend, make_note, spread
from fer_lib.figures.wording import number

LABEL_INCHES = 0.165
"""Height of a line of labels."""

MOST_TICKS = 5
"""More ticks of an axis would run into each other."""
TWO_COLUMNS = 55
"""Names up to so many characters stand in two columns of the legend."""

PARAMETERS = {
    digit * 10**power: f"{digit * 10 ** (power % 3)} {unit}"
    for power, unit in zip(range(3, 9), 3 * ["thousand"] + 3 * ["million"], strict=True)
    for digit in (1, 2, 5)
}
DURATIONS = {
    count * seconds: f"{count} {unit}"
    for seconds, unit in ((1, "s"), (60, "min"), (3600, "h"))
    for count in (1, 2, 5, 10, 30)
}
COSTS = {
    "parameters": ("parameters of the network (logarithmic)", PARAMETERS),
    "seconds": ("training time of one seed, what it is made from included (logarithmic)", DURATIONS),
}
"""Columns of the score table that a model costs: the axis' label and its ticks."""


SHAPES = "osD^vP*Xh"
"""Markers of the sets of test images, beside the colours, so that none is told by colour alone."""


def plot_all_costs(scores: pd.DataFrame, title: str = "All models: accuracy against what they cost") -> Chart:
    """Accuracy of all models against parameters, and against training time, a mark for each set of test images.

    Only models of one mark took the same examination. Hollow marks are not comparable with their paper.

    Args:
        scores: what `scoreboard.score_table` returns.
        title: heading of the figure.
    """
    if scores.empty:
        return make_note(title, "There is no run to show yet.")
    chart = make_chart(WIDTH_INCHES, 6.6 + 0.2 * scores["test set"].nunique(), title)
    panels = chart.subplots(2, 1)
    marks = dict(zip(scores["test set"].unique(), zip(cycle(OKABE_ITO), cycle(SHAPES), strict=False), strict=False))
    for axes, (cost, (label, ticks)) in zip(panels, COSTS.items(), strict=True):
        rows = scores[scores[cost].notna()]
        axes.set(xlabel=label, ylabel="test accuracy", ylim=(0, 1))
        style_axes(axes)
        axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
        _scale_costs(axes, rows, cost, ticks)
        for _, row in rows.iterrows():
            colour, marker = marks[row["test set"]]
            axes.plot((row[cost], row[cost]), (row["low"], row["high"]), color=colour, linewidth=2.2, alpha=0.5)
            face = "white" if row["caveat"] else colour
            axes.plot(row[cost], row["accuracy"], marker, color=colour, markersize=7, markerfacecolor=face, zorder=4)
    for name, (colour, marker) in marks.items():
        panels[-1].plot(*NOTHING, marker, color=colour, markersize=7, label=name)
    panels[-1].plot(*NOTHING, color=MUTED, linewidth=2.4, alpha=0.6, label="95 % interval")
    if scores["caveat"].any():
        panels[-1].plot(*NOTHING, "o", color=MUTED, markerfacecolor="white", label="hollow: not comparable")
    columns = 2 if max(map(len, marks)) <= TWO_COLUMNS else 1
    chart.legend(
        loc="outside lower center", ncols=columns, frameon=False, fontsize=9, title="compare within one mark only"
    )
    chart.description = f"{title}, a mark for each set of test images. {'; '.join(_describe(scores))}."
    return chart


def plot_costs(scores: pd.DataFrame, title: str = "Accuracy against what a model costs") -> Chart:
    """Accuracy against parameters, and against training time, of models tested on the same images.

    Args:
        scores: rows of `scoreboard.score_table`, all of one set of test images.
        title: heading of the figure.

    Raises:
        ValueError: if the rows were tested on different images or classes, which no axis may put side by side.
    """
    if scores.empty:
        return make_note(title, "There is no model on these test images yet.")
    if scores["test set"].nunique() > 1:
        raise ValueError(f"scores must be of one set of test images. Received: {list(scores['test set'].unique())}")
    counts = [int(scores[cost].notna().sum()) for cost in COSTS]
    heights = [max(2.4, 0.5 + LABEL_INCHES * count) for count in counts]
    chart = make_chart(WIDTH_INCHES, sum(heights) + 2.0, f"{title}\n{scores['test set'].iloc[0]}")
    grid = chart.add_gridspec(2, 1, height_ratios=heights)
    for place, (cost, (label, ticks)) in enumerate(COSTS.items()):
        axes = chart.add_subplot(grid[place], xlabel=label, ylabel="test accuracy")
        _draw_costs(axes, scores[scores[cost].notna()], cost, ticks, heights[place])
    add_legend(chart, axes, list(scores["whose"]), bool(scores["caveat"].any()))
    chart.description = f"{title}, {scores['test set'].iloc[0]}. {'; '.join(_describe(scores))}."
    return chart


def _draw_costs(axes: Axes, rows: pd.DataFrame, cost: str, ticks: dict[int, str], inches: float) -> None:
    """Draw the models of one panel, each with its name at the right end of a thin line."""
    style_axes(axes)
    _scale_costs(axes, rows, cost, ticks)
    if rows.empty:
        return
    low, high = np.nanmin(rows["low"]), np.nanmax(rows["high"])
    margin = 0.06 * (high - low) + 0.005
    axes.set_ylim(low - margin, high + margin)
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0 if high - low > NARROW else 1))
    places = spread(rows["accuracy"].tolist(), LABEL_INCHES / inches * (high - low + 2 * margin), low, high)
    for place, (_, row) in zip(places, rows.iterrows(), strict=True):
        colour, marker = MARKS[row["whose"]]
        axes.plot((row[cost], row[cost]), (row["low"], row["high"]), color=colour, linewidth=2.2, alpha=0.5)
        face = "white" if row["caveat"] else colour
        axes.plot(row[cost], row["accuracy"], marker, color=colour, markersize=7, markerfacecolor=face, zorder=4)
        axes.annotate(
            f"{row['model']}, {number(row['accuracy'])}", (row[cost], row["accuracy"]), (1.02, place),
            textcoords=axes.get_yaxis_transform(), va="center", fontsize=8.5, color=INK, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#bbbbbb", "linewidth": 0.6, "shrinkB": 4, "relpos": (0, 0.5)},
        )  # fmt: skip


def _scale_costs(axes: Axes, rows: pd.DataFrame, cost: str, ticks: dict[int, str]) -> None:
    """A logarithmic axis of a cost about the models that say it, with ticks in words."""
    axes.set_xscale("log")
    if rows.empty:
        axes.text(0.5, 0.5, f"no model says its {cost}", transform=axes.transAxes, ha="center", color=MUTED)
        return
    least, greatest = rows[cost].min() / 1.6, rows[cost].max() * 1.6
    axes.set_xlim(least, greatest)
    inside = {tick: name for tick, name in ticks.items() if least <= tick <= greatest}
    if len(inside) > MOST_TICKS:
        inside = {tick: name for tick, name in inside.items() if name.startswith("1")}
    axes.xaxis.set_major_locator(FixedLocator(list(inside)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels(list(inside.values()))


def _describe(scores: pd.DataFrame) -> list[str]:
    return [
        f"{row['model']}: {number(row['accuracy'])}, {_told(row['parameters'], 'parameters')}, "
        f"{_told(row['seconds'], 'seconds')}"
        for _, row in scores.iterrows()
    ]


def _told(value: float, unit: str) -> str:
    return f"{unit} not known" if np.isnan(value) else f"{value:,.0f} {unit}"
