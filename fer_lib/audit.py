"""What is wrong with the data itself: exact duplicates, leaks between splits, blank images -> tables and numbers."""

from typing import Any

import numpy as np
import pandas as pd

from fer_lib.datasets import SPLIT_USAGES, FerDataset, Split
from fer_lib.labels import EMOTIONS

BLANK_STANDARD_DEVIATION = 1.0
"""A blank image's grey values spread by less: those of FER2013's 13 by at most 0.7, of any other by 4.1 or more."""

PUBLISHED_CLASSES: dict[str, tuple[int, ...]] = {
    "train": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "validation": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
"""Images per split and class of the published FER2013, classes in the order of `EMOTIONS`."""

_IMAGES_AT_ONCE = 1024


def find_duplicates(dataset: FerDataset) -> pd.DataFrame:
    """List every image that another one equals in all its pixels.

    Returns:
        One row per image that is not alone: `group` (from 0, by first appearance), `split`, `row` in the source,
        `label`; members of a group stand together.
    """
    images = pd.concat([_table(name, split) for name, split in dataset.splits().items()], ignore_index=True)
    numbers: dict[bytes, int] = {}
    groups = [
        numbers.setdefault(image.tobytes(), len(numbers))
        for split in dataset.splits().values()
        for image in split.images
    ]
    images.insert(0, "group", groups)
    repeated = images[images["group"].duplicated(keep=False)].sort_values("group", kind="stable", ignore_index=True)
    repeated["group"] = pd.factorize(repeated["group"])[0]
    return repeated


def find_leaks(dataset: FerDataset) -> pd.DataFrame:
    """List the duplicates whose group has members in more than one split; columns as in `find_duplicates`."""
    return _across_splits(find_duplicates(dataset))


def conflicting_pairs(dataset: FerDataset) -> pd.DataFrame:
    """List one pair of images for every group of duplicates that carries several labels.

    Returns:
        Columns `row_a`, `row_b` (rows in the source) and `names` ("angry / sad"), in the order of the groups.
    """
    duplicates = find_duplicates(dataset).drop_duplicates(["group", "label"])
    pairs = duplicates[duplicates["group"].duplicated(keep=False)].groupby("group").head(2)
    first, second = pairs.iloc[0::2], pairs.iloc[1::2]
    names = [f"{EMOTIONS[a]} / {EMOTIONS[b]}" for a, b in zip(first["label"], second["label"], strict=True)]
    return pd.DataFrame({"row_a": first["row"].to_numpy(), "row_b": second["row"].to_numpy(), "names": names})


def leaked_mask(train: Split, test: Split) -> np.ndarray:
    """Which images of one split also stand in another, equal in all their pixels or made from the same picture.

    Args:
        train: the split that a model is fitted on.
        test: the split that it is scored on.

    Returns:
        bool (n_test,), True where the image, or (of splits that know their origins) the picture it was made from,
        stands in `train` as well.

    Raises:
        ValueError: if the images of the two differ in size.
    """
    if train.images.shape[1:] != test.images.shape[1:]:
        received = f"{train.images.shape[1:]} and {test.images.shape[1:]}"
        raise ValueError(f"images of both splits must have one size. Received: {received}")
    if train.origins is not None and test.origins is not None:
        return np.isin(test.origins, train.origins)
    known = {image.tobytes() for image in train.images}
    return np.array([image.tobytes() in known for image in test.images], dtype=bool)


def blank_images(dataset: FerDataset) -> pd.DataFrame:
    """List images without content, whose grey values have a standard deviation below 1: columns split, row, label."""
    found = [_table(name, split)[_is_blank(split.images)] for name, split in dataset.splits().items()]
    return pd.concat(found, ignore_index=True)


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
    across = _across_splits(duplicates)
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
        "as_published": all(tuple(classes[name]) == PUBLISHED_CLASSES[name] for name in classes),
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


def _table(name: str, split: Split) -> pd.DataFrame:
    """Columns split, row, label of every image."""
    return pd.DataFrame({"split": name, "row": split.rows, "label": split.labels})


def _across_splits(duplicates: pd.DataFrame) -> pd.DataFrame:
    in_several = duplicates.groupby("group")["split"].transform("nunique") > 1
    return duplicates[in_several].reset_index(drop=True)


def _is_blank(images: np.ndarray) -> np.ndarray:
    """Whether each image's grey values hardly differ: uint8 (n, h, w, c) -> bool (n,); in parts, to spare memory."""
    deviations = [
        images[start : start + _IMAGES_AT_ONCE].std(axis=(1, 2, 3), dtype=np.float32)
        for start in range(0, len(images), _IMAGES_AT_ONCE)
    ]
    return np.concatenate(deviations) < BLANK_STANDARD_DEVIATION
