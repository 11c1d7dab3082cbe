"""Measure the speeds that the project promises, one benchmark after the other.

    python -m benchmarks [bench_tried ...] [--csv data/fer2013.csv] [--images 5120] [--output benchmarks/RESULTS.md]

The CSV is found as a run finds its data, else made from ../shared/fer2013 into a temporary folder, else its benchmarks
are skipped. With --output everything that was printed is written to a page, too, once the last benchmark has ended;
what stands there of benchmarks that were not asked for stays, as does what was measured on other machines.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fer_lib.files import write_text
from fer_lib.paths import PROJECT, find_data

HERE = Path(__file__).parent
OF_CSV = ("bench_data", "bench_audit")
OF_EPOCHS = ("bench_training", "bench_separable")
NAMES = (*OF_CSV, "bench_augment", "bench_layers", "bench_gradcam", *OF_EPOCHS, "bench_tried", "bench_srgan")
MAKE_CSV = PROJECT.parent / "shared" / "fer2013" / "make_csv.py"


@contextmanager
def found_csv(named: Path | None) -> Iterator[Path | None]:
    """FER2013's CSV: the file named or found, else one made for as long as the block lasts, else None.

    Raises:
        FileNotFoundError: if `named` or FER2013_CSV is not there.
    """
    found = find_data(named)
    if found or not MAKE_CSV.exists():
        yield found if found and found.is_file() else None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fer2013.csv"
        print(f"Making FER2013's CSV with {MAKE_CSV}", flush=True)
        subprocess.run([sys.executable, MAKE_CSV, path], check=True, stdout=subprocess.DEVNULL)
        yield path


@dataclass(frozen=True)
class Result:
    """What a benchmark printed, and whether it succeeded."""

    name: str
    text: str
    succeeded: bool


def run(name: str, *arguments: str) -> Result:
    """Run one benchmark in a process of its own, under a heading, printing its lines as they come."""
    print(f"\n== {name}", flush=True)
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    command = [sys.executable, HERE / f"{name}.py", *arguments]
    lines = []
    with subprocess.Popen(command, env=quiet, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        for line in process.stdout or []:
            print(line, end="", flush=True)
            lines.append(line)
    return Result(name, "".join(lines), process.returncode == 0)


def page(results: Iterable[Result], before: str = "") -> str:
    """Markdown of what benchmarks printed, each with its machine, day, code and packages.

    Args:
        results: of benchmarks measured now.
        before: a page as this function wrote it: other benchmarks, and the same of other machines, stay. One that fails
            now replaces what it had on this machine.
    """
    from fer_lib.hardware import (
        code_version,
        describe_hardware,
        describe_packages,
        resolve_precision,
    )  # TensorFlow: late
    from fer_lib.provenance import session_facts

    session = {"code_version": code_version(), "hardware": describe_hardware(), "packages": describe_packages()}
    told = dict(session_facts(session))
    machine = f"{told['hardware']}, computing {resolve_precision()}"
    measured = f"{machine}; {datetime.now(UTC):%Y-%m-%d}; code {told['code version']}; {told['packages']}"
    _, *parts = re.split(rf"^## ({'|'.join(NAMES)})$", before, flags=re.MULTILINE)
    sections = {name: _by_machine(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}
    for result in results:
        failed = "" if result.succeeded else "It FAILED.\n\n"
        others = {other: block for other, block in sections.get(result.name, {}).items() if other != machine}
        text = result.text.rstrip("\n")
        sections[result.name] = {machine: f"{measured}\n\n{failed}```text\n{text}\n```", **others}
    heading = (
        "# Speeds and memory, measured\n\n"
        'Written by `make bench ARGS="--output benchmarks/RESULTS.md"`; what is measured, and how, is told at the\n'
        "top of each benchmark's file. Ratios carry over to other machines better than seconds do.\n"
    )
    told_of = {name: "\n\n".join(sections[name].values()) for name in NAMES if name in sections}
    return heading + "".join(f"\n## {name}\n\n{text}\n" for name, text in told_of.items())


def _by_machine(section: str) -> dict[str, str]:
    """What stands under one heading of a page, by the machine that it begins with."""
    blocks = re.findall(r"^(?:[^\n;`]+; .*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    return {block.partition(";")[0]: block for block in blocks}


def run_all(names: Iterable[str], csv: Path | None, images: int | None) -> Iterator[Result]:
    """Run benchmarks by name; without a CSV those that need it are skipped."""
    of_epochs = ["--images", str(images)] if images else []
    for name in names:
        if name not in OF_CSV:
            yield run(name, *(of_epochs if name in OF_EPOCHS else ()))
        elif csv:
            yield run(name, str(csv))
        else:
            print(f"{name} is skipped: FER2013's CSV is not here (name it with --csv or FER2013_CSV)", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run all benchmarks, past one that fails.

    Args:
        arguments: those of the command line, unless given.

    Returns:
        Exit code: 1 if one failed.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"which to run, all unless given: {', '.join(NAMES)}")
    parser.add_argument("--csv", type=Path, help="FER2013's CSV")
    parser.add_argument("--images", type=int, help="images an epoch of bench_training and bench_separable has")
    parser.add_argument("--output", type=Path, help="Markdown page to write what is printed to")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(NAMES)):
        parser.error(f"names must be among {list(NAMES)}. Received: {unknown}")
    names = options.names or NAMES
    try:
        with found_csv(options.csv) if set(OF_CSV) & set(names) else nullcontext() as csv:
            results = list(run_all(names, csv, options.images))
    except FileNotFoundError as error:
        parser.error(str(error))
    if options.output:
        before = options.output.read_text(encoding="utf-8") if options.output.exists() else ""
        write_text(options.output, page(results, before))
    return 0 if all(result.succeeded for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
