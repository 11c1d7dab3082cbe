"""What is around and over a face: background, neck, clothes, ears, hair, hats, glasses, a hand."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from fer_lib.sample.anatomy import SIDES, Face, spline, turn
from fer_lib.sample.canvas import SIDE, SIZE, Canvas, ellipse, grain
from fer_lib.sample.identity import Identity, View

_SHORT = [(1.02, 0.1), (0.9, -0.35), (0.8, -0.66), (0.45, -0.88), (0.0, -0.93)]
_RECEDING = [(1.02, 0.05), (0.93, -0.4), (0.84, -0.62), (0.62, -1.02), (0.3, -0.98), (0.0, -0.93)]
_FRINGE = [(1.02, 0.25), (0.88, -0.2), (0.72, -0.42), (0.4, -0.53), (0.0, -0.5)]
_CENTRE = [(1.02, 0.3), (0.92, -0.15), (0.8, -0.5), (0.45, -0.82), (0.0, -1.12)]
_TIED = [(1.0, -0.1), (0.92, -0.4), (0.8, -0.74), (0.45, -0.98), (0.0, -1.03)]
_CURLY = [(1.04, 0.2), (0.92, -0.25), (0.8, -0.6), (0.45, -0.8), (0.0, -0.86)]
_BEANIE = [(1.06, -0.3), (0.95, -0.52), (0.5, -0.66), (0.0, -0.7)]
_SCARF = [(1.0, 1.2), (0.96, 0.5), (0.92, 0.0), (0.82, -0.5), (0.5, -0.78), (0.0, -0.86)]
_PARTED_LEFT = [(-1.02, 0.2), (-0.9, -0.3), (-0.8, -0.66), (-0.55, -1.0), (-0.42, -1.1)]
_PARTED_RIGHT = [(-0.1, -0.88), (0.35, -0.66), (0.75, -0.45), (0.92, -0.1), (1.02, 0.25)]


def _mirrored(right: list[tuple[float, float]]) -> np.ndarray:
    """The left half, then the right one, of a curve given from the right to the middle."""
    curve = np.array(right)
    return np.concatenate([curve * [-1, 1], curve[-2::-1]])


_HAIRLINES: dict[str, np.ndarray] = {
    "short": _mirrored(_SHORT),
    "receding": _mirrored(_RECEDING),
    "fringe": _mirrored(_FRINGE),
    "side parting": np.array(_PARTED_LEFT + _PARTED_RIGHT),
    "centre parting": _mirrored(_CENTRE),
    "tied back": _mirrored(_TIED),
    "curly": _mirrored(_CURLY),
    "beanie": _mirrored(_BEANIE),
    "scarf": _mirrored(_SCARF),
}
"""Where the hair or the cover begins, from the picture's left temple to the right one; bald heads have none."""


