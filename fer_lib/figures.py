"""Values -> matplotlib figures: titled, with units, safe for colour-blind readers, never shown or saved here.

Every function returns a `Chart`, a `matplotlib.figure.Figure` that a notebook displays as its cell's value. Accuracy
and shares come in as fractions and are printed as percent.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fer_lib.charts import (
    BLUE,
    INK,
    VERMILION,
    Chart,
    draw_bars,
    draw_confusion,
    draw_mosaic,
    draw_parameter,
    make_chart,
    style_axes,
)
from fer_lib.labels import EMOTIONS

FULL_WIDTH = 9.5
"""Inches; 912 CSS pixels, the width of a notebook's output."""

IntervalRow = tuple[str, float | None, float | None, tuple[float, float] | None]
"""Label, published value, measured value, interval of the measured value."""


def plot_image_grid(rows: Mapping[str, np.ndarray], title: str = "Examples of each expression") -> Chart:
    """One row of images for each name (Shi, Figure 1).

    Args:
        rows: name of the row -> uint8 (k, h, w) or (k, h, w, 1 or 3); rows may differ in length, not in image size.
        title: heading of the figure.

    Raises:
        ValueError: if there is no image at all.
    """
    sizes = {name: len(images) for name, images in rows.items()}
    columns = max(sizes.values(), default=0)
    if columns == 0:
        raise ValueError(f"rows must hold at least one image. Received: {sizes}")
    cells = [[*images, *[None] * (columns - len(images))] for images in rows.values()]
    cell_inches = min(1.05, (FULL_WIDTH - 1.1) / columns)
    chart = make_chart(1.1 + cell_inches * columns, 0.5 + cell_inches * len(cells))
    axes = chart.add_subplot()
    axes.set_title(title)
    draw_mosaic(axes, cells, list(rows))
    chart.description = f"{title}: {_listed(sizes)}."
    return chart


def plot_class_distribution(
    splits: Mapping[str, np.ndarray],
    class_names: Sequence[str] = EMOTIONS,
    title: str = "Share of each expression in each split",
) -> Chart:
    """Share of each class in each split as bars, with the count above each bar.

    Args:
        splits: name of the split -> labels int64 (n,).
        class_names: names in the order of the labels.
        title: heading of the figure.

    Raises:
        ValueError: if there is no split, or a label has no name.
    """
    return _plot_bars(splits, class_names, title)


def plot_label_distribution(
    true: np.ndarray,
    predicted: np.ndarray,
    class_names: Sequence[str] = EMOTIONS,
    title: str = "True and predicted labels",
) -> Chart:
    """How often each class is true and how often it is predicted (Shi, Figure 5).

    Args:
        true: int64 (n,), true classes.
        predicted: int64 (n,), predicted classes.
        class_names: names in the order of the labels.
        title: heading of the figure.

    Raises:
        ValueError: if the two differ in length or a label has no name.
    """
    if len(true) != len(predicted):
        raise ValueError(f"true and predicted must be of one length. Received: {len(true)} and {len(predicted)}")
    return _plot_bars({"true": true, "predicted": predicted}, class_names, title)


