"""The one statement of class order, and the groupings of classes that the papers speak of."""

from dataclasses import dataclass

import numpy as np

EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER2013's classes in the order of its integer labels (Goodfellow et al. 2013)."""


@dataclass(frozen=True)
class Grouping:
    """A partition of the seven emotions into fewer classes.

    Attributes:
        name: identifier used in cards and run folders.
        classes: names of the groups, in the order of the new labels.
        group_of: for each emotion of `EMOTIONS`, the index of its group.
    """

    name: str
    classes: tuple[str, ...]
    group_of: tuple[int, ...]

    def labels(self, labels: np.ndarray) -> np.ndarray:
        """Emotion labels int64 (n,) -> group labels int64 (n,)."""
        return np.asarray(self.group_of, dtype=np.int64)[labels]

    def probabilities(self, probabilities: np.ndarray) -> np.ndarray:
        """Emotion probabilities (n, 7) -> group probabilities (n, groups): members are summed."""
        grouped = np.zeros((len(probabilities), len(self.classes)), dtype=probabilities.dtype)
        for emotion, group in enumerate(self.group_of):
            grouped[:, group] += probabilities[:, emotion]
        return grouped


GROUPINGS: dict[str, Grouping] = {
    grouping.name: grouping
    for grouping in (
        # Shi, section 5: "it's a reasonable suggestion to combine these two classes".
        Grouping("disgust_in_angry", ("angry", "fear", "happy", "sad", "surprise", "neutral"), (0, 0, 1, 2, 3, 4, 5)),
        # Shi, section 5: "only happy is positive emotion", and "happy, surprised and normal ... are not negative
        # attitudes": surprise is neither, hence neutral.
        Grouping("attitude", ("negative", "positive", "neutral"), (0, 0, 0, 1, 0, 2, 2)),
        # LT2326, Background: "0 for negative emotions such as sadness, anger, and fear, and 1 for positive emotions
        # such as happiness, neutral, and surprise"; disgust, which it does not name, is taken for negative.
        Grouping("negative_positive", ("negative", "positive"), (0, 0, 0, 1, 0, 1, 1)),
    )
}


def class_names(grouping: str | None = None) -> tuple[str, ...]:
    """Names of the classes under `grouping`, or of the seven emotions where it is None.

    Raises:
        ValueError: if no grouping has that name.
    """
    if grouping is None:
        return EMOTIONS
    if grouping not in GROUPINGS:
        raise ValueError(f"grouping must be one of {sorted(GROUPINGS)} or None. Received: {grouping!r}")
    return GROUPINGS[grouping].classes
