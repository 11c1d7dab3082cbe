"""A photograph with the faces found in it, and beside it a panel for each face: what was guessed, and from what."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from fer_lib.charts import BLUE, INK, MUTED
from fer_lib.figures.heatmaps import blend_heat
from fer_lib.files import atomic
from fer_lib.photographs import ANNOTATED_BY
from fer_lib.predicting import Reading, as_percent

SUFFIX = ".fer.png"
"""What is put after the stem of a picture's name."""

_PADDING, _GAP = 24, 28
_LEAST_SIDE = 440
"""Smaller pictures are drawn with pixels so many times as large that they come near this."""

_THUMB, _LABELS, _BARS, _NUMBERS = 144, 80, 120, 52
_PANEL_WIDTH = 2 * _THUMB + 12 + 20 + _LABELS + _BARS + _NUMBERS
_HEADER, _CAPTION = 34, 20
_PANEL_HEIGHT = _HEADER + _THUMB + _CAPTION
_LINE = 19
_SCALE_WIDTH = 120
_TRACK, _OTHER = "#ececec", "#74899a"


@dataclass(frozen=True)
class _Layout:
    """Where everything goes, in pixels of the canvas.

    Attributes:
        size: width and height of the canvas.
        panels: left upper corner of each face's panel.
        notes: left upper corner of what stands below everything.
        lines: of the notes, without their first, the legend.
    """

    size: tuple[int, int]
    panels: list[tuple[int, int]]
    notes: tuple[int, int]
    lines: list[str]


def annotate(reading: Reading, notes: Sequence[str] = ()) -> np.ndarray:
    """Draw what a network says of a photograph.

    Every face has a number, a frame in the photograph and a panel: the image as the network was given it, the same
    under its Grad-CAM, and the probabilities of all classes. Panels stand beside the photograph as far as they fit,
    the others below it. Small photographs are enlarged without smoothing.

    Args:
        reading: from `predicting.read_expressions`.
        notes: sentences at the end, such as where the weights come from.

    Returns:
        uint8 (h, w, 3), RGB.
    """
    photograph = _enlarge(reading.photograph.view)
    layout = _lay_out(photograph.shape[1], photograph.shape[0], len(reading.photograph.boxes), notes)
    canvas = Image.new("RGB", layout.size, "white")
    canvas.paste(Image.fromarray(photograph), (_PADDING, _PADDING))
    draw = ImageDraw.Draw(canvas)
    for index in reversed(range(len(reading.photograph.boxes))):  # the largest last, on top
        _draw_frame(draw, photograph, reading, index)
    for index, place in enumerate(layout.panels):
        _draw_panel(canvas, draw, place, reading, index)
    left, top = layout.notes
    _draw_legend(canvas, draw, left, top)
    for number, line in enumerate(layout.lines, start=1):
        draw.text((left, top + number * _LINE), line, MUTED, _font(13))
    return np.asarray(canvas)


def choose_targets(pictures: Sequence[Path], folder: Path, kept: Sequence[Path] = ()) -> list[Path]:
    """Where the annotated picture of each goes: `<stem>.fer.png`, with a number where that is taken.

    No target is one of the pictures themselves or of what is to be kept, and no two are the same. Other files of that
    name, such as those of an earlier time, are replaced.
    """
    taken = {path.resolve() for path in (*pictures, *kept)}
    targets = []
    for picture in pictures:
        names = _names(picture.stem)
        target = next(path for name in names if (path := Path(folder) / name).resolve() not in taken)
        taken.add(target.resolve())
        targets.append(target)
    return targets


