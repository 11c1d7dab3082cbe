import keras
import numpy as np
import pytest
import tensorflow as tf
from warped_images import ALL, IMAGES

from fer_lib import models
from fer_lib.augmentation_layers import RandomWarp, random_layers, with_augmentation

TINY = {"filters": (2, 3), "dense_units": (6, 5)}


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)  # a network this small may be dead from the start
    return models.build("lenet_sfew", **TINY)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"horizontal_flip": False, "rotation_degrees": 0},
        {"batch_size": 4},
        {"shift_fraction": 0.0, "zoom_fraction": 0, "crop_side": 0, "horizontal_flip": False},
    ],
)
def test_without_augmentation_the_model_is_itself(model, settings):
    assert with_augmentation(model, settings) is model


@pytest.mark.parametrize(
    "settings",
    [
        {"horizontal_flip": True},
        {"rotation_degrees": 15},
        {"shift_fraction": 0.1},
        {"zoom_fraction": 0.1},
        {"crop_side": 44},
        ALL,
    ],
)
def test_augmentation_acts_in_training_alone(model, settings):
    augmented = with_augmentation(model, settings)
    np.testing.assert_array_equal(augmented(IMAGES, training=False), model(IMAGES))
    assert np.abs(augmented(IMAGES, training=True) - model(IMAGES)).max() > 0


@pytest.mark.parametrize("settings", [{"horizontal_flip": True, "rotation_degrees": 15}, ALL])
def test_weights_are_those_of_the_model_in_its_order(model, settings):
    augmented = with_augmentation(model, settings)
    for one, other in zip(augmented.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_flip_leaves_the_picture_or_mirrors_it():
    passed = keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Identity()])
    images = with_augmentation(passed, {"horizontal_flip": True})(IMAGES, training=True).numpy()
    mirrored = IMAGES[:, :, ::-1]
    kinds = {"left" if np.array_equal(a, b) else "mirrored" if np.array_equal(a, c) else "neither"
             for a, b, c in zip(images, IMAGES, mirrored, strict=True)}  # fmt: skip
    assert kinds == {"left", "mirrored"}


def test_augmentation_stays_in_float32_under_mixed_precision(model):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        augmented = with_augmentation(models.build("lenet_sfew", **TINY), {"rotation_degrees": 15})
    finally:
        keras.config.set_dtype_policy("float32")
    assert augmented.get_layer("rotation").compute_dtype == "float32"


def test_random_states_are_found_in_nested_models_too():
    dropout = models.build("lenet5", filters=(2, 3, 4), dense_units=(6, 5))
    augmented = with_augmentation(dropout, {"horizontal_flip": True, "rotation_degrees": 15})
    assert len(random_layers(dropout)) == 2
    assert len(random_layers(augmented)) == 4
    assert len({place for place, _ in random_layers(augmented)}) == 4


def test_flip_and_rotation_alone_are_keras_own_layers(model):
    first, second = with_augmentation(model, {"horizontal_flip": True, "rotation_degrees": 15}).layers[1:3]
    assert (type(first), type(second)) == (keras.layers.RandomFlip, keras.layers.RandomRotation)
    assert second.fill_mode == "constant" and second.factor == (-15 / 360, 15 / 360)


@pytest.mark.parametrize("named", ["shift_fraction", "zoom_fraction", "crop_side"])
def test_any_further_augmentation_makes_one_warp_of_all(model, named):
    augmented = with_augmentation(model, {"horizontal_flip": True, "rotation_degrees": 10, named: ALL[named]})
    assert [type(layer) for layer in augmented.layers[1:-1]] == [RandomWarp]
    assert [place for place, _ in random_layers(augmented)] == [1]  # after the input


def test_a_warp_fits_with_a_partial_batch_and_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.build("lenet_sfew", **TINY)
        augmented = with_augmentation(model, ALL)
    finally:
        keras.config.set_dtype_policy("float32")
    before = model.get_weights()
    augmented.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    history = augmented.fit(
        tf.data.Dataset.from_tensor_slices((IMAGES, np.arange(8) % 7)).batch(5), shuffle=False, verbose=0
    )
    assert np.isfinite(history.history["loss"]).all()
    assert any((one != other).any() for one, other in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shift_fraction": -0.1}, r"shift_fraction must be in \[0, 1\)\. Received: -0\.1$"),
        ({"zoom_fraction": 1}, r"zoom_fraction must be in \[0, 1\)\. Received: 1$"),
        ({"crop_side": 49}, r"crop_side must be at most the smaller side of images of 48×48\. Received: 49$"),
        ({"crop_side": -1}, r"crop_side must be a whole number of pixels, 0 or more\. Received: -1$"),
        ({"crop_side": 43.5}, r"crop_side must be a whole number of pixels, 0 or more\. Received: 43\.5$"),
        ({"crop_side": True}, r"crop_side must be a whole number of pixels, 0 or more\. Received: True$"),
        ({"crop_side": 44, "rotation_degrees": 200}, r"rotation_degrees must be between 0 and 180\. Received: 200$"),
    ],
)
def test_values_out_of_bounds_are_refused(model, settings, message):
    with pytest.raises(ValueError, match=message):
        with_augmentation(model, settings)
