"""A paper as data: what a card must hold, and what must agree within it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, ValidationInfo, field_validator, model_validator

from fer_lib.papers.agreement import check_agreement
from fer_lib.papers.claim_kinds import AnyClaim, CardModel, Identifier, Text
from fer_lib.papers.readings import Reading, with_readings

Protocol = Literal[
    "official",
    "random_split",
    "balanced_together",
    "balanced_apart",
    "balanced_strong",
    "sfew_whole",
    "sfew_cropped",
    "six_classes",
    "cleaned_six",
    "drawn_sample",
]

Kind = Literal["network", "classifier", "timing", "super_resolution", "ensemble"]

NUMBER_AS_TEXT = "YAML reads this number as text; write 1.0e-3 rather than 1e-3, and no quotes"


def reads_as_number(value: Any) -> bool:
    """Whether `value` is text that somebody meant as a number, as YAML makes of `1e-3`."""
    if not isinstance(value, str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def _check_setting(value: Any) -> bool | int | float | str | list[int]:
    if isinstance(value, list) and all(type(member) is int for member in value):
        return value
    if reads_as_number(value):
        raise ValueError(NUMBER_AS_TEXT)
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise ValueError("must be finite")
    if not isinstance(value, bool | int | float | str):
        raise ValueError("must be a number, true or false, text, or a list of whole numbers")
    return value


Setting = Annotated[bool | int | float | str | list[int], PlainValidator(_check_setting)]
Count = Annotated[int, Field(ge=1)]
Seeds = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]


class Value(CardModel):
    """A hyper-parameter's value and why it is that: exactly one of stated, assumed, searched.

    Attributes:
        value: the value used here.
        stated: section or table that gives it.
        assumed: reason for our choice, where the paper is silent.
        searched: which search chose it.
        only_for: kind of variants that it concerns, where it is not all of them.
    """

    value: Setting
    stated: Text | None = None
    assumed: Text | None = None
    searched: Text | None = None
    only_for: Kind | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in ("stated", "assumed", "searched") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of stated, assumed, searched. Received: {given}")
        return self

    @property
    def origin(self) -> Literal["stated", "assumed", "searched"]:
        """Which of the three it is."""
        return "stated" if self.stated else "assumed" if self.assumed else "searched"

    @property
    def reason(self) -> str:
        """The text given with it."""
        return self.stated or self.assumed or self.searched or ""


class Variant(CardModel):
    """One model the paper speaks of, or that we train beside it.

    Attributes:
        kind: network (trained by epochs), classifier (scikit-learn on pixels), timing (speed alone is measured),
            super_resolution (a generator and its discriminator) or ensemble (of other variants).
        model: name for `models.build`, of the classifier, or how an ensemble fuses its members.
        options: arguments for its builder.
        hyperparameters: values that differ from the card's.
        grouping: grouping of the classes it is trained on.
        protocol: which images it is trained and tested on, a name of `protocols.PROTOCOLS`.
        starts_from: variant whose trained weights, all but the head's, it begins with, of the same seed; of a
            super_resolution the variant whose features its content loss compares (without it VGG19's, with the option
            `weights`).
        enlarged_by: what doubles the pictures' sides before: "nearest", "bicubic", or a variant of super_resolution.
        members: variants that an ensemble fuses, of the same seed: two, or the one that gets a layer anew.
        attribution: whether its heat maps on test images are measured, too (`attribution.measure_attribution`).
        keep_epochs: whether the weights of every epoch are kept, for what is asked of them after the run.
        small_budget: in words, where it is trained for less than its paper would have; its numbers then get no verdict,
            comparisons among such variants of as many epochs do, an ensemble counting as its members.
        seeds: its seeds in every profile, where they differ from the profile's.
    """

    kind: Kind
    description: Text
    model: Identifier
    options: dict[str, Setting] = {}
    hyperparameters: dict[str, Setting] = {}
    grouping: Identifier | None = None
    protocol: Protocol = "official"
    starts_from: Identifier | None = None
    enlarged_by: Identifier | None = None
    members: list[Identifier] = []
    small_budget: Text | None = None
    attribution: bool = False
    keep_epochs: bool = False
    seeds: Seeds | None = None


class ContinuousSpace(CardModel):
    """Numbers between two ends, drawn evenly or evenly in their logarithm."""

    kind: Literal["uniform", "log_uniform"]
    low: float
    high: float

    @model_validator(mode="after")
    def _low_below_high(self) -> Self:
        if not self.low < self.high or (self.kind == "log_uniform" and self.low <= 0):
            raise ValueError(f"low must be below high, and positive if log_uniform. Received: {self.low}, {self.high}")
        return self


class ChoiceSpace(CardModel):
    """One of a few values."""

    kind: Literal["choice"]
    choices: Annotated[list[Setting], Field(min_length=2)]


Space = Annotated[ContinuousSpace | ChoiceSpace, Field(discriminator="kind")]


class ProfileValues(CardModel):
    """Budget of one profile.

    Attributes:
        epochs: epochs of a training.
        seeds: seeds of every variant that names none of its own.
        trials: trials of the search.
        trial_epochs: epochs of a trial.
        models: networks built in place of others; `smoke` builds small ones with them.
        options: arguments of the builders in place of the variants', where a builder takes them; `smoke` builds
            narrower networks with them, and classifiers on smaller pictures.
        hyperparameters: values in place of the card's.
        images: about how many training images are taken, and as large a share of the other splits; None takes all.
    """

    epochs: Count
    seeds: Seeds
    trials: Count = 1
    trial_epochs: Count = 1
    models: dict[Identifier, Identifier] = {}
    options: dict[str, Setting] = {}
    hyperparameters: dict[str, Setting] = {}
    images: Count | None = None


class DataSource(CardModel):
    """Which data the paper used and how it was split."""

    dataset: Literal["fer2013", "sfew"]
    split: Literal["official", "random_80_20", "per_class_80_20"]


class PaperCard(CardModel):
    """The paper as data: reference, hyper-parameters, variants, search space, budgets, deviations and claims.

    Each claim of `claims` is followed by its readings (`readings.with_readings`).
    """

    id: Identifier
    title: Text
    authors: Annotated[list[Text], Field(min_length=1)]
    year: Annotated[int, Field(ge=2000, le=2100)] | None
    venue: Text
    summary: Text
    notebook: Annotated[str, Field(pattern=r"^\d\d_[a-z0-9_]+$")]
    data: DataSource
    hyperparameters: dict[Identifier, Value]
    variants: Annotated[dict[Identifier, Variant], Field(min_length=1)]
    search: dict[Identifier, Space] = {}
    profiles: dict[str, ProfileValues]
    deviations: list[Text]
    readings: dict[Identifier, Reading] = {}  # before the claims, which are followed by them when validated
    claims: list[AnyClaim]

    @field_validator("claims", mode="after")
    @classmethod
    def _each_as_read(cls, claims: list[AnyClaim], info: ValidationInfo) -> list[AnyClaim]:
        return with_readings(claims, info.data["readings"]) if "readings" in info.data else claims

    @property
    def reading_ids(self) -> list[str]:
        """Ids of the claims that are readings of another."""
        return [f"{name}_{claim.id}" for claim in self.claims for name in claim.readings]

    def settings(self, variant: str, profile: str = "paper") -> dict[str, Any]:
        """Hyper-parameter values of a variant: the card's, the profile's over them and its own over both.

        A classifier and an ensemble have their own alone.
        """
        own = self.variants[variant]
        if own.kind in ("classifier", "ensemble"):
            return dict(own.hyperparameters)
        values = {
            name: value.value for name, value in self.hyperparameters.items() if value.only_for in (None, own.kind)
        }
        of_profile = self.profiles[profile].hyperparameters
        return {**values, **{name: of_profile[name] for name in of_profile if name in values}, **own.hyperparameters}

    def budget(self, profile: str) -> ProfileValues:
        """Values of a profile.

        Raises:
            ValueError: if there is no such profile.
        """
        if profile not in self.profiles:
            raise ValueError(f"profile must be one of {list(self.profiles)}. Received: {profile!r}")
        return self.profiles[profile]

    def seeds(self, variant: str, profile: str) -> list[int]:
        """Seeds of a variant in a profile: its own where it has any, else the profile's."""
        return list(self.variants[variant].seeds or self.profiles[profile].seeds)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        check_agreement(self)
        return self
