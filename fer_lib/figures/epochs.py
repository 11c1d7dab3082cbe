"""Every epoch's accuracy on both test splits, and what the choice of the epoch is worth."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fer_lib.charts import BLUE, INK, MUTED, VERMILION, Chart, make_chart, style_axes
from fer_lib.figures.panels import NOTHING, ROW_INCHES, WIDTH_INCHES, make_note
from fer_lib.figures.wording import number

NO_EPOCHS = "No run has kept the weights of its epochs, or what they predict, yet."
ACROSS = 3
"""Runs side by side."""

CHOICES: dict[str, tuple[str, dict[str, Any]]] = {
    "best on PublicTest": ("o", {"color": BLUE, "markersize": 12, "markerfacecolor": "none", "markeredgewidth": 2}),
    "best on PrivateTest": ("*", {"color": VERMILION, "markersize": 12, "markeredgecolor": INK}),
}
"""How an epoch is chosen, a column of the flattery table, and its marker: a ring about a star where they agree."""

FLATTERIES = {
    "PrivateTest, had it chosen the epoch": ("difference", "low", "high"),
    "PublicTest, which did choose it": ("optimism", "optimism low", "optimism high"),
}
"""What is too high, and the columns of the flattery table that say by how much."""


def plot_epochs(
    curves: pd.DataFrame, table: pd.DataFrame, title: str = "Accuracy of every epoch, and two ways to choose one"
) -> Chart:
    """Accuracy on PublicTest and PrivateTest against the epoch, one panel per run, with the epochs chosen by either.

    Args:
        curves: what `epoch_choice.epoch_curves` returns.
        table: what `epoch_choice.flattery_table` returns of the same runs.
        title: heading of the figure.
    """
    if curves.empty:
        return make_note(title, NO_EPOCHS)
    runs = table[table["best on PublicTest"].notna()].reset_index(drop=True)
    across = min(ACROSS, len(runs))
    down = -(-len(runs) // across)
    chart = make_chart(WIDTH_INCHES if across > 1 else 6.5, 1.2 + 2.9 * down, title)
    axes: Axes | None = None
    for place, (_, row) in enumerate(runs.iterrows()):
        axes = chart.add_subplot(down, across, place + 1, sharey=axes, xlabel="epoch")
        mine = curves[(curves["model"] == row["model"]) & (curves["seed"].astype(str) == row["seed"])]
        _draw_run(axes, mine, row)
        if place % across == 0:
            axes.set_ylabel("accuracy")
    assert axes is not None
    for label, colour, style in (("PublicTest", BLUE, "-"), ("PrivateTest", VERMILION, (0, (5, 1.2)))):
        axes.plot(*NOTHING, color=colour, linestyle=style, linewidth=1.8, label=label)
    for label, (marker, look) in CHOICES.items():
        axes.plot(*NOTHING, marker, label=f"PrivateTest at the epoch {label}", **look)
    chart.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    told = [
        f"{row['model']} seed {row['seed']}: PublicTest chooses epoch {row['best on PublicTest']:.0f}, "
        f"{number(row['honest'])} on PrivateTest; PrivateTest would choose epoch {row['best on PrivateTest']:.0f}, "
        f"{number(row['flattering'])}"
        for _, row in runs.iterrows()
    ]
    chart.description = f"{title}. {'; '.join(told)}."
    return chart


def plot_flattery(table: pd.DataFrame, title: str = "What choosing the epoch on the reported images adds") -> Chart:
    """Points that an accuracy gains where its own images choose the epoch, with intervals: PrivateTest and PublicTest.

    Args:
        table: what `epoch_choice.flattery_table` returns.
        title: heading of the figure.
    """
    if table.empty:
        return make_note(title, NO_EPOCHS)
    chart = make_chart(WIDTH_INCHES, 1.6 + ROW_INCHES * 1.3 * len(table), title)
    highest = 100 * max(float(table[column].max()) for column in ("high", "optimism high"))
    for place, (name, columns) in enumerate(FLATTERIES.items()):
        axes = chart.add_subplot(1, 2, place + 1, xlabel="percentage points too high")
        style_axes(axes, grid="x")
        axes.set_title(name, loc="left", fontsize=10, fontweight="bold", color=INK)
        for y, (_, row) in enumerate(table.iterrows()):
            value, low, high = (100 * row[column] for column in columns)
            weight = "bold" if row["seed"].startswith("all") else "normal"
            axes.plot((low, high), (y, y), color=BLUE, linewidth=2.6, alpha=0.5, solid_capstyle="butt")
            axes.plot(value, y, "o", color=BLUE, markersize=6.5)
            text = f"{value:+.2f} [{low:.2f}, {high:.2f}]"
            axes.text(1.02 * max(high, value) + 0.02 * highest, y, text, fontsize=8.5, va="center", fontweight=weight)
        names = [f"{row['model']}, seed {row['seed']}" for _, row in table.iterrows()]
        names = [name.replace("seed all ", "mean of ") for name in names]
        axes.set_yticks(range(len(table)), names if place == 0 else [])
        axes.set(ylim=(len(table) - 0.4, -0.6), xlim=(-0.04 * highest - 0.01, 1.9 * highest + 0.05))
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.tick_params(axis="y", length=0)
    told = [
        f"{row['model']} seed {row['seed']}: {100 * row['difference']:.2f} points "
        f"[{100 * row['low']:.2f}, {100 * row['high']:.2f}] on PrivateTest, {100 * row['optimism']:.2f} on PublicTest"
        for _, row in table.iterrows()
    ]
    chart.description = f"{title}, with 95 % intervals. {'; '.join(told)}."
    return chart


def _draw_run(axes: Axes, curve: pd.DataFrame, row: pd.Series) -> None:
    style_axes(axes)
    axes.set_title(f"{row['model']}, seed {row['seed']}", fontsize=10, fontweight="bold", color=INK)
    axes.plot(curve["epoch"], curve["PublicTest"], color=BLUE, linewidth=1.8)
    axes.plot(curve["epoch"], curve["PrivateTest"], color=VERMILION, linewidth=1.8, linestyle=(0, (5, 1.2)))
    private = curve.set_index("epoch")["PrivateTest"]
    for column, (marker, look) in CHOICES.items():
        epoch = int(row[column])
        axes.plot(epoch, private[epoch], marker, zorder=4, **look)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.set_xlim(0.5, np.max(curve["epoch"]) + 0.5)
