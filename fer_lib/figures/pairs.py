"""Two numbers in a row: accuracies of one model on two sets of images or views, published and measured ones."""

import textwrap

import numpy as np
import pandas as pd

from fer_lib.charts import BLUE, INK, MUTED, RULE, VERMILION, Chart
from fer_lib.figures.panels import (
    NOTHING,
    add_legend,
    draw_number,
    make_note,
    make_panels,
    share_percent_axis,
    with_seeds,
)
from fer_lib.figures.wording import number


def plot_pairs(pairs: pd.DataFrame, first: str, second: str, title: str) -> Chart:
    """Two accuracies of each model with their intervals, and the difference with its own in words at the right.

    Args:
        pairs: a table of `accuracy_pairs`.
        first: what the first accuracy is on.
        second: what the second is on.
        title: heading of the figure.
    """
    if pairs.empty:
        return make_note(title, f"No run has accuracies of both kinds, {first} and {second}, yet.")
    chart, panels = make_panels(pairs, "test set", title)
    for axes, rows in panels:
        for y, (_, row) in enumerate(rows.iterrows()):
            axes.plot((row["first"], row["second"]), (y, y), color=RULE, linewidth=1.5, zorder=1)
            for name, colour, marker, shift in (("first", BLUE, "o", -0.13), ("second", VERMILION, "D", 0.13)):
                ends = (row[f"{name} low"], row[f"{name} high"])
                axes.plot(ends, (y + shift, y + shift), color=colour, linewidth=2, alpha=0.5, solid_capstyle="butt")
                axes.plot(row[name], y + shift, marker, color=colour, markersize=5.5)
            axes.text(1.02, y, points(row), transform=axes.get_yaxis_transform(), fontsize=8.5, color=INK, va="center")
        axes.set_yticks(range(len(rows)), [with_seeds(row) for _, row in rows.iterrows()])
    reach = pairs[["first low", "second low", "first high", "second high", "first", "second"]].to_numpy(dtype=float)
    low, high = float(np.nanmin(reach)), float(np.nanmax(reach))
    share_percent_axis(panels, low - 0.02, high + 0.02, "accuracy, mean over the seeds, with its 95 % interval")
    panels[0][0].annotate(
        "difference, points\n[95 % interval]", (1.02, 1), xycoords="axes fraction", xytext=(0, 4),
        textcoords="offset points", fontsize=8.5, color=INK, va="bottom",
    )  # fmt: skip
    for name, colour, marker in ((first, BLUE, "o"), (second, VERMILION, "D")):
        axes.plot(*NOTHING, marker, color=colour, markersize=5.5, label=name)
    chart.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    told = [
        f"{row['model']}: {number(row['first'])} and {number(row['second'])}, difference {points(row)}"
        for _, row in pairs.iterrows()
    ]
    chart.description = f"{title}: {first} and {second}. {'; '.join(told)}."
    return chart


def plot_claims(claims: pd.DataFrame, title: str = "Test accuracies, published and measured") -> Chart:
    """Published test accuracies (diamonds) beside measured ones with their intervals, and the verdicts in words.

    Args:
        claims: what `scoreboard.claim_table` returns.
        title: heading of the figure.
    """
    if claims.empty:
        return make_note(title, "No claim on a test accuracy is known.")
    headings = [textwrap.shorten(paper, 60, placeholder=" …") for paper in claims["paper"]]
    chart, panels = make_panels(claims.assign(paper=headings), "paper", title, row_inches=0.4)
    for axes, rows in panels:
        for y, (_, row) in enumerate(rows.iterrows()):
            if not np.isnan(row["measured"]):
                is_indicative = row["verdict"] == "indicative"
                draw_number(axes, y, row["measured"], (row["low"], row["high"]), row["whose"], is_indicative)
            axes.plot(
                row["published"], y, "D", color=VERMILION, markerfacecolor="none", markersize=7, markeredgewidth=1.6
            )
            told = row["verdict"] or f"no verdict: {textwrap.shorten(row['reason'], 24, placeholder='…')}"
            axes.text(1.02, y, told, transform=axes.get_yaxis_transform(), fontsize=8.5, color=INK, va="center")
        axes.set_yticks(range(len(rows)), [_on_two_lines(text) for text in rows["claim"]])
    share_percent_axis(panels, 0, 1, "test accuracy")
    axes.plot(*NOTHING, "D", color=VERMILION, markerfacecolor="none", markeredgewidth=1.6, label="the paper")
    drawn = claims[claims["measured"].notna()]
    if (drawn["verdict"] == "indicative").any():
        axes.plot(*NOTHING, "o", color=MUTED, markerfacecolor="white", label="hollow: on a stand-in for the data")
    add_legend(chart, axes, list(drawn["whose"]), has_hollow=False)
    told = [
        f"{row['claim']}: published {number(row['published'])}, measured {number(row['measured'])}, {row['verdict']}"
        for _, row in claims.iterrows()
    ]
    chart.description = f"{title}. {'; '.join(told)}."
    return chart


def points(row: pd.Series) -> str:
    """A difference with its interval in percentage points: `+2.1 [+1.7, +2.5]`."""
    text = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
    return text.replace("-", "\N{MINUS SIGN}")


def _on_two_lines(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 40, max_lines=2, placeholder=" …"))
