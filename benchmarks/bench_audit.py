"""How long the audit of FER2013 takes, and its pieces, in wall-clock and in processor seconds.

    python benchmarks/bench_audit.py data/fer2013.csv

Each measurement is a fresh process that reports its own time (imports and loading the arrays excluded) and its peak
memory (all included). Where other work has the processors, processor seconds are the better measure; so the pieces are
measured in these alone.
"""

import argparse
from pathlib import Path

from measuring import measure

TARGETS = "targets: the whole audit below 180 s on two cores, peak below 2,000 MB"

MEASURE = """
import json, resource, sys, time
import numpy as np
from fer_lib import audit
from fer_lib.audit.hidden import fit_parts, measure_absence
from fer_lib.audit.near import find_near_pairs
from fer_lib.audit.no_face import no_face_by_cascade
from fer_lib.datasets import load_fer2013

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
    print(f"{csv}; peak memory of the whole process")
    print(f"{'':<24}{'seconds':>9}{'processor':>11}{'peak MB':>9}")
    for name, statement in STATEMENTS.items():
        processor, peak = measure(MEASURE.format(clock=PROCESSOR, statement=statement), str(csv))
        wall = (
            ""
            if name.startswith(" ")
            else f"{measure(MEASURE.format(clock=WALL, statement=statement), str(csv))[0]:.1f}"
        )
        print(f"{name:<24}{wall:>9}{processor:>11.1f}{peak:>9,.0f}", flush=True)
    print(TARGETS)


if __name__ == "__main__":
    main()
