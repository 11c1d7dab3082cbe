import json
import re

import numpy as np
import pytest
from fake_epochs import write_epochs
from fake_runs import write_fake_run
from hypothesis import given
from hypothesis import strategies as st

from fer_lib.epoch_predictions import read_epoch_predictions
from fer_lib.files import write_json, write_npz
from fer_lib.runs import Run, find_runs, read_obstacles, request_sha256, run_folder

VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
REQUESTS = st.dictionaries(
    st.text(), VALUES | st.lists(VALUES, max_size=3) | st.dictionaries(st.text(), VALUES, max_size=4), max_size=6
)


def with_keys_reversed(value):
    if isinstance(value, dict):
        return {key: with_keys_reversed(item) for key, item in reversed(value.items())}
    return [with_keys_reversed(item) for item in value] if isinstance(value, list) else value


@given(request=REQUESTS)
def test_the_hash_of_a_request_does_not_depend_on_the_order_of_its_keys(request):
    assert request_sha256(with_keys_reversed(request)) == request_sha256(request)


@given(request=REQUESTS)
def test_a_request_read_back_from_its_file_has_the_same_hash(request):
    assert request_sha256(json.loads(json.dumps(request))) == request_sha256(request)


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"precision": "float32"}, {"options": {"filters": [8, 16]}}, {"x": None}]
)
def test_any_change_changes_the_hash(change):
    request = {"paper": "a", "seed": 0, "precision": "auto", "options": {"filters": [16, 8]}}
    digest = request_sha256(request)
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert request_sha256({**request, **change}) != digest


def test_a_request_without_a_number_has_no_hash():
    with pytest.raises(ValueError, match="JSON"):
        request_sha256({"learning_rate": float("nan")})


def test_run_folder_is_named_by_what_it_holds(tmp_path):
    assert run_folder(tmp_path, "smoke", "a_paper", "a_variant", 3) == tmp_path / "smoke/a_paper/a_variant/seed-3"
    assert run_folder(str(tmp_path), "smoke", "a", "b", 0).parent == tmp_path / "smoke/a/b"


def write_metrics(runs, profile, paper, variant, seed):
    folder = run_folder(runs, profile, paper, variant, seed)
    write_json(folder / "metrics.json", {})
    return folder


def test_complete_runs_are_found_in_the_order_of_paper_variant_and_seed(tmp_path):
    places = [("b", "x", 0), ("a", "y", 10), ("a", "y", 2), ("a", "x", 1)]
    for place in places:
        write_metrics(tmp_path, "quick", *place)
    write_metrics(tmp_path, "smoke", "a", "x", 7)
    found = [run.folder.relative_to(tmp_path).as_posix() for run in find_runs(tmp_path, "quick")]
    assert found == ["quick/a/x/seed-1", "quick/a/y/seed-2", "quick/a/y/seed-10", "quick/b/x/seed-0"]
    assert [run.folder.parent.name for run in find_runs(tmp_path, "quick", "b")] == ["x"]
    assert find_runs(tmp_path, "paper") == find_runs(tmp_path / "nowhere", "quick") == []


def test_unfinished_runs_trials_and_those_set_aside_are_not_found(tmp_path):
    write_json(run_folder(tmp_path, "quick", "a", "x", 0) / "config.json", {})
    write_json(tmp_path / "quick/a/x/aside-0123456789ab-seed-0/metrics.json", {})
    write_json(tmp_path / "quick/a/search/trial-000/seed-0/metrics.json", {})
    assert find_runs(tmp_path, "quick") == []
    assert not Run(run_folder(tmp_path, "quick", "a", "x", 0)).is_complete


def test_folders_that_only_look_like_runs_are_passed_over(tmp_path):
    for name in ("seed-a", "seed--1", "seed-0 copy", "seed-3"):
        write_json(tmp_path / "quick/a/x" / name / "metrics.json", {})
        write_json(tmp_path / "quick/a/y" / name / "obstacle.json", {"reason": "none"})
    assert [run.folder.name for run in find_runs(tmp_path, "quick")] == ["seed-3"]
    assert read_obstacles(tmp_path / "quick/a") == {("y", 3): "none"}


