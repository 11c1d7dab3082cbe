"""A claim and the runs it speaks of -> what was measured, the verdict and its reason, for each kind of claim."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fer_lib.measurements import measure, measure_difference, measure_matrix
from fer_lib.metric_paths import is_share, short_name
from fer_lib.papers.claim_kinds import (
    AtLeastClaim,
    AtMostClaim,
    Claim,
    DifferenceClaim,
    MatrixClaim,
    NumberClaim,
    OrderingClaim,
    RangeClaim,
    RankingClaim,
    SpreadClaim,
    variants_of,
)
from fer_lib.runs import Run
from fer_lib.seeds import Measurement
from fer_lib.verdicts import (
    Decision,
    Unit,
    compare_matrices,
    format_measured,
    format_number,
    format_spread,
    judge_at_least,
    judge_at_most,
    judge_difference,
    judge_matrix,
    judge_order,
    judge_spread,
    judge_value,
)


def judge_runs(claim: Claim, groups: Sequence[tuple[Run, ...]]) -> dict[str, Any]:
    """Measure what a claim speaks of and decide.

    Args:
        claim: the claim.
        groups: the runs of each of its variants, in the claim's order; for a difference one pair of runs per seed.

    Returns:
        Fields of `fer_lib.claims.Judgement`: measured_text, rule, verdict, reason, details and, where it is one number,
        measured and interval.

    Raises:
        MissingNumber: if a run does not hold what the claim needs.
    """
    if isinstance(claim, DifferenceClaim):
        return _judge_difference(claim, [(pair[0], pair[1]) for pair in groups])
    if isinstance(claim, OrderingClaim):
        names = [
            [(short_name(name), measure(groups[0], claim, name).value) for name in group] for group in claim.groups
        ]
        return _judge_order(names, claim.groups[0][0])
    if isinstance(claim, RankingClaim):
        runs = dict(zip(variants_of(claim), groups, strict=True))
        ranked = [[(name, measure(runs[name], claim, claim.metric).value) for name in group] for group in claim.groups]
        return _judge_order(ranked, claim.metric)
    if isinstance(claim, MatrixClaim):
        return _judge_matrix(claim, groups[0])
    if isinstance(claim, SpreadClaim):
        return _judge_spread(claim, groups[0])
    return _judge_number(claim, groups[0])


def _judge_spread(claim: SpreadClaim, runs: Sequence[Run]) -> dict[str, Any]:
    found = measure(runs, claim, claim.metric).divided_by(claim.divided_by)
    values, unit = list(found.by_seed.values()), claim.low.unit
    decision = judge_spread(claim.low.low, claim.high.high, values, unit)
    ranged = replace(found, interval=None, rule="range of single runs over the seeds, intervals not used")
    return _as_fields(ranged, decision, format_spread(found.value, values, unit))


def _judge_number(claim: NumberClaim, runs: Sequence[Run]) -> dict[str, Any]:
    found = measure(runs, claim, claim.metric).divided_by(claim.divided_by)
    unit = claim.low.unit if isinstance(claim, RangeClaim) else claim.published.unit
    if isinstance(claim, RangeClaim):
        decision = judge_value(claim.low.low, claim.high.high, found.value, found.interval, unit)
    elif isinstance(claim, AtLeastClaim):
        decision = judge_at_least(claim.published.low, found.value, unit)
    elif isinstance(claim, AtMostClaim):
        decision = judge_at_most(claim.published.high, found.value, unit)
    else:
        decision = judge_value(claim.published.low, claim.published.high, found.value, found.interval, unit)
    return _as_fields(found, decision, format_measured(found.value, found.interval, unit))


def _judge_difference(claim: DifferenceClaim, pairs: Sequence[tuple[Run, Run]]) -> dict[str, Any]:
    found = measure_difference(pairs, claim)
    unit: Unit = "points" if is_share(claim.metric) else ""
    published = (claim.published.low, claim.published.high) if claim.published else None
    decision = judge_difference(published, found.value, found.interval, unit)
    return _as_fields(found, decision, format_measured(found.value, found.interval, unit, signed=True))


def _as_fields(found: Measurement, decision: Decision, text: str) -> dict[str, Any]:
    verdict, reason = decision
    return {
        "measured": found.value,
        "measured_text": text,
        "interval": found.interval,
        "rule": found.rule,
        "verdict": verdict,
        "reason": reason,
        "details": {"by_seed": {str(seed): value for seed, value in found.by_seed.items()}},
    }


def _judge_order(groups: Sequence[Sequence[tuple[str, float]]], metric: str) -> dict[str, Any]:
    unit: Unit = "%" if is_share(metric) else ""
    verdict, reason = judge_order(groups, unit)
    values = {name: value for group in groups for name, value in group}
    descending = sorted(values.items(), key=lambda item: -item[1])
    return {
        "measured_text": ", ".join(f"{name} {format_number(value, unit)}" for name, value in descending),
        "rule": "means over the seeds, intervals not used",
        "verdict": verdict,
        "reason": reason,
        "details": {"values": values},
    }


def _judge_matrix(claim: MatrixClaim, runs: Sequence[Run]) -> dict[str, Any]:
    classes, measured, support = measure_matrix(runs, claim)
    published = np.array(claim.rows)
    holds = compare_matrices(published, measured, support, claim.rounding)
    verdict, reason = judge_matrix(holds)
    distances = np.abs(measured - published)
    row, column = (int(index) for index in np.unravel_index(distances.argmax(), distances.shape))
    worst = f"{classes[row]} called {classes[column]}, {measured[row, column]:.2f} against {published[row, column]:.2f}"
    mean_distance = float(distances.mean())
    return {
        "measured": float(holds.mean()),
        "measured_text": f"{int(holds.sum())} of {holds.size} cells; mean difference {100 * mean_distance:.1f} points",
        "rule": "Wilson 95 % for each cell on the images of its true class",
        "verdict": verdict,
        "reason": f"{reason}; the worst is {worst}",
        "details": {
            "mean_absolute_difference": mean_distance,
            "worst_cell": {
                "true": classes[row],
                "predicted": classes[column],
                "published": float(published[row, column]),
                "measured": float(measured[row, column]),
            },
            "classes": list(classes),
            "published": published.tolist(),
            "measured": measured.tolist(),
            "holds": holds.tolist(),
        },
    }
