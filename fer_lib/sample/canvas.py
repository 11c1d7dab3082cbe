"""The canvas a face is painted on, in face units: four times the size of the picture it is reduced to in the end."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from fer_lib.sample.identity import View

SIDE = 48
"""Rows and columns of the finished picture."""
OVERSAMPLING = 4
SIZE = SIDE * OVERSAMPLING
"""Rows and columns of the canvas."""
CENTRE = np.array([0.0, 0.3])
"""The point of the face plane that stands in the picture's middle, where it is not shifted."""


class Canvas:
    """A grey picture that curves of the face plane are painted on.

    Shades are in [0, 1]; lengths are in face units; curves are float (n, 2).

    Attributes:
        picture: mode L, (SIZE, SIZE).
        view: how the face plane lies in the picture.
    """

    def __init__(self, view: View, background: float | Image.Image = 0.0) -> None:
        """Begin with one shade, or over a picture of the canvas' size."""
        picture = background if isinstance(background, Image.Image) else Image.new("L", (SIZE, SIZE), _grey(background))
        self.picture, self.view = picture, view
        self._draw = ImageDraw.Draw(picture)
        self._matrix, self._offset = plane_to_picture(view)
        self._matrix, self._offset = OVERSAMPLING * self._matrix, OVERSAMPLING * self._offset

    def _pixels(self, width: float) -> int:
        return max(1, round(width * self.view.unit * OVERSAMPLING))

    def _points(self, curve: np.ndarray) -> list[float]:
        points: list[float] = (curve @ self._matrix + self._offset).ravel().tolist()
        return points

    def fill(self, curve: np.ndarray, shade: float) -> None:
        """Fill a closed curve."""
        self._draw.polygon(self._points(curve), fill=_grey(shade))

    def stroke(self, curve: np.ndarray, width: float, shade: float) -> None:
        """Draw a line of even width along a curve."""
        pixels = self._pixels(width)
        self._draw.line(self._points(curve), fill=_grey(shade), width=pixels, joint="curve" if pixels > 3 else None)

    def strokes(self, curves: np.ndarray, width: float, shades: np.ndarray) -> None:
        """Draw many lines, curves (m, n, 2) in shades (m,), one over the other."""
        pixels, points = self._pixels(width), (curves @ self._matrix + self._offset).reshape(len(curves), -1)
        for line, shade in zip(points.tolist(), shades.tolist(), strict=True):
            self._draw.line(line, fill=_grey(shade), width=pixels)

    def paste(self, paint: "float | Canvas", mask: "Canvas") -> None:
        """Paint a shade, or another canvas, where a mask is bright."""
        self.picture.paste(paint.picture if isinstance(paint, Canvas) else _grey(paint), mask=mask.picture)

    def mask(self, *curves: np.ndarray) -> "Canvas":
        """A mask of closed curves, of the same view."""
        mask = Canvas(self.view)
        for curve in curves:
            mask.fill(curve, 1.0)
        return mask


@lru_cache(maxsize=4)
def plane_to_picture(view: View) -> tuple[np.ndarray, np.ndarray]:
    """The map from the face plane to pixels of the finished picture.

    Returns:
        A matrix (2, 2) and an offset (2,): `points @ matrix + offset` is in pixels, (0, 0) the upper left edge.
    """
    roll = np.radians(view.roll_degrees)
    cos, sin = view.unit * np.cos(roll), view.unit * np.sin(roll)
    matrix = np.array([[cos, sin], [-sin, cos]])
    return matrix, SIDE / 2 + np.array(view.shift) - CENTRE @ matrix


def ellipse(x: float, y: float, width: float, height: float, count: int = 24) -> np.ndarray:
    """Closed curve of an ellipse with these half axes."""
    return _circle(count) * [width, height] + [x, y]


def taper(curve: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Closed contour of a brush stroke along a curve, of these widths at its points."""
    along = np.gradient(curve, axis=0)
    normal = along[:, ::-1] * [1, -1] / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]
    offset = normal * (widths / 2)[:, None]
    return np.concatenate([curve + offset, (curve - offset)[::-1]])


def closed(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Closed curve of two edges that run in the same direction."""
    return np.concatenate([upper, lower[::-1]])


def grain(rng: np.random.Generator, cells: int, low: float, high: float) -> Image.Image:
    """Smooth noise of `cells` cells a side, over the canvas: mode L, shades from `low` to `high` in [0, 1]."""
    noise = (255 * rng.uniform(low, high, (cells, cells))).astype(np.uint8)
    return Image.fromarray(noise).resize((SIZE, SIZE), Image.Resampling.BILINEAR)


@lru_cache
def _circle(count: int) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _grey(shade: float) -> int:
    return round(255 * min(max(shade, 0.0), 1.0))
