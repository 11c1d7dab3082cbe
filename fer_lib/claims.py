"""Published number + measured number -> verdict. Verdicts are computed here and typed nowhere; `RULES` says how."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

from fer_lib.claim_texts import claim_texts, why_not_run
from fer_lib.findings import judge_runs
from fer_lib.intervals import Interval
from fer_lib.metric_paths import MissingNumber, describe_view
from fer_lib.papers.claim_kinds import Claim, DifferenceClaim, metrics_of, variants_of
from fer_lib.papers.schema import PaperCard
from fer_lib.runs import Run, find_obstacles
from fer_lib.verdicts import (
    DIVERGED,
    NO_VOTES,
    OTHER_DATA,
    RULES,
    SAMPLE_DATA,
    SHORTENED,
    SMALL_BUDGET,
    VERDICTS,
    Verdict,
)

__all__ = ["OTHER_DATA", "RULES", "SAMPLE_DATA", "SHORTENED", "VERDICTS", "Judgement", "judge"]

T = TypeVar("T")

TRAINED = ("history", "attribution", "features", "super_resolution")
"""Numbers of a run as a whole that its training decides, as it does those of a split."""


@dataclass(frozen=True)
class Judgement:
    """One claim, what was measured, and whether it held. Texts are for people; the rest is for plots and tables.

    Attributes:
        claim_id: id of the claim in its card.
        paper: id of the paper.
        says: the paper's words in a few of ours.
        where: section, table or figure.
        note: what a reader must know of our reading; may be empty.
        kind: kind of the claim, as in the card.
        variants: the variants it speaks of.
        split: where it is measured; None for a number of the run as a whole.
        view: which predictions or which part of the split, in words; empty for all of it, predicted once.
        metric: the number in words.
        published: as the paper prints it.
        published_value: as a number, where it is one; percent as fractions.
        measured: mean over the seeds; for a matrix the share of cells that hold; None for orders and where not run.
        measured_text: the same with its interval, as printed.
        interval: 95 % interval of `measured`.
        rule: how the interval was made.
        stands_for: data set that the runs' pictures stand in for; empty where they are the paper's, or there is no run.
        verdict: one of VERDICTS, or None where there may be none (`verdicts.RULES`, "no verdict").
        reason: why that verdict, or why none.
        n_seeds: seeds measured.
        n_seeds_expected: seeds the card asks for.
        details: numbers behind it: by_seed; of a matrix its cells; of orders every value.
    """

    claim_id: str
    paper: str
    says: str
    where: str
    note: str
    kind: str
    variants: tuple[str, ...]
    split: str | None
    view: str
    metric: str
    published: str
    published_value: float | None
    measured: float | None = None
    measured_text: str = ""
    interval: Interval | None = None
    rule: str = ""
    stands_for: str = ""
    verdict: Verdict | None = None
    reason: str = ""
    n_seeds: int = 0
    n_seeds_expected: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        plain = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}


def judge(
    card: PaperCard, runs: Sequence[Run], obstacles: Mapping[tuple[str, int], str] | None = None
) -> list[Judgement]:
    """Judge every claim of a card, in its order, by the runs there are.

    Args:
        card: the paper.
        runs: complete runs of one profile; those of other papers are left out.
        obstacles: why others could not be made, by variant and seed (`runs.read_obstacles`); None finds those that are
            noted beside the runs, and none where there are no runs.

    Raises:
        ValueError: if two runs are of the same variant and seed.
    """
    by_variant: dict[str, dict[int, Run]] = {}
    runs = [run for run in runs if run.request["paper"] == card.id]
    obstacles = find_obstacles(runs) if obstacles is None else obstacles
    for run in runs:
        request = run.request
        by_seed = by_variant.setdefault(request["variant"], {})
        if request["seed"] in by_seed:
            folders = [str(by_seed[request["seed"]].folder), str(run.folder)]
            raise ValueError(f"runs must hold one run per variant and seed. Received: {folders}")
        by_seed[request["seed"]] = run
    in_order = {name: dict(sorted(by_seed.items())) for name, by_seed in by_variant.items()}
    return [_judge_claim(card, claim, in_order, obstacles) for claim in card.claims]


def _judge_claim(
    card: PaperCard,
    claim: Claim,
    by_variant: Mapping[str, Mapping[int, Run]],
    obstacles: Mapping[tuple[str, int], str],
) -> Judgement:
    """Describe the claim, find its runs, measure, and withhold the verdict where none may be given."""
    wanted = {name: {seed: (name, seed) for seed in card.seeds(name, "paper")} for name in variants_of(claim)}
    planned, found = _group(card, claim, wanted), _group(card, claim, by_variant)
    needed = {pair for group in planned for pair in group}
    asked = [pair for seeds in wanted.values() for pair in seeds.values() if pair in needed]
    missing = [(name, seed) for name, seed in asked if seed not in by_variant.get(name, {})]
    judgement = replace(_describe(claim, card.id), n_seeds_expected=_count_seeds(claim, planned, planned))
    if not found or not all(found):
        return replace(judgement, verdict="not run", reason=why_not_run(missing, obstacles))
    used = [run for group in found for run in group]
    judgement = replace(judgement, n_seeds=_count_seeds(claim, found, planned), stands_for=_stand_ins(claim, used))
    barred = _why_no_verdict(used) or _small_budget(card, claim)
    data = {(run.request["data"]["sha256"], run.request["data"].get("stands_for", "")) for run in used}
    if not barred and len(data) > 1:
        return replace(judgement, verdict="not run", reason="the runs were made on different data")
    try:
        judgement = replace(judgement, **judge_runs(claim, found))
    except MissingNumber as error:
        judgement = replace(judgement, verdict="not run", reason=str(error))
    if barred:
        return replace(judgement, verdict=None, reason=barred)
    if judgement.stands_for and judgement.verdict not in (None, "not run"):
        reason = f"measured on a stand-in for {judgement.stands_for}: {judgement.reason}"
        judgement = replace(judgement, verdict="indicative", reason=reason)
    if missing:
        seeds = f"{judgement.n_seeds} of {judgement.n_seeds_expected} seeds"
        return replace(judgement, reason=f"{judgement.reason} ({seeds}; {why_not_run(missing, obstacles)})")
    return judgement


def _group(card: PaperCard, claim: Claim, by_variant: Mapping[str, Mapping[int, T]]) -> list[tuple[T, ...]]:
    """What a claim compares: for a difference one pair per seed, else for each variant its seeds.

    A classifier without a run of a seed stands beside the other variant's with its first: on the same images its seed
    does not matter.
    """
    if not isinstance(claim, DifferenceClaim):
        return [tuple(by_variant.get(name, {}).values()) for name in variants_of(claim)]
    sides = [by_variant.get(claim.variant, {}), by_variant.get(claim.minus, {})]
    seeds = sorted(set(sides[0]) | set(sides[1]))
    for index, name in enumerate((claim.variant, claim.minus)):
        if card.variants[name].kind == "classifier" and sides[index]:
            sides[index] = {**dict.fromkeys(seeds, next(iter(sides[index].values()))), **sides[index]}
    return [(sides[0][seed], sides[1][seed]) for seed in seeds if seed in sides[0] and seed in sides[1]]


def _count_seeds(claim: Claim, groups: Sequence[tuple[T, ...]], planned: Sequence[tuple[Any, ...]]) -> int:
    """Pairs of a difference; else seeds, of those variants that should have the most."""
    if isinstance(claim, DifferenceClaim):
        return len(groups)
    most = max(len(group) for group in planned)
    return min(len(group) for group, plan in zip(groups, planned, strict=True) if len(plan) == most)


def _why_no_verdict(runs: Sequence[Run]) -> str:
    if any(run.request["data"]["is_sample"] for run in runs):
        return SAMPLE_DATA
    if any(run.is_on_other_data for run in runs):
        return OTHER_DATA
    if any(run.request["data"].get("cleaned_by") == "cascade" for run in runs):
        return NO_VOTES
    if any(run.config["record"].get("shortened", False) for run in runs):
        return SHORTENED
    return DIVERGED if any(run.has_diverged for run in runs) else ""


def _small_budget(card: PaperCard, claim: Claim) -> str:
    """Why a claim on predictions has no verdict: a variant of a small budget, unless it is compared with its like.

    Its like are of a small budget too, networks of as many epochs, those of an ensemble included. How far one is above
    another is then no more told than how good it is: a published difference is not judged either.
    """
    names = variants_of(claim)
    budgets = {name: card.variants[name].small_budget for name in names if card.variants[name].small_budget}
    trained = claim.split is not None or any(metric.split(".")[0] in TRAINED for metric in metrics_of(claim))
    networks = {network for name in names for network in card.variants[name].members or [name]}
    epochs = {card.settings(name).get("epochs") for name in networks if card.variants[name].kind == "network"}
    asks_for_more = getattr(claim, "published", None) is not None or getattr(claim, "full_budget", False)
    compared_with_like = 1 < len(names) == len(budgets) and len(epochs) < 2 and not asks_for_more
    if not trained or not budgets or compared_with_like:
        return ""
    return "; ".join(f"{SMALL_BUDGET} ({name}: {text})" for name, text in budgets.items())


def _stand_ins(claim: Claim, runs: Sequence[Run]) -> str:
    """Names of the data sets that the runs' pictures stand in for, and of what the claim says is stood in for."""
    named = {run.request["data"].get("stands_for", "") for run in runs} | {getattr(claim, "stands_for", "")}
    return " and ".join(sorted(named - {""}))


def _describe(claim: Claim, paper: str) -> Judgement:
    """The claim's part of a judgement, before anything is measured."""
    metric, published, value = claim_texts(claim)
    return Judgement(
        claim_id=claim.id,
        paper=paper,
        says=claim.says,
        where=claim.where,
        note=claim.note,
        kind=claim.kind,
        variants=tuple(variants_of(claim)),
        split=claim.split,
        view=describe_view(claim.view) if claim.split else "",
        metric=metric,
        published=published,
        published_value=value,
    )
