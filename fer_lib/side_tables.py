"""Tables under a paper's runs, in words: what ensembles gain, what enlarging gives back, the trials of a search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fer_lib.summaries import Evidence
from fer_lib.tables import enlarging_table, ensemble_table
from fer_lib.verdicts import format_measured, format_number

SMALLEST_P = 0.0005
"""What is smaller would read 0.000."""

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class SideTable:
    """A table of texts.

    Attributes:
        title: what it holds and how many of them.
        caption: what its numbers are.
        rows: column -> text, the columns of every row the same; never empty.
    """

    title: str
    caption: str
    rows: Rows


def side_tables(evidence: Evidence) -> list[SideTable]:
    """The tables that a paper's runs fill."""
    ensembles, doubled, trials = _ensemble_rows(evidence), _enlarging_rows(evidence), _trial_rows(evidence)
    fused = {(row["ensemble"], row["seed"]) for row in ensembles if len(_members(evidence, row["ensemble"])) > 1}
    tables = [
        SideTable(
            f"Ensembles: {len(fused)} beside the better member of each",
            "On PrivateTest. Weight or penalty and the better member are chosen on PublicTest. The gain has its paired "
            "95 % interval; McNemar’s exact test compares the images that one of the two alone has right.",
            ensembles,
        ),
        SideTable(
            f"Enlarging: {len(doubled)} ways",
            "What comes back of PrivateTest’s faces, halved and enlarged again, with 95 % intervals.",
            doubled,
        ),
        SideTable(
            f"Random search: {len(trials)} trial{'s' if len(trials) != 1 else ''}",
            "Chosen by the best accuracy on the validation split within a trial; the first row was taken.",
            trials,
        ),
    ]
    return [table for table in tables if table.rows]


def _ensemble_rows(evidence: Evidence) -> Rows:
    """One row per ensemble, seed and view."""
    fused = [run for run in evidence.runs if run.metrics.get("ensemble")]
    compared = [row for run in fused for row in ensemble_table({run.request["variant"]: [run]}).to_dict("records")]
    return [
        {
            "ensemble": row["ensemble"],
            "seed": str(row["seed"]),
            "view": row["view"],
            "fused": _describe_fusion(row, _members(evidence, row["ensemble"])),
            "accuracy": format_number(row["accuracy"], "%"),
            "better member": row["better member"],
            "its accuracy": format_number(row["its accuracy"], "%"),
            "gain": format_measured(row["gain"], (row["low"], row["high"]), "points", signed=True),
            "ensemble alone right": str(row["only ensemble"]),
            "member alone right": str(row["only member"]),
            "McNemar p": f"{row['p_exact']:.3f}" if row["p_exact"] >= SMALLEST_P else "below 0.001",
        }
        for row in compared
    ]


def _members(evidence: Evidence, ensemble: str) -> Sequence[str]:
    """Variants that it fuses; the control of a fusion has one."""
    return evidence.card.variants[ensemble].members


def _describe_fusion(row: Mapping[Any, Any], members: Sequence[str]) -> str:
    if pd.notna(row["weight"]):
        return f"probabilities, {row['weight']:.2f} of {members[0]}"
    features = "features" if len(members) > 1 else "no second network: a layer fitted anew"
    return f"{features}, penalty {row['strength']:g}"


def _enlarging_rows(evidence: Evidence) -> Rows:
    """One row per run and way of enlarging, of PrivateTest: PSNR and SSIM, and over bicubic."""
    doubled = [run for run in evidence.runs if run.metrics.get("super_resolution")]
    return [
        {
            "variant": run.request["variant"],
            "seed": str(run.request["seed"]),
            "way": row["way"],
            **_describe_quality(row),
        }
        for run in doubled
        for row in enlarging_table(run).to_dict("records")
        if row["scored on"] == "PrivateTest"
    ]


def _describe_quality(row: Mapping[Any, Any]) -> dict[str, str]:
    """Measures of one way of enlarging; a difference from itself is a dash."""
    told = {}
    for measure, unit, digits in (("PSNR", " (dB)", 2), ("SSIM", "", 4)):
        for over, sign in (("", ""), (" over bicubic", "+")):
            names = (f"{measure}{over}", f"{measure}{over} low", f"{measure}{over} high")
            mean, low, high = (f"{row[name]:{sign}.{digits}f}" for name in names)
            told[f"{measure}{unit}{over}"] = "–" if pd.isna(row[names[0]]) else f"{mean} [{low}, {high}]"
    return told


def _trial_rows(evidence: Evidence) -> Rows:
    """The published trials of the paper's random search, the best first; none where there is no table of them."""
    tables = {run.folder.parents[1] / "search.csv" for run in evidence.runs}
    rows = [row for path in tables if path.exists() for row in pd.read_csv(path, dtype=str).to_dict("records")]
    return [{str(name).replace("_", " "): str(value) for name, value in row.items()} for row in rows]
