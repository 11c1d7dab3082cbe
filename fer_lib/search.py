"""Random hyper-parameter search with Optuna: each trial is a run, its journal is on disk, PublicTest chooses."""

from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from fer_lib import papers
from fer_lib.datasets import FerDataset
from fer_lib.papers.schema import ChoiceSpace, ContinuousSpace, PaperCard
from fer_lib.paths import runs_folder
from fer_lib.request import make_request
from fer_lib.runs import request_sha256
from fer_lib.training import train


def search(
    paper: str,
    variant: str,
    profile: str = "quick",
    *,
    data: FerDataset,
    runs: Path | None = None,
    trials: int | None = None,
    trial_epochs: int | None = None,
    precision: str = "auto",
    seed: int = 0,
) -> pd.DataFrame:
    """Train a variant under hyper-parameters drawn at random from the card's search space.

    The values of a trial are a function of the seed and the trial's number, so a search that was interrupted goes on
    with the trial, and the epoch, it was in. A trial's score is its best accuracy on PublicTest.

    Args:
        paper: id of the paper's card.
        variant: the variant searched for.
        profile: smoke, quick or paper; its number of trials and their epochs are in the card.
        data: the data.
        runs: folder of run folders; None means `paths.runs_folder()`.
        trials: trials in all, in place of the profile's.
        trial_epochs: epochs of a trial, in place of the profile's.
        precision: auto, bfloat16 or float32.
        seed: seed of the search and of every trial's training.

    Returns:
        One row per trial: number, one column per hyper-parameter, validation_accuracy; the best first.

    Raises:
        ValueError: if the card has no search space, or no such profile or network.
    """
    card = papers.load(paper)
    if not card.search:
        raise ValueError(f"the card must have a search space to be searched. Received: {paper!r}, which has none")
    networks = [name for name, chosen in card.variants.items() if chosen.kind == "network"]
    if variant not in networks:
        raise ValueError(f"only networks are searched for: {networks}. Received: {variant!r}")
    values = card.budget(profile)
    trials, trial_epochs = trials or values.trials, trial_epochs or values.trial_epochs
    runs = runs or runs_folder()
    request = make_request(card, variant, seed, profile, data, epochs=trial_epochs, precision=precision)
    study = _load_study(runs / profile / paper / "search" / "journal.log", card, request)
    while (number := len(study.get_trials(states=(TrialState.COMPLETE,)))) < trials:
        study.sampler = optuna.samplers.RandomSampler(seed=seed * 10_000 + number)
        trial = study.ask()
        overrides = {name: _suggest(trial, name, space) for name, space in card.search.items()}
        run = train(
            paper, variant, seed, profile, data=data, runs=runs, epochs=trial_epochs, precision=precision,
            overrides=overrides, trial=number,
        )  # fmt: skip
        study.tell(trial, float(run.history["val_accuracy"].max()))
    return _table(study, trials)


def _load_study(journal: Path, card: PaperCard, request: dict[str, Any]) -> optuna.Study:
    """The study of all that determines a trial but the values drawn: other data or budgets never mix in."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    fixed = {name: value for name, value in request["hyperparameters"].items() if name not in card.search}
    space = {name: space.model_dump() for name, space in card.search.items()}
    name = request_sha256({**request, "hyperparameters": fixed, "options": {}, "space": space})
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    lock = JournalFileOpenLock(str(journal))  # the default, a symbolic link, needs privileges on Windows
    storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=lock))
    return optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)


def _suggest(trial: optuna.Trial, name: str, space: ContinuousSpace | ChoiceSpace) -> Any:
    if isinstance(space, ChoiceSpace):
        return trial.suggest_categorical(name, space.choices)
    return trial.suggest_float(name, space.low, space.high, log=space.kind == "log_uniform")


def _table(study: optuna.Study, trials: int) -> pd.DataFrame:
    complete = study.get_trials(states=(TrialState.COMPLETE,))[:trials]
    rows = [{"trial": n, **trial.params, "validation_accuracy": trial.value} for n, trial in enumerate(complete)]
    return pd.DataFrame(rows).sort_values("validation_accuracy", ascending=False, kind="stable", ignore_index=True)
