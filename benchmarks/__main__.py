"""Measure the speeds that the project promises, one benchmark after the other.

    python -m benchmarks [--csv data/fer2013.csv] [--images 5120]

The CSV is found as a run finds its data, else made from ../shared/fer2013 into a temporary folder, else its benchmark
is skipped.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fer_lib.paths import PROJECT, find_data

HERE = Path(__file__).parent
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


def run(name: str, *arguments: str) -> bool:
    """Run one benchmark in a process of its own, under a heading; whether it succeeded."""
    print(f"\n== {name}", flush=True)
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    return subprocess.run([sys.executable, HERE / f"{name}.py", *arguments], env=quiet).returncode == 0


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
    parser.add_argument("--csv", type=Path, help="FER2013's CSV")
    parser.add_argument("--images", type=int, help="images an epoch of bench_training and bench_separable has")
    options = parser.parse_args(arguments)
    results = []
    try:
        with found_csv(options.csv) as csv:
            if csv:
                results.append(run("bench_data", str(csv)))
                results.append(run("bench_audit", str(csv)))
            else:
                print(
                    "bench_data and bench_audit are skipped: FER2013's CSV is not here "
                    "(name it with --csv or FER2013_CSV)",
                    flush=True,
                )
    except FileNotFoundError as error:
        parser.error(str(error))
    results.append(run("bench_augment"))
    results.append(run("bench_layers"))
    results.append(run("bench_gradcam"))
    training = ["--images", str(options.images)] if options.images else []
    results.append(run("bench_training", *training))
    results.append(run("bench_separable", *training))
    results.append(run("bench_srgan"))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
