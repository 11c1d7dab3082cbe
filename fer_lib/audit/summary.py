"""Counts of what the data hold and what is wrong with them, and the text that `fer-lib data verify` prints."""

from typing import Any

import numpy as np

from fer_lib.audit.blanks import blank_images
from fer_lib.audit.duplicates import across_splits, find_duplicates
from fer_lib.datasets import SPLIT_USAGES, FerDataset
from fer_lib.labels import EMOTIONS

PUBLISHED_CLASSES: dict[str, tuple[int, ...]] = {
    "train": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "validation": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
"""Images per split and class of the published FER2013, classes in the order of `EMOTIONS`."""


def is_as_published(dataset: FerDataset) -> bool:
    """Whether the data, or what they are a part of, have the published FER2013's images of each class in each split."""
    splits = (dataset.whole or dataset).splits()
    return all(
        tuple(np.bincount(split.labels, minlength=len(EMOTIONS))) == PUBLISHED_CLASSES[name]
        for name, split in splits.items()
    )


def summarize(dataset: FerDataset) -> dict[str, Any]:
    """Count what the data hold and what is wrong with them, ready for JSON.

    Returns:
        `source`, `sha256`, `is_sample`, `rows`; `splits`: rows and images per class of each; `as_published`: whether
        these are the published FER2013's; `duplicates`: `images` (beyond the first of each group), `groups`,
        `groups_with_several_labels`, `groups_across_splits`; `leaks`: images of `validation` and `test` that also
        stand in train; `blank_images`.
    """
    classes = {name: np.bincount(split.labels, minlength=len(EMOTIONS)) for name, split in dataset.splits().items()}
    duplicates = find_duplicates(dataset)
    groups = duplicates["group"].nunique()
    across = across_splits(duplicates)
    leaked = across[across["group"].isin(across.loc[across["split"] == "train", "group"])]
    return {
        "source": dataset.source,
        "sha256": dataset.sha256,
        "is_sample": dataset.is_sample,
        "rows": sum(len(split) for split in dataset.splits().values()),
        "splits": {
            name: {"rows": int(counts.sum()), "classes": dict(zip(EMOTIONS, counts.tolist(), strict=True))}
            for name, counts in classes.items()
        },
        "as_published": is_as_published(dataset),
        "duplicates": {
            "images": len(duplicates) - groups,
            "groups": groups,
            "groups_with_several_labels": int((duplicates.groupby("group")["label"].nunique() > 1).sum()),
            "groups_across_splits": across["group"].nunique(),
        },
        "leaks": {name: int((leaked["split"] == name).sum()) for name in ("validation", "test")},
        "blank_images": len(blank_images(dataset)),
    }


def describe(summary: dict[str, Any]) -> str:
    """Set a summary (see `summarize`) as a text to be printed."""
    splits, duplicates = summary["splits"], summary["duplicates"]
    table = [["", *splits, "all"]]
    for emotion in EMOTIONS:
        counts = [split["classes"][emotion] for split in splits.values()]
        table.append([emotion, *(f"{count:,}" for count in (*counts, sum(counts)))])
    table.append(["rows", *(f"{split['rows']:,}" for split in splits.values()), f"{summary['rows']:,}"])
    usages = ", ".join(f"{name} is {SPLIT_USAGES[name]}" for name in splits)
    leaks = " and ".join(
        f"{count:,} of {name} ({count / splits[name]['rows']:.1%})" for name, count in summary["leaks"].items()
    )
    return "\n".join(
        [
            f"source      {summary['source']}{' (the built-in sample)' if summary['is_sample'] else ''}",
            f"sha256      {summary['sha256']}",
            "",
            *(f"{line[0]:<12}" + "".join(f"{cell:>12}" for cell in line[1:]) for line in table),
            "",
            f"splits      {usages}",
            f"counts      {'as' if summary['as_published'] else 'not as'} published (28,709 / 3,589 / 3,589)",
            f"duplicates  {duplicates['images']:,} images repeat another exactly, in {duplicates['groups']:,} groups; "
            f"{duplicates['groups_with_several_labels']:,} of these carry two labels or more, "
            f"{duplicates['groups_across_splits']:,} cross splits",
            f"leaks       {leaks} also stand in train",
            f"blank       {summary['blank_images']:,} images",
        ]
    )
