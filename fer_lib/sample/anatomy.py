"""Where the parts of a face stand, given who it is, what its muscles do, and from where it is seen.

Curves are float64 (n, 2) arrays of (x, y) in face units: the origin lies between the eyes, x points to the picture's
right, y down, and half the width of the face is about 1.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fer_lib.sample.expressions import Actions
from fer_lib.sample.identity import Identity, View

SIDES = {"left": -1.0, "right": 1.0}
"""Sides of the picture, and the sign of x there."""


@dataclass(frozen=True)
class Eye:
    """Curves of one eye: the lids from the inner to the outer corner; the iris: its centre (1, 2) and radius."""

    upper_lid: np.ndarray
    lower_lid: np.ndarray
    iris: np.ndarray
    radius: float


@dataclass(frozen=True)
class Mouth:
    """Curves of the mouth, each from the left to the right corner of the picture, and how far it is open (height)."""

    upper_outer: np.ndarray
    upper_inner: np.ndarray
    lower_inner: np.ndarray
    lower_outer: np.ndarray
    opening: float


@dataclass(frozen=True)
class Face:
    """The visible curves of one face, after the head's yaw and pitch."""

    outline: np.ndarray
    eyes: dict[str, Eye]
    brows: dict[str, np.ndarray]
    nose: np.ndarray
    nostrils: dict[str, np.ndarray]
    mouth: Mouth
    chin_y: float


@lru_cache
def _spline_weights(knots: int, count: int) -> np.ndarray:
    """Weights (count, knots) of Catmull-Rom's curve, which continues straight at its ends."""
    place = np.linspace(0, knots - 1, count)
    start = np.minimum(place.astype(int), knots - 2)
    t = place - start
    weights = np.zeros((count, knots + 2))
    parts = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
    for step, part in enumerate(parts):
        weights[np.arange(count), start + step] = 0.5 * part
    inner = weights[:, 1:-1].copy()
    for outer, end, following in ((0, 0, 1), (-1, -1, -2)):
        inner[:, end] += 2 * weights[:, outer]
        inner[:, following] -= weights[:, outer]
    return inner


def spline(points: np.ndarray, count: int = 24) -> np.ndarray:
    """A smooth curve of `count` points through `points`, evenly spread over the parameter."""
    curve: np.ndarray = _spline_weights(len(points), count) @ points
    return curve


def turn(points: np.ndarray, view: View, lift: float | np.ndarray = 0.0) -> np.ndarray:
    """See points of the face's surface under the head's yaw and pitch.

    Args:
        points: float (n, 2) on the frontal face.
        view: the pose.
        lift: how far each point stands out of the surface of the head.

    Returns:
        float (n, 2): the middle of the face moves with the turn, its outline stays.
    """
    x, y = points[:, 0], points[:, 1]
    depth = 0.95 * np.sqrt(np.maximum(0.0, 1 - (x / 1.08) ** 2 - ((y - 0.1) / 1.9) ** 2)) + lift
    yaw, pitch = np.radians(view.yaw_degrees), np.radians(view.pitch_degrees)
    return np.stack([x * np.cos(yaw) + depth * np.sin(yaw), y * np.cos(pitch) - depth * np.sin(pitch)], axis=1)


def _outline(identity: Identity, drop: float) -> np.ndarray:
    """Contour of the face and skull, closed, from the top clockwise."""
    w, jaw, chin = identity.width, identity.jaw, identity.chin
    length = identity.length + drop
    chin_side = [0.31 * w * jaw * chin, 0.955 * length]
    right = np.array(
        [
            [0.0, -1.3],
            [0.4 * w, -1.23],
            [0.74 * w, -0.98],
            [0.94 * w, -0.52],
            [1.0 * w, 0.0],
            [0.95 * w, 0.4],
            [0.83 * w * jaw, 0.6 * length],
            [0.61 * w * jaw, 0.81 * length],
            chin_side,
            [0.0, length],
        ]
    )
    half = spline(right, 41)
    return np.concatenate([half, half[-2:0:-1] * [-1, 1]])


