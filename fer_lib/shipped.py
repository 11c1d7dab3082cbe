"""The trained weights that come with the package: what `predict` uses where no run is named.

`fer_lib/weights/light_vgg.keras` is the network of a published run, byte for byte, and `light_vgg.json` says of which,
and how good it is. `trained.ship` made both; nothing in them is typed by hand.
"""

from dataclasses import dataclass
from pathlib import Path

from fer_lib.files import file_sha256, read_json

FOLDER = Path(__file__).with_name("weights")
"""What is shipped."""

NAME = "light_vgg"
"""Stem of the two files."""


@dataclass(frozen=True)
class Score:
    """How many of a test's images a network names right.

    Attributes:
        test: what it was tested on, in words.
        images: of the test.
        accuracy: fraction of them.
        interval: its 95 % interval (Wilson), two fractions.
    """

    test: str
    images: int
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Weights:
    """A trained classifier of faces, known without loading it.

    Attributes:
        file: its `.keras` file.
        paper: id of the card of its run.
        variant: of that card.
        seed: of the run.
        request_sha256: hash of all that determined the run (`runs.request_sha256`).
        classes: names of what it tells apart, in the order of its probabilities.
        input_shape: height, width and channels of its input.
        score: how good it is; None where its run was not tested.
        enlarged_by: None; or how its images of half the input's size are enlarged: `bicubic`, `nearest`, or the file of
            a generator.
        warnings: what one must know before believing it; empty for what is shipped.
        is_shipped: whether it came with the package.
    """

    file: Path
    paper: str
    variant: str
    seed: int
    request_sha256: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    score: Score | None
    enlarged_by: str | None = None
    warnings: tuple[str, ...] = ()
    is_shipped: bool = False

    @property
    def name(self) -> str:
        """`<paper>/<variant>/seed-<n>`."""
        return f"{self.paper}/{self.variant}/seed-{self.seed}"

    def describe(self) -> str:
        """One sentence, without any path: which weights, and how often they are right."""
        origin = "shipped" if self.is_shipped else "your own run"
        if self.score is None:
            return f"Weights: {self.name} ({origin}), not tested."
        low, high = self.score.interval
        right = f"right on {self.score.accuracy:.1%} of the {self.score.images:,} images of {self.score.test}"
        return f"Weights: {self.name} ({origin}), {right} (95% interval {low:.1%} to {high:.1%})."


def load_shipped(folder: Path = FOLDER) -> Weights:
    """What is shipped, its file checked against its hash.

    Raises:
        ValueError: if a file is missing or damaged.
    """
    file = Path(folder) / f"{NAME}.keras"
    note = file.with_suffix(".json")
    if not (file.is_file() and note.is_file()):
        raise ValueError(f"the package must come with {note.name} and {file.name}. Received: none in {folder}")
    values = read_json(note)
    if file_sha256(file) != values["weights_sha256"]:
        raise ValueError(f"{file}: the weights must have the hash that {note.name} gives. Received: another")
    score = Score(**{**values["score"], "interval": tuple(values["score"]["interval"])})
    return Weights(
        file,
        values["paper"],
        values["variant"],
        values["seed"],
        values["request_sha256"],
        tuple(values["classes"]),
        tuple(values["input_shape"]),
        score,
        is_shipped=True,
    )
