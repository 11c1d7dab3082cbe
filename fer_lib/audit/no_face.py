"""Images of no human face: by the votes of FER+ where they are at hand, by a Haar cascade otherwise.

FER+ gave most of FER2013's images to ten people, who could answer NF, "not a face". The images it left out, those of
another kind or with the face out of place, carry ten such votes. On contact sheets of Training, 32 of 60 images with
one to four NF votes were drawings, statues, masks or text, which is what Zakavi and Okhunov remove (section 1, types 1
and 4); hence one vote is enough here. The `unknown` votes do not count: of 84 images seen where they are the most
frequent answer, nearly all show a face, many behind a hand; such images are listed as `unclear`, and stay.

The cascade finds no face in 24 % of the Training images, 97 % of which FER+ does not doubt: where it alone decides, the
list is much too long, and its evidence says who decided.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_lib.datasets import FerDataset
from fer_lib.faces import find_faces

__all__ = ["LEAST_NF_VOTES", "Agreement", "compare_with_cascade", "no_face_by_cascade", "no_face_by_votes"]

LEAST_NF_VOTES = 1
"""NF votes from which an image is taken for no human face."""

SMALLEST_FACE = 0.7
"""Smallest face the cascade looks for, as a share of the side: FER2013's fill their image. It finds one in 77 % of 800
Training images; looking for those of 0.2 too, in 75 % of 400, and takes 14 times as long."""


@dataclass(frozen=True)
class Agreement:
    """How often votes and cascade say the same: numbers of images that both, one, or neither take for no face."""

    both: int
    votes_only: int
    cascade_only: int
    neither: int

    @property
    def share(self) -> float:
        """Share of images on which the two agree."""
        return (self.both + self.neither) / self._count

    @property
    def kappa(self) -> float:
        """Cohen's kappa: agreement beyond chance, 1 at most; nan where both always give one answer."""
        votes, cascade = self.both + self.votes_only, self.both + self.cascade_only
        count = self._count
        expected = (votes * cascade + (count - votes) * (count - cascade)) / count**2
        return (self.share - expected) / (1 - expected) if expected < 1 else float("nan")

    def describe(self) -> str:
        """Set the numbers as one line of text."""
        return (
            f"no face by both {self.both:,}, by votes alone {self.votes_only:,}, by the cascade "
            f"alone {self.cascade_only:,}, by neither {self.neither:,}; they agree on "
            f"{self.share:.1%}, kappa {self.kappa:.3f}"
        )

    @property
    def _count(self) -> int:
        return self.both + self.votes_only + self.cascade_only + self.neither


def no_face_by_votes(votes: pd.DataFrame) -> np.ndarray:
    """Which images FER+ doubts to show a face: bool (n,), in the order of `votes` (see `votes.read_votes`)."""
    return votes["NF"].to_numpy() >= LEAST_NF_VOTES


def no_face_by_cascade(images: np.ndarray) -> np.ndarray:
    """In which images the Haar cascade (see `faces`) finds no face.

    Args:
        images: uint8 (n, h, w, 1).

    Returns:
        bool (n,).
    """
    return np.array([not find_faces(image[..., 0], SMALLEST_FACE) for image in images], dtype=bool)


def compare_with_cascade(data: FerDataset, votes: pd.DataFrame) -> Agreement:
    """Compare who takes which images of a data set for no face.

    Args:
        data: the data set.
        votes: from `votes.read_votes`, of the same data.
    """
    images = {
        int(row): image for split in data.splits().values() for row, image in zip(split.rows, split.images, strict=True)
    }
    by_votes = no_face_by_votes(votes)
    by_cascade = no_face_by_cascade(np.stack([images[row] for row in votes["row"].tolist()]))
    counts = pd.crosstab(by_votes, by_cascade).reindex(index=[True, False], columns=[True, False], fill_value=0)
    return Agreement(*counts.to_numpy().ravel().tolist())
