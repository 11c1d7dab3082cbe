"""All models of all papers: scores and recalls, each set of test images by itself."""

import numpy as np
import pandas as pd

from fer_lib.charts import INK, MUTED, Chart
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
from fer_lib.labels import EMOTIONS

OVER_LINES = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}


def plot_scoreboard(scores: pd.DataFrame, title: str = "Test accuracy of every model") -> Chart:
    """Accuracy of each model with its interval, the best first, an axis for each set of test images.

    A dashed line is what always answering the largest class would score there. Hollow marks are not comparable
    with their paper: on other data, or trained for less.

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


def _listed(rows: pd.DataFrame) -> str:
    return ", ".join(f"{row['model']} {number(row['accuracy'])}" for _, row in rows.iterrows())
