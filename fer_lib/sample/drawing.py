"""One drawn face: 48×48 grey values, and where its parts stand."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from fer_lib.sample import relief
from fer_lib.sample.anatomy import SIDES, Face, pose_face
from fer_lib.sample.canvas import OVERSAMPLING, SIDE, SIZE, Canvas, grain, plane_to_picture
from fer_lib.sample.expressions import Actions, sample_actions
from fer_lib.sample.features import paint_features
from fer_lib.sample.identity import Identity, View, sample_identity, sample_view
from fer_lib.sample.surroundings import paint_background, paint_behind, paint_glasses, paint_hair, paint_hand

Box = tuple[float, float, float, float]
"""left, top, right, bottom in pixels of the picture; pixel (row, column) reaches from them to (row + 1, column + 1)."""

HAND_PROBABILITY = 0.05


@dataclass(frozen=True)
class Drawing:
    """A drawn face.

    Attributes:
        image: uint8 (48, 48).
        boxes: bounding boxes of left_eye, right_eye, left_brow, right_brow, nose and mouth, left and right as in the
            picture. They are exact, unclipped, and include what hair, glasses or a hand cover.
    """

    image: np.ndarray
    boxes: dict[str, Box]


def _boxes(face: Face, view: View) -> dict[str, Box]:
    parts = {"nose": face.nose, "mouth": np.concatenate([face.mouth.upper_outer, face.mouth.lower_outer])}
    for name in SIDES:
        parts[f"{name}_eye"] = np.concatenate([face.eyes[name].upper_lid, face.eyes[name].lower_lid])
        parts[f"{name}_brow"] = face.brows[name]
    matrix, offset = plane_to_picture(view)
    boxes = {}
    for name, points in parts.items():
        pixel = points @ matrix + offset
        left, top, right, bottom = (float(value) for value in (*pixel.min(axis=0), *pixel.max(axis=0)))
        boxes[name] = (left, top, right, bottom)
    return boxes


def _spread_shade(shade: np.ndarray, view: View) -> np.ndarray:
    """Shade map of the face plane -> uint32 (SIZE, SIZE) over the canvas, 160 for 1."""
    matrix, offset = plane_to_picture(view)
    back = np.linalg.inv(matrix * OVERSAMPLING) * relief.SCALE
    origin = -(offset * OVERSAMPLING) @ back - np.array([relief.LEFT, relief.TOP]) * relief.SCALE
    affine = (back[0, 0], back[1, 0], origin[0], back[0, 1], back[1, 1], origin[1])
    levels = Image.fromarray(np.rint(160 * shade).astype(np.uint8))
    return np.asarray(
        levels.transform((SIZE, SIZE), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR), np.uint32
    )


def _paint(identity: Identity, actions: Actions, face: Face, view: View, rng: np.random.Generator) -> Image.Image:
    """The whole scene, of the canvas' size."""
    scene = paint_background(view, rng)
    paint_behind(scene, identity, face, rng)
    chance = rng.random(2)
    teeth = (actions["AU10"] + actions["AU12"] + 0.6 * chance[0] > 0.5, actions["AU16"] + 0.3 * chance[1] > 0.45)
    skin = paint_features(Canvas(view, identity.skin), identity, face, (bool(teeth[0]), bool(teeth[1])), rng)
    light = _spread_shade(relief.shade_face(identity, actions, face, view), view)
    mottled = np.asarray(grain(rng, 24, 0.94, 1.0), np.uint32)
    lit = np.minimum(np.asarray(skin, np.uint32) * light * mottled // (160 * 255), 255).astype(np.uint8)
    scene.paste(Canvas(view, Image.fromarray(lit)), scene.mask(face.outline))
    paint_hair(scene, identity, rng)
    paint_glasses(scene, identity, face, rng)
    if rng.random() < HAND_PROBABILITY:
        paint_hand(scene, identity, face, rng)
    return scene.picture


def _photograph(picture: Image.Image, view: View, rng: np.random.Generator) -> np.ndarray:
    """Canvas -> picture: light across the scene, focus, exposure, contrast, noise."""
    reduced = picture.reduce(OVERSAMPLING).filter(ImageFilter.GaussianBlur(max(0.0, rng.normal(0.0, 0.35))))
    scene = np.asarray(reduced, dtype=np.float64) / 255
    ramp = np.linspace(-0.5, 0.5, SIDE)
    scene = scene * (1 + 0.3 * (1 - view.ambient) * (view.light[0] * ramp + view.light[1] * ramp[:, None]))
    contrast = rng.uniform(0.17, 0.26) / max(float(scene.std()), 0.05)
    scene = rng.uniform(0.42, 0.6) + contrast * (scene - scene.mean())
    scene = scene + min(rng.gamma(0.8, 0.011), 0.05) * rng.normal(0, 1, scene.shape)
    return np.rint(255 * np.clip(scene, 0, 1)).astype(np.uint8)


def draw_face(expression: str, rng: np.random.Generator) -> Drawing:
    """Draw a face of someone somewhere who shows an emotion.

    Args:
        expression: one of `labels.EMOTIONS`.
        rng: source of everything that varies; the same state gives the same drawing.

    Returns:
        The picture, and the boxes of its parts.

    Raises:
        ValueError: if `expression` is not one of `labels.EMOTIONS`.
    """
    actions = sample_actions(expression, rng)
    identity, view = sample_identity(rng), sample_view(rng)
    away = actions["AU61"] * rng.choice([-1.0, 1.0])
    gaze = (
        float(np.clip(away + rng.normal(0, 0.25), -1, 1)),
        float(np.clip(actions["AU64"] + rng.normal(0, 0.15), -1, 1)),
    )
    face = pose_face(identity, actions, view, gaze)
    picture = _paint(identity, actions, face, view, rng)
    return Drawing(_photograph(picture, view, rng), _boxes(face, view))
