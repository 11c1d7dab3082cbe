"""Notebooks run in real processes, on fixture projects."""

import html
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_notebooks import command, environment_of, fer_lib, printed, write_notebook, write_project

from fer_lib.files import write_json
from fer_lib.notebooks import read_notebook, select_notebooks
from fer_lib.processes import Job, library_sha256
from fer_lib.runner import plan_jobs, run_notebooks, write_reports

GOOD = """
import sys
from fer_lib.paths import runs_folder
from fer_lib.progress import Progress, write_progress
write_progress(Progress("toy", "wide", 3, 2, 7, 90.0))
print(repr((profile, data_path, rate)), runs_folder(), sys.executable)
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A project of three notebooks, the second of which fails, after one run of all with two at a time."""
    project = write_project(tmp_path_factory.mktemp("project"), n00_good=GOOD, n01_bad="1 / 0", n02_good=GOOD)
    return project, fer_lib(project, "run", "--profile", "smoke", "--jobs", "2", "-p", "rate", "1e-3")


def _state(project: Path, name: str) -> dict:
    return json.loads((project / "reports" / "notebooks" / f"{name}.json").read_text(encoding="utf-8"))


def test_a_failing_notebook_does_not_stop_the_others(ran):
    project, done = ran
    assert done.returncode == 1, done.stderr
    outcomes = [_state(project, name)["outcome"] for name in ("00_good", "01_bad", "02_good")]
    assert [outcome["status"] for outcome in outcomes] == ["completed", "failed", "completed"]
    assert outcomes[1]["error"].startswith("ZeroDivisionError: division by zero")
    assert [outcome["html"] for outcome in outcomes] == ["00_good.html", "01_bad.html", "02_good.html"]


def test_the_terminal_shows_a_table_the_error_and_where_to_look(ran):
    project, done = ran
    table = [line.split() for line in done.stdout.splitlines()]
    assert ["notebook", "status", "seconds", "report"] in table
    assert [row[0] for row in table if row[1:2] in (["completed"], ["failed"]) and len(row) == 4] == [
        "00_good",
        "01_bad",
        "02_good",
    ]
    assert "----> 1 1 / 0" in done.stdout
    assert str(project / "reports" / "notebooks" / "01_bad.ipynb") in done.stdout


def test_parameters_arrive_with_their_types(ran):
    project, _ = ran
    assert printed(project / "reports" / "notebooks" / "00_good.ipynb").startswith("('smoke', 'sample', 0.001)")


def test_kernels_run_in_this_interpreter_and_write_where_the_runner_was_told(ran):
    project, _ = ran
    expected = f" {project / 'reports' / 'runs'} {sys.executable}\n"
    assert printed(project / "reports" / "notebooks" / "00_good.ipynb").endswith(expected)


def test_pages_hold_the_title_the_output_and_the_failure(ran):
    project, _ = ran
    good = (project / "reports" / "00_good.html").read_text(encoding="utf-8")
    assert "<title>Title of 00_good</title>" in good
    assert "('smoke', 'sample', 0.001)" in html.unescape(good)
    assert "ZeroDivisionError" in (project / "reports" / "01_bad.html").read_text(encoding="utf-8")


def test_index_page_lists_what_ran(ran):
    project, _ = ran
    page = (project / "reports" / "index.html").read_text(encoding="utf-8")
    assert "00_good.html" in page and "01_bad.html" in page


def test_stored_notebooks_stay_as_they_are(ran):
    project, _ = ran
    assert "outputs" in (project / "notebooks" / "00_good.ipynb").read_text(encoding="utf-8")
    assert "ZeroDivisionError" not in (project / "notebooks" / "01_bad.ipynb").read_text(encoding="utf-8")


def test_resume_runs_only_what_is_not_complete_or_has_changed(ran):
    project, _ = ran
    again = ("run", "--profile", "smoke", "--resume", "--dry-run", "-p", "rate")
    same = fer_lib(project, *again, "1e-3").stdout
    other = fer_lib(project, *again, "0.2").stdout
    write_notebook(project / "notebooks" / "02_good.ipynb", GOOD, "2")
    changed = fer_lib(project, *again, "1e-3").stdout
    assert _statuses(same) == {"00_good": "completed earlier", "01_bad": "to run", "02_good": "completed earlier"}
    assert _statuses(other) == {"00_good": "to run", "01_bad": "to run", "02_good": "to run"}
    assert _statuses(changed) == {"00_good": "completed earlier", "01_bad": "to run", "02_good": "to run"}


