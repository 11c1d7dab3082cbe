"""One notebook in a process of its own: `python -m fer_lib.execute JOB.json`. The only importer of papermill.

JOB.json holds {"notebook", "executed", "html", "error": paths, "parameters": {name: value}}. The executed notebook and
its page are written whether or not a cell fails; the error file only where something did, and then the exit code is 1.
"""

import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError
from zmq import ZMQError

from fer_lib.export import write_html
from fer_lib.files import write_text

KERNEL = "python3"
START_ATTEMPTS = 3
ERROR_LINES = 12
PARENT_SECONDS = 1.0


def execute(notebook: Path, executed: Path, parameters: dict[str, Any]) -> None:
    """Run a notebook from top to bottom with the parameters given, saving it after every cell.

    Kernels started at the same time may fail with "Address already in use" (papermill#511): a kernel that goes before
    any cell has begun is started again.

    Args:
        notebook: the stored notebook, left as it is.
        executed: where the notebook with its outputs goes.
        parameters: names and JSON-like values, each known to the notebook.

    Raises:
        PapermillExecutionError: if a cell fails.
        RuntimeError: if the kernel dies.
    """
    executed.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, START_ATTEMPTS + 1):
        try:
            papermill.execute_notebook(
                notebook, executed, parameters, kernel_name=KERNEL, language="python", progress_bar=False
            )
            return
        except (RuntimeError, ZMQError) as error:
            if attempt == START_ATTEMPTS or _any_cell_began(executed):
                raise
            print(f"kernel start {attempt} of {START_ATTEMPTS} failed: {error}", file=sys.stderr)


def describe_error(error: Exception) -> str:
    """A failure in a few lines without colour codes: what, where, and the end of the traceback."""
    if not isinstance(error, PapermillExecutionError):
        return f"{type(error).__name__}: {error}"
    traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback)).rstrip().splitlines()
    first = f"{error.ename}: {error.evalue.splitlines()[0] if error.evalue else ''}"
    return "\n".join([f"{first} (code cell {error.exec_count})", *traceback[-ERROR_LINES:]])


def _leave_with_parent(parent: int) -> None:
    """End this process, and with it the kernel, when the one that started it is gone: nobody would stop it later."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def main(job_path: Path) -> int:
    """Run the job that a JSON file describes; the exit code is 1 if anything fails.

    SIGTERM leaves at once, but as an exception does: the kernel is shut down on the way out. So does the end of the
    process that started this one (not on Windows, where a process keeps the number of its parent).
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    threading.Thread(target=_leave_with_parent, args=(os.getppid(),), daemon=True).start()
    job = json.loads(job_path.read_text(encoding="utf-8"))
    executed = Path(job["executed"])
    failure = None
    try:
        execute(Path(job["notebook"]), executed, job["parameters"])
    except Exception as error:  # whatever it is, it is this notebook's failure, reported as such
        failure = describe_error(error)
    if executed.exists():
        write_html(executed, Path(job["html"]))
    if failure is None:
        return 0
    write_text(Path(job["error"]), failure)
    return 1


def _any_cell_began(executed: Path) -> bool:
    if not executed.exists():
        return False
    cells = nbformat.read(executed, as_version=4).cells
    return any(cell.metadata.get("papermill", {}).get("start_time") for cell in cells)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