def test_a_run_reads_what_its_folder_holds(tmp_path):
    run = write_fake_run(tmp_path, seed=1)
    assert run.is_complete
    assert run.request == run.config["request"]
    assert run.config["request_sha256"] == request_sha256(run.request)
    assert (run.request["seed"], run.config["record"]["shortened"]) == (1, False)
    assert run.metrics["test"]["single"]["n"] == 200
    assert run.history["epoch"].tolist() == list(range(1, 9))
    assert run.views == {"train": ["single"], "validation": ["single"], "test": ["single"]}
    saved = run.predictions("validation")
    assert saved.rows.tolist() == list(range(60, 260))
    accuracy = (saved.probabilities.argmax(axis=1) == saved.labels).mean()
    assert accuracy == run.metrics["validation"]["single"]["accuracy"]


def test_published_predictions_of_half_precision_come_back_as_promised(tmp_path):
    arrays = {
        "rows_test": np.arange(2, dtype=np.int32),
        "labels_test": np.zeros(2, np.uint8),
        "single_test": np.full((2, 2), 0.5, np.float16),
        "ten_crop_test": np.array([[0.25, 0.75]] * 2, np.float16),
    }
    write_npz(tmp_path / "predictions.npz", arrays)
    run = Run(tmp_path)
    assert run.views == {"train": [], "validation": [], "test": ["single", "ten_crop"]}
    saved = run.predictions("test", "ten_crop")
    assert (saved.rows.dtype, saved.labels.dtype, saved.probabilities.dtype) == (np.int64, np.int64, np.float32)
    assert saved.probabilities.tolist() == [[0.25, 0.75]] * 2


@pytest.mark.parametrize(("split", "view"), [("train", "single"), ("test", "flipped")])
def test_predictions_that_are_not_there_are_named(split, view, tmp_path):
    write_npz(tmp_path / "predictions.npz", {f"{name}_test": np.zeros(1) for name in ("rows", "labels", "single")})
    with pytest.raises(KeyError, match=f"{view}_{split}.*single_test"):
        Run(tmp_path).predictions(split, view)


@pytest.mark.parametrize("lacking", ["request", "record", "request.seed", "request.data.sha256"])
def test_a_config_that_lacks_a_field_is_named(lacking, tmp_path):
    run = write_fake_run(tmp_path)
    config = run.config
    *outer, last = lacking.split(".")
    within = config
    for name in outer:
        within = within[name]
    del within[last]
    write_json(run.folder / "config.json", config)
    with pytest.raises(ValueError, match=rf"config\.json must be a JSON object with the field '{re.escape(lacking)}"):
        _ = run.request


@pytest.mark.parametrize("scores", [3, {"single": 3}])
def test_metrics_that_are_not_by_split_and_view_are_named(scores, tmp_path):
    run = write_fake_run(tmp_path)
    write_json(run.folder / "metrics.json", {**run.metrics, "test": scores})
    with pytest.raises(ValueError, match=r"metrics\.json must hold the scores of test by view\. Received: "):
        _ = run.metrics


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("config.json", lambda run: run.request),
        ("metrics.json", lambda run: run.metrics),
        ("history.csv", lambda run: run.history),
        ("predictions.npz", lambda run: run.views),
        ("predictions.npz", lambda run: run.predictions("test")),
        ("predictions.npz", lambda run: run.rows("test")),
        ("predictions.npz", lambda run: run.transforms("test")),
        ("epoch_predictions.npz", read_epoch_predictions),
    ],
)
def test_a_damaged_file_of_a_run_is_named(name, read, tmp_path):
    run = write_epochs(write_fake_run(tmp_path))
    path = run.folder / name
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=rf"^{re.escape(str(path))} must be .*, whole\. Received: "):
        read(run)
