import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_lib.augment import (
    BRIGHTNESS,
    CONTRAST,
    FLIP_PROBABILITY,
    ROTATION_DEGREES,
    SCALE,
    make_transforms,
)
from fer_lib.sample import make_sample

PROJECT = Path(__file__).resolve().parents[1]
MANY = 400

seeds = st.integers(0, 2**64)
quick = settings(max_examples=25)


@pytest.fixture(scope="module")
def faces():
    return make_sample((7, 7, 7), seed=5).train.images


def _noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _many(picture, seed=0):
    return make_transforms(picture[None, :, :, None], MANY, seed)[0, ..., 0].astype(np.float64)


def _assert_fills(values, bounds, rounding):
    """Values lie within the bounds, and some near either of them."""
    low, high = bounds
    margin = (high - low) / 20
    assert low - rounding <= values.min() <= low + margin + rounding
    assert high - margin - rounding <= values.max() <= high + rounding
    assert abs(values.mean() - (low + high) / 2) <= 2 * margin


@quick
@given(n=st.integers(0, 4), count=st.integers(0, 5), h=st.integers(1, 20), w=st.integers(1, 20), c=st.integers(1, 4))
def test_there_are_exactly_as_many_transforms_of_the_same_size_and_type(n, count, h, w, c):
    transforms = make_transforms(_noise(n, h, w, c), count, seed=0)
    assert transforms.shape == (n, count, h, w, c)
    assert transforms.dtype == np.uint8


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_keeps_its_bytes_and_its_transforms_follow_from_the_seed(channels):
    image = _noise(48, 40, channels)
    image.flags.writeable = False
    before = image.copy()
    transformed = make_transforms(image[None], 1, seed=0)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(transformed, make_transforms(image[None], 1, seed=0))
    assert (transformed != make_transforms(image[None], 1, seed=1)).any()


@quick
@given(
    seed=seeds,
    order=st.lists(st.integers(0, 6), unique=True, min_size=1),
    count=st.integers(1, 4),
)
def test_a_pictures_transforms_depend_on_seed_number_and_place_alone(faces, seed, order, count):
    whole = make_transforms(faces, 4, seed)
    numbers = np.array(order, dtype=np.int64)
    np.testing.assert_array_equal(make_transforms(faces[numbers], count, seed, numbers), whole[numbers, :count])


@quick
@given(seed=st.integers(0, 2**33), number=st.integers(0, 2**33), step=st.integers(1, 5))
def test_other_seeds_and_other_numbers_give_other_transforms(faces, seed, number, step):
    def transforms(seed, number):
        return make_transforms(faces[:1], 2, seed, np.array([number], dtype=np.int64))

    one = transforms(seed, number)
    assert (one != transforms(seed + step, number)).any()
    assert (one != transforms(seed, number + step)).any()


def test_no_two_transforms_of_a_picture_are_equal(faces):
    transforms = make_transforms(faces, 50, seed=0)
    for picture, made in zip(faces, transforms, strict=True):
        assert len({picture.tobytes(), *(image.tobytes() for image in made)}) == 51


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(faces):
    expected = make_transforms(faces, 10, seed=3)
    threads = cv2.getNumThreads()
    try:
        for number in (1, 4):
            cv2.setNumThreads(number)
            np.testing.assert_array_equal(make_transforms(faces, 10, seed=3), expected)
    finally:
        cv2.setNumThreads(threads)
    with ThreadPoolExecutor(4) as pool:
        for made in pool.map(lambda _: make_transforms(faces, 10, seed=3), range(8)):
            np.testing.assert_array_equal(made, expected)


