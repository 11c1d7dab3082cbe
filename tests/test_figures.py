import html.parser
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from fer_lib import figures
from fer_lib.charts import OKABE_ITO
from fer_lib.labels import EMOTIONS

RNG = np.random.default_rng(0)
LABELS = np.arange(70) % 7
FACES = RNG.integers(0, 256, (70, 48, 48), dtype=np.uint8)
SHARES = np.full((7, 7), 1 / 7)
STILLS = RNG.integers(0, 256, (4, 72, 90), dtype=np.uint8)
RESPLITS = pd.DataFrame({"whole frame": [0.30, 0.36, 0.39], "cropped face": [0.40, np.nan, 0.44]}, index=[3, 5, 8])
SCORES = pd.DataFrame(
    [
        ("official", "train", 0.98, 0.97, 0.99, 0.975, 0.985, np.nan),
        ("official", "test", 0.53, 0.50, 0.56, 0.52, 0.54, np.nan),
        ("random split", "train", 0.99, 0.98, 1.0, 0.988, 0.992, 0.993),
        ("random split", "test", 0.55, 0.52, 0.58, 0.54, 0.57, 0.537),
    ],
    columns=["condition", "scored on", "accuracy", "low", "high", "lowest seed", "highest seed", "published"],
)


class Box(NamedTuple):
    left: int
    top: int
    width: int
    height: int


FOUND = [[Box(10, 5, 40, 40)], [], [Box(20, 20, 30, 30), Box(0, 0, 12, 12)], [Box(1, 2, 70, 70)]]


def _history(last=0.5):
    epoch = np.arange(1, 6)
    curve = np.linspace(0.2, last, 5)
    return pd.DataFrame(
        {"epoch": epoch, "accuracy": curve, "val_accuracy": curve - 0.1, "loss": 2 - curve, "val_loss": 2.1 - curve}
    )


def _trials():
    return pd.DataFrame(
        {
            "learning_rate": [1e-4, 1e-3, 5e-3, 2e-4, 3e-4, 4e-4],
            "beta_1": [0.8, 0.9, 0.95, 0.85, 0.87, 0.99],
            "batch_size": [32, 64, 64, 128, 32, 128],
            "optimizer": ["adam"] * 6,
            "nesterov": [True, False] * 3,
            "score": [0.4, 0.45, 0.5, np.nan, 0.41, 0.42],
        }
    )


def _every_chart():
    return {
        "grid": figures.plot_image_grid({"angry": FACES[:3], "happy": FACES[3:5]}),
        "classes": figures.plot_class_distribution({"train": LABELS, "test": LABELS[:20]}),
        "labels": figures.plot_label_distribution(LABELS, LABELS[::-1]),
        "accuracy": figures.plot_history([_history(), _history(0.6)]),
        "loss": figures.plot_history([_history()], "loss"),
        "confusion": figures.plot_confusion(SHARES),
        "confusion beside published": figures.plot_confusion(SHARES, published=np.eye(7)),
        "examples": figures.plot_confusion_examples(FACES, LABELS, LABELS[::-1]),
        "intervals": figures.plot_intervals([("a", 0.5, 0.51, (0.49, 0.53)), ("b", 0.4, None, None)]),
        "duplicates": figures.plot_duplicates(np.stack([FACES[:4], FACES[:4]], 1), ["row 1, angry\nrow 2, fear"] * 4),
        "search": figures.plot_search(_trials()),
        "counts": figures.plot_class_counts({"train": LABELS, "validation": LABELS[:0], "test": LABELS[:20]}),
        "random": figures.plot_random_images(FACES, LABELS, 10),
        "transforms": figures.plot_transforms(FACES.reshape(10, 7, 48, 48, 1), LABELS[:10]),
        "predictions": figures.plot_predictions(FACES, LABELS, np.where(LABELS < 4, LABELS, 0), 70),
        "training alone": figures.plot_history([_history().drop(columns=["val_accuracy", "val_loss"])] * 2),
        "resplits": figures.plot_resplits(RESPLITS, (0.31, 0.40)),
        "accuracies": figures.plot_accuracies(SCORES),
        "scenes": figures.plot_scenes(STILLS, [Box(8, 4, 44, 44), None] * 2, FOUND, ["angry", "fear", "sad", "happy"]),
    }


CHARTS = _every_chart()


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
    chart = figures.plot_intervals([('<b>"', 0.5, None, None)])
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
    chart = figures.plot_history([_history(), _history().iloc[:3]])
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


