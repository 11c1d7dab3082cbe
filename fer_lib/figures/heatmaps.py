"""Heat maps over the faces they explain, and the curves that say how well they do."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap
from matplotlib.ticker import PercentFormatter

from fer_lib.charts import INK, OKABE_ITO, Chart, make_chart, style_axes
from fer_lib.figures.wall import draw_wall

HEAT_COLOURS = matplotlib.colormaps["plasma"]
"""From dark blue through red to yellow, ever lighter: told apart under every common colour blindness, and in grey."""

STRONGEST = 0.7
"""How much of a pixel's colour is the heat's, where the heat is greatest; it fades to the face where there is none."""

_MIDDLE_GREY = 0.5
_STYLES: tuple[dict[str, object], ...] = (
    {"color": OKABE_ITO[1], "linestyle": "-", "marker": "o"},
    {"color": OKABE_ITO[0], "linestyle": (0, (5, 1.2)), "marker": "s"},
    {"color": OKABE_ITO[2], "linestyle": (0, (1, 1.2)), "marker": "^"},
    {"color": OKABE_ITO[4], "linestyle": "-.", "marker": "D"},
)


def plot_heatmaps(
    images: np.ndarray,
    maps: np.ndarray,
    titles: Sequence[str],
    title: str = "Where the network looks (Grad-CAM)",
    columns: int = 4,
) -> Chart:
    """Faces, each beside itself with its heat map over it (Zakavi and Okhunov, Figures 8 and 13).

    Args:
        images: uint8 (n, h, w) or (n, h, w, 1 or 3).
        maps: float (n, h, w) in [0, 1], such as those of `gradcam.grad_cam`.
        titles: n texts, such as the true and the predicted class; a line break starts a new line.
        title: heading of the figure.
        columns: how many faces stand in a row.

    Raises:
        ValueError: if there is no image, the lengths or sizes differ, or a map is not in [0, 1].
    """
    images, maps = np.asarray(images), np.asarray(maps)
    if len(images) == 0 or images.shape[:3] != maps.shape or len(titles) != len(images):
        received = f"{images.shape}, {maps.shape} and {len(titles)} titles"
        raise ValueError(f"images, maps and titles must be as many and as large, not empty. Received: {received}")
    if not ((maps >= 0) & (maps <= 1)).all():
        raise ValueError(f"maps must be in [0, 1]. Received: {maps.min()} to {maps.max()}")
    pairs = [_beside(image, heat) for image, heat in zip(images, maps, strict=True)]
    chart, axes, _ = draw_wall(pairs, titles, columns, title, 2.2, 0.5)
    scale = ScalarMappable(cmap=ListedColormap(blend_heat(np.full(256, _MIDDLE_GREY), np.linspace(0, 1, 256))))
    bar = chart.colorbar(scale, ax=axes, location="bottom", shrink=0.6, aspect=40, pad=0.02)
    bar.set_label("heat, share of each map's greatest (over middle grey)", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK)
    texts = [" ".join(text.split()) for text in titles]
    chart.description = f"{title}, {len(images)} faces: {'; '.join(map(_describe, texts, maps))}."
    return chart


def plot_curves(
    deletion: Mapping[str, np.ndarray],
    insertion: Mapping[str, np.ndarray],
    title: str = "What the network misses, and what suffices for it",
) -> Chart:
    """Deletion and insertion curves (Petsiuk et al. 2018) side by side, one line for each order of the pixels.

    Args:
        deletion: name of the order (such as "Grad-CAM" and "random") -> mean probability (steps + 1,), as
            `pixel_curves.deletion_curve` measures it; at most four.
        insertion: the same of `pixel_curves.insertion_curve`.
        title: heading of the figure.

    Raises:
        ValueError: if there is no curve, there are more than four, or one has fewer than two values.
    """
    for name, curves in (("deletion", deletion), ("insertion", insertion)):
        lengths = {order: len(values) for order, values in curves.items()}
        if not 1 <= len(curves) <= len(_STYLES) or min(lengths.values()) < 2:
            limits = f"1 to {len(_STYLES)} curves of at least two values"
            raise ValueError(f"{name} must hold {limits}. Received: {lengths}")
    chart = make_chart(9.5, 4.1, title)
    panels = chart.subplots(1, 2, sharey=True)
    measures = [
        ("Deletion: lower is better", "pixels replaced by the mean, hottest first", deletion),
        ("Insertion: higher is better", "pixels of a blurred picture made sharp, hottest first", insertion),
    ]
    described = []
    for axes, (heading, across, curves) in zip(panels, measures, strict=True):
        for (order, values), style in zip(curves.items(), _STYLES, strict=False):
            area = float(np.trapezoid(values, dx=1 / (len(values) - 1)))
            share = np.linspace(0, 1, len(values))
            axes.plot(share, values, label=f"{order}: area {area:.3f}", linewidth=2, markersize=4, **style)
            described.append(f"{heading.split(':')[0].lower()} by {order}: area {area:.3f}")
        axes.set(title=heading, xlabel=across, xlim=(0, 1), ylim=(0, None))
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.legend(frameon=False, fontsize=9)
        style_axes(axes)
    panels[0].set_ylabel("mean probability of the class")
    panels[1].set_ylabel("mean probability of the class")
    chart.description = f"{title}: {'; '.join(described)}."
    return chart


def blend_heat(grey: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay heat over a picture, the more opaque the hotter.

    Args:
        grey: float (...) in [0, 1].
        heat: float of the same shape, in [0, 1].

    Returns:
        RGB in [0, 1], float (..., 3).
    """
    weight = STRONGEST * np.sqrt(heat)[..., None]
    return (1 - weight) * grey[..., None] + weight * HEAT_COLOURS(heat)[..., :3]


def _beside(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A face, a white gap, and the face under its heat: uint8 (h, 2 w + gap, 3)."""
    height, width = heat.shape
    rgb = np.broadcast_to(image.reshape(height, width, -1), (height, width, 3))  # (h, w) or (h, w, c) -> (h, w, 3)
    gap = np.full((height, max(1, width // 24), 3), 255, np.uint8)
    grey = rgb.mean(axis=2) / 255
    return np.concatenate([rgb, gap, np.rint(255 * blend_heat(grey, heat)).astype(np.uint8)], axis=1)


def _describe(text: str, heat: np.ndarray) -> str:
    """A face's title, and where its map is hottest."""
    if heat.max() == 0:
        return f"{text}, no heat"
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    down = ("top", "middle", "bottom")[int(3 * row / heat.shape[0])]
    across = ("left", "centre", "right")[int(3 * column / heat.shape[1])]
    return f"{text}, hottest at {down} {across}"
