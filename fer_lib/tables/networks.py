"""Networks as a paper lists them: accuracies, parameters and depth beside the published ones; enlargers by quality."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fer_lib.runs import Run
from fer_lib.tables.parts import check_published, split_metrics

WITHOUT_DENSE = ("vgg16", "vgg19")
"""Networks whose parameters papers count without their dense layers, and whose depth with them."""

ACCURACIES = {"PublicTest": "validation", "PrivateTest": "test"}
"""Columns of `network_table` that are accuracies: name -> split."""

COLUMNS = (*ACCURACIES, "parameters", "depth")
"""Columns of `network_table`, each with a published one beside it."""

MEASURES = {"psnr": "PSNR", "ssim": "SSIM"}
"""Measures of `enlarging_table`: name in a run's metrics -> what the table calls it."""


def network_table(groups: Mapping[str, Sequence[Run]], published: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Accuracies, parameters and depth of networks, published beside measured (Liu, Zhang and Xin 2019, Table 1).

    Parameters and depth are those of the network that was trained: `model.parameters` and `model.depth` of metrics.json
    (`models.census.count_parameters`: layers on the longest path). Of VGG16 and VGG19 the paper counts differently:
    parameters without the dense layers, `model.convolution_parameters`, and the depth with the three of ImageNet,
    `application.depth`, whatever stands on top here. Ensembles have the parameters of both members and no depth.

    Args:
        groups: name of a network -> its runs, one per seed; those without a run are left out.
        published: name of a network -> one of `COLUMNS` -> published value, accuracies as fractions.

    Returns:
        One row per group: network, seeds, then PublicTest, PrivateTest (accuracies on the plain image, fractions, means
        over the seeds), parameters and depth (counts), each with its `published` beside; missing where there is none.

    Raises:
        ValueError: if a run was not scored on both splits, or a published name is none of the groups or columns.
    """
    check_published(published, groups)
    for values in published.values():
        check_published(values, COLUMNS)
    rows = [_measured_and_published(name, runs, published.get(name, {})) for name, runs in groups.items() if runs]
    beside = [name for column in COLUMNS for name in (column, f"{column} published")]
    kinds = {name: "float64" if name.split()[0] in ACCURACIES else "Int64" for name in beside}
    return pd.DataFrame(rows, columns=["network", "seeds", *beside]).astype(kinds)


def enlarging_table(run: Run) -> pd.DataFrame:
    """How close faces come to the originals when halved and enlarged again, by way of enlarging.

    Args:
        run: a run of kind `super_resolution`.

    Returns:
        One row per split and way (`super_resolution.quality.measure_enlarging`), PrivateTest also without the images
        that stand in Training too: scored on, images, way, then of PSNR (decibels) and of SSIM the mean, its low and
        high (Student's 95 % interval, by images), the mean of the paired differences `over bicubic`, its low and high;
        NaN of bicubic itself.

    Raises:
        ValueError: if the run has no such measures.
    """
    found = run.metrics.get("super_resolution")
    if not found:
        raise ValueError(f"run must be one of super-resolution. Received: {run.folder}")
    measured = {
        "PublicTest": found["validation"],
        "PrivateTest": found,
        **({"PrivateTest without leaks": found["unleaked"]} if "unleaked" in found else {}),
    }
    return pd.DataFrame(
        [
            {"scored on": split, "images": scores["n"], "way": way, **_quality(values)}
            for split, scores in measured.items()
            for way, values in scores["enlargers"].items()
        ]
    )


def _measured_and_published(name: str, runs: Sequence[Run], published: Mapping[str, float]) -> dict[str, Any]:
    """A row of `network_table`."""
    printed = {f"{column} published": value for column, value in published.items()}
    return {"network": name, "seeds": len(runs), **_measure(runs), **printed}


def _measure(runs: Sequence[Run]) -> dict[str, float | None]:
    """Columns of `network_table` as measured; all seeds train the same network."""
    accuracies = {
        column: float(np.mean([found["accuracy"] for found in split_metrics(runs, split, "single")]))
        for column, split in ACCURACIES.items()
    }
    metrics = runs[0].metrics
    if runs[0].request["model"] in WITHOUT_DENSE:
        counts = {
            "parameters": metrics["model"]["convolution_parameters"],
            "depth": metrics["application"]["depth"],
        }
    else:
        counts = {name: metrics["model"].get(name) for name in ("parameters", "depth")}
    return {**accuracies, **counts}


def _quality(values: Mapping[str, Any]) -> dict[str, float]:
    """Measures of one way of enlarging with their intervals, then those of its differences from bicubic."""
    columns: dict[str, float] = {}
    for measure, name in MEASURES.items():
        for key, column in {measure: name, f"{measure}_over_bicubic": f"{name} over bicubic"}.items():
            low, high = values.get(f"{key}_interval", (np.nan, np.nan))
            columns |= {column: values.get(key, np.nan), f"{column} low": low, f"{column} high": high}
    return columns
