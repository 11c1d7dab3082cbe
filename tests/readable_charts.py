"""What a figure owes its readers: a heading, named axes, units, and colours that every eye tells apart."""

import re
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import Colormap, to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from fer_lib.charts import OKABE_ITO, Chart

NEUTRAL_SPREAD = 1e-6
FRACTIONS = ("accuracy", "recall", "share", "probability", "precision")
UNITS = {"loss": ("(nats)",), "time": ("(s)", "seconds", "minutes", "hours", " s", " min", " h")}
"""Words in an axis' label, and what else must be read there or at its ticks."""


def faults_of(chart: Chart) -> list[str]:
    """All that is missing from a chart, or wrong with it; an empty list for a good one."""
    chart.draw_without_rendering()
    plotted = [axes for axes in chart.axes if axes.axison and not _shows_pictures(axes) and not _is_bar_of_heat(axes)]
    headings = [chart.get_suptitle(), *(axes.get_title(place) for axes in chart.axes for place in ("center", "left"))]
    faults = [] if any(headings) else ["no title"]
    faults += [
        f"axes {place}: {fault}" for place, axes in enumerate(plotted) for fault in _faults_of_axes(axes, plotted)
    ]
    faults += [f"cut off: {text}" for text in _cut_off(chart)]
    faults += [
        f"axes {place}: ticks {pair} run together" for place, axes in enumerate(plotted) for pair in _run_together(axes)
    ]
    faults += [f"colour {colour}" for colour in sorted(_colours(chart)) if not _is_approved(colour)]
    return faults + [f"colour map {found.name}" for found in _colour_maps(chart) if not is_sequential(found)]


def is_sequential(colours: Colormap) -> bool:
    """Whether a colour map only grows lighter, or only darker: it is then read in grey as well."""
    lightness = np.diff(colours(np.linspace(0, 1, 64))[:, :3] @ [0.2126, 0.7152, 0.0722])
    return bool((lightness > -0.01).all() or (lightness < 0.01).all())


def _faults_of_axes(axes: Axes, plotted: list[Axes]) -> list[str]:
    faults = []
    for name in ("x", "y"):
        together = [getattr(other, f"{name}axis") for other in plotted if _limits(other, name) == _limits(axes, name)]
        labels = {axis.get_label_text() for axis in together} - {""}
        ticks = [tick.get_text() for axis in together for tick in axis.get_ticklabels() if tick.get_text()]
        if not labels and not any(map(_is_name, ticks)):
            faults.append(f"no {name} label")
        numbers = ticks + [text.get_text() for text in axes.texts]
        faults += [f"{name} label {label!r} without a unit" for label in labels if not _has_unit(label, numbers)]
    return faults


def _is_name(tick: str) -> bool:
    """Whether a tick says by itself what it is, as a class or a model does, and no number with its unit."""
    return tick[0].isalpha() or len(re.findall(r"[A-Za-z]{2,}", tick)) > 1


def _cut_off(chart: Chart) -> list[str]:
    """Texts, ticks aside, that reach beyond the figure by more than a pixel."""
    ticks = {label for axes in chart.axes for label in axes.get_xticklabels() + axes.get_yticklabels()}
    texts = set(chart.findobj(Text)) - ticks
    shown = [text for text in texts if text.get_visible() and text.get_text().strip()]
    boxes = {text.get_text(): text.get_window_extent() for text in shown}
    return [
        told
        for told, box in boxes.items()
        if min(box.x0, box.y0) < -1 or box.x1 > chart.bbox.x1 + 1 or box.y1 > chart.bbox.y1 + 1
    ]


def _run_together(axes: Axes) -> list[tuple[str, str]]:
    """Neighbouring tick labels of the horizontal axis that overlap."""
    labels = [label for label in axes.get_xticklabels() if label.get_text() and not label.get_rotation()]
    boxes = sorted(((label.get_window_extent(), label.get_text()) for label in labels), key=lambda found: found[0].x0)
    return [(one, other) for (left, one), (right, other) in pairwise(boxes) if left.x1 > right.x0 + 1]


def _limits(axes: Axes, name: str) -> tuple[float, float]:
    """Ends of an axis: panels with the same ones may be labelled once."""
    return getattr(axes, f"get_{name}lim")()


def _has_unit(label: str, ticks: list[str]) -> bool:
    words, told = label.lower().replace(",", " ").split(), " ".join([label, *ticks])
    if set(words) & set(FRACTIONS):
        return any("%" in tick for tick in ticks)
    return all(any(unit in told for unit in units) for word, units in UNITS.items() if word in words)


def _shows_pictures(axes: Axes) -> bool:
    """Whether all that is drawn is pictures: in colour, or in grey from 0 to 255."""
    pictures = [image.get_array().ndim == 3 or image.get_cmap().name == "gray" for image in axes.images]
    return bool(pictures) and all(pictures)


def _is_bar_of_heat(axes: Axes) -> bool:
    """Whether these are the axes of a colour bar, whose one label says all."""
    return hasattr(axes, "_colorbar") and bool(axes.get_xlabel() or axes.get_ylabel())


def _colours(chart: Chart) -> set[str]:
    found = set()
    for artist in chart.findobj(
        lambda artist: isinstance(artist, Line2D | Patch | Collection) and artist.get_visible()
    ):
        if isinstance(artist, Line2D):
            found |= {to_hex(artist.get_color()), to_hex(artist.get_markerfacecolor(), keep_alpha=True)}
        elif isinstance(artist, Patch):
            found |= {to_hex(artist.get_facecolor(), keep_alpha=True), to_hex(artist.get_edgecolor(), keep_alpha=True)}
        elif artist.get_array() is None:
            found |= {to_hex(colour, keep_alpha=True) for colour in (*artist.get_facecolor(), *artist.get_edgecolor())}
    return {colour[:7] for colour in found if not (len(colour) == 9 and colour.endswith("00"))}


def _is_approved(colour: str) -> bool:
    return colour.lower() in {shade.lower() for shade in OKABE_ITO} or np.ptp(to_rgb(colour)) < NEUTRAL_SPREAD


def _colour_maps(chart: Chart) -> list[Colormap]:
    """Those of heat maps; a colour bar has the map of what it explains."""
    images = [image for axes in chart.axes for image in axes.images if np.ndim(image.get_array()) == 2]
    plotted = [axes for axes in chart.axes if not _is_bar_of_heat(axes)]
    meshes = [mesh for axes in plotted for mesh in axes.collections if mesh.get_array() is not None]
    return [mappable.get_cmap() for mappable in (*images, *meshes)]
