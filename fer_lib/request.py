"""What determines a run: the values of a card's variant under a profile, on some data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_lib import models
from fer_lib.datasets import FerDataset
from fer_lib.files import file_sha256
from fer_lib.labels import class_names
from fer_lib.models.weights import is_imagenet
from fer_lib.papers import PaperCard
from fer_lib.papers.values import AVERAGE, CONTENT_NETWORK
from fer_lib.protocols import describe_data
from fer_lib.super_resolution.pairs import SCALE

OF_THEIR_OWN = ("classifier", "ensemble")
"""Kinds of variants that no hyper-parameter of the card's networks concerns."""


def make_request(
    card: PaperCard,
    variant: str,
    seed: int,
    profile: str,
    data: FerDataset,
    *,
    epochs: int | None = None,
    precision: str = "auto",
    deterministic: bool = False,
    overrides: dict[str, Any] | None = None,
    weights: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Everything that determines a run, JSON-ready; equal requests make equal runs.

    Epochs that are asked for, by `epochs` or an override, are taken as they are; else the profile's are, or the
    variant's own where these are fewer. `weights` names files, by network, in place of the weights that the card has
    variants start from.

    Raises:
        ValueError: if the variant, profile or an overridden hyper-parameter is not in the card, `epochs` is below 1, or
            for `weights` (see `resolve_weights`).
    """
    _check_asked(card, variant, epochs, overrides or {})
    files = resolve_weights(card, profile, weights or {})
    chosen = card.variants[variant]
    settings = _settings(card, variant, profile, epochs, overrides or {})
    request: dict[str, Any] = {
        "paper": card.id,
        "variant": variant,
        "seed": seed,
        "kind": chosen.kind,
        "model": network_of(card, variant, profile),
        "options": _builder_options(card, variant, profile, settings, data),
        "hyperparameters": settings,
        "grouping": chosen.grouping,
        "epochs": settings.get("epochs"),
        "data": describe_data(data, chosen.protocol),
        "precision": precision,
        "deterministic": deterministic,
    }
    if chosen.kind == "super_resolution" and "weights" in chosen.options:
        request["content_network"] = _weighted_network(card, variant, profile)

    def request_of(source: str) -> dict[str, Any]:
        return make_request(
            card, source, seed, profile, data,
            epochs=epochs, precision=precision, deterministic=deterministic, weights=files,
        )  # fmt: skip

    request |= _request_sources(card, variant, request_of)
    if chosen.attribution:
        request["attribution"] = True
    if "weights" in request["options"]:
        path = Path(files.get(_weighted_network(card, variant, profile), request["options"]["weights"]))
        request["options"]["weights"] = str(path)
        if path.is_file():
            request["weights_sha256"] = file_sha256(path)
    return request


def resolve_weights(card: PaperCard, profile: str, weights: Mapping[str, str]) -> dict[str, str]:
    """Files of weights in place of those that the card has variants start from.

    Args:
        card: the paper.
        profile: smoke, quick or paper; the first two may train small networks in place of the paper's.
        weights: network -> path.

    Returns:
        Network -> absolute path.

    Raises:
        ValueError: if nothing starts from weights of such a network, or there is no such file.
    """
    networks = _networks_with_weights(card, list(card.variants), profile)
    for network, path in weights.items():
        if network not in networks:
            rule = f"weights of {card.id} in profile {profile} must be of networks among {networks}"
            raise ValueError(f"{rule}. Received: {network!r}")
        if not Path(path).expanduser().is_file():
            raise ValueError(f"weights must name files. Received: {path!r} for {network}")
    return {network: str(Path(path).expanduser().resolve()) for network, path in weights.items()}


def check_weights_are_used(card: PaperCard, variant: str, profile: str, weights: Mapping[str, str]) -> None:
    """Refuse weights that neither a variant nor what it is made from starts from: `make_request` passes them over.

    Args:
        card: the paper.
        variant: name of a variant in it.
        profile: smoke, quick or paper.
        weights: network -> path, as `resolve_weights` returns it.

    Raises:
        ValueError: naming the networks that it takes weights of.
    """
    made = [*sources_of(card, variant), variant]
    made += [source for name in made for source in sources_of(card, name)]  # of an average the members' own
    taken = _networks_with_weights(card, made, profile)
    idle = sorted(set(weights) - set(taken))
    if idle:
        rule = f"{variant} of {card.id} in profile {profile} takes weights of {' and '.join(taken) or 'no network'}"
        raise ValueError(f"{rule}. Received: {', '.join(f'{weights[name]!r} for {name}' for name in idle)}")


def _networks_with_weights(card: PaperCard, variants: Sequence[str], profile: str) -> list[str]:
    """Networks that variants start from the weights of, ImageNet's or a file's, in alphabetical order."""
    starting = [name for name in variants if "weights" in card.variants[name].options]
    return sorted({_weighted_network(card, name, profile) for name in starting})


def network_of(card: PaperCard, variant: str, profile: str) -> str:
    """Name of the network that a profile builds for a variant: the variant's, or a small one in its place."""
    model = card.variants[variant].model
    return card.profiles[profile].models.get(model, model)


def _weighted_network(card: PaperCard, variant: str, profile: str) -> str:
    """The network that starts from a variant's `weights`: of super-resolution that of its content loss."""
    if card.variants[variant].kind == "super_resolution":
        return card.profiles[profile].models.get(CONTENT_NETWORK, CONTENT_NETWORK)
    return network_of(card, variant, profile)


def sources_of(card: PaperCard, variant: str) -> list[str]:
    """Variants that another one is made from, and those that these are made from; each after its own sources.

    Of an average the members alone: once they are there, their probabilities are all that it takes.
    """
    chosen = card.variants[variant]
    if chosen.model == AVERAGE:
        return list(chosen.members)
    named = [name for name in (chosen.starts_from, chosen.enlarged_by, *chosen.members) if name in card.variants]
    return list(dict.fromkeys(source for name in named for source in (*sources_of(card, name), name)))


def weighted_network(request: dict[str, Any]) -> str:
    """The network that takes a request's `weights`: its own, or that of a content loss."""
    return str(request.get("content_network", request["model"]))


def requests_of(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The requests of all runs that a run is made from, each after its own, and last the run's."""
    for source in (request.get("starts_from"), request.get("enlarged_by"), *request.get("members", [])):
        if isinstance(source, dict):
            yield from requests_of(source)
    yield request


def is_shortened(card: PaperCard, request: dict[str, Any], data: FerDataset) -> bool:
    """Whether a request departs from the data, budget and network of the card, so that no verdict is due."""
    return data.whole is not None or _budget(request) != _budget(
        make_request(card, request["variant"], request["seed"], "paper", data)
    )


def _budget(request: dict[str, Any]) -> list[Any]:
    """Network and values of a request, and of those that it is made from; a copy of ImageNet's weights is theirs."""
    return [[made["model"], _named_weights(made), made["hyperparameters"]] for made in requests_of(request)]


def _named_weights(request: dict[str, Any]) -> dict[str, Any]:
    options = request["options"]
    if "weights" in options and is_imagenet(weighted_network(request), options["weights"]):
        return {**options, "weights": "imagenet"}
    return options


def _check_asked(card: PaperCard, variant: str, epochs: int | None, overrides: dict[str, Any]) -> None:
    """Refuse a variant or hyper-parameter that is not in the card, and less than one epoch."""
    if variant not in card.variants:
        raise ValueError(f"variant of {card.id} must be one of {list(card.variants)}. Received: {variant!r}")
    if epochs is not None and epochs < 1:
        raise ValueError(f"epochs must be at least 1. Received: {epochs}")
    unknown = sorted(set(overrides) - set(card.hyperparameters))
    if unknown:
        known = list(card.hyperparameters)
        raise ValueError(f"hyper-parameters of {card.id} must be among {known}. Received: {unknown}")


def _settings(
    card: PaperCard, variant: str, profile: str, epochs: int | None, overrides: dict[str, Any]
) -> dict[str, Any]:
    """Hyper-parameters of a run: the card's, then what is asked for, then epochs within the budget."""
    chosen, budget = card.variants[variant], card.budget(profile)
    settings = card.settings(variant, profile)
    if chosen.kind not in OF_THEIR_OWN:
        settings |= overrides
    if chosen.kind in ("network", "super_resolution"):
        asked = epochs or overrides.get("epochs")
        settings["epochs"] = asked or min(budget.epochs, chosen.hyperparameters.get("epochs", budget.epochs))
    if "warm_up_epochs" in settings:
        settings["warm_up_epochs"] = min(settings["warm_up_epochs"], settings["epochs"] - 1)
    return settings


def _request_sources(card: PaperCard, variant: str, request_of: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """The requests of the runs that a variant is made from, and what enlarges its pictures."""
    chosen, sources = card.variants[variant], dict[str, Any]()
    if chosen.starts_from:
        sources["starts_from"] = request_of(chosen.starts_from)
    if chosen.enlarged_by:
        by_run = chosen.enlarged_by in card.variants
        sources["enlarged_by"] = request_of(chosen.enlarged_by) if by_run else chosen.enlarged_by
    if chosen.members:
        sources["members"] = [request_of(member) for member in chosen.members]
    return sources


def _builder_options(
    card: PaperCard, variant: str, profile: str, settings: dict[str, Any], data: FerDataset
) -> dict[str, Any]:
    """Arguments of the model's builder: the variant's own, and what its builder takes of settings and profile."""
    chosen, offered = card.variants[variant], {**settings, **card.profiles[profile].options}
    if chosen.kind == "classifier":
        reduced = {"side": offered["side"]} if "side" in offered else {}
        return {**settings, **chosen.options, **reduced}
    if chosen.kind == "ensemble":
        return dict(chosen.options)
    network = network_of(card, variant, profile)
    known = models.options_of(network)
    taken = {name: offered[name] for name in known if name in offered}
    own = {name: value for name, value in chosen.options.items() if name in known or network == chosen.model}
    if chosen.kind == "super_resolution":
        return {**taken, **own}
    height, width, channels = data.train.images.shape[1:]
    times = SCALE if chosen.enlarged_by else 1
    shape = [times * height, times * width, channels]
    return {**taken, "input_shape": shape, "classes": len(class_names(chosen.grouping)), **own}
