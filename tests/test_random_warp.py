"""The geometry and the randomness of `RandomWarp`; how it comes before a network is in test_augmentation_layers."""

from contextlib import contextmanager

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from warped_images import ALL, IMAGES

from fer_lib.augmentation_layers import RandomWarp
from fer_lib.crops import ten_crops

MANY = 400


@contextmanager
def interpreted():
    """Run the warp operation by operation: no compilation for every new shape."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def warp(images, **arguments):
    return RandomWarp(**{"seed": 0, **arguments})(images, training=True).numpy()


def resized_crops(image, side):
    """Every crop of a picture at the picture's size: {(row, column): (h, w, c)}."""
    height, width, channels = image.shape
    return {
        (row, column): cv2.resize(image[row : row + side, column : column + side], (width, height)).reshape(image.shape)
        for row in range(height - side + 1)
        for column in range(width - side + 1)
    }


def test_a_crop_is_the_crop_resized_and_each_place_is_drawn():
    image = IMAGES[0]
    crops = resized_crops(image, 44)
    distances = [
        np.abs(warp(image[None].repeat(MANY, 0), crop_side=44) - crop).max((1, 2, 3)) for crop in crops.values()
    ]
    assert np.min(distances, axis=0).max() < 1e-4
    times = np.bincount(np.argmin(distances, axis=0), minlength=25)
    assert len(times) == 25 and times.min() >= 4 and times.max() <= 32  # 16 of each are expected


def test_a_crop_is_what_tensorflow_resizes_too():
    image = IMAGES[0]
    warped = warp(image[None], crop_side=31)[0]
    nearest = min(
        np.abs(tf.image.resize(image[row : row + 31, column : column + 31], (48, 48)).numpy() - warped).max()
        for row in range(18)
        for column in range(18)
    )
    assert nearest < 1e-4


@settings(max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(0, 99), st.data())
def test_crops_of_any_size_and_channels_are_resized_crops(height, width, channels, seed, data):
    side = data.draw(st.integers(1, min(height, width)))
    images = np.random.default_rng(seed).random((4, height, width, channels), np.float32)
    with interpreted():
        warped = warp(images, crop_side=side, seed=seed)
    for image, result in zip(images, warped, strict=True):
        assert min(np.abs(crop - result).max() for crop in resized_crops(image, side).values()) < 1e-4


def test_the_test_time_crops_are_among_those_of_training():
    image = np.random.default_rng(0).integers(0, 256, (1, 48, 48, 1), np.uint8)
    trained = 255 * warp(np.float32(image / 255).repeat(MANY, 0), crop_side=44, horizontal_flip=True)
    for view in ten_crops(image, 44):
        assert np.abs(trained - view).max((1, 2, 3)).min() < 0.51


def test_a_warp_of_nothing_is_the_identity():
    np.testing.assert_array_equal(warp(IMAGES), IMAGES)


def test_a_flip_is_exact_and_its_own_inverse():
    image = IMAGES[:1].repeat(MANY, 0)
    once = warp(image, horizontal_flip=True)
    mirrored = (once == image[:, :, ::-1]).all((1, 2, 3))
    assert ((once == image).all((1, 2, 3)) ^ mirrored).all()
    assert abs(mirrored.mean() - 0.5) < 0.08
    np.testing.assert_array_equal(warp(once, horizontal_flip=True), image)  # the same seed mirrors the same ones


def coordinates(height, width):
    """A picture of two channels that hold each pixel's row and column."""
    return np.stack(np.indices((height, width)), axis=-1).astype(np.float32)


