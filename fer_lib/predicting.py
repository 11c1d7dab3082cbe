"""Photographs -> the faces in them -> what a network takes their expressions for, and where it looks.

What `prepare` does needs no TensorFlow: a picture that cannot be used is told before that is loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fer_lib.defects import Plain
from fer_lib.faces import Box, find_faces, square_about
from fer_lib.photographs import PhotographError, read_photograph, to_grey
from fer_lib.shipped import Weights

if TYPE_CHECKING:
    import keras

FACES = ("all", "largest", "none")
"""Which faces are looked at: every one, the largest, or the whole picture as if it were one."""

SMALLEST_SHARE = 0.08
"""Side of the smallest face looked for, as a share of the picture's shorter side: people in a group. On 100 composed
stills (FER2013's Training and the built-in sample) the face was found as often as with 0.2 (86 and 87 times), with 11
wrong boxes in place of 6."""

SMALLEST_FACE = 24
"""Pixels that the side of a face must have to be looked for: half of FER2013's."""

VIEW_SIDE = 1172
"""Pixels of the longer side of the copy that is kept of a picture, to be drawn on: with the panels of `annotating`
beside it, three columns of them fit below."""

CAVEAT = (
    "A label is a guess about the expression that a face shows, often a posed one; it does not tell what anyone feels. "
    "A probability says how sure the network is, not how often it is right."
)


@dataclass(frozen=True, eq=False)
class Photograph:
    """A picture made ready for a network.

    Attributes:
        path: its file.
        width: in pixels, upright.
        height: in pixels, upright.
        view: uint8 (h, w, 3), RGB: the picture, reduced so that no side is longer than `VIEW_SIDE`.
        boxes: the part of the picture that each image shows, in pixels of the whole picture, the largest first.
        images: uint8 (n, h, w, c), what the network is given, before any enlarging of its own.
    """

    path: Path
    width: int
    height: int
    view: np.ndarray
    boxes: list[Box]
    images: np.ndarray

    @property
    def is_enlarged(self) -> list[bool]:
        """Of each face whether it has fewer pixels than its image, so that details are missing."""
        height, width = self.images.shape[1:3]
        return [box.width < width or box.height < height for box in self.boxes]


@dataclass(frozen=True, eq=False)
class Reading:
    """What a network says of a photograph's faces.

    Attributes:
        photograph: the picture.
        classes: names of the classes.
        images: uint8 (n, h, w, c), what the network was given.
        probabilities: float32 (n, classes), each row summing to one.
        heat: float32 (n, h, w) in [0, 1]: Grad-CAM of the class predicted for each face.
    """

    photograph: Photograph
    classes: tuple[str, ...]
    images: np.ndarray
    probabilities: np.ndarray
    heat: np.ndarray

    @property
    def labels(self) -> list[str]:
        """Name of the most probable class of each face."""
        return [self.classes[index] for index in self.probabilities.argmax(axis=1)]


def prepare(path: str | Path, weights: Weights, faces: str = "all") -> Photograph:
    """Read a picture, find its faces and make the network's images of them.

    A face is cut out as a square (`faces.square_about`), turned to luma and resized: averaging areas where it is larger
    than the network's input, bicubic where it is smaller.

    Args:
        path: the picture.
        weights: whose input the images are made for.
        faces: one of `FACES`; "none" stretches the whole picture to the input, as FER2013's own pictures need it.

    Raises:
        PhotographError: if the picture cannot be read, or no face is found in it.
        ValueError: if `faces` is unknown.
    """
    if faces not in FACES:
        raise ValueError(f"faces must be one of {', '.join(FACES)}. Received: {faces!r}")
    picture = read_photograph(path)
    height, width = picture.shape[:2]
    grey = to_grey(picture)
    boxes = [Box(0, 0, width, height)] if faces == "none" else _squares(grey)
    if not boxes:
        received = Plain(f"{width} by {height} pixels without one")
        raise PhotographError(path, "a face must be found (--faces none takes the whole picture for one)", received)
    if faces == "largest":
        boxes = boxes[:1]
    images = np.stack([_make_image(grey, box, weights) for box in boxes])
    return Photograph(Path(path), width, height, _reduce(picture), boxes, images)


def read_expressions(photographs: Sequence[Photograph], weights: Weights) -> list[Reading]:
    """Load the network, and let it name the expressions of all faces at once.

    Args:
        photographs: made by `prepare` for the same weights, at least one.
        weights: those shipped (`shipped.load_shipped`), or a run's (`trained.find_weights`).

    Raises:
        ValueError: if the weights' file cannot be loaded, or is not a network of the stated input and classes.
    """
    stacked = np.concatenate([photograph.images for photograph in photographs])
    images, probabilities, heat = name_expressions(stacked, weights)
    ends = np.cumsum([len(photograph.boxes) for photograph in photographs])
    parts = [slice(end - len(photograph.boxes), end) for photograph, end in zip(photographs, ends, strict=True)]
    return [
        Reading(photograph, weights.classes, images[part], probabilities[part], heat[part])
        for photograph, part in zip(photographs, parts, strict=True)
    ]


def name_expressions(images: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Load the network and give it images of faces.

    Args:
        images: uint8 (n, h, w, c), of its input's size, or of half of it where `weights.enlarged_by` says so.
        weights: as for `read_expressions`.

    Returns:
        The images as the network is given them, uint8; probabilities float32 (n, classes); Grad-CAM of the class
        predicted for each, float32 (n, h, w) in [0, 1].

    Raises:
        ValueError: for the reasons of `read_expressions`.
    """
    from fer_lib import gradcam, pipeline  # they load TensorFlow

    model = _load_model(weights)
    given = _enlarge(images, weights)
    predicted = model.predict(pipeline.evaluation_batches(given), verbose=0)
    probabilities = np.asarray(predicted, dtype=np.float32)
    return given, probabilities, gradcam.grad_cam(model, given, probabilities.argmax(axis=1))


def as_percent(probability: float) -> str:
    """A whole number of percent; nothing is ever called 100%."""
    return ">99%" if probability >= 0.995 else f"{probability:.0%}"


def _squares(grey: np.ndarray) -> list[Box]:
    height, width = grey.shape
    shorter = min(height, width)
    smallest = min(1.0, max(SMALLEST_SHARE, SMALLEST_FACE / shorter))
    return [square_about(face, height, width) for face in find_faces(grey, smallest)]


def _make_image(grey: np.ndarray, box: Box, weights: Weights) -> np.ndarray:
    """Cut a box out of grey values uint8 (h, w): uint8 (height, width, channels) of the network's input.

    Where that is enlarged from images of half its size, of half its size.
    """
    height, width, channels = weights.input_shape
    if weights.enlarged_by:
        height, width = height // 2, width // 2
    cut = grey[box.top : box.top + box.height, box.left : box.left + box.width]
    return np.repeat(_resize(cut, width, height)[:, :, None], channels, axis=2)


def _resize(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    if picture.shape[:2] == (height, width):
        return picture
    smaller = width * height < picture.shape[0] * picture.shape[1]
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def _reduce(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    scale = VIEW_SIDE / max(height, width)
    if scale >= 1:
        return picture
    return _resize(picture, max(1, round(scale * width)), max(1, round(scale * height)))


def _load_model(weights: Weights) -> "keras.Model":
    model = _load(weights.file)
    inputs, outputs = tuple(model.input_shape), tuple(model.output_shape)
    if inputs[1:] != weights.input_shape or outputs[1:] != (len(weights.classes),):
        stated = f"from {weights.input_shape} to {len(weights.classes)} classes"
        raise ValueError(f"{weights.file}: the network must be {stated}. Received: {inputs[1:]} to {outputs[1:]}")
    return model


def _load(path: Path) -> "keras.Model":
    from keras.models import load_model  # it loads TensorFlow

    try:
        return load_model(path, compile=False)
    except Exception as error:  # Keras raises errors of any type for damaged files
        raise ValueError(
            f"{path}: the file must be a Keras model. Received: {type(error).__name__}: {error}"
        ) from error


def _enlarge(images: np.ndarray, weights: Weights) -> np.ndarray:
    """Images as the network takes them: twice as large where it was trained on enlarged ones."""
    if weights.enlarged_by is None:
        return images
    from fer_lib.super_resolution.enlarging import INTERPOLATIONS, enlarge  # it loads pandas

    method = weights.enlarged_by
    return enlarge(images, method if method in INTERPOLATIONS else _load(Path(method)))
