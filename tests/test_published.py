import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_epochs import write_epochs
from fake_runs import PAPER, write_fake_run, write_fake_runs
from tiny_data import make_tiny_data

from fer_lib import papers
from fer_lib.claims import judge
from fer_lib.epoch_predictions import EPOCH_PREDICTIONS, read_epoch_predictions
from fer_lib.files import write_json, write_npz, write_text
from fer_lib.paths import PUBLISHED
from fer_lib.published import publish, publish_run, published_runs
from fer_lib.request import make_request, requests_of
from fer_lib.runs import find_runs, request_sha256, run_folder
from fer_lib.verifying import verify_published


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    write_fake_runs(folder)
    return folder


@pytest.fixture
def published(runs, tmp_path):
    publish(runs, destination=tmp_path / "published")
    return tmp_path / "published"


def test_every_run_is_published_in_the_layout_of_run_folders(runs, published):
    places = [run.folder.relative_to(runs / "paper") for run in find_runs(runs, "paper")]
    assert [run.folder.relative_to(published) for run in published_runs(folder=published)] == places
    assert published_runs("another_paper", published) == []
    assert not [path for path in published.rglob(".*")]


def test_judging_needs_published_numbers_alone(runs, published):
    card = papers.load(PAPER)
    before, after = judge(card, find_runs(runs, "paper")), judge(card, published_runs(PAPER, published))
    assert [judgement.verdict for judgement in after] == [judgement.verdict for judgement in before]
    for one, other in zip(before, after, strict=True):
        assert other.measured == pytest.approx(one.measured, abs=0.006)  # grouped numbers: one image of 200


def test_predictions_are_small_and_of_held_out_images_only(runs, published):
    run = published_runs(PAPER, published)[0]
    original = find_runs(runs, "paper")[0]
    with np.load(run.folder / "predictions.npz", allow_pickle=False) as arrays:
        kinds = {name: arrays[name].dtype.name for name in arrays.files}
    assert kinds == {
        f"{name}_{split}": kind
        for split in ("validation", "test")
        for name, kind in (("rows", "int32"), ("labels", "uint8"), ("single", "float16"))
    }
    one, other = run.predictions("test"), original.predictions("test")
    assert np.array_equal(one.rows, other.rows) and np.array_equal(one.labels, other.labels)
    assert np.allclose(one.probabilities, other.probabilities, atol=5e-4)


def test_metrics_stay_and_histories_are_rounded(runs, published):
    run, original = published_runs(PAPER, published)[-1], find_runs(runs, "paper")[-1]
    assert run.metrics == original.metrics
    pairs = [(r, o) for r, o in zip(published_runs(PAPER, published), find_runs(runs, "paper"), strict=True)]
    histories = [(r.history, o.history) for r, o in pairs if (o.folder / "history.csv").exists()]
    assert len(histories) == 11
    for rounded, exact in histories:
        pd.testing.assert_frame_equal(rounded, exact, rtol=1e-5)
        assert set(rounded["seconds"]) == {57.1235}


def test_no_path_and_no_name_of_a_machine_is_published(published):
    text = "".join(path.read_text() for path in published.rglob("*.json"))
    assert "/home" not in text and "somebody" not in text
    assert '"source": "fer2013.csv"' in text


def test_a_path_in_a_request_is_cut_and_hashed_anew(tmp_path):
    run = write_fake_run(tmp_path / "runs")
    config = run.config
    config["request"]["options"]["weights"] = "C:\\Users\\somebody\\vgg16.h5"
    config["record"]["hardware"]["gpus"] = ["~/somebody"]
    write_json(run.folder / "config.json", config)
    config = publish_run(run, tmp_path / "published" / "seed-0").config
    assert config["request"]["options"]["weights"] == "vgg16.h5"
    assert config["request_sha256"] == request_sha256(config["request"])


