"""Published numbers that do not follow from the published probabilities are found out, whichever they are."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from fake_runs import PAPER, write_fake_run, write_fake_runs
from tiny_data import make_tiny_data
from tiny_notebooks import fer_lib, write_project

from fer_lib.datasets import load_fer2013
from fer_lib.ensemble import average_probabilities, compare_with_better_member
from fer_lib.files import write_json, write_npz
from fer_lib.labels import EMOTIONS, GROUPINGS
from fer_lib.metrics import classification_metrics
from fer_lib.paths import PUBLISHED
from fer_lib.published import publish, published_runs
from fer_lib.runs import Run, request_sha256
from fer_lib.verifying import verify_published


@pytest.fixture
def published(tmp_path):
    write_fake_runs(tmp_path / "runs")
    publish(tmp_path / "runs", destination=tmp_path / "published")
    return tmp_path / "published"


def test_a_row_predicted_twice_is_found_out(published):
    path = published / PAPER / "lda" / "seed-0" / "predictions.npz"
    with np.load(path) as arrays:
        content = dict(arrays)
    content["rows_test"][1] = content["rows_test"][0]
    write_npz(path, content)
    assert verify_published(published) == [f"{PAPER}/lda/seed-0: test (single) predicts a row twice"]


def test_what_was_published_proves_itself(published):
    assert verify_published(published) == []


def test_scores_without_their_probabilities_are_found_out(published):
    folder = published / PAPER / "light_vgg" / "seed-0"
    (folder / "predictions.npz").unlink()
    name = f"{PAPER}/light_vgg/seed-0"
    told = [f"{name}: {split} (single) has scores and no probabilities" for split in ("validation", "test")]
    assert verify_published(published) == told


def test_a_view_without_its_probabilities_is_found_out(published):
    folder = published / PAPER / "lda" / "seed-0"
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["test"]["ten_crops"] = metrics["test"]["single"]
    write_json(folder / "metrics.json", metrics)
    assert verify_published(published) == [f"{PAPER}/lda/seed-0: test (ten_crops) has scores and no probabilities"]


def test_probabilities_without_their_scores_are_found_out(published):
    folder = published / PAPER / "lda" / "seed-0"
    metrics = json.loads((folder / "metrics.json").read_text())
    del metrics["test"]["single"]
    write_json(folder / "metrics.json", metrics)
    assert verify_published(published) == [f"{PAPER}/lda/seed-0: test (single) has probabilities and no scores"]


def test_a_score_that_is_not_there_is_found_out(published):
    folder = published / PAPER / "lda" / "seed-0"
    metrics = json.loads((folder / "metrics.json").read_text())
    del metrics["test"]["single"]["confusion"]
    write_json(folder / "metrics.json", metrics)
    assert set(verify_published(published)) == {f"{PAPER}/lda/seed-0: metrics.json holds no 'confusion'"}


def test_an_edited_number_is_found_out(published):
    path = published / PAPER / "lda" / "seed-0" / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["test"]["single"]["confusion"][0][0] += 20
    write_json(path, metrics)
    assert {finding.split(":")[0] for finding in verify_published(published)} == {f"{PAPER}/lda/seed-0"}


@pytest.mark.parametrize(
    "place",
    ["accuracy", "macro_f1", "accuracy_interval", "recall", "log_loss", "expected_calibration_error", "n"],
)
@pytest.mark.parametrize(("split", "view"), [("test", "single"), ("test", "single_unleaked"), ("train", "single")])
def test_an_edited_score_is_found_out(published, split, view, place):
    path = published / PAPER / "light_vgg" / "seed-0" / "metrics.json"
    metrics = json.loads(path.read_text())
    scores = metrics[split][view]
    scores[place] = edited(scores[place])
    write_json(path, metrics)
    is_checked = (split, view) == ("test", "single") or place not in (
        "log_loss",
        "expected_calibration_error",
    )  # no such probabilities
    findings = verify_published(published)
    assert len(findings) == is_checked
    assert all(f"light_vgg/seed-0: {split} ({view}) has {place} " in finding for finding in findings)


def test_an_edited_history_is_found_out(published):
    path = published / PAPER / "light_vgg" / "seed-0" / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["history"]["max_accuracy"] = 1.0
    write_json(path, metrics)
    (finding,) = verify_published(published)
    assert finding.startswith(f"{PAPER}/light_vgg/seed-0: history has max_accuracy 1.0, ")


def test_a_kept_epoch_that_the_history_does_not_choose_is_found_out(published):
    folder = published / PAPER / "light_vgg" / "seed-0"
    config = json.loads((folder / "config.json").read_text())
    config["request"]["hyperparameters"]["kept_epoch"] = "last"
    write_json(folder / "config.json", config | {"request_sha256": request_sha256(config["request"])})
    wrong = f"{PAPER}/light_vgg/seed-0: history has kept_epoch 7, which its rows do not choose"
    assert verify_published(published) == [wrong]


def edited(value):
    """A number, or the first of several, moved by a tenth or, where it is a count, by one."""
    if isinstance(value, dict):
        (first, number), *others = value.items()
        return {first: edited(number), **dict(others)}
    if isinstance(value, list):
        return [edited(value[0]), *value[1:]]
    return value + 1 if isinstance(value, int) else value + 0.1


def test_an_edited_request_is_found_out(published):
    path = published / PAPER / "lda" / "seed-0" / "config.json"
    path.write_text(re.sub(r'"seed": 0', '"seed": 5', path.read_text()))
    assert verify_published(published) == [f"{PAPER}/lda/seed-0: request_sha256 is not the hash of the request"]


def test_a_generator_proves_its_epochs(tmp_path):
    """It keeps no epoch of its choice and predicts no class."""
    run = write_fake_run(tmp_path / "runs", variant="srgan", paper="liu_separable_ensemble")
    (run.folder / "predictions.npz").unlink()
    write_json(run.folder / "metrics.json", {"history": {"epochs": 8}, "model": {"parameters": 5}})
    (published,) = publish(tmp_path / "runs", destination=tmp_path / "published")
    assert verify_published(tmp_path / "published") == []
    write_json(published.folder / "metrics.json", {**published.metrics, "history": {"epochs": 9}})
    told = "liu_separable_ensemble/srgan/seed-0: history has epochs 9, 8 when counted anew"
    assert verify_published(tmp_path / "published") == [told]


def test_the_committed_numbers_prove_themselves():
    if not published_runs():
        pytest.skip("nothing is published yet")
    assert verify_published(PUBLISHED) == []
    for run in published_runs():
        assert not run.is_on_sample_instead and not run.config["record"]["shortened"]


@pytest.mark.data
def test_the_committed_numbers_have_the_labels_of_fer2013(fer2013_csv, fer2013_cache):
    assert verify_published(PUBLISHED, load_fer2013(fer2013_csv, fer2013_cache)) == []


def data_of(run, wrong_row=-1):
    """Data that a made-up run could be made on, the last 50 test images in Training, too.

    One row may have another label than the true one.
    """
    grouping = run.request["grouping"]
    emotions = GROUPINGS[grouping].group_of if grouping else range(7)
    data = make_tiny_data(sizes=(60, 200, 200), sha256=run.request["data"]["sha256"])
    changed = {}
    for name, split in data.splits().items():
        groups = np.arange(len(split)) % len(set(emotions))
        labels = np.array([list(emotions).index(group) for group in groups])
        changed[name] = replace(split, labels=np.where(split.rows == wrong_row, (labels + 3) % 7, labels))
    images = np.concatenate([changed["test"].images[:150], changed["train"].images[:50]])
    return replace(data, **{**changed, "test": replace(changed["test"], images=images)})


def publish_one(tmp_path, **options):
    """A made-up run and the folder where it is published."""
    run = write_fake_run(tmp_path / "runs", **options)
    publish(tmp_path / "runs", destination=tmp_path / "published")
    return run, tmp_path / "published"


@pytest.mark.parametrize("variant", ["lda", "merged_disgust", "attitude"])
@pytest.mark.parametrize(("row", "split"), [(60, "validation"), (459, "test")])
def test_a_label_that_is_not_that_of_the_data_is_found_out(tmp_path, variant, row, split):
    run, published = publish_one(tmp_path, variant=variant)
    assert verify_published(published, data_of(run)) == []
    wrong = data_of(run, wrong_row=row)
    (finding,) = verify_published(published, wrong)
    assert finding == f"{PAPER}/{variant}/seed-0: {split} has 1 labels that are not those of the data"


def test_a_score_without_other_images_than_the_leaked_ones_is_found_out(tmp_path):
    run, published = publish_one(tmp_path)
    assert verify_published(published, data_of(run)) == []
    (published_run,) = published_runs(folder=published)
    metrics = published_run.metrics
    metrics["test"]["single_unleaked"] = metrics["test"]["single"]
    write_json(published_run.folder / "metrics.json", metrics)
    (finding,) = verify_published(published, data_of(run))
    assert finding.startswith(f"{PAPER}/light_vgg/seed-0: test (single_unleaked) has accuracy ")


def test_rows_that_the_data_do_not_have_are_found_out(tmp_path):
    run, published = publish_one(tmp_path)
    data = data_of(run)
    (finding,) = verify_published(published, replace(data, test=data.test.take(np.arange(190))))
    assert finding == f"{PAPER}/light_vgg/seed-0: test has 10 labels that are not those of the data"


@pytest.mark.parametrize("options", [{"stands_for": "SFEW"}, {}])
def test_runs_on_other_data_are_not_checked_against_these(tmp_path, options):
    run, published = publish_one(tmp_path, **options)
    sha256 = run.request["data"]["sha256"] if options else "other"
    assert verify_published(published, replace(data_of(run, wrong_row=459), sha256=sha256)) == []


ENSEMBLE = "liu_separable_ensemble"


def _arrays(run):
    with np.load(run.folder / "predictions.npz") as arrays:
        return dict(arrays)


def _change(run, change):
    """Change a run's probabilities, and its metrics with them; returns its arrays."""
    content = change(_arrays(run))
    write_npz(run.folder / "predictions.npz", content)
    metrics = run.metrics
    for name in (name for name in content if name.startswith(("single_", "ten_crops_"))):
        view, _, split = name.rpartition("_")
        metrics[split][view] = classification_metrics(content[f"labels_{split}"], content[name], EMOTIONS)
    write_json(run.folder / "metrics.json", metrics)
    return content


