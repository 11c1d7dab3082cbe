import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_data import make_tiny_data

from fer_lib import papers
from fer_lib import search as search_module
from fer_lib.runs import Run, find_runs
from fer_lib.search import search

PAPER = "shi_light_vgg"
CARD = papers.load(PAPER)
DATA = make_tiny_data()


class Trainer:
    """Stands for `train`: writes a history at once, notes what it was asked, and can be interrupted."""

    def __init__(self, score=lambda values: values["dropout_rate"]):
        self.score = score
        self.asked = []
        self.interrupt_at = None

    def __call__(self, paper, variant, seed, profile, *, data, runs, trial, epochs, overrides, precision):
        self.asked.append({"trial": trial, "seed": seed, "epochs": epochs, **overrides})
        if trial == self.interrupt_at:
            raise KeyboardInterrupt
        folder = runs / f"{trial}-{len(self.asked)}"
        folder.mkdir(parents=True, exist_ok=True)
        best = self.score(overrides)
        pd.DataFrame({"val_accuracy": [best / 2, best, best / 3]}).to_csv(folder / "history.csv", index=False)
        return Run(folder)


@pytest.fixture
def trainer(monkeypatch):
    trainer = Trainer()
    monkeypatch.setattr(search_module, "train", trainer)
    return trainer


def run_search(runs, trials, data=DATA, **arguments):
    return search(PAPER, "light_vgg", "smoke", data=data, runs=runs, trials=trials, **{"trial_epochs": 2} | arguments)


def test_a_row_per_trial_the_best_first(trainer, tmp_path):
    table = run_search(tmp_path, 6)
    assert list(table) == ["trial", *CARD.search, "validation_accuracy"]
    assert sorted(table["trial"]) == list(range(6)) == [asked["trial"] for asked in trainer.asked]
    assert table["validation_accuracy"].is_monotonic_decreasing
    np.testing.assert_allclose(table["validation_accuracy"], table["dropout_rate"])  # the best epoch's, not the last
    for _, row in table.iterrows():
        asked = trainer.asked[int(row["trial"])]
        assert {name: row[name] for name in CARD.search} == {name: asked[name] for name in CARD.search}


def test_values_lie_in_the_card_s_space(trainer, tmp_path):
    run_search(tmp_path, 30)
    for name, space in CARD.search.items():
        drawn = [asked[name] for asked in trainer.asked]
        if space.kind == "choice":
            assert set(drawn) == set(space.choices)
        else:
            assert space.low <= min(drawn) < max(drawn) <= space.high
            assert len(set(drawn)) == 30


def test_a_search_that_gets_more_trials_goes_on(trainer, tmp_path):
    whole = run_search(tmp_path / "whole", 5)
    run_search(tmp_path / "parts", 2)
    trainer.asked.clear()
    pd.testing.assert_frame_equal(run_search(tmp_path / "parts", 5), whole)
    assert [asked["trial"] for asked in trainer.asked] == [2, 3, 4]


@pytest.mark.parametrize("interrupt_at", [0, 1, 3])
def test_an_interrupted_search_goes_on_with_the_trial_it_was_in(interrupt_at, trainer, tmp_path):
    whole = run_search(tmp_path / "whole", 4)
    trainer.asked.clear()
    trainer.interrupt_at = interrupt_at
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run_search(tmp_path / "parts", 4)
    trainer.interrupt_at = None
    pd.testing.assert_frame_equal(run_search(tmp_path / "parts", 4), whole)
    again = [asked for asked in trainer.asked if asked["trial"] == interrupt_at]
    assert again == [again[0]] * 3
    assert len(trainer.asked) == 4 + 2


HANGS = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_search import Trainer, run_search, search_module

class Hanging(Trainer):
    def __call__(self, *arguments, **options):
        if options["trial"] == 1:
            print("hanging", flush=True)
            sys.stdin.read()
        return super().__call__(*arguments, **options)

