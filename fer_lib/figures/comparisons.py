"""Accuracies side by side, with their intervals and the published values."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fer_lib.charts import BLUE, INK, MUTED, OKABE_ITO, VERMILION, Chart, make_chart, style_axes
from fer_lib.figures.wording import number
from fer_lib.intervals import mean_interval

SCORE_COLUMNS = ["condition", "scored on", "accuracy", "low", "high", "lowest seed", "highest seed", "published"]
"""What `plot_accuracies` reads of a table."""

GREEN = OKABE_ITO[2]
NOTHING = (np.nan, np.nan)

_LABEL_WIDTH = 0.09
"""Width of a printed accuracy in units of the axis: a published value that close would be written over."""


def plot_resplits(
    accuracies: pd.DataFrame,
    published: tuple[float, float] | None = None,
    title: str = "Test accuracy over re-splits",
    test_over_train: float = 0.0,
) -> Chart:
    """Test accuracy of each re-split, one dot per seed and variant, with mean and interval (Liu, Section 3).

    Dots of one seed, which stand for the same split of the pictures, are joined by a line; the published range is a
    band. The interval is Student's of the mean over the seeds: it says how well that mean is known for these pictures,
    not how another collection would score, since the splits share their pictures.

    Args:
        accuracies: one row per seed, one column per variant, fractions; NaN where a variant was not trained.
        published: lowest and highest published accuracy, or None.
        title: heading of the figure.
        test_over_train: test images over training images, by which the interval is widened, since the training sets of
            re-splits overlap (see `intervals.mean_interval`).

    Raises:
        ValueError: if there is no accuracy at all.
    """
    if not accuracies.notna().any(axis=None):
        raise ValueError(f"accuracies must hold at least one. Received: {accuracies.shape} of {list(accuracies)}")
    chart = make_chart(min(9.5, 3.2 + 2.2 * max(2, accuracies.shape[1])), 4.8)
    axes = chart.add_subplot(title=title, xlabel="variant", ylabel="accuracy on the test images")
    if published is not None:
        label = f"published range, {published[0]:.0%} to {published[1]:.0%}"
        axes.axhspan(*published, color=OKABE_ITO[3], alpha=0.28, linewidth=0, label=label)
        for end in published:
            axes.axhline(end, color=OKABE_ITO[3], linewidth=1, linestyle=(0, (4, 2)))
    spread = np.linspace(-0.13, 0.13, len(accuracies)) if len(accuracies) > 1 else np.zeros(1)
    places = spread[:, None] + np.arange(accuracies.shape[1])  # (seeds, variants)
    for x, values in zip(places, accuracies.to_numpy(dtype=float), strict=True):
        axes.plot(x, values, color=MUTED, linewidth=0.8, alpha=0.6, zorder=2)
    dots = f"one re-split each, {len(accuracies)} seeds" if len(accuracies) > 1 else "one re-split"
    axes.plot(places.ravel(), accuracies.to_numpy().ravel(), "o", color=BLUE, markersize=5, alpha=0.85, label=dots)
    texts = [_draw_mean(axes, place, accuracies[name], test_over_train) for place, name in enumerate(accuracies)]
    axes.set_xticks(range(accuracies.shape[1]), [str(name) for name in accuracies])
    axes.set_xlim(-0.55, accuracies.shape[1] - 0.35)
    axes.margins(y=0.12)
    axes.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
    style_axes(axes, grid="y")
    chart.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    band = "" if published is None else f" Published: {number(published[0])} to {number(published[1])}."
    chart.description = f"{title}. {'; '.join(texts)}.{band}"
    return chart


def plot_accuracies(scores: pd.DataFrame, title: str = "Accuracy under each condition") -> Chart:
    """Accuracy on each set of images under each condition, with its interval, its seeds and the published value.

    Squares are scores on images trained on, dots on others; a thick bar is the 95 % interval, a thin one with ends goes
    from the lowest seed to the highest, a diamond is the published value.

    Args:
        scores: one row per condition and set of images, as `tables.accuracy_table` returns it: `condition`, `scored on`
            (the set's name; "train" has squares), and fractions `accuracy`, `low`, `high`, `lowest seed`,
            `highest seed`, `published` (NaN where there is none).
        title: heading of the figure.

    Raises:
        ValueError: if there is no row, or a column is missing.
    """
    if scores.empty or not set(SCORE_COLUMNS) <= set(scores):
        received = f"{len(scores)} rows of {list(scores)}"
        raise ValueError(f"scores must hold a row and the columns {SCORE_COLUMNS}. Received: {received}")
    heads, places = _layout(scores["condition"].tolist())
    lowest = places[-1]
    chart = make_chart(9.5, 1.35 + 0.27 * (lowest + 1))
    axes = chart.add_subplot(title=title, xlabel="accuracy, mean over the seeds")
    for place, row in zip(places, scores.to_dict("records"), strict=True):
        _draw_score(axes, place, row)
    ticks = {**heads, **dict(zip(places, scores["scored on"], strict=True))}
    axes.set_yticks(list(ticks), list(ticks.values()))
    for label, place in zip(axes.get_yticklabels(), ticks, strict=True):
        label.set_fontweight("bold" if place in heads else "normal")
    axes.set(ylim=(lowest + 0.6, -0.6), xlim=(0, 1.09))
    axes.set_xticks(np.linspace(0, 1, 11))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    style_axes(axes, grid="x")
    axes.tick_params(axis="y", length=0)
    _add_legend(chart, axes, bool(scores["published"].notna().any()))
    texts = [
        f"{row['condition']}, {row['scored on']}: measured {number(row['accuracy'])}, "
        f"published {number(row['published'])}"
        for row in scores.to_dict("records")
    ]
    chart.description = f"{title}. {'; '.join(texts)}."
    return chart


def _draw_published(axes: Axes, value: float | None, y: float, label: str | None = None, face: str = "white") -> None:
    marks = axes.plot(np.nan if value is None else value, y, "D", color=VERMILION, markersize=7, label=label)
    marks[0].set(markerfacecolor=face, markeredgewidth=1.8, zorder=4)


def _draw_mean(axes: Axes, place: int, accuracies: pd.Series, test_over_train: float) -> str:
    """Draw mean and interval of one variant beside its dots; returns them in words, with the range."""
    values = accuracies.dropna()
    if values.empty:
        return f"{accuracies.name}: none"
    words = f"{accuracies.name}: mean {values.mean():.1%} of {len(values)}"
    if len(values) == 1:
        return words
    mean, x = float(values.mean()), place + 0.24
    low, high = np.clip(mean_interval(values.tolist(), test_over_train), 0, 1)  # an accuracy stays one
    label = None if axes.containers else "mean and its 95 % interval"
    axes.errorbar(
        x, mean, [[mean - low], [high - mean]], fmt="D", color=VERMILION, capsize=5, elinewidth=2.2, label=label
    )
    over_lines = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    text = f"{mean:.1%}\n[{low:.1%}, {high:.1%}]"
    axes.text(x + 0.07, mean, text, fontsize=8.5, color=INK, va="center", bbox=over_lines, zorder=3)
    return f"{words}, interval {low:.1%} to {high:.1%}, range {values.min():.1%} to {values.max():.1%}"


def _layout(conditions: Sequence[str]) -> tuple[dict[float, str], list[float]]:
    """Heights of the conditions' names and of the rows under them, from above."""
    heads: dict[float, str] = {}
    places: list[float] = []
    y = -1.0
    for index, condition in enumerate(conditions):
        if index == 0 or condition != conditions[index - 1]:
            y += 1.0 if index == 0 else 1.35
            heads[y] = condition
        y += 1.0
        places.append(y)
    return heads, places


def _draw_score(axes: Axes, y: float, row: Mapping[Hashable, Any]) -> None:
    seen = row["scored on"] == "train"
    colour, marker = (GREEN, "s") if seen else (BLUE, "o")
    axes.plot((row["low"], row["high"]), (y, y), color=colour, linewidth=6, alpha=0.35, solid_capstyle="butt")
    axes.plot((row["lowest seed"], row["highest seed"]), (y, y), "|-", color=colour, linewidth=1, markersize=7)
    axes.plot(row["accuracy"], y, marker, color=colour, markersize=6)
    _draw_published(axes, row["published"], y, face="none")
    right = np.nanmax([row["accuracy"], row["high"], row["highest seed"]])
    if 0 <= row["published"] - right < _LABEL_WIDTH:
        right = row["published"]
    axes.text(right + 0.014, y, number(row["accuracy"]), fontsize=8.5, color=INK, va="center")


def _add_legend(chart: Chart, axes: Axes, has_published: bool) -> None:
    axes.plot(*NOTHING, "s", color=GREEN, markersize=6, label="images trained on")
    axes.plot(*NOTHING, "o", color=BLUE, markersize=6, label="other images")
    axes.plot(*NOTHING, color=MUTED, linewidth=6, alpha=0.45, label="95 % interval")
    axes.plot(*NOTHING, "|-", color=MUTED, linewidth=1, markersize=7, label="lowest to highest seed")
    if has_published:
        _draw_published(axes, None, 0, "published")
    chart.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=9)
