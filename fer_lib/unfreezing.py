"""Which blocks of a network are trained, phase by phase: freezing and unfreezing from the head down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from fer_lib.models.blocks import block_names

FROZEN_BATCH_NORM = ("inference", "trained")
"""Batch normalisation of frozen blocks: in inference mode, or left to train, a likely mistake, to be measured."""


@dataclass(frozen=True)
class Phase:
    """A part of a training: the network is frozen as it says and compiled anew when it begins.

    Attributes:
        name: what is trained, for people.
        open_blocks: how many blocks are trained, the head being the first; see `block_names`.
        epochs: at most so many.
        learning_rate: of the optimizer.
    """

    name: str
    open_blocks: int
    epochs: int
    learning_rate: float


def open_blocks(model: keras.Model, count: int, frozen_batch_norm: str = "inference") -> None:
    """Train the first `count` blocks of a network, from the head down, and freeze the rest.

    Sets `trainable` on layers alone: compile the model anew afterwards. Dropout of frozen blocks still drops.

    Args:
        model: one flat functional graph; the same call fits its clone with fast kernels.
        count: blocks to train, from 1 (the head) to all of `block_names(model)`.
        frozen_batch_norm: "inference" keeps weights and moving statistics of frozen batch normalisation and normalises
            by the statistics; "trained" lets all of these layers train on, by the statistics of each batch.

    Raises:
        ValueError: if there are not so many blocks, or `frozen_batch_norm` is unknown.
    """
    if frozen_batch_norm not in FROZEN_BATCH_NORM:
        raise ValueError(f"frozen_batch_norm must be one of {list(FROZEN_BATCH_NORM)}. Received: {frozen_batch_norm!r}")
    blocks = block_names(model)
    if not 1 <= count <= len(blocks):
        raise ValueError(f"open blocks of {model.name} must be from 1 to {len(blocks)}. Received: {count}")
    trained = {name for block in blocks[:count] for name in block}
    for layer in model.layers:
        left_training = frozen_batch_norm == "trained" and isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = layer.name in trained or left_training


def plan_phases(schedule: str, settings: Mapping[str, Any], model: keras.Model) -> list[Phase]:
    """Phases of a schedule of Zakavi and Okhunov, section *Transfer Learning*.

    Args:
        schedule: one of `SCHEDULES`: "whole" trains everything at once; "head_then_all" the head on a frozen base, then
            everything; "gradual" the head, then further blocks from the head down.
        settings: hyper-parameters: `epochs`, `learning_rate` and, for the head alone, `head_learning_rate`. `epochs` is
            the budget of either phase of "head_then_all". "gradual" has the same budget in all: `epochs` for the head,
            then `epochs` shared out evenly over the phases that unfreeze, one block each; where there are more
            blocks than epochs, a phase of one epoch unfreezes several.
        model: the network, for its blocks.

    Returns:
        The phases in order; the last one trains all blocks.

    Raises:
        ValueError: if the schedule is unknown.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule must be one of {list(SCHEDULES)}. Received: {schedule!r}")
    return SCHEDULES[schedule](settings, len(block_names(model)))


def _whole(settings: Mapping[str, Any], blocks: int) -> list[Phase]:
    return [Phase("whole", blocks, settings["epochs"], settings["learning_rate"])]


def _head(settings: Mapping[str, Any]) -> Phase:
    return Phase("head", 1, settings["epochs"], settings["head_learning_rate"])


def _head_then_all(settings: Mapping[str, Any], blocks: int) -> list[Phase]:
    return [_head(settings), Phase("all", blocks, settings["epochs"], settings["learning_rate"])]


def _gradual(settings: Mapping[str, Any], blocks: int) -> list[Phase]:
    epochs, frozen = settings["epochs"], blocks - 1
    phases, steps = [_head(settings)], min(epochs, frozen)
    for step in range(1, steps + 1):
        opened = 1 + frozen * step // steps
        share = epochs * step // steps - epochs * (step - 1) // steps
        phases.append(Phase(f"{opened} of {blocks} blocks", opened, share, settings["learning_rate"]))
    return phases


SCHEDULES: dict[str, Callable[[Mapping[str, Any], int], list[Phase]]] = {
    "whole": _whole,
    "head_then_all": _head_then_all,
    "gradual": _gradual,
}
"""How each schedule makes its phases of the settings and the number of blocks."""
