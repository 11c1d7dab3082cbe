"""A small data set of drawn faces with known faults, and votes that go with it."""

from pathlib import Path

import numpy as np
import pandas as pd

from fer_lib.datasets import SPLIT_USAGES, FerDataset, Split
from fer_lib.labels import EMOTIONS
from fer_lib.sample import draw_face
from fer_lib.votes import ANSWERS

SIZES = {"train": 70, "validation": 14, "test": 14}

DUPLICATE, NEAR, MIRRORED, BLANK = 10, 21, 75, 33
"""Rows of an equal copy of row 3 (of its class), a brighter one of row 4 (of another class), the mirror image of row 5
in validation (of its class), and of no picture."""


def make_audited() -> FerDataset:
    """98 faces: row `n` is of class `n % 7`, but for what the constants above name; splits follow one another."""
    labels = np.arange(sum(SIZES.values())) % 7
    faces = [draw_face(EMOTIONS[label], np.random.default_rng([11, row])).image for row, label in enumerate(labels)]
    faces[DUPLICATE], labels[DUPLICATE] = faces[3], labels[3]
    faces[NEAR], labels[NEAR] = (0.7 * faces[4] + 40).astype(np.uint8), (labels[4] + 1) % 7
    faces[MIRRORED], labels[MIRRORED] = faces[5][:, ::-1], labels[5]
    faces[BLANK] = np.zeros((48, 48), np.uint8)
    splits, start = [], 0
    for size in SIZES.values():
        part = slice(start, start + size)
        rows = np.arange(start, start + size, dtype=np.int64)
        splits.append(Split(np.stack(faces[part])[..., None], labels[part].astype(np.int64), rows))
        start += size
    return FerDataset(*splits, source="made", sha256="a" * 64, is_sample=False)


def make_votes(data: FerDataset) -> pd.DataFrame:
    """A table in the layout of fer2013new.csv: ten votes for neutral, but NF in rows 0 (ten) and 1 (one of ten)."""
    rows = sum(len(split) for split in data.splits().values())
    usages = [SPLIT_USAGES[name] for name, split in data.splits().items() for _ in range(len(split))]
    table = pd.DataFrame(0, index=range(rows), columns=list(ANSWERS))
    table["neutral"] = 10
    table.loc[0, ["neutral", "NF"]] = [0, 10]
    table.loc[1, ["neutral", "NF"]] = [9, 1]
    names = ["" if row == 0 else f"fer{row:07d}.png" for row in range(rows)]
    table.insert(0, "Image name", names)
    table.insert(0, "Usage", usages)
    return table


def write_votes(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, index=False)
    return path


def write_csv(path: Path, data: FerDataset) -> Path:
    """Write a data set in FER2013's layout."""
    lines = ["emotion,pixels,Usage"]
    for name, split in data.splits().items():
        for image, label in zip(split.images, split.labels, strict=True):
            lines.append(f"{label},{' '.join(map(str, image.ravel()))},{SPLIT_USAGES[name]}")
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path