def write_annotated(picture: np.ndarray, target: Path) -> None:
    """Write uint8 (h, w, 3) as PNG, whole or not at all; nothing of the photograph's metadata goes with it.

    The file is marked as annotated, so that it is not taken for a photograph the next time.

    Raises:
        ValueError: if the file cannot be written.
    """
    mark = PngImagePlugin.PngInfo()
    mark.add_text("Software", ANNOTATED_BY)
    try:
        with atomic(target) as temporary:
            Image.fromarray(picture).save(temporary, format="PNG", pnginfo=mark)
    except OSError as error:
        raise ValueError(f"{target}: the annotated picture must be writable. Received: {error.strerror}") from error


def _names(stem: str) -> Iterable[str]:
    yield f"{stem}{SUFFIX}"
    number = 2
    while True:
        yield f"{stem}-{number}{SUFFIX}"
        number += 1


def _enlarge(view: np.ndarray) -> np.ndarray:
    times = max(1, _LEAST_SIDE // max(view.shape[:2]))
    return view.repeat(times, axis=0).repeat(times, axis=1)


def _guess(reading: Reading, index: int) -> str:
    return f"{reading.labels[index]} {as_percent(reading.probabilities[index].max())}"


def _lay_out(width: int, height: int, count: int, notes: Sequence[str]) -> _Layout:
    """Place panels beside a photograph, as far as they fit, and below it; notes beside it where there is room."""
    bottom, beside = _PADDING + height, _PADDING + width + _GAP
    down, across = _PANEL_HEIGHT + _GAP, _PANEL_WIDTH + _GAP
    canvas_width = beside + _PANEL_WIDTH + _PADDING
    first = min(count, max(1, (height + _GAP) // down))
    panels = [(beside, _PADDING + row * down) for row in range(first)]
    lines = _wrap(notes, _PANEL_WIDTH)
    needed = (1 + len(lines)) * _LINE
    if count == first and first * down + needed <= height:
        return _Layout((canvas_width, bottom + _PADDING), panels, (beside, bottom - needed), lines)
    upper = max(bottom + _GAP, _PADDING + first * down)
    canvas_width = max(canvas_width, 2 * _PADDING + 2 * across - _GAP) if count > first else canvas_width
    columns = (canvas_width - 2 * _PADDING + _GAP) // across
    for index in range(count - first):
        row, column = divmod(index, columns)
        panels.append((_PADDING + column * across, upper + row * down))
    top = max(bottom + _GAP, panels[-1][1] + down)
    lines = _wrap(notes, canvas_width - 2 * _PADDING)
    size = canvas_width, top + (1 + len(lines)) * _LINE + _PADDING
    return _Layout(size, panels, (_PADDING, top), lines)


def _draw_frame(draw: ImageDraw.ImageDraw, photograph: np.ndarray, reading: Reading, index: int) -> None:
    """Frame a face, with a tag inside the photograph; it has the guess too where the face is wide enough."""
    box, scale = reading.photograph.boxes[index], photograph.shape[1] / reading.photograph.width
    left, top = _PADDING + round(scale * box.left), _PADDING + round(scale * box.top)
    right, bottom = left + round(scale * box.width) - 1, top + round(scale * box.height) - 1
    for inset, colour, width in ((-1, "white", 5), (0, BLUE, 3)):
        draw.rectangle((left + inset, top + inset, right - inset, bottom - inset), outline=colour, width=width)
    font, text = _font(16, bold=True), f"{index + 1}  {_guess(reading, index)}"
    if font.getlength(text) > 1.5 * (right - left):
        text = str(index + 1)
    width, height = round(font.getlength(text)) + 12, 23
    left = max(_PADDING, min(left - 1, _PADDING + photograph.shape[1] - width))
    top = top - height if top - height >= _PADDING else top
    draw.rectangle((left, top, left + width - 1, top + height - 1), fill=BLUE, outline="white")
    draw.text((left + 6, top + height / 2), text, "white", font, anchor="lm")


def _draw_panel(
    canvas: Image.Image, draw: ImageDraw.ImageDraw, place: tuple[int, int], reading: Reading, index: int
) -> None:
    left, top = place
    draw.rectangle((left, top, left + 25, top + 24), fill=BLUE)
    draw.text((left + 13, top + 12), str(index + 1), "white", _font(15, bold=True), anchor="mm")
    guess, font = _guess(reading, index), _font(19, bold=True)
    draw.text((left + 36, top + 12), guess, INK, font, anchor="lm")
    size = _size_of(reading, index)
    draw.text((left + 52 + font.getlength(guess), top + 13), size, MUTED, _font(13), anchor="lm")
    top += _HEADER
    image, heat = reading.images[index].mean(axis=2) / 255, reading.heat[index]
    given = np.repeat(image[..., None], 3, axis=2)
    captions = ("given to the network", f"speaks for {reading.labels[index]}" if heat.any() else "no heat")
    for pixels, caption in zip((given, blend_heat(image, heat)), captions, strict=True):
        canvas.paste(_thumb(pixels), (left, top))
        draw.text((left, top + _THUMB + 5), caption, MUTED, _font(12))
        left += _THUMB + 12
    _draw_bars(draw, (left + 8, top), reading.classes, reading.probabilities[index])


def _draw_bars(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], classes: Sequence[str], probabilities: np.ndarray
) -> None:
    left, top = place
    step = min(32, _THUMB / len(classes))
    start = left + _LABELS
    for index, (name, value) in enumerate(zip(classes, probabilities, strict=True)):
        middle, is_guess = top + (index + 0.5) * step, index == int(probabilities.argmax())
        font, colour = _font(14, bold=is_guess), INK if is_guess else MUTED
        draw.text((start - 8, middle), name, colour, font, anchor="rm")
        upper, lower = round(middle - 6), round(middle + 6)
        draw.rectangle((start, upper, start + _BARS, lower), fill=_TRACK)
        length = round(_BARS * float(value))
        if length:
            draw.rectangle((start, upper, start + length, lower), fill=BLUE if is_guess else _OTHER)
        draw.text((start + _BARS + _NUMBERS, middle), as_percent(value), colour, font, anchor="rm")


def _draw_legend(canvas: Image.Image, draw: ImageDraw.ImageDraw, left: int, top: int) -> None:
    """What the colours of the heat mean."""
    font = _font(13)
    for text in ("Grad-CAM, what speaks for the class guessed:  least", None, "most"):
        if text is None:
            shades = blend_heat(np.full((10, _SCALE_WIDTH), 0.5), np.tile(np.linspace(0, 1, _SCALE_WIDTH), (10, 1)))
            canvas.paste(_as_picture(shades), (left, top + 3))
            left += _SCALE_WIDTH + 8
        else:
            draw.text((left, top), text, MUTED, font)
            left += round(font.getlength(text)) + 8


def _size_of(reading: Reading, index: int) -> str:
    box, (height, width) = reading.photograph.boxes[index], reading.images.shape[1:3]
    size = f"{box.width} by {box.height} pixels"
    return (
        f"{size}: small, enlarged" if reading.photograph.is_enlarged[index] else f"{size}, shown as {width} by {height}"
    )


def _thumb(pixels: np.ndarray) -> Image.Image:
    """RGB (h, w, 3) in [0, 1] as a square, without smoothing where it is enlarged."""
    smaller = max(pixels.shape[:2]) > _THUMB
    method = cv2.INTER_AREA if smaller else cv2.INTER_NEAREST
    return _as_picture(cv2.resize(pixels, (_THUMB, _THUMB), interpolation=method))


def _as_picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(255 * pixels).astype(np.uint8))


def _wrap(notes: Sequence[str], width: int) -> list[str]:
    """Break sentences, each on a line of its own, where they are wider than so many pixels."""
    font, lines = _font(13), []
    for note in notes:
        line = ""
        for word in note.split():
            longer = f"{line} {word}".strip()
            if line and font.getlength(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


@functools.cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The typeface of the other figures, which comes with matplotlib."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)
