"""What a reader must know of two runs before reading how they differ."""

from collections.abc import Sequence

from fer_lib.caveats import find_caveats
from fer_lib.comparing.settings import Setting
from fer_lib.runs import Run
from fer_lib.verdicts import OTHER_DATA, SAMPLE_DATA, SHORTENED


def list_notices(a: Run, b: Run, split: str, settings: Sequence[Setting]) -> list[str]:
    """What to know of the runs, of the split and of stand-ins, a sentence each.

    Args:
        a: the first run.
        b: the second.
        split: train, validation or test.
        settings: in which settings they differ.
    """
    told = []
    if a.folder.resolve() == b.folder.resolve():
        told.append("A and B are one run.")
    elif not any(setting.determines for setting in settings):
        told.append("Both were asked for the same: every setting that determines a run is equal.")
    if split == "train":
        told.append("A network has seen its training images: what it says of them is not what it says of new ones.")
    if split == "validation":
        told.append("Epochs and settings were chosen on validation images: accuracies on them flatter.")
    for name in sorted({run.request["data"].get("stands_for", "") for run in (a, b)} - {""}):
        told.append(f"The pictures stand in for {name}, which is not at hand.")
    return told


def list_caveats(a: Run, b: Run) -> tuple[str, ...]:
    """Why the numbers say nothing of papers: the data, which both share, and a short budget, with whose it is."""
    found = {letter: find_caveats([run]) for letter, run in (("A", a), ("B", b))}
    drawn = any(run.request["data"]["is_sample"] for run in (a, b))  # by a variant's protocol, too
    other = any(OTHER_DATA in caveats for caveats in found.values())
    shortened = " and ".join(letter for letter, caveats in found.items() if SHORTENED in caveats)
    told = {SAMPLE_DATA: drawn, OTHER_DATA: other, f"{SHORTENED} of {shortened}": shortened}
    return tuple(caveat for caveat, holds in told.items() if holds)
