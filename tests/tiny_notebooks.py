"""Fixture notebooks and projects, and the command line as a real process."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = 'profile = "quick"  # the budget\ndata_path = ""  # where the data is\nrate = 0.1  # a number'
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def write_notebook(path: Path, *sources: str, parameters: str | None = PARAMETERS) -> Path:
    """A notebook titled after its file: a parameters cell, unless it is None, then one code cell per source."""
    cells = [new_markdown_cell(f"# Title of {path.stem}")]
    if parameters is not None:
        cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    cells.extend(new_code_cell(source) for source in sources)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
    return path


def write_project(folder: Path, **notebooks: str) -> Path:
    """A project with the three profiles and one notebook per name and source (`n00_first` is written as `00_first`)."""
    profiles = folder / "notebooks" / "profiles"
    profiles.mkdir(parents=True)
    for name, data_path in (("smoke", "sample"), ("quick", ""), ("paper", "")):
        (profiles / f"{name}.yaml").write_text(f"profile: {name}\ndata_path: '{data_path}'\n", encoding="utf-8")
    for name, source in notebooks.items():
        write_notebook(folder / "notebooks" / f"{name.removeprefix('n')}.ipynb", source)
    return folder


def environment_of(project: Path) -> dict[str, str]:
    """Environment in which `project` is the whole project, and its `reports` the reports folder."""
    environment = {name: value for name, value in os.environ.items() if name != "FER2013_CSV"}
    return environment | {"FER_LIB_HOME": str(project), "FER_LIB_REPORTS": str(project / "reports")}


def fer_lib(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `fer-lib` on a project to its end."""
    return subprocess.run(
        command(*arguments), env=environment_of(project) | environment, capture_output=True, text=True, check=False
    )


def command(*arguments: str) -> list[str]:
    """`fer-lib` with arguments, in this interpreter."""
    return [sys.executable, "-m", "fer_lib.cli", *arguments]


def printed(executed: Path) -> str:
    """Everything that an executed notebook printed."""
    cells = nbformat.read(executed, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", []) if output.output_type == "stream"]
    return "".join(output.text for output in outputs)
