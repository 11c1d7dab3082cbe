import html.parser
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from figure_values import (
    CHARTS,
    FACES,
    FOUND,
    LABELS,
    RNG,
    SCORES,
    SHARES,
    STILLS,
    make_history,
    make_trials,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from fer_lib import figures
from fer_lib.charts import OKABE_ITO
from fer_lib.labels import EMOTIONS


class _Image(html.parser.HTMLParser):
    def handle_starttag(self, tag, attrs):
        assert tag == "img"
        self.attributes = dict(attrs)


@pytest.mark.parametrize("name", CHARTS)
def test_a_notebook_shows_every_chart_as_a_picture_with_its_description(name):
    chart = CHARTS[name]
    assert isinstance(chart, Figure)
    shown = chart._repr_mimebundle_()
    image = _Image()
    image.feed(shown["text/html"])
    assert image.attributes["src"].startswith("data:image/png;base64,iVBOR")
    assert len(image.attributes["alt"]) > 40
    assert image.attributes["alt"] == shown["text/plain"]
    assert int(image.attributes["width"]) <= 960


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_has_a_title(name):
    chart = CHARTS[name]
    assert chart.get_suptitle() or chart.axes[0].get_title()


@pytest.mark.parametrize(
    "name", ["classes", "labels", "accuracy", "loss", "confusion", "examples", "training alone", "resplits"]
)
def test_both_axes_are_labelled(name):
    for axes in CHARTS[name].axes:
        assert axes.get_xlabel() and axes.get_ylabel()


def test_a_description_is_escaped():
    chart = figures.plot_confusion(SHARES, title='<b>"')
    image = _Image()
    image.feed(chart._repr_mimebundle_()["text/html"])
    assert '<b>"' in image.attributes["alt"]


def test_pyplot_is_never_loaded():
    code = "import sys, fer_lib.figures; assert 'matplotlib.pyplot' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("shape", [(48, 48), (48, 48, 1), (20, 30, 3)])
def test_image_grids_take_grey_and_colour(shape):
    images = RNG.integers(0, 256, (2, *shape), dtype=np.uint8)
    canvas = np.asarray(figures.plot_image_grid({"a": images}).axes[0].images[0].get_array())
    height, width = shape[:2]
    assert np.array_equal(
        canvas[:height, :width], np.broadcast_to(images[0].reshape(height, width, -1), (height, width, 3))
    )


def test_bars_are_shares_of_their_split_with_counts_above():
    chart = figures.plot_class_distribution({"train": np.array([0, 0, 0, 3]), "test": np.array([6])})
    heights = [bar.get_height() for bar in chart.axes[0].patches]
    assert heights == [0.75, 0, 0, 0.25, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 1.0]
    assert [text.get_text() for text in chart.axes[0].texts] == list("3001000") + list("0000001")


def test_histories_are_drawn_thin_and_their_mean_thick():
    axes = CHARTS["accuracy"].axes[0]
    thick = [line for line in axes.lines if line.get_linewidth() > 2]
    assert len(axes.lines) == 6 and len(thick) == 2
    assert thick[0].get_ydata()[-1] == pytest.approx(0.55)
    assert thick[1].get_ydata()[-1] == pytest.approx(0.45)
    assert "mean of 2 seeds" in CHARTS["accuracy"].description


def test_one_history_is_drawn_once():
    assert len(CHARTS["loss"].axes[0].lines) == 2


def test_histories_of_different_length_are_drawn():
    chart = figures.plot_history([make_history(), make_history().iloc[:3]])
    assert list(chart.axes[0].lines[-1].get_xdata()) == [1, 2, 3, 4, 5]


def test_confusion_beside_published_prints_the_difference():
    measured = np.eye(7)
    measured[0, :2] = (0.75, 0.25)
    texts = [text.get_text() for text in figures.plot_confusion(measured, published=np.eye(7)).axes[1].texts]
    assert texts.count("-0.25") == texts.count("+0.25") == 1
    assert texts.count("=") == 47


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12), st.integers(0, 5))
def test_examples_stand_where_they_belong_and_cells_without_one_are_grey(pairs, seed):
    labels, predictions = np.array(pairs).T
    images = np.zeros((len(pairs), 8, 8), dtype=np.uint8)
    images += (10 * labels + predictions + 1)[:, None, None].astype(np.uint8)
    chart = figures.plot_confusion_examples(images, labels, predictions, ("a", "b", "c"), seed)
    canvas = np.asarray(chart.axes[0].images[0].get_array())
    for true in range(3):
        for predicted in range(3):
            shown = canvas[true * 10 + 4, predicted * 10 + 4]
            expected = 10 * true + predicted + 1 if (true, predicted) in pairs else 239
            assert (shown == expected).all()


