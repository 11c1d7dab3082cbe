"""Intervals and tests, against SciPy."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from fer_lib.intervals import mcnemar, mean_interval, paired_difference, wilson_interval


@given(st.integers(1, 5000), st.floats(0, 1))
def test_wilson_holds_the_share_and_stays_in_the_unit_interval(n, share):
    low, high = wilson_interval(share * n, n)
    assert 0 <= low <= share * n / n <= high <= 1
    assert low < high
    mirrored = wilson_interval(n - share * n, n)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(st.integers(1, 2000), st.data())
def test_wilson_agrees_with_scipy(n, data):
    successes = data.draw(st.integers(0, n))
    expected = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5), (float("nan"), 5)])
def test_wilson_refuses_what_is_no_share(successes, n):
    with pytest.raises(ValueError, match="Received: successes="):
        wilson_interval(successes, n)


def test_mean_interval_is_students():
    values = [0.58, 0.59, 0.60]
    expected = stats.t.interval(0.95, df=2, loc=np.mean(values), scale=stats.sem(values))
    assert mean_interval(values) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.floats(0, 1))
def test_overlapping_training_sets_widen_the_interval(values, ratio):
    assume(np.std(values) > 1e-6)
    low, high = mean_interval(values, ratio)
    plain = mean_interval(values)
    assert (low + high) / 2 == pytest.approx(np.mean(values))
    assert (high - low) / (plain[1] - plain[0]) == pytest.approx((1 + len(values) * ratio) ** 0.5)
    assert mean_interval(values, 0.0) == plain


@pytest.mark.parametrize("ratio", [-0.1, float("nan")])
def test_an_overlap_is_no_less_than_none(ratio):
    with pytest.raises(ValueError, match="test_over_train must be at least 0. Received: "):
        mean_interval([0.5, 0.6], ratio)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, float("nan")]])
def test_mean_interval_needs_two_numbers(values):
    with pytest.raises(ValueError, match="at least two finite numbers"):
        mean_interval(values)


@given(hnp.arrays(bool, st.tuples(st.just(2), st.integers(2, 200))))
def test_paired_difference_is_the_difference_of_accuracies(correct):
    found = paired_difference(correct[0], correct[1])
    low, high = found["interval"]
    assert found["difference"] == pytest.approx(correct[0].mean() - correct[1].mean())
    assert -1 <= low <= found["difference"] + 1e-12 and found["difference"] - 1e-12 <= high <= 1
    swapped = paired_difference(correct[1], correct[0])
    assert swapped["interval"] == pytest.approx([-high, -low])


def test_pairing_narrows_the_interval_of_models_that_fail_on_the_same_images():
    first = np.repeat([True, False], 500)
    second = first.copy()
    second[:20] = False
    low, high = paired_difference(first, second)["interval"]
    assert 0 < low < 0.02 < high < 0.03
    shuffled = np.random.default_rng(0).permutation(second)
    wide = paired_difference(first, shuffled)["interval"]
    assert wide[1] - wide[0] > 3 * (high - low)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test_of_the_images_that_differ(only_a, only_b):
    a = np.r_[np.ones(only_a), np.zeros(only_b), 1, 0].astype(bool)
    b = np.r_[np.zeros(only_a), np.ones(only_b), 1, 0].astype(bool)
    found = mcnemar(a, b)
    assert (found["only_a"], found["only_b"]) == (only_a, only_b)
    expected = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert found["p_exact"] == pytest.approx(expected)
    observed = stats.binom.pmf(only_a, only_a + only_b, 0.5)
    assert found["p_mid"] == pytest.approx(1.0 if only_a == only_b else expected - observed)


@pytest.mark.parametrize(
    ("a", "b"), [([True], [True]), ([True, False], [True]), ([2.0, 0.0], [1.0, 0.0]), ([0.5, 1.0], [1.0, 0.0])]
)
def test_mcnemar_refuses_what_is_not_right_or_wrong_on_the_same_images(a, b):
    with pytest.raises(ValueError, match="Received: "):
        mcnemar(np.array(a), np.array(b))