def plot_history(histories: Sequence[pd.DataFrame], metric: str = "accuracy", title: str | None = None) -> Chart:
    """A metric against the epoch on training and validation images (Shi, Figures 3 and 4): thin seeds, thick mean.

    Args:
        histories: one table per seed with columns `epoch`, `metric` and `val_<metric>`.
        metric: "accuracy", "loss" or any other column.
        title: heading; None makes one from the metric.

    Raises:
        ValueError: if there is no history or a column is missing.
    """
    if not histories:
        raise ValueError(f"histories must hold at least one table. Received: {histories!r}")
    title = title or f"{metric.capitalize()} against epoch"
    seeds = f"mean of {len(histories)} seeds" if len(histories) > 1 else "one seed"
    chart = make_chart(FULL_WIDTH, 4.4)
    axes = chart.add_subplot(title=title, xlabel="epoch", ylabel="loss (nats)" if metric == "loss" else metric)
    lines = (("training", metric, BLUE, "-"), ("validation", f"val_{metric}", VERMILION, (0, (5, 1.2))))
    ends = []
    for name, column, colour, dashes in lines:
        curves = pd.concat([_curve(history, column) for history in histories], axis=1)
        mean = curves.mean(axis=1)
        if len(histories) > 1:
            axes.plot(curves.index, curves, color=colour, linewidth=0.8, alpha=0.45)
        axes.plot(mean.index, mean, color=colour, linewidth=2.2, linestyle=dashes, marker=".", label=f"{name}, {seeds}")
        ends.append(f"{name} ends at {mean.iloc[-1]:.3f} after epoch {mean.index[-1]}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if metric == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    style_axes(axes)
    axes.legend(frameon=False)
    chart.description = f"{title}, {seeds}: {'; '.join(ends)}."
    return chart


def plot_confusion(
    matrix: np.ndarray,
    class_names: Sequence[str] = EMOTIONS,
    published: np.ndarray | None = None,
    title: str = "Confusion matrix, each row as a share of its true class",
) -> Chart:
    """A confusion matrix normalised by row (Shi, Figure 6), beside the published one where that is given.

    Args:
        matrix: float (k, k), rows true, columns predicted, each row a share of its true class in [0, 1].
        class_names: k names in the order of the labels.
        published: float (k, k) of the paper; each measured cell then also shows how far it is from the published one.
        title: heading of the figure.

    Raises:
        ValueError: if a matrix has another shape or holds numbers outside [0, 1].
    """
    measured = _shares(matrix, len(class_names))
    if published is None:
        chart = make_chart(5.8, 5.4, title)
        draw_confusion(chart.add_subplot(), measured, class_names, None)
    else:
        printed = _shares(published, len(class_names))
        chart = make_chart(10, 5.3, title)
        left, right = chart.subplots(1, 2)
        draw_confusion(left, printed, class_names, None)
        draw_confusion(right, measured, class_names, measured - printed)
        left.set_title("published", fontsize=10)
        right.set_title("measured (below: difference from published)", fontsize=10)
    recalls = {name: f"{recall:.0%}" for name, recall in zip(class_names, np.diag(measured), strict=True)}
    chart.description = f"{title}. Measured recall: {_listed(recalls)}."
    return chart


def plot_confusion_examples(
    images: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    class_names: Sequence[str] = EMOTIONS,
    seed: int = 0,
) -> Chart:
    """One image drawn at random for each pair of true and predicted class; grey where there is none (Shi, Figure 7).

    Args:
        images: uint8 (n, h, w) or (n, h, w, 1 or 3).
        labels: int64 (n,), true classes.
        predictions: int64 (n,), predicted classes.
        class_names: names in the order of the labels.
        seed: of the draw; the same seed draws the same images.

    Raises:
        ValueError: if the three differ in length or there is no image.
    """
    if not len(images) == len(labels) == len(predictions) or len(images) == 0:
        received = f"{len(images)}, {len(labels)} and {len(predictions)}"
        raise ValueError(f"images, labels and predictions must be of one length, not empty. Received: {received}")
    generator = np.random.default_rng(seed)
    cells: list[list[np.ndarray | None]] = []
    for true in range(len(class_names)):
        matching = [np.flatnonzero((labels == true) & (predictions == k)) for k in range(len(class_names))]
        cells.append([images[generator.choice(rows)] if len(rows) else None for rows in matching])
    chart = make_chart(8.2, 8.2)
    axes = chart.add_subplot(title="One image of each (true, predicted) pair", xlabel="predicted", ylabel="true")
    draw_mosaic(axes, cells, class_names, class_names)
    blank = sum(cell is None for row in cells for cell in row)
    chart.description = f"{axes.get_title()}: {len(class_names) ** 2 - blank} images, {blank} pairs without one."
    return chart


def plot_intervals(
    rows: Sequence[IntervalRow], title: str = "Published and measured", xlabel: str = "accuracy", percent: bool = True
) -> Chart:
    """Published value (diamond) against the measured one (dot) and its interval (whisker), one row each.

    Args:
        rows: label, published, measured, (low, high) of the measured value; None leaves that mark out.
        title: heading of the figure.
        xlabel: what the values are.
        percent: whether the values are fractions to be printed as percent.

    Raises:
        ValueError: if there are no rows.
    """
    if not rows:
        raise ValueError(f"rows must hold at least one. Received: {rows!r}")
    chart = make_chart(FULL_WIDTH, 1.5 + 0.36 * len(rows))
    axes = chart.add_subplot(title=title, xlabel=xlabel)
    nothing = (np.nan, np.nan)
    for y, (_, published, measured, interval) in enumerate(rows):
        first = y == 0  # one entry of each kind in the legend, present or not
        axes.plot(interval or nothing, (y, y), color=BLUE, linewidth=2.4, label="95 % interval" if first else None)
        dot, diamond = (np.nan if value is None else value for value in (measured, published))
        axes.plot(dot, y, "o", color=BLUE, markersize=7.5, label="measured" if first else None)
        marks = axes.plot(diamond, y, "D", color=VERMILION, markersize=7, label="published" if first else None)
        marks[0].set(markerfacecolor="white", markeredgewidth=1.8, zorder=4)
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    if percent:
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    style_axes(axes)
    chart.legend(loc="outside lower right", ncols=3, frameon=False, fontsize=9)
    text = [f"{label}: published {_number(p, percent)}, measured {_number(m, percent)}" for label, p, m, _ in rows]
    chart.description = f"{title}. {'; '.join(text)}."
    return chart


def plot_duplicates(
    pairs: Sequence[Sequence[np.ndarray]], captions: Sequence[str], title: str = "The same picture, twice"
) -> Chart:
    """Pairs of images that are the same or nearly, three pairs a row, each with a caption.

    Args:
        pairs: n pairs of images, each uint8 (h, w) or (h, w, 1 or 3).
        captions: n texts (rows, splits, labels); a line break starts a new line.
        title: heading of the figure.

    Raises:
        ValueError: if there is no pair or a caption is missing.
    """
    if len(pairs) == 0 or len(pairs) != len(captions):
        raise ValueError(f"pairs must not be empty, with a caption each. Received: {len(pairs)} and {len(captions)}")
    lines = 1 + max(caption.count("\n") for caption in captions)
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    chart = make_chart(3.1 * columns, 0.5 + rows * (1.55 + 0.16 * lines), title)
    grid = chart.subplots(rows, columns, squeeze=False).ravel()
    for axes, pair, caption in zip(grid, pairs, captions, strict=False):
        draw_mosaic(axes, [list(pair)])
        axes.set_xlabel(caption, fontsize=8, color=INK)
    for axes in grid[len(pairs) :]:
        axes.set_axis_off()
    chart.description = f"{title}: {'; '.join(' '.join(caption.split()) for caption in captions)}."
    return chart


def plot_search(trials: pd.DataFrame, score: str = "score", title: str = "Random search") -> Chart:
    """Score of each trial against each hyper-parameter, the best trial marked by a star.

    Args:
        trials: one row per trial: column `score` (a fraction; NaN where the trial failed) and one per hyper-parameter.
        score: name of the column to maximise.
        title: heading of the figure.

    Raises:
        ValueError: if there is no scored trial, no such column or no hyper-parameter.
    """
    names = [name for name in map(str, trials.columns) if name != score]
    scored = trials.dropna(subset=[score]) if score in trials.columns else trials.iloc[:0]
    if scored.empty or not names:
        received = f"{len(trials)} rows of {list(trials.columns)}"
        raise ValueError(f"trials must hold a {score!r} and at least one hyper-parameter. Received: {received}")
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    chart = make_chart(max(3.2 * columns, 5.5), 0.5 + 2.6 * rows, f"{title}: {len(scored)} trials")
    grid = chart.subplots(rows, columns, squeeze=False, sharey=True)
    best = int(scored[score].argmax())
    for index, axes in enumerate(grid.ravel()):
        if index < len(names):
            draw_parameter(axes, scored[names[index]], scored[score], best)
        else:
            axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel(score)
    values = _listed({name: scored[name].iloc[best] for name in names})
    chart.description = f"{title}, {len(scored)} trials; the best, {float(scored[score].max()):.1%}, has {values}."
    return chart


def _plot_bars(groups: Mapping[str, np.ndarray], class_names: Sequence[str], title: str) -> Chart:
    """Share of each class in each group of labels, the counts above the bars."""
    if not groups:
        raise ValueError(f"labels of at least one split are needed. Received: {groups!r}")
    counts = {name: _count(labels, len(class_names)) for name, labels in groups.items()}
    chart = make_chart(FULL_WIDTH, 4.2)
    axes = chart.add_subplot(title=title, xlabel="expression", ylabel="share of the images")
    draw_bars(axes, counts, class_names)
    style_axes(axes, grid="y")
    chart.legend(loc="outside lower center", ncols=len(counts), frameon=False, fontsize=9)
    parts = [f"{name}: {_listed(dict(zip(class_names, count, strict=True)))}" for name, count in counts.items()]
    chart.description = f"{title}. {'; '.join(parts)}."
    return chart


def _curve(history: pd.DataFrame, column: str) -> pd.Series:
    if not {"epoch", column} <= set(history.columns):
        raise ValueError(f"a history must hold 'epoch' and {column!r}. Received: columns {list(history.columns)}")
    return history.set_index("epoch")[column]


def _shares(matrix: np.ndarray, classes: int) -> np.ndarray:
    values = np.asarray(matrix, dtype=np.float64)
    if values.shape != (classes, classes) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"a matrix must be ({classes}, {classes}) of shares in [0, 1]. Received: {values.tolist()}")
    return values


def _count(labels: np.ndarray, classes: int) -> np.ndarray:
    """Labels int64 (n,) -> counts int64 (classes,)."""
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=classes)
    if len(counts) > classes:
        raise ValueError(f"every label must be below {classes}. Received: {len(counts) - 1}")
    return counts


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _number(value: float | None, percent: bool) -> str:
    if value is None:
        return "none"
    return f"{value:.1%}" if percent else f"{value:.4g}"
