"""Images that equal another in all their pixels, within a split, across splits and under several labels."""

import numpy as np
import pandas as pd

from fer_lib.datasets import FerDataset, Split, number_pictures
from fer_lib.labels import EMOTIONS


def find_duplicates(dataset: FerDataset) -> pd.DataFrame:
    """List every image that another one equals in all its pixels.

    Returns:
        One row per image that is not alone: `group` (from 0, by first appearance), `split`, `row` in the source,
        `label`; members of a group stand together.
    """
    images = pd.concat([_table(name, split) for name, split in dataset.splits().items()], ignore_index=True)
    images.insert(0, "group", number_pictures([image for split in dataset.splits().values() for image in split.images]))
    repeated = images[images["group"].duplicated(keep=False)].sort_values("group", kind="stable", ignore_index=True)
    repeated["group"] = pd.factorize(repeated["group"])[0]
    return repeated


def find_leaks(dataset: FerDataset) -> pd.DataFrame:
    """List the duplicates whose group has members in more than one split; columns as in `find_duplicates`."""
    return across_splits(find_duplicates(dataset))


def across_splits(duplicates: pd.DataFrame) -> pd.DataFrame:
    """Of groups of images (columns group and split, at least), keep those with members in more than one split."""
    in_several = duplicates.groupby("group")["split"].transform("nunique") > 1
    return duplicates[in_several].reset_index(drop=True)


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


def _table(name: str, split: Split) -> pd.DataFrame:
    """Columns split, row, label of every image."""
    return pd.DataFrame({"split": name, "row": split.rows, "label": split.labels})
