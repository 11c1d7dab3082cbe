"""The relief of a face and the light on it: bones, cheeks, nose, lips, folds and wrinkles as a height map, shaded."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from fer_lib.sample.anatomy import SIDES, Face, spline, turn
from fer_lib.sample.expressions import Actions
from fer_lib.sample.identity import Identity, View

SIDE = 96
"""Rows and columns of the map."""
LEFT, TOP, WIDTH = -1.7, -1.5, 3.4
"""The square of the face plane that the map covers, in face units."""
SCALE = SIDE / WIDTH
"""Map pixels per face unit."""

_X = LEFT + (np.arange(SIDE) + 0.5) / SCALE
_Y = TOP + (np.arange(SIDE) + 0.5) / SCALE

Crease = tuple[np.ndarray, float, float]
"""A fold of the skin: curve (n, 2), width in face units, depth in [0, 1]."""


Bump = tuple[float, float, float, float, float]
"""A hill of the flesh, or a hollow where the height is negative: x, y, half width, half length, height."""


def _raise_bumps(bumps: list[Bump]) -> np.ndarray:
    """The sum of all bumps, each a Gaussian bell: float64 (SIDE, SIDE)."""
    x, y, width, length, height = np.array(bumps).T[:, :, None]
    rows = height * np.exp(-(((_Y - y) / length) ** 2))
    columns = np.exp(-(((_X - x) / width) ** 2))
    total: np.ndarray = rows.T @ columns
    return total


def _head(face: Face) -> np.ndarray:
    """The head without features: round across every row of its outline, falling off to the chin and the crown."""
    half = len(face.outline) // 2
    right = face.outline[: half + 1]
    width = np.interp(_Y, right[:, 1], right[:, 0], left=0.0, right=0.0)
    across = np.abs(_X[None, :]) / np.maximum(width[:, None], 0.05)
    crown, chin = -1.3, face.chin_y
    along = np.clip(np.abs((_Y - 0.1) / np.where(_Y < 0.1, crown - 0.1, chin - 0.1)), 0, 1)
    bend = across * across * (0.4 + 0.6 * across)  # flatter in front than an ellipse
    return 0.95 * np.sqrt(np.clip(1 - bend, 0, 1)) * (np.clip(1 - along**3.2, 0, 1) ** 0.5)[:, None]


def _nose(identity: Identity, face: Face, view: View) -> np.ndarray:
    """Ridge of the nose, from between the eyes to its tip."""
    base = float(face.nose[:, 1].max())
    rows = np.array([-0.12, 0.05, 0.3, base - 0.13, base - 0.02, base + 0.05])
    middle = turn(np.stack([np.zeros(6), np.array([-0.12, 0.05, 0.3, 0.42, 0.5, 0.56])], axis=1), view, 0.2)[:, 0]
    high = identity.nose_height * np.array([0.0, 0.3, 0.6, 1.0, 0.8, 0.0])
    height = np.interp(_Y, rows, high, left=0.0, right=0.0)
    width = np.interp(_Y, rows, [0.13, 0.12, 0.13, 0.17, 0.19, 0.18]) * identity.nose_width / 0.195
    centre = np.interp(_Y, rows, middle)
    ridge = height[:, None] * np.exp(-(((_X[None, :] - centre[:, None]) / width[:, None]) ** 2))
    return ridge


def _bumps(identity: Identity, actions: Actions, face: Face, view: View) -> list[Bump]:
    """Forehead, muzzle, lips and chin."""
    mouth, middle = face.mouth, len(face.mouth.upper_outer) // 2
    x = float(mouth.upper_outer[:, 0].mean())
    top, bottom = float(mouth.upper_outer[middle, 1]), float(mouth.lower_outer[:, 1].max())
    forehead = float(turn(np.zeros((1, 2)), view)[0, 0])
    bumps = [
        (forehead, -0.75, 0.6, 0.35, 0.04),
        (x, 0.5 * (identity.mouth_height + bottom), 0.42, 0.3, 0.09),
        (x, top + 0.03, 0.2, 0.06, 0.035),
        (x, bottom - 0.04, 0.2, 0.07, 0.06),
        (x, bottom + 0.09, 0.2, 0.07, -0.05 - 0.03 * actions["AU17"]),
        (0.4 * x, face.chin_y - 0.2, 0.26, 0.15, 0.1 + 0.04 * actions["AU17"]),
    ]
    for name in SIDES:
        bumps += _side_bumps(name, identity, actions, face, view)
    return bumps


def _side_bumps(name: str, identity: Identity, actions: Actions, face: Face, view: View) -> list[Bump]:
    """Eye socket and eyeball, brow, cheek, temple, hollow of the jaw and wing of the nose on one side."""
    a, side = actions, SIDES[name]
    x, y = face.eyes[name].iris[0]
    brow_x, brow_y = face.brows[name][0]
    wing_x, wing_y = face.nostrils[name].mean(axis=0)
    smile = max(a["AU6"], 0.8 * a["AU12"])
    cheek_x, cheek_y = turn(np.array([[side * 0.56, 0.4 - 0.08 * smile]]), view)[0]
    return [
        (x, y - 0.06, 0.26, 0.17, -0.12),
        (x, y, 0.16, 0.1, 0.06),
        (x, float(face.brows[name][:, 1].mean()) - 0.01, 0.3, 0.1, 0.06 + 0.04 * a["AU4"]),
        (brow_x, brow_y + 0.04, 0.1, 0.12, 0.05 * a["AU4"]),
        (cheek_x, cheek_y, 0.25, 0.2, identity.cheeks + 0.09 * smile),
        (cheek_x + 0.1 * side, cheek_y + 0.42, 0.2, 0.2, -0.05 * (1 - identity.cheeks / 0.15)),
        (side * 0.92, -0.35, 0.16, 0.3, -0.05),
        (wing_x + 0.075 * side, wing_y - 0.05, 0.065, 0.075, 0.09 + 0.03 * a["AU9"]),
    ]


def _mouth_creases(identity: Identity, actions: Actions, face: Face, view: View) -> list[Crease]:
    """Nasolabial folds, lines at the corners of the mouth, dimpled chin."""
    a, mouth = actions, face.mouth
    base = identity.nose_length
    smile = max(a["AU12"], 0.9 * a["AU10"], 0.85 * a["AU9"], 0.4 * a["AU20"])
    creases: list[Crease] = []
    for side in SIDES.values():
        corner = mouth.upper_inner[0 if side < 0 else -1]
        wing = turn(np.array([[side * (identity.nose_width + 0.05), base - 0.1 - 0.05 * a["AU9"]]]), view, 0.05)[0]
        bulge = 0.5 * (wing + corner) + [side * (0.1 + 0.05 * smile), -0.05]
        end = corner + [side * (0.11 + 0.03 * a["AU12"]), 0.04 - 0.05 * a["AU12"]]
        creases.append((spline(np.array([wing, bulge, end]), 12), 0.045, 0.08 + 0.3 * identity.age + 0.8 * smile))
        if a["AU15"] > 0.2 or identity.age > 0.6:
            tail = corner + [[side * 0.03, 0.0], [side * 0.07, 0.1], [side * 0.075, 0.2]]
            creases.append((tail, 0.04, 0.65 * a["AU15"] + 0.3 * identity.age))
    below = mouth.lower_outer[12] + [0.0, 0.06]
    fold = below + np.array([[-0.15, 0.03], [0.0, 0.0], [0.15, 0.03]])
    creases.append((fold, 0.06, 0.3 + 0.4 * a["AU17"] + 0.25 * a["AU24"]))
    return creases


def _brow_creases(identity: Identity, actions: Actions, face: Face, view: View) -> list[Crease]:
    """Lines across the forehead, between the brows, and over the root of the nose."""
    a, creases = actions, list[Crease]()
    raised = max(a["AU1"], a["AU2"]) * (0.35 if identity.child else 1.0)
    lines = 0.75 * raised + 0.4 * identity.age
    spread = 0.3 + 0.3 * a["AU2"] + 0.15 * identity.age
    bend = 0.09 * a["AU1"] * (1 - a["AU2"])  # the inner brows alone raise the middle of the lines
    if lines > 0.2:
        for row in (-0.62, -0.74, -0.86):
            curve = np.array(
                [
                    [-spread, row + bend],
                    [-0.5 * spread, row],
                    [0, row - bend],
                    [0.5 * spread, row],
                    [spread, row + bend],
                ]
            )
            creases.append((turn(curve, view), 0.035, 0.75 * lines))
    frown = a["AU4"] * (1 - 0.6 * a["AU1"]) + 0.2 * identity.age
    if frown > 0.2:
        for side in SIDES.values():
            line = np.array([[side * 0.09, -0.43], [side * 0.065, -0.3], [side * 0.08, -0.17]])
            creases.append((turn(line, view), 0.04, 0.9 * frown))
    if a["AU9"] > 0.2:
        for row in (-0.1, -0.01, 0.08):
            line = np.array([[-0.11, row + 0.035], [0.0, row], [0.11, row + 0.035]])
            creases.append((turn(line, view, 0.1), 0.035, 0.95 * a["AU9"]))
        for side in SIDES.values():
            line = np.array([[side * 0.1, 0.05], [side * 0.19, 0.2], [side * 0.22, 0.36]])
            creases.append((turn(line, view, 0.08), 0.04, 0.75 * a["AU9"]))
    return creases


def _eye_creases(identity: Identity, actions: Actions, face: Face) -> list[Crease]:
    """Fold of the upper lid, pouches under the eyes, crow's feet."""
    a, creases = actions, list[Crease]()
    for name, side in SIDES.items():
        eye = face.eyes[name]
        hooded = max(
            0.015, identity.lid_fold * (1 - 0.6 * a["AU4"] - 0.3 * a["AU5"]) + 0.5 * identity.eye_height * a["AU43"]
        )
        creases.append((eye.upper_lid[1:-1] - [0.0, hooded], 0.032, 0.65))
        pouch = eye.lower_lid[2:-1] + [0.0, 0.09 - 0.03 * a["AU6"]]
        creases.append((pouch, 0.04, 0.12 + 0.4 * identity.age + 0.45 * max(a["AU6"], a["AU7"], a["AU9"])))
        wrinkles = a["AU6"] * (0.3 if identity.child else 1.0) + 0.3 * identity.age
        if wrinkles > 0.25:
            for rise in (-0.07, 0.0, 0.07):
                foot = eye.upper_lid[-1] + [[side * 0.06, 0.3 * rise], [side * 0.19, rise + 0.02]]
                creases.append((foot, 0.03, 0.6 * wrinkles))
    return creases


