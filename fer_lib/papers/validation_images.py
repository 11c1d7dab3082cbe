"""Which variants of a card need validation images, to choose or to stop by, and which protocols leave none."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fer_lib.papers.schema import PaperCard

WITHOUT_VALIDATION = (
    "random_split",
    "balanced_together",
    "balanced_apart",
    "balanced_strong",
    "sfew_whole",
    "sfew_cropped",
)
"""Protocols that divide the images between training and test alone."""


def check_validation_images(card: "PaperCard") -> None:
    """Refuse a card in which something is chosen on validation images that a variant's protocol leaves none of.

    Raises:
        ValueError: with the place in the card of what needs them.
    """
    for name, variant in card.variants.items():
        if variant.protocol in WITHOUT_VALIDATION:
            for where, value in _needs(card, name):
                without = f"which protocol {variant.protocol!r} of variants.{name} leaves none of"
                raise ValueError(f"{where}: needs validation images, {without}. Received: {value!r}")


def _needs(card: "PaperCard", name: str) -> Iterator[tuple[str, Any]]:
    """What of a variant needs validation images: place and value."""
    variant = card.variants[name]
    if variant.kind == "ensemble":  # weight or penalty are chosen on them, and which member is the better one
        yield f"variants.{name}.model", variant.model
    elif variant.kind == "super_resolution":  # each epoch is measured on them
        yield f"variants.{name}.kind", variant.kind
    elif variant.kind == "network":
        for profile in card.profiles:
            settings = card.settings(name, profile)
            for setting in ("kept_epoch", "patience"):
                if settings.get(setting, "last") != "last":
                    yield _place(card, name, profile, setting), settings[setting]


def _place(card: "PaperCard", name: str, profile: str, setting: str) -> str:
    """Where the value of a hyper-parameter stands that `PaperCard.settings` takes."""
    if setting in card.variants[name].hyperparameters:
        return f"variants.{name}.hyperparameters.{setting}"
    if setting in card.profiles[profile].hyperparameters:
        return f"profiles.{profile}.hyperparameters.{setting}"
    return f"hyperparameters.{setting}.value"
