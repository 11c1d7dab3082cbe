import dataclasses
import json
from contextlib import nullcontext

import numpy as np
import pytest
from fake_runs import write_fake_run
from PIL import Image
from tiny_data import make_tiny_data

from fer_lib import papers
from fer_lib import replication as replication_module
from fer_lib.claims import VERDICTS
from fer_lib.datasets import take_part
from fer_lib.labels import EMOTIONS
from fer_lib.paths import runs_folder
from fer_lib.recorder import TrainingDiverged
from fer_lib.replication import Replication, open_replication
from fer_lib.request import is_shortened, make_request
from fer_lib.runs import run_folder, write_obstacle

PAPER = "shi_light_vgg"
CARD = papers.load(PAPER)
REAL = dataclasses.replace(make_tiny_data(sha256="18" * 32), source="fer2013.csv", is_sample=False)


def replication_of(runs, data=REAL, profile="paper", epochs=None, seeds=None, trials=None):
    return Replication(CARD, data, profile, runs, epochs, seeds, trials, "float32")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A network and a classifier trained with two seeds on 28 images of a sample."""
    replication = replication_of(
        tmp_path_factory.mktemp("runs"), make_tiny_data(), profile="smoke", epochs=1, seeds=[0, 3]
    )
    return replication, {name: replication.train(name) for name in ("light_vgg", "softmax_regression")}


def test_a_variant_is_trained_with_each_seed(trained):
    replication, runs = trained
    for variant, made in runs.items():
        assert [run.folder for run in made] == [
            run_folder(replication.runs, "smoke", PAPER, variant, seed) for seed in (0, 3)
        ]
        assert [run.request["seed"] for run in made] == [0, 3]
        assert all(run.is_complete for run in made)
    assert [len(run.history) for run in runs["light_vgg"]] == [1, 1]
    first, second = (run.predictions("test").probabilities for run in runs["light_vgg"])
    assert np.abs(first - second).max() > 1e-4


@pytest.mark.parametrize("finite", [(0, 2), ()])
def test_a_seed_that_diverges_at_once_leaves_the_others_and_all_of_them_an_error(tmp_path, monkeypatch, finite):
    def train(paper, variant, seed, *_, **__):
        if seed not in finite:
            raise TrainingDiverged(tmp_path / f"seed-{seed}", {"epoch": 1, "loss": np.nan})
        return seed

    monkeypatch.setattr(replication_module, "train", train)
    with nullcontext() if finite else pytest.raises(TrainingDiverged, match="seed-2: epoch 1 must leave finite losses"):
        assert replication_of(tmp_path).train("light_vgg") == list(finite)


def test_what_is_trained_is_loaded_not_trained_again(trained):
    replication, runs = trained
    before = [(run.folder / "metrics.json").stat().st_mtime_ns for run in runs["light_vgg"]]
    again = replication.train("light_vgg")
    assert again == runs["light_vgg"]
    assert [(run.folder / "metrics.json").stat().st_mtime_ns for run in again] == before


def test_complete_runs_are_those_of_this_data(trained):
    replication, runs = trained
    assert replication.complete_runs() == [*runs["light_vgg"], *runs["softmax_regression"]]
    other = dataclasses.replace(replication, data=make_tiny_data(sha256="other"))
    assert other.complete_runs() == []


def test_a_sample_has_a_row_per_claim_and_no_verdict(trained):
    replication, runs = trained
    table = replication.verdicts()
    assert list(table) == ["claim", "published", "measured", "seeds", "verdict", "reason", "where"]
    assert table["claim"].tolist() == [claim.says for claim in CARD.claims]
    assert set(table["verdict"]) == {"no verdict", "not run"}
    assert set(table.loc[table["verdict"] == "no verdict", "reason"]) == {"sample data"}
    accuracy = np.mean([run.metrics["test"]["single"]["accuracy"] for run in runs["light_vgg"]])
    row = table[table["claim"].str.startswith("The test accuracy of the CNN")].iloc[0]
    assert row["verdict"] == "no verdict" and row["measured"].startswith(f"{100 * accuracy:.1f} %")


def test_the_notice_of_a_short_run_on_a_sample_says_both(trained):
    notice = trained[0].notice
    assert "Data: tiny (sha256 tiny…). Profile: smoke, 1 epoch." in notice
    assert "Sample data: numbers are not comparable with the paper." in notice
    shortened = "1 of 32 epochs; narrower networks; other hyper-parameters; small_residual in place of vgg19"
    assert f"Shortened budget ({shortened}): trainings get no verdict." in notice


def sfew_replication(tmp_path, data=REAL):
    return Replication(papers.load("liu_sfew_lenet"), data, "paper", tmp_path, None, None, None, "float32")


def test_the_notice_names_the_stand_in(tmp_path, monkeypatch):
    monkeypatch.delenv("SFEW_FOLDER", raising=False)
    assert "A stand-in takes the place of SFEW: verdicts are indicative." in sfew_replication(tmp_path).notice
    assert "stand-in" not in replication_of(tmp_path).notice


def test_runs_on_sfew_are_told_from_those_on_its_stand_in(tmp_path, monkeypatch):
    monkeypatch.delenv("SFEW_FOLDER", raising=False)
    write_fake_run(tmp_path, paper="liu_sfew_lenet", variant="whole_frame", protocol="sfew_whole", stands_for="SFEW")
    assert len(sfew_replication(tmp_path).complete_runs()) == 1
    for emotion in EMOTIONS:
        (tmp_path / "sfew" / emotion).mkdir(parents=True)
        Image.new("L", (50, 50)).save(tmp_path / "sfew" / emotion / "0.png")
    monkeypatch.setenv("SFEW_FOLDER", str(tmp_path / "sfew"))
    assert sfew_replication(tmp_path).complete_runs() == []
    notice = sfew_replication(tmp_path, make_tiny_data()).notice
    assert f"Data: {tmp_path / 'sfew'} (sha256 " in notice
    assert "stand-in" not in notice and "Sample data" not in notice


def test_splits_of_a_variant_are_those_it_is_trained_on(tmp_path):
    card = papers.load("lt2326_lenet5")
    replication = Replication(card, make_tiny_data((70, 14, 14)), "smoke", tmp_path, None, None, None, "float32")
    assert replication.splits("official") is replication.data
    assert (len(replication.splits("random_split").train), len(replication.splits("random_split").test)) == (78, 20)


@pytest.mark.parametrize(
    ("profile", "epochs", "shortened"),
    [("paper", None, False), ("paper", 32, False), ("paper", 31, True), ("quick", None, True), ("smoke", None, True)],
)
def test_the_notice_says_shortened_where_the_budget_is(profile, epochs, shortened, tmp_path):
    notice = replication_of(tmp_path, profile=profile, epochs=epochs).notice
    assert ("Shortened budget" in notice) is shortened
    assert "Sample data" not in notice
    assert f"Profile: {profile}, {epochs or CARD.profiles[profile].epochs} epochs" in notice


def test_a_part_of_the_data_is_a_shortened_budget(tmp_path):
    part = take_part(REAL, 10)
    assert is_shortened(CARD, make_request(CARD, "lda", 0, "paper", part), part)
    assert not is_shortened(CARD, make_request(CARD, "lda", 0, "paper", REAL), REAL)
    assert "Shortened budget (a part of the data)" in replication_of(tmp_path, data=part).notice


def test_quick_takes_a_part_of_the_data_found(tmp_path):
    replication = open_replication(PAPER, "quick", "sample", str(tmp_path))
    whole = open_replication(PAPER, "smoke", "sample", str(tmp_path)).data
    assert replication.data.whole.sha256 == whole.sha256
    assert len(replication.data.train) - CARD.budget("quick").images in range(len(EMOTIONS))


def test_full_runs_on_the_data_get_verdicts(tmp_path):
    for seed in (0, 1, 2):
        write_fake_run(tmp_path, seed=seed)
    table = replication_of(tmp_path).verdicts()
    assert len(table) == len(CARD.claims)
    assert set(table["verdict"]) <= set(VERDICTS)
    row = table[table["claim"].str.startswith("The test accuracy of the CNN")].iloc[0]
    assert row["published"] == "58.6 %" and row["verdict"] != "not run" and "%" in row["measured"]


def test_shortened_runs_on_the_data_get_none(tmp_path):
    write_fake_run(tmp_path, shortened=True)
    table = replication_of(tmp_path).verdicts()
    assert set(table["verdict"]) == {"no verdict", "not run"}
    assert set(table.loc[table["verdict"] == "no verdict", "reason"]) == {"shortened budget"}


def test_without_any_run_the_verdicts_say_what_stood_in_the_way(tmp_path):
    write_obstacle(run_folder(tmp_path, "paper", PAPER, "light_vgg", 1), "weights not available")
    reasons = replication_of(tmp_path).verdicts()["reason"]
    assert reasons.str.contains("weights not available: no run of light_vgg (seed 1)", regex=False).any()


def test_without_runs_every_claim_is_not_run(tmp_path):
    table = replication_of(tmp_path).verdicts()
    assert table["verdict"].tolist() == ["not run"] * len(CARD.claims)


def test_seeds_are_the_card_s_unless_others_are_given(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "fer_lib.replication.train", lambda *arguments, **options: asked.append((*arguments, options["epochs"]))
    )
    replication_of(tmp_path).train("light_vgg")
    replication_of(tmp_path).train("lda")
    replication_of(tmp_path, profile="quick", epochs=3, seeds=[5]).train("lda")
    assert asked == [
        *((PAPER, "light_vgg", seed, "paper", None) for seed in CARD.profiles["paper"].seeds),
        (PAPER, "lda", 0, "paper", None),
        (PAPER, "lda", 5, "quick", 3),
    ]


def test_the_search_is_that_of_the_replication(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "fer_lib.replication.search", lambda *arguments, **options: asked.append((arguments, options)) or "table"
    )
    assert replication_of(tmp_path, profile="quick", trials=7).search("light_vgg") == "table"
    expected = {"data": REAL, "runs": tmp_path, "trials": 7, "precision": "float32"}
    assert asked == [((PAPER, "light_vgg", "quick"), expected)]


def test_an_unknown_variant_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"variant must be one of \['light_vgg', .* Received: 'heavy_vgg'"):
        replication_of(tmp_path).train("heavy_vgg")


def test_a_replication_is_opened_from_a_notebook_s_parameters(small_csv, tmp_path):
    replication = open_replication(
        PAPER, "smoke", str(small_csv), str(tmp_path / "runs"), epochs=2, seeds=[1], trials=3
    )
    assert (replication.card.id, replication.profile, replication.runs) == (PAPER, "smoke", tmp_path / "runs")
    assert (replication.epochs, replication.seeds, replication.trials) == (2, [1], 3)
    assert [len(split) for split in replication.data.splits().values()] == [18, 6, 6]
    assert replication.data.is_sample is False
    assert open_replication(PAPER, data_path=str(small_csv)).runs == runs_folder()
    (run,) = replication.train("softmax_regression")
    assert run.folder == run_folder(tmp_path / "runs", "smoke", PAPER, "softmax_regression", 1)
    assert json.loads((run.folder / "config.json").read_text())["request"]["data"]["sha256"] == replication.data.sha256
    assert len(replication.verdicts()) == len(CARD.claims)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"paper": "no_paper"}, ValueError, "paper must be one of .* Received: 'no_paper'"),
        ({"profile": "fast"}, ValueError, "profile must be one of .* Received: 'fast'"),
        ({"data_path": "no_such_file.csv"}, FileNotFoundError, "no_such_file.csv"),
    ],
)
def test_unknown_parameters_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        open_replication(**{"paper": PAPER} | arguments)
