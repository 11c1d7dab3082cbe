"""What must agree within a card: variants, hyper-parameters, profiles and claims speak of each other."""

from typing import TYPE_CHECKING

from fer_lib.labels import GROUPINGS, class_names
from fer_lib.metric_paths import check_metric
from fer_lib.papers.claim_kinds import Claim, DifferenceClaim, MatrixClaim, metrics_of, variants_of
from fer_lib.papers.readings import places
from fer_lib.papers.validation_images import check_validation_images
from fer_lib.papers.values import FUSIONS, check_values

if TYPE_CHECKING:
    from fer_lib.papers.schema import PaperCard, Variant

PROFILES = ("smoke", "quick", "paper")

INTERPOLATIONS = ("nearest", "bicubic")
"""Ways to enlarge pictures that nobody has to train."""


def check_agreement(card: "PaperCard") -> None:
    """Refuse a card whose parts contradict each other.

    Raises:
        ValueError: with the place of the contradiction in the card.
    """
    _check_profiles(card)
    _check_variants(card)
    _check_search(card)
    check_values(card)
    check_validation_images(card)
    for index, claim in zip(places(card.claims), card.claims, strict=True):
        _check_claim(card, claim, f"claims.{index} ({claim.id})")
    ids = [claim.id for claim in card.claims]
    repeated = sorted({name for name in ids if ids.count(name) > 1})
    if repeated:
        raise ValueError(f"claims: ids must be unique. Received: {repeated} more than once")


def _check_profiles(card: "PaperCard") -> None:
    if set(card.profiles) != set(PROFILES):
        raise ValueError(f"profiles: must be {list(PROFILES)}. Received: {list(card.profiles)}")
    epochs = card.hyperparameters.get("epochs")
    if epochs and epochs.value != card.profiles["paper"].epochs:
        received = f"{epochs.value!r} and {card.profiles['paper'].epochs}"
        raise ValueError(f"hyperparameters.epochs.value: must equal profiles.paper.epochs. Received: {received}")

    for name, profile in card.profiles.items():
        for hyperparameter in profile.hyperparameters:
            _check_known(f"profiles.{name}.hyperparameters", hyperparameter, list(card.hyperparameters))
    published = card.profiles["paper"]
    if published.models or published.options or published.hyperparameters:
        received = f"{published.models or published.options or published.hyperparameters}"
        raise ValueError(f"profiles.paper: may not change the published network or values. Received: {received}")


def _check_variants(card: "PaperCard") -> None:
    for name, variant in card.variants.items():
        where = f"variants.{name}"
        _check_known(f"{where}.grouping", variant.grouping, [*GROUPINGS, None])
        _check_sources(card, variant, where)
        if variant.kind == "classifier" and variant.grouping:
            raise ValueError(f"{where}.grouping: only networks are trained on groups. Received: {variant.grouping!r}")
        if variant.kind != "classifier":
            for hyperparameter in variant.hyperparameters:
                _check_known(f"{where}.hyperparameters", hyperparameter, list(card.hyperparameters))


def _check_sources(card: "PaperCard", variant: "Variant", where: str) -> None:
    """Variants that another one is made from must be there, and of a kind that it can be made from."""
    of_kind: dict[str, list[str]] = {}
    for name, other in card.variants.items():
        of_kind.setdefault(other.kind, []).append(name)
    if variant.starts_from is not None:
        first = [name for name in of_kind["network"] if not card.variants[name].starts_from]
        _check_known(f"{where}.starts_from", variant.starts_from, first)
    if variant.enlarged_by is not None:
        _check_known(
            f"{where}.enlarged_by", variant.enlarged_by, [*INTERPOLATIONS, *of_kind.get("super_resolution", [])]
        )
    _check_members(variant, where)
    for member in variant.members:
        _check_known(f"{where}.members", member, of_kind["network"])
        _check_member(card, variant, member, where)


def _check_members(variant: "Variant", where: str) -> None:
    if variant.kind != "ensemble":
        if variant.members:
            raise ValueError(f"{where}.members: nothing but an ensemble has any. Received: {variant.members}")
        return
    _check_known(f"{where}.model", variant.model, list(FUSIONS))
    numbers = FUSIONS[variant.model]
    if len(variant.members) not in numbers or len(set(variant.members)) != len(variant.members):
        number = " or ".join(str(number) for number in numbers)
        raise ValueError(f"{where}.members: must name {number} different variants. Received: {variant.members}")


def _check_member(card: "PaperCard", ensemble: "Variant", name: str, where: str) -> None:
    """A network and what fuses it must be of the same images and classes."""
    for field in ("protocol", "grouping"):
        own, wanted = getattr(card.variants[name], field), getattr(ensemble, field)
        if own != wanted:
            received = f"{name!r} with {own!r}"
            raise ValueError(f"{where}.members: must have the ensemble's {field}, {wanted!r}. Received: {received}")


def _check_search(card: "PaperCard") -> None:
    for name in card.search:
        _check_known("search", name, list(card.hyperparameters))
    for name, value in card.hyperparameters.items():
        if value.origin == "searched" and name not in card.search:
            raise ValueError(f"hyperparameters.{name}.searched: search must name it. Received: {list(card.search)}")


def _check_claim(card: "PaperCard", claim: Claim, where: str) -> None:
    for name in variants_of(claim):
        _check_known(f"{where}.variant", name, list(card.variants))
    _check_known(f"{where}.grouping", claim.grouping, [*GROUPINGS, None])
    first = card.variants[variants_of(claim)[0]]
    if claim.grouping and first.grouping:
        received = f"{claim.grouping!r} over {first.grouping!r}"
        raise ValueError(f"{where}.grouping: that variant's classes are grouped already. Received: {received}")
    sides = [(name, claim.grouping) for name in variants_of(claim)]
    if isinstance(claim, DifferenceClaim):
        sides = [(claim.variant, claim.grouping), (claim.minus, None)]
    for name, grouping in sides:
        classes = class_names(grouping or card.variants[name].grouping)
        for metric in metrics_of(claim):
            try:
                check_metric(metric, claim.split, classes)
            except ValueError as error:
                raise ValueError(f"{where}.metric: {error}") from None
        if isinstance(claim, MatrixClaim) and len(claim.rows) != len(classes):
            raise ValueError(f"{where}.rows: must be {len(classes)} rows, one per class. Received: {len(claim.rows)}")


def _check_known(where: str, name: str | None, known: list[str] | list[str | None]) -> None:
    if name not in known:
        raise ValueError(f"{where}: must be one of {known}. Received: {name!r}")