def test_what_a_run_was_made_from_and_in_which_sessions_is_published(tmp_path):
    run = write_fake_run(tmp_path / "runs")
    told = {
        "made_from": {"base": "5a" * 32},
        "diverged_sources": ["base"],
        "sessions": [{"started": "2026-01-02T03:14:05+00:00"}],
    }
    write_json(run.folder / "config.json", {**run.config, "record": run.config["record"] | told})
    record = publish_run(run, tmp_path / "published" / "seed-0").config["record"]
    assert {name: record[name] for name in told} == told
    assert "host" in run.config["record"] and "host" not in record


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("stand-in for SFEW, composed from /home/somebody/fer2013.csv, split 3",
         "stand-in for SFEW, composed from fer2013.csv, split 3"),
        ("/home/some body/fer2013.csv, random split 0", "fer2013.csv, random split 0"),
        ("composed from C:\\Users\\somebody\\fer2013.csv", "composed from fer2013.csv"),
        ("built-in sample and/or 1/2 of it", "built-in sample and/or 1/2 of it"),
    ],
)  # fmt: skip
def test_a_path_within_a_text_is_cut(source, shown, tmp_path):
    run = write_fake_run(tmp_path / "runs")
    write_json(run.folder / "config.json", {**run.config, "record": {**run.config["record"], "source": source}})
    assert publish_run(run, tmp_path / "published" / "seed-0").config["record"]["source"] == shown


def test_publishing_twice_gives_the_same_bytes(runs, published, tmp_path):
    publish(runs, destination=tmp_path / "again")
    for path in (path for path in published.rglob("*") if path.is_file()):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(published)).read_bytes()


def test_a_run_published_before_is_replaced_whole(published, tmp_path):
    folder = published / PAPER / "light_vgg" / "seed-0"
    (folder / "leftover.txt").write_text("of an earlier run")
    publish_run(write_fake_run(tmp_path / "runs", accuracy=0.9), folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "history.csv",
        "metrics.json",
        "predictions.npz",
    ]


@pytest.mark.parametrize("options", [{"is_sample": True}, {"shortened": True}, {"as_published": False}])
def test_numbers_that_are_not_comparable_are_refused_and_nothing_is_written(tmp_path, options):
    write_fake_run(tmp_path / "runs", variant="lda")
    write_fake_run(tmp_path / "runs", **options)
    with pytest.raises(ValueError, match=r"not published\. Received: .*light_vgg"):
        publish(tmp_path / "runs", destination=tmp_path / "published")
    assert not (tmp_path / "published").exists()


@pytest.mark.parametrize("name", ["predictions.npz", EPOCH_PREDICTIONS, "metrics.json", "history.csv"])
def test_nothing_is_published_where_a_file_of_one_run_is_damaged(tmp_path, name):
    write_fake_run(tmp_path / "runs", variant="lda")
    run = write_epochs(write_fake_run(tmp_path / "runs"))
    path = run.folder / name
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=re.escape(str(path))):
        publish(tmp_path / "runs", destination=tmp_path / "published")
    assert not (tmp_path / "published").exists()


def test_nothing_is_published_where_a_history_lacks_an_epoch(tmp_path):
    path = write_fake_run(tmp_path / "runs").folder / "history.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(
        ValueError, match=rf"^{re.escape(str(path))} must have a row for each of 8 epochs. Received: 7$"
    ):
        publish(tmp_path / "runs", destination=tmp_path / "published")
    assert not (tmp_path / "published").exists()


def test_nothing_is_published_where_the_epochs_of_one_run_do_not_fit(tmp_path):
    write_fake_run(tmp_path / "runs", variant="lda")
    run = write_epochs(write_fake_run(tmp_path / "runs"))
    write_npz(run.folder / EPOCH_PREDICTIONS, dict.fromkeys(("classes_validation", "classes_test"), np.zeros((8, 3))))
    with pytest.raises(ValueError, match="must be uint8"):
        publish(tmp_path / "runs", destination=tmp_path / "published")
    assert not (tmp_path / "published").exists()


def _contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_that_cannot_take_its_place_leaves_the_one_published_before(published, tmp_path, monkeypatch):
    folder = published / PAPER / "light_vgg" / "seed-0"
    before, move = _contents(published), Path.replace

    def refuse_once(path, target):
        if Path(target) == folder:
            monkeypatch.setattr(Path, "replace", move)
            raise PermissionError(13, "another program has it open", str(target))
        return move(path, target)

    monkeypatch.setattr(Path, "replace", refuse_once)
    with pytest.raises(PermissionError):
        publish_run(write_fake_run(tmp_path / "runs", accuracy=0.9), folder)
    assert _contents(published) == before and not list(published.rglob(".*"))


