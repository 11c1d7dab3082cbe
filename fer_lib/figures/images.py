"""Pictures of a data set as it is: by class, at random, beside their transforms, twice."""

from collections.abc import Mapping, Sequence

import numpy as np

from fer_lib.charts import INK, Chart, draw_mosaic, make_chart
from fer_lib.figures.wall import draw_wall
from fer_lib.figures.wording import listed, named
from fer_lib.labels import EMOTIONS


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
    chart = _draw_rows(cells, list(rows), title)
    chart.description = f"{title}: {listed(sizes)}."
    return chart


def plot_random_images(
    images: np.ndarray,
    labels: np.ndarray,
    count: int = 24,
    seed: int = 0,
    class_names: Sequence[str] = EMOTIONS,
    title: str = "Random images",
) -> Chart:
    """Images drawn at random, each with its label (LT2326, *Random Images*), eight a row.

    Args:
        images: uint8 (n, h, w) or (n, h, w, 1 or 3).
        labels: int64 (n,).
        count: how many are drawn, without replacement; all of them where there are fewer.
        seed: of the draw; the same seed draws the same images.
        class_names: names in the order of the labels.
        title: heading of the figure.

    Raises:
        ValueError: if the two differ in length, there is no image, or a label has no name.
    """
    if len(images) != len(labels) or len(images) == 0:
        received = f"{len(images)} and {len(labels)}"
        raise ValueError(f"images and labels must be of one length, not empty. Received: {received}")
    drawn = draw_rows(len(images), count, seed)
    captions = [named(label, class_names) for label in labels[drawn]]
    chart, _, _ = draw_wall(images[drawn], captions, 8, title)
    chart.description = f"{title}, {len(drawn)} of {len(images):,}: {', '.join(captions)}."
    return chart


def plot_transforms(
    images: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str] = EMOTIONS,
    title: str = "Originals and their transforms",
) -> Chart:
    """One row for each original: itself, a rule, then its transforms (LT2326, *Random Transformed Images*).

    Args:
        images: uint8 (n, 1 + k, h, w, c), along the second axis the original first.
        labels: int64 (n,), one for each original.
        class_names: names in the order of the labels.
        title: heading of the figure.

    Raises:
        ValueError: if there is no original, no transform, or not one label for each original.
    """
    if images.ndim != 5 or len(images) != len(labels) or len(images) == 0 or images.shape[1] < 2:
        received = f"{images.shape} and {len(labels)} labels"
        raise ValueError(f"images must be (n, 1 + k, h, w, c), with n labels, n and k at least 1. Received: {received}")
    names = [named(label, class_names).lower() for label in labels]
    chart = _draw_rows([list(row) for row in images], names, title, ["original", *map(str, range(1, images.shape[1]))])
    axes = chart.axes[0]
    axes.set_xlabel("transforms, each made from the original at the left")
    first, second = axes.get_xticks()[:2]
    axes.axvline((first + second - 1) / 2, color=INK, linewidth=1.5)
    chart.description = f"{title}: {', '.join(names)}, each with {images.shape[1] - 1} transforms."
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


def draw_rows(available: int, count: int, seed: int) -> np.ndarray:
    """Draw `count` of `available` row numbers without replacement, all where there are fewer: int64, ascending.

    Raises:
        ValueError: if `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1. Received: {count}")
    return np.sort(np.random.default_rng(seed).choice(available, min(count, available), replace=False))


def _draw_rows(
    cells: Sequence[Sequence[np.ndarray | None]], names: Sequence[str], title: str, column_names: Sequence[str] = ()
) -> Chart:
    """Rows of images, each with its name at the left."""
    cell_inches = min(1.05, (9.5 - 1.1) / len(cells[0]))
    below = 0.5 if column_names else 0.0
    chart = make_chart(1.1 + cell_inches * len(cells[0]), 0.5 + below + cell_inches * len(cells))
    axes = chart.add_subplot()
    axes.set_title(title)
    draw_mosaic(axes, cells, names, column_names)
    return chart