@pytest.fixture
def with_ensemble(tmp_path):
    """Two published networks and one that answers as either by turns, on the same images."""
    runs = tmp_path / "runs"
    accuracies = {"model_a_short": 0.5, "model_b_scratch": 0.6, "ensemble_average": 0.5}
    made = {name: write_fake_run(runs, paper=ENSEMBLE, variant=name, accuracy=accuracies[name]) for name in accuracies}
    first, second, fused = made.values()
    for run in made.values():  # by ten crops, as networks are predicted: of test images alone
        _change(run, lambda arrays: arrays | {"ten_crops_test": arrays["single_test"][:, ::-1]})
    answers = [dict(_arrays(run)) for run in (first, second)]
    places = [f"single_{split}" for split in ("train", "validation", "test")] + ["ten_crops_test"]

    def by_turns(arrays):
        one, other = answers
        turns = np.arange(max(map(len, arrays.values())))[:, None] % 2
        return arrays | {name: np.where(turns[: len(one[name])], one[name], other[name]) for name in places}

    content = _change(fused, by_turns)
    compared = {
        view: compare_with_better_member(
            content["labels_test"],
            content[f"{view}_test"],
            {name: arrays[f"{view}_test"] for name, arrays in zip(made, answers, strict=False)},
            content["labels_validation"],
            {name: arrays["single_validation"] for name, arrays in zip(made, answers, strict=False)},
        )
        for view in ("single", "ten_crops")
    }
    write_json(fused.folder / "metrics.json", {**fused.metrics, "ensemble": compared})
    config = fused.config
    config["request"]["members"] = [{"variant": run.request["variant"], "seed": 0} for run in (first, second)]
    write_json(fused.folder / "config.json", config)
    publish(runs, destination=tmp_path / "published")
    return tmp_path / "published" / ENSEMBLE


