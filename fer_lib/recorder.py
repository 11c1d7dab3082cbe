"""What happens around each epoch of a training: its random state, its row, its checkpoint, and whether to stop."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from fer_lib.augmentation_layers import random_layers
from fer_lib.checkpoint import State, save_checkpoint
from fer_lib.files import atomic
from fer_lib.histories import OVERFLOW, has_diverged, write_history
from fer_lib.progress import Progress, estimate_epoch_seconds, write_progress
from fer_lib.training_bar import is_watched, show_progress
from fer_lib.unfreezing import Phase

SHOWN = ("accuracy", "val_accuracy", "loss", "val_loss")
"""Columns of the history that are shown while it grows."""

KEPT_EPOCHS = ("best_validation_accuracy", "best_validation_loss", "last")


class TrainingDiverged(ValueError):
    """A training that left no weights to keep, as its numbers are none.

    Attributes:
        reason: that in a few words, as a run's obstacle tells it.
    """

    def __init__(self, folder: Path, row: Mapping[Any, Any]) -> None:
        """Name the run's folder, and of the row of the epoch that diverged its number and what is no number in it."""
        wrong = {name: value for name, value in row.items() if isinstance(value, float) and not np.isfinite(value)}
        super().__init__(
            f"{folder}: epoch {row['epoch']} must leave finite losses and weights; lower the learning_rate. "
            f"Received: {wrong or 'weights that are not'}"
        )
        self.reason = f"the training diverged in epoch {row['epoch']}"