def fit_map(warped, positions_y, positions_x):
    """What a warped picture of coordinates says of the map: (2, 2) and (2,), from its middle, (row, column) both."""
    height, width = warped.shape[:2]
    rows, columns = (slice(size // 2 - 2, size // 2 + 2) for size in (height, width))
    places = np.stack(np.meshgrid(positions_y[rows], positions_x[columns], indexing="ij"), axis=-1).reshape(-1, 2)
    design = np.column_stack([places, np.ones(len(places))])
    solution, *_ = np.linalg.lstsq(design, warped[rows, columns].reshape(-1, 2).astype(np.float64))
    assert np.abs(design @ solution - warped[rows, columns].reshape(-1, 2)).max() < 1e-4
    return solution[:2].T, solution[2]


def window(length, side):
    """Where the pixels of a crop's enlargement lie in the crop."""
    return np.clip((np.arange(length) + 0.5) * side / length - 0.5, 0, side - 1)


@settings(max_examples=25)
@given(
    size=st.tuples(st.integers(24, 32), st.integers(-2, 2)).map(lambda drawn: (drawn[0], drawn[0] + drawn[1])),
    flip=st.booleans(),
    degrees=st.floats(0, 180),
    shift=st.floats(0, 0.1),
    zoom=st.floats(0, 0.1),
    margin=st.integers(0, 4),
    seed=st.integers(0, 2**31),
)
def test_the_warp_is_the_affine_map_asked_for_of_the_picture_mirrored_at_its_edges(
    size, flip, degrees, shift, zoom, margin, seed
):
    """SciPy resamples noise by the map that coordinates in two further channels tell of."""
    side = min(size) - margin
    noise = np.random.default_rng(seed).random((*size, 1), np.float32)
    image = np.concatenate([noise, coordinates(*size)], axis=-1)
    with interpreted():
        warped = warp(
            image[None].repeat(3, 0), horizontal_flip=flip, rotation_degrees=degrees, shift_fraction=shift,
            zoom_fraction=zoom, crop_side=side if margin else 0, seed=seed,
        )  # fmt: skip
    sides = (side, side) if margin else size
    y, x = (window(length, extent) for length, extent in zip(size, sides, strict=True))
    middle = (np.array(size) - 1) / 2
    for result in warped:
        matrix, offset = fit_map(result[..., 1:], y, x)
        scale = 1 / np.sqrt(abs(np.linalg.det(matrix)))
        turn = scale * matrix * [[1], [np.sign(np.linalg.det(matrix))]]
        np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-3)
        assert flip or np.linalg.det(matrix) > 0
        assert np.trace(turn) / 2 >= np.cos(np.radians(degrees)) - 1e-3
        assert 1 - zoom - 1e-3 <= scale <= 1 + zoom + 1e-3
        moved = np.linalg.solve(matrix, middle - offset) - middle  # of the picture's middle, in the crop
        room = np.array(size) - sides
        assert (moved <= shift * np.array(size) + 1e-2).all() and (moved >= -shift * np.array(size) - room - 1e-2).all()
        places = np.einsum("ij,jhw->ihw", matrix, np.stack(np.meshgrid(y, x, indexing="ij"))) + offset[:, None, None]
        expected = ndimage.map_coordinates(noise[..., 0], places, order=1, mode="reflect")
        assert np.abs(result[..., 0] - expected).max() < 2e-3


@pytest.mark.parametrize(
    ("named", "value", "measure", "bounds"),
    [
        ("rotation_degrees", 30, lambda matrix, moved: np.degrees(np.arctan2(matrix[0, 1], matrix[0, 0])), (-30, 30)),
        ("shift_fraction", 0.2, lambda matrix, moved: moved[0], (-0.2 * 24, 0.2 * 24)),
        ("shift_fraction", 0.2, lambda matrix, moved: moved[1], (-0.2 * 32, 0.2 * 32)),
        ("zoom_fraction", 0.3, lambda matrix, moved: 1 / matrix[1, 1], (0.7, 1.3)),
    ],
)
def test_each_augmentation_fills_its_range_evenly(named, value, measure, bounds):
    with interpreted():
        warped = warp(coordinates(24, 32)[None].repeat(MANY, 0), **{named: value})
    found = []
    for result in warped:
        matrix, offset = fit_map(result, np.arange(24), np.arange(32))
        found.append(measure(matrix, np.linalg.solve(matrix, [11.5, 15.5] - offset) - [11.5, 15.5]))
    margin = (bounds[1] - bounds[0]) / 25
    assert bounds[0] - 1e-3 <= min(found) <= bounds[0] + margin
    assert bounds[1] - margin <= max(found) <= bounds[1] + 1e-3
    assert abs(np.mean(found) - np.mean(bounds)) < 2 * margin
    assert abs(np.std(found) - (bounds[1] - bounds[0]) / np.sqrt(12)) < margin


def test_a_shift_by_whole_pixels_rolls_the_picture():
    """Of many shifts of a picture enlarged fourfold, those that come near whole pixels agree with `np.roll`."""
    fine = np.repeat(np.repeat(IMAGES[:1, 16:32, 16:32], 4, axis=1), 4, axis=2)
    image = np.concatenate([fine, coordinates(64, 64)[None]], axis=-1)
    with interpreted():
        warped = warp(image.repeat(MANY, 0), shift_fraction=0.05)
    shifts = np.array([32, 32]) - warped[:, 32, 32, 1:]
    near = np.abs(shifts - np.rint(shifts)).max(axis=1) < 0.04
    assert near.sum() >= 1
    for result, shift in zip(warped[near], np.rint(shifts[near]).astype(int), strict=True):
        rolled = np.roll(fine[0, ..., 0], shift, axis=(0, 1))
        assert np.abs(result[4:-4, 4:-4, 0] - rolled[4:-4, 4:-4]).max() < 0.1


@settings(max_examples=20)
@given(shift=st.floats(0, 0.99), zoom=st.floats(0, 0.9), degrees=st.floats(0, 180), seed=st.integers(0, 99))
def test_what_comes_in_from_far_outside_is_the_picture_without_a_seam(shift, zoom, degrees, seed):
    with interpreted():
        warped = warp(
            coordinates(20, 24)[None].repeat(8, 0), shift_fraction=shift, zoom_fraction=zoom, rotation_degrees=degrees,
            seed=seed,
        )  # fmt: skip
    assert warped.min() >= 0
    assert warped[..., 0].max() <= 19 and warped[..., 1].max() <= 23
    step = 1 / (1 - zoom) + 1e-3
    assert np.abs(np.diff(warped, axis=1)).max() <= step and np.abs(np.diff(warped, axis=2)).max() <= step


def test_the_picture_is_resampled_once():
    """Bilinear resampling at random places keeps (2/3)² of the variance of white noise, and less a second time."""
    noise = np.random.default_rng(0).random((MANY, 48, 48, 1), np.float32)
    kept = warp(noise, **ALL)[:, 4:-4, 4:-4].var(axis=(1, 2, 3)).mean() / noise.var()
    assert abs(kept - 4 / 9) < 0.03


def test_compiled_and_interpreted_warps_agree_in_every_pixel():
    images = np.random.default_rng(0).random((100, 48, 48, 1), np.float32)
    compiled = warp(images, **ALL)
    with interpreted():
        np.testing.assert_allclose(warp(images, **ALL), compiled, atol=1e-3)


def test_roundings_at_whole_pixels_never_pick_a_wrong_pixel():
    """All positions lie some roundings beside a whole pixel: compiled code that rounds them twice would differ."""
    images = np.random.default_rng(0).random((300, 48, 48, 1), np.float32)
    warped = warp(images, rotation_degrees=1e-5, zoom_fraction=1e-7, horizontal_flip=True)
    distances = [np.abs(warped - one).max((1, 2, 3)) for one in (images, images[:, :, ::-1])]
    assert np.min(distances, axis=0).max() < 1e-4


def test_all_channels_are_warped_as_one():
    with interpreted():
        np.testing.assert_array_equal(warp(IMAGES.repeat(3, -1), **ALL), warp(IMAGES, **ALL).repeat(3, -1))


def test_a_seed_gives_the_same_bytes_and_every_call_others():
    layer, other = RandomWarp(**ALL, seed=5), RandomWarp(**ALL, seed=6)
    first, second = (layer(IMAGES, training=True).numpy() for _ in range(2))
    assert (first != second).any() and (first != other(IMAGES, training=True).numpy()).any()
    np.testing.assert_array_equal(warp(IMAGES, **ALL, seed=5), first)


def test_the_state_of_an_epoch_gives_its_pictures_again():
    layer = RandomWarp(**ALL)
    drawn = []
    for state in ([3, 4], [5, 6], [3, 4]):
        layer.seed_generator.state.assign(np.array(state, np.uint32))
        drawn.append(layer(IMAGES, training=True).numpy())
    np.testing.assert_array_equal(drawn[0], drawn[2])
    assert (drawn[0] != drawn[1]).any()


def test_the_warp_stays_in_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        warped = RandomWarp(**ALL, seed=0)(IMAGES, training=True).numpy()
    finally:
        keras.config.set_dtype_policy("float32")
    assert warped.dtype == np.float32
    np.testing.assert_array_equal(warped, warp(IMAGES, **ALL))


def test_pictures_of_open_size_are_refused():
    with pytest.raises(ValueError, match=r"fixed height and width\. Received: \(None, None, 48, 1\)$"):
        RandomWarp(crop_side=44)(keras.Input((None, 48, 1)))
