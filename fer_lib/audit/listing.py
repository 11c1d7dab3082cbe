"""The audit's list: every row of the data with something against it, the reason, and the evidence.

Zakavi and Okhunov (section 1) cleaned FER2013 by hand; `CLEANING` names the reasons that stand for their steps.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import cv2
import imagehash
import numpy as np
import pandas as pd

from fer_lib.audit.blanks import is_blank
from fer_lib.audit.hidden import HIDDEN_DEVIATIONS, LEAST_IMAGES, PARTS, fit_parts, measure_absence
from fer_lib.audit.label_noise import doubt_labels
from fer_lib.audit.no_face import no_face_by_cascade, no_face_by_votes
from fer_lib.audit.repeats import find_repeats
from fer_lib.cache import read_cache, user_cache_folder, write_cache
from fer_lib.datasets import FerDataset
from fer_lib.files import atomic
from fer_lib.labels import EMOTIONS
from fer_lib.votes import ANSWERS, read_votes

AUDIT_VERSION = 3
"""Raised whenever the same data give another list; lists cached by another version are made anew."""

REASONS = ("duplicate", "near_duplicate", "two_classes", "not_a_face", "unclear", "hidden", "blank", "label_noise")
"""Why a row is listed, in the order of the list.

- duplicate: equals an earlier row in all its pixels.
- near_duplicate: shows the picture of an earlier row (see `near`); without both kinds each picture stands once. The
  evidence names the row that it is most like, and the earliest.
- two_classes: its picture, exact or near, stands under several classes, and another copy was drawn to stay; one with no
  other reason of the cleaning against it, where there is one.
- not_a_face: no human face (see `no_face`).
- unclear: `unknown` is the most frequent vote of FER+; most such images show a face (see `no_face`).
- hidden: an eye or the mouth is not seen (see `hidden`).
- blank: hardly any difference between its pixels.
- label_noise: cleanlab takes its label for wrong.
"""

CLEANING = ("two_classes", "not_a_face", "hidden", "blank")
"""The reasons of the paper's cleaning (section 1, steps 1 to 4)."""

COLUMNS = ("row", "split", "label", "reason", "evidence")


def audit_dataset(
    data: FerDataset,
    *,
    votes: pd.DataFrame | None = None,
    seed: int = 0,
    probabilities: np.ndarray | None = None,
) -> pd.DataFrame:
    """Look at every image of a data set and list what is wrong with it.

    Args:
        data: images uint8 (n, 48, 48, 1), each row of the source once.
        votes: of FER+, from `votes.read_votes`; without them the Haar cascade says what is no face.
        seed: 0 or more, draws the copy that is kept of a picture under several classes.
        probabilities: float (n, 7) in the order of the rows, each image's by a model that was not fitted on it (see
            `label_noise.out_of_fold_probabilities`); without them label noise is not looked for.

    Returns:
        One line per row and reason: `row` int64, `split`, `label` int64, `reason` (one of `REASONS`) and `evidence`, in
        words and numbers; sorted by row, then in the order of `REASONS`.

    Raises:
        ValueError: if data, votes, seed or probabilities are not as stated, or Training has fewer than 50 images that
            are not blank, of which the search for hidden faces learns.
    """
    images, known = _gather(data)
    if votes is not None and not np.array_equal(votes["row"], known["row"]):
        raise ValueError(f"votes must be of the {len(known):,} rows of the data. Received: {len(votes):,} rows")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more. Received: {seed}")
    unsound: dict[str, dict[int, str]] = {
        "not_a_face": _without_face(images, votes),
        "hidden": _hidden(images, data),
        "blank": dict.fromkeys(np.flatnonzero(is_blank(images)).tolist(), "grey values spread by less than 1"),
    }
    found = {**find_repeats(images, known, seed, set().union(*unsound.values())), **unsound}
    if votes is not None:
        found["unclear"] = _unclear(votes)
    if probabilities is not None:
        found["label_noise"] = _noise(known["label"].to_numpy(), probabilities)
    lines = [
        (place, REASONS.index(reason), evidence)
        for reason, places in found.items()
        for place, evidence in places.items()
    ]
    lines.sort()
    table = known.iloc[[place for place, _, _ in lines]].reset_index(drop=True)
    table["reason"] = pd.Series([REASONS[number] for _, number, _ in lines], dtype=str)
    table["evidence"] = pd.Series([evidence for _, _, evidence in lines], dtype=str)
    return table