search_module.train = Hanging()
run_search(Path({folder!r}), 3)
"""


def test_a_search_killed_in_a_trial_goes_on_with_it(trainer, tmp_path):
    whole = run_search(tmp_path / "whole", 3)
    trainer.asked.clear()
    code = HANGS.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "killed"))
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "hanging\n"
    finally:
        child.kill()
        child.communicate()
    pd.testing.assert_frame_equal(run_search(tmp_path / "killed", 3), whole)
    assert [asked["trial"] for asked in trainer.asked] == [1, 2]


def test_a_complete_search_trains_nothing(trainer, tmp_path):
    whole = run_search(tmp_path, 3)
    trainer.asked.clear()
    pd.testing.assert_frame_equal(run_search(tmp_path, 3), whole)
    assert sorted(run_search(tmp_path, 2)["trial"]) == [0, 1]
    assert trainer.asked == []


@pytest.mark.parametrize(
    "arguments",
    [{"data": make_tiny_data(sha256="other")}, {"trial_epochs": 3}, {"precision": "float32"}, {"seed": 1}],
)
def test_trials_of_another_request_do_not_mix(arguments, trainer, tmp_path):
    first = run_search(tmp_path, 2)
    trainer.asked.clear()
    run_search(tmp_path, 2, **arguments)
    assert [asked["trial"] for asked in trainer.asked] == [0, 1]
    trainer.asked.clear()
    pd.testing.assert_frame_equal(run_search(tmp_path, 2), first)
    assert trainer.asked == []


def test_another_search_space_is_another_search(trainer, tmp_path, monkeypatch):
    run_search(tmp_path, 2)
    space = {**CARD.search, "dropout_rate": CARD.search["dropout_rate"].model_copy(update={"high": 0.9})}
    monkeypatch.setattr(papers, "load", lambda _: CARD.model_copy(update={"search": space}))
    trainer.asked.clear()
    run_search(tmp_path, 2)
    assert len(trainer.asked) == 2


def test_values_depend_on_the_seed(trainer, tmp_path):
    for seed in (0, 1):
        run_search(tmp_path, 2, seed=seed)
    rates = [asked["learning_rate"] for asked in trainer.asked]
    assert len(set(rates)) == 4
    assert [asked["seed"] for asked in trainer.asked] == [0, 0, 1, 1]


def test_budget_is_the_profile_s_unless_another_is_given(trainer, tmp_path):
    profile = CARD.profiles["smoke"]
    search(PAPER, "light_vgg", "smoke", data=DATA, runs=tmp_path)
    assert [asked["epochs"] for asked in trainer.asked] == [profile.trial_epochs] * profile.trials


def test_of_equal_trials_the_first_is_the_best(trainer, tmp_path):
    trainer.score = lambda values: 0.25
    table = run_search(tmp_path, 40)
    assert table["trial"].tolist() == list(range(40))


def test_values_of_the_best_trial_have_the_types_that_it_was_asked_with(trainer, tmp_path):
    table = run_search(tmp_path, 4)
    best, asked = table.astype(object).iloc[0], trainer.asked[table["trial"][0]]
    assert {name: best[name] for name in CARD.search} == {name: asked[name] for name in CARD.search}
    assert isinstance(best["batch_size"], int) and isinstance(best["learning_rate"], float)


def test_a_card_without_a_search_space_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(papers, "load", lambda _: CARD.model_copy(update={"search": {}}))
    with pytest.raises(ValueError, match="search space .* Received: 'shi_light_vgg', which has none"):
        run_search(tmp_path, 1)


def test_an_unknown_variant_is_refused_before_anything_is_written(trainer, tmp_path):
    with pytest.raises(ValueError, match="Received: 'heavy_vgg'"):
        search(PAPER, "heavy_vgg", "smoke", data=DATA, runs=tmp_path, trials=1)
    assert list(tmp_path.iterdir()) == []


def test_a_real_trial_goes_on_with_its_epoch_and_never_stores_predictions(tmp_path, monkeypatch):
    def interrupt(progress):
        if progress.epoch:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("fer_lib.recorder.write_progress", interrupt)
        run_search(tmp_path, 1, precision="float32")
    trial = Run(tmp_path / "smoke" / PAPER / "search" / "trial-000" / "seed-0")
    before = trial.history
    assert len(before) == 1 and not trial.is_complete
    table = run_search(tmp_path, 1, precision="float32")
    pd.testing.assert_frame_equal(trial.history[:1], before)  # its seconds are those of the first time
    assert len(trial.history) == 2
    assert table["validation_accuracy"].tolist() == [trial.history["val_accuracy"].max()]
    values = {name: table.astype(object).iloc[0][name] for name in CARD.search}
    assert {name: trial.request["hyperparameters"][name] for name in values} == values
    assert {path.name for path in trial.folder.iterdir()} == {"config.json", "history.csv", "metrics.json"}
    assert list(trial.metrics) == ["history"]
    assert find_runs(tmp_path, "smoke") == []
