"""What a claim asks for and what the paper prints of it, in words, and which of its runs are missing."""

from collections.abc import Mapping, Sequence

from fer_lib.metric_paths import short_name
from fer_lib.papers.claim_kinds import (
    Claim,
    DifferenceClaim,
    MatrixClaim,
    OrderingClaim,
    RangeClaim,
    RankingClaim,
    SpreadClaim,
)


def claim_texts(claim: Claim) -> tuple[str, str, float | None]:
    """The number that a claim asks for, what is published of it, and that as a number where it is one."""
    metric, published, value = "confusion matrix, shares of each true class", "the whole matrix", None
    if isinstance(claim, OrderingClaim):
        metric = "order of " + claim.groups[0][0].split(".")[0].replace("_", " ")
        published = _print_groups([[short_name(name) for name in group] for group in claim.groups])
    elif isinstance(claim, RankingClaim):
        metric, published = f"order of {short_name(claim.metric)}", _print_groups(claim.groups)
    elif isinstance(claim, DifferenceClaim):
        first = claim.variant + (f" ({claim.grouping})" if claim.grouping else "")
        metric = f"{claim.metric}, {first} minus {claim.minus}"
        published = claim.published.text if claim.published else "higher (no value published)"
        value = claim.published.value if claim.published else None
    elif not isinstance(claim, MatrixClaim):
        metric = claim.metric + (f" / {claim.divided_by:,.10g}" if claim.divided_by != 1 else "")
        if isinstance(claim, RangeClaim | SpreadClaim):
            published = f"{claim.low.text} to {claim.high.text}"
        else:
            published, value = claim.published.text, claim.published.value
    return metric, published, value


def why_not_run(missing: Sequence[tuple[str, int]], obstacles: Mapping[tuple[str, int], str]) -> str:
    """`ImageNet weights not available: no run of resnet50 (seed 0)`, or without what stood in the way where unknown."""
    by_reason: dict[str, list[tuple[str, int]]] = {}
    for pair in missing:
        by_reason.setdefault(obstacles.get(pair, ""), []).append(pair)
    return "; ".join(
        f"{reason}{': ' if reason else ''}no run of {_list_missing(pairs)}" for reason, pairs in by_reason.items()
    )


def _list_missing(missing: Sequence[tuple[str, int]]) -> str:
    """`light_vgg (seeds 1, 2), qda (seed 0)`."""
    seeds: dict[str, list[int]] = {}
    for name, seed in missing:
        seeds.setdefault(name, []).append(seed)
    return ", ".join(
        f"{name} (seed{'s' if len(given) > 1 else ''} {', '.join(map(str, given))})" for name, given in seeds.items()
    )


def _print_groups(groups: Sequence[Sequence[str]]) -> str:
    """`happy > surprise > angry, fear`."""
    return " > ".join(", ".join(group) for group in groups)
