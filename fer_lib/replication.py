"""A paper's runs and verdicts for a notebook: what to train is in the card, what is trained is in the run folders."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from fer_lib import papers
from fer_lib.audit import is_as_published
from fer_lib.budgets import check_budget
from fer_lib.claims import judge
from fer_lib.datasets import FerDataset, load_data
from fer_lib.inputs import input_splits
from fer_lib.models.weights import WeightsNotAvailable, is_imagenet
from fer_lib.papers import PaperCard
from fer_lib.paths import find_sfew, runs_folder
from fer_lib.protocols import describe_data
from fer_lib.recorder import TrainingDiverged
from fer_lib.request import resolve_weights
from fer_lib.runs import Run, find_runs, read_obstacles
from fer_lib.search import search
from fer_lib.training import train


@dataclass(frozen=True)
class Replication:
    """One paper under one profile.

    Attributes:
        card: the paper as data.
        data: the data in use.
        profile: smoke, quick or paper.
        runs: folder of run folders.
        epochs: epochs of a training in place of the profile's, or None.
        seeds: seeds in place of the profile's and the variants', or None.
        trials: trials of the search in place of the profile's, or None.
        precision: auto, bfloat16 or float32.
        weights: files of weights in place of ImageNet's, by network (see `training.train`).
    """

    card: PaperCard
    data: FerDataset
    profile: str
    runs: Path
    epochs: int | None
    seeds: list[int] | None
    trials: int | None
    precision: str
    weights: dict[str, str] = field(default_factory=dict)

    def train(self, variant: str) -> list[Run]:
        """Train a variant with each of its seeds, or load what is there.

        Where the weights that it starts from cannot be had there is no run, nor of a seed that diverges at once; its
        claims are judged as not run.

        Raises:
            ValueError: if the card has no such variant.
            TrainingDiverged: if every seed diverges at once.
        """
        if variant not in self.card.variants:
            raise ValueError(f"variant must be one of {list(self.card.variants)}. Received: {variant!r}")
        made, diverged = [], None
        for seed in self.seeds or self.card.seeds(variant, self.profile):
            try:
                run = train(
                    self.card.id, variant, seed, self.profile,
                    data=self.data, runs=self.runs, epochs=self.epochs, precision=self.precision,
                    weights=self.weights,
                )  # fmt: skip
                made.append(run)
            except WeightsNotAvailable:
                continue
            except TrainingDiverged as error:
                diverged = error
        if diverged and not made:
            raise diverged
        return made

    def search(self, variant: str) -> pd.DataFrame:
        """Search the card's space for a variant; one row per trial, the best first (see `search.search`)."""
        return search(
            self.card.id, variant, self.profile,
            data=self.data, runs=self.runs, trials=self.trials, precision=self.precision,
        )  # fmt: skip

    def verdicts(self) -> pd.DataFrame:
        """One row per claim: what it says, published, measured, seeds, verdict, why, and where the paper says it."""
        judgements = judge(self.card, self.complete_runs(), self._obstacles())
        rows = [judgement.to_dict() for judgement in judgements]
        table = pd.DataFrame(rows)[["says", "published", "measured_text", "n_seeds", "verdict", "reason", "where"]]
        table = table.rename(columns={"says": "claim", "measured_text": "measured", "n_seeds": "seeds"})
        return table.fillna({"verdict": "no verdict"})

    def complete_runs(self) -> list[Run]:
        """Complete runs of this paper and profile on this data."""
        described = self._described_data()
        return [
            run
            for run in find_runs(self.runs, self.profile, self.card.id)
            if _is_on(run, described.get(run.request["variant"], {}))
        ]

    def describe_obstacles(self) -> str:
        """Variants that could not be trained here, and why (`train`); or nothing."""
        stopped: dict[str, list[str]] = {}
        for (variant, _), reason in self._obstacles().items():
            stopped.setdefault(reason, []).append(variant)
        return "; ".join(f"{', '.join(dict.fromkeys(names))}: not run, {reason}" for reason, names in stopped.items())

    def _obstacles(self) -> dict[tuple[str, int], str]:
        data = {name: described["sha256"] for name, described in self._described_data().items()}
        return read_obstacles(self.runs / self.profile / self.card.id, data)

    def splits(self, variant: str, seed: int = 0) -> FerDataset:
        """The images that a variant is trained and tested on with a seed (see `inputs.input_splits`)."""
        settings, folder = self.card.settings(variant, self.profile), self.runs / self.profile / self.card.id
        return input_splits(self.card, variant, self.data, settings, seed, folder)

    def _described_data(self) -> dict[str, dict[str, Any]]:
        """What determines the images of each variant (see `protocols.describe_data`)."""
        protocols = {variant.protocol for variant in self.card.variants.values()}
        described = {protocol: describe_data(self.data, protocol) for protocol in protocols}
        return {name: described[variant.protocol] for name, variant in self.card.variants.items()}

    @property
    def notice(self) -> str:
        """What a reader must know of the numbers before reading them, as Markdown."""
        epochs = self.epochs or self.card.profiles[self.profile].epochs
        described = [
            of_variant
            for name, of_variant in self._described_data().items()
            if self.card.variants[name].protocol != "drawn_sample"
        ]
        sources = {self.data.sha256: self.data.source}
        data = {f"{sources.get(d['sha256'], find_sfew())} (sha256 {d['sha256'][:12]}…)" for d in described}
        budget = "1 epoch" if epochs == 1 else f"{epochs} epochs"
        notes = [f"Data: {', '.join(sorted(data))}. Profile: {self.profile}, {budget}."]
        if any(d["is_sample"] for d in described):
            notes.append("**Sample data: numbers are not comparable with the paper.**")
        of_file = any(d["sha256"] == self.data.sha256 for d in described)
        if of_file and not self.data.is_sample and not is_as_published(self.data):
            notes.append("**Not the published FER2013, whose counts are others: trainings get no verdict.**")
        stand_ins = sorted({d.get("stands_for", "") for d in described})
        notes += [f"**A stand-in takes the place of {name}: verdicts are indicative.**" for name in stand_ins if name]
        if any(d.get("cleaned_by") == "cascade" for d in described):
            notes.append("**Cleaned without the votes of FER+: the cascade takes many faces for none. No verdict.**")
        if shortened := self._shortened(epochs):
            notes.append(f"**Shortened budget ({'; '.join(shortened)}): trainings get no verdict.**")
        return " ".join(notes)

    def _shortened(self, epochs: int) -> list[str]:
        """In what the budget falls short of the paper's."""
        published, mine = self.card.profiles["paper"].epochs, self.card.profiles[self.profile]
        own = [network for network, path in self.weights.items() if not is_imagenet(network, path)]
        told = {
            f"{epochs} of {published} epochs": epochs != published,
            "narrower networks": bool(mine.options),
            "other hyper-parameters": bool(mine.hyperparameters),
            **{f"{built} in place of {named}": True for named, built in mine.models.items()},
            "a part of the data": self.data.whole is not None,
            f"own weights of {', '.join(own)}": bool(own),
        }
        return [what for what, holds in told.items() if holds]


