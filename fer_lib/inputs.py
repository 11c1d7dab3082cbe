"""The images a variant is trained and tested on: its protocol's splits, enlarged where its card says so."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fer_lib.datasets import FerDataset
from fer_lib.papers import PaperCard
from fer_lib.protocols import prepare
from fer_lib.super_resolution.enlarging import SRGAN, load_enlarged


def input_splits(
    card: PaperCard, variant: str, data: FerDataset, settings: Mapping[str, Any], seed: int, paper_folder: Path
) -> FerDataset:
    """Make the splits of a variant from the data in use.

    Args:
        card: the paper.
        variant: a variant of the card.
        data: FER2013 or the built-in sample, in its official splits.
        settings: hyper-parameters that the protocol needs.
        seed: of the splits, and of the generator that enlarges them.
        paper_folder: the paper's folder of run folders, where that generator is.

    Returns:
        The splits (`protocols.prepare`), twice as wide and high where the variant's pictures are enlarged.
    """
    chosen = card.variants[variant]
    splits = prepare(data, chosen.protocol, settings, seed)
    if chosen.enlarged_by is None:
        return splits
    if chosen.enlarged_by not in card.variants:
        return load_enlarged(splits, chosen.enlarged_by)
    return load_enlarged(splits, SRGAN, paper_folder / chosen.enlarged_by / f"seed-{seed}" / "model.keras")
