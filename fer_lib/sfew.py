"""SFEW's scenes where they are at hand, else their stand-in: pictures of whole scenes or of the faces found in them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import PIL

from fer_lib import faces
from fer_lib.cache import cache_paths, read_cache, write_cache
from fer_lib.datasets import FerDataset, Split
from fer_lib.image_folder import hash_folder, load_image_folder
from fer_lib.paths import find_sfew
from fer_lib.scenes import PICTURES, stand_in_folder

NAME = "SFEW"
"""What the stand-in stands for (Dhall et al. 2011, Static Facial Expressions in the Wild)."""

_ARRAYS = ("images", "labels", "rows")


@dataclass(frozen=True)
class Scenes:
    """All scenes as small pictures.

    Attributes:
        pictures: grey images (n, h, w, 1) of the size of the data in use, labels, and places in the folder's listing.
        source: where they come from, in words.
        sha256: hash of SFEW's folder; of a stand-in, of the data it is composed from.
        is_sample: whether a stand-in is composed from the built-in sample.
        stands_for: `NAME` for a stand-in, else empty.
    """

    pictures: Split
    source: str
    sha256: str
    is_sample: bool
    stands_for: str


def identify(data: FerDataset) -> dict[str, Any]:
    """What the scenes are, JSON-ready, known without reading them: sha256, is_sample and, of a stand-in, stands_for."""
    folder = find_sfew()
    if folder:
        return {"sha256": hash_folder(folder), "is_sample": False}
    return {"sha256": data.sha256, "is_sample": data.is_sample, "stands_for": NAME}


def pictures_folder(data: FerDataset, per_class: int) -> Path:
    """Folder of the scenes by class: SFEW's where it is at hand, else the stand-in's, composed if need be.

    Args:
        data: what a stand-in is composed from.
        per_class: scenes a class of the stand-in; 75 for disgust where it is 100, as in SFEW.
    """
    return find_sfew() or stand_in_folder(data, per_class) / PICTURES


def load_scenes(data: FerDataset, per_class: int, *, crop: bool) -> Scenes:
    """Load every scene, or the face found in it, in the size of the data in use; cached by content and by what made it.

    Args:
        data: what a stand-in is composed from, and whose image size is taken.
        per_class: scenes a class of the stand-in.
        crop: whether each scene is cut down to the largest face found in it (the whole scene where none is).

    Raises:
        DatasetError: if a folder or a picture of SFEW has a defect.
    """
    folder = pictures_folder(data, per_class)
    height, width = data.train.images.shape[1:3]
    caches = cache_paths(folder.with_name(f"{folder.name}-{'faces' if crop else 'whole'}-{height}x{width}"))
    key = _cache_key(hash_folder(folder), crop)
    arrays = read_cache(caches, _ARRAYS, key)
    if arrays is None:
        loaded = load_image_folder(folder, (height, width), faces.crop_face if crop else None)
        arrays = {name: getattr(loaded, name) for name in _ARRAYS}
        write_cache(caches, key, arrays)
    found = identify(data)
    source = f"stand-in for {NAME}, composed from {data.source}" if "stands_for" in found else str(folder)
    return Scenes(Split(**arrays), source, found["sha256"], found["is_sample"], found.get("stands_for", ""))


def _cache_key(sha256: str, crop: bool) -> str:
    """Hash of all that decides the pixels: the scenes, what resizes them, and of faces what finds and cuts them out."""
    made_by = f"Pillow {PIL.__version__}"
    if crop:
        made_by += f" cv2 {cv2.__version__} crops {faces.CROPS_VERSION} margin {faces.MARGIN}"
    return hashlib.sha256(f"{made_by}\n{sha256}".encode()).hexdigest()