def test_resume_runs_anew_what_read_data_that_have_changed(tmp_path):
    project = write_project(tmp_path / "project", n00_good=GOOD)
    data = tmp_path / "fer2013.csv"
    data.write_text("what this notebook does not read", encoding="utf-8")
    done = fer_lib(project, "run", "--profile", "quick", "-p", "data_path", str(data))
    assert done.returncode == 0, done.stderr

    def status() -> str:
        places = {"notebooks": project / "notebooks", "reports": project / "reports"}
        given = {"data_path": str(data)}
        (outcome,) = run_notebooks(profile="quick", parameters=given, resume=True, dry_run=True, **places)
        return outcome.status

    assert status() == "completed earlier"
    votes = data.with_name("fer2013new.csv")
    votes.write_text("votes of other people", encoding="utf-8")
    assert status() == "to run"
    votes.unlink()
    assert status() == "completed earlier"
    data.write_text("something else", encoding="utf-8")
    assert status() == "to run"


def test_a_job_is_known_by_its_files_of_weights(tmp_path):
    path = tmp_path / "mine.weights.h5"
    notebook = read_notebook(select_notebooks(["03"])[0])
    job = Job(notebook, {"weights": {"resnet50": str(path)}}, "sample")
    before = job.sha256
    path.write_bytes(b"weights")
    assert before != job.sha256 == Job(notebook, {"weights": {"resnet50": str(path)}}, "sample").sha256


def test_the_library_is_known_by_its_content(tmp_path, monkeypatch):
    (tmp_path / "package" / "papers").mkdir(parents=True)
    names = ("code.py", "papers/card.yaml", "page.html.j2")
    for name in names:
        (tmp_path / "package" / name).write_text("before")
    monkeypatch.setattr("fer_lib.processes.__file__", str(tmp_path / "package" / "processes.py"))
    found = [library_sha256.__wrapped__()]
    for name in names:
        (tmp_path / "package" / name).write_text("after")
        found.append(library_sha256.__wrapped__())
    (tmp_path / "package" / "notes.txt").write_text("of no account")
    assert len(set(found)) == 4 and library_sha256.__wrapped__() == found[-1]


def _statuses(text: str) -> dict[str, str]:
    words = ("completed earlier", "to run")
    return {line.split()[0]: word for line in text.splitlines() for word in words if f"  {word}" in line}


def test_what_sums_up_the_others_runs_after_them_and_always_anew(tmp_path):
    source = (
        "from fer_lib.paths import reports_folder\n"
        "ended = sorted(path.stem for path in (reports_folder() / 'notebooks').glob('*.json'))\n"
        "assert ended == ['00_first', '01_second'], ended"
    )
    project = write_project(tmp_path, n00_first="1", n01_second="1 / 0", n99_sum=source)
    done = fer_lib(project, "run", "--profile", "smoke", "--jobs", "3")
    assert _state(project, "99_sum")["outcome"]["status"] == "completed", done.stdout
    again = fer_lib(project, "run", "--profile", "smoke", "--resume", "--dry-run").stdout
    assert _statuses(again) == {"00_first": "completed earlier", "01_second": "to run", "99_sum": "to run"}


