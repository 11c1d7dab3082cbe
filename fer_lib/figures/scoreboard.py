"""All models of all papers: scores, costs and recalls, each set of test images by itself."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from fer_lib.charts import INK, MUTED, Chart, make_chart, style_axes
from fer_lib.figures.panels import (
    MARKS,
    NARROW,
    NOTHING,
    WIDTH_INCHES,
    add_legend,
    draw_number,
    make_note,
    make_panels,
    share_percent_axis,
    spread,
    with_seeds,
)
from fer_lib.figures.wording import number
from fer_lib.labels import EMOTIONS

OVER_LINES = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
LABEL_INCHES = 0.165
"""Height of a line of labels."""

MOST_TICKS = 8
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


def plot_scoreboard(scores: pd.DataFrame, title: str = "Test accuracy of every model") -> Chart:
    """Accuracy of each model with its interval, the best first, an axis for each set of test images.

    A dashed line is what always answering the largest class would score there. Hollow marks were trained for less than
    in their paper.

    Args:
        scores: what `scoreboard.score_table` returns.
        title: heading of the figure.
    """
    if scores.empty:
        return make_note(title, "There is no run to show yet.")
    ranked = scores.sort_values("accuracy", ascending=False, kind="stable")
    in_order = pd.concat([ranked[ranked["test set"] == name] for name in scores["test set"].unique()])
    chart, panels = make_panels(in_order, "test set", title)
    for axes, rows in panels:
        guess = float(rows["guess"].iloc[0])
        axes.axvline(guess, color=MUTED, linewidth=1.2, linestyle=(0, (4, 2)))
        for y, (_, row) in enumerate(rows.iterrows()):
            draw_number(axes, y, row["accuracy"], (row["low"], row["high"]), row["whose"], bool(row["caveat"]))
            caveat = f", {row['caveat']}" if row["caveat"] else ""
            over = max(row["accuracy"], np.nan_to_num(row["high"]))
            axes.text(
                over + 0.012, y, number(row["accuracy"]) + caveat, fontsize=8.5, color=INK, va="center", bbox=OVER_LINES
            )
        axes.set_yticks(range(len(rows)), [with_seeds(row) for _, row in rows.iterrows()])
    share_percent_axis(panels, 0, 1.02, "accuracy on the test images, mean over the seeds")
    axes.plot(*NOTHING, color=MUTED, linewidth=1.2, linestyle=(0, (4, 2)), label="always the largest class")
    add_legend(chart, axes, list(scores["whose"]), bool(scores["caveat"].any()))
    chart.description = f"{title}, an axis for each set of test images. " + " ".join(
        f"{rows['test set'].iloc[0]}: {_listed(rows)}." for _, rows in panels
    )
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
    told = [
        f"{row['model']}: {number(row['accuracy'])}, {_told(row['parameters'], 'parameters')}, "
        f"{_told(row['seconds'], 'seconds')}"
        for _, row in scores.iterrows()
    ]
    chart.description = f"{title}, {scores['test set'].iloc[0]}. {'; '.join(told)}."
    return chart


def plot_recalls(recalls: pd.DataFrame, title: str = "Recall of each class") -> Chart:
    """Share of each class that a model recognises, as a heat map with its numbers; blank where it has no such class.

    Args:
        recalls: what `scoreboard.recall_table` returns.
        title: heading of the figure.
    """
    if recalls.empty:
        return make_note(title, "There is no run to show yet.")
    chart, panels = make_panels(recalls, "test set", title)
    for axes, rows in panels:
        shares = rows[list(EMOTIONS)].to_numpy(dtype=float)
        axes.imshow(shares, vmin=0, vmax=1, cmap="Blues", aspect="auto")
        for (i, j), share in np.ndenumerate(shares):
            colour = "white" if share > 0.55 else INK
            axes.text(
                j, i, "" if np.isnan(share) else f"{share:.0%}", ha="center", va="center", fontsize=9, color=colour
            )
        axes.set_yticks(range(len(rows)), [with_seeds(row) for _, row in rows.iterrows()])
        axes.set_xticks(range(len(EMOTIONS)), EMOTIONS)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    panels[-1][0].set_xlabel("true class; share of its test images called so, mean over the seeds")
    known = recalls.set_index("model")[list(EMOTIONS)].astype(float)
    ends = zip(known.index, known.idxmax(axis=1), known.idxmin(axis=1), strict=True)
    told = [f"{name} best on {best}, worst on {worst}" for name, best, worst in ends]
    chart.description = f"{title}. {'; '.join(told)}."
    return chart


def _draw_costs(axes: Axes, rows: pd.DataFrame, cost: str, ticks: dict[int, str], inches: float) -> None:
    """Draw the models of one panel, each with its name at the right end of a thin line."""
    style_axes(axes)
    axes.set_xscale("log")
    if rows.empty:
        axes.text(0.5, 0.5, f"no model says its {cost}", transform=axes.transAxes, ha="center", color=MUTED)
        return
    low, high = np.nanmin(rows["low"]), np.nanmax(rows["high"])
    margin = 0.06 * (high - low) + 0.005
    axes.set_ylim(low - margin, high + margin)
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0 if high - low > NARROW else 1))
    least, greatest = rows[cost].min() / 1.6, rows[cost].max() * 1.6
    axes.set_xlim(least, greatest)
    inside = {tick: name for tick, name in ticks.items() if least <= tick <= greatest}
    if len(inside) > MOST_TICKS:
        inside = {tick: name for tick, name in inside.items() if name.startswith("1")}
    axes.xaxis.set_major_locator(FixedLocator(list(inside)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels(list(inside.values()))
    places = spread(rows["accuracy"].tolist(), LABEL_INCHES / inches * (high - low + 2 * margin))
    for place, (_, row) in zip(places, rows.iterrows(), strict=True):
        colour, marker = MARKS[row["whose"]]
        axes.plot((row[cost], row[cost]), (row["low"], row["high"]), color=colour, linewidth=2.2, alpha=0.5)
        face = "white" if row["caveat"] else colour
        axes.plot(row[cost], row["accuracy"], marker, color=colour, markersize=7, markerfacecolor=face, zorder=4)
        axes.annotate(
            f"{row['model']}, {number(row['accuracy'])}", (row[cost], row["accuracy"]), (1.02, place),
            textcoords=axes.get_yaxis_transform(), va="center", fontsize=8.5, color=INK, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#bbbbbb", "linewidth": 0.6, "shrinkB": 4},
        )  # fmt: skip


def _listed(rows: pd.DataFrame) -> str:
    return ", ".join(f"{row['model']} {number(row['accuracy'])}" for _, row in rows.iterrows())


def _told(value: float, unit: str) -> str:
    return f"{unit} not known" if np.isnan(value) else f"{value:,.0f} {unit}"
