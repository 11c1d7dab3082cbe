"""Every figure has a title, labelled axes with units, and colours safe for colour-blind readers."""

import numpy as np
import pytest
from figure_values import CHARTS, FACES
from matplotlib import colormaps
from readable_charts import faults_of, is_sequential

from fer_lib import figures
from fer_lib.charts import BLUE, make_chart
from fer_lib.figures.heatmaps import HEAT_COLOURS

HEAT = np.linspace(0, 1, 2 * 48 * 48).reshape(2, 48, 48)
CURVES = {name: np.linspace(0.9, 0.1, 5) ** power for power, name in enumerate("abcd", 1)}
ALL = CHARTS | {
    "heat": figures.plot_heatmaps(FACES[:2], HEAT, ["happy", "sad"]),
    "curves": figures.plot_curves(CURVES, CURVES),
}


@pytest.mark.parametrize("name", ALL)
def test_every_figure_is_titled_labelled_with_units_and_safe_for_colour_blind_readers(name):
    assert faults_of(ALL[name]) == []


def test_what_a_figure_lacks_is_found():
    chart = make_chart(4, 3)
    axes = chart.add_subplot(ylabel="accuracy")
    axes.plot([0, 1], [0.2, 0.4], color="red")
    axes.bar([0], [1], color="#00ff00", edgecolor=BLUE)
    assert faults_of(chart) == [
        "no title",
        "axes 0: no x label",
        "axes 0: y label 'accuracy' without a unit",
        "colour #00ff00",
        "colour #ff0000",
    ]


def test_a_rainbow_is_found():
    chart = make_chart(4, 3, "heat")
    chart.add_subplot(xlabel="column", ylabel="row").imshow(np.eye(3), cmap="jet")
    assert faults_of(chart) == ["colour map jet"]


def test_the_map_laid_over_faces_is_sequential():
    assert is_sequential(HEAT_COLOURS)


@pytest.mark.parametrize(("name", "expected"), [("Blues", True), ("plasma", True), ("hsv", False), ("RdBu", False)])
def test_a_sequential_map_only_grows_lighter_or_darker(name, expected):
    assert is_sequential(colormaps[name]) is expected
    assert is_sequential(colormaps[name].reversed()) is expected
