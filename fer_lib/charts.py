"""Drawing blocks of the figures: the `Chart` a notebook shows, its palette and style, mosaics, matrices, trials."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000")
"""Okabe and Ito's palette, in the order used here: it stays apart under every common colour blindness."""

BLUE, VERMILION = OKABE_ITO[:2]
INK, MUTED, RULE = "#222222", "#595959", "#dddddd"
BLANK_GREY = 239
DOTS_PER_INCH = 150


class Chart(Figure):
    """A matplotlib figure with a sentence that says what it shows, for those who cannot see it.

    It is made without pyplot, so nothing global changes and nothing needs closing; IPython shows a figure of that kind
    only because it brings its own representation.
    """

    description: str = ""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows: the picture, 96 CSS pixels an inch, with `description` as its alternative text."""
        png = io.BytesIO()
        self.savefig(png, format="png", dpi=DOTS_PER_INCH)
        source = base64.b64encode(png.getvalue()).decode("ascii")
        width = round(self.get_figwidth() * 96)
        image = f'<img alt="{html.escape(self.description)}" width="{width}" style="max-width:100%;height:auto"'
        return {"text/html": f'{image} src="data:image/png;base64,{source}">', "text/plain": self.description}


def make_chart(width: float, height: float, title: str | None = None) -> Chart:
    """An empty chart of `width` by `height` inches, with a heading over all its panels where one is given."""
    chart = Chart(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")
    if title is not None:
        chart.suptitle(title, fontsize=12, fontweight="bold", color=INK)
    return chart


def style_axes(axes: Axes, grid: str = "both") -> None:
    """Bold title, quiet frame, light grid behind the data along `grid` ("x", "y" or "both")."""
    axes.title.set(fontsize=12, fontweight="bold", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(colors=INK, labelsize=9, length=3)
    axes.set_axisbelow(True)
    axes.grid(axis=grid, color=RULE, linewidth=0.7)  # type: ignore[arg-type]


def draw_mosaic(
    axes: Axes,
    cells: Sequence[Sequence[np.ndarray | None]],
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
) -> None:
    """Draw rows of images (all of one size, uint8), a gap between them, a grey cell in the place of each None."""
    height, width = next(cell for row in cells for cell in row if cell is not None).shape[:2]
    gap = max(2, width // 16)
    down, across = height + gap, width + gap
    canvas = np.full((len(cells) * down - gap, len(cells[0]) * across - gap, 3), 255, dtype=np.uint8)
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            place = canvas[i * down : i * down + height, j * across : j * across + width]
            place[:] = (
                BLANK_GREY if cell is None else cell.reshape(height, width, -1)
            )  # (h, w) or (h, w, c) -> (h, w, c)
    axes.imshow(canvas, interpolation="antialiased")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=10, colors=INK)
    axes.set_yticks([i * down + height / 2 for i in range(len(row_names))], row_names)
    axes.set_xticks([j * across + width / 2 for j in range(len(column_names))], column_names)
    axes.title.set(fontsize=12, fontweight="bold", color=INK)


def draw_confusion(axes: Axes, values: np.ndarray, class_names: Sequence[str], difference: np.ndarray | None) -> None:
    """Draw shares (k, k) as a heat map with its numbers, and under each number its signed `difference` where given."""
    axes.imshow(values, vmin=0, vmax=1, cmap="Blues")
    lift = 0 if difference is None else -0.13
    for (i, j), value in np.ndenumerate(values):
        colour, weight = "white" if value > 0.55 else INK, "bold" if i == j else "normal"
        axes.text(j, i + lift, f"{value:.2f}", ha="center", va="center", fontsize=9, color=colour, fontweight=weight)
        if difference is not None:
            text = f"{difference[i, j]:+.2f}" if abs(difference[i, j]) >= 0.005 else "="
            axes.text(j, i + 0.24, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(class_names)), class_names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(class_names)), class_names)
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0, labelsize=9, colors=INK)
    axes.spines[:].set_visible(False)


def draw_parameter(axes: Axes, values: pd.Series, scores: pd.Series, best: int) -> None:
    """Draw scores against one hyper-parameter: log axis for wide ranges, even places for names and few integers."""
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    places = values if is_number else values.astype(str)
    choices = sorted(places.unique())
    if not is_number or (len(choices) <= 5 and pd.api.types.is_integer_dtype(values)):
        places = places.map({value: place for place, value in enumerate(choices)})
        axes.set_xticks(range(len(choices)), [str(value) for value in choices])
        axes.set_xlim(-0.5, len(choices) - 0.5)
    elif 0 < 20 * float(choices[0]) < float(choices[-1]):
        axes.set_xscale("log")
    axes.plot(places, scores, "o", color=BLUE, alpha=0.75, markersize=5, markeredgewidth=0)
    axes.plot(places.iloc[best], scores.iloc[best], "*", color=VERMILION, markersize=13)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel(str(values.name))
    style_axes(axes)


def draw_bars(axes: Axes, counts: Mapping[str, np.ndarray], class_names: Sequence[str]) -> None:
    """Draw each group's counts (classes,) as shares of their sum, side by side, the counts above the bars."""
    width = 0.86 / len(counts)
    for index, (name, count) in enumerate(counts.items()):
        centres = np.arange(len(count)) + (index - (len(counts) - 1) / 2) * width
        label, colour = f"{name} ({count.sum():,} images)", OKABE_ITO[index % len(OKABE_ITO)]
        bars = axes.bar(centres, count / max(count.sum(), 1), width * 0.94, label=label, color=colour)
        axes.bar_label(bars, [f"{n:,}" for n in count], padding=2, fontsize=7.5, color=INK)
    axes.set_xticks(np.arange(len(class_names)), class_names)
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.margins(y=0.1)
