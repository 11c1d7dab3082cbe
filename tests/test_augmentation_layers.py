import keras
import numpy as np
import pytest

from fer_lib import models
from fer_lib.augmentation_layers import random_layers, with_augmentation

TINY = {"filters": (2, 3), "dense_units": (6, 5)}
IMAGES = np.random.default_rng(0).random((8, 48, 48, 1), np.float32)


@pytest.fixture
def model():
    return models.build("lenet_sfew", **TINY)


@pytest.mark.parametrize("settings", [{}, {"horizontal_flip": False, "rotation_degrees": 0}, {"batch_size": 4}])
def test_without_augmentation_the_model_is_itself(model, settings):
    assert with_augmentation(model, settings) is model


@pytest.mark.parametrize("settings", [{"horizontal_flip": True}, {"rotation_degrees": 15}])
def test_augmentation_acts_in_training_alone(model, settings):
    augmented = with_augmentation(model, settings)
    np.testing.assert_array_equal(augmented(IMAGES, training=False), model(IMAGES))
    assert np.abs(augmented(IMAGES, training=True) - model(IMAGES)).max() > 0


def test_weights_are_those_of_the_model_in_its_order(model):
    augmented = with_augmentation(model, {"horizontal_flip": True, "rotation_degrees": 15})
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
