"""Whose face it is: a face of 48 by 48 pixels set on a head, a body under it, and somebody in front of the camera."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.ndimage import label as find_regions

from fer_lib.block_parsing import SIDE
from fer_lib.faces import Box
from fer_lib.scenes.board import HEIGHT, WIDTH, Board, Points, make_texture, resize

_MARGIN = SIDE // 2
"""Source pixels that are worked on beyond each edge of a face."""

_PLAIN_DEVIATION, _PLAIN_DIFFERENCE = 12.0, 18.0
"""A corner of a face picture is plain background up to this spread of grey values, which reaches as far as they differ
from the corner's by less than the second number."""

_LEFT, _RIGHT = slice(0, SIDE // 2), slice(SIDE // 2, SIDE)
_CORNERS = [
    (rows, columns, half)
    for rows in (slice(0, 5), slice(SIDE - 5, SIDE))
    for columns, half in ((slice(0, 5), _LEFT), (slice(SIDE - 5, SIDE), _RIGHT))
]
"""Rows and columns of every corner of a face picture, and the columns of its half."""

_Place = Callable[[Points], Points]
"""From points in units of the face, seen from its chin, to places on a canvas."""


def paint_body(scene: np.ndarray, box: Box, face: np.ndarray, sideways: float, rng: np.random.Generator) -> None:
    """Paint neck, shoulders and clothes under a face, in place.

    Args:
        scene: brightness float32 (576, 720).
        box: where the face will be.
        face: its grey values float32 (48, 48); the neck has the shade of its chin.
        sideways: from where the light comes, -1 (left) to 1 (right).
        rng: what decides on build and clothes.
    """
    size, middle, chin = box.width, box.left + box.width / 2, box.top + box.height
    lean, wide, low = rng.uniform(-0.15, 0.15), rng.uniform(0.9, 1.35), rng.uniform(0.5, 0.75)

    def place(points: Points) -> Points:
        return [((middle + (x + lean * max(y, 0.0)) * size) / 2, (chin + y * size) / 2) for x, y in points]

    half = [(0.24, -0.3), (0.25, 0.1), (0.32, 0.19), (0.72 * wide, 0.36), (0.92 * wide, low - 0.12), (wide, low)]
    half += [(1.13 * wide, 1.4), (1.2 * wide, 6.0)]
    mask = Board(rng, size / 200)
    mask.polygon(place([(-x, y) for x, y in half] + half[::-1]), 255)
    mask.blur(1.0)
    clothes = Board(rng, size / 160)
    _dress(clothes, place, 0.8 * float(np.median(face[-8:, 16:32])), size)
    across = np.clip((2 * np.arange(WIDTH, dtype=np.float32) - middle) / (wide * size), -1, 1)
    light = (1 - 0.25 * across**2) * (1 + 0.3 * sideways * across)
    folds = 1 + rng.uniform(0.02, 0.06) * make_texture(rng, (HEIGHT, WIDTH))
    _cover(scene, np.asarray(clothes.picture, np.float32) * light * folds, np.asarray(mask.picture, np.float32) / 255)


def _dress(board: Board, place: _Place, skin: float, size: int) -> None:
    """Paint clothes over the whole canvas and, in a collar, the neck."""
    rng, cloth = board.rng, board.shade(10, 210)
    board.box(0, 0, WIDTH, HEIGHT, cloth)
    for side in (-1, 1):  # arms
        board.line(place([(0.8 * side, 0.8), (0.9 * side, 6.0)]), size / 40, 0.7 * cloth)
    collar = rng.uniform(0.3, 0.8)
    neck = [(-0.36, -0.5), (-0.3, 0.15), (-0.12, 0.7 * collar), (0.0, collar), (0.12, 0.7 * collar), (0.3, 0.15)]
    kind = rng.choice(["jacket", "round neck", "pointed neck", "open shirt"])
    if kind == "jacket":
        _paint_jacket(board, place, cloth, size)
        neck = [(-0.36, -0.5), (-0.3, 0.15), (-0.1, 0.28), (0.0, 0.32), (0.1, 0.28), (0.3, 0.15)]
    elif kind == "round neck":
        neck = [(-0.36, -0.5), (-0.31, 0.14), (-0.2, 0.3), (0.0, 0.36), (0.2, 0.3), (0.31, 0.14)]
    board.polygon(place([*neck, (0.36, -0.5)]), skin)
    under_chin = [(-0.32, -0.5), (-0.27, 0.06), (0.0, 0.15), (0.27, 0.06), (0.32, -0.5)]
    board.polygon(place(under_chin), 0.72 * skin)
    edge = cloth * rng.uniform(0.4, 1.7)
    board.line(place(neck[1:]), size / 50, edge)
    if kind == "open shirt":
        board.line(place([(0.0, collar), (0.02, 6.0)]), size / 80, edge)
    board.blur(1.0)


def _paint_jacket(board: Board, place: _Place, cloth: float, size: int) -> None:
    board.polygon(place([(-0.34, 0.1), (0.0, 1.7), (0.34, 0.1)]), board.shade(100, 230))
    if board.rng.random() < 0.6:
        board.polygon(place([(-0.07, 0.3), (0.07, 0.3), (0.11, 1.7), (-0.11, 1.7)]), board.shade(10, 160))
    for side in (-1, 1):
        lapel = place([(0.3 * side, 0.14), (0.5 * side, 0.5), (0.42 * side, 0.62), (0.0, 1.75)])
        board.polygon(lapel, 0.85 * cloth)
        board.line(lapel, size / 80, 0.5 * cloth)


def paint_head(scene: np.ndarray, box: Box, face: np.ndarray, rng: np.random.Generator) -> None:
    """Paint a face, and hair over it where its picture ends below the top of the head, in place.

    Args:
        scene: brightness float32 (576, 720).
        box: the square that the face's pixels fill.
        face: its grey values float32 (48, 48).
        rng: what decides on the hair and on how ragged the edges are.
    """
    y, x = np.mgrid[-1 : 1 : 2j * SIDE, -1 : 1 : 2j * SIDE].astype(np.float32)  # the face is from -0.5 to 0.5
    ragged = 0.02 * make_texture(rng, x.shape)
    rounded = (np.abs(2 * x) ** 3.5 + np.abs(2 * y) ** 3.5) ** (1 / 3.5)
    opacity = _opacity(face)
    alpha = _fall(rounded + ragged, 0.88, 1.1) * np.pad(opacity, _MARGIN, mode="edge")
    pixels = _extend(face)
    if opacity[:3, 16:32].mean() > 0.7:
        dome = np.hypot(x / rng.uniform(0.46, 0.54), (y + 0.1) / rng.uniform(0.62, 0.7))
        strands = gaussian_filter(rng.standard_normal(x.shape, np.float32), (1.6, 0.5))
        above = _fall(y + 1.5 * ragged, -0.55, -0.45)
        pixels += above * (_hair_shade(face) * (1 + 0.2 * strands) - pixels)
        alpha = np.maximum(alpha, _fall(dome + ragged, 0.92, 1.06) * _fall(y, -0.46, -0.36))
    _paste(scene, box, pixels, alpha)


def _opacity(face: np.ndarray) -> np.ndarray:
    """Float32 (48, 48): 0 where a plain background reaches in from a corner, 1 elsewhere, soft between."""
    smooth = gaussian_filter(face, 0.6)
    kept = np.ones_like(face)
    for rows, columns, half in _CORNERS:
        corner = face[rows, columns]
        if corner.std() > _PLAIN_DEVIATION:
            continue
        alike = np.zeros(face.shape, bool)
        alike[:, half] = np.abs(smooth[:, half] - np.median(corner)) < _PLAIN_DIFFERENCE
        regions, _ = find_regions(alike)
        at_edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
        kept[np.isin(regions, at_edge[at_edge > 0])] = 0
    y, x = np.mgrid[-1 : 1 : 1j * SIDE, -1 : 1 : 1j * SIDE]
    kept[np.hypot(x / 0.7, (y - 0.1) / 0.95) < 1] = 1  # the face itself, should it be as bright as what is behind it
    return gaussian_filter(kept, 0.8)


def _hair_shade(face: np.ndarray) -> float:
    """The shade that most likely is hair's: a dark one of those over and beside the forehead."""
    around = np.concatenate([face[:3].ravel(), face[:18, :6].ravel(), face[:18, -6:].ravel()])
    return float(np.percentile(around, 25))


def _extend(face: np.ndarray) -> np.ndarray:
    """Continue a face beyond its edges, ever more blurred: float32 (48, 48) -> (96, 96)."""
    extended = np.pad(face, _MARGIN, mode="edge")
    distance = np.pad(np.zeros_like(face), _MARGIN, mode="linear_ramp", end_values=_MARGIN)
    for radius in (1.5, 3.0, 6.0, 10.0):
        extended += np.clip(distance / (2 * radius) - 0.2, 0, 1) * (gaussian_filter(extended, radius) - extended)
    return extended


def _paste(scene: np.ndarray, box: Box, pixels: np.ndarray, alpha: np.ndarray) -> None:
    """Put float32 (96, 96), of which the face is the middle, onto the scene so that the face fills its box."""
    size = 2 * box.width
    left, top = box.left - box.width // 2, box.top - box.height // 2
    rows = slice(max(0, top), min(scene.shape[0], top + size))
    columns = slice(max(0, left), min(scene.shape[1], left + size))
    seen = np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    part = scene[rows, columns]
    part += np.clip(resize(alpha, (size, size))[seen], 0, 1) * (resize(pixels, (size, size))[seen] - part)


def paint_listener(scene: np.ndarray, box: Box, rng: np.random.Generator) -> None:
    """Now and then paint a dark head and shoulder near the camera, where there is room beside the face, in place."""
    left, right = box.left, scene.shape[1] - box.left - box.width
    if rng.random() > 0.2 or max(left, right) < WIDTH // 2:
        return
    board = Board(rng, 6.0)
    reach, edge = max(left, right) / 2 * rng.uniform(0.35, 0.7), 0 if left > right else WIDTH
    height = rng.uniform(0.35, 0.8) * HEIGHT
    board.blob(edge, height, 2 * reach, 2.6 * reach, 255)
    board.rounded(edge - 1.2 * reach, height + 0.9 * reach, 2.4 * reach, HEIGHT, 0.5 * reach, 255)
    board.blur(1.0)
    _cover(scene, np.full((HEIGHT, WIDTH), rng.uniform(5, 70), np.float32), np.asarray(board.picture, np.float32) / 255)


def _cover(scene: np.ndarray, values: np.ndarray, alpha: np.ndarray) -> None:
    """Lay what was painted at half size over the scene, in place."""
    size = (scene.shape[1], scene.shape[0])
    scene += np.clip(resize(alpha, size), 0, 1) * (resize(values, size) - scene)


def _fall(distance: np.ndarray, start: float, end: float) -> np.ndarray:
    """1 up to `start`, 0 from `end` on, smooth between."""
    step = np.clip((end - distance) / (end - start), 0, 1)
    return step * step * (3 - 2 * step)