def test_a_dry_run_writes_nothing(tmp_path):
    project = write_project(tmp_path, n00_good=GOOD)
    done = fer_lib(project, "run", "--profile", "smoke", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert not (project / "reports").exists()


def test_a_notebook_over_its_time_is_stopped_and_counts_as_failed(tmp_path):
    notebooks = write_project(tmp_path, n00_stuck="import threading\nthreading.Event().wait()") / "notebooks"
    outcomes = run_notebooks([], "smoke", timeout_seconds=0.0, reports=tmp_path / "reports", notebooks=notebooks)
    assert [outcome.status for outcome in outcomes] == ["failed"]
    assert "longer than 0 s" in outcomes[0].error


def _heed_interrupts():
    """What a shell starts in the background ignores SIGINT, and so would all that it starts itself."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither named pipes nor these signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_kernels(tmp_path, number):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    source = (
        f"import os, threading\nwith open({str(fifo)!r}, 'w') as pipe:\n    print(os.getpid(), file=pipe)\n"
        "threading.Event().wait()"
    )
    project = write_project(tmp_path / "project", n00_stuck=source)
    arguments = command("run", "--profile", "smoke")
    with subprocess.Popen(
        arguments, env=environment_of(project), stderr=subprocess.PIPE, text=True, preexec_fn=_heed_interrupts
    ) as process:
        kernel = int(fifo.read_text(encoding="utf-8"))
        process.send_signal(number)
        _, told = process.communicate()
    assert process.returncode == 130
    assert "--resume" in told
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)
    assert not (project / "reports" / "notebooks" / "00_stuck.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither named pipes nor this signal")
def test_kernels_end_with_a_runner_that_is_killed(tmp_path):
    begun, held = tmp_path / "begun", tmp_path / "held"
    for fifo in (begun, held):
        os.mkfifo(fifo)
    source = (
        f"import threading\nopen({str(begun)!r}, 'w').close()\npipe = open({str(held)!r}, 'w')\n"
        "threading.Event().wait()"
    )
    project = write_project(tmp_path / "project", n00_stuck=source)
    arguments = command("run", "--profile", "smoke")
    with subprocess.Popen(arguments, env=environment_of(project), stdout=subprocess.DEVNULL) as process:
        begun.read_text(encoding="utf-8")
        with held.open(encoding="utf-8") as pipe:
            process.kill()
            assert pipe.read() == ""  # comes only when the kernel, which holds the other end, is gone


def test_the_index_page_is_of_the_profile_asked_for(tmp_path):
    project = write_project(tmp_path, n00_first="1")
    assert fer_lib(project, "run", "--profile", "smoke").returncode == 0
    state = _state(project, "00_first")
    other = {**state, "profile": "quick", "outcome": {**state["outcome"], "notebook": "01_second"}}
    write_notebook(project / "notebooks" / "01_second.ipynb", "1")
    write_json(project / "reports" / "notebooks" / "01_second.json", other)  # the later one
    done = fer_lib(project, "run", "00", "--profile", "smoke", "--resume")
    assert "completed earlier" in done.stdout, done.stderr
    page = (project / "reports" / "index.html").read_text(encoding="utf-8")
    assert "00_first" in page and "01_second" not in page


def test_a_damaged_outcome_is_named(tmp_path):
    project = write_project(tmp_path, n00_first="1")
    places = {"notebooks": project / "notebooks", "reports": project / "reports"}
    state = project / "reports" / "notebooks" / "00_first.json"
    state.parent.mkdir(parents=True)
    state.write_text('{"profile": "smoke", "outc', encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"00_first\.json must be a JSON object, whole\. Received: Unterminated string"
    ):
        run_notebooks(profile="smoke", resume=True, dry_run=True, **places)
    for profile in ("smoke", None):
        with pytest.raises(ValueError, match=r"00_first\.json must be a JSON object, whole\. Received: Unterminated"):
            write_reports(profile, **places)


def _execute(tmp_path: Path, *sources: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run one notebook with `fer_lib.execute`; the executed notebook is beside the job."""
    notebook = write_notebook(tmp_path / "00_one.ipynb", *sources)
    paths = {"notebook": notebook, "executed": tmp_path / "out.ipynb", "html": tmp_path / "out.html"}
    paths["error"] = tmp_path / "error.txt"
    write_json(tmp_path / "job.json", {key: str(path) for key, path in paths.items()} | {"parameters": {"rate": 2}})
    command_line = [sys.executable, "-m", "fer_lib.execute", str(tmp_path / "job.json")]
    done = subprocess.run(command_line, env=os.environ | environment, capture_output=True, text=True, check=False)
    return done, paths["executed"]


def test_a_kernel_that_fails_to_start_is_started_again(tmp_path):
    kernel = tmp_path / "share" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    flaky = kernel / "flaky.py"
    flaky.write_text(
        "import pathlib, sys\n"
        "from ipykernel.kernelapp import launch_new_instance\n"
        "marker = pathlib.Path(__file__).with_name('tried')\n"
        "if not marker.exists():\n"
        "    marker.touch()\n"
        "    sys.exit('zmq.error.ZMQError: Address already in use')\n"
        "launch_new_instance()\n",
        encoding="utf-8",
    )
    argv = [sys.executable, str(flaky), "-f", "{connection_file}"]
    write_json(kernel / "kernel.json", {"argv": argv, "display_name": "flaky", "language": "python"})
    done, executed = _execute(tmp_path, "print(rate)", JUPYTER_PATH=str(tmp_path / "share"))
    assert done.returncode == 0, done.stderr
    assert "kernel start 1 of 3 failed" in done.stderr
    assert printed(executed) == "2\n"


def test_a_run_whose_kernel_dies_is_not_run_again(tmp_path):
    count = tmp_path / "count.txt"
    done, _ = _execute(tmp_path, f"print('once', file=open({str(count)!r}, 'a'))", "import os\nos._exit(1)")
    assert done.returncode == 1
    assert "Kernel died" in (tmp_path / "error.txt").read_text(encoding="utf-8")
    assert count.read_text(encoding="utf-8") == "once\n"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (None, "must have one cell tagged 'parameters'"),
        ("rate = 0.1  # no profile", "has the parameters rate. Received: data_path, profile"),
        ("profile = 1\ndata_path = len('x')", "must hold only `name = literal` lines"),
    ],
)
def test_a_notebook_that_cannot_take_its_parameters_is_refused(tmp_path, parameters, message):
    project = write_project(tmp_path, n00_good=GOOD)
    write_notebook(project / "notebooks" / "01_odd.ipynb", "1", parameters=parameters)
    with pytest.raises(ValueError, match="Received: ") as refused:
        plan_jobs(profile="smoke", notebooks=project / "notebooks")
    assert message in str(refused.value)


