import numpy as np
import pandas as pd
import pytest
from fake_epochs import write_epochs
from fake_runs import write_fake_run, write_fake_runs
from hypothesis import given
from hypothesis import strategies as st
from readable_charts import faults_of

from fer_lib import accuracy_pairs, epoch_choice, figures, scoreboard
from fer_lib.charts import OKABE_ITO
from fer_lib.epoch_predictions import keeps_epochs
from fer_lib.figures.panels import spread
from fer_lib.runs import find_runs

VIEWS = ("PublicTest", "PrivateTest", "PublicTest against PrivateTest")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    made = write_fake_runs(folder)
    for seed, run in enumerate(
        run for run in made if run.request["variant"] == "light_vgg" and run.request["seed"] < 2
    ):
        write_epochs(run, seed)
    write_fake_run(folder, "smoke", accuracy=0.3, is_sample=True, shortened=True)
    return scoreboard.collect(find_runs(folder, "paper"), find_runs(folder, "smoke"))


@pytest.fixture(scope="module")
def scores(models):
    return scoreboard.score_table(models)


@pytest.fixture(scope="module")
def charts(models, scores):
    curves, flattery = epoch_tables(models)
    return {
        "scores": figures.plot_scoreboard(scores),
        "costs": figures.plot_costs(scores[scores["test set"] == scores["test set"][0]]),
        "all costs": figures.plot_all_costs(scores),
        "recalls": figures.plot_recalls(scoreboard.recall_table(models)),
        "pairs": figures.plot_pairs(accuracy_pairs.public_private_table(models), *VIEWS),
        "claims": figures.plot_claims(
            scoreboard.claim_table(
                [run for model in models if model.whose == scoreboard.OURS for run in model.runs], []
            )
        ),
        "epochs": figures.plot_epochs(curves, flattery),
        "flattery": figures.plot_flattery(flattery),
    }


def epoch_tables(models):
    groups = {model.name: model.runs for model in models}
    return epoch_choice.epoch_curves(groups), epoch_choice.flattery_table(groups)


def marks(axes, marker):
    return [line for line in axes.lines if line.get_marker() == marker and not np.isnan(line.get_xdata()).any()]


NAMES = ["scores", "costs", "recalls", "pairs", "claims", "epochs", "flattery"]


@pytest.mark.parametrize("name", NAMES)
def test_charts_have_a_title_a_description_and_labelled_axes(charts, name):
    chart = charts[name]
    assert chart.get_suptitle()
    assert chart.get_suptitle().splitlines()[0] in chart.description
    assert chart.axes[-1].get_xlabel()
    bundle = chart._repr_mimebundle_()
    assert bundle["text/plain"] == chart.description and 'width="9' in bundle["text/html"]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "recalls"])
def test_marks_have_colours_that_every_reader_can_tell_apart(charts, name):
    quiet = {"#595959", "#dddddd", "#222222"}
    assert {line.get_color() for axes in charts[name].axes for line in axes.lines} <= {*OKABE_ITO, *quiet}


def test_every_set_of_test_images_has_an_axis_of_its_own(charts, scores):
    heads = [axes.get_title("left") for axes in charts["scores"].axes]
    assert heads == list(scores["test set"].unique())
    drawn = [len(axes.get_yticks()) for axes in charts["scores"].axes]
    assert drawn == scores.groupby("test set", sort=False).size().tolist()


def test_the_best_stands_first_and_own_runs_on_the_sample_are_hollow(charts):
    first, last = charts["scores"].axes[0], charts["scores"].axes[-1]
    labels = [label.get_text() for label in first.get_yticklabels()]
    assert labels[0] == "01 light vgg (3 seeds)" and labels[-1] == "01 lda (1 seed)"
    (mark,) = marks(last, "s")
    assert mark.get_markerfacecolor() == "white"
    assert "sample data" in last.texts[0].get_text()
    assert all(line.get_markerfacecolor() == line.get_color() for line in marks(first, "o"))


@pytest.mark.parametrize("plot", [figures.plot_scoreboard, figures.plot_costs, figures.plot_all_costs])
@pytest.mark.parametrize("options", [{"as_published": False}, {"shortened": True}, {}])
def test_hollow_marks_are_explained_whatever_keeps_them_from_comparison(tmp_path, plot, options):
    chart = plot(scoreboard.score_table(scoreboard.collect([], [write_fake_run(tmp_path, **options)])))
    explained = [text.get_text() for text in chart.legends[0].get_texts()]
    assert ("hollow: not comparable" in explained) == bool(options)
    assert bool(options) == any("hollow" in text for text in explained)


def test_what_a_guess_scores_is_drawn(charts, scores):
    lines = charts["scores"].axes[0].lines
    assert [line for line in lines if set(np.ravel(line.get_xdata())) == {scores["guess"][0]}]


def test_costs_of_different_test_images_are_refused(scores):
    with pytest.raises(ValueError, match="one set of test images. Received: .*sample data"):
        figures.plot_costs(scores)


def test_costs_leave_out_what_has_none(charts, scores):
    main = scores[scores["test set"] == scores["test set"][0]]
    parameters, seconds = charts["costs"].axes
    assert len(marks(parameters, "o")) == main["parameters"].notna().sum() == 3
    assert len(marks(seconds, "o")) == len(main) == 6
    assert [text.get_text() for text in parameters.texts][1].startswith("01 without batch norm")
    assert "parameters not known" in charts["costs"].description


