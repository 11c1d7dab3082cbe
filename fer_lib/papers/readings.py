"""Readings of a claim: where a text leaves open what a number is of, it is judged each way, and written once."""

from collections.abc import Iterator, Mapping, Sequence

from fer_lib.papers.claim_kinds import CardModel, Claim, Identifier, SplitName, Text


class Reading(CardModel):
    """Another variant, split or view that a claim may be of.

    Attributes:
        says: what is read differently, in a few words.
        note: why, and what a reader must know of it.
        variant: in place of the claim's.
        split: in place of the claim's.
        view: in place of the claim's.
    """

    says: Text
    note: Text
    variant: Identifier | None = None
    split: SplitName | None = None
    view: Identifier | None = None


def with_readings(claims: Sequence[Claim], readings: Mapping[str, Reading]) -> list[Claim]:
    """Claims in their order, each followed by its readings.

    `recall_fear` under the reading `model_a` is `model_a_recall_fear`.

    Raises:
        ValueError: if a claim names a reading that is not there or that changes nothing of it, or a reading is named by
            no claim.
    """
    read = [found for claim in claims for found in _read(claim, readings)]
    named = {name for claim in claims for name in claim.readings}
    if named != set(readings):
        raise ValueError(f"readings must each be named by a claim. Received: {sorted(set(readings) - named)}")
    return read


def places(claims: Sequence[Claim]) -> Iterator[int]:
    """Place in its file of each claim of `with_readings`; a reading has that of its claim."""
    place, readings = -1, 0
    for claim in claims:
        place, readings = (place, readings - 1) if readings else (place + 1, len(claim.readings))
        yield place


def _read(claim: Claim, readings: Mapping[str, Reading]) -> Iterator[Claim]:
    """The claim as written, then as each of its readings has it."""
    yield claim
    for name in claim.readings:
        if name not in readings:
            raise ValueError(f"{claim.id}.readings: must be among {sorted(readings)}. Received: {name!r}")
        reading = readings[name]
        changes = reading.model_dump(include={"variant", "split", "view"}, exclude_none=True)
        changed = {field for field, value in changes.items() if getattr(claim, field, value) != value}
        if not changes or changed != set(changes) or not (reading.split or claim.split or not reading.view):
            raise ValueError(f"{claim.id}.readings: {name!r} must change what the claim has. Received: {changes}")
        texts = {"id": f"{name}_{claim.id}", "says": f"{claim.says} ({reading.says})"}
        note = f"{reading.note} {claim.note}".strip()
        yield claim.model_copy(update={**texts, "note": note, "readings": [], **changes})
