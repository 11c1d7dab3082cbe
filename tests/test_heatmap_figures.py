import numpy as np
import pytest

from fer_lib import figures

RNG = np.random.default_rng(0)
FACES = RNG.integers(0, 256, (3, 24, 24, 1), dtype=np.uint8)
TITLES = ["happy\npredicted surprise", "sad", "fear"]
DELETION = {"Grad-CAM": np.array([0.8, 0.4, 0.2]), "random": np.array([0.8, 0.6, 0.2])}
INSERTION = {"Grad-CAM": np.array([0.2, 0.7, 0.8]), "random": np.array([0.2, 0.5, 0.8])}


def make_maps():
    maps = np.zeros((3, 24, 24), np.float32)
    maps[0, :8, :8] = np.linspace(0.1, 1, 64).reshape(8, 8)
    maps[1, 20, 12] = 1
    return maps


def test_faces_stand_as_they_are_beside_themselves_under_their_heat():
    chart = figures.plot_heatmaps(FACES, make_maps(), TITLES)
    for image, face, heat in zip(chart.axes[0].images, FACES, make_maps(), strict=True):
        shown = np.asarray(image.get_array())
        np.testing.assert_array_equal(shown[:, :24], np.repeat(face, 3, axis=2))
        over, cold = shown[:, -24:], heat == 0
        np.testing.assert_array_equal(over[cold], np.repeat(face, 3, axis=2)[cold])
        assert (np.ptp(over[heat > 0.1].astype(int), axis=-1) > 20).all()  # grey is gone where it is hot


def test_more_heat_is_never_darker_on_the_same_grey():
    heat = np.linspace(0, 1, 24 * 24).reshape(1, 24, 24)
    chart = figures.plot_heatmaps(np.zeros((1, 24, 24), np.uint8), heat, ["ramp"])
    over = np.asarray(chart.axes[0].images[0].get_array())[:, -24:].reshape(-1, 3)
    luminance = over @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > -2).all() and luminance[-1] > 100


def test_a_description_says_where_each_map_is_hottest():
    description = figures.plot_heatmaps(FACES, make_maps(), TITLES).description
    assert "3 faces: happy predicted surprise, hottest at top left; sad, hottest at bottom centre" in description
    assert "fear, no heat" in description


def test_colour_pictures_are_taken_too():
    colour = RNG.integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)
    chart = figures.plot_heatmaps(colour, make_maps(), TITLES, "Another heading", columns=2)
    np.testing.assert_array_equal(np.asarray(chart.axes[0].images[1].get_array())[:, :24], colour[1])
    assert chart.get_suptitle() == "Another heading"


def test_the_scale_of_heat_is_drawn_with_its_meaning():
    bar = figures.plot_heatmaps(FACES, make_maps(), TITLES).axes[1]
    assert "heat" in bar.get_xlabel() and bar.get_xlim() == (0, 1)


def test_curves_are_drawn_over_the_share_of_pixels_with_their_areas():
    chart = figures.plot_curves(DELETION, INSERTION)
    deletion, insertion = chart.axes
    for axes, curves in ((deletion, DELETION), (insertion, INSERTION)):
        assert axes.get_title() and axes.get_xlabel() and axes.get_ylabel()
        for line, values in zip(axes.lines, curves.values(), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), values)
            np.testing.assert_array_equal(line.get_xdata(), [0, 0.5, 1])
    labels = [text.get_text() for text in deletion.get_legend().get_texts()]
    assert labels == ["Grad-CAM: area 0.450", "random: area 0.550"]
    assert "deletion by Grad-CAM: area 0.450" in chart.description
    assert "insertion by random: area 0.500" in chart.description


@pytest.mark.parametrize(
    "chart",
    [lambda: figures.plot_curves(DELETION, INSERTION), lambda: figures.plot_heatmaps(FACES, make_maps(), TITLES)],
)
def test_a_notebook_shows_them_with_their_description(chart):
    shown = chart()._repr_mimebundle_()
    assert shown["text/html"].startswith("<img alt=") and len(shown["text/plain"]) > 40
    assert chart().get_figwidth() * 96 <= 960


@pytest.mark.parametrize(
    ("plot", "received"),
    [
        (lambda: figures.plot_heatmaps(FACES[:0], make_maps()[:0], []), r"\(0, 24, 24, 1\)"),
        (lambda: figures.plot_heatmaps(FACES, make_maps()[:, :20], TITLES), r"\(3, 20, 24\)"),
        (lambda: figures.plot_heatmaps(FACES, make_maps(), TITLES[:2]), "2 titles"),
        (lambda: figures.plot_heatmaps(FACES, 2 * make_maps(), TITLES), r"2\.0"),
        (lambda: figures.plot_heatmaps(FACES, make_maps() * np.nan, TITLES), "nan"),
        (lambda: figures.plot_curves({}, INSERTION), "{}"),
        (lambda: figures.plot_curves(DELETION, {"a": [0.5]}), "'a': 1"),
        (lambda: figures.plot_curves(dict.fromkeys("abcde", [0, 1]), INSERTION), "'e': 2"),
    ],
)
def test_what_cannot_be_drawn_is_refused(plot, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        plot()
