"""The direction of imports: what ARCHITECTURE promises about who may know whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "fer_lib"
HEAVY = {"tensorflow", "keras"}
WITHOUT_TENSORFLOW = [
    "labels",
    "datasets",
    "audit",
    "votes",
    "files",
    "paths",
    "runs",
    "metrics",
    "bootstrap",
    "crops",
    "ensemble",
    "ensemble_checks",
    "feature_fusion",
    "intervals",
    "seeds",
    "super_resolution.enlarging",
    "papers",
    "claims",
    "report",
    "comparing",
    "scoreboard",
    "accuracy_pairs",
    "tested_on",
    "epoch_choice",
    "epoch_predictions",
    "figures",
    "photographs",
    "predicting",
    "annotating",
    "shipped",
    "side_tables",
    "trained",
    "published",
    "verifying",
    "notebooks",
    "progress",
    "training_bar",
    "lab",
    "processes",
    "runner",
    "cli_predict",
    "cli_report",
    "cli",
]
# csv -> arrays -> tf.data -> model -> predictions -> verdicts -> figures -> report: no stage reaches a later one.
# What a training calls, to score what it predicted, stands before it.
STAGES = [
    "datasets",
    "pipeline",
    "models",
    "classifiers",
    "metrics",
    "evaluation",
    "training",
    "search",
    "epoch_weights",
    "claims",
    "figures",
    "report",
    "runner",
    "cli",
]


def _modules() -> dict[str, Path]:
    names = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    del names[""]
    return names


MODULES = _modules()


def _imported(path: Path, *, lazily: bool) -> set[str]:
    """Full names that a module imports: at its top alone, or anywhere in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree) if lazily else tree.body:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = {member for member in members if member.removeprefix("fer_lib.") in MODULES}
            names |= members if members == submodules else members | {node.module}  # a package may use its own modules
    return names


def _own(names: set[str]) -> set[str]:
    """Those of `names` that are modules of fer_lib, without the package's name."""
    return {name.removeprefix("fer_lib.") for name in names if name.startswith("fer_lib.")} & set(MODULES)


def _libraries(module: str) -> set[str]:
    return {name.split(".")[0] for name in _imported(MODULES[module], lazily=False)}


TOP = {name: _own(_imported(path, lazily=False)) for name, path in MODULES.items()}
ANYWHERE = {name: _own(_imported(path, lazily=True)) for name, path in MODULES.items()}


def _reachable(start: str, graph: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for name in graph[waiting.pop()] - seen:
            seen.add(name)
            waiting.append(name)
    return seen


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_module_imports_itself_by_a_circle(name):
    assert name not in _reachable(name, TOP)


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_reaches_a_later_one(stage):
    later = set(STAGES[STAGES.index(stage) + 1 :])
    modules = [name for name in MODULES if name.split(".")[0] == stage]
    reached = set().union(*(_reachable(name, TOP) | ANYWHERE[name] for name in modules))
    assert not {name.split(".")[0] for name in reached} & later


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"cli"}))
def test_only_the_command_line_imports_the_command_line(name):
    assert "cli" not in ANYWHERE[name]


def test_papermill_and_ray_have_one_importer_each():
    importers = {
        library: {name for name, path in MODULES.items() if library in _imported(path, lazily=True)}
        for library in ("papermill", "ray")
    }
    assert importers["papermill"] == {"execute"}
    assert importers["ray"] <= {"runner"}


@pytest.mark.parametrize("name", WITHOUT_TENSORFLOW)
def test_no_path_of_imports_leads_to_tensorflow(name):
    reached = {name} | _reachable(name, TOP)
    assert [module for module in reached if _libraries(module) & HEAVY] == []


def test_tables_and_reports_load_in_a_fresh_process_without_tensorflow():
    code = (
        "import importlib, sys\n"
        f"for name in {WITHOUT_TENSORFLOW}:\n"
        "    importlib.import_module(f'fer_lib.{name}')\n"
        f"    loaded = {HEAVY} & set(sys.modules)\n"
        "    assert not loaded, f'{name} loads {loaded}'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
