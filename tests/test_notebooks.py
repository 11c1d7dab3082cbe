"""Every notebook of the suite: its shape, and that it runs from top to bottom on the built-in sample."""

import ast
import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fer_lib.notebooks import find_notebooks, read_notebook, source_of
from fer_lib.runs import Run

PROJECT = Path(__file__).resolve().parents[1]
NOTEBOOKS = find_notebooks(PROJECT / "notebooks")
MOST_CELLS = 40
MOST_LINES = 15
# What a browser fetches by itself when it opens a page; a plain <a href> is fetched by the reader.
LOADS = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|link)\b[^>]*?\b(?:src|href|data)\s*=\s*["']?\s*(?:https?:)?//"""
    r"""|url\(\s*["']?\s*(?:https?:)?//|@import\s+["'](?:https?:)?//|\bimport\s*\(?\s*["']https?://""",
    re.IGNORECASE,
)

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The reports folder and the finished process of one smoke run of the whole suite."""
    reports = tmp_path_factory.mktemp("reports")
    environment = os.environ | {"FER_LIB_HOME": str(PROJECT), "FER_LIB_REPORTS": str(reports)}
    command = [sys.executable, "-m", "fer_lib.cli", "run", "--profile", "smoke", "--timeout", "900"]
    done = subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    return reports, done


def test_every_notebook_runs_on_the_sample(smoke):
    _, done = smoke
    assert done.returncode == 0, done.stdout + done.stderr


@every_notebook
def test_page_opens_with_no_network(path, smoke):
    reports, _ = smoke
    page = (reports / f"{path.stem}.html").read_text(encoding="utf-8")
    assert f"<title>{read_notebook(path).title}</title>" in html.unescape(page)
    assert not LOADS.findall(page)


def test_index_lists_every_notebook_and_opens_with_no_network(smoke):
    reports, _ = smoke
    page = (reports / "index.html").read_text(encoding="utf-8")
    assert [path.stem for path in NOTEBOOKS if f"{path.stem}.html" not in page] == []
    assert not LOADS.findall(page)


def test_the_sample_tells_models_apart_at_the_smoke_budget(smoke):
    """Pixels are clearly better than the commonest class, a network clearly better than pixels, and none is perfect."""
    reports, _ = smoke
    folder = reports / "runs" / "smoke" / "shi_light_vgg"
    test = {
        name: Run(folder / name / "seed-0").metrics["test"]["single"] for name in ("softmax_regression", "light_vgg")
    }
    pixels, network = ((found["accuracy"], *found["accuracy_interval"]) for found in test.values())
    commonest = max(test["light_vgg"]["support"].values()) / test["light_vgg"]["n"]
    assert commonest < pixels[1] and pixels[0] < network[1] and network[2] < 1


def test_every_paper_has_its_notebook():
    from fer_lib import papers

    assert {papers.load(paper).notebook for paper in papers.ids()} <= {path.stem for path in NOTEBOOKS}


def test_every_paper_tells_test_images_with_a_twin_in_training_from_the_others():
    from fer_lib import papers

    for notebook in {papers.load(paper).notebook for paper in papers.ids()}:
        source = "".join(source_of(cell) for cell in _cells(PROJECT / "notebooks" / f"{notebook}.ipynb"))
        assert "tables.twin_table(" in source, notebook


@every_notebook
def test_notebook_is_short_and_explained(path):
    cells = _cells(path)
    assert len(cells) <= MOST_CELLS
    assert cells[0]["cell_type"] == "markdown" and source_of(cells[0]).startswith("# ")
    for before, cell in zip(cells, cells[1:], strict=False):
        if cell["cell_type"] == "code":
            assert before["cell_type"] == "markdown", f"a sentence is missing before: {source_of(cell)}"
            assert re.search(r"[A-Za-z]{2,}[^#]*[.:?!]", source_of(before)), f"no sentence: {source_of(before)}"


@every_notebook
def test_code_cells_are_short_and_define_nothing(path):
    for cell in _cells(path):
        if cell["cell_type"] == "code":
            source = source_of(cell)
            assert len(source.splitlines()) <= MOST_LINES, source
            assert not re.search(r"^\s*[!%]", source, flags=re.MULTILINE), source
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)], source


@every_notebook
def test_outputs_are_stripped(path):
    code = [cell for cell in _cells(path) if cell["cell_type"] == "code"]
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []


@every_notebook
def test_parameters_are_commented_literals_that_every_profile_fits(path):
    notebook = read_notebook(path)  # raises unless there is one parameters cell, of literals only
    cell = next(cell for cell in _cells(path) if "parameters" in cell["metadata"].get("tags", []))
    assignments = [line for line in source_of(cell).splitlines() if "=" in line.split("#")[0]]
    assert len(assignments) == len(notebook.parameters)
    assert [line for line in assignments if not re.search(r"#\s*\S", line)] == []
    assert {"profile", "data_path"} <= set(notebook.parameters)


@every_notebook
def test_notebook_names_the_kernel_of_this_environment(path):
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"


def _cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]
