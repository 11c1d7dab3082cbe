"""Why numbers of runs are not comparable with their papers': what every table, figure and page says of it."""

from collections.abc import Sequence

from fer_lib.runs import Run
from fer_lib.verdicts import OTHER_DATA, SAMPLE_DATA, SHORTENED


def find_caveats(runs: Sequence[Run]) -> list[str]:
    """What any of some runs has that keeps their numbers from comparison, what weighs most first.

    Args:
        runs: complete runs; one that is on the sample by its protocol is not on sample data instead of its paper's.

    Returns:
        Those of `SAMPLE_DATA`, `OTHER_DATA` and `SHORTENED` that hold, in this order.
    """
    holds = {
        SAMPLE_DATA: any(run.is_on_sample_instead for run in runs),
        OTHER_DATA: any(run.is_on_other_data for run in runs),
        SHORTENED: any(run.config["record"].get("shortened") for run in runs),
    }
    return [caveat for caveat, held in holds.items() if held]
