"""The command `fer-lib`: usage, exit codes, and how values typed in a terminal are read."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from fake_runs import write_fake_run
from hypothesis import given
from hypothesis import strategies as st
from tiny_notebooks import environment_of, fer_lib, write_project

from fer_lib import models
from fer_lib.cli import main
from fer_lib.files import file_sha256
from fer_lib.measurements import right_by_picture
from fer_lib.notebooks import parse_value
from fer_lib.runs import find_runs

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=6)


@given(values)
def test_json_is_read_as_what_it_is(value):
    assert parse_value(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("None", None),
        ("1e-3", 0.001),
        ("1.0e-3", 0.001),
        ("7", 7),
        ("[0, 1, 2]", [0, 1, 2]),
        ("sample", "sample"),
        ("data/fer2013.csv", "data/fer2013.csv"),
        ("no", "no"),
        ("2026-01-02", "2026-01-02"),
        ("", ""),
    ],
)
def test_words_and_numbers_are_what_they_look_like(text, value):
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_finite_number_stays_text(text):
    assert parse_value(text) == text


def test_help_loads_nothing_heavy(tmp_path):
    code = (
        "import sys\nfrom fer_lib.cli import main\nmain(['run', '--help'], standalone_mode=False)\n"
        "print(sorted({'tensorflow', 'keras', 'pandas', 'numpy', 'papermill', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: ")
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "07"], "a notebook must be one of 00_only"),
        (["run", "--profile", "huge"], "profile must be auto or one of"),
        (["run", "-p", "rates", "1"], "00_only has the parameters profile, data_path, rate. Received: rates"),
        (["run", "--jobs", "0"], "jobs must be at least 1"),
        (["run", "-p", "data_path", "none.csv"], "data_path must name a file"),
        (
            ["run", "-p", "seeds", "abc"],
            "seeds must be a list of whole numbers from 0 on, as [0, 1], or None. Received",
        ),
        (["run", "-p", "seeds", "3", "--dry-run"], "seeds must be a list of whole numbers"),
        (["run", "-p", "seeds", "[0, -1]"], "seeds must be a list of whole numbers"),
        (["run", "-p", "epochs", "0"], "epochs must be a whole number from 1 on, or None. Received: 0"),
        (["run", "-p", "trials", "true"], "trials must be a whole number from 1 on"),
        (["run", "-p", "precision", "half"], "precision must be one of auto, bfloat16, float32. Received: 'half'"),
        (["run", "-p", "data_path", "5"], "data_path must be text. Received: 5"),
        (["train", "shi_light_vgg", "light_vgg", "--precision", "half"], "precision must be one of"),
        (["report", "--profile", ""], "profile must be one of paper, quick, smoke. Received: ''"),
        (["report", "--profile", "fast"], "profile must be one of paper, quick, smoke. Received: 'fast'"),
        (["data", "verify", "none.csv"], "none.csv"),
        (["run", "-p", "weights", "resnet50.h5"], "weights must be files by network, as {"),
        (
            ["train", "liu_separable_ensemble", "model_a", "--profile", "smoke", "--weights", "small_residual", "a.h5"],
            "weights must name files. Received: 'a.h5' for small_residual",
        ),
        (
            [
                "train",
                "liu_separable_ensemble",
                "model_a",
                "--profile",
                "smoke",
                "--weights",
                "small_residual",
                __file__,
            ],
            "takes weights of no network. Received",
        ),
        (["train", "nobody", "light_vgg"], "nobody"),
        (["train", "shi_light_vgg", "heavy_vgg"], "heavy_vgg"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(tmp_path, arguments, message):
    project = write_project(tmp_path, n00_only="1")
    done = fer_lib(project, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1
    assert not (project / "reports").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--fast"],
        ["run", "--timeout", "-3"],
        ["train", "shi_light_vgg", "lda", "--seed", "-1"],
        ["data", "sample", "."],
        ["data", "audit", "sample", "--output", "."],
    ],
    ids=["option", "timeout", "seed", "sample into a folder", "list into a folder"],
)
def test_unknown_options_and_numbers_out_of_range_are_usage_errors(tmp_path, arguments):
    project = write_project(tmp_path, n00_only="1")
    assert fer_lib(project, *arguments).returncode == 2
    assert not (project / "reports").exists()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("metrics.json", ()),
        ("config.json", ()),
        ("predictions.npz", ("--publish",)),
        ("predictions.npz", ("--verify",)),
    ],
)
def test_a_damaged_run_is_one_line_and_exit_code_2(tmp_path, name, arguments):
    project = write_project(tmp_path, n00_only="1")
    places = [project / "reports" / place for place in ("runs", "published")]
    folders = [write_fake_run(places[0]).folder]
    folders.append(places[1].joinpath(*folders[0].parts[-3:]))
    shutil.copytree(*folders)
    damaged = folders["--verify" in arguments] / name
    damaged.write_bytes(damaged.read_bytes()[:-30])
    done = fer_lib(project, "report", *arguments, *([] if "--verify" in arguments else ["--profile", "paper"]))
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith(f"Error: {damaged} must be ") and done.stderr.count("\n") == 1


def test_a_dry_run_shows_what_would_run(tmp_path):
    project = write_project(tmp_path, n00_only="1", n01_other="1")
    done = fer_lib(project, "run", "other", "--profile", "smoke", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "01_other  to run" in done.stdout and "00_only" not in done.stdout
    assert "profile smoke, data sample: 1 of 1 notebooks to run" in done.stdout
    given = fer_lib(project, "run", "other", "--profile", "smoke", "--dry-run", "-p", "rate", "0.2")
    assert "profile smoke, data sample, rate 0.2: 1 of 1" in given.stdout


def test_list_names_notebooks_papers_and_variants():
    done = subprocess.run([sys.executable, "-m", "fer_lib.cli", "list"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "00_dataset" in done.stdout
    assert "01_shi_light_vgg" in done.stdout
    assert "  light_vgg" in done.stdout


def test_sample_does_not_write_over_a_file(tmp_path):
    csv = tmp_path / "fer2013.csv"
    csv.write_text("precious", encoding="utf-8")
    done = CliRunner().invoke(main, ["data", "sample", str(csv)])
    assert done.exit_code == 2 and "must not be there yet" in done.stderr
    assert csv.read_text(encoding="utf-8") == "precious"


def test_sample_writes_fer2013_s_layout_and_verify_reads_it(tmp_path):
    csv = tmp_path / "sample.csv"
    environment = environment_of(tmp_path)
    command = [sys.executable, "-m", "fer_lib.cli", "data"]
    done = subprocess.run([*command, "sample", str(csv)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert csv.read_text(encoding="utf-8").startswith("emotion,pixels,Usage\n")
    done = subprocess.run([*command, "verify", str(csv)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for word in ("PublicTest", "PrivateTest", "duplicate", "sha256"):
        assert word in done.stdout
    named = subprocess.run([*command, "verify", "sample"], env=environment, capture_output=True, text=True, check=False)
    assert [line for line in named.stdout.splitlines() if "sha256" in line] == [
        line for line in done.stdout.splitlines() if "sha256" in line
    ]


def train_in(folder, *arguments):
    """A training of the smoke profile, by a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "fer_lib.cli", "train", *arguments, "--profile", "smoke"],
        cwd=folder,
        env={**os.environ, "FER_LIB_REPORTS": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_train_tells_epochs_as_they_go_and_nothing_of_the_machine(tmp_path):
    done = train_in(tmp_path, "lt2326_lenet5", "random_split", "--epochs", "2")
    source, *epochs = done.stderr.splitlines()
    assert source == "Data: built-in sample"
    starts = ["  ".join(line.split("  ")[:2]) for line in epochs]
    assert starts == [f"random_split seed 0  epoch {number}/2" for number in range(3)]
    assert all("  accuracy " in line for line in epochs[1:])
    folder, *scores = done.stdout.splitlines()
    (run,) = find_runs(tmp_path / "runs", "smoke", "lt2326_lenet5")
    assert str(run.folder) == folder
    assert f"test single: accuracy {run.metrics['test']['single']['accuracy']:.4f}" in scores


def test_train_takes_the_weights_that_are_named(tmp_path):
    models.build("small_residual", input_shape=(48, 48, 1), width=0.25).save(tmp_path / "mine.keras")
    train_in(tmp_path, "liu_separable_ensemble", "model_b_48", "--weights", "small_residual", "mine.keras")
    (run,) = find_runs(tmp_path / "runs", "smoke", "liu_separable_ensemble")
    assert run.request["options"]["weights"] == str(tmp_path / "mine.keras")
    assert run.request["weights_sha256"] == file_sha256(tmp_path / "mine.keras")


def test_a_library_s_error_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr("fer_lib.datasets.load_data", lambda _: np.zeros(3).reshape(2, 2))
    done = CliRunner().invoke(main, ["data", "verify", "sample"])
    assert isinstance(done.exception, ValueError) and "reshape" in str(done.exception)


def test_what_numpy_refuses_within_a_function_of_ours_keeps_its_traceback(monkeypatch):
    unequal = (np.zeros(3, np.int64), [np.ones(2)])
    monkeypatch.setattr("fer_lib.datasets.load_data", lambda _: right_by_picture(*unequal))
    done = CliRunner().invoke(main, ["data", "verify", "sample"])
    assert isinstance(done.exception, ValueError) and "same length" in str(done.exception)