def _draw_creases(creases: list[Crease]) -> np.ndarray:
    """Depth in [0, 1] of the folds, float64 (SIDE, SIDE)."""
    picture = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(picture)
    for curve, width, depth in sorted(creases, key=lambda crease: crease[2]):
        points = (curve - [LEFT, TOP]) * SCALE
        shade = int(255 * min(depth, 1.0))
        draw.line(
            [tuple(point) for point in points], fill=shade, width=max(1, round(1.3 * width * SCALE)), joint="curve"
        )
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(0.8)), dtype=np.float64) / 255


def _light(height: np.ndarray, view: View) -> np.ndarray:
    """Lambert's shading of a height map, 1 where the surface faces the light."""
    down, right = np.gradient(height, 1 / SCALE)
    right, down = np.clip(right, -2.5, 2.5), np.clip(down, -2.5, 2.5)
    facing = (view.light[2] - view.light[0] * right - view.light[1] * down) / np.sqrt(1 + right**2 + down**2)
    return np.clip(facing, 0, 1)


def shade_face(identity: Identity, actions: Actions, face: Face, view: View) -> np.ndarray:
    """Compute how bright the skin is, before its own shade, over the square of the face plane.

    Args:
        identity: age, nose, cheeks.
        actions: strength in [0, 1] of every action unit: they move and fold the flesh.
        face: the curves as seen.
        view: pose and light.

    Returns:
        float64 (SIDE, SIDE) in [0, 1.5]; 1 is skin that faces the light.
    """
    creases = _mouth_creases(identity, actions, face, view) + _brow_creases(identity, actions, face, view)
    folds = _draw_creases(creases + _eye_creases(identity, actions, face))
    features = _raise_bumps(_bumps(identity, actions, face, view)) + _nose(identity, face, view)
    lit = _light(_head(face) + features - 0.05 * folds, view)
    shade = view.ambient + (1 - view.ambient) * lit
    hollow = np.clip(1 + 1.4 * np.minimum(features, 0), 0.6, 1)
    tip_x, tip_y = face.nose[:, 0].mean(), face.nose[:, 1].max()
    under_nose = _raise_bumps([(tip_x - 0.2 * view.light[0], tip_y + 0.07, 0.2, 0.06, 0.32)])
    under_chin = 1 - 0.45 * np.clip((_Y - face.chin_y + 0.06) / 0.1, 0, 1)[:, None]
    facing = lit * lit * lit * lit
    gloss = 0.25 * facing * facing * facing * np.exp(-((_X / 0.7) ** 2))
    return np.clip((shade + gloss) * hollow * (1 - under_nose) * (1 - 0.55 * folds) * under_chin, 0, 1.5)
