"""What a model said of images: confusion matrices, examples of each confusion, pictures with truth and prediction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from fer_lib.charts import BLUE, VERMILION, Chart, draw_confusion, draw_mosaic, make_chart
from fer_lib.figures.images import draw_rows
from fer_lib.figures.wall import draw_wall
from fer_lib.figures.wording import listed, named
from fer_lib.labels import EMOTIONS

RIGHT: dict[str, Any] = {"edgecolor": BLUE, "linewidth": 1.6, "linestyle": "-"}
WRONG: dict[str, Any] = {"edgecolor": VERMILION, "linewidth": 3.0, "linestyle": (0, (2.2, 1.2))}


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
    chart.description = f"{title}. Measured recall: {listed(recalls)}."
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
    _check_lengths(images, labels, predictions)
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


def plot_predictions(
    images: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    count: int = 12,
    seed: int = 0,
    class_names: Sequence[str] = EMOTIONS,
    title: str = "Predictions and truth",
) -> Chart:
    """Images drawn at random with truth and prediction (LT2326, *Predicted Images*), six a row.

    Right ones have a thin solid frame and a check mark, wrong ones a thick dashed frame and a cross.

    Args:
        images: uint8 (n, h, w) or (n, h, w, 1 or 3).
        labels: int64 (n,), true classes.
        predictions: int64 (n,), predicted classes.
        count: how many are drawn, without replacement; all of them where there are fewer.
        seed: of the draw; the same seed draws the same images.
        class_names: names in the order of the labels.
        title: heading of the figure.

    Raises:
        ValueError: if the three differ in length, there is no image, or a class has no name.
    """
    _check_lengths(images, labels, predictions)
    drawn = draw_rows(len(images), count, seed)
    right = labels[drawn] == predictions[drawn]
    truths, guesses = ([named(k, class_names) for k in classes[drawn]] for classes in (labels, predictions))
    captions = [
        f"Truth: {truth}\nPredicted: {guess} {'✓' if hit else '✗'}"
        for truth, guess, hit in zip(truths, guesses, right, strict=True)
    ]
    chart, axes, places = draw_wall(images[drawn], captions, 6, title, 1.42, 0.3)
    for place, hit in zip(places, right, strict=True):
        style = RIGHT if hit else WRONG
        axes.add_patch(Rectangle((place.left, place.top), place.width, place.height, fill=False, **style))
    chart.legend(handles=_legend(right), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    pairs = [f"{truth} called {guess}" for truth, guess in zip(truths, guesses, strict=True)]
    chart.description = f"{title}, {len(drawn)} of {len(images):,}, {right.sum()} of them right: {', '.join(pairs)}."
    return chart


def _legend(right: np.ndarray) -> list[Line2D]:
    """One entry each for right and wrong predictions, with how many there are: bool (n,)."""
    texts = (f"✓ right: {right.sum()}", f"✗ wrong: {(~right).sum()}")
    return [
        Line2D([], [], color=style["edgecolor"], linewidth=style["linewidth"], linestyle=style["linestyle"], label=text)
        for style, text in zip((RIGHT, WRONG), texts, strict=True)
    ]


def _check_lengths(images: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> None:
    if not len(images) == len(labels) == len(predictions) or len(images) == 0:
        received = f"{len(images)}, {len(labels)} and {len(predictions)}"
        raise ValueError(f"images, labels and predictions must be of one length, not empty. Received: {received}")


def _shares(matrix: np.ndarray, classes: int) -> np.ndarray:
    values = np.asarray(matrix, dtype=np.float64)
    if values.shape != (classes, classes) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"a matrix must be ({classes}, {classes}) of shares in [0, 1]. Received: {values.tolist()}")
    return values
