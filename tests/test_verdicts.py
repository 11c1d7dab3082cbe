"""How verdicts are made, and what must hold of them whatever the numbers are."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_lib.claims import RULES, VERDICTS
from fer_lib.verdicts import (
    format_spread,
    judge_at_least,
    judge_at_most,
    judge_difference,
    judge_order,
    judge_spread,
    judge_value,
)


def test_the_rules_name_every_verdict_and_every_kind_of_claim():
    text = " ".join(f"{what}: {rule}" for what, rule in RULES)
    assert all(verdict in text for verdict in VERDICTS)
    assert all(
        kind in text
        for kind in ("value", "range", "at least", "at most", "spread", "difference", "ordering", "ranking")
    )


@pytest.mark.parametrize(
    ("measured", "reason"),
    [
        (2_720_439.0, "the measured value meets the published 2,720,439"),
        (2_720_442.0, "the measured value lies 3 above the published 2,720,439"),
        (1_720_439.0, "the measured value lies 1,000,000 below the published 2,720,439"),
    ],
)
def test_counts_are_told_to_their_last_digit(measured, reason):
    assert judge_value(2_720_439.0, 2_720_439.0, measured, None, "")[1] == reason


numbers = st.floats(-10, 10).map(lambda value: round(value, 3))
spans = st.tuples(numbers, numbers).map(sorted).map(tuple)
scales = st.sampled_from([0.25, 0.5, 2.0, 8.0, 64.0])


@given(spans, spans, scales)
def test_verdicts_do_not_depend_on_the_unit(published, interval, scale):
    value = sum(interval) / 2
    ends = (interval[0] * scale, interval[1] * scale)
    low, high = published[0] * scale, published[1] * scale
    assert judge_value(*published, value, interval, "")[0] == judge_value(low, high, value * scale, ends, "")[0]
    assert judge_at_least(published[0], value, "")[0] == judge_at_least(low, value * scale, "")[0]
    assert judge_at_most(published[1], value, "")[0] == judge_at_most(high, value * scale, "")[0]
    before = judge_difference(published, value, interval, "")[0]
    assert before == judge_difference((low, high), value * scale, ends, "")[0]


@given(spans, spans)
def test_a_difference_read_from_the_other_side_has_the_same_verdict(published, interval):
    value = sum(interval) / 2
    turned = judge_difference((-published[1], -published[0]), -value, (-interval[1], -interval[0]), "")[0]
    if sum(published) != 0:  # a difference published as zero has no side
        assert turned == judge_difference(published, value, interval, "")[0]


@given(spans, spans)
def test_a_value_below_from_above_is_above_from_below(published, interval):
    value = sum(interval) / 2
    verdict = judge_value(*published, value, interval, "")[0]
    turned = judge_value(-published[1], -published[0], -value, (-interval[1], -interval[0]), "")[0]
    assert turned == {"below": "exceeded", "exceeded": "below", "reproduced": "reproduced"}[verdict]


@given(st.lists(st.integers(0, 9), min_size=2, max_size=6))
def test_only_strictly_falling_numbers_are_in_order(values):
    groups = [[(str(index), float(value))] for index, value in enumerate(values)]
    falling = all(a > b for a, b in itertools.pairwise(values))
    assert (judge_order(groups, "")[0] == "reproduced") == falling


runs_of_numbers = st.lists(numbers, min_size=2, max_size=6)


@given(spans, runs_of_numbers, scales)
def test_a_spread_does_not_depend_on_the_unit_or_the_order_of_the_seeds(published, values, scale):
    low, high = published
    verdict = judge_spread(low, high, values, "")[0]
    assert judge_spread(low * scale, high * scale, [value * scale for value in values], "")[0] == verdict
    assert judge_spread(low, high, values[::-1], "")[0] == verdict


@given(spans, runs_of_numbers)
def test_a_spread_below_from_above_is_above_from_below(published, values):
    verdict = judge_spread(*published, values, "")[0]
    turned = judge_spread(-published[1], -published[0], [-value for value in values], "")[0]
    assert turned == {"below": "exceeded", "exceeded": "below"}.get(verdict, verdict)


@given(runs_of_numbers)
def test_the_range_of_the_seeds_itself_is_reproduced_and_nothing_narrower(values):
    low, high = min(values), max(values)
    assert judge_spread(low, high, values, "")[0] == "reproduced"
    if low < high:
        assert judge_spread(low + 5e-4, high, values, "")[0] == "below"
        assert judge_spread(low, high - 5e-4, values, "")[0] == "exceeded"
    if high - low > 1e-3:
        assert judge_spread(low + 5e-4, high - 5e-4, values, "")[0] == "not reproduced"


@pytest.mark.parametrize(
    ("values", "unit", "text"),
    [
        ([0.296, 0.385, 0.336], "%", "33.9 % (29.6 to 38.5 % over 3 seeds)"),
        ([0.01, 0.03], "points", "+2.0 points (+1.0 to +3.0 points over 2 seeds)"),
        ([0.5, 1.5], "", "1.00 (0.50 to 1.50 over 2 seeds)"),
        ([0.35], "%", "35.0 %"),
    ],
)
def test_a_spread_is_told_as_a_mean_and_its_range(values, unit, text):
    assert format_spread(sum(values) / len(values), values, unit) == text