def test_intervals_say_in_words_what_they_show():
    assert "a: published 50.0%, measured 51.0%; b: published 40.0%, measured none" in CHARTS["intervals"].description


def test_the_best_trial_is_starred_in_every_panel():
    panels = [axes for axes in CHARTS["search"].axes if axes.lines]
    assert len(panels) == 5
    assert [line.get_ydata()[0] for axes in panels for line in axes.lines if line.get_marker() == "*"] == [0.5] * 5
    assert panels[0].get_xscale() == "log" and panels[1].get_xscale() == "linear"
    assert CHARTS["search"].get_suptitle() == "Random search: 5 trials"


def _texts(chart):
    return [text.get_text() for text in chart.axes[0].texts]


def _shown(chart):
    """The pictures of a wall, in their order."""
    return [np.asarray(image.get_array()) for image in chart.axes[0].images]


def test_splits_are_counted_in_panels_and_an_empty_one_is_left_out():
    chart = figures.plot_class_counts({"train": np.array([0, 0, 0, 3]), "none": LABELS[:0], "test": np.array([6])})
    train, test = chart.axes
    assert [bar.get_width() for bar in train.patches] == [3, 0, 0, 1, 0, 0, 0]
    assert [text.get_text() for text in train.texts][:4] == ["3 (75.0%)", "0 (0.0%)", "0 (0.0%)", "1 (25.0%)"]
    assert train.lines[0].get_xdata()[0] == pytest.approx(4 / 7)
    assert (train.get_title(), test.get_title()) == ("train: 4 images", "test: 1 images")
    assert [tick.get_text() for tick in train.get_yticklabels()] == list(EMOTIONS)
    assert train.yaxis_inverted()
    assert "train: angry 3, disgust 0" in chart.description


def test_shares_leave_an_empty_split_out():
    chart = figures.plot_class_distribution({"train": LABELS, "validation": LABELS[:0]})
    assert len(chart.axes[0].patches) == 7
    assert "validation" not in chart.description


@settings(max_examples=15)
@given(st.integers(1, 9), st.integers(1, 12), st.integers(0, 5))
def test_random_images_are_different_ones_with_their_own_labels(available, count, seed):
    images = np.arange(available, dtype=np.uint8)[:, None, None] + np.zeros((1, 6, 6), np.uint8)
    chart = figures.plot_random_images(images, np.arange(available) % 7, count, seed)
    drawn = [int(image[0, 0]) for image in _shown(chart)]
    assert len(drawn) == len(set(drawn)) == min(count, available)
    assert _texts(chart) == [EMOTIONS[image % 7].capitalize() for image in drawn]


def test_random_images_follow_the_seed():
    def draw(seed):
        return np.stack(_shown(figures.plot_random_images(FACES, LABELS, 10, seed)))

    assert np.array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))


def test_captions_stand_above_their_pictures_without_touching_another():
    chart = CHARTS["random"]
    chart.draw_without_rendering()
    axes = chart.axes[0]
    pictures = [image.get_window_extent() for image in axes.images]
    captions = [text.get_window_extent() for text in axes.texts]
    for picture, caption in zip(pictures, captions, strict=True):
        assert picture.y1 <= caption.y0 < picture.y1 + 0.5 * picture.height
        assert not any(other.overlaps(caption) for other in pictures)


