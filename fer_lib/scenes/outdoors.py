"""Places under the sky: a street, a park, a town at night."""

import numpy as np

from fer_lib.scenes.board import HEIGHT, WIDTH, Board


def paint_street(board: Board) -> None:
    """Paint houses, cars, posts and signs under a sky."""
    rng, sky = board.rng, board.shade(120, 250)
    ground = int(rng.uniform(0.65, 0.95) * HEIGHT)
    board.fill_gradient(0, HEIGHT, sky * rng.uniform(0.7, 1.0), sky)
    x = rng.uniform(-60, 0)
    while x < WIDTH:
        width = rng.uniform(40, 130)
        if rng.random() < 0.85:
            _house(board, x, rng.uniform(-60, 0.55 * ground), width, ground)
        x += width + rng.uniform(-10, 12)
    board.blur(0.6)
    board.fill_gradient(ground, HEIGHT, board.shade(50, 150), board.shade(40, 130))
    for _ in board.some(0, 3):
        _car(board, ground)
    for _ in board.some(0, 3):
        x, width = rng.uniform(0, WIDTH), rng.uniform(2, 7)
        board.box(x, rng.uniform(-50, 60), width, HEIGHT, board.shade(10, 90))
        if rng.random() < 0.5:
            board.box(x - 20, rng.uniform(20, 90), 45, 22, board.shade(20, 250))
    if rng.random() < 0.4:
        _tree(board, ground)


def _house(board: Board, x: float, top: float, width: float, ground: int) -> None:
    rng, shade = board.rng, board.shade(40, 200)
    board.box(x, top, width, ground - top, shade)
    pane, across, down = board.shade(10, 255), rng.uniform(14, 30), rng.uniform(20, 38)
    for row in np.arange(top + 8, ground - 20, down):
        for column in np.arange(x + 5, x + width - 8, across):
            board.box(column, row, 0.55 * across, 0.6 * down, pane * rng.uniform(0.6, 1.1))
    board.box(x, ground - 34, width, 34, shade * rng.uniform(0.4, 1.1))
    if rng.random() < 0.6:
        board.box(x + 6, ground - 30, width - 12, 24, board.shade(10, 250))


def _car(board: Board, ground: int) -> None:
    rng, shade = board.rng, board.shade(10, 230)
    x, size = rng.uniform(-50, WIDTH), rng.uniform(0.7, 1.6)
    y = ground + rng.uniform(-5, 25)
    board.rounded(x + 22 * size, y - 44 * size, 70 * size, 44 * size, 10, shade)
    board.rounded(x, y - 25 * size, 120 * size, 31 * size, 8, shade)
    for pane in (28, 60):
        board.box(x + pane * size, y - 39 * size, 26 * size, 15 * size, board.shade(20, 220))
    for wheel in (24, 96):
        board.blob(x + wheel * size, y + 6 * size, 24 * size, 24 * size, 15)


def _tree(board: Board, ground: int) -> None:
    rng, shade = board.rng, board.shade(25, 110)
    x, width = rng.uniform(0, WIDTH), rng.uniform(6, 24)
    board.polygon([(x - width, HEIGHT), (x - width / 3, 0), (x + width / 3, 0), (x + width, HEIGHT)], shade)
    height = rng.uniform(0.25, 0.6) * ground
    for _ in range(320):
        leaf = rng.uniform(3, 15)
        reach = rng.normal(0, 1, 2) * [50, 0.35 * height]
        board.blob(x + reach[0], 0.3 * height + reach[1], leaf, leaf * 0.8, shade * rng.uniform(0.5, 2.2))


def paint_park(board: Board) -> None:
    """Paint hills, trees and grass."""
    rng, sky = board.rng, board.shade(140, 255)
    board.fill_gradient(0, HEIGHT, sky * rng.uniform(0.75, 1.0), sky)
    line = rng.uniform(0.3, 0.6) * HEIGHT
    across = np.linspace(0, WIDTH, 40)
    for distance in range(int(rng.integers(1, 4))):  # hills, hedges
        heights, lengths, starts = rng.uniform([[2], [3], [0]], [[16], [22], [7]], (3, 3))[..., None]
        waves = (heights * np.sin(across / WIDTH * lengths + starts)).sum(axis=0)
        outline = list(zip(across.tolist(), (line + waves).tolist(), strict=True))
        shade = sky * (0.75 - 0.17 * distance) * rng.uniform(0.8, 1.1)
        board.polygon([*outline, (WIDTH, HEIGHT), (0, HEIGHT)], shade)
        line += rng.uniform(15, 50)
    for _ in board.some(1, 3):
        _tree(board, HEIGHT)
    board.blur(0.6)
    grass = int(min(line + rng.uniform(0, 60), HEIGHT))
    board.fill_gradient(grass, HEIGHT, board.shade(60, 140), board.shade(40, 120))
    for _ in range(250):
        x, y = rng.uniform(0, WIDTH), rng.uniform(grass - 4, HEIGHT + 6)
        board.blob(x, y, rng.uniform(3, 14), rng.uniform(3, 9), board.shade(30, 150))
    for _ in board.some(0, 2):
        _tree(board, HEIGHT)


def paint_night(board: Board) -> None:
    """Paint a dark town with its lights."""
    rng, dark = board.rng, board.shade(8, 50)
    board.fill_gradient(0, HEIGHT, dark, dark * rng.uniform(0.6, 2.5))
    for _ in board.some(2, 6):
        x, width = rng.uniform(-40, WIDTH), rng.uniform(40, 120)
        top = rng.uniform(-30, 170)
        board.box(x, top, width, HEIGHT, dark * rng.uniform(0.4, 2.2))
        for row in np.arange(top + 8, HEIGHT - 40, 22):
            for column in np.arange(x + 6, x + width - 12, 18):
                if rng.random() < 0.3:
                    board.box(column, row, 9, 12, board.shade(90, 240))
    board.blur(0.8)
    for _ in board.some(8, 40):
        size = rng.uniform(3, 20)
        light = board.shade(70, 255)
        x, y = rng.uniform(0, WIDTH), rng.uniform(0, 0.85 * HEIGHT)
        board.blob(x, y, size, size, light)
        board.blob(x, y, 0.8 * size, 0.8 * size, 0.9 * light)
    for _ in board.some(0, 2):
        board.box(
            rng.uniform(0, WIDTH), rng.uniform(0, 160), rng.uniform(20, 90), rng.uniform(10, 40), board.shade(120, 250)
        )