def test_a_file_that_is_no_notebook_is_refused(tmp_path):
    project = write_project(tmp_path, n00_good=GOOD)
    (project / "notebooks" / "01_odd.ipynb").write_text("not JSON", encoding="utf-8")
    with pytest.raises(ValueError, match="must be a Jupyter notebook"):
        plan_jobs(profile="smoke", notebooks=project / "notebooks")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ids": ["03"]}, "one of 00_first, 01_second"),
        ({"profile": "huge"}, "auto or one of paper, quick, smoke"),
        ({"parameters": {"rates": 1}}, "Received: rates"),
        ({"parameters": {"profile": "paper"}}, "--profile"),
    ],
)
def test_unknown_names_are_refused(tmp_path, arguments, message):
    project = write_project(tmp_path, n00_first=GOOD, n01_second=GOOD)
    with pytest.raises(ValueError, match="Received: ") as refused:
        plan_jobs(**{"profile": "smoke"} | arguments, notebooks=project / "notebooks")
    assert message in str(refused.value)


@pytest.mark.parametrize("notebook_id", ["01", "1", "second", "01_second", "01_second.ipynb"])
def test_an_id_may_be_a_number_a_name_or_a_paper(tmp_path, notebook_id):
    project = write_project(tmp_path, n00_first=GOOD, n01_second=GOOD)
    _, jobs = plan_jobs([notebook_id], "smoke", notebooks=project / "notebooks")
    assert [job.notebook.name for job in jobs] == ["01_second"]


def test_notebooks_run_in_the_suite_s_order_each_once(tmp_path):
    project = write_project(tmp_path, n00_first=GOOD, n01_second=GOOD, n10_third=GOOD)
    _, jobs = plan_jobs(["third", "00", "10"], "smoke", notebooks=project / "notebooks")
    assert [job.notebook.name for job in jobs] == ["00_first", "10_third"]


def test_auto_is_paper_where_the_data_is_and_smoke_elsewhere(tmp_path, monkeypatch):
    notebooks = write_project(tmp_path, n00_first=GOOD) / "notebooks"
    csv = tmp_path / "fer2013.csv"
    csv.touch()
    monkeypatch.setenv("FER2013_CSV", str(csv))
    assert plan_jobs(notebooks=notebooks)[0] == "paper"
    assert plan_jobs(parameters={"data_path": "sample"}, notebooks=notebooks)[0] == "smoke"
    monkeypatch.delenv("FER2013_CSV")
    monkeypatch.setattr("fer_lib.paths.DATA", tmp_path / "nowhere")
    assert plan_jobs(notebooks=notebooks)[0] == "smoke"
    assert plan_jobs(parameters={"data_path": str(csv)}, notebooks=notebooks)[0] == "paper"


def test_data_that_is_not_there_is_refused(tmp_path):
    notebooks = write_project(tmp_path, n00_first=GOOD) / "notebooks"
    with pytest.raises(FileNotFoundError, match="data_path"):
        plan_jobs(profile="quick", parameters={"data_path": str(tmp_path / "none.csv")}, notebooks=notebooks)


def test_fewer_than_one_job_is_refused(tmp_path):
    with pytest.raises(ValueError, match="jobs must be at least 1"):
        run_notebooks(jobs=0, notebooks=write_project(tmp_path, n00_first=GOOD) / "notebooks")