def load_audit(data: FerDataset, votes_path: str | Path | None = None) -> pd.DataFrame:
    """Load the list that `audit_dataset` makes with seed 0, or make it where the user's cache folder has none.

    Args:
        data: as for `audit_dataset`.
        votes_path: the file of FER+ votes (see `paths.find_votes`); None to do without.

    Raises:
        ValueError: if data or votes are not as stated.
    """
    votes = None if votes_path is None else read_votes(votes_path, data)
    stated = "none" if votes is None else votes[list(ANSWERS)].to_csv(index=False)
    made_by = f"{AUDIT_VERSION} cv2 {cv2.__version__} imagehash {imagehash.__version__} numpy {np.__version__}"
    key = hashlib.sha256(f"{made_by}\n{data.sha256}\n{stated}".encode()).hexdigest()
    path = user_cache_folder() / f"audit-{key[:12]}.fer_lib.npz"
    stored = read_cache([path], COLUMNS, key)
    if stored is None:
        table = audit_dataset(data, votes=votes)
        numbers = {name: table[name].to_numpy(np.int64) for name in ("row", "label")}
        words = {name: table[name].to_numpy().astype(np.str_) for name in ("split", "reason", "evidence")}
        write_cache([path], key, {**numbers, **words})
        return table
    return pd.DataFrame(
        {name: stored[name] if stored[name].dtype == np.int64 else stored[name].tolist() for name in COLUMNS}
    )


def excluded_rows(table: pd.DataFrame, reasons: tuple[str, ...] = CLEANING) -> np.ndarray:
    """Rows that are listed for any of these reasons.

    Args:
        table: from `audit_dataset`.
        reasons: some of `REASONS`.

    Returns:
        int64, each row once, ascending.

    Raises:
        ValueError: if there is no such reason.
    """
    unknown = [reason for reason in reasons if reason not in REASONS]
    if unknown:
        raise ValueError(f"reasons must be among {', '.join(REASONS)}. Received: {unknown}")
    return np.unique(table.loc[table["reason"].isin(reasons), "row"].to_numpy(np.int64))


def count_reasons(table: pd.DataFrame) -> pd.DataFrame:
    """Count rows per reason and class.

    Args:
        table: from `audit_dataset`.

    Returns:
        A line per reason and one, `cleaning`, for the rows that the paper's cleaning leaves out, each once; a column
        per class and `all`.
    """
    cleaned = table[table["reason"].isin(CLEANING)].drop_duplicates("row").assign(reason="cleaning")
    lines = pd.concat([table, cleaned])
    counts = pd.crosstab(lines["reason"], lines["label"])
    counts = counts.reindex(index=[*REASONS, "cleaning"], columns=range(len(EMOTIONS)), fill_value=0)
    return counts.set_axis(list(EMOTIONS), axis=1).assign(all=counts.sum(axis=1)).rename_axis(index="reason")


def write_audit(table: pd.DataFrame, path: str | Path) -> None:
    """Write the list as CSV, whole or not at all; `audit.csv` is read back by `pandas.read_csv`."""
    with atomic(Path(path)) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def check_list_path(path: str | Path, sources: Iterable[str | Path] = ()) -> None:
    """Refuse a place for the list where something else would be lost; a list that was written before is replaced.

    Args:
        path: where the list is to go.
        sources: files that it is made from.

    Raises:
        ValueError: if `path` is one of the sources, or something that is no list of an audit stands there.
    """
    path = Path(path)
    if path.resolve() in {Path(source).expanduser().resolve() for source in sources}:
        raise _occupied(path, "a file that the list is made from")
    if path.exists() and not (path.is_file() and _is_list(path)):
        raise _occupied(path, "a folder" if path.is_dir() else "another file")


