"""Pictures in a grid on one axes whose unit is the inch, a caption above each: they stay sharp and draw fast."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from fer_lib.charts import INK, Chart, make_chart

CAPTION_POINTS = 8.5
LINE_INCHES = 0.15
GAP_INCHES = 0.14
MOST_INCHES = 9.3


@dataclass(frozen=True)
class Place:
    """Where a picture stands on the axes: its top left corner, its size, and inches per pixel."""

    left: float
    top: float
    width: float
    height: float
    scale: float


def draw_wall(
    images: Sequence[np.ndarray] | np.ndarray,
    captions: Sequence[str],
    columns: int,
    title: str,
    most_inches: float = 1.25,
    below_inches: float = 0.0,
) -> tuple[Chart, Axes, list[Place]]:
    """Draw pictures row by row, each as large as its cell allows.

    Args:
        images: n pictures, each uint8 (h, w) or (h, w, 1 or 3), of one size or of several.
        captions: n texts; a line break starts a new line.
        columns: how many pictures stand in a row, if there are so many.
        title: heading of the chart.
        most_inches: width of a cell, less where the row would be wider than a notebook.
        below_inches: height to leave below the pictures, for a legend.

    Returns:
        The chart, its axes (units are inches, downwards), and the place of each picture.
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    cell = min(most_inches, (MOST_INCHES - GAP_INCHES * (columns - 1)) / columns)
    tallest = cell * max(image.shape[0] / image.shape[1] for image in images)
    cell_height = min(tallest, 1.4 * cell)
    text = 0.06 + LINE_INCHES * (1 + max(caption.count("\n") for caption in captions))
    across, down = cell + GAP_INCHES, cell_height + text + GAP_INCHES
    width, height = columns * across - GAP_INCHES, rows * down - GAP_INCHES
    chart = make_chart(max(width + 0.2, 4.6), height + 0.45 + below_inches, title)
    axes = chart.add_subplot()
    axes.set(xlim=(-0.03, width + 0.03), ylim=(height + 0.03, -0.03), aspect="equal")
    axes.set_axis_off()
    places = []
    for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
        corner = (index % columns * across, index // columns * down + text)
        place = _fit(image, *corner, cell, cell_height)
        _draw_picture(axes, image, place)
        axes.text(place.left, place.top - 0.06, caption, fontsize=CAPTION_POINTS, color=INK, va="bottom")
        places.append(place)
    return chart, axes, places


def _fit(image: np.ndarray, left: float, top: float, width: float, height: float) -> Place:
    """Place of a picture as large as a cell allows, at the cell's upper left corner."""
    scale = min(width / image.shape[1], height / image.shape[0])
    return Place(left, top, image.shape[1] * scale, image.shape[0] * scale, scale)


def _draw_picture(axes: Axes, image: np.ndarray, place: Place) -> None:
    grey = image.reshape(image.shape[:2]) if image.ndim == 2 or image.shape[2] == 1 else None
    extent = (place.left, place.left + place.width, place.top + place.height, place.top)
    axes.imshow(image if grey is None else grey, cmap="gray", vmin=0, vmax=255, extent=extent, aspect="equal")
    axes.set_autoscale_on(False)