def test_an_ensemble_proves_itself_by_its_members(with_ensemble):
    assert verify_published(with_ensemble.parent) == []


@pytest.mark.parametrize("view", ["single", "ten_crops"])
def test_an_edited_comparison_of_an_ensemble_is_found_out(with_ensemble, view):
    path = with_ensemble / "ensemble_average" / "seed-0" / "metrics.json"
    metrics = json.loads(path.read_text())
    stored = metrics["ensemble"][view]
    true = stored["only_member"]
    stored["only_member"] -= 5
    write_json(path, metrics)
    (finding,) = verify_published(with_ensemble.parent)
    alone = f"only_ensemble {stored['only_ensemble']}, only_member"
    assert finding == (
        f"{ENSEMBLE}/ensemble_average/seed-0: ensemble ({view}) has {alone} {true} from the probabilities, "
        f"{alone} {true - 5} in its metrics"
    )


@pytest.mark.parametrize("view", ["single", "ten_crops"])
@pytest.mark.parametrize(
    ("place", "number", "told"),
    [
        ("better_member", "model_a_short", "better_member model_a_short"),
        ("n", 150, "n 150"),
        ("accuracy", 0.9, "0.9000 in its metrics"),
        (
            "member_accuracies",
            {"model_a_short": 0.9, "model_b_scratch": 0.6},
            "other member_accuracies than its members",
        ),
        ("gain", 0.25, "gain 0.25, which its counts do not give"),
        ("gain_interval", [0.1, 0.2], "gain_interval [0.1, 0.2], which its counts do not give"),
        ("p_exact", 0.001, "p_exact 0.001, which its counts do not give"),
        ("weight", 0.5, "probabilities that no weight of 0.5 gives"),
    ],
)
def test_any_other_edited_number_of_an_ensemble_is_found_out(with_ensemble, view, place, number, told):
    path = with_ensemble / "ensemble_average" / "seed-0" / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["ensemble"][view][place] = number
    write_json(path, metrics)
    findings = verify_published(with_ensemble.parent)
    assert [finding.endswith(told) for finding in findings] == [True]
    assert findings[0].startswith(f"{ENSEMBLE}/ensemble_average/seed-0: ensemble ({view}) has ")


