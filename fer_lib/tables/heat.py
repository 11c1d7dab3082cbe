"""Tables of where networks look: measures of `attribution`, a column per run."""

from collections.abc import Mapping, Sequence

import pandas as pd

from fer_lib.runs import Run

MEASURES = {
    "heat_ratio": "heat on all three / their area",
    "heat_gain": "the same / that of random weights",
    "heat_gain_low": "… its low end (95 %)",
    "heat_gain_high": "… its high end (95 %)",
    "empty_maps": "share of maps without heat",
    "deletion_area": "deletion, area",
    "deletion_area_random": "deletion in an order at random, area",
    "insertion_area": "insertion, area",
    "insertion_area_random": "insertion in an order at random, area",
}
"""Measures of a run's `attribution`, and what a row of the table calls them."""

SHARE = "heat_share_"
"""How the shares of heat of single regions are called in a run's `attribution`."""


def heat_table(groups: Mapping[str, Sequence[Run]]) -> pd.DataFrame:
    """Where the networks of some runs look, a column per run: shares of heat over shares of area, and `MEASURES`.

    Args:
        groups: heading -> runs of a variant whose heat maps are measured, one per seed, whose seeds are told where
            there are several; variants without runs are left out.

    Returns:
        float64, NaN where a run has no such number; first a row for each region, heat over area: 1 is no preference.

    Raises:
        KeyError: if heat maps of a run are not measured.
    """
    columns = {}
    for heading, runs in groups.items():
        for run in runs:
            name = heading if len(runs) == 1 else f"{heading}, seed {run.request['seed']}"
            found = run.metrics["attribution"]
            regions = [key.removeprefix(SHARE) for key in found if key.startswith(SHARE)]
            ratios = {f"heat on {part} / area": found[SHARE + part] / found[f"area_share_{part}"] for part in regions}
            columns[name] = {**ratios, **{text: found.get(key) for key, text in MEASURES.items()}}
    return pd.DataFrame(columns, dtype=float)