def _eye(identity: Identity, actions: Actions, side: float, gaze: tuple[float, float]) -> Eye:
    """Lids and iris of one eye, frontal."""
    a = actions
    squeeze = 1 - 0.45 * a["AU7"] - 0.3 * a["AU6"] - 0.4 * a["AU9"]
    up = identity.eye_height * (squeeze + 0.65 * a["AU5"] - 0.62 * a["AU43"] - 0.4 * a["AU64"] - 0.12 * a["AU4"])
    down = identity.eye_height * 0.62 * (1 - 0.75 * a["AU6"] - 0.5 * a["AU7"] - 0.55 * a["AU9"] + 0.25 * a["AU5"])
    up, down = max(up, 0.012), max(down, 0.006)
    t = np.linspace(-1, 1, 15)  # from the inner to the outer corner
    # Sadness and fear pull the upper lid up at the inner corner; a lowered brow presses it down there.
    skew = 0.1 - 0.3 * a["AU1"] * (1 - a["AU2"]) + 0.3 * a["AU4"] * (1 - a["AU1"])
    x = side * (identity.eye_spacing + identity.eye_width * t)
    axis = -identity.eye_tilt * t + 0.035 * a["AU43"] * (t + 1) / 2
    dome = np.sqrt(np.maximum(0, 1 - t**2)) ** 1.25
    upper = np.stack([x, axis - up * dome * (1 + skew * t)], axis=1)
    lower = np.stack([x, axis + down * dome * (1 + 0.15 * t)], axis=1)
    radius = 0.105 if not identity.child else 0.118
    centre = [side * identity.eye_spacing + 0.07 * gaze[0], -0.012 - 0.1 * (up - 0.09) + 0.045 * gaze[1]]
    return Eye(upper, lower, np.array([centre]), radius)


_BROW_PULLS = {
    "AU1": np.array([[0.0, -0.19], [0.0, -0.08], [0.0, -0.02], [0.0, 0.03]]),
    "AU2": np.array([[0.0, 0.0], [0.0, -0.13], [0.0, -0.18], [0.0, -0.1]]),
    "AU4": np.array([[-0.075, 0.15], [-0.03, 0.08], [0.0, 0.01], [0.0, 0.02]]),
    "AU9": np.array([[0.0, 0.06], [0.0, 0.06], [0.0, 0.06], [0.0, 0.06]]),
}
"""How far each action at full strength moves the brow's inner end, middle, peak and tail: outwards, down."""


def _brow(identity: Identity, actions: Actions, side: float) -> np.ndarray:
    """Contour of one brow, frontal: a stroke that tapers outwards, as a closed polygon."""
    height, arch, slope, eye_x = identity.brow_height, identity.brow_arch, identity.brow_slope, identity.eye_spacing
    x = np.array([0.2, eye_x, eye_x + 0.14, eye_x + 0.27])
    y = np.array([-0.025 - slope, -0.75 * arch, -arch, 0.055 + slope]) - height
    points = np.stack([x, y], axis=1)
    # Lowering and raising at once, as in fear, draws the brows together more than it lowers them.
    strengths = {**actions, "AU4": actions["AU4"] * (1 - 0.7 * actions["AU1"])}
    for action, pulls in _BROW_PULLS.items():
        points = points + strengths[action] * pulls
    ridge = spline(points, 12)
    thickness = identity.brow_thickness * np.interp(np.linspace(0, 1, 12), [0, 0.15, 0.55, 1], [0.7, 1.0, 0.85, 0.2])
    edge = np.stack([np.zeros(12), thickness / 2], axis=1)
    return np.concatenate([ridge - edge, (ridge + edge)[::-1]]) * [side, 1.0]


_T = np.linspace(-1, 1, 25)  # from the left to the right corner of the mouth
_CUPID = 1 - 0.3 * np.exp(-((_T / 0.17) ** 2)) + 0.12 * np.exp(-(((np.abs(_T) - 0.3) / 0.2) ** 2))
_SNEER = np.exp(-(((np.abs(_T) - 0.35) / 0.4) ** 2))


