"""How good the search for partly hidden faces is, tried on drawn faces with something in front of half of them."""

from dataclasses import dataclass

import numpy as np

from fer_lib.audit.hidden import HIDDEN_DEVIATIONS, fit_parts, measure_absence
from fer_lib.audit.occluders import OCCLUDERS, hide_part
from fer_lib.labels import EMOTIONS
from fer_lib.sample import Drawing, draw_face, load_sample

__all__ = ["HiddenEstimate", "estimate_hidden"]

_STREAMS = {"free": 102, "hidden": 103}
"""Of random numbers, other than those of the sample's three splits."""


@dataclass(frozen=True)
class HiddenEstimate:
    """Result of a trial on labelled faces.

    Attributes:
        hidden: number of faces with something in front of them, by kind (see `occluders`).
        found: those of them that were flagged, by kind.
        free: number of faces with nothing painted in front of them. (One in twenty drawn faces raises a hand by itself:
            these count as free, so the precision is rather too low.)
        false_alarms: those of them that were flagged.
    """

    hidden: dict[str, int]
    found: dict[str, int]
    free: int
    false_alarms: int

    @property
    def precision(self) -> float:
        """Share of the flagged that are hidden; nan where none is flagged."""
        flagged = sum(self.found.values()) + self.false_alarms
        return sum(self.found.values()) / flagged if flagged else float("nan")

    @property
    def recall(self) -> float:
        """Share of the hidden that are flagged."""
        return sum(self.found.values()) / sum(self.hidden.values())

    @property
    def chance(self) -> float:
        """Precision of flags given at random: the share of hidden faces."""
        hidden = sum(self.hidden.values())
        return hidden / (hidden + self.free)

    def describe(self) -> str:
        """Set the numbers as one line of text."""
        hidden = sum(self.hidden.values())
        return (
            f"on {hidden + self.free} drawn ones, {hidden} with something in front: precision "
            f"{self.precision:.2f} (by chance {self.chance:.2f}; {self.precision_at(0.1):.2f} if one face in ten were "
            f"hidden), recall {self.recall:.2f} ({', '.join(f'{kind} {count}' for kind, count in self.found.items())} "
            f"of {hidden // len(self.hidden)} each)"
        )

    def precision_at(self, share: float) -> float:
        """Precision among faces of which `share`, a fraction, are hidden; nan where none is flagged."""
        true, false = share * self.recall, (1 - share) * self.false_alarms / self.free
        return true / (true + false) if true + false else float("nan")


def estimate_hidden(per_kind: int = 30, seed: int = 0) -> HiddenEstimate:
    """Try the search for partly hidden faces on drawn faces (see `sample`), as many free as hidden ones.

    The detectors are learned from the sample's Training images; the threshold is the one used on data.

    Args:
        per_kind: hidden faces of each kind, of emotions in turn.
        seed: 0 or more, of everything drawn.

    Raises:
        ValueError: if `per_kind` is less than 1.
    """
    if per_kind < 1:
        raise ValueError(f"per_kind must be at least 1. Received: {per_kind}")
    detectors = fit_parts(load_sample().train.images)

    def count_flagged(images: list[np.ndarray]) -> int:
        absence = measure_absence(np.stack(images)[..., None], detectors)
        return int((absence.max(axis=1) >= HIDDEN_DEVIATIONS).sum())

    found = {}
    for index, kind in enumerate(OCCLUDERS):
        drawn = [_draw(seed, "hidden", index * per_kind + number) for number in range(per_kind)]
        found[kind] = count_flagged([hide_part(drawing, kind, rng) for drawing, rng in drawn])
    free = per_kind * len(OCCLUDERS)
    false_alarms = count_flagged([_draw(seed, "free", number)[0].image for number in range(free)])
    return HiddenEstimate(dict.fromkeys(OCCLUDERS, per_kind), found, free, false_alarms)


def _draw(seed: int, stream: str, number: int) -> tuple[Drawing, np.random.Generator]:
    rng = np.random.default_rng([seed, _STREAMS[stream], number])
    return draw_face(EMOTIONS[number % len(EMOTIONS)], rng), rng