def _is_list(path: Path) -> bool:
    header = ",".join(COLUMNS)
    with path.open("rb") as file:
        return file.readline(2 * len(header)).strip() == header.encode()


def _occupied(path: Path, received: str) -> ValueError:
    return ValueError(f"{path} must be a new file or the list of an earlier audit. Received: {received}")


def _gather(data: FerDataset) -> tuple[np.ndarray, pd.DataFrame]:
    """Images of all splits in the order of the rows, and their row, split and label."""
    splits = data.splits()
    shapes = {split.images.shape[1:] for split in splits.values() if len(split)}
    if shapes != {(48, 48, 1)}:
        raise ValueError(f"images must be (48, 48, 1). Received: {sorted(shapes)}")
    known = pd.concat(
        [
            pd.DataFrame({"row": split.rows, "split": name, "label": split.labels})
            for name, split in splits.items()
            if len(split)
        ],
        ignore_index=True,
    )
    if known["row"].duplicated().any():
        repeated = int(known.loc[known["row"].duplicated(), "row"].iloc[0])
        raise ValueError(f"each row of the source must stand in the data once. Received: row {repeated} twice")
    order = np.argsort(known["row"].to_numpy())
    images = np.concatenate([split.images for split in splits.values()])[order]
    return images, known.iloc[order].reset_index(drop=True)


def _without_face(images: np.ndarray, votes: pd.DataFrame | None) -> dict[int, str]:
    if votes is None:
        places = np.flatnonzero(no_face_by_cascade(images))
        return dict.fromkeys(places.tolist(), "the Haar cascade, alone, finds no face")
    totals = votes[list(ANSWERS)].sum(axis=1)
    return {
        place: f"{votes['NF'].iloc[place]} of {totals.iloc[place]} FER+ votes: not a face"
        for place in np.flatnonzero(no_face_by_votes(votes)).tolist()
    }


def _unclear(votes: pd.DataFrame) -> dict[int, str]:
    counts = votes[list(ANSWERS)]
    others = counts.drop(columns="unknown").max(axis=1)
    return {
        place: f"{counts['unknown'].iloc[place]} of {counts.iloc[place].sum()} FER+ votes: unknown"
        for place in np.flatnonzero(counts["unknown"] > others).tolist()
    }


def _hidden(images: np.ndarray, data: FerDataset) -> dict[int, str]:
    shown = data.train.images[~is_blank(data.train.images)]
    if len(shown) < LEAST_IMAGES:
        asked = f"{data.source}: Training must have at least {LEAST_IMAGES} images that are not blank"
        raise ValueError(f"{asked}, to learn from where eyes and mouth are. Received: {len(shown)}")
    absence = measure_absence(images, fit_parts(shown))
    absence[is_blank(images)] = 0  # nothing is hidden where there is nothing
    names = list(PARTS)
    return {
        place: f"{names[absence[place].argmax()]} {absence[place].max():.1f} robust deviations less than usual"
        for place in np.flatnonzero(absence.max(axis=1) >= HIDDEN_DEVIATIONS).tolist()
    }


def _noise(labels: np.ndarray, probabilities: np.ndarray) -> dict[int, str]:
    doubts = doubt_labels(labels, probabilities)
    evidence = [
        f"{EMOTIONS[label]} at {own:.2f}, {EMOTIONS[likeliest]} at {highest:.2f}"
        for label, own, likeliest, highest in zip(
            labels[doubts["place"]], doubts["own"], doubts["likeliest"], doubts["highest"], strict=True
        )
    ]
    return dict(zip(doubts["place"].tolist(), evidence, strict=True))