def test_all_models_share_an_axis_each_set_of_test_images_in_a_mark_of_its_own(charts, scores):
    parameters, seconds = charts["all costs"].axes
    heights = {float(height) for line in seconds.lines for height in line.get_ydata()}
    assert set(scores["accuracy"]) <= heights
    explained = {text.get_text() for text in charts["all costs"].legends[0].get_texts()}
    assert set(scores["test set"]) < explained and scores["test set"].nunique() > 1
    named = {line.get_label(): (line.get_color(), line.get_marker()) for line in seconds.lines}
    assert len({named[name] for name in scores["test set"]}) == scores["test set"].nunique()
    assert parameters.get_ylim() == seconds.get_ylim() == (0, 1)


def test_models_that_nobody_knows_the_cost_of_are_told(scores):
    rows = scores[scores["model"] == "01 lda"]
    assert figures.plot_costs(rows).axes[0].texts[0].get_text() == "no model says its parameters"


def test_recalls_are_printed_in_their_cells(charts, models):
    row = scoreboard.recall_table(models).iloc[0]
    texts = [text.get_text() for text in charts["recalls"].axes[0].texts[:7]]
    assert texts == [f"{row[name]:.0%}" for name in ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")]


def test_pairs_print_their_difference_with_its_interval(charts, models):
    row = accuracy_pairs.public_private_table(models).iloc[0]
    text = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]".replace("-", "−")
    assert text in [found.get_text() for found in charts["pairs"].axes[0].texts]
    assert text in charts["pairs"].description


def test_claims_show_their_verdicts_by_paper(charts):
    texts = [text.get_text() for axes in charts["claims"].axes for text in axes.texts]
    assert {"not run", "reproduced"} <= set(texts)
    papers = [axes.get_title("left")[:2] for axes in charts["claims"].axes]
    assert papers == ["01", "02", "03", "04", "05"]


def test_claims_are_drawn_where_nothing_is_measured():
    chart = figures.plot_claims(scoreboard.claim_table([], []))
    assert len(chart.axes) == 5 and {text.get_text() for text in chart.axes[0].texts} == {"not run"}
    assert marks(chart.axes[0], "D") and not marks(chart.axes[0], "o")


def test_ring_and_star_stand_on_the_epochs_chosen(charts, models):
    curves, flattery = epoch_tables(models)
    for axes, (_, row) in zip(charts["epochs"].axes, flattery.iterrows(), strict=False):
        ring, star = marks(axes, "o")[0], marks(axes, "*")[0]
        assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (row["best on PublicTest"], row["honest"])
        assert (star.get_xdata()[0], star.get_ydata()[0]) == (row["best on PrivateTest"], row["flattering"])
    assert len(charts["epochs"].axes) == curves["seed"].nunique() == 2


def test_flattery_is_drawn_in_points_for_each_run_and_over_the_seeds(charts, models):
    _, flattery = epoch_tables(models)
    left, right = charts["flattery"].axes
    assert [label.get_text() for label in left.get_yticklabels()][-1] == "01 light vgg, mean of 2"
    for axes, column in ((left, "difference"), (right, "optimism")):
        assert [line.get_xdata()[0] for line in marks(axes, "o")] == pytest.approx((100 * flattery[column]).tolist())


def test_one_run_alone_has_its_charts(models):
    kept = [run for model in models for run in model.runs if keeps_epochs(run)]
    one = {"light vgg": kept[:1]}
    curves, flattery = epoch_choice.epoch_curves(one), epoch_choice.flattery_table(one)
    assert len(figures.plot_epochs(curves, flattery).axes) == 1
    assert len(figures.plot_flattery(flattery).axes) == 2


def test_where_there_is_nothing_a_chart_says_so():
    nothing = pd.DataFrame()
    for chart in (
        figures.plot_scoreboard(nothing),
        figures.plot_costs(nothing),
        figures.plot_all_costs(nothing),
        figures.plot_recalls(nothing),
        figures.plot_pairs(nothing, *VIEWS),
        figures.plot_claims(nothing),
        figures.plot_epochs(nothing, nothing),
        figures.plot_flattery(nothing),
    ):
        (text,) = chart.axes[0].texts
        assert text.get_text().endswith(("yet.", "known.")) and text.get_text() in chart.description


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 0.3))
def test_labels_keep_apart_and_in_order(values, least):
    places = spread(values, least)
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(places)[order]) >= least - 1e-9).all()
    far = np.diff(np.sort(values))
    if len(far) and (far >= least).all():
        assert places == pytest.approx(values)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 0.09))
def test_labels_stay_inside_where_there_is_room(values, least):
    places = np.array(spread(values, least, 0, 1))
    assert places.min() >= -1e-9 and places.max() <= 1 + 1e-9
    assert (np.diff(places[np.argsort(values, kind="stable")]) >= least - 1e-9).all()


@pytest.mark.parametrize("plot", [figures.plot_scoreboard, figures.plot_all_costs])
def test_long_names_of_test_images_are_not_cut_off(plot, scores):
    long = "sample data: balanced classes, transforms kept together, 7 classes, 16{} images"
    named = scores.assign(model="04 small trained batch norm (small residual), yours")
    assert faults_of(plot(named.assign(**{"test set": [long.format(row % 9) for row in range(len(scores))]}))) == []


def test_many_models_of_one_size_have_labels_inside(scores):
    wide = [scores.iloc[1:2].assign(parameters=count) for count in (5e3, 5e5)]
    crowd = pd.concat([scores.head(1)] * 12 + wide).assign(accuracy=0.03, low=0.0, model="04 small trained batch norm")
    chart = figures.plot_costs(crowd.assign(**{"test set": "PrivateTest"}))
    assert faults_of(chart) == []
    axes = chart.axes[0]
    names = [text.get_window_extent() for text in axes.texts]
    assert min(box.y0 for box in names) > axes.get_window_extent().y0 - 10
