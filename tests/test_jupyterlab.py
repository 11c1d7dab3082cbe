"""JupyterLab as `make lab` opens it: the right kernel whatever else is installed, and a notebook run in a browser."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest
import urllib3
from nbclient import NotebookClient
from tiny_notebooks import printed, write_notebook

from fer_lib.files import write_json
from fer_lib.lab import lab_environment
from fer_lib.notebooks import source_of

PROJECT = Path(__file__).resolve().parents[1]
NOTEBOOK = "00_dataset.ipynb"
TOKEN = "a-token-of-the-tests"
PATIENCE_SECONDS = 600
IS_RUN = r"""count => [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
    .filter(prompt => /\[\d+\]/.test(prompt.textContent)).length === count"""
OWN = {"FER2013_CSV", "FERPLUS_CSV", "SFEW_FOLDER", "JUPYTER_CONFIG_DIR", "JUPYTER_CONFIG_PATH", "MAKEFLAGS"}


def make_user(folder: Path) -> dict[str, str]:
    """Environment of a user whose own `python3` kernel, in two places, does not even start, in an activated conda."""
    broken = {"argv": ["/nowhere/python", "{connection_file}"], "display_name": "another", "language": "python"}
    for place in (folder / "home" / ".local" / "share" / "jupyter", folder / "jupyter"):
        (place / "kernels" / "python3").mkdir(parents=True)
        write_json(place / "kernels" / "python3" / "kernel.json", broken)
    inherited = {name: value for name, value in os.environ.items() if name not in OWN}
    conda = {"CONDA_PREFIX": str(folder / "conda"), "CONDA_DEFAULT_ENV": "other"}
    home = {"HOME": str(folder / "home"), "FER_LIB_CACHE": str(folder / "cache")}
    return inherited | conda | home | {"JUPYTER_PATH": str(folder / "jupyter")}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Address of a server that `make lab` started on a copy of a notebook, far from the checkout, without data."""
    if shutil.which("make") is None:
        pytest.skip("no make here: JupyterLab is not tried (on Windows, python -m fer_lib.lab opens it)")
    folder = tmp_path_factory.mktemp("lab")
    (folder / "notebooks").mkdir()
    shutil.copy(PROJECT / "notebooks" / NOTEBOOK, folder / "notebooks")
    options = f"--no-browser --allow-root --ServerApp.port=0 --IdentityProvider.token={TOKEN}"
    command = ["make", "-o", f"{sys.prefix}/.installed", "lab", f"VENV={sys.prefix}", f"ARGS={options}"]
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env=make_user(folder) | {"FER_LIB_HOME": str(folder), "FER_LIB_REPORTS": str(folder / "reports")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            address = _address(process)
            _ask(f"{address}/api/status")
            yield address
            _ask(f"{address}/api/shutdown", "POST")
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)


def _address(process: subprocess.Popen[str]) -> str:
    """What the server says it serves at; what it says from then on is read too, so that it never waits."""
    said: list[str] = []
    is_up = threading.Event()

    def read() -> None:
        for line in process.stdout:
            said.append(line)
            if "Use Control-C" in line:
                is_up.set()
        is_up.set()

    threading.Thread(target=read, daemon=True).start()
    assert is_up.wait(PATIENCE_SECONDS)
    found = re.search(r"http://127\.0\.0\.1:\d+", "".join(said))
    assert found, "".join(said)
    return found[0]


def _ask(address: str, method: str = "GET") -> str:
    """The answer to a request; the server says where it serves a moment before it does, so connecting is retried."""
    retries = urllib3.Retry(connect=12, read=0, backoff_factor=0.1)
    headers = {"Authorization": f"token {TOKEN}"}
    answer = urllib3.request(method, address, headers=headers, retries=retries, timeout=PATIENCE_SECONDS)
    assert answer.status == 200, answer.data
    return answer.data.decode("utf-8")


def test_make_lab_offers_the_kernel_of_its_own_environment(lab):
    specs = json.loads(_ask(f"{lab}/api/kernelspecs"))
    assert specs["default"] == "python3"
    assert specs["kernelspecs"]["python3"]["spec"]["argv"][:3] == ["python", "-m", "ipykernel_launcher"]
    assert specs["kernelspecs"]["python3"]["spec"]["display_name"] != "another"


@pytest.mark.slow
def test_a_notebook_runs_in_jupyterlab_to_its_last_figure(lab, browser):
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(1000 * PATIENCE_SECONDS)
    elsewhere = []
    local = (lab, lab.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda asked: None if asked.url.startswith(local) else elsewhere.append(asked.url))
    page.goto(f"{lab}/lab/tree/{NOTEBOOK}?token={TOKEN}")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    assert page.locator(".jp-Dialog, .Toastify__toast").count() == 0, "nothing is asked of who opens a notebook"
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    cells = json.loads((PROJECT / "notebooks" / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    page.wait_for_function(IS_RUN, arg=sum(cell["cell_type"] == "code" for cell in cells))
    outputs = ".jp-OutputArea-output"
    kinds = page.locator(outputs).evaluate_all("outputs => outputs.map(output => output.dataset.mimeType)")
    assert not {"application/vnd.jupyter.error", "application/vnd.jupyter.stderr"} & set(kinds)
    figure = page.locator(f"{outputs} img").last
    figure.scroll_into_view_if_needed()
    assert figure.is_visible() and figure.evaluate("image => image.complete && image.naturalWidth") > 900
    assert figure.get_attribute("alt").startswith("Examples of each expression")
    assert elsewhere == []
    page.context.close()


def test_a_notebook_finds_everything_from_any_folder(tmp_path, monkeypatch):
    for name, value in lab_environment(make_user(tmp_path)).items():
        monkeypatch.setenv(name, value)
    for name in OWN - {"JUPYTER_CONFIG_PATH"} | {"FER_LIB_REPORTS", "FER_LIB_HOME"}:
        monkeypatch.delenv(name, raising=False)
    source = (
        "import os, sys\nfrom fer_lib import paths\n"
        "os.write(2, b'what a library writes below Python')\n"
        "print(sys.executable, os.getcwd(), paths.runs_folder(), paths.NOTEBOOKS, sep='\\n')"
    )
    notebook = nbformat.read(write_notebook(tmp_path / "00_where.ipynb", source), as_version=4)
    away = tmp_path / "somewhere else"
    away.mkdir()
    NotebookClient(notebook, timeout=PATIENCE_SECONDS, resources={"metadata": {"path": str(away)}}).execute()
    nbformat.write(notebook, tmp_path / "executed.ipynb")
    found = [sys.executable, away, PROJECT / "reports" / "runs", PROJECT / "notebooks"]
    assert printed(tmp_path / "executed.ipynb").splitlines() == [str(path) for path in found]


def test_relative_paths_mean_the_folder_where_the_command_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"FER2013_CSV": "data/fer.csv", "SFEW_FOLDER": "/sfew", "FERPLUS_CSV": "", "OTHER": "left/as/it/is"}
    found = lab_environment(given | {"FER_LIB_REPORTS": "~/reports"})
    assert found["FER2013_CSV"] == str(tmp_path / "data" / "fer.csv")
    assert found["FER_LIB_REPORTS"] == str(Path.home() / "reports")
    assert {name: found[name] for name in list(given)[1:]} == {name: given[name] for name in list(given)[1:]}


def test_what_the_user_has_set_stays_after_ours():
    given = {"JUPYTER_PATH": "/mine", "JUPYTER_CONFIG_PATH": "/a:/b", "TF_CPP_MIN_LOG_LEVEL": "0"}
    found = lab_environment(given)
    assert found["JUPYTER_PATH"].split(os.pathsep)[1:] == ["/mine"]
    assert found["JUPYTER_CONFIG_PATH"].split(os.pathsep)[1:] == ["/a", "/b"]
    assert found["TF_CPP_MIN_LOG_LEVEL"] == "0"
    assert os.pathsep not in lab_environment({})["JUPYTER_PATH"]


@pytest.mark.parametrize("path", sorted((PROJECT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_stored_notebooks_open_in_that_kernel_and_name_no_folder(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    sources = [source_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not [source for source in sources if re.search(r"chdir|sys\.path|getcwd|Path\(\s*[\"']|open\(", source)]