def paint_background(view: View, rng: np.random.Generator) -> Canvas:
    """Begin a scene: a gradient, mostly with things out of focus in it."""
    base = rng.uniform(0.1, 0.9)
    slope = rng.normal(0, 0.15, 2)
    ramp = np.linspace(-1, 1, SIDE)
    shades = np.clip(base + slope[0] * ramp[:, None] + slope[1] * ramp, 0, 1)
    picture = Image.fromarray((255 * shades).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(0, 9) if rng.random() < 0.75 else 0):
        x, y = rng.uniform(-8, SIDE, 2)
        width, height = rng.uniform(4, 30, 2)
        shape = draw.rectangle if rng.random() < 0.6 else draw.ellipse
        shape((x, y, x + width, y + height), fill=int(255 * np.clip(base + rng.normal(0, 0.25), 0, 1)))
    blurred = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 3.0)))
    return Canvas(view, blurred.resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def _paint_strands(scene: Canvas, mask: Canvas, identity: Identity, rng: np.random.Generator) -> None:
    """Streaks of lighter and darker hair that run down from the crown, inside `mask`."""
    count = 40
    streaks = Canvas(scene.view, scene.picture.copy())
    angle = rng.uniform(-np.pi, 0.0, count)
    # Hair is brighter where it faces the light.
    facing = np.clip(scene.view.light[0] * np.cos(angle) + scene.view.light[1] * np.sin(angle), 0, 1)
    darkest = 0.84 + 0.1 * identity.hair
    shades = identity.hair * (rng.uniform(darkest, 1.04, count) + 0.2 * facing) + 0.05 * facing
    bends = rng.uniform(-0.06, 0.06, (count, 4, 2))
    crown = np.array([-0.4 if identity.hair_style == "side parting" else 0.0, -1.35])
    far = np.stack([1.12 * np.cos(angle), -0.3 + np.sin(angle)], axis=1)
    end = far + [0.0, 2.2 if identity.long_hair else 0.5]
    start = np.broadcast_to(crown, far.shape)
    curves = np.stack([start, 0.5 * (start + far) + [0.0, -0.12], far, end], axis=1) + bends
    streaks.strokes(curves, 0.03, shades)
    scene.paste(streaks, mask)


def _skull(identity: Identity, bottom: float) -> np.ndarray:
    """Outside of the hair from the left, over the crown, to the right."""
    volume = identity.hair_volume * (1.8 if identity.hair_style == "curly" else 1.0)
    angle = np.linspace(np.pi, 2 * np.pi, 19)
    across = (identity.width + 0.6 * volume) * np.cos(angle)
    arc = np.stack([across, -0.3 + (1.03 + volume) * np.sin(angle)], axis=1)
    drop = [[0.0, bottom + 0.3]]
    return np.concatenate([arc[:1] + drop, arc, arc[-1:] + drop])


def _fall(identity: Identity, spread: float) -> np.ndarray:
    """Outside of long hair or of a scarf, from the left over the crown to the right, down out of the picture."""
    width = identity.width + identity.hair_volume + spread
    ends = np.array([[width, 1.6], [width - 0.1, 2.6]])
    return np.concatenate([ends[::-1] * [-1, 1], _skull(identity, 1.0), ends])


def _paint_long_hair(scene: Canvas, identity: Identity, rng: np.random.Generator) -> None:
    contour = _fall(identity, rng.uniform(0.0, 0.25))
    scene.fill(contour, 0.75 * identity.hair)
    _paint_strands(scene, scene.mask(contour), identity, rng)


def _paint_neck(scene: Canvas, identity: Identity, face: Face, rng: np.random.Generator) -> None:
    cloth, chin = identity.cloth, face.chin_y
    wide = 0.5 if identity.child else 0.62 - 0.08 * identity.long_hair
    edge = np.array([[2.6, 3.4], [2.0, chin + 0.72], [wide + 0.1, chin + 0.3]])
    scene.fill(np.concatenate([edge * [-1, 1], edge[::-1]]), cloth)
    dark = identity.skin * (0.4 + 0.2 * scene.view.ambient)
    collar = 0.4 + rng.uniform(0.0, 0.4)
    for inner, shade in ((1.0, dark), (0.75, 1.12 * dark), (0.45, 1.25 * dark)):
        x = inner * wide
        half = np.array([[x, 0.6], [x, chin + 0.18], [x + 0.12 * inner, chin + 0.36]])
        tip = np.array([[0.08 * scene.view.light[0], chin + collar]])
        shifted = np.concatenate([half * [-1, 1], tip, half[::-1]]) + [0.2 * (1 - inner) * scene.view.light[0], 0.0]
        scene.fill(shifted, shade)
    line = np.array([[-wide - 0.12, chin + 0.36], [0.0, chin + collar], [wide + 0.12, chin + 0.36]])
    scene.stroke(line, 0.07, cloth * rng.uniform(0.6, 1.3))


def paint_behind(scene: Canvas, identity: Identity, face: Face, rng: np.random.Generator) -> None:
    """Paint what the face covers: long hair, shoulders, neck, ears."""
    if identity.long_hair:
        _paint_long_hair(scene, identity, rng)
    _paint_neck(scene, identity, face, rng)
    if identity.hair_style == "scarf":
        scene.fill(_fall(identity, 0.15), 0.8 * identity.cloth)
    if identity.long_hair or identity.hair_style == "scarf":
        return
    lean = 0.35 * np.sin(np.radians(scene.view.yaw_degrees))
    for side in SIDES.values():
        shade = identity.skin * (0.62 + 0.2 * side * scene.view.light[0])
        x = side * (identity.width + 0.02) - 0.3 * lean
        scene.fill(ellipse(x, 0.16, 0.13 - 0.2 * side * lean, 0.27), shade)
        scene.fill(ellipse(x + 0.02 * side, 0.14, 0.065, 0.16), 0.7 * shade)


def paint_hair(scene: Canvas, identity: Identity, rng: np.random.Generator) -> None:
    """Paint the hair over the forehead, or the hat or scarf."""
    if identity.hair_style == "bald":
        return
    covered = identity.hair_style in ("beanie", "scarf")
    hairline = _HAIRLINES[identity.hair_style]
    inner = spline(hairline * [identity.width, 1.0] + rng.normal(0, 0.015, hairline.shape), 40)
    ragged = 0.05 if identity.hair_style == "fringe" else 0.025
    inner[:, 1] += 0.0 if covered else ragged * rng.uniform(-1, 1, 40)
    inner = np.concatenate([inner[:1], turn(inner[1:-1], scene.view), inner[-1:]])
    outside = _skull(identity, float(hairline[0, 1]))
    mask = scene.mask(np.concatenate([outside, inner[::-1]]))
    if identity.hair_style == "curly":
        curls = np.concatenate([outside, inner[::2]])
        for x, y in (curls + rng.normal(0, 0.04, curls.shape)).tolist():
            mask.fill(ellipse(x, y, 0.09, 0.09, 10), 1.0)
    shade = identity.cloth if covered else 0.9 * identity.hair
    scene.paste(shade, mask)
    if covered:
        scene.stroke(inner[1:-1] - [0.0, 0.2 if identity.hair_style == "beanie" else 0.06], 0.03, 0.7 * shade)
    elif identity.hair_style == "curly":
        scene.paste(
            Canvas(scene.view, grain(rng, 56, 0.65 * identity.hair, min(1.0, 1.2 * identity.hair + 0.04))), mask
        )
    else:
        _paint_strands(scene, mask, identity, rng)


def _rim(round_lens: bool, width: float, height: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 33)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.sign(circle) * np.abs(circle) ** (1.0 if round_lens else 0.55) * [width, height]


def paint_glasses(scene: Canvas, identity: Identity, face: Face, rng: np.random.Generator) -> None:
    """Paint frames around the eyes; lenses reflect now and then."""
    if identity.glasses == "none":
        return
    thin = identity.glasses == "thin"
    width, shade = (0.028, rng.uniform(0.2, 0.6)) if thin else (0.06, rng.uniform(0.02, 0.15))
    reach, height = rng.uniform(0.3, 0.34), rng.uniform(0.2, 0.26)
    rim, reflects = _rim(identity.glasses == "round", reach, height), rng.random() < 0.2
    centres = []
    for name, side in SIDES.items():
        eye = face.eyes[name]
        centre = 0.5 * (eye.upper_lid.mean(axis=0) + eye.lower_lid.mean(axis=0)) + [0.0, 0.03]
        if reflects:
            glare = Canvas(scene.view)
            glare.fill(centre + np.array([[-0.2, 0.1], [-0.05, -0.15], [0.08, -0.15], [-0.08, 0.12]]), 0.45)
            scene.paste(0.92, glare)
        scene.stroke(rim + centre, width, shade)
        scene.stroke(np.array([centre + [side * reach, -0.06], [side * 1.0, -0.08]]), width, shade)
        centres.append(centre)
    left, right = centres
    bridge = [left + [reach, -0.05], 0.5 * (left + right) + [0.0, -0.09], right + [-reach, -0.05]]
    scene.stroke(np.array(bridge), width, shade)


def paint_hand(scene: Canvas, identity: Identity, face: Face, rng: np.random.Generator) -> None:
    """Paint fingers that cover a part of the face: a cheek, the chin or the brow."""
    side = rng.choice([-1.0, 1.0])
    tips = np.array([[side * 0.8, 0.5], [side * 0.3, face.chin_y - 0.1], [side * 0.75, -0.5]])
    tip = tips[rng.integers(len(tips))]
    direction = np.array([side * rng.uniform(0.2, 0.7), 1.0])
    direction /= np.hypot(*direction)
    across = direction[::-1] * [1, -1]
    light = np.array(scene.view.light[:2])
    for finger in range(4):
        start = tip + across * 0.21 * (finger - 1.5) + direction * 0.1 * abs(finger - 1.2)
        for width, shade in ((0.22, 0.5), (0.18, 0.74), (0.1, 0.82)):
            x, y = start + light * (0.22 - width) * 0.3
            scene.stroke(np.array([[x, y], [x, y] + 0.9 * direction]), width, identity.skin * shade)
            scene.fill(ellipse(x, y, width / 2, width / 2, 14), identity.skin * shade)
    knuckles = np.array([[-0.42, 0.72], [-0.2, 0.66], [0.0, 0.64], [0.2, 0.66], [0.42, 0.74], [0.4, 3.0], [-0.4, 3.0]])
    for size, shade in ((1.0, 0.6), (0.85, 0.76)):
        scene.fill(tip + (knuckles * [size, 1.0]) @ np.stack([across, direction]), identity.skin * shade)