def _mouth(identity: Identity, actions: Actions) -> tuple[Mouth, float]:
    """Lips, frontal, and how far the jaw drops."""
    a = actions
    jaw = 0.36 * a["AU26"] * min(1.0, a["AU25"] + 0.3)
    rounded = a["AU26"] * (1 - a["AU12"]) * (1 - min(1.0, 1.5 * a["AU20"]))
    stretch = 0.42 * a["AU12"] + 0.32 * a["AU20"] + 0.1 * a["AU16"]
    half_width = identity.mouth_width * (1 + stretch - 0.3 * rounded - 0.08 * a["AU24"] - 0.06 * a["AU15"])
    # Where the lips meet: the height of the middle, the corners against it, and the corners as the jaw drops.
    middle = identity.mouth_height - 0.05 * (a["AU17"] + a["AU10"]) - 0.035 * a["AU12"] - 0.03 * a["AU9"]
    corner = 0.14 * a["AU15"] - 0.16 * a["AU12"] + 0.03 * a["AU20"] + 0.05 * a["AU10"] - identity.mouth_curve
    line = middle + corner * np.abs(_T) ** 1.8 + 0.42 * jaw * (1 - np.sqrt(1 - _T**2))
    # How far each lip leaves that line: round where the jaw drops, square where lips are stretched or bared.
    part = a["AU25"] * (0.03 + 0.06 * a["AU12"] + 0.05 * a["AU10"] + 0.05 * a["AU20"])
    up = part * (1 - 0.8 * a["AU12"]) + a["AU25"] * (0.07 * a["AU10"] + 0.04 * rounded)
    down = part * (1 + 0.9 * a["AU12"]) + a["AU25"] * 0.09 * a["AU16"] + jaw
    arch = (1 - np.abs(_T) ** (2 + 3 * max(a["AU16"], a["AU20"]))) ** (1 - 0.45 * rounded)
    sneer = 0.09 * a["AU10"] * _SNEER
    upper_inner = line - up * arch - (sneer if a["AU25"] > 0.2 else 0.3 * sneer)
    lower_inner = line + down * arch
    thin = 1 - 0.6 * a["AU24"] - 0.22 * a["AU12"] - 0.25 * a["AU20"] - 0.15 * a["AU9"] - 0.2 * a["AU16"]
    upper_outer = upper_inner - 0.35 * sneer - identity.upper_lip * thin * _CUPID * (1 - np.abs(_T) ** 2.5)
    full = identity.lower_lip * (thin + 0.25 * a["AU17"])
    lower_outer = lower_inner + full * (1 - np.abs(_T) ** 2.6) ** 0.8
    x = half_width * _T
    outer, inner, low, lowest = (np.stack([x, y], 1) for y in (upper_outer, upper_inner, lower_inner, lower_outer))
    return Mouth(outer, inner, low, lowest, up + down), jaw


def _nose(identity: Identity, actions: Actions) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Contour of the nose's lower part with its bridge, and of the nostrils, frontal."""
    base = identity.nose_length - 0.05 * actions["AU9"] - 0.02 * actions["AU10"]
    wide = identity.nose_width * (1 + 0.22 * actions["AU9"] + 0.12 * actions["AU10"] + 0.08 * actions["AU12"])
    right = np.array(
        [[0.08, 0.08], [0.09, 0.3], [wide * 0.8, base - 0.14], [wide, base - 0.03], [wide * 0.7, base + 0.05]]
    )
    middle = np.array([[0.0, base + 0.075]])
    contour = np.concatenate([right, middle, right[::-1] * [-1, 1]])
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    hole = np.stack([0.058 * np.cos(angle), 0.026 * np.sin(angle)], axis=1)
    nostrils = {name: hole + [side * wide * 0.46, base + 0.03] for name, side in SIDES.items()}
    return contour, nostrils


def pose_face(identity: Identity, actions: Actions, view: View, gaze: tuple[float, float]) -> Face:
    """Place every part of a face.

    Args:
        identity: whose face it is.
        actions: strength in [0, 1] of every action unit.
        view: the head's pose.
        gaze: where the eyes look: right, down, each in [-1, 1].
    """
    mouth, jaw = _mouth(identity, actions)
    nose, nostrils = _nose(identity, actions)
    eyes = {}
    for name, side in SIDES.items():
        eye = _eye(identity, actions, side, gaze)
        eyes[name] = Eye(turn(eye.upper_lid, view), turn(eye.lower_lid, view), turn(eye.iris, view), eye.radius)
    return Face(
        outline=_outline(identity, 0.6 * jaw),
        eyes=eyes,
        brows={name: turn(_brow(identity, actions, side), view, 0.04) for name, side in SIDES.items()},
        nose=turn(nose, view, np.interp(nose[:, 1], [0.0, identity.nose_length], [0.05, 0.2])),
        nostrils={name: turn(curve, view, 0.16) for name, curve in nostrils.items()},
        mouth=Mouth(
            upper_outer=turn(mouth.upper_outer, view, 0.1),
            upper_inner=turn(mouth.upper_inner, view, 0.1),
            lower_inner=turn(mouth.lower_inner, view, 0.1),
            lower_outer=turn(mouth.lower_outer, view, 0.1),
            opening=mouth.opening,
        ),
        chin_y=identity.length + 0.6 * jaw,
    )
