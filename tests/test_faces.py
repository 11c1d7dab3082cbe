from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fer_lib.faces import MARGIN, Box, crop_face, find_faces
from fer_lib.sample import make_sample


@pytest.fixture(scope="module")
def faces():
    return make_sample((20, 7, 7), seed=0).train.images[..., 0]


FACE = make_sample((7, 7, 7), seed=0).train.images[0, :, :, 0]


def _paste(picture, face, left, top, side):
    enlarged = np.asarray(Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC))
    picture[top : top + side, left : left + side] = enlarged


def _picture(width, height, *places, face=FACE):
    picture = np.full((height, width), 120, np.uint8)
    for left, top, side in places:
        _paste(picture, face, left, top, side)
    return picture


def _overlap(box, left, top, side):
    width = min(box.left + box.width, left + side) - max(box.left, left)
    height = min(box.top + box.height, top + side) - max(box.top, top)
    both = max(0, width) * max(0, height)
    return both / (box.width * box.height + side * side - both)


@pytest.mark.parametrize(
    ("width", "height", "place"),
    [
        (400, 300, (200, 100, 144)),
        (300, 400, (20, 220, 150)),
        (720, 576, (10, 120, 430)),
        (720, 576, (560, 20, 144)),
        (2000, 1500, (300, 700, 700)),
        (60, 60, (6, 6, 48)),
    ],
)
def test_a_face_is_found_where_it_is_whatever_the_size_of_the_picture(width, height, place):
    (box,) = find_faces(_picture(width, height, place))
    assert _overlap(box, *place) > 0.6


def test_coordinates_are_whole_python_numbers():
    (box,) = find_faces(_picture(400, 300, (200, 100, 144)))
    assert [type(value) for value in (box.left, box.top, box.width, box.height)] == [int] * 4
    assert hash(box) == hash(Box(box.left, box.top, box.width, box.height))


def test_faces_are_sorted_by_size():
    small, large = (20, 150, 100), (250, 50, 220)
    first, second = find_faces(_picture(500, 300, small, large))
    assert _overlap(first, *large) > 0.5
    assert _overlap(second, *small) > 0.5


def test_faces_that_are_too_small_are_not_looked_for():
    picture = _picture(400, 400, (200, 100, 110))
    assert find_faces(picture, smallest=0.6) == []
    assert len(find_faces(picture, smallest=0.2)) == 1


def test_faces_that_fill_a_small_picture_are_found(faces):
    assert sum(bool(find_faces(face, smallest=0.5)) for face in faces) >= 0.8 * len(faces)


@pytest.mark.parametrize("shape", [(1, 1), (48, 48), (3, 400), (300, 400)])
def test_no_face_is_found_in_a_blank_picture_and_it_is_left_whole(shape):
    picture = np.full(shape, 77, np.uint8)
    assert find_faces(picture) == []
    np.testing.assert_array_equal(crop_face(picture), picture)


def test_the_crop_holds_the_face_and_its_margin():
    picture = _picture(500, 400, (220, 130, 160))
    (box,) = find_faces(picture)
    crop = crop_face(picture)
    side = round(max(box.width, box.height) * (1 + 2 * MARGIN))
    assert crop.shape == (side, side)
    assert crop.dtype == np.uint8
    left, top = round(box.left + box.width / 2 - side / 2), round(box.top + box.height / 2 - side / 2)
    np.testing.assert_array_equal(crop, picture[top : top + side, left : left + side])


def test_the_largest_face_is_cropped():
    bright = np.minimum(FACE.astype(int) + 60, 255).astype(np.uint8)
    picture = _picture(500, 300, (250, 50, 220), face=bright)
    alone = crop_face(picture)
    _paste(picture, FACE, 20, 150, 100)
    np.testing.assert_array_equal(crop_face(picture), alone)


@settings(max_examples=15)
@given(st.data())
def test_boxes_and_crops_are_inside_any_picture(data):
    width, height = data.draw(st.integers(60, 300)), data.draw(st.integers(60, 300))
    side = data.draw(st.integers(24, min(width, height)))
    picture = _picture(
        width, height, (data.draw(st.integers(0, width - side)), data.draw(st.integers(0, height - side)), side)
    )
    boxes = find_faces(picture)
    for box in boxes:
        assert 0 <= box.left < box.left + box.width <= width
        assert 0 <= box.top < box.top + box.height <= height
    assert [box.width * box.height for box in boxes] == sorted((box.width * box.height for box in boxes), reverse=True)
    crop = crop_face(picture)
    if boxes:
        assert crop.shape[0] == crop.shape[1] <= min(width, height)
        assert crop.shape[0] >= min(max(boxes[0].width, boxes[0].height), width, height)
    else:
        assert crop.shape == (height, width)


def test_threads_find_what_one_alone_finds(faces):
    pictures = [_picture(300, 240, (70, 60, 130), face=face) for face in faces[:8]]
    alone = [find_faces(picture) for picture in pictures]
    assert any(alone)
    with ThreadPoolExecutor(4) as executor:
        assert list(executor.map(find_faces, pictures)) == alone


@pytest.mark.parametrize(
    ("image", "received"),
    [
        (np.zeros((48, 48), np.float32), "float32 (48, 48)"),
        (np.zeros((48, 48, 1), np.uint8), "uint8 (48, 48, 1)"),
        (np.zeros((0, 48), np.uint8), "uint8 (0, 48)"),
    ],
)
@pytest.mark.parametrize("function", [find_faces, crop_face])
def test_what_is_not_a_grey_picture_is_refused(function, image, received):
    with pytest.raises(ValueError, match="image must be uint8") as error:
        function(image)
    assert str(error.value).endswith(f"Received: {received}")


@pytest.mark.parametrize("smallest", [0.0, 1.5, -1.0, float("nan")])
def test_shares_out_of_range_are_refused(smallest):
    with pytest.raises(ValueError, match=f"Received: {smallest}"):
        find_faces(FACE, smallest)
