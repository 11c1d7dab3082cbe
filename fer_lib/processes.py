"""One notebook in a process of its own: its files, its environment, its end."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fer_lib.files import file_sha256, state_of, write_json
from fer_lib.lab import lab_environment
from fer_lib.notebooks import Notebook
from fer_lib.paths import find_sfew, find_votes
from fer_lib.progress import Progress, read_progress
from fer_lib.runs import request_sha256

STOP_SECONDS = 20.0
LOG_LINES = 12

LIBRARY = (".py", ".yaml", ".j2", ".css", ".js")
"""Files of the package that decide what a page says."""


@dataclass(frozen=True)
class Outcome:
    """What became of one notebook.

    Attributes:
        notebook: its name.
        status: "completed" or "failed"; "completed earlier" where it is not run again, "to run" in a dry run.
        seconds: wall-clock time that it took; None where it has not run.
        html: its page, relative to the reports folder; None where there is none.
        error: why it failed, a few lines; None where it did not.
    """

    notebook: str
    status: str
    seconds: float | None = None
    html: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Job:
    """One notebook with what it is to run with.

    Attributes:
        notebook: the stored notebook.
        parameters: values by name, the profile's included.
        data: path of the data set, or "sample".
    """

    notebook: Notebook
    parameters: dict[str, Any]
    data: str

    @property
    def sha256(self) -> str:
        """Hash of all that decides what the page says: notebook, parameters, files as they are now, the library."""
        weights = map(Path, (self.parameters.get("weights") or {}).values())
        sources = [Path(self.data), find_votes(self.data), find_sfew(), *weights]
        states = {str(path): list(state_of(path)) for path in sources if path is not None and path.exists()}
        request = {"notebook": self.notebook.sha256, "parameters": self.parameters, "data": self.data}
        return request_sha256({**request, "states": states, "library": library_sha256()})


@cache
def library_sha256() -> str:
    """Hash of the package: its code, cards and templates."""
    digest = hashlib.sha256()
    for path in sorted(path for path in Path(__file__).parent.rglob("*") if path.suffix in LIBRARY):
        digest.update(f"{path.name}\0{file_sha256(path)}\0".encode())
    return digest.hexdigest()


class NotebookProcess:
    """A notebook being executed by `fer_lib.execute`."""

    def __init__(self, job: Job, reports: Path, threads: int | None, timeout_seconds: float | None) -> None:
        """Start it.

        Args:
            job: the notebook and its parameters.
            reports: folder of pages; the executed notebook and the log go to `notebooks` in it.
            threads: threads that its kernel may use; None to leave that to TensorFlow.
            timeout_seconds: time after which it is stopped; None for no limit.
        """
        self.job = job
        self.request_sha256 = job.sha256  # of the data and the library as they are at the start
        self._timeout_seconds = timeout_seconds
        self._is_late = False
        name = job.notebook.name
        executed = reports / "notebooks" / f"{name}.ipynb"
        self._log = executed.with_suffix(".log")
        self._html = reports / f"{name}.html"
        executed.parent.mkdir(parents=True, exist_ok=True)
        for stale in (self._html, state_path(reports, name)):
            stale.unlink(missing_ok=True)
        self._folder = tempfile.TemporaryDirectory(prefix="fer_lib-")
        self._error, self._progress = Path(self._folder.name, "error.txt"), Path(self._folder.name, "progress.json")
        description = Path(self._folder.name, "job.json")
        files = {
            "notebook": job.notebook.path.resolve(),
            "executed": executed,
            "html": self._html,
            "error": self._error,
        }
        write_json(description, {key: str(file) for key, file in files.items()} | {"parameters": job.parameters})
        self._began = time.monotonic()
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "fer_lib.execute", str(description)],
                env=_environment(reports, self._progress, threads),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # an interrupt reaches the runner alone, which then stops every notebook
            )

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._began

    @property
    def progress(self) -> Progress | None:
        """How far its training is."""
        return read_progress(self._progress)

    def has_ended(self) -> bool:
        """Whether the process is gone; one that is over its time is stopped first."""
        if self._timeout_seconds is not None and self.seconds > self._timeout_seconds and self._popen.poll() is None:
            self._is_late = True
            self.stop()
        return self._popen.poll() is not None

    def stop(self) -> None:
        """End the process, which ends its kernel; a kernel whose process is gone ends by itself."""
        self._popen.terminate()
        try:
            self._popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def outcome(self) -> Outcome:
        """What came of it, once it has ended."""
        html = self._html.name if self._html.exists() else None
        error = None
        if self._is_late:
            error = f"stopped: it took longer than {self._timeout_seconds:.0f} s"
        elif self._popen.returncode:
            error = self._error.read_text(encoding="utf-8") if self._error.exists() else self._end_of_log()
        status = "failed" if error else "completed"
        self._folder.cleanup()
        return Outcome(self.job.notebook.name, status, round(self.seconds, 1), html, error)

    def _end_of_log(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
        return "\n".join([f"its process ended with exit code {self._popen.returncode}", *lines[-LOG_LINES:]])


def state_path(reports: Path, name: str) -> Path:
    """Where the outcome of a notebook is recorded."""
    return reports / "notebooks" / f"{name}.json"


def _environment(reports: Path, progress: Path, threads: int | None) -> dict[str, str]:
    environment = lab_environment(os.environ) | {"FER_LIB_REPORTS": str(reports), "FER_LIB_PROGRESS": str(progress)}
    environment.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # notebooks at the same time share a GPU
    if threads is not None:
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            environment.setdefault(name, str(threads))
    return environment
