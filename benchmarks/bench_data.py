"""How fast FER2013's CSV becomes arrays, beside pd.read_csv alone on the same file.

    python benchmarks/bench_data.py data/fer2013.csv

Each measurement is a fresh process that reports its own time (imports excluded) and its peak memory (imports included);
rounds are interleaved, so that whatever else the machine does falls on all alike. The file is in the page cache.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from measuring import measure

ROUNDS = 3
TARGETS = "targets: ratio at most 1.5, cached below 0.3 s, peak below 1,000 MB"

MEASURE = """
import json, resource, sys, time
{imports}
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6]))
"""
READ_CSV = MEASURE.format(imports="import pandas as pd", statement="pd.read_csv(sys.argv[1])")
LOAD = MEASURE.format(
    imports="from fer_lib.datasets import load_fer2013", statement="load_fer2013(sys.argv[1], cache_folder=sys.argv[2])"
)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table.

    Args:
        arguments: those of the command line, unless given.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, help="FER2013's CSV")
    csv = parser.parse_args(arguments).csv
    names = ("pd.read_csv", "load_fer2013", "load_fer2013, cached")
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        measure(READ_CSV, str(csv), folder)  # brings the file into the page cache
        for _ in range(ROUNDS):
            shutil.rmtree(folder)
            for name, program in zip(names, (READ_CSV, LOAD, LOAD), strict=True):
                measured[name].append(measure(program, str(csv), folder))

    seconds = {name: min(result[0] for result in results) for name, results in measured.items()}
    print(f"{csv}: {csv.stat().st_size / 1e6:,.0f} MB; best of {ROUNDS}, peak memory of the whole process")
    print(f"{'':<22}{'seconds':>9}{'ratio':>8}{'peak MB':>9}")
    for name, results in measured.items():
        ratio, peak = seconds[name] / seconds["pd.read_csv"], max(result[1] for result in results)
        print(f"{name:<22}{seconds[name]:>9.3f}{ratio:>8.2f}{peak:>9,.0f}")
    print(TARGETS)


if __name__ == "__main__":
    main()