class EpochRecorder(keras.callbacks.Callback):
    """Sets the random state of each epoch; after it, keeps the best weights, writes checkpoint and history, and stops.

    The epoch kept is the best of the last phase: what an earlier phase had reached is not what the schedule ends with.
    An epoch whose losses or weights are no numbers is never kept, so that what a diverging training had reached stands.

    Attributes:
        state: how far the training has come.
        phase: number of the phase being trained, from 0.

    Args:
        request: what determines the run.
        sha256: its hash.
        folder: the run folder.
        state: how far the training has come; it is brought up to date.
        phases: all phases of the training.
        keep_epochs: also write the weights of every epoch.

    Raises:
        ValueError: if the hyper-parameter `kept_epoch` is none of `KEPT_EPOCHS`.
    """

    async_safe = True  # Keras need not wait for `on_train_batch_end`, which only shows

    def __init__(  # noqa: D107 - Args stand with the class
        self,
        request: dict[str, Any],
        sha256: str,
        folder: Path,
        state: State,
        phases: Sequence[Phase],
        keep_epochs: bool,
    ) -> None:
        super().__init__()
        self.request, self.sha256, self.folder, self.state = request, sha256, folder, state
        self.phases, self.phase, self.keep_epochs = phases, 0, keep_epochs
        self.first_batch: tuple[float, float] | None = None  # epochs reached, and when
        self.settings = request["hyperparameters"]
        if self.settings["kept_epoch"] not in KEPT_EPOCHS:
            received = self.settings["kept_epoch"]
            raise ValueError(f"kept_epoch must be one of {list(KEPT_EPOCHS)}. Received: {received!r}")

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Tell of the training before its first batch, which may take a minute to come."""
        show_progress(self._progress())
        if self.first_batch is None:  # of later phases the last epoch has told as much
            write_progress(self._progress())

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Show how much of the epoch is done, with its scores so far."""
        fraction = (batch + 1) / self.params["steps"]
        if self.first_batch is None:
            self.first_batch = (len(self.state.history) + fraction, time.perf_counter())
        if is_watched():
            show_progress(self._progress(fraction, logs or {}), fraction)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Give the random layers the state of this epoch."""
        _seed_layers(self.model, self.request["seed"], epoch)
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the epoch, keep its weights if they are the best, and write all that a resumed run needs."""
        numbers = {name: float(value) for name, value in (logs or {}).items()}
        phase = {"phase": self.phase + 1} if "schedule" in self.settings else {}
        seconds = time.perf_counter() - self.started
        overflow = {} if all(np.isfinite(weights).all() for weights in self.model.get_weights()) else {OVERFLOW: 1}
        self.state.history.append({"epoch": epoch + 1, **phase, **numbers, **overflow, "seconds": seconds})
        if self._is_kept():
            self.state.kept = self.model.get_weights()
            self.state.kept_epoch = epoch + 1
        if self.keep_epochs:
            with atomic(self.folder / "epochs" / f"{epoch + 1:03d}.npz") as temporary:
                np.savez(temporary, *self.model.get_weights())
        write_history(self.folder / "history.csv", pd.DataFrame(self.state.history))
        # The checkpoint comes last: what it calls done is on disk.
        save_checkpoint(self.folder / "checkpoint.npz", self.model, self.state, self.sha256)
        self._report()
        if self.is_over():
            self.model.stop_training = True

    def epochs_left(self) -> int:
        """Epochs that the budget of the phase still allows."""
        return self.phases[self.phase].epochs - len(self._rows())

    def is_over(self) -> bool:
        """Whether the phase had its epochs, or diverged, or had `patience` epochs without a lower validation loss."""
        if any(has_diverged(row) for row in self._rows()):
            return True
        losses = [row["val_loss"] for row in self._rows()] if self.settings.get("patience") else []
        losses = [loss if np.isfinite(loss) else np.inf for loss in losses]
        without_gain = len(losses) - 1 - int(np.argmin(losses)) if losses else 0
        return self.epochs_left() <= 0 or 0 < self.settings.get("patience", 0) <= without_gain

    def _rows(self) -> list[dict[str, float]]:
        return [row for row in self.state.history if row.get("phase", 1) == self.phase + 1]

    def _is_kept(self) -> bool:
        rows, kept = self._rows(), self.settings["kept_epoch"]
        if has_diverged(rows[-1]):
            return False
        if kept == "last":
            return True
        name, sign = ("val_loss", -1) if kept == "best_validation_loss" else ("val_accuracy", 1)
        *before, score = [sign * row[name] for row in rows if not has_diverged(row)]
        return not before or score > max(before)

    def _report(self) -> None:
        progress = self._progress()
        write_progress(progress)
        show_progress(progress)

    def _progress(self, fraction: float = 0.0, scores: Mapping[str, float] | None = None) -> Progress:
        """Where the training is, `fraction` of an epoch after the last one completed."""
        history = self.state.history
        done, left = len(history), self.epochs_left() * (not self.is_over())
        epochs = done + left + sum(phase.epochs for phase in self.phases[self.phase + 1 :])
        per_epoch = self._epoch_seconds(done + fraction)
        known = {**(history[-1] if history else {}), **(scores or {})}
        name = self.request["variant"]
        if self.request["kind"] == "trial":
            name += f" {self.folder.parent.name}"
        return Progress(
            self.request["paper"],
            name,
            self.request["seed"],
            done,
            epochs,
            None if per_epoch is None else per_epoch * (epochs - done - fraction),
            sum(row["seconds"] for row in history),
            {score: known[score] for score in SHOWN if score in known},
        )

    def _epoch_seconds(self, reached: float) -> float | None:
        """Estimate for an epoch; until there are two, from the batches after the very first."""
        seconds = [row["seconds"] for row in self.state.history]
        if len(seconds) < 2 and self.first_batch is not None and reached > self.first_batch[0]:
            return (time.perf_counter() - self.first_batch[1]) / (reached - self.first_batch[0])
        return estimate_epoch_seconds(seconds)


def _seed_layers(model: keras.Model, seed: int, epoch: int) -> None:
    """Give every random layer (dropout, augmentation) a state that depends on seed, place and epoch alone."""
    for place, generator in random_layers(model):
        generator.state.assign(np.random.SeedSequence([seed, place, epoch]).generate_state(2, np.uint32))
