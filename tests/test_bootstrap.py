"""Intervals by resampling: what they hold, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_lib.bootstrap import ratio_interval, score_interval
from fer_lib.metrics import confusion_metrics


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10))
def test_the_interval_holds_the_ratio_and_scales_with_the_numbers(seed, factor):
    rng = np.random.default_rng(seed)
    first, other = rng.random(50) + 0.1, rng.random(50) + 0.1
    low, high = ratio_interval(first, [other])
    assert low < first.mean() / other.mean() < high
    assert ratio_interval(factor * first, [other]) == pytest.approx((factor * low, factor * high))


def test_equal_numbers_have_a_ratio_of_one_without_doubt():
    values = np.random.default_rng(0).random(30) + 0.1
    assert ratio_interval(values, [values]) == (1.0, 1.0)


def test_four_times_the_images_halve_the_interval():
    rng = np.random.default_rng(0)
    first, other = rng.random(4000) + 0.1, rng.random(4000) + 0.1
    widths = [np.diff(ratio_interval(first[:n], [other[:n]]))[0] for n in (1000, 4000)]
    assert widths[1] == pytest.approx(widths[0] / 2, rel=0.15)


def test_the_interval_is_that_of_the_normal_approximation_where_it_holds():
    rng = np.random.default_rng(1)
    first = rng.random(2000)
    low, high = ratio_interval(first, [np.ones(2000)])
    error = 1.96 * first.std() / np.sqrt(2000)
    assert (low, high) == pytest.approx((first.mean() - error, first.mean() + error), abs=0.1 * error)


def test_the_highest_of_the_others_divides():
    values = np.random.default_rng(0).random(30) + 0.1
    assert ratio_interval(values, [values / 4, values / 2]) == pytest.approx((2.0, 2.0))


@pytest.mark.parametrize(
    ("first", "others", "received"),
    [
        (np.ones(3), [], r"\[\(3,\)\]"),
        (np.ones(3), [np.ones(2)], r"\[\(3,\), \(2,\)\]"),
        (np.ones(0), [np.ones(0)], r"\[\(0,\), \(0,\)\]"),
    ],
)
def test_what_cannot_be_compared_is_refused(first, others, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        ratio_interval(first, others)


METRICS = ["macro_f1", "macro_precision", "macro_recall", "weighted_precision", "weighted_f1", "f1"]


@pytest.mark.parametrize("metric", METRICS)
def test_a_score_s_interval_is_that_of_images_drawn_anew_one_by_one(metric):
    rng = np.random.default_rng(3)
    labels = rng.choice(3, 400, p=[0.5, 0.3, 0.2])
    predicted = np.where(rng.random(400) < 0.6, labels, rng.integers(0, 3, 400))
    drawn = rng.integers(400, size=(1000, 400))
    numbers = [number(confusion_metrics(counted(labels[places], predicted[places]), "abc"), metric) for places in drawn]
    low, high = score_interval([counted(labels, predicted)], 400, metric, place=1)
    assert (low, high) == pytest.approx(np.percentile(numbers, [2.5, 97.5]), abs=0.012)
    value = number(confusion_metrics(counted(labels, predicted), "abc"), metric)
    assert low < value < high


def test_a_score_of_several_seeds_lies_about_their_mean_and_is_wider_on_fewer_images():
    seeds = [np.array([[30, 10], [20, 40]]), np.array([[36, 4], [10, 50]])]
    mean = np.mean([confusion_metrics(seed, "ab")["macro_f1"] for seed in seeds])
    (low, high), (lower, higher) = (score_interval(seeds, images, "macro_f1") for images in (100, 25))
    assert lower < low < mean < high < higher
    assert higher - lower == pytest.approx(2 * (high - low), rel=0.15)


def counted(labels, predicted):
    return np.bincount(3 * labels + predicted, minlength=9).reshape(3, 3)


def number(metrics, metric):
    return metrics["f1"]["b"] if metric == "f1" else metrics[metric]
