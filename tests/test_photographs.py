import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from fer_lib.photographs import LARGEST_PIXELS, LARGEST_RATIO, PhotographError, read_photograph, to_grey
from fer_lib.pictures import read_grey

RED, GREEN, BLUE, WHITE, BLACK = (220, 20, 20), (20, 200, 20), (20, 20, 220), (255, 255, 255), (0, 0, 0)
ORIENTATION = 0x0112


@pytest.fixture
def corners():
    """A picture of 60 by 40 pixels, each quarter of another colour."""
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:20, :30], picture[:20, 30:], picture[20:, :30], picture[20:, 30:] = RED, GREEN, BLUE, WHITE
    return picture


def _save(path, image, **options):
    image.save(path, **options)
    return path


def _refused(path):
    with pytest.raises(PhotographError) as error:
        read_photograph(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ") and "Received: " in message and "\n" not in message
    return message


def _encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _forged_png(width, height):
    """A PNG of one row of pixels whose header claims another size."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", ["picture.png", "picture.bmp", "picture.tif", "picture.webp", "picture.avif"])
def test_colours_are_read_as_they_are(corners, name, tmp_path):
    options = {"lossless": True} if name.endswith("webp") else {"quality": 100} if name.endswith("avif") else {}
    read = read_photograph(_save(tmp_path / name, Image.fromarray(corners), **options))
    assert read.dtype == np.uint8 and read.shape == (40, 60, 3)
    np.testing.assert_allclose(read[5::10, 5::10].astype(int), corners[5::10, 5::10], atol=4)


def test_the_name_of_a_file_does_not_decide_what_it_is(corners, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(_encoded(Image.fromarray(corners), "PNG"))
    np.testing.assert_array_equal(read_photograph(path), corners)


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda p: p),
        (2, lambda p: p[:, ::-1]),
        (3, lambda p: p[::-1, ::-1]),
        (4, lambda p: p[::-1]),
        (5, lambda p: p.swapaxes(0, 1)),
        (6, lambda p: np.rot90(p, -1)),
        (7, lambda p: p[::-1, ::-1].swapaxes(0, 1)),
        (8, lambda p: np.rot90(p)),
    ],
)
@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_phone_photographs_are_turned_upright(corners, orientation, turned, kind, tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "jpeg" else {}
    path = _save(tmp_path / f"phone.{kind}", Image.fromarray(corners), exif=exif, **options)
    upright = turned(corners)
    read = read_photograph(path)
    assert read.shape == upright.shape
    np.testing.assert_allclose(read[5::10, 5::10].astype(int), upright[5::10, 5::10], atol=4)


@settings(max_examples=20)
@given(arrays(np.uint8, st.tuples(st.integers(2, 12), st.integers(2, 12))))
def test_grey_pictures_keep_their_values(tmp_path_factory, values):
    path = _save(tmp_path_factory.mktemp("grey") / "grey.png", Image.fromarray(values))
    np.testing.assert_array_equal(to_grey(read_photograph(path)), values)


def test_grey_is_made_of_colour_as_for_the_data_sets(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    path = _save(tmp_path / "colours.png", Image.fromarray(colours))
    np.testing.assert_array_equal(to_grey(read_photograph(path)), read_grey(path))


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_16_bit_grey_is_scaled_and_not_cut_off(name, tmp_path):
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    read = read_photograph(_save(tmp_path / name, Image.fromarray(values * 257)))
    np.testing.assert_array_equal(read, np.repeat(values[..., None], 3, axis=2))
    dark = read_photograph(_save(tmp_path / name, Image.fromarray(values)))
    assert dark.max() == 1  # 255 of 65,535


def test_deep_grey_of_other_orders_of_bytes(tmp_path):
    values = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    path = tmp_path / "deep.pgm"
    path.write_bytes(b"P5 16 16 65535\n" + values.astype(">u2").tobytes())
    np.testing.assert_array_equal(read_photograph(path)[..., 0], values // 257)


def _half_transparent():
    image = Image.new("RGBA", (20, 10), (*RED, 255))
    image.paste((*BLACK, 0), (10, 0, 20, 10))
    return image


def test_what_is_transparent_is_white(tmp_path):
    read = read_photograph(_save(tmp_path / "rgba.png", _half_transparent()))
    assert tuple(read[5, 5]) == RED and tuple(read[5, 15]) == WHITE
    faint = Image.new("RGBA", (4, 4), (0, 0, 0, 51))
    assert tuple(read_photograph(_save(tmp_path / "faint.png", faint))[2, 2]) == (204, 204, 204)


def test_grey_with_transparency(tmp_path):
    image = Image.merge("LA", (Image.new("L", (20, 10), 90), Image.new("L", (20, 10), 0)))
    image.paste((90, 255), (0, 0, 10, 10))
    read = read_photograph(_save(tmp_path / "la.png", image))
    assert tuple(read[5, 5]) == (90, 90, 90) and tuple(read[5, 15]) == WHITE


def test_palettes_with_and_without_transparency(tmp_path):
    image = Image.new("P", (20, 10), 0)
    image.putpalette([*RED, *BLACK])
    image.paste(1, (10, 0, 20, 10))
    read = read_photograph(_save(tmp_path / "plain.png", image))
    assert tuple(read[5, 5]) == RED and tuple(read[5, 15]) == BLACK
    for name in ("holed.png", "holed.gif"):
        read = read_photograph(_save(tmp_path / name, image, transparency=1))
        assert tuple(read[5, 5]) == RED and tuple(read[5, 15]) == WHITE


def test_a_transparent_grey_value(tmp_path):
    image = Image.fromarray(np.tile(np.array([40, 200], np.uint8), (4, 2)))
    read = read_photograph(_save(tmp_path / "key.png", image, transparency=40))
    assert read[0, :, 0].tolist() == [255, 200, 255, 200]


def test_black_and_white(tmp_path):
    image = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
    read = read_photograph(_save(tmp_path / "bits.png", image))
    assert read[..., 1].tolist() == [[0, 255], [255, 0]]


def test_printers_colours(corners, tmp_path):
    path = _save(tmp_path / "cmyk.jpg", Image.fromarray(corners).convert("CMYK"), quality=100, subsampling=0)
    read = read_photograph(path)
    np.testing.assert_allclose(read[5::10, 5::10].astype(int), corners[5::10, 5::10], atol=8)


@pytest.mark.parametrize("name", ["moving.gif", "moving.png", "moving.webp"])
def test_of_an_animation_the_first_picture_is_taken(name, tmp_path):
    first, second = Image.new("RGB", (20, 20), RED), Image.new("RGB", (20, 20), BLUE)
    options = {"lossless": True} if name.endswith("webp") else {}
    path = _save(tmp_path / name, first, save_all=True, append_images=[second], **options)
    assert tuple(read_photograph(path)[10, 10]) == RED


def test_what_is_no_file_is_told(tmp_path):
    assert "no such file" in _refused(tmp_path / "none.png")
    assert "a folder" in _refused(tmp_path)
    (tmp_path / "empty.jpg").touch()
    assert "an empty file" in _refused(tmp_path / "empty.jpg")
    assert "must be there" in _refused(tmp_path / ("long" * 100))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "pipe" in _refused(tmp_path / "pipe.jpg")


@pytest.mark.parametrize(
    ("content", "received"),
    [
        (b"This is not a picture at all.\n" * 9, "270 bytes of no such format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "56 bytes of no such format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "41 bytes of no such format"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC, which is not read here; export it as JPEG"),
    ],
)
def test_what_is_no_picture_is_told(content, received, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    message = _refused(path)
    assert "must be a picture" in message and message.endswith(f"Received: {received}")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_what_is_cut_off_is_told(kind, share, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    content = _encoded(Image.fromarray(noise), kind)
    path = tmp_path / "photo.jpg"
    path.write_bytes(content[: int(share * len(content))])
    assert "the picture must be whole and readable. Received: " in _refused(path)


@pytest.mark.parametrize(
    ("width", "height", "received"),
    [
        (10_000, 10_000, "100,000,000 pixels"),
        (40_000, 30_000, "1,200,000,000 pixels"),
        (8_000, 6_251, "8000 by 6251, 50.01 million"),
    ],
)
def test_bombs_are_refused_by_what_they_declare(width, height, received, tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(_forged_png(width, height))
    message = _refused(path)
    assert f"at most {LARGEST_PIXELS // 1_000_000} million pixels" in message
    assert message.endswith(f"Received: {received}")


def test_a_large_picture_that_holds_less_than_it_declares_is_refused(tmp_path):
    path = tmp_path / "hollow.png"
    path.write_bytes(_forged_png(4_000, 3_000))
    assert "whole and readable" in _refused(path)


def test_strips_are_refused(tmp_path):
    longest = Image.new("L", (LARGEST_RATIO * 3, 3))
    assert read_photograph(_save(tmp_path / "strip.png", longest)).shape == (3, LARGEST_RATIO * 3, 3)
    assert "times as long" in _refused(_save(tmp_path / "strip.png", Image.new("L", (LARGEST_RATIO * 3 + 1, 3))))


@pytest.mark.parametrize(
    ("values", "received"),
    [
        (np.full((4, 4), 0.5, np.float32), "32-bit floating point"),
        (np.full((4, 4), 70_000, np.int32), "32-bit values from 70000"),
        (np.full((4, 4), -1, np.int32), "32-bit values from -1"),
    ],
)
def test_measurements_are_no_photographs(values, received, tmp_path):
    assert received in _refused(_save(tmp_path / "measured.tif", Image.fromarray(values)))


@settings(max_examples=60)
@given(st.data())
def test_damage_is_told_in_one_line_or_read_as_a_picture(tmp_path_factory, data):
    noise = np.random.default_rng(0).integers(0, 256, (24, 16, 3)).astype(np.uint8)
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"]))
    content = bytearray(_encoded(Image.fromarray(noise), kind))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "photo.jpg"
    path.write_bytes(content)
    try:
        read = read_photograph(path)
    except PhotographError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    else:
        assert read.dtype == np.uint8 and read.ndim == 3 and read.shape[2] == 3
