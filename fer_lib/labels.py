"""The one statement of class order, and the groupings of classes that the papers speak of."""

from dataclasses import dataclass

import numpy as np

EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER2013's classes in the order of its integer labels (Goodfellow et al. 2013)."""

LEFT_OUT = -1
"""Group of an emotion that has none."""


@dataclass(frozen=True)
class Grouping:
    """Fewer classes than the seven emotions: some are merged, or left out.

    Attributes:
        name: identifier used in cards and run folders.
        classes: names of the groups, in the order of the new labels.
        group_of: for each emotion of `EMOTIONS`, the index of its group; `LEFT_OUT` where it has none.
    """

    name: str
    classes: tuple[str, ...]
    group_of: tuple[int, ...]

    def labels(self, labels: np.ndarray) -> np.ndarray:
        """Emotion labels int64 (n,) -> group labels int64 (n,).

        Raises:
            ValueError: if an image is of an emotion that is left out.
        """
        grouped = np.asarray(self.group_of, dtype=np.int64)[labels]
        if (grouped == LEFT_OUT).any():
            emotion = EMOTIONS[np.asarray(labels)[grouped == LEFT_OUT][0]]
            raise ValueError(
                f"{self.name} has no class for {emotion}; its images must be left out first. Received: one"
            )
        return grouped

    def holds(self, labels: np.ndarray) -> np.ndarray:
        """Whether emotion labels int64 (n,) are of a group: bool (n,), False where the emotion is left out."""
        return np.asarray(self.group_of, dtype=np.int64)[labels] != LEFT_OUT

    def probabilities(self, probabilities: np.ndarray) -> np.ndarray:
        """Emotion probabilities (n, 7) -> group probabilities (n, groups): members are summed.

        Where an emotion is left out, those of the others are divided by their sum.
        """
        grouped = np.zeros((len(probabilities), len(self.classes)), dtype=probabilities.dtype)
        for emotion, group in enumerate(self.group_of):
            if group != LEFT_OUT:
                grouped[:, group] += probabilities[:, emotion]
        if LEFT_OUT not in self.group_of:
            return grouped
        left = grouped.sum(axis=1, keepdims=True)
        return np.where(left > 0, grouped / np.where(left > 0, left, 1), 1 / len(self.classes)).astype(grouped.dtype)


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
        # Zakavi and Okhunov, Methods, Data Cleaning: "We eliminated the disgust category".
        Grouping(
            "without_disgust", ("angry", "fear", "happy", "sad", "surprise", "neutral"), (0, LEFT_OUT, 1, 2, 3, 4, 5)
        ),
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
