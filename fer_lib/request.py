"""What determines a run: the values of a card's variant under a profile, on some data."""

import hashlib
from pathlib import Path
from typing import Any

from fer_lib import models
from fer_lib.datasets import FerDataset
from fer_lib.labels import class_names
from fer_lib.papers import PaperCard
from fer_lib.protocols import describe_data


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
) -> dict[str, Any]:
    """Everything that determines a run, JSON-ready; equal requests make equal runs.

    Raises:
        ValueError: if the variant, profile or an overridden hyper-parameter is not in the card, or `epochs` is below 1.
    """
    if variant not in card.variants:
        raise ValueError(f"variant of {card.id} must be one of {list(card.variants)}. Received: {variant!r}")
    if profile not in card.profiles:
        raise ValueError(f"profile must be one of {list(card.profiles)}. Received: {profile!r}")
    if epochs is not None and epochs < 1:
        raise ValueError(f"epochs must be at least 1. Received: {epochs}")
    unknown = sorted(set(overrides or {}) - set(card.hyperparameters))
    if unknown:
        raise ValueError(
            f"hyper-parameters of {card.id} must be among {list(card.hyperparameters)}. Received: {unknown}"
        )
    chosen = card.variants[variant]
    settings = card.settings(variant, profile)
    if chosen.kind != "classifier":
        settings |= overrides or {}
    if chosen.kind == "network":
        settings["epochs"] = epochs or card.profiles[profile].epochs
    request: dict[str, Any] = {
        "paper": card.id,
        "variant": variant,
        "seed": seed,
        "kind": chosen.kind,
        "model": chosen.model,
        "options": _builder_options(card, variant, profile, settings, data),
        "hyperparameters": settings,
        "grouping": chosen.grouping,
        "epochs": settings.get("epochs"),
        "data": describe_data(data, chosen.protocol),
        "precision": precision,
        "deterministic": deterministic,
    }
    if chosen.starts_from:
        request["starts_from"] = make_request(
            card, chosen.starts_from, seed, profile, data,
            epochs=epochs, precision=precision, deterministic=deterministic,
        )  # fmt: skip
    if chosen.attribution:
        request["attribution"] = True
    weights = Path(request["options"].get("weights", "none"))
    if weights.is_file():
        request["weights_sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    return request


def is_shortened(card: PaperCard, request: dict[str, Any], data: FerDataset) -> bool:
    """Whether a request departs from the budget and the network that the card publishes, so that no verdict is due."""
    published = make_request(card, request["variant"], request["seed"], "paper", data)
    return any(request[name] != published[name] for name in ("options", "hyperparameters"))


def _builder_options(
    card: PaperCard, variant: str, profile: str, settings: dict[str, Any], data: FerDataset
) -> dict[str, Any]:
    """Arguments of the model's builder: the variant's own, and what its builder takes of settings and profile."""
    chosen, offered = card.variants[variant], {**settings, **card.profiles[profile].options}
    if chosen.kind == "classifier":
        reduced = {"side": offered["side"]} if "side" in offered else {}
        return {**settings, **chosen.options, **reduced}
    taken = {name: offered[name] for name in models.options_of(chosen.model) if name in offered}
    shape = list(data.train.images.shape[1:])
    return {**taken, "input_shape": shape, "classes": len(class_names(chosen.grouping)), **chosen.options}