def test_an_average_by_its_weight_proves_itself(with_ensemble):
    """In half precision, as it is published."""
    members = [Run(with_ensemble / name / "seed-0") for name in ("model_a_short", "model_b_scratch")]
    run = Run(with_ensemble / "ensemble_average" / "seed-0")
    content = _arrays(run)
    for name in ("single_validation", "single_test", "ten_crops_test"):
        first, second = (_arrays(member)[name].astype(np.float32) for member in members)
        content[name] = average_probabilities(first, second, 0.3).astype(np.float16)
    write_npz(run.folder / "predictions.npz", content)
    metrics = run.metrics
    for view in metrics["ensemble"]:
        metrics["ensemble"][view]["weight"] = 0.3
    write_json(run.folder / "metrics.json", metrics)
    assert not [finding for finding in verify_published(with_ensemble.parent) if "weight" in finding]


def test_an_ensemble_without_a_member_is_found_out(with_ensemble):
    (with_ensemble / "model_b_scratch" / "seed-0" / "metrics.json").unlink()
    found = verify_published(with_ensemble.parent)
    told = "ensemble ({}) has members that are not published: model_b_scratch"
    assert [finding.partition(": ")[2] for finding in found] == [told.format("single"), told.format("ten_crops")]


def test_the_command_says_what_was_checked_and_fails_where_a_number_was_edited(tmp_path, small_csv):
    project = write_project(tmp_path, n00_only="1")
    write_fake_run(tmp_path / "runs", variant="lda")
    publish(tmp_path / "runs", destination=project / "reports" / "published")
    done = fer_lib(project, "report", "--verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 published runs checked, none against labels, FER2013 was not found: no findings\n"
    path = project / "reports" / "published" / PAPER / "lda" / "seed-0" / "config.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 5'))
    done = fer_lib(project, "report", "--verify", FER2013_CSV=str(small_csv))
    finding, told = done.stdout.splitlines()
    assert done.returncode == 1 and finding.endswith("request_sha256 is not the hash of the request")
    assert told == f"1 published runs checked, 0 against the labels of {small_csv}: 1 findings"


@pytest.mark.parametrize("other", [["--publish"], ["--compare", "a", "b"], ["--profile", "paper"], ["--split", "test"]])
def test_verifying_is_asked_for_alone(tmp_path, other):
    done = fer_lib(write_project(tmp_path, n00_only="1"), "report", "--verify", *other)
    assert done.returncode == 2 and "go with" in done.stderr