def test_another_process_gives_the_same_bytes_and_loads_no_tensorflow():
    code = (
        "import sys, numpy as np\n"
        "from fer_lib.augment import make_transforms\n"
        "images = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 1), dtype=np.uint8)\n"
        "sys.stdout.buffer.write(make_transforms(images, 3, seed=7).tobytes())\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=PROJECT)
    assert done.stdout == make_transforms(_noise(5, 48, 48, 1), 3, seed=7).tobytes()


@quick
@given(grey=st.integers(0, 255), seed=seeds, size=st.tuples(st.integers(1, 30), st.integers(1, 30)))
def test_a_flat_picture_stays_flat_into_its_corners(grey, seed, size):
    transforms = make_transforms(np.full((1, *size, 1), grey, dtype=np.uint8), 5, seed)[0]
    low, high = (round(min(factor * grey, 255)) for factor in BRIGHTNESS)
    for image in transforms:
        assert image.min() == image.max()
        assert low <= image[0, 0, 0] <= high


@quick
@given(seed=seeds, half=st.tuples(st.integers(8, 24), st.integers(8, 24)), odd=st.tuples(st.booleans(), st.booleans()))
def test_what_is_at_the_centre_stays_there(seed, half, odd):
    height, width = (2 * extent + more for extent, more in zip(half, odd, strict=True))
    picture = np.zeros((1, height, width, 1), dtype=np.uint8)
    picture[:, height // 2 - 1 : height // 2 + 1 + odd[0], width // 2 - 1 : width // 2 + 1 + odd[1]] = 255
    for image in make_transforms(picture, 5, seed)[0, ..., 0].astype(np.float64):
        marker = image - np.median(image)
        rows, columns = np.indices(marker.shape)
        assert abs((marker * rows).sum() / marker.sum() - (height - 1) / 2) < 0.2
        assert abs((marker * columns).sum() / marker.sum() - (width - 1) / 2) < 0.2


@quick
@given(seed=seeds)
def test_three_equal_channels_are_transformed_as_one(faces, seed):
    np.testing.assert_array_equal(
        make_transforms(faces[:2].repeat(3, axis=-1), 3, seed), make_transforms(faces[:2], 3, seed).repeat(3, axis=-1)
    )


def _halves():
    """Left half 100, right half 140: greys at either side tell of flip, brightness and contrast."""
    return np.repeat(np.array([[100, 140]], dtype=np.uint8), 24, axis=1).repeat(48, axis=0)


def test_half_of_the_transforms_are_flipped():
    transforms = _many(_halves())
    flipped = transforms[:, 24, 4] > transforms[:, 24, 43]
    assert abs(flipped.mean() - FLIP_PROBABILITY) < 0.06


def test_no_transform_is_upside_down():
    transforms = _many(_halves().T.copy())
    assert (transforms[:, 4, 24] < transforms[:, 43, 24]).all()


def test_brightness_and_contrast_fill_their_ranges():
    transforms = _many(_halves())
    left, right = transforms[:, 24, 4], transforms[:, 24, 43]
    brightness = (left + right) / 2 / 120
    _assert_fills(brightness, BRIGHTNESS, rounding=0.01)
    _assert_fills(abs(left - right) / 40 / brightness, CONTRAST, rounding=0.04)


def test_rotation_fills_its_range_and_turns_both_ways():
    picture = np.zeros((49, 49), dtype=np.uint8)
    picture[23:26] = 255
    angles = []
    for image in _many(picture):
        marks = image - np.median(image)
        # Where the bar crosses two columns of the picture tells its slope.
        heights = [(marks[:, column] * np.arange(49)).sum() / marks[:, column].sum() for column in (12, 36)]
        angles.append(math.degrees(math.atan2(heights[1] - heights[0], 24)))
    _assert_fills(np.array(angles), ROTATION_DEGREES, rounding=0.3)


def test_scale_fills_its_range():
    rows, columns = np.indices((49, 49)) - 24
    picture = np.where(np.hypot(rows, columns) <= 14, 255, 0).astype(np.uint8)
    transforms = _many(picture)
    lowest, highest = transforms.min(axis=(1, 2), keepdims=True), transforms.max(axis=(1, 2), keepdims=True)
    area = ((transforms - lowest) / (highest - lowest)).sum(axis=(1, 2))
    _assert_fills(np.sqrt(area / (picture / 255).sum()), SCALE, rounding=0.01)


def test_the_picture_is_resampled_once():
    """Bilinear resampling at random places keeps (2/3)² of the variance of white noise, and less a second time."""
    noise = np.random.default_rng(0).integers(90, 161, (64, 64), dtype=np.uint8)
    kept = _many(noise)[:, 8:-8, 8:-8].var(axis=(1, 2)).mean() / noise.var()
    grey_maps = np.prod([1 + (high - low) ** 2 / 12 for low, high in (BRIGHTNESS, CONTRAST)])
    assert abs(kept / grey_maps - 4 / 9) < 0.05


@pytest.mark.parametrize(
    ("images", "received"),
    [
        (np.zeros((1, 48, 48), np.uint8), r"uint8 \(1, 48, 48\)"),
        (np.zeros((1, 48, 48, 1)), r"float64 \(1, 48, 48, 1\)"),
        (np.zeros((1, 0, 48, 1), np.uint8), r"uint8 \(1, 0, 48, 1\)"),
    ],
)
def test_images_of_another_kind_are_refused(images, received):
    with pytest.raises(ValueError, match=rf"images must be uint8 \(n, h, w, c\) .* Received: {received}$"):
        make_transforms(images, 1, seed=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": -1}, "count must be 0 or more. Received: -1"),
        ({"seed": -2}, "seed must be 0 or more. Received: -2"),
        ({"numbers": np.arange(3)}, r"numbers must be int64 \(2,\). Received: int64 \(3,\)"),
        ({"numbers": np.arange(2.0)}, r"numbers must be int64 \(2,\). Received: float64 \(2,\)"),
        ({"numbers": np.array([4, -7])}, r"numbers must be 0 or more, numbers\[1\] is not. Received: -7"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_transforms(_noise(2, 8, 8, 1), **{"count": 1, "seed": 0, **arguments})


def test_without_strength_nothing_changes_but_left_and_right():
    images = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 1), np.uint8)
    for image, transforms in zip(images, make_transforms(images, 6, 0, strength=0), strict=True):
        for made in transforms:
            assert np.array_equal(made, image) or np.array_equal(made, image[:, ::-1])


@pytest.mark.parametrize("strength", [-0.1, 5])
def test_a_strength_out_of_bounds_is_refused(strength):
    with pytest.raises(ValueError, match=rf"strength must be between 0 and 4\.5\. Received: {strength}"):
        make_transforms(np.zeros((1, 4, 4, 1), np.uint8), 1, 0, strength=strength)
