"""The weights that are shipped, and those of run folders: which are found, which are refused, what is said of them."""

import json
import shutil
import zipfile

import numpy as np
import pytest
from fake_runs import PAPER, write_fake_run

from fer_lib.files import file_sha256, write_json
from fer_lib.labels import EMOTIONS
from fer_lib.published import publish_run, published_runs
from fer_lib.runs import request_sha256
from fer_lib.shipped import FOLDER, load_shipped
from fer_lib.trained import find_weights, ship

WITHOUT_OPTIONS = {"paper": "a", "variant": "b", "seed": 0, "data": {"sha256": "", "is_sample": False}}


def _trained(runs, changes=(), **options):
    """A complete run folder with something in the place of its network."""
    run = write_fake_run(runs, **options)
    config = run.config
    config["request"]["options"]["input_shape"] = [48, 48, 1]
    config["request"] |= dict(changes)
    config["request_sha256"] = request_sha256(config["request"])
    write_json(run.folder / "config.json", config)
    (run.folder / "model.keras").write_bytes(b"weights")
    return run


def _published(run, folder):
    publish_run(run, folder / "published" / PAPER / run.request["variant"] / "seed-0")
    return folder / "published"


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The folder of run folders, empty."""
    monkeypatch.setenv("FER_LIB_REPORTS", str(tmp_path / "reports"))
    return tmp_path / "reports" / "runs"


def test_what_is_shipped_has_its_hash_and_is_small():
    note = json.loads((FOLDER / "light_vgg.json").read_text(encoding="utf-8"))
    assert file_sha256(FOLDER / "light_vgg.keras") == note["weights_sha256"]
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < 15_000_000
    assert sorted(path.name for path in FOLDER.iterdir()) == ["light_vgg.json", "light_vgg.keras"]


def test_what_is_shipped_is_of_a_published_run():
    weights = load_shipped()
    (run,) = [run for run in published_runs(weights.paper) if run.config["request_sha256"] == weights.request_sha256]
    assert request_sha256(run.request) == weights.request_sha256
    assert [run.request[name] for name in ("variant", "seed")] == [weights.variant, weights.seed]
    assert weights.name == f"{run.request['paper']}/{run.request['variant']}/seed-{run.request['seed']}"
    assert weights.classes == EMOTIONS and weights.input_shape == tuple(run.request["options"]["input_shape"])
    measured = run.metrics["test"]["single"]
    assert weights.score.test == "PrivateTest"
    assert weights.score.accuracy == measured["accuracy"] and weights.score.images == measured["n"]
    assert list(weights.score.interval) == measured["accuracy_interval"]
    assert f"{measured['accuracy']:.1%}" in weights.describe()


def test_what_is_shipped_names_no_class_but_keras_own():
    with zipfile.ZipFile(FOLDER / "light_vgg.keras") as archive:
        config = json.loads(archive.read("config.json"))
    assert {layer["module"] for layer in config["config"]["layers"]} == {"keras.layers"}
    assert {layer["registered_name"] for layer in config["config"]["layers"]} == {None}


@pytest.mark.parametrize("name", ["light_vgg.json", "light_vgg.keras"])
def test_missing_files_are_told(name, tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "weights")
    (folder / name).unlink()
    with pytest.raises(ValueError, match="must come with"):
        load_shipped(folder)


def test_damaged_weights_are_told(tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "weights")
    (folder / "light_vgg.keras").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match="light_vgg.keras: the weights must have the hash"):
        load_shipped(folder)
    (folder / "light_vgg.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"light_vgg\.json must be a JSON object, whole"):
        load_shipped(folder)


def test_shipping_copies_the_network_and_what_is_published(tmp_path):
    run = _trained(tmp_path / "runs")
    weights = ship(run, tmp_path / "weights", _published(run, tmp_path))
    assert weights == load_shipped(tmp_path / "weights") and weights.is_shipped
    assert weights.file.read_bytes() == b"weights"
    assert weights.name == f"{PAPER}/light_vgg/seed-0" and weights.request_sha256 == run.config["request_sha256"]
    assert weights.score.accuracy == run.metrics["test"]["single"]["accuracy"]
    before = {path.name: path.read_bytes() for path in (tmp_path / "weights").iterdir()}
    ship(run, tmp_path / "weights", tmp_path / "published")
    assert {path.name: path.read_bytes() for path in (tmp_path / "weights").iterdir()} == before


@pytest.mark.parametrize(
    ("options", "message"),
    [({"is_sample": True}, "built-in sample"), ({"shortened": True}, "less than the card")],
)
def test_runs_that_prove_nothing_are_not_shipped(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        ship(_trained(tmp_path / "runs", **options), tmp_path / "weights", tmp_path / "published")
    assert not (tmp_path / "weights").exists()


def test_incomplete_runs_are_not_shipped(tmp_path):
    run = _trained(tmp_path / "runs")
    (run.folder / "metrics.json").unlink()
    with pytest.raises(ValueError, match="only complete runs"):
        ship(run, tmp_path / "weights", tmp_path / "published")


def test_runs_that_are_not_published_are_not_shipped(tmp_path):
    run = _trained(tmp_path / "runs")
    with pytest.raises(ValueError, match="whose numbers are published"):
        ship(run, tmp_path / "weights", tmp_path / "published")
    published = _published(run, tmp_path)
    other = _trained(tmp_path / "runs", {"hyperparameters": {"learning_rate": 0.5}})
    with pytest.raises(ValueError, match="whose numbers are published"):
        ship(other, tmp_path / "weights", published)
    _trained(tmp_path / "runs", accuracy=0.9)
    with pytest.raises(ValueError, match="the same numbers"):
        ship(run, tmp_path / "weights", published)
    assert not (tmp_path / "weights").exists()


def test_a_run_is_found_by_its_folder_and_by_its_name(runs):
    smoke = _trained(runs, profile="smoke", variant="without_dropout")
    name = f"{PAPER}/without_dropout/seed-0"
    assert find_weights(str(smoke.folder)) == find_weights(name)
    assert find_weights(f"smoke/{name}") == find_weights(name)
    paper = _trained(runs, variant="without_dropout")
    assert find_weights(f"smoke/{name}").file == smoke.folder / "model.keras"
    assert find_weights(name).file == paper.folder / "model.keras"
    assert find_weights(str(smoke.folder)).file == smoke.folder / "model.keras"
    (paper.folder / "metrics.json").unlink()  # it is being trained
    assert find_weights(name).file == smoke.folder / "model.keras"


def test_what_is_shipped_can_be_named_and_gives_way_to_one_s_own_of_the_paper_s_budget(runs):
    weights = load_shipped()
    assert find_weights(weights.name) == weights
    smoke = _trained(runs, profile="smoke")
    assert find_weights(weights.name) == weights
    assert find_weights(str(smoke.folder)).file == smoke.folder / "model.keras"
    paper = _trained(runs)
    assert find_weights(weights.name).file == paper.folder / "model.keras"


def test_published_runs_come_without_weights_and_one_is_told_what_to_do(runs, tmp_path):
    published = _published(write_fake_run(tmp_path / "elsewhere", variant="without_dropout"), tmp_path)
    for name in (f"{PAPER}/without_dropout/seed-0", f"published/{PAPER}/without_dropout/seed-0"):
        with pytest.raises(ValueError, match="numbers without weights") as error:
            find_weights(name, published)
        assert f"fer-lib train {PAPER} without_dropout --seed 0 --profile paper" in str(error.value)


def test_names_of_nothing_are_refused(runs, tmp_path):
    for name in ("nobody/nothing/seed-0", str(tmp_path), "", "light_vgg"):
        with pytest.raises(ValueError, match="run must name a run folder, or .profile/.paper/variant/seed-n"):
            find_weights(name)


def test_runs_without_a_network_are_refused(runs):
    _trained(runs, variant="lda")
    with pytest.raises(ValueError, match="'classifier'"):
        find_weights(f"{PAPER}/lda/seed-0")


def test_incomplete_runs_are_refused(runs):
    run = _trained(runs, variant="without_dropout")
    (run.folder / "metrics.json").unlink()
    with pytest.raises(ValueError, match="must be complete"):
        find_weights(f"{PAPER}/without_dropout/seed-0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"config\.json must be a JSON object, whole"),
        ("[]", r"config\.json must be a JSON object, whole. Received: list"),
        ('{"request": {}}', r"config\.json must be a JSON object with the field 'request\.paper'"),
        (
            json.dumps({"request": WITHOUT_OPTIONS, "record": {}}),
            "must be those of a run",
        ),
    ],
)
def test_broken_configurations_are_told(runs, text, message):
    run = _trained(runs)
    (run.folder / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as error:
        find_weights(str(run.folder))
    assert str(run.folder) in str(error.value)


def test_runs_of_other_classes_name_their_own(runs):
    run = _trained(runs, {"grouping": "negative_positive"})
    assert find_weights(str(run.folder)).classes == ("negative", "positive")


def test_one_is_warned_of_runs_that_say_little(runs):
    assert find_weights(str(_trained(runs).folder)).warnings == ()
    (warning,) = find_weights(str(_trained(runs, is_sample=True).folder)).warnings
    assert "drawn faces" in warning
    (warning,) = find_weights(str(_trained(runs, shortened=True).folder)).warnings
    assert "less than their paper says" in warning


def test_what_a_run_was_tested_on_is_said(runs):
    official = find_weights(str(_trained(runs).folder))
    assert "of PrivateTest (95%" in official.describe()
    assert str(runs) not in official.describe()  # it is drawn on pictures that may be shown to others
    own = find_weights(str(_trained(runs, protocol="random_split").folder))
    assert "its own test (random_split)" in own.describe() and "PrivateTest" not in own.describe()
    assert "built-in sample" in find_weights(str(_trained(runs, is_sample=True).folder)).describe()
    assert "a stand-in for SFEW" in find_weights(str(_trained(runs, stands_for="SFEW").folder)).describe()


def test_the_generator_of_enlarged_images_must_be_there(runs):
    source = {"variant": "srgan", "seed": 0}
    run = _trained(runs, {"enlarged_by": source})
    with pytest.raises(ValueError, match="the generator"):
        find_weights(str(run.folder))
    generator = run.folder.parents[1] / "srgan" / "seed-0" / "model.keras"
    generator.parent.mkdir(parents=True)
    generator.write_bytes(b"generator")
    assert find_weights(str(run.folder)).enlarged_by == str(generator)
    assert find_weights(str(_trained(runs, {"enlarged_by": "bicubic"}).folder)).enlarged_by == "bicubic"


@pytest.mark.data
def test_the_shipped_weights_give_the_published_probabilities(fer2013_csv, fer2013_cache):
    from fer_lib.datasets import load_fer2013
    from fer_lib.predicting import name_expressions

    weights = load_shipped()
    (run,) = [run for run in published_runs(weights.paper) if run.config["request_sha256"] == weights.request_sha256]
    published = run.predictions("validation")
    validation = load_fer2013(fer2013_csv, fer2013_cache).validation.take(np.arange(256))
    np.testing.assert_array_equal(validation.rows, published.rows[:256])
    _, probabilities, heat = name_expressions(validation.images, weights)
    assert probabilities.dtype == np.float32 and heat.shape == (256, 48, 48)
    np.testing.assert_allclose(probabilities, published.probabilities[:256], atol=1e-3)
