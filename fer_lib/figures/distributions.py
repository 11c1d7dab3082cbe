"""Labels -> how many images, and what share of them, each class has."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from fer_lib.charts import BLUE, INK, VERMILION, Chart, draw_bars, make_chart, style_axes
from fer_lib.figures.wording import listed
from fer_lib.labels import EMOTIONS


def plot_class_distribution(
    splits: Mapping[str, np.ndarray],
    class_names: Sequence[str] = EMOTIONS,
    title: str = "Share of each expression in each split",
) -> Chart:
    """Share of each class in each split as bars side by side, with the count above each bar.

    Args:
        splits: name of the split -> labels int64 (n,); a split without images is left out.
        class_names: names in the order of the labels.
        title: heading of the figure.

    Raises:
        ValueError: if no split holds an image, or a label has no name.
    """
    return _plot_shares(_count_splits(splits, len(class_names)), class_names, title)


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
        ValueError: if the two differ in length, are empty, or a label has no name.
    """
    if len(true) != len(predicted):
        raise ValueError(f"true and predicted must be of one length. Received: {len(true)} and {len(predicted)}")
    return _plot_shares(_count_splits({"true": true, "predicted": predicted}, len(class_names)), class_names, title)


def plot_class_counts(
    splits: Mapping[str, np.ndarray],
    class_names: Sequence[str] = EMOTIONS,
    title: str = "Images of each expression in each split",
) -> Chart:
    """Images of each class, one panel for each split with a scale of its own (LT2326, *Dataset*).

    Beside each bar stand its count and its share of the split; a dashed line shows what classes of equal size would
    have.

    Args:
        splits: name of the split -> labels int64 (n,); a split without images is left out.
        class_names: names in the order of the labels.
        title: heading of the figure.

    Raises:
        ValueError: if no split holds an image, or a label has no name.
    """
    counts = _count_splits(splits, len(class_names))
    chart = make_chart(min(9.5, 1.1 + 4.2 * len(counts)), 1.6 + 0.31 * len(class_names), title)
    panels = chart.subplots(1, len(counts), squeeze=False, sharey=True).ravel()
    for axes, (name, count) in zip(panels, counts.items(), strict=True):
        _draw_counts(axes, count)
        axes.set_title(f"{name}: {count.sum():,} images")
        style_axes(axes, grid="x")
        axes.title.set(fontsize=10, fontweight="normal")
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(class_names)), class_names)
    panels[0].set(ylim=(len(class_names) - 0.5, -0.5), ylabel="expression")
    chart.legend(handles=panels[0].lines, loc="outside lower center", frameon=False, fontsize=9)
    chart.description = _describe(counts, class_names, title)
    return chart


def _draw_counts(axes: Axes, count: np.ndarray) -> None:
    """Draw one split's counts int64 (classes,) as horizontal bars."""
    total = count.sum()
    bars = axes.barh(np.arange(len(count)), count, 0.72, color=BLUE)
    texts = [f"{images:,} ({images / total:.1%})" for images in count]
    over_line = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
    axes.axvline(total / len(count), color=VERMILION, linewidth=1.6, linestyle=(0, (4, 2)), label="equal shares")
    axes.bar_label(bars, texts, padding=5, fontsize=8, color=INK, bbox=over_line, zorder=5)
    axes.margins(x=0.34)
    axes.set_xlabel("images")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.locator_params(axis="x", nbins=5)


def _plot_shares(counts: Mapping[str, np.ndarray], class_names: Sequence[str], title: str) -> Chart:
    """Share of each class in each group, the counts above the bars."""
    chart = make_chart(9.5, 4.2)
    axes = chart.add_subplot(title=title, xlabel="expression", ylabel="share of the images")
    draw_bars(axes, counts, class_names)
    style_axes(axes, grid="y")
    chart.legend(loc="outside lower center", ncols=len(counts), frameon=False, fontsize=9)
    chart.description = _describe(counts, class_names, title)
    return chart


def _describe(counts: Mapping[str, np.ndarray], class_names: Sequence[str], title: str) -> str:
    parts = [f"{name}: {listed(dict(zip(class_names, count, strict=True)))}" for name, count in counts.items()]
    return f"{title}. {'; '.join(parts)}."


def _count_splits(splits: Mapping[str, np.ndarray], classes: int) -> dict[str, np.ndarray]:
    """Counts int64 (classes,) of every split that holds an image."""
    counts = {name: _count(labels, classes) for name, labels in splits.items() if len(labels)}
    if not counts:
        received = {name: len(labels) for name, labels in splits.items()}
        raise ValueError(f"at least one split must hold an image. Received: {received}")
    return counts


def _count(labels: np.ndarray, classes: int) -> np.ndarray:
    """Labels int64 (n,) -> counts int64 (classes,)."""
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=classes)
    if len(counts) > classes:
        raise ValueError(f"every label must be below {classes}. Received: {len(counts) - 1}")
    return counts