def test_the_same_seed_draws_the_same_examples():
    def draw(seed):
        chart = figures.plot_confusion_examples(FACES, LABELS, LABELS, seed=seed)
        return np.asarray(chart.axes[0].images[0].get_array())

    assert np.array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))


def test_the_best_trial_is_starred_in_every_panel():
    panels = [axes for axes in CHARTS["search"].axes if axes.lines]
    assert len(panels) == 5
    assert [line.get_ydata()[0] for axes in panels for line in axes.lines if line.get_marker() == "*"] == [0.5] * 5
    assert panels[0].get_xscale() == "log" and panels[1].get_xscale() == "linear"
    assert CHARTS["search"].get_suptitle() == "Random search: 5 trials"
    assert figures.plot_search(make_trials().iloc[:1]).get_suptitle() == "Random search: 1 trial"


@pytest.mark.parametrize(
    ("plot", "received"),
    [
        (lambda: figures.plot_image_grid({}), "{}"),
        (lambda: figures.plot_image_grid({"a": FACES[:0]}), "'a': 0"),
        (lambda: figures.plot_class_distribution({}), "{}"),
        (lambda: figures.plot_class_distribution({"a": np.array([7])}), "7"),
        (lambda: figures.plot_label_distribution(LABELS, LABELS[1:]), "70 and 69"),
        (lambda: figures.plot_history([]), r"\[\]"),
        (lambda: figures.plot_history([make_history()], "f1"), "columns"),
        (lambda: figures.plot_confusion(SHARES[:6]), r"\[\["),
        (lambda: figures.plot_confusion(7 * SHARES + 1), r"2\.0"),
        (lambda: figures.plot_confusion(SHARES, published=-SHARES), "-0"),
        (lambda: figures.plot_confusion_examples(FACES, LABELS, LABELS[1:]), "70, 70 and 69"),
        (lambda: figures.plot_confusion_examples(FACES[:0], LABELS[:0], LABELS[:0]), "0, 0 and 0"),
        (lambda: figures.plot_duplicates(FACES[:0], []), "0 and 0"),
        (lambda: figures.plot_duplicates(FACES[None, :2], []), "1 and 0"),
        (lambda: figures.plot_class_distribution({"a": LABELS[:0]}), "'a': 0"),
        (lambda: figures.plot_class_counts({}), "{}"),
        (lambda: figures.plot_class_counts({"a": np.array([3, 8])}), "8"),
        (lambda: figures.plot_random_images(FACES[:0], LABELS[:0]), "0 and 0"),
        (lambda: figures.plot_random_images(FACES, LABELS[:3]), "70 and 3"),
        (lambda: figures.plot_random_images(FACES, LABELS, 0), "0"),
        (lambda: figures.plot_random_images(FACES, LABELS + 1, 70), "7"),
        (lambda: figures.plot_random_images(FACES, LABELS - 1, 70), "-1"),
        (lambda: figures.plot_transforms(FACES[..., None], LABELS), r"\(70, 48, 48, 1\) and 70 labels"),
        (lambda: figures.plot_transforms(FACES[:, None, ..., None], LABELS), r"\(70, 1, 48, 48, 1\)"),
        (lambda: figures.plot_transforms(FACES[None, ..., None], LABELS), r"\(1, 70, 48, 48, 1\) and 70 labels"),
        (lambda: figures.plot_predictions(FACES, LABELS, LABELS[1:]), "70, 70 and 69"),
        (lambda: figures.plot_predictions(FACES, LABELS, LABELS, -1), "-1"),
        (lambda: figures.plot_predictions(FACES, LABELS, LABELS + 1, 70), "7"),
        (
            lambda: figures.plot_history([make_history(), make_history().drop(columns="val_accuracy")]),
            r"\[True, False\]",
        ),
        (lambda: figures.plot_resplits(pd.DataFrame({"a": [np.nan]})), r"\(1, 1\) of \['a'\]"),
        (lambda: figures.plot_resplits(pd.DataFrame()), r"\(0, 0\)"),
        (lambda: figures.plot_accuracies(SCORES.iloc[:0]), "0 rows"),
        (lambda: figures.plot_accuracies(SCORES.drop(columns="low")), "4 rows"),
        (lambda: figures.plot_scenes([], [], [], []), r"\[0, 0, 0, 0\]"),
        (lambda: figures.plot_scenes(STILLS, [None] * 4, FOUND[:3], "abcd"), r"\[4, 4, 3, 4\]"),
        (lambda: figures.plot_search(make_trials().iloc[3:4]), "1 rows"),
        (lambda: figures.plot_search(make_trials()[["score"]]), "6 rows"),
        (lambda: figures.plot_search(make_trials(), "accuracy"), "6 rows"),
    ],
)
def test_what_cannot_be_drawn_is_refused(plot, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        plot()


def test_the_palette_has_a_colour_for_every_class():
    assert len(set(OKABE_ITO)) == len(EMOTIONS)
