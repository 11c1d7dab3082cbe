import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_lib.crops import average_views, ten_crops

PROJECT = Path(__file__).resolve().parents[1]


@st.composite
def pictures_and_sides(draw):
    n, h, w, c = (draw(st.integers(low, high)) for low, high in ((0, 3), (1, 12), (1, 12), (1, 5)))
    images = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 256, (n, h, w, c), dtype=np.uint8)
    return images, draw(st.integers(1, min(h, w)))


def test_the_views_of_a_ramp_are_those_worked_out_by_hand():
    rows, columns = np.indices((4, 4))
    ramp = (40 * rows + 4 * columns).astype(np.uint8)[None, :, :, None]
    # Two pixels enlarged to four: a quarter and three quarters between them, and each repeated at its edge.
    enlarged = np.array([[0, 1, 3, 4], [10, 11, 13, 14], [30, 31, 33, 34], [40, 41, 43, 44]])
    corners_and_centre = [enlarged, enlarged + 8, enlarged + 80, enlarged + 88, enlarged + 44]
    views = list(ten_crops(ramp, 2))
    assert len(views) == 10
    for view, expected in zip(views[::2], corners_and_centre, strict=True):
        np.testing.assert_array_equal(view[0, :, :, 0], expected)
    for view, expected in zip(views[1::2], corners_and_centre, strict=True):
        np.testing.assert_array_equal(view[0, :, :, 0], expected[:, ::-1])


def test_an_odd_margin_puts_the_centre_towards_the_top_and_the_left():
    rows, columns = np.indices((5, 4))
    picture = (16 * rows + columns).astype(np.uint8)[None, :, :, None]
    centre = list(ten_crops(picture, 1))[8]
    np.testing.assert_array_equal(centre, np.full_like(picture, 16 * 2 + 1))
    centre = list(ten_crops(picture[:, :, :3], 2))[8]  # five rows and three columns
    assert (centre.min(), centre.max()) == (16 * 1 + 0, 16 * 2 + 1)


@given(pictures_and_sides())
def test_every_view_is_a_crop_resized_and_rounded(case):
    images, side = case
    height, width = images.shape[1:3]
    tops, lefts = (0, 0, height - side, height - side), (0, width - side, 0, width - side)
    views = list(ten_crops(images, side))
    for view, mirrored in zip(views[::2], views[1::2], strict=True):
        assert view.shape == mirrored.shape == images.shape and view.dtype == mirrored.dtype == np.uint8
        np.testing.assert_array_equal(mirrored, view[:, :, ::-1])
    for view, top, left in zip(views[:8:2], tops, lefts, strict=True):
        for picture, resized in zip(images.astype(np.float64), view, strict=True):
            crop = picture[top : top + side, left : left + side]
            expected = cv2.resize(crop, (width, height)).reshape(resized.shape)
            assert np.abs(resized - expected).max() < 0.501


@given(pictures_and_sides())
def test_pictures_stay_as_they_are_and_views_are_new(case):
    images, side = case
    before = images.copy()
    images.flags.writeable = False
    views = list(ten_crops(images, side))
    for place, view in enumerate(views):
        view[:] = place
    np.testing.assert_array_equal(images, before)
    assert all((view == place).all() for place, view in enumerate(views))


def test_crops_of_the_whole_picture_are_the_picture_and_its_mirror_image():
    images = np.random.default_rng(0).integers(0, 256, (2, 7, 7, 1), dtype=np.uint8)
    for place, view in enumerate(ten_crops(images, 7)):
        np.testing.assert_array_equal(view, images[:, :, ::-1] if place % 2 else images)


@given(pictures_and_sides(), st.integers(1, 7))
def test_the_average_is_the_mean_over_the_ten_views(case, classes):
    images, side = case

    def predict(view):
        pixels = view.reshape(len(view), np.prod(view.shape[1:])).astype(np.float64)
        scores = pixels @ np.random.default_rng(1).random((pixels.shape[1], classes)) + 1
        return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)

    averaged = average_views(predict, images, side)
    assert averaged.shape == (len(images), classes) and averaged.dtype == np.float32
    expected = np.mean([predict(view) for view in ten_crops(images, side)], axis=0)
    np.testing.assert_allclose(averaged, expected, atol=1e-6)
    np.testing.assert_allclose(averaged.sum(axis=1), 1, atol=1e-5)


def test_the_average_asks_for_one_view_at_a_time():
    images = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 1), dtype=np.uint8)
    asked = []

    def predict(view):
        asked.append(view)
        return np.full((len(view), 2), len(asked) % 2, np.float32)

    np.testing.assert_array_equal(average_views(predict, images, 5), np.full((3, 2), 0.5))
    for view, expected in zip(asked, ten_crops(images, 5), strict=True):
        np.testing.assert_array_equal(view, expected)


@pytest.mark.parametrize("side", [0, -1, 6])
def test_a_side_that_does_not_fit_is_refused_at_once(side):
    images = np.zeros((1, 5, 8, 1), np.uint8)
    with pytest.raises(ValueError, match=rf"side must be from 1 to the smaller side .* 5×8\. Received: {side}$"):
        ten_crops(images, side)
    with pytest.raises(ValueError, match=rf"Received: {side}$"):
        average_views(lambda view: view, images, side)


@pytest.mark.parametrize(
    ("images", "received"),
    [(np.zeros((5, 8, 1), np.uint8), r"uint8 \(5, 8, 1\)"), (np.zeros((1, 5, 8, 1)), r"float64 \(1, 5, 8, 1\)")],
)
def test_images_of_another_kind_are_refused(images, received):
    with pytest.raises(ValueError, match=rf"images must be uint8 \(n, h, w, c\)\. Received: {received}$"):
        ten_crops(images, 4)


def test_another_process_crops_alike_and_loads_no_tensorflow():
    code = (
        "import sys, numpy as np\n"
        "from fer_lib.crops import ten_crops\n"
        "images = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 1), dtype=np.uint8)\n"
        "sys.stdout.buffer.write(b''.join(view.tobytes() for view in ten_crops(images, 44)))\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=PROJECT)
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 1), dtype=np.uint8)
    assert done.stdout == b"".join(view.tobytes() for view in ten_crops(images, 44))
