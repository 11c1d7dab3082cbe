"""Pictures at full size with the box where the face is and the boxes where one was found."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from fer_lib.charts import OKABE_ITO, Chart
from fer_lib.figures.wall import Place, draw_wall

TRUE: dict[str, Any] = {"color": OKABE_ITO[5], "linestyle": "-", "linewidth": 2.2}
USED: dict[str, Any] = {"color": OKABE_ITO[3], "linestyle": (0, (3.5, 1.5)), "linewidth": 2.2}
OTHER: dict[str, Any] = {"color": OKABE_ITO[3], "linestyle": (0, (1, 1.5)), "linewidth": 1.2}


class Rectangular(Protocol):
    """A box in pixels of its picture, as `faces.Box` is."""

    @property
    def left(self) -> float:
        """Of the upper left corner."""

    @property
    def top(self) -> float:
        """Of the upper left corner."""

    @property
    def width(self) -> float:
        """To the right."""

    @property
    def height(self) -> float:
        """Downwards."""


def plot_scenes(
    scenes: Sequence[np.ndarray],
    true: Sequence[Rectangular | None],
    found: Sequence[Sequence[Rectangular]],
    captions: Sequence[str],
    title: str = "Faces in the scenes, and faces found",
) -> Chart:
    """Scenes, three a row, with the true box (solid), the largest box found (dashed) and any others (dotted).

    Args:
        scenes: n pictures at full size, each uint8 (h, w) or (h, w, 1 or 3).
        true: n boxes, None where it is not known.
        found: for each scene the boxes found, the one to be used first; empty where none was found, and its caption
            then says so.
        captions: n texts, such as the label.
        title: heading of the figure.

    Raises:
        ValueError: if the four differ in length or there is no scene.
    """
    lengths = [len(values) for values in (scenes, true, found, captions)]
    if lengths[0] == 0 or len(set(lengths)) > 1:
        raise ValueError(f"scenes, true, found and captions must be of one length, not empty. Received: {lengths}")
    texts = [text if boxes else f"{text} (no face found)" for text, boxes in zip(captions, found, strict=True)]
    chart, axes, places = draw_wall(scenes, texts, 3, title, 3.0, 0.3)
    for place, box, boxes in zip(places, true, found, strict=True):
        styled = [(box, TRUE)] if box is not None else []
        styled += [(other, USED if index == 0 else OTHER) for index, other in enumerate(boxes)]
        for corners, style in styled:
            _draw_box(axes, place, corners, style)
    chart.legend(handles=_legend(true, found), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    hits = sum(bool(boxes) for boxes in found)
    chart.description = f"{title}: a face was found in {hits} of {len(scenes)} scenes. Scenes: {', '.join(texts)}."
    return chart


def _draw_box(axes: Axes, place: Place, box: Rectangular, style: dict[str, Any]) -> None:
    """Draw a box over a dark line, so that it stands out on any background."""
    corner = (place.left + box.left * place.scale, place.top + box.top * place.scale)
    width, height = box.width * place.scale, box.height * place.scale
    under = {"color": "black", "linewidth": style["linewidth"] + 1.8, "alpha": 0.75}
    for line in (under, style):
        axes.add_patch(Rectangle(corner, width, height, fill=False, **line))


def _legend(true: Sequence[Rectangular | None], found: Sequence[Sequence[Rectangular]]) -> list[Line2D]:
    """Entries for the kinds of boxes that are drawn."""
    kinds = [
        (TRUE, "true face", any(box is not None for box in true)),
        (USED, "largest face found", any(found)),
        (OTHER, "other faces found", any(len(boxes) > 1 for boxes in found)),
    ]
    return [Line2D([], [], label=text, **style) for style, text, is_drawn in kinds if is_drawn]
