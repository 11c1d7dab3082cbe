"""The suite's notebooks as data: which there are, what their `parameters` cells hold, what each profile sets."""

import ast
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fer_lib.paths import NOTEBOOKS


@dataclass(frozen=True)
class Notebook:
    """One stored notebook.

    Attributes:
        path: the .ipynb file, named `<two digits>_<id>.ipynb`.
        title: its first heading, else its name.
        parameters: default of every name that its `parameters` cell sets.
        sha256: hash of the file, hexadecimal.
    """

    path: Path
    title: str
    parameters: dict[str, Any]
    sha256: str

    @property
    def name(self) -> str:
        """File name without its suffix, for example `01_shi_light_vgg`."""
        return self.path.stem


def find_notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """Paths of all notebooks in `folder`, in the order of their number prefixes."""
    return sorted(path for path in Path(folder).glob("*.ipynb") if re.match(r"\d\d_", path.name))


def select_notebooks(ids: Sequence[str] = (), folder: Path = NOTEBOOKS) -> list[Path]:
    """Paths of the notebooks that `ids` name, in the suite's order; all of them where there are no ids.

    Args:
        ids: each a notebook's name (`01_shi_light_vgg`), what follows its number (`shi_light_vgg`, a paper's id), or
            the number (`01` or `1`).
        folder: where the notebooks are.

    Raises:
        ValueError: if an id names no notebook, or there are no notebooks at all.
    """
    paths = find_notebooks(folder)
    if not paths:
        raise ValueError(f"a folder with notebooks is needed. Received: {str(folder)!r}")
    if not ids:
        return paths
    chosen: set[Path] = set()
    for notebook_id in ids:
        found = [path for path in paths if notebook_id in _names_of(path)]
        if not found:
            known = ", ".join(path.stem for path in paths)
            raise ValueError(f"a notebook must be one of {known} (or its number, or its id). Received: {notebook_id!r}")
        chosen.update(found)
    return [path for path in paths if path in chosen]


def read_notebook(path: Path) -> Notebook:
    """Read a notebook's title and parameters without running it.

    Raises:
        ValueError: if the file is no notebook, has not exactly one cell tagged `parameters`, or that cell holds
            anything but assignments of literals.
    """
    content = Path(path).read_bytes()
    try:
        cells = json.loads(content)["cells"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} must be a Jupyter notebook (JSON with cells). Received: {content[:40]!r}") from None
    tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(f"{path} must have one cell tagged 'parameters'. Received: {len(tagged)}")
    title = first_heading(cells) or Path(path).stem
    sha256 = hashlib.sha256(content).hexdigest()
    return Notebook(Path(path), title, _literals(Path(path), source_of(tagged[0])), sha256)


def source_of(cell: Mapping[str, Any]) -> str:
    """Source of a cell of a notebook's JSON, which keeps it as one string or as a list of lines."""
    return "".join(cell["source"])


def first_heading(cells: Sequence[Mapping[str, Any]]) -> str | None:
    """Text of the first heading in a notebook's Markdown cells; None if there is none."""
    for cell in cells:
        if cell.get("cell_type") == "markdown":
            heading = re.search(r"^#+\s+(.+?)\s*$", source_of(cell), flags=re.MULTILINE)
            if heading:
                return heading.group(1)
    return None


def find_profiles(folder: Path = NOTEBOOKS) -> list[str]:
    """Names of the profiles of the notebooks in `folder`, sorted."""
    return sorted(path.stem for path in (Path(folder) / "profiles").glob("*.yaml"))


def load_profile(name: str, folder: Path = NOTEBOOKS) -> dict[str, Any]:
    """Parameters that a profile gives to every notebook.

    Raises:
        ValueError: if there is no such profile, or its file is no mapping.
    """
    if name not in find_profiles(folder):
        raise ValueError(f"profile must be auto or one of {', '.join(find_profiles(folder))}. Received: {name!r}")
    path = Path(folder) / "profiles" / f"{name}.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise ValueError(f"{path} must map parameter names to values. Received: {values!r}")
    return values


def parse_value(text: str) -> Any:
    """Value of a parameter as typed in a terminal: JSON, Python's True, False and None, else the text itself.

    Numbers are what they look like (`1e-3` is 0.001, unlike in YAML), and nothing else is guessed.
    """
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text


def _refuse(constant: str) -> None:
    raise ValueError(f"a number must be finite. Received: {constant}")


def _names_of(path: Path) -> tuple[str, ...]:
    number, rest = path.stem.split("_", 1)
    return path.stem, path.name, number, number.lstrip("0") or "0", rest


def _literals(path: Path, source: str) -> dict[str, Any]:
    try:
        return dict(_assignment(node) for node in ast.parse(source).body)
    except (SyntaxError, ValueError):
        raise ValueError(
            f"{path}: the parameters cell must hold only `name = literal` lines. Received: {source!r}"
        ) from None


def _assignment(node: ast.stmt) -> tuple[str, Any]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, ast.literal_eval(node.value)
    raise ValueError(f"an assignment of a literal to one name is needed. Received: {ast.unparse(node)}")
