"""Which values a card may give to hyper-parameters and options: names that something reads, of the type it reads.

`SETTINGS` types what is read by name. A builder may take further options: their names and simple types are read from
its source, since a card is checked without TensorFlow.
"""

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from fer_lib.papers.claim_kinds import Identifier, Text

if TYPE_CHECKING:
    from fer_lib.papers.schema import PaperCard

MODELS = Path(__file__).parents[1] / "models"

CLASSIFIERS = {"lda": (), "qda": ("shrinkage", "solver", "tol"), "softmax_regression": ("max_iter",)}
"""Classifiers on pixels, and the options of scikit-learn's that cards set."""

REDUCED = "side"
"""What a profile may set for classifiers: pixels a side that images are reduced to."""

CONTENT_WEIGHTS = "weights"
"""An option of super-resolution that its generator does not take: weights of the network of the content loss."""

CONTENT_NETWORK = "vgg19"
"""Network of the content loss where it is made from weights, ImageNet's or a file's, as in Ledig et al. 2017."""

AVERAGE = "average"
"""The model of an ensemble whose members' probabilities are averaged, which takes nothing else of them."""

FEATURES = "features"
"""The model of an ensemble that fits a layer to its members' features."""

FUSIONS = {AVERAGE: (2,), FEATURES: (1, 2)}
"""What an ensemble fuses, probabilities or the inputs of its members' last layers -> how many members it can have.

The features of one network under a layer fitted anew are the control of a fusion: what the fit alone gives.
"""

Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Portion = Annotated[float, Field(gt=0, le=1)]
Widths = list[Count]


SETTINGS: dict[str, Any] = {
    "optimizer": Literal["adam", "adamax", "sgd"],
    "learning_rate": Rate,
    "head_learning_rate": Rate,
    "adversarial_learning_rate": Rate,
    "beta_1": Share,
    "beta_2": Share,
    "momentum": Share,
    "batch_size": Count,
    "epochs": Count,
    "patience": Count,
    "warm_up_epochs": Whole,
    "kept_epoch": Literal["best_validation_accuracy", "best_validation_loss", "last"],
    "schedule": Literal["whole", "head_then_all", "gradual"],
    "frozen_batch_norm": Literal["inference", "trained"],
    "loss": Literal["categorical_crossentropy"],
    "centre_weight": Weight,
    "centre_rate": Portion,
    "pixel_weight": Weight,
    "content_weight": Weight,
    "content_layer": Identifier,
    "adversarial_weight": Weight,
    "discriminator_filters": Count,
    "padding": Literal["same"],
    "pixel_scaling": Literal["unit_interval"],
    "mean_subtraction": Literal["one mean of all training pixels"],
    "augmentation": Literal["none"],
    "horizontal_flip": bool,
    "rotation_degrees": Annotated[float, Field(ge=0, le=180)],
    "shift_fraction": Share,
    "zoom_fraction": Share,
    "crop_side": Whole,
    "test_crop_side": Whole,
    "test_share": Annotated[float, Field(gt=0, lt=1)],
    "originals_per_class": Count,
    "test_originals_per_class": Count,
    "transforms_per_original": Whole,
    "scenes_per_class": Count,
    "dropout_rate": Share,
    "pixels": Literal["expected", "unit"],
    "grey": Literal["replicated", "one_channel"],
    "kernel_initializer": Literal["glorot_uniform", "he_normal"],
    "weights": Text,
    "width": Portion,
    "side": Count,
}
"""What trainings, protocols and networks read by name. Where one value alone is implemented, no other is taken."""

OF_ANNOTATIONS: dict[str, Any] = {
    "bool": bool,
    "int": Count,
    "float": float,
    "str": Text,
    "Sequence[int]": Widths,
    "tuple[int, ...]": Widths,
}
"""What an option that is not in `SETTINGS` must be, by its annotation in the builder; others are taken as they are."""


