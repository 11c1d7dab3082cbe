"""The stand-in for SFEW: scenes like film stills, each with one face of the data in use, for when SFEW is not at hand.

Liu's data (section 2.1) are 675 pictures of 720 by 576 pixels, 100 a class and 75 of disgust, in which "the face is
not centered and occupies different amount of space" (section 3). Scenes have that shape: a place is painted
(`backdrops`, `indoors`, `outdoors`), somebody with the face is put into it (`people`), and it is photographed
(`stills`). They are not SFEW: what is measured on them indicates, and proves nothing about it.

Layout of a folder of scenes: `pictures/<class>/<number>.png`, which `image_folder` reads, and `faces.csv`, one row per
picture in the order of `image_folder.list_pictures`.
"""

import contextlib
import csv
import hashlib
import io
import os
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fer_lib.audit import BLANK_STANDARD_DEVIATION
from fer_lib.block_parsing import SIDE
from fer_lib.cache import user_cache_folder
from fer_lib.datasets import FerDataset, Split
from fer_lib.defects import DatasetError
from fer_lib.faces import Box, find_faces
from fer_lib.files import write_text
from fer_lib.labels import EMOTIONS
from fer_lib.pictures import read_grey
from fer_lib.scenes.stills import FACE_SIDES, STILL_HEIGHT, STILL_WIDTH, Still, compose_still

__all__ = [
    "FACE_SIDES",
    "PICTURES",
    "SCENES_VERSION",
    "STILL_HEIGHT",
    "STILL_WIDTH",
    "SceneFace",
    "Still",
    "compose_still",
    "detection_rate",
    "read_scene_faces",
    "stand_in_folder",
    "write_scenes",
]

SCENES_VERSION = 1
"""Raised whenever the same data and seed give other scenes; those cached by another version are composed anew."""

PICTURES = "pictures"
"""Folder of the class folders, inside a folder of scenes."""

_FACES = "faces.csv"
_COLUMNS = ["path", "row", "left", "top", "width", "height"]

_DISGUST_SHARE = 0.75
"""Scenes of disgust for one of any other class (Liu, table 1: 15 test pictures and 20)."""

_FEWEST = 2
"""Scenes that a class must have, for one to train on and one to test with."""

_ENOUGH_OVERLAP = 0.5
"""Intersection over union from which on a box counts as that of the face."""


@dataclass(frozen=True)
class SceneFace:
    """What is known of a scene.

    Attributes:
        path: of the picture, relative to the folder `pictures`, its parts joined by "/".
        row: of the face's image in the source of the data.
        box: the square that the face's image fills.
    """

    path: str
    row: int
    box: Box


def write_scenes(folder: str | Path, data: FerDataset, per_class: int = 100, seed: int = 0) -> None:
    """Compose scenes from the training images of `data`, and write them as PNG files with a table of their faces.

    Every scene shows another image; no two of the images are equal in all their pixels, and none is blank. A scene
    depends on the data, the seed, its class and its number alone: fewer scenes are the first ones of more.

    Args:
        folder: made where it is missing; else it must be empty.
        data: validation and test images are not used.
        per_class: scenes of a class; of disgust, three quarters of that. As many as there are images, where the data
            hold fewer of a class.
        seed: 0 or more; the same data and seed give the same bytes.

    Raises:
        ValueError: if `per_class` is under 2, `seed` under 0, the folder not empty, the images not 48 by 48 in grey,
            or a class has fewer than 2 images.
    """
    if per_class < _FEWEST or seed < 0:
        raise ValueError(f"per_class must be {_FEWEST} or more, seed 0 or more. Received: {per_class}, {seed}")
    if data.train.images.shape[1:] != (SIDE, SIDE, 1):
        raise ValueError(f"images must be {SIDE} by {SIDE} in grey. Received: {data.train!r}")
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder}: the folder must be empty. Received: {sorted(folder.iterdir())[0].name}, …")
    chosen = _choose_images(data.train, per_class, seed)
    for emotion in EMOTIONS:
        (folder / PICTURES / emotion).mkdir(parents=True)

    def write_scene(label: int, number: int, index: int) -> SceneFace:
        still = compose_still(data.train.images[index, :, :, 0], np.random.default_rng([seed, label, number + 1]))
        path = f"{EMOTIONS[label]}/{number:03d}.png"
        # Huffman coding alone: film grain does not repeat, so it is as small as at full effort and four times as fast.
        Image.fromarray(still.picture).save(folder / PICTURES / path, compress_type=zlib.Z_HUFFMAN_ONLY)
        return SceneFace(path, int(data.train.rows[index]), still.face)

    tasks = [(label, number, index) for label, of_class in enumerate(chosen) for number, index in enumerate(of_class)]
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        faces = list(executor.map(write_scene, *zip(*tasks, strict=True)))
    _write_scene_faces(folder, faces)