def _is_on(run: Run, described: dict[str, Any]) -> bool:
    keys = ("sha256", "stands_for", "cleaned_away_sha256")
    return all(run.request["data"].get(key) == described.get(key) for key in keys)


def open_replication(
    paper: str,
    profile: str = "quick",
    data_path: str = "",
    runs_path: str = "",
    *,
    epochs: int | None = None,
    seeds: list[int] | None = None,
    trials: int | None = None,
    precision: str = "auto",
    weights: dict[str, str] | None = None,
) -> Replication:
    """Find the card, the data and the run folders that a notebook's parameters name.

    Args:
        paper: id of the paper's card.
        profile: smoke, quick or paper.
        data_path: FER2013 as `datasets.load_data` takes it; empty finds it, `sample` means the built-in sample.
        runs_path: folder of run folders; empty means `paths.runs_folder()`.
        epochs: epochs of a training in place of the profile's.
        seeds: seeds in place of the card's.
        trials: trials of the search in place of the profile's.
        precision: auto, bfloat16 or float32.
        weights: files of weights in place of ImageNet's, by network (see `training.train`).

    Raises:
        ValueError: if the paper or the profile is unknown, a budget is of the wrong kind, the data are not FER2013, or
            for `weights` (see `request.resolve_weights`).
        FileNotFoundError: if `data_path` names nothing.
    """
    check_budget({"epochs": epochs, "seeds": seeds, "trials": trials, "precision": precision, "weights": weights})
    card = papers.load(paper)
    budget, files = card.budget(profile), resolve_weights(card, profile, weights or {})
    runs = Path(runs_path) if runs_path else runs_folder()
    data = load_data(data_path or None, budget.images)
    return Replication(card, data, profile, runs, epochs, seeds, trials, precision, files)