@cache
def builder_options() -> dict[str, dict[str, str]]:
    """Name of a network -> its builder's options and their annotations, read from the source of `fer_lib.models`."""
    functions = [
        node
        for path in sorted(MODELS.glob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("build_")
    ]
    return {
        function.name.removeprefix("build_"): {
            argument.arg: ast.unparse(argument.annotation) for argument in function.args.args if argument.annotation
        }
        for function in functions
    }


def check_values(card: "PaperCard") -> None:
    """Refuse names that nothing reads, and values of another kind than is read.

    Raises:
        ValueError: with the place in the card.
    """
    for where, model, kind in _models(card):
        known = CLASSIFIERS if kind == "classifier" else builder_options()
        if model not in known:
            raise ValueError(f"{where}: must be one of {sorted(known)}. Received: {model!r}")
    for where, name, value, builders in (*_settings(card), *_options(card)):
        _check_value(where, name, value, builders)


def _models(card: "PaperCard") -> Iterator[tuple[str, str, str]]:
    """Every network and classifier that a card names: place, name, kind."""
    built = {variant.model for variant in card.variants.values()}
    for name, variant in card.variants.items():
        if variant.kind != "ensemble":
            yield f"variants.{name}.model", variant.model, variant.kind
        if variant.kind == "super_resolution" and CONTENT_WEIGHTS in variant.options:
            built.add(CONTENT_NETWORK)
    for name, profile in card.profiles.items():
        for replaced, built_instead in profile.models.items():
            if replaced not in built:
                raise ValueError(f"profiles.{name}.models: must be among {sorted(built)}. Received: {replaced!r}")
            yield f"profiles.{name}.models.{replaced}", built_instead, "network"


def _settings(card: "PaperCard") -> Iterator[tuple[str, str, Any, set[str]]]:
    """Every hyper-parameter: place, name, value, and the networks that may take it as an option."""
    by_kind = {kind: _built(card, kind) for kind in (None, *(variant.kind for variant in card.variants.values()))}
    for name, value in card.hyperparameters.items():
        yield f"hyperparameters.{name}.value", name, value.value, by_kind.get(value.only_for, set())
    for variant_name, variant in card.variants.items():
        if variant.kind not in ("classifier", "ensemble"):
            for name, given in variant.hyperparameters.items():
                yield f"variants.{variant_name}.hyperparameters.{name}", name, given, {variant.model}
    for profile_name, profile in card.profiles.items():
        for name, given in profile.hyperparameters.items():
            only_for = card.hyperparameters[name].only_for
            yield f"profiles.{profile_name}.hyperparameters.{name}", name, given, by_kind.get(only_for, set())
    for name, space in card.search.items():
        values = space.choices if space.kind == "choice" else [space.low, space.high]
        for given in values:
            yield f"search.{name}", name, given, by_kind["network"]


def _options(card: "PaperCard") -> Iterator[tuple[str, str, Any, set[str]]]:
    """Every option of a builder, as `_settings` has hyper-parameters; those that it does not take are refused."""
    for variant_name, variant in card.variants.items():
        taken = _options_of(variant.kind, variant.model)
        for name, given in variant.options.items():
            where = f"variants.{variant_name}.options"
            if name not in taken:
                raise ValueError(f"{where}: must be among {sorted(taken)}. Received: {name!r}")
            if variant.kind != "classifier":
                yield f"{where}.{name}", name, given, {variant.model}
    for profile_name, profile in card.profiles.items():
        builders = _built(card, "network") | _built(card, "timing") | set(profile.models.values())
        taken = {REDUCED}.union(*(builder_options()[builder] for builder in builders))
        for name, given in profile.options.items():
            where = f"profiles.{profile_name}.options"
            if name not in taken:
                raise ValueError(f"{where}: must be among {sorted(taken)}. Received: {name!r}")
            yield f"{where}.{name}", name, given, builders


def _built(card: "PaperCard", kind: str | None) -> set[str]:
    """Networks that variants of a kind build, or of all kinds."""
    built = {variant.model for variant in card.variants.values() if kind in (None, variant.kind)}
    return built & set(builder_options())


def _options_of(kind: str, model: str) -> Collection[str]:
    if kind == "classifier":
        return CLASSIFIERS[model]
    own = builder_options().get(model, {})
    return {*own, CONTENT_WEIGHTS} if kind == "super_resolution" else own


def _check_value(where: str, name: str, value: Any, builders: set[str]) -> None:
    """Refuse a value that is not what `SETTINGS`, or else the builders that take it, say; or that nothing takes."""
    annotations = {builder_options()[builder][name] for builder in builders if name in builder_options()[builder]}
    if name not in SETTINGS and not annotations:
        raise ValueError(f"{where}: {name!r} is read by nothing that this card builds or trains. Received: {value!r}")
    wanted = [SETTINGS[name]] if name in SETTINGS else [OF_ANNOTATIONS.get(text, Any) for text in annotations]
    for kind in wanted:
        try:
            TypeAdapter(kind).validate_python(value, strict=True)
        except ValidationError as error:
            raise ValueError(f"{where}: {error.errors()[0]['msg']}. Received: {value!r}") from None
