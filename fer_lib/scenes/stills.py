"""One face of 48 by 48 pixels -> a picture like a grey film still, in which somebody has that face."""

from dataclasses import dataclass

import numpy as np

from fer_lib.block_parsing import SIDE
from fer_lib.faces import Box
from fer_lib.scenes.backdrops import paint_backdrop
from fer_lib.scenes.board import HEIGHT, WIDTH, resize
from fer_lib.scenes.people import paint_body, paint_head, paint_listener

STILL_WIDTH, STILL_HEIGHT = 2 * WIDTH, 2 * HEIGHT
"""Pixels of a still: 720 by 576, as SFEW's (Liu, section 2.1)."""

FACE_SIDES = (STILL_HEIGHT // 4, 3 * STILL_HEIGHT // 4)
"""Smallest and largest side of a face in pixels: a quarter and three quarters of the still's height."""


@dataclass(frozen=True, eq=False)
class Still:
    """A composed picture.

    Attributes:
        picture: grey values uint8 (576, 720).
        face: the square that the 48 by 48 pixels of the face fill, wholly inside the picture.
    """

    picture: np.ndarray
    face: Box


def compose_still(face: np.ndarray, rng: np.random.Generator) -> Still:
    """Put a face at a random place and size into a scene made about it.

    Args:
        face: grey values uint8 (48, 48).
        rng: what decides on everything else.
    """
    side = 2 * int(rng.integers(FACE_SIDES[0] // 2, FACE_SIDES[1] // 2 + 1))
    left, top = int(rng.integers(STILL_WIDTH - side + 1)), int(rng.integers(STILL_HEIGHT - side + 1))
    box = Box(left, top, side, side)
    exposed, key = _expose(face.astype(np.float32), rng)
    sideways = float(np.clip((exposed[:, SIDE // 2 :].mean() - exposed[:, : SIDE // 2].mean()) / 60, -1, 1))
    # A face of few pixels is soft; what is behind it must be softer.
    backdrop = paint_backdrop(rng, softness=0.25 * side / SIDE * rng.uniform(1.0, 2.2))
    backdrop *= key * rng.uniform(0.55, 1.25) / max(float(backdrop.mean()), 60.0)  # the night stays dark
    scene = resize(backdrop, (STILL_WIDTH, STILL_HEIGHT))
    paint_body(scene, box, exposed, sideways, rng)
    paint_head(scene, box, exposed, rng)
    paint_listener(scene, box, rng)
    return Still(_photograph(scene, sideways, rng), box)


def _expose(face: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Bring a face half way to the scene's own exposure; the face, and the mean grey value aimed at."""
    mean = max(float(face.mean()), 1.0)
    key = 0.5 * mean + 0.5 * rng.uniform(50, 160)
    return face * np.float32(np.clip(key / mean, 0.55, 1.5)), key


def _photograph(scene: np.ndarray, sideways: float, rng: np.random.Generator) -> np.ndarray:
    """Light from a side, vignette, print contrast and grain: float32 (576, 720) -> uint8."""
    y = np.linspace(-1, 1, STILL_HEIGHT, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, STILL_WIDTH, dtype=np.float32)
    slope = 1 + 0.15 * sideways * x + rng.uniform(-0.12, 0.12) * y
    lit = scene * slope * (1 - rng.uniform(0.05, 0.2) * (x * x + y * y))
    black, white = np.percentile(lit[::4, ::4], [1, 99])
    contrast = float(np.clip(rng.uniform(190, 245) / max(white - black, 1.0), 0.9, 1.6))
    grain = rng.uniform(1.0, 2.5) * rng.standard_normal(scene.shape, np.float32)
    print_values = (lit - black) * contrast + rng.uniform(4, 18) + grain
    return np.clip(np.rint(print_values), 0, 255).astype(np.uint8)