def read_scene_faces(folder: str | Path) -> list[SceneFace]:
    """Read the table of a folder of scenes: one row per picture, in the order of `image_folder.list_pictures`.

    Raises:
        OSError: if there is no table.
        DatasetError: a ValueError that names the row that is not as `write_scenes` writes it.
    """
    table = Path(folder) / _FACES
    with open(table, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        columns = next(rows, None)
        if columns != _COLUMNS:
            raise DatasetError(table, f"the columns must be {', '.join(_COLUMNS)}", columns)
        return [_parse_scene_face(f"{table}, row {number}", row) for number, row in enumerate(rows)]


def stand_in_folder(data: FerDataset, per_class: int = 100) -> Path:
    """Compose the stand-in for SFEW in the user's cache folder, or find it there.

    It is keyed by the data's content; a folder that lacks a picture is made anew; several processes may ask at once.

    Args:
        data: see `write_scenes`.
        per_class: see `write_scenes`.

    Returns:
        A folder of scenes; `image_folder.load_image_folder(folder / PICTURES)` reads it.

    Raises:
        ValueError: for the reasons of `write_scenes`.
        OSError: if the cache folder cannot be written to.
    """
    key = hashlib.sha256(f"version {SCENES_VERSION}, {per_class} a class, data {data.sha256}".encode()).hexdigest()
    folder = user_cache_folder() / f"sfew-stand-in-{key[:12]}"
    if _is_whole(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        made, damaged = Path(temporary) / "made", Path(temporary) / "damaged"
        write_scenes(made, data, per_class)
        if not _is_whole(folder):
            with contextlib.suppress(FileNotFoundError):
                folder.rename(damaged)
        try:
            made.rename(folder)
        except OSError:
            if not _is_whole(folder):  # else another process was faster
                raise
    return folder


def detection_rate(folder: str | Path) -> dict[str, int]:
    """Count in how many scenes `faces.find_faces` finds the face.

    Returns:
        scenes: how many there are; found: those with any box; right: those whose largest box has an intersection over
        union of 0.5 or more with the square of the face.
    """
    boxes = [
        (scene.box, find_faces(read_grey(Path(folder) / PICTURES / scene.path))) for scene in read_scene_faces(folder)
    ]
    right = [_overlap(face, found[0]) >= _ENOUGH_OVERLAP for face, found in boxes if found]
    return {"scenes": len(boxes), "found": len(right), "right": sum(right)}


def _choose_images(train: Split, per_class: int, seed: int) -> list[list[int]]:
    """For every class the indices of its scenes' images, in a random order, of which fewer are the first of more."""
    first_seen: dict[bytes, int] = {}
    for index, image in enumerate(train.images):
        first_seen.setdefault(image.tobytes(), index)
    usable = np.array([i for i in first_seen.values() if train.images[i].std() >= BLANK_STANDARD_DEVIATION], np.int64)
    chosen = []
    for label, emotion in enumerate(EMOTIONS):
        of_class = usable[train.labels[usable] == label]
        if len(of_class) < _FEWEST:
            raise ValueError(
                f"there must be {_FEWEST} or more different training images of {emotion}. Received: {len(of_class)}"
            )
        wanted = round(_DISGUST_SHARE * per_class) if emotion == "disgust" else per_class
        order = np.random.default_rng([seed, label, 0]).permutation(of_class)
        chosen.append(order[:wanted].tolist())
    return chosen


def _write_scene_faces(folder: Path, faces: list[SceneFace]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for face in sorted(faces, key=lambda face: face.path.split("/")):
        box = face.box
        writer.writerow([face.path, face.row, box.left, box.top, box.width, box.height])
    write_text(folder / _FACES, text.getvalue())


def _parse_scene_face(where: str, row: list[str]) -> SceneFace:
    try:
        path, index, left, top, width, height = row
        return SceneFace(path, int(index), Box(int(left), int(top), int(width), int(height)))
    except ValueError as error:
        raise DatasetError(where, "there must be a path and five whole numbers", row) from error


def _is_whole(folder: Path) -> bool:
    """Whether a folder of scenes has its table, which is written last, and every picture in it."""
    try:
        return all((folder / PICTURES / face.path).stat().st_size > 0 for face in read_scene_faces(folder))
    except (OSError, ValueError):
        return False


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    both = max(0, width) * max(0, height)
    return both / (one.width * one.height + other.width * other.height - both)