def test_transforms_stand_beside_their_original_behind_a_rule():
    images = np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1, 1) + np.zeros((1, 1, 8, 8, 1), np.uint8)
    axes = figures.plot_transforms(images, np.array([4, 1])).axes[0]
    canvas = np.asarray(axes.images[0].get_array())
    assert canvas[4, 4::10, 0].tolist() == [0, 1, 2]
    assert canvas[14, 4::10, 0].tolist() == [3, 4, 5]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["original", "1", "2"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["sad", "disgust"]
    assert 7.5 < axes.lines[0].get_xdata()[0] < 9.5


def test_right_and_wrong_predictions_differ_in_mark_line_and_colour():
    chart = figures.plot_predictions(FACES[:3], np.array([5, 3, 4]), np.array([2, 3, 4]))
    assert _texts(chart) == [
        "Truth: Surprise\nPredicted: Fear ✗",
        "Truth: Happy\nPredicted: Happy ✓",
        "Truth: Sad\nPredicted: Sad ✓",
    ]
    wrong, *right = chart.axes[0].patches
    for frame in right:
        assert frame.get_linestyle() != wrong.get_linestyle()
        assert frame.get_edgecolor() != wrong.get_edgecolor()
        assert frame.get_linewidth() < wrong.get_linewidth()
    assert [text.get_text() for text in chart.legends[0].get_texts()] == ["✓ right: 2", "✗ wrong: 1"]
    assert "2 of them right: Surprise called Fear" in chart.description


def test_predictions_are_drawn_with_their_own_truth():
    chart = figures.plot_predictions(FACES, LABELS, LABELS[::-1], 12, 4)
    number_of = {face.tobytes(): number for number, face in enumerate(FACES)}
    drawn = [number_of[image.astype(np.uint8).tobytes()] for image in _shown(chart)]
    captions = [text.removesuffix(" ✓").removesuffix(" ✗") for text in _texts(chart)]
    assert captions == [
        f"Truth: {EMOTIONS[LABELS[k]].capitalize()}\nPredicted: {EMOTIONS[LABELS[69 - k]].capitalize()}" for k in drawn
    ]


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_without_validation_images_the_training_curves_stand_alone(metric):
    bare = _history().drop(columns=["val_accuracy", "val_loss"])
    empty = _history().assign(val_accuracy=np.nan, val_loss=np.nan)
    for history in (bare, empty):
        chart = figures.plot_history([history, history], metric)
        assert [line.get_linewidth() > 2 for line in chart.axes[0].lines] == [False, False, True]
        assert [text.get_text() for text in chart.axes[0].get_legend().get_texts()] == ["training, mean of 2 seeds"]
        assert "validation" not in chart.description


def test_long_histories_have_no_dot_at_each_epoch():
    long = pd.DataFrame({"epoch": np.arange(1, 201), "accuracy": np.linspace(0, 1, 200)})
    assert figures.plot_history([long]).axes[0].lines[0].get_marker() == "None"
    assert figures.plot_history([long.iloc[:20]]).axes[0].lines[0].get_marker() == "."


def test_resplits_join_the_dots_of_a_seed_and_draw_mean_interval_and_band():
    axes = CHARTS["resplits"].axes[0]
    joined = [line for line in axes.lines if len(line.get_ydata()) == 2 and line.get_marker() == "None"]
    pairs = [tuple(line.get_ydata()) for line in joined if line.get_linewidth() < 1]
    assert pairs[0] == (0.30, 0.40) and pairs[2] == (0.39, 0.44) and np.isnan(pairs[1][1])
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (band.y0, band.y1) == pytest.approx((0.31, 0.40))
    means = [text.get_text().split("\n")[0] for text in axes.texts]
    assert means == ["35.0%", "42.0%"]
    said = CHARTS["resplits"].description
    assert "whole frame: mean 35.0% of 3, interval 23.6% to 46.4%, range 30.0% to 39.0%" in said
    assert "cropped face: mean 42.0% of 2" in said and "Published: 31.0% to 40.0%" in said


def test_one_resplit_has_no_mean():
    chart = figures.plot_resplits(RESPLITS.iloc[1:2])
    assert not chart.axes[0].texts and not chart.axes[0].patches
    assert "whole frame: mean 36.0% of 1; cropped face: none" in chart.description


def test_resplits_with_ties_keep_their_dots_apart():
    chart = figures.plot_resplits(pd.DataFrame({"a": [0.3, 0.3, 0.3]}))
    dots = next(line for line in chart.axes[0].lines if line.get_marker() == "o")
    assert len(set(dots.get_xdata())) == 3


def test_accuracies_stand_under_their_condition_with_interval_seeds_and_published_value():
    axes = CHARTS["accuracies"].axes[0]
    ticks = sorted(zip(axes.get_yticks(), axes.get_yticklabels(), strict=True), key=lambda tick: tick[0])
    assert [(label.get_text(), label.get_fontweight()) for _, label in ticks] == [
        ("official", "bold"),
        ("train", "normal"),
        ("test", "normal"),
        ("random split", "bold"),
        ("train", "normal"),
        ("test", "normal"),
    ]
    assert _texts(CHARTS["accuracies"]) == ["98.0%", "53.0%", "99.0%", "55.0%"]
    marks = {m: [line for line in axes.lines if line.get_marker() == m] for m in ("s", "o", "D", "|")}
    drawn = {m: [x for line in lines for x in line.get_xdata() if x == x] for m, lines in marks.items()}
    assert drawn["s"] == [0.98, 0.99] and drawn["o"] == [0.53, 0.55] and drawn["D"] == [0.993, 0.537]
    assert drawn["|"][:2] == [0.975, 0.985]
    bars = [tuple(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 6]
    assert bars[:4] == [(0.97, 0.99), (0.50, 0.56), (0.98, 1.0), (0.52, 0.58)]
    assert "random split, test: measured 55.0%, published 53.7%" in CHARTS["accuracies"].description


def test_without_published_accuracies_the_legend_names_none():
    for published, entries in ((0.5, 5), (np.nan, 4)):
        chart = figures.plot_accuracies(SCORES.assign(published=published))
        assert len(chart.legends[0].get_texts()) == entries


def test_boxes_are_drawn_to_the_scale_of_their_scene():
    chart = CHARTS["scenes"]
    axes = chart.axes[0]
    left, right, bottom, top = axes.images[0].get_extent()
    scale = (right - left) / 90
    assert bottom - top == pytest.approx(72 * scale)
    solid = axes.patches[1]
    assert solid.get_x() == pytest.approx(left + 8 * scale) and solid.get_y() == pytest.approx(top + 4 * scale)
    assert solid.get_width() == pytest.approx(44 * scale) == solid.get_height()
    assert len(axes.patches) == 2 * (2 + 4)  # each over a dark line
    assert _texts(chart) == ["angry", "fear (no face found)", "sad", "happy"]
    assert [text.get_text() for text in chart.legends[0].get_texts()] == [
        "true face",
        "largest face found",
        "other faces found",
    ]
    assert "a face was found in 3 of 4 scenes" in chart.description


def test_scenes_of_several_sizes_fit_their_cells():
    tall, wide = np.zeros((200, 50), np.uint8), np.zeros((50, 200), np.uint8)
    axes = figures.plot_scenes([tall, wide], [None, None], [[], []], ["a", "b"]).axes[0]
    places = [image.get_extent() for image in axes.images]
    for image, (left, right, bottom, top) in zip((tall, wide), places, strict=True):
        assert (bottom - top) / (right - left) == pytest.approx(image.shape[0] / image.shape[1])
    assert places[0][1] < places[1][0]


@pytest.mark.parametrize(
    ("plot", "received"),
    [
        (lambda: figures.plot_image_grid({}), "{}"),
        (lambda: figures.plot_image_grid({"a": FACES[:0]}), "'a': 0"),
        (lambda: figures.plot_class_distribution({}), "{}"),
        (lambda: figures.plot_class_distribution({"a": np.array([7])}), "7"),
        (lambda: figures.plot_label_distribution(LABELS, LABELS[1:]), "70 and 69"),
        (lambda: figures.plot_history([]), r"\[\]"),
        (lambda: figures.plot_history([_history()], "f1"), "columns"),
        (lambda: figures.plot_confusion(SHARES[:6]), r"\[\["),
        (lambda: figures.plot_confusion(7 * SHARES + 1), r"2\.0"),
        (lambda: figures.plot_confusion(SHARES, published=-SHARES), "-0"),
        (lambda: figures.plot_confusion_examples(FACES, LABELS, LABELS[1:]), "70, 70 and 69"),
        (lambda: figures.plot_confusion_examples(FACES[:0], LABELS[:0], LABELS[:0]), "0, 0 and 0"),
        (lambda: figures.plot_intervals([]), r"\[\]"),
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
        (lambda: figures.plot_history([_history(), _history().drop(columns="val_accuracy")]), r"\[True, False\]"),
        (lambda: figures.plot_resplits(pd.DataFrame({"a": [np.nan]})), r"\(1, 1\) of \['a'\]"),
        (lambda: figures.plot_resplits(pd.DataFrame()), r"\(0, 0\)"),
        (lambda: figures.plot_accuracies(SCORES.iloc[:0]), "0 rows"),
        (lambda: figures.plot_accuracies(SCORES.drop(columns="low")), "4 rows"),
        (lambda: figures.plot_scenes([], [], [], []), r"\[0, 0, 0, 0\]"),
        (lambda: figures.plot_scenes(STILLS, [None] * 4, FOUND[:3], "abcd"), r"\[4, 4, 3, 4\]"),
        (lambda: figures.plot_search(_trials().iloc[3:4]), "1 rows"),
        (lambda: figures.plot_search(_trials()[["score"]]), "6 rows"),
        (lambda: figures.plot_search(_trials(), "accuracy"), "6 rows"),
    ],
)
def test_what_cannot_be_drawn_is_refused(plot, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        plot()


def test_the_palette_has_a_colour_for_every_class():
    assert len(set(OKABE_ITO)) == len(EMOTIONS)
