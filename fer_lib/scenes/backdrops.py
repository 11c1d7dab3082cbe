"""What stands behind the face of a stand-in scene: a place, people farther away, and the light in it.

Far things are painted first; every layer is blurred before a nearer one covers it, so that what is farther away is less
sharp.
"""

import numpy as np

from fer_lib.scenes.board import HEIGHT, WIDTH, Board, make_texture, resize
from fer_lib.scenes.indoors import paint_hall, paint_room
from fer_lib.scenes.outdoors import paint_night, paint_park, paint_street

_PLACES = (paint_room, paint_hall, paint_street, paint_park, paint_night)
_SHARES = (0.4, 0.15, 0.2, 0.15, 0.1)
"""How many of the backdrops show each place."""


def paint_backdrop(rng: np.random.Generator, softness: float) -> np.ndarray:
    """Paint one place, chosen by `rng`.

    Args:
        rng: what decides on everything in it.
        softness: radius in pixels of the blur of the nearest things; farther ones are blurred more.

    Returns:
        Brightness float32 (288, 360), 0 or more, mostly up to 255.
    """
    board = Board(rng, softness)
    _PLACES[rng.choice(len(_PLACES), p=_SHARES)](board)
    for _ in range(rng.choice(4, p=[0.45, 0.3, 0.15, 0.1])):
        _paint_somebody(board)
    board.blur(1.0)
    lamps = resize(rng.standard_normal((3, 4), np.float32), (WIDTH, HEIGHT))
    texture = 1 + rng.uniform(0.015, 0.05) * make_texture(rng, (HEIGHT, WIDTH))
    return np.asarray(board.picture, np.float32) * np.exp(rng.uniform(0.1, 0.35) * lamps) * texture


def _paint_somebody(board: Board) -> None:
    """Somebody farther away, without a face that could be seen."""
    rng, size = board.rng, float(board.rng.uniform(18, 60))
    x, y = rng.uniform(0, WIDTH), rng.uniform(0.3, 0.75) * HEIGHT
    hair = board.shade(10, 160)
    slope = [(0.22, 0.3), (0.26, 0.72), (0.7, 0.86), (1.0, 1.1), (1.15, 1.7), (1.25, 12.0)]
    outline = [(-across, down) for across, down in slope] + slope[::-1]
    board.polygon([(x + across * size, y + down * size) for across, down in outline], board.shade(15, 200))
    board.blob(x, y, 0.95 * size, 1.3 * size, hair)
    if rng.random() < 0.5:
        board.blob(x + 0.1 * size, y + 0.15 * size, 0.6 * size, 0.85 * size, board.shade(80, 200))
    board.blur(0.7)
