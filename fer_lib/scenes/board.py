"""What the scenery of a stand-in scene is painted on: a canvas, its blur, its shades, and cloudy textures."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 360, 288
"""Pixels of the canvas: half of a still's 720 by 576, for what stands on it is out of focus."""

Points = list[tuple[float, float]]
"""Places on the canvas, x before y, in its pixels."""


class Board:
    """A canvas being painted, its random numbers, and how far out of focus it is."""

    def __init__(self, rng: np.random.Generator, softness: float) -> None:
        """Begin a black canvas; `softness` is the radius in pixels of a blur of factor 1."""
        self.rng = rng
        self.softness = softness
        self.picture = Image.new("L", (WIDTH, HEIGHT))
        self.draw = ImageDraw.Draw(self.picture)

    def blur(self, factor: float) -> None:
        """Put all that has been painted farther out of focus."""
        self.replace(self.picture.filter(ImageFilter.GaussianBlur(factor * self.softness)))

    def replace(self, picture: Image.Image) -> None:
        """Go on painting on another picture."""
        self.picture = picture
        self.draw = ImageDraw.Draw(picture)

    def fill_gradient(self, top: int, bottom: int, shade_above: float, shade_below: float) -> None:
        """Fill the rows from `top` to `bottom` with a gradient."""
        if bottom <= top:
            return
        shades = np.linspace(shade_above, shade_below, bottom - top)[:, None].repeat(WIDTH, axis=1)
        self.picture.paste(Image.fromarray(np.clip(shades, 0, 255).astype(np.uint8)), (0, top))

    def box(self, x: float, y: float, width: float, height: float, shade: float) -> None:
        """Fill a rectangle."""
        self.draw.rectangle((x, y, x + width, y + height), fill=self._grey(shade))

    def blob(self, x: float, y: float, width: float, height: float, shade: float) -> None:
        """Fill an ellipse about (x, y)."""
        self.draw.ellipse((x - width / 2, y - height / 2, x + width / 2, y + height / 2), fill=self._grey(shade))

    def rounded(self, x: float, y: float, width: float, height: float, radius: float, shade: float) -> None:
        """Fill a rectangle with round corners."""
        self.draw.rounded_rectangle((x, y, x + width, y + height), radius, fill=self._grey(shade))

    def polygon(self, points: Points, shade: float) -> None:
        """Fill a polygon."""
        self.draw.polygon(points, fill=self._grey(shade))

    def line(self, points: Points, width: float, shade: float) -> None:
        """Draw a line, at least a pixel wide."""
        self.draw.line(points, fill=self._grey(shade), width=max(1, int(width)))

    def shade(self, low: float, high: float) -> float:
        """A random shade."""
        return float(self.rng.uniform(low, high))

    def some(self, low: int, high: int) -> range:
        """As many turns as a random number from `low` to `high`."""
        return range(int(self.rng.integers(low, high + 1)))

    @staticmethod
    def _grey(shade: float) -> int:
        return int(min(255, max(0, shade)))


def make_texture(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Cloudy noise of several sizes: float32 of `shape`, mean about 0, standard deviation about 1."""
    height, width = shape
    total = np.zeros(shape, np.float32)
    for cells, weight in ((3, 0.75), (8, 0.5), (24, 0.4), (72, 0.25)):
        coarse = rng.standard_normal((max(2, cells * height // width), cells), np.float32)
        total += weight * resize(coarse, (width, height))
    return total


def resize(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring float32 (h, w) to a width and height, smoothly; the array returned may be written to."""
    return np.array(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))
