import numpy as np
import pytest
from fake_epochs import write_epochs
from fake_runs import write_fake_run
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fer_lib.epoch_choice import epoch_curves, flattery_table, measure_flattery

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 12), st.integers(1, 12))


@st.composite
def answers(draw):
    """Whether each epoch is right on each of the reported and of the other images."""
    epochs, n, m = draw(SHAPES)
    return draw(arrays(bool, (epochs, n))), draw(arrays(bool, (epochs, m)))


def right_on(counts, n=100):
    """bool (epochs, n): each epoch right on its first so many images."""
    return np.arange(n) < np.array(counts)[:, None]


def test_flattery_of_a_table_made_by_hand():
    found = measure_flattery([right_on([50, 62, 60])], [right_on([70, 71, 75])])
    assert found.honest_epochs == (3,) and found.flattering_epochs == (2,)
    assert (found.honest, found.flattering) == (0.60, 0.62)
    assert found.difference == pytest.approx(0.02)


def test_the_first_of_equal_epochs_is_chosen_as_training_does():
    found = measure_flattery([right_on([60, 60, 50])], [right_on([70, 75, 75])])
    assert found.honest_epochs == (2,) and found.flattering_epochs == (1,)
    assert found.difference == 0


@settings(max_examples=25)
@given(answers())
def test_flattery_is_never_negative_and_its_interval_holds_it(pair):
    found = measure_flattery([pair[0]], [pair[1]])
    low, high = found.interval
    assert 0 <= low <= found.difference <= high <= 1


@settings(max_examples=25)
@given(answers(), st.randoms(use_true_random=False))
def test_the_honest_choice_never_sees_the_reported_images(pair, random):
    reported, others = pair
    changed = reported.copy()
    changed[random.randrange(len(changed))] ^= True
    assert measure_flattery([changed], [others]).honest_epochs == measure_flattery([reported], [others]).honest_epochs


def test_equal_epochs_leave_nothing_to_choose():
    same = np.tile(np.arange(40) % 2 == 0, (5, 1))
    assert measure_flattery([same], [same]).interval == (0.0, 0.0)


def test_epochs_are_chosen_anew_in_every_draw():
    """Two epochs right on as many, but different images: with the epochs fixed no draw could tell them apart."""
    halves = np.array([np.arange(60) < 30, np.arange(60) >= 30])
    found = measure_flattery([halves], [halves])
    assert found.difference == 0 and found.interval[1] > 0.02


def test_a_choice_that_is_plainly_wrong_is_told_from_none():
    found = measure_flattery([right_on([400, 700], 1000)], [right_on([700, 400], 1000)])
    assert found.difference == pytest.approx(0.3)
    assert 0.25 < found.interval[0] < 0.3 < found.interval[1] < 0.35


def test_the_interval_is_as_wide_as_the_difference_scatters():
    """Epochs that the others tell apart for sure: the difference is that of two proportions on the same images."""
    reported, others = np.array([np.arange(800) % 4 < 2, np.arange(800) % 4 > 0]), right_on([800, 0], 800)
    found = measure_flattery([reported], [others])
    gains = reported[1].astype(float) - reported[0]
    half = 1.96 * gains.std() / np.sqrt(800)
    assert found.difference == 0.25
    assert found.interval == pytest.approx((0.25 - half, 0.25 + half), abs=0.006)


def test_seeds_are_averaged_and_the_wider_interval_counts():
    one, other = (right_on([50, 62, 60]), right_on([70, 71, 75])), (right_on([50, 60, 50]), right_on([70, 71, 60]))
    found = measure_flattery([one[0], other[0]], [one[1], other[1]])
    assert found.honest_epochs == (3, 2) and found.flattering_epochs == (2, 2)
    assert found.difference == pytest.approx(0.01)
    assert "over 2 seeds" in found.rule and "anew" in found.rule
    assert (
        found.interval[1] - found.interval[0] >= 0.08
    )  # Student's with one degree of freedom: 0.01 +- 0.127, cut at 0


@pytest.mark.parametrize(
    ("reported", "others"),
    [
        ([], []),
        ([np.ones((2, 3), bool)], []),
        ([np.ones((2, 0), bool)], [np.ones((2, 3), bool)]),
        ([np.ones((2, 3), bool)], [np.ones((3, 3), bool)]),
        ([np.ones(3, bool)], [np.ones(3, bool)]),
        ([np.ones((2, 3), bool), np.ones((2, 4), bool)], [np.ones((2, 3), bool)] * 2),
    ],
)
def test_answers_that_do_not_fit_together_are_refused(reported, others):
    with pytest.raises(ValueError, match=r"must be \(epochs, n\).* Received: "):
        measure_flattery(reported, others)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    made = [write_epochs(write_fake_run(folder, seed=seed), seed) for seed in (0, 1)]
    return [*made, write_fake_run(folder, seed=2)]


def test_tables_hold_the_runs_that_predicted_with_every_epoch(runs):
    curves, table = (make({"light vgg": runs, "none": runs[2:]}) for make in (epoch_curves, flattery_table))
    assert table["seed"].tolist() == ["0", "1", "all 2"]
    assert curves.groupby("seed").size().to_dict() == {0: 8, 1: 8}
    for seed in ("0", "1"):
        row, mine = table.set_index("seed").loc[seed], curves[curves["seed"] == int(seed)].set_index("epoch")
        assert row["kept epoch"] == 7
        assert mine["PublicTest"].idxmax() == row["best on PublicTest"]
        assert row["honest"] == mine["PrivateTest"][row["best on PublicTest"]]
        assert row["flattering"] == mine["PrivateTest"].max()
        assert row["PublicTest"] == mine["PublicTest"].max()
        other_way = mine["PublicTest"].max() - mine["PublicTest"][row["best on PrivateTest"]]
        assert row["optimism"] == pytest.approx(other_way)
    over_seeds, single = table.iloc[2], table.iloc[:2]
    assert over_seeds["difference"] == pytest.approx(single["difference"].mean())
    assert np.isnan(over_seeds["best on PublicTest"])


def test_tables_of_nothing_have_their_columns():
    assert list(epoch_curves({})) == ["model", "seed", "epoch", "PublicTest", "PrivateTest"]
    assert flattery_table({}).empty and "difference" in flattery_table({})
