import numpy as np
import pandas as pd
import pytest
from figure_values import CHARTS, FACES, LABELS, RESPLITS, SCORES, make_history, shown_images, texts_of
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_lib import figures
from fer_lib.labels import EMOTIONS


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
    drawn = [int(image[0, 0]) for image in shown_images(chart)]
    assert len(drawn) == len(set(drawn)) == min(count, available)
    assert texts_of(chart) == [EMOTIONS[image % 7].capitalize() for image in drawn]


def test_random_images_follow_the_seed():
    def draw(seed):
        return np.stack(shown_images(figures.plot_random_images(FACES, LABELS, 10, seed)))

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
    assert texts_of(chart) == [
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
    drawn = [number_of[image.astype(np.uint8).tobytes()] for image in shown_images(chart)]
    captions = [text.removesuffix(" ✓").removesuffix(" ✗") for text in texts_of(chart)]
    assert captions == [
        f"Truth: {EMOTIONS[LABELS[k]].capitalize()}\nPredicted: {EMOTIONS[LABELS[69 - k]].capitalize()}" for k in drawn
    ]


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_without_validation_images_the_training_curves_stand_alone(metric):
    bare = make_history().drop(columns=["val_accuracy", "val_loss"])
    empty = make_history().assign(val_accuracy=np.nan, val_loss=np.nan)
    for history in (bare, empty):
        chart = figures.plot_history([history, history], metric)
        assert [line.get_linewidth() > 2 for line in chart.axes[0].lines] == [False, False, True]
        assert [text.get_text() for text in chart.axes[0].get_legend().get_texts()] == ["training, mean of 2 seeds"]
        assert "validation" not in chart.description


def test_long_histories_have_no_dot_at_each_epoch():
    long = pd.DataFrame({"epoch": np.arange(1, 201), "accuracy": np.linspace(0, 1, 200)})
    assert figures.plot_history([long]).axes[0].lines[0].get_marker() == "None"
    assert figures.plot_history([long.iloc[:20]]).axes[0].lines[0].get_marker() == "."


def test_epochs_are_whole_numbers_even_where_there_is_one():
    chart = figures.plot_history([make_history().iloc[:1]])
    chart.draw_without_rendering()
    assert {tick.get_text() for tick in chart.axes[0].get_xticklabels()} <= {"0", "1", "2"}


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
    assert texts_of(CHARTS["accuracies"]) == ["98.0%", "53.0%", "99.0%", "55.0%"]
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
    assert texts_of(chart) == ["angry", "fear (no face found)", "sad", "happy"]
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
