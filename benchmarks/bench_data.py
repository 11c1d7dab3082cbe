"""How fast FER2013's CSV becomes arrays, beside pd.read_csv alone on the same file.

    python benchmarks/bench_data.py data/fer2013.csv

Each measurement is a fresh process that reports its own time (imports excluded) and its peak memory (imports included);
rounds are interleaved, so that whatever else the machine does falls on all alike. The file is in the page cache.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from measuring import beside_target, measure

ROUNDS = 3
MOST_RATIO, MOST_CACHED_SECONDS, MOST_MEGABYTES = 1.5, 0.3, 1000
"""Targets: of load_fer2013 over pd.read_csv, from the cache, and of the whole process."""

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

    peaks = {name: max(result[1] for result in results) for name, results in measured.items()}
    seconds = {name: min(result[0] for result in results) for name, results in measured.items()}
    print(f"{csv}: {csv.stat().st_size / 1e6:,.0f} MB; best of {ROUNDS}, peak memory of the whole process")
    print(f"{'':<22}{'seconds':>9}{'ratio':>8}{'peak MB':>9}")
    ratios = {name: seconds[name] / seconds["pd.read_csv"] for name in names}
    for name in names:
        print(f"{name:<22}{seconds[name]:>9.3f}{ratios[name]:>8.2f}{peaks[name]:>9,.0f}")
    print(beside_target("ratio of load_fer2013", ratios["load_fer2013"], MOST_RATIO))
    print(beside_target("seconds from the cache", seconds["load_fer2013, cached"], MOST_CACHED_SECONDS))
    print(beside_target("peak MB of load_fer2013", peaks["load_fer2013"], MOST_MEGABYTES))


if __name__ == "__main__":
    main()