def test_a_variant_that_is_on_the_sample_by_design_is_published(tmp_path):
    write_fake_run(tmp_path / "runs", variant="lda", is_sample=True, protocol="drawn_sample")
    (copy,) = publish(tmp_path / "runs", destination=tmp_path / "published")
    assert copy.request["data"] == {"sha256": "5a" * 32, "is_sample": True, "protocol": "drawn_sample"}


def test_incomplete_runs_are_refused(tmp_path):
    run = write_fake_run(tmp_path / "runs")
    (run.folder / "metrics.json").unlink()
    with pytest.raises(ValueError, match="complete"):
        publish_run(run, tmp_path / "published")
    with pytest.raises(ValueError, match="Received: none"):
        publish(tmp_path / "runs", destination=tmp_path / "published")


def test_the_search_is_published_as_a_table_the_best_trial_first(tmp_path):
    runs = tmp_path / "runs"
    write_fake_run(runs)
    expected = papers.load(PAPER).profiles["paper"].trials
    drawn = [(0.3, 1e-3), (0.5, 2e-3), (0.4, 3e-3), *((0.2, 1e-2 + number) for number in range(expected - 3))]
    for number, (accuracy, rate) in enumerate(drawn):
        trial = write_fake_run(runs / "drafts", accuracy=accuracy, shortened=True)
        config = trial.config
        config["request"]["hyperparameters"]["learning_rate"] = rate
        config["request"]["epochs"] = 4
        write_json(trial.folder / "config.json", config)
        shutil.move(trial.folder, runs / "paper" / PAPER / "search" / f"trial-{number:03d}" / "seed-0")
    publish(runs, destination=tmp_path / "published")
    table = pd.read_csv(tmp_path / "published" / PAPER / "search.csv")
    assert list(table.columns) == ["trial", "learning_rate", "epochs", "validation_accuracy"]
    assert list(table["trial"][:3]) == [1, 2, 0] and list(table["learning_rate"][:3]) == [2e-3, 3e-3, 1e-3]
    assert len(table) == expected and len(published_runs(PAPER, tmp_path / "published")) == 1


def test_half_a_search_is_not_published(tmp_path):
    runs = tmp_path / "runs"
    write_fake_run(runs)
    trial = write_fake_run(runs / "drafts", shortened=True)
    shutil.move(trial.folder, runs / "paper" / PAPER / "search" / "trial-000" / "seed-0")
    publish(runs, destination=tmp_path / "published")
    assert not (tmp_path / "published" / PAPER / "search.csv").exists()


@pytest.mark.parametrize("damaged", ["a trial", "an obstacle"])
def test_nothing_is_published_where_what_stands_beside_the_runs_is_damaged(tmp_path, damaged):
    runs = tmp_path / "runs"
    write_fake_run(runs)
    if damaged == "a trial":
        path = runs / "paper" / PAPER / "search" / "trial-000" / "seed-0" / "config.json"
        shutil.move(write_fake_run(runs / "drafts", shortened=True).folder, path.parent)
    else:
        path = run_folder(runs, "paper", PAPER, "lda", 0) / "obstacle.json"
    write_text(path, "{")
    with pytest.raises(ValueError, match=f"^{path} must be "):
        publish(runs, destination=tmp_path / "published")
    assert not (tmp_path / "published").exists()


