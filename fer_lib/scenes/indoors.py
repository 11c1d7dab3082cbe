"""Places under a roof: a room with what stands and hangs in it, and a hall."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from fer_lib.scenes.board import HEIGHT, WIDTH, Board, Points


def paint_room(board: Board) -> None:
    """Paint walls, what hangs on them, furniture, a lamp."""
    rng, wall = board.rng, board.shade(60, 190)
    floor = int(rng.uniform(0.7, 1.05) * HEIGHT)
    board.fill_gradient(0, HEIGHT, wall * rng.uniform(0.75, 1.1), wall * rng.uniform(0.7, 1.1))
    if rng.random() < 0.6:
        corner = rng.uniform(0.1, 0.9) * WIDTH
        slant = rng.uniform(-0.05, 0.05) * WIDTH
        side: Points = [(corner, 0), (corner + slant, HEIGHT), (WIDTH, HEIGHT), (WIDTH, 0)]
        board.polygon(side, wall * rng.uniform(0.55, 0.85))
    things: list[Callable[[Board, float], None]] = [_window, _door, _frames, _shelf, _frames, _curtain]
    for index in rng.permutation(len(things))[: rng.integers(2, 5)]:
        things[index](board, wall)
    board.blur(0.6)
    board.fill_gradient(floor, HEIGHT, wall * rng.uniform(0.3, 0.6), wall * rng.uniform(0.3, 0.8))
    for _ in board.some(1, 4):
        _furniture(board, floor)
    if rng.random() < 0.5:
        _lamp(board, floor)


def _window(board: Board, wall: float) -> None:
    rng = board.rng
    x, y = rng.uniform(-30, WIDTH - 60), rng.uniform(-20, 60)
    width, height = rng.uniform(60, 150), rng.uniform(90, 170)
    light = board.shade(170, 255)
    board.box(x - 5, y - 5, width + 10, height + 10, wall * rng.uniform(0.6, 1.3))
    board.box(x, y, width, height, light)
    for _ in board.some(0, 4):  # what stands outside
        board.blob(x + rng.uniform(0, width), y + height * rng.uniform(0.6, 1.0), 40, 50, light * rng.uniform(0.5, 0.9))
    board.box(x - 5, y + height, width + 10, 60, wall)
    for part in np.linspace(0, 1, rng.integers(2, 5)):
        board.box(x + part * width - 2, y, 4, height, wall * 0.5)
    board.box(x, y + rng.uniform(0.3, 0.6) * height, width, 3, wall * 0.5)
    if rng.random() < 0.4:  # a blind
        for line in np.arange(y, y + height * rng.uniform(0.4, 1.0), 6):
            board.box(x, line, width, 3, light * 0.6)


def _door(board: Board, wall: float) -> None:
    rng, shade = board.rng, board.shade(30, 200)
    x, width, top = rng.uniform(-20, WIDTH - 40), rng.uniform(60, 100), rng.uniform(10, 70)
    board.box(x - 7, top - 7, width + 14, HEIGHT, wall * rng.uniform(0.5, 1.4))
    board.box(x, top, width, HEIGHT, shade)
    for y in (top + 15, top + 105):
        for column in (0.12, 0.55):
            board.box(x + column * width, y, 0.33 * width, 75, shade * 0.8)
            board.box(x + column * width + 3, y + 3, 0.33 * width - 6, 69, shade * 1.1)


def _frames(board: Board, wall: float) -> None:
    rng = board.rng
    for _ in board.some(1, 4):
        x, y = rng.uniform(0, WIDTH), rng.uniform(10, 150)
        width, height = rng.uniform(20, 70, 2)
        board.box(x + 2, y + 3, width, height, wall * 0.6)
        board.box(x, y, width, height, board.shade(20, 220))
        board.box(x + 4, y + 4, width - 8, height - 8, board.shade(60, 240))
        for _ in board.some(1, 3):
            left, above = x + rng.uniform(0.15, 0.5) * width, y + rng.uniform(0.15, 0.5) * height
            board.box(left, above, 0.35 * width, 0.35 * height, board.shade(30, 220))


def _shelf(board: Board, wall: float) -> None:
    rng = board.rng
    left, right = np.sort(rng.uniform(-40, WIDTH + 40, 2))
    right = max(right, left + 80)
    step = rng.uniform(38, 60)
    board.box(left, 0, right - left, HEIGHT, wall * 0.4)
    for floor in np.arange(rng.uniform(20, 50), HEIGHT + 40, step):
        x = left
        while x < right - 14:
            width, height = rng.uniform(4, 13), step * rng.uniform(0.6, 0.88)
            if rng.random() < 0.85:
                board.box(x, floor - height, width, height, board.shade(20, 215))
            x += width + 0.6
        board.box(left, floor, right - left, 4, wall * rng.uniform(0.7, 0.9))


def _curtain(board: Board, wall: float) -> None:
    rng, shade = board.rng, board.shade(40, 200)
    x, width = rng.uniform(-40, WIDTH - 20), rng.uniform(50, 120)
    for fold in np.arange(0.0, width, 5.0):
        board.box(x + fold, 0, 5, HEIGHT, shade * (0.8 + 0.25 * np.sin(0.45 * fold + 2 * np.sin(0.13 * fold))))


def _furniture(board: Board, floor: int) -> None:
    rng, shade = board.rng, board.shade(15, 210)
    x, width = rng.uniform(-60, WIDTH - 20), rng.uniform(60, 170)
    top = floor - rng.uniform(10, 90)
    if rng.random() < 0.5:  # a sofa or an armchair
        board.rounded(x, top, width, HEIGHT, 14, shade)
        for cushion in np.arange(x + 8, x + width - 30, 42):
            board.rounded(cushion, top + 8, 38, 40, 8, shade * rng.uniform(0.8, 1.25))
        return
    board.box(x, top, width, HEIGHT, shade)  # a cabinet or a table with things on it
    board.box(x - 3, top - 3, width + 6, 5, shade * 1.3)
    for drawer in np.arange(top + 10, HEIGHT, 34):
        board.box(x + 5, drawer, width - 10, 28, shade * 0.85)
    for _ in board.some(1, 5):
        height = rng.uniform(8, 34)
        board.box(x + rng.uniform(0, width - 10), top - 3 - height, rng.uniform(5, 20), height, board.shade(20, 240))


def _lamp(board: Board, floor: int) -> None:
    rng = board.rng
    x, y, size = rng.uniform(0, WIDTH), rng.uniform(40, 130), rng.uniform(22, 44)
    glow = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(glow).ellipse((x - 2 * size, y - 2 * size, x + 2 * size, y + 2 * size), fill=110)
    glow = glow.filter(ImageFilter.GaussianBlur(size))
    board.replace(Image.composite(Image.new("L", glow.size, 255), board.picture, glow))
    board.box(x - 2, y, 4, floor - y, 40)
    shade = [(x - 0.5 * size, y - 0.5 * size), (x + 0.5 * size, y - 0.5 * size), (x + size, y + 0.5 * size)]
    board.polygon([*shade, (x - size, y + 0.5 * size)], board.shade(200, 255))


def paint_hall(board: Board) -> None:
    """Paint a corridor seen along its length."""
    rng, wall = board.rng, board.shade(70, 200)
    x, y = rng.uniform(0.25, 0.75) * WIDTH, rng.uniform(0.3, 0.6) * HEIGHT
    sides = [((0, 0), (WIDTH, 0), 1.15), ((WIDTH, 0), (WIDTH, HEIGHT), 0.75), ((WIDTH, HEIGHT), (0, HEIGHT), 0.5)]
    for one, other, light in [*sides, ((0, HEIGHT), (0, 0), 0.9)]:
        far = [(2.5 * px - 1.5 * x, 2.5 * py - 1.5 * y) for px, py in (one, other)]
        board.polygon([(x, y), *far], wall * light)
    for depth in np.geomspace(1.6, 0.22, 9):  # door frames and ceiling lights, from near to far
        left, right = x + (np.array([0.0, WIDTH]) - x) * depth
        top, bottom = y + (np.array([0.0, HEIGHT]) - y) * depth
        thick = 9 * depth
        for side in (left, right):
            if rng.random() < 0.7:
                board.box(
                    side - thick, top + 0.25 * (bottom - top), 2 * thick, 0.75 * (bottom - top), board.shade(30, 200)
                )
        if rng.random() < 0.7:
            board.box(x - 35 * depth, top, 70 * depth, 8 * depth, 250)
    left, top, size = x - 0.2 * x, y - 0.2 * y, 0.2
    board.box(left, top, size * WIDTH, size * HEIGHT, board.shade(60, 255))
    board.blur(0.6)
    for _ in board.some(0, 3):
        _furniture(board, int(rng.uniform(0.75, 1.0) * HEIGHT))
