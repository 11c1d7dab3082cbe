"""Runs notebooks: which, in what order, each in a process of its own here, with their progress shown.

Under the reports folder, per notebook: `<name>.html` its page, and in `notebooks/` the executed `<name>.ipynb`,
`<name>.log` with what its process and kernel wrote, `<name>.json` with its outcome (for --resume and the index page).
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

from fer_lib.budgets import check_budget
from fer_lib.files import read_json, write_json
from fer_lib.notebooks import find_notebooks, load_profile, read_notebook, select_notebooks
from fer_lib.paths import NOTEBOOKS, find_data, reports_folder
from fer_lib.processes import Job, NotebookProcess, Outcome, state_path
from fer_lib.progress import ProgressLines
from fer_lib.report import write_index

POLL_SECONDS = 0.2

SUMMING_UP = "99_"
"""How names of notebooks begin that read the runs of all others: they start when no other runs, and always anew."""


def plan_jobs(
    ids: Sequence[str] = (),
    profile: str = "auto",
    parameters: Mapping[str, Any] | None = None,
    notebooks: Path = NOTEBOOKS,
) -> tuple[str, list[Job]]:
    """Decide what would run, and refuse what cannot: nothing is started or written.

    Args:
        ids: notebooks, as `notebooks.select_notebooks` takes them; none means all.
        profile: name of a profile, or "auto": paper where FER2013 is found, smoke where only the sample is.
        parameters: values that override the profile's.
        notebooks: folder of the notebooks and their profiles.

    Returns:
        The profile's name ("auto" resolved), and the jobs in order.

    Raises:
        ValueError: if an id, the profile or a parameter is unknown or of the wrong kind, or a notebook has no
            `parameters` cell.
        FileNotFoundError: if `data_path` or FER2013_CSV names nothing.
    """
    given = dict(parameters or {})
    check_budget(given)
    if "profile" in given:
        raise ValueError(f"the profile is chosen with --profile. Received: parameter profile={given['profile']!r}")
    data_path = given.get("data_path")
    if profile == "auto":
        profile = "paper" if data_path != "sample" and find_data(data_path) else "smoke"
    values = load_profile(profile, notebooks) | given
    is_sample = values.get("data_path") == "sample"
    data = "sample" if is_sample else str(find_data(values.get("data_path")) or "sample")
    jobs = [Job(read_notebook(path), values, data) for path in select_notebooks(ids, notebooks)]
    for job in jobs:
        unknown = sorted(set(values) - set(job.notebook.parameters))
        if unknown:
            known = ", ".join(job.notebook.parameters)
            raise ValueError(f"{job.notebook.name} has the parameters {known}. Received: {', '.join(unknown)}")
    return profile, jobs


def run_notebooks(
    ids: Sequence[str] = (),
    profile: str = "auto",
    parameters: Mapping[str, Any] | None = None,
    *,
    jobs: int | None = None,
    reports: Path | None = None,
    resume: bool = False,
    dry_run: bool = False,
    timeout_seconds: float | None = None,
    notebooks: Path = NOTEBOOKS,
    stream: TextIO | None = None,
) -> list[Outcome]:
    """Run notebooks, each in its own process; one that fails does not stop the others.

    Args:
        ids: as in `plan_jobs`, like `profile`, `parameters` and `notebooks`.
        profile: see `plan_jobs`.
        parameters: see `plan_jobs`.
        jobs: how many notebooks run at the same time; they share the cores. None means one, but in `smoke`, where most
            of the time goes into building graphs on one thread, as many as there are cores.
        reports: folder of pages, runs and executed notebooks; None for `paths.reports_folder()`.
        resume: skip notebooks that an earlier command completed unchanged: same notebook, parameters, library, and data
            with FER+ votes, SFEW and files of weights, by size and time. One that reads the runs of the others
            (`SUMMING_UP`) is never skipped, since these may have changed.
        dry_run: say what would run; start and write nothing.
        timeout_seconds: time after which a notebook is stopped and counts as failed; None for no limit.
        notebooks: see `plan_jobs`.
        stream: where progress is shown; None for the standard output.

    Returns:
        One outcome per notebook, in the suite's order.

    Raises:
        ValueError: as in `plan_jobs`, or if `jobs` is below one, or an outcome that `resume` asks for is damaged.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be at least 1. Received: {jobs}")
    profile, planned = plan_jobs(ids, profile, parameters, notebooks)
    jobs = jobs or (os.cpu_count() or 1 if profile == "smoke" else 1)
    reports = Path(reports or reports_folder()).resolve()
    outcomes = {job.notebook.name: _completed_before(job, reports) if resume else None for job in planned}
    waiting = [job for job in planned if outcomes[job.notebook.name] is None]
    lines = ProgressLines(stream or sys.stdout)
    given = "".join(f", {name} {value!r}" for name, value in (parameters or {}).items())
    lines.say(f"profile {profile}, data {planned[0].data}{given}: {len(waiting)} of {len(planned)} notebooks to run")
    if dry_run:
        return [outcomes[job.notebook.name] or Outcome(job.notebook.name, "to run") for job in planned]
    ran = _run_all(waiting, profile, reports, jobs, timeout_seconds, lines)
    return [outcomes[job.notebook.name] or ran[job.notebook.name] for job in planned]


