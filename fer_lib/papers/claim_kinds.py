"""What a card may claim: kinds of claims, and published numbers as they are printed."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1)]
SplitName = Literal["train", "validation", "test"]

PRINTED = re.compile(r"([+-]?\d+(?:\.(\d+))?)( ?%| points?)?")


class CardModel(BaseModel):
    """Part of a card: immutable, no unknown field, no silent conversion of text into numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Number(CardModel):
    """A published number. A card writes it as printed ("58.6 %", "0.40", "+3 points"); value and rounding follow.

    Where the print does not say it ("less than 1 %"), a card gives text, value and rounding itself.

    Attributes:
        text: as the paper prints it.
        value: the number; percent and percentage points as fractions.
        rounding: half a unit of its last printed digit, in units of `value`; 0 for a bound meant exactly.
    """

    text: Text
    value: float
    rounding: Annotated[float, Field(ge=0)]

    @model_validator(mode="before")
    @classmethod
    def _from_print(cls, given: Any) -> Any:
        if isinstance(given, dict | Number):
            return given
        printed = PRINTED.fullmatch(given.strip()) if isinstance(given, str) else None
        if printed is None:
            raise ValueError(
                'write the number as printed, in quotes ("0.40", "58.6 %", "+3 points"), or text, value, rounding'
            )
        number, decimals, unit = printed.groups()
        scale = 100.0 if unit else 1.0
        return {
            "text": given.strip(),
            "value": round(float(number) / scale, 12),
            "rounding": round(0.5 * 10.0 ** -len(decimals or "") / scale, 12),
        }

    @property
    def unit(self) -> Literal["", "%", "points"]:
        """What measured values are printed in beside it."""
        if "point" in self.text:
            return "points"
        return "%" if "%" in self.text else ""

    @property
    def low(self) -> float:
        """Least value that rounds to it."""
        return self.value - self.rounding

    @property
    def high(self) -> float:
        """Greatest value that rounds to it."""
        return self.value + self.rounding


class _Claim(CardModel):
    """What every claim has.

    Attributes:
        id: unique in the card.
        says: the paper's words in a few of ours.
        where: section, table or figure.
        note: what a reader must know of our reading of it, such as a threshold of ours.
        split: where it is measured; None for a number of the run as a whole.
        view: which predictions: "single", one with test-time crops, or one of `metric_paths.SUBSETS`, which holds
            metrics alone.
        grouping: classes merged before measuring, by summing their probabilities.
        readings: names of the card's readings that it is judged by as well.
    """

    id: Identifier
    says: Text
    where: Text
    note: str = ""
    split: SplitName | None = None
    view: Identifier = "single"
    grouping: Identifier | None = None
    readings: list[Identifier] = []

    @model_validator(mode="after")
    def _grouping_needs_split(self) -> Self:
        if self.grouping and not self.split:
            raise ValueError("a claim with a grouping needs a split")
        return self


class _NumberClaim(_Claim):
    """A claim on one number of one variant, divided by a constant where the paper states a ratio."""

    variant: Identifier
    metric: Text
    divided_by: Annotated[float, Field(gt=0)] = 1.0


class ValueClaim(_NumberClaim):
    """The number is the published one."""

    kind: Literal["value"]
    published: Number


class _BoundsClaim(_NumberClaim):
    """A claim on one number that names two bounds of it."""

    low: Number
    high: Number

    @model_validator(mode="after")
    def _low_below_high(self) -> Self:
        if self.low.value >= self.high.value:
            raise ValueError(f"low must be below high. Received: {self.low.text!r} and {self.high.text!r}")
        return self


class RangeClaim(_BoundsClaim):
    """The number lies in the published range."""

    kind: Literal["range"]


class SpreadClaim(_BoundsClaim):
    """The number of each single run lies in the published range, over seeds or re-splits."""

    kind: Literal["spread"]


class AtLeastClaim(_NumberClaim):
    """The number is the published one or more."""

    kind: Literal["at_least"]
    published: Number


class AtMostClaim(_NumberClaim):
    """The number is the published one or less."""

    kind: Literal["at_most"]
    published: Number


class DifferenceClaim(_Claim):
    """One variant's number minus another's is the published difference, or only positive where none is published.

    Attributes:
        variant: the first; `grouping` applies to it alone.
        minus: the second; may be the first itself, without grouping.
        published: signed difference, or None for "first is higher".
        full_budget: whether it asks for what only a whole training shows, so that small budgets give no verdict.
        stands_for: what of the paper's a variant takes the place of, not being at hand: the verdict is indicative.
    """

    kind: Literal["difference"]
    variant: Identifier
    minus: Identifier
    metric: Text
    published: Number | None = None
    full_budget: bool = False
    stands_for: str = ""

    @model_validator(mode="after")
    def _published_has_a_sign(self) -> Self:
        if self.published and self.published.value == 0:
            raise ValueError(f"published must not be zero. Received: {self.published.text!r}")
        return self


class OrderingClaim(_Claim):
    """Numbers of one variant in descending groups: each of an earlier group is above each of a later one."""

    kind: Literal["ordering"]
    variant: Identifier
    groups: Annotated[list[Annotated[list[Text], Field(min_length=1)]], Field(min_length=2)]


class RankingClaim(_Claim):
    """Variants in descending groups by one number: each of an earlier group is above each of a later one."""

    kind: Literal["ranking"]
    metric: Text
    groups: Annotated[list[Annotated[list[Identifier], Field(min_length=1)]], Field(min_length=2)]


class MatrixClaim(_Claim):
    """The confusion matrix as shares of each true class.

    Attributes:
        rows: published shares, rows true, columns predicted, both in the order of the variant's classes.
        rounding: half a unit of the last printed digit.
    """

    kind: Literal["matrix"]
    variant: Identifier
    rows: list[list[Annotated[float, Field(ge=0, le=1)]]]
    rounding: Annotated[float, Field(gt=0)] = 0.005

    @model_validator(mode="after")
    def _rows_are_shares(self) -> Self:
        if self.split is None:
            raise ValueError("a matrix needs a split")
        for index, row in enumerate(self.rows):
            if len(row) != len(self.rows):
                raise ValueError(f"rows must be square. Received: row {index} of {len(row)} in {len(self.rows)} rows")
            if abs(sum(row) - 1) > self.rounding * len(row):
                raise ValueError(f"rows.{index} must sum to one but for rounding. Received: {sum(row):.4f}")
        return self


NumberClaim = ValueClaim | RangeClaim | AtLeastClaim | AtMostClaim
Claim = NumberClaim | SpreadClaim | DifferenceClaim | OrderingClaim | RankingClaim | MatrixClaim
AnyClaim = Annotated[Claim, Field(discriminator="kind")]


def variants_of(claim: Claim) -> list[str]:
    """Names of the variants a claim speaks of, each once, in its order."""
    if isinstance(claim, RankingClaim):
        return list(dict.fromkeys(name for group in claim.groups for name in group))
    if isinstance(claim, DifferenceClaim):
        return list(dict.fromkeys([claim.variant, claim.minus]))
    return [claim.variant]


def metrics_of(claim: Claim) -> list[str]:
    """Dotted names of the numbers a claim speaks of; none for a matrix."""
    if isinstance(claim, OrderingClaim):
        return [name for group in claim.groups for name in group]
    return [] if isinstance(claim, MatrixClaim) else [claim.metric]
