"""Drawn faces with something in front of them, so that a search for partly hidden faces can be tried on known cases."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from fer_lib.sample import Drawing

__all__ = ["OCCLUDERS", "hide_part"]

_SIDE = 48
_OVERSAMPLING = 4

Layers = tuple[Image.Image, Image.Image]
"""What is painted, and where it shows: two pictures of mode L, `_OVERSAMPLING` times the face's size."""


def hide_part(drawing: Drawing, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Paint something over the eyes or the mouth of a drawn face.

    Args:
        drawing: the face, and where its parts stand.
        kind: one of `OCCLUDERS`.
        rng: source of what varies: shade, size, place.

    Returns:
        uint8 (48, 48).

    Raises:
        ValueError: if there is no such kind.
    """
    if kind not in OCCLUDERS:
        raise ValueError(f"kind must be one of {sorted(OCCLUDERS)}. Received: {kind!r}")
    size = (_SIDE * _OVERSAMPLING, _SIDE * _OVERSAMPLING)
    layers = (Image.new("L", size), Image.new("L", size))
    OCCLUDERS[kind](layers, drawing, rng)
    shade, mask = (
        np.asarray(layer.filter(ImageFilter.GaussianBlur(2)).reduce(_OVERSAMPLING), np.float32) for layer in layers
    )
    noise = rng.normal(0, 3, drawing.image.shape)
    # Shades were blurred together with the empty canvas about them, hence already carry the mask.
    painted = drawing.image * (1 - mask / 255) + shade + noise * mask / 255
    return np.clip(np.rint(painted), 0, 255).astype(np.uint8)


def _fill(layers: Layers, points: np.ndarray, grey: float) -> None:
    """Paint a closed shape, float (n, 2) in pixels of the face."""
    polygon = [(float(x) * _OVERSAMPLING, float(y) * _OVERSAMPLING) for x, y in points]
    ImageDraw.Draw(layers[0]).polygon(polygon, fill=int(np.clip(grey, 0, 255)))
    ImageDraw.Draw(layers[1]).polygon(polygon, fill=255)


def _ellipse(x: float, y: float, width: float, height: float, degrees: float = 0.0) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    turn = np.radians(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.stack([np.cos(angle) * width, np.sin(angle) * height], axis=1) @ rotation + [x, y]


def _rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def _mouth(drawing: Drawing) -> tuple[float, float, float]:
    """Centre and width of the mouth."""
    left, top, right, bottom = drawing.boxes["mouth"]
    return (left + right) / 2, (top + bottom) / 2, right - left


def _eyes(drawing: Drawing) -> tuple[float, float, float, float]:
    """The box about both eyes."""
    first, second = drawing.boxes["left_eye"], drawing.boxes["right_eye"]
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
    )


def _skin(drawing: Drawing) -> float:
    left, top, right, bottom = (int(np.clip(value, 0, _SIDE - 2)) for value in drawing.boxes["nose"])
    return float(np.median(drawing.image[top : bottom + 1, left : right + 1]))


def _hand(layers: Layers, drawing: Drawing, rng: np.random.Generator) -> None:
    """Four fingers and a palm before the mouth, or before one eye."""
    x, y, _ = _mouth(drawing)
    if rng.random() < 0.4:
        left, top, right, bottom = drawing.boxes["left_eye" if rng.random() < 0.5 else "right_eye"]
        x, y = (left + right) / 2, (top + bottom) / 2
    side, grey = rng.choice([-1.0, 1.0]), _skin(drawing) * rng.uniform(0.75, 1.15)
    _fill(layers, _ellipse(x + 12 * side, y + 5, 11, 8, 20 * side), 0.9 * grey)
    for finger in range(4):
        height = y - 6 + 4.2 * finger + rng.normal(0, 0.4)
        for width, share in ((2.4, 0.6), (1.8, 1.0)):
            _fill(layers, _ellipse(x + 3 * side, height, 11 - abs(finger - 1), width, 8 * side), share * grey)


def _cup(layers: Layers, drawing: Drawing, rng: np.random.Generator) -> None:
    """A cup before mouth and nose, lit from one side, with a darker rim."""
    x, y, _ = _mouth(drawing)
    grey, half, top = rng.uniform(60, 240), rng.uniform(7, 10), y - rng.uniform(3, 6)
    x += rng.normal(0, 1.5)
    for strip in np.linspace(-1, 0.8, 10):
        _fill(layers, _rectangle(x + half * strip, top, x + half * (strip + 0.25), _SIDE), grey * (0.8 + 0.2 * strip))
    _fill(layers, _ellipse(x, top, half * 1.1, 2), 0.55 * grey)


def _bar(layers: Layers, drawing: Drawing, rng: np.random.Generator) -> None:
    """A bar across both eyes, as where a picture is made anonymous."""
    _, top, _, bottom = _eyes(drawing)
    margin = rng.uniform(1, 3)
    grey = rng.choice([rng.uniform(0, 40), rng.uniform(200, 255)])
    _fill(layers, _rectangle(rng.uniform(0, 6), top - margin, rng.uniform(42, 48), bottom + margin), grey)


def _text(layers: Layers, drawing: Drawing, rng: np.random.Generator) -> None:
    """A band of text across the eyes or the mouth."""
    _, y, _ = _mouth(drawing)
    if rng.random() < 0.5:
        _, top, _, bottom = _eyes(drawing)
        y = (top + bottom) / 2
    half, dark = rng.uniform(4.5, 6.5), rng.random() < 0.5
    _fill(layers, _rectangle(0, y - half, _SIDE, y + half), 30 if dark else 225)
    letters = "".join(rng.choice(list("ABCDEHKLMNORSTUVWXYZ"), 7))
    font = ImageFont.load_default(size=1.7 * half * _OVERSAMPLING)
    place = (_SIDE * _OVERSAMPLING / 2, y * _OVERSAMPLING)
    ImageDraw.Draw(layers[0]).text(place, letters, fill=235 if dark else 20, font=font, anchor="mm")


def _scarf(layers: Layers, drawing: Drawing, rng: np.random.Generator) -> None:
    """A scarf from the nose down, in folds."""
    _, top, _, bottom = drawing.boxes["nose"]
    edge, grey = (top + 2 * bottom) / 3, rng.uniform(30, 230)
    for fold in range(6):
        start = edge + 5 * fold
        across = np.linspace(0, _SIDE, 13)
        bend = start + 2.5 * np.sin(across / _SIDE * np.pi) + rng.normal(0, 0.4, 13)
        down = np.stack([across[::-1], np.full(13, float(_SIDE))], axis=1)
        _fill(layers, np.concatenate([np.stack([across, bend], axis=1), down]), grey * rng.uniform(0.75, 1.1))


OCCLUDERS: dict[str, Callable[[Layers, Drawing, np.random.Generator], None]] = {
    "hand": _hand,
    "cup": _cup,
    "bar": _bar,
    "text": _text,
    "scarf": _scarf,
}
"""What can be painted in front of a face, by name."""