def write_reports(profile: str | None = None, reports: Path | None = None, notebooks: Path = NOTEBOOKS) -> Path:
    """Write the index page over all notebooks that ran in `profile`; see `report.write_index`.

    Args:
        profile: name of the profile; None for the one that ran last.
        reports: folder of reports; None for `paths.reports_folder()`.
        notebooks: folder of the notebooks.

    Returns:
        Path of index.html.

    Raises:
        ValueError: if the outcome of a notebook or a file of a run is damaged.
    """
    reports = Path(reports or reports_folder()).resolve()
    paths = [state_path(reports, path.stem) for path in find_notebooks(notebooks)]
    present = [path for path in paths if path.exists()]
    records = [read_json(path) for path in present]
    if profile is None:
        last = max(range(len(present)), key=lambda index: present[index].stat().st_mtime, default=None)
        profile = "smoke" if last is None else records[last]["profile"]
    statuses = [record["outcome"] for record in records if record["profile"] == profile]
    return write_index(reports, profile, statuses)


def _run_all(
    waiting: list[Job], profile: str, reports: Path, jobs: int, timeout_seconds: float | None, lines: ProgressLines
) -> dict[str, Outcome]:
    at_once = min(jobs, len(waiting))
    threads = max(1, (os.cpu_count() or 1) // at_once) if at_once > 1 else None
    pending, running, outcomes = list(waiting), list[NotebookProcess](), dict[str, Outcome]()
    try:
        while pending or running:
            while pending and len(running) < jobs and not (running and _sums_up(pending[0])):
                lines.say(f"{pending[0].notebook.name}  started")
                running.append(NotebookProcess(pending.pop(0), reports, threads, timeout_seconds))
            for process in [process for process in running if process.has_ended()]:
                running.remove(process)
                outcome = process.outcome()
                outcomes[outcome.notebook] = outcome
                _record(process, profile, outcome, reports)
                lines.say(f"{outcome.notebook}  {outcome.status} after {outcome.seconds:.0f} s")
            lines.show({process.job.notebook.name: (process.seconds, process.progress) for process in running})
            if running:
                time.sleep(POLL_SECONDS)
    finally:
        for process in running:
            process.stop()
    return outcomes


def _sums_up(job: Job) -> bool:
    return job.notebook.name.startswith(SUMMING_UP)


def _record(process: NotebookProcess, profile: str, outcome: Outcome, reports: Path) -> None:
    record = {"profile": profile, "request_sha256": process.request_sha256, "outcome": asdict(outcome)}
    write_json(state_path(reports, outcome.notebook), record)


def _completed_before(job: Job, reports: Path) -> Outcome | None:
    path = state_path(reports, job.notebook.name)
    if not path.exists() or _sums_up(job):
        return None
    record = read_json(path)
    outcome = Outcome(**record["outcome"])
    is_same = record["request_sha256"] == job.sha256 and outcome.status == "completed"
    has_page = outcome.html is not None and (reports / outcome.html).exists()
    return replace(outcome, status="completed earlier") if is_same and has_page else None
