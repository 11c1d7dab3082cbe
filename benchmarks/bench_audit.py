"""How long the audit of FER2013 takes, and its pieces, in wall-clock and in processor seconds.

    python benchmarks/bench_audit.py data/fer2013.csv

Each measurement is a fresh process that reports its own time (imports and loading the arrays excluded) and its peak
memory (all included). Where other work has the processors, processor seconds are the better measure; so the pieces are
measured in these alone. The command reads the CSV's arrays again, finds the votes of FER+ where they are at hand, and
adds the cascade, twins and the trial to the audit.
"""

import argparse
from pathlib import Path

from measuring import beside_target, measure

from fer_lib.paths import find_votes

MOST_SECONDS, MOST_MEGABYTES = 180, 2000
"""Targets of the whole command, on two cores."""

COMMAND = "fer-lib data audit"

MEASURE = """
import contextlib, io, json, os, resource, sys, tempfile, time
import numpy as np
from fer_lib import audit
from fer_lib.audit.hidden import fit_parts, measure_absence
from fer_lib.audit.near import find_near_pairs
from fer_lib.audit.no_face import no_face_by_cascade
from fer_lib.cli import main
from fer_lib.datasets import load_fer2013

def run_command():
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        main(["data", "audit", sys.argv[1], "--output", os.path.join(folder, "audit.csv")], standalone_mode=False)

data = load_fer2013(sys.argv[1])
splits = data.splits().values()
images = np.concatenate([split.images for split in splits])
start = {clock}()
{statement}
seconds = {clock}() - start
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6]))
"""

STATEMENTS = {
    COMMAND: "run_command()",
    "audit without votes": "audit.audit_dataset(data)",
    "  near duplicates": "find_near_pairs(images)",
    "  cascade": "no_face_by_cascade(images)",
    "  hidden faces": "measure_absence(images, fit_parts(data.train.images))",
    "trial of hidden faces": "audit.estimate_hidden()",
    "twins of the test set": "audit.twin_mask(data.train, data.test)",
    "probabilities": "audit.out_of_fold_probabilities(data)",
}
"""What is measured; those indented are pieces of the audit."""

WALL, PROCESSOR = "time.perf_counter", "time.process_time"


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table.

    Args:
        arguments: those of the command line, unless given.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, help="FER2013's CSV")
    csv = parser.parse_args(arguments).csv
    found = {}
    print(f"{csv}; votes of FER+: {find_votes(csv) or 'none'}; peak memory of the whole process")
    print(f"{'':<24}{'seconds':>9}{'processor':>11}{'peak MB':>9}")
    for name, statement in STATEMENTS.items():
        processor, peak = measure(MEASURE.format(clock=PROCESSOR, statement=statement), str(csv))
        wall = ""
        if not name.startswith(" "):
            found[name] = measure(MEASURE.format(clock=WALL, statement=statement), str(csv))
            wall = f"{found[name][0]:.1f}"
        print(f"{name:<24}{wall:>9}{processor:>11.1f}{peak:>9,.0f}", flush=True)
    seconds, megabytes = found[COMMAND]
    print(beside_target(f"seconds of {COMMAND}", seconds, MOST_SECONDS))
    print(beside_target(f"peak MB of {COMMAND}", megabytes, MOST_MEGABYTES))


if __name__ == "__main__":
    main()
