"""Expressions as facial actions: which muscles move, how far, for each of the seven emotions.

The action units (AU) and the emotions they signal follow the Facial Action Coding System (Ekman and Friesen 1978) and
its table of prototypes. An action's strength runs from 0 (absent) to 1 (the strongest a face is drawn with).
"""

from dataclasses import dataclass

import numpy as np

from fer_lib.labels import EMOTIONS

ACTIONS: dict[str, str] = {
    "AU1": "inner brow raiser",
    "AU2": "outer brow raiser",
    "AU4": "brow lowerer: down and together",
    "AU5": "upper lid raiser: more white above the iris",
    "AU6": "cheek raiser: lower lid pushed up, crow's feet",
    "AU7": "lid tightener",
    "AU9": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU12": "lip corner puller: a smile",
    "AU15": "lip corner depressor",
    "AU16": "lower lip depressor: lower teeth show",
    "AU17": "chin raiser: lower lip pushed up",
    "AU20": "lip stretcher",
    "AU24": "lip presser: thin lips",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU43": "eyelids droop",
    "AU61": "gaze aside",
    "AU64": "gaze down",
}
"""The action units that are drawn, and what each does."""

Actions = dict[str, float]
"""Strength in [0, 1] of each of `ACTIONS`."""


@dataclass(frozen=True)
class Manner:
    """One way of showing an emotion.

    Attributes:
        share: how often this manner is chosen among those of its emotion; the shares of an emotion sum to 1.
        ranges: lowest and highest strength of each action at full intensity; actions left out are absent.
    """

    share: float
    ranges: dict[str, tuple[float, float]]


_ANGRY_BROWS = {"AU4": (0.85, 1.0), "AU7": (0.4, 0.8), "AU5": (0.2, 0.6)}
_HAPPY_EYES = {"AU12": (0.8, 1.0), "AU6": (0.5, 1.0)}
_SAD_BROWS = {"AU1": (0.8, 1.0), "AU4": (0.15, 0.4), "AU43": (0.3, 0.7)}
_FEAR_BROWS = {"AU1": (0.8, 1.0), "AU2": (0.25, 0.5), "AU4": (0.4, 0.7), "AU5": (0.7, 1.0), "AU20": (0.7, 1.0)}
_SURPRISE_BROWS = {"AU1": (0.7, 1.0), "AU2": (0.8, 1.0), "AU5": (0.6, 1.0)}

MANNERS: dict[str, tuple[Manner, ...]] = {
    "angry": (
        Manner(0.55, {**_ANGRY_BROWS, "AU24": (0.7, 1.0), "AU17": (0.2, 0.6), "AU15": (0.0, 0.3)}),
        Manner(0.25, {**_ANGRY_BROWS, "AU10": (0.2, 0.4), "AU16": (0.7, 1.0), "AU25": (0.6, 1.0), "AU20": (0.1, 0.3)}),
        Manner(0.20, {**_ANGRY_BROWS, "AU10": (0.3, 0.5), "AU16": (0.6, 0.9), "AU25": (0.8, 1.0), "AU26": (0.35, 0.6)}),
    ),
    "disgust": (
        Manner(0.60, {"AU9": (0.8, 1.0), "AU10": (0.7, 1.0), "AU4": (0.2, 0.5), "AU7": (0.6, 1.0), "AU25": (0.2, 0.5)}),
        Manner(
            0.40, {"AU9": (0.8, 1.0), "AU10": (0.6, 1.0), "AU7": (0.5, 0.9), "AU15": (0.3, 0.6), "AU17": (0.4, 0.8)}
        ),
    ),
    "fear": (
        Manner(0.70, {**_FEAR_BROWS, "AU25": (0.5, 0.9), "AU26": (0.05, 0.3), "AU16": (0.2, 0.6)}),
        Manner(0.30, {**_FEAR_BROWS, "AU25": (0.7, 1.0), "AU26": (0.35, 0.6), "AU16": (0.2, 0.5)}),
    ),
    "happy": (
        Manner(0.55, {**_HAPPY_EYES, "AU25": (0.7, 1.0), "AU26": (0.0, 0.2)}),
        Manner(0.20, {**_HAPPY_EYES, "AU25": (0.9, 1.0), "AU26": (0.3, 0.7)}),
        Manner(0.25, _HAPPY_EYES),
    ),
    "sad": (
        Manner(0.75, {**_SAD_BROWS, "AU15": (0.7, 1.0), "AU17": (0.2, 0.7), "AU64": (0.0, 0.6)}),
        Manner(0.25, {**_SAD_BROWS, "AU15": (0.7, 1.0), "AU25": (0.3, 0.7), "AU20": (0.1, 0.3), "AU7": (0.2, 0.6)}),
    ),
    "surprise": (
        Manner(0.80, {**_SURPRISE_BROWS, "AU25": (0.9, 1.0), "AU26": (0.6, 1.0)}),
        Manner(0.20, {**_SURPRISE_BROWS, "AU25": (0.7, 1.0), "AU26": (0.25, 0.5)}),
    ),
    "neutral": (Manner(1.0, {}),),
}
"""How each of `EMOTIONS` may be shown."""

BLEND_PROBABILITY = 0.08
"""Share of faces that mix a second emotion in, as real ones do."""


def _manner_actions(expression: str, rng: np.random.Generator) -> Actions:
    manners = MANNERS[expression]
    manner = manners[rng.choice(len(manners), p=[manner.share for manner in manners])]
    return {action: rng.uniform(*manner.ranges[action]) if action in manner.ranges else 0.0 for action in ACTIONS}


def sample_actions(expression: str, rng: np.random.Generator) -> Actions:
    """Draw the facial actions of one face.

    The intensity of the whole expression is 0.35 to 1, mostly high; some faces blend a second emotion in; every face
    has small stray movements that mean nothing.

    Args:
        expression: one of `EMOTIONS`.
        rng: consumed.

    Returns:
        Strength in [0, 1] of each of `ACTIONS`.

    Raises:
        ValueError: if `expression` is not one of `EMOTIONS`.
    """
    if expression not in MANNERS:
        raise ValueError(f"expression must be one of {', '.join(EMOTIONS)}. Received: {expression!r}")
    actions = _manner_actions(expression, rng)
    intensity = 0.35 + 0.65 * rng.beta(3.0, 1.0)
    if rng.random() < BLEND_PROBABILITY:
        other = _manner_actions(EMOTIONS[rng.integers(len(EMOTIONS))], rng)
        weight = rng.uniform(0.15, 0.4)
        actions = {action: (1 - weight) * actions[action] + weight * other[action] for action in ACTIONS}
    actions = {action: intensity * strength for action, strength in actions.items()}
    for action in ("AU1", "AU2", "AU4", "AU7", "AU12", "AU15", "AU17", "AU24", "AU43", "AU61", "AU64"):
        actions[action] += rng.exponential(0.04)
    if rng.random() < 0.15:
        actions["AU25"] += rng.uniform(0.1, 0.45)  # lips apart, as in speech
    return {action: min(strength, 1.0) for action, strength in actions.items()}