def test_transforms_are_published_with_their_originals_told_apart(tmp_path):
    run = write_fake_run(tmp_path / "runs", protocol="balanced_apart", transforms=3)
    copy = publish_run(run, tmp_path / "published" / PAPER / "light_vgg" / "seed-0")
    with np.load(copy.folder / "predictions.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["labels_test", "rows_test", "single_test", "transforms_test"]
        assert arrays["transforms_test"].dtype == np.uint8
        assert np.array_equal(arrays["transforms_test"], np.tile(np.arange(4), 50))
    assert copy.views["test"] == ["single"]
    assert verify_published(tmp_path / "published") == []
    metrics = copy.metrics
    metrics["test"]["single_originals"]["confusion"][0][0] += 8
    write_json(copy.folder / "metrics.json", metrics)
    findings = verify_published(tmp_path / "published")
    assert findings and all(
        found.startswith(f"{PAPER}/light_vgg/seed-0: test (single_originals) ") for found in findings
    )


@pytest.fixture
def with_epochs(tmp_path):
    """A run with predictions of every epoch, and what is published of it."""
    run = write_epochs(write_fake_run(tmp_path / "runs"))
    return run, publish_run(run, tmp_path / "published" / PAPER / "light_vgg" / "seed-0")


def test_predictions_of_every_epoch_are_published_with_their_run(with_epochs, tmp_path):
    run, copy = with_epochs
    one, other = read_epoch_predictions(run), read_epoch_predictions(copy)
    assert one.epochs == other.epochs == 8
    for split, classes in one.classes.items():
        assert np.array_equal(classes, other.classes[split])
    assert (copy.folder / EPOCH_PREDICTIONS).stat().st_size < (run.folder / EPOCH_PREDICTIONS).stat().st_size
    assert verify_published(tmp_path / "published") == []


def test_epochs_that_do_not_give_the_metrics_are_found_out(with_epochs, tmp_path):
    path = with_epochs[1].folder / EPOCH_PREDICTIONS
    with np.load(path) as arrays:
        content = dict(arrays)
    kept = with_epochs[1].metrics["history"]["kept_epoch"] - 1
    content["classes_test"][kept, :10] = (content["classes_test"][kept, :10] + 1) % 7
    write_npz(path, content)
    (finding,) = verify_published(tmp_path / "published")
    assert finding.startswith(f"{PAPER}/light_vgg/seed-0: test: kept epoch 7 has accuracy ")
    write_npz(path, {name: classes[:5] for name, classes in content.items()})
    (finding,) = verify_published(tmp_path / "published")
    assert finding.endswith("holds 5 epochs, the history 8")
    write_npz(path, {name: classes[:, :50] for name, classes in content.items()})
    (finding,) = verify_published(tmp_path / "published")
    assert "must be uint8 (epochs, 200)" in finding


def test_epochs_that_do_not_fit_their_run_are_not_published(tmp_path):
    run = write_epochs(write_fake_run(tmp_path / "runs"))
    write_npz(run.folder / EPOCH_PREDICTIONS, dict.fromkeys(("classes_validation", "classes_test"), np.zeros((8, 3))))
    with pytest.raises(ValueError, match="must be uint8"):
        publish_run(run, tmp_path / "published" / "seed-0")
    assert not (tmp_path / "published" / "seed-0").exists()


def test_no_picture_is_committed():
    """Arrays of the published runs are row numbers, classes and probabilities, and the page draws lines alone."""
    for path in PUBLISHED.rglob("*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                array, kind = arrays[name], name.rsplit("_", 1)[0]
                if kind in ("rows", "labels", "transforms"):
                    assert array.ndim == 1, (path, name)
                elif path.name == EPOCH_PREDICTIONS:
                    assert kind == "classes" and array.dtype == np.uint8 and array.max() < 7, (path, name)
                else:
                    assert array.dtype == np.float16 and array.ndim == 2 and array.shape[1] <= 7, (path, name)
                    np.testing.assert_allclose(array.astype(float).sum(axis=1), 1, atol=5e-3)
    assert not re.search(r"<img|<image|data:image|base64", (PUBLISHED / "index.html").read_text(encoding="utf-8"))
    suffixes = {path.suffix for path in PUBLISHED.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".csv", ".npz", ".md", ".html"}


def test_published_runs_are_what_the_cards_ask_for_today(monkeypatch):
    """A card that is changed asks for other runs: what is published beside it was then made under another one."""
    monkeypatch.setattr("fer_lib.request.describe_data", lambda data, protocol: {})
    keys, data = ("kind", "model", "options", "hyperparameters", "grouping", "epochs"), make_tiny_data()
    found = published_runs()
    assert found
    for run in found:
        card = papers.load(run.request["paper"])
        asked = make_request(card, run.request["variant"], run.request["seed"], "paper", data)
        for made, wanted in zip(requests_of(run.request), requests_of(asked), strict=True):
            assert {key: made[key] for key in keys} == {key: wanted[key] for key in keys}, run.folder
