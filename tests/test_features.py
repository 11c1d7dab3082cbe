import keras
import numpy as np
import pytest
import tensorflow as tf
from built_models import LARGE, built
from keras import layers

from fer_lib import models
from fer_lib.augmentation_layers import with_augmentation
from fer_lib.fitting import dtype_policy
from fer_lib.layers import with_fast_kernels
from fer_lib.models.features import feature_model

SMALL = {
    "light_vgg": {"filters": (2, 3, 4), "dense_units": 5},
    "lenet5": {"filters": (2, 3, 4), "dense_units": (6, 5)},
    "lenet_sfew": {"filters": (2, 3), "dense_units": (6, 5)},
    "separable": {"width": 1 / 16, "middle_blocks": 1},
    "shallow": {"filters": (2, 3), "dense_units": (5,)},
    "vgg16_extended": {"width": 1 / 64, "dense_units": (5,)},
    "small_residual": {"width": 1 / 4, "head_units": (6, 5)},
}
IMAGES = np.random.default_rng(0).random((4, 48, 48, 1), np.float32)


def convolutional(*, dropout_rate=0.0, kernel=1):
    """A network that ends like Model A: a convolution to the classes, averaged over positions."""
    keras.utils.set_random_seed(0)
    images = keras.Input((6, 6, 1))
    x = layers.Conv2D(5, 3, activation="relu", name="maps")(images)
    x = layers.Dropout(dropout_rate)(x)
    x = layers.Conv2D(3, kernel, padding="same", name="classes")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Activation("softmax", dtype="float32")(x), name="convolutional")


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", [name for name in models.classifiers() if name not in {*LARGE, "separable"}])
def test_the_last_layer_makes_the_probabilities_of_the_features(name):
    keras.utils.set_random_seed(0)
    model = with_fast_kernels(models.build(name, **SMALL.get(name, {})))
    features = feature_model(model)(IMAGES).numpy()
    kernel, bias = model.get_weights()[-2:]
    assert features.std() > 0
    logits = features @ kernel + bias
    if name == "lenet_sfew":  # the paper has a ReLU before the softmax
        logits = np.maximum(logits, 0)
    np.testing.assert_allclose(softmax(logits), model(IMAGES), atol=1e-5)


def test_a_convolution_of_one_pixel_makes_the_probabilities_of_the_averaged_maps():
    model = convolutional()
    features = feature_model(model)(IMAGES[:, :6, :6]).numpy()
    kernel, bias = model.get_layer("classes").get_weights()
    assert features.std() > 0
    np.testing.assert_allclose(softmax(features @ kernel[0, 0] + bias), model(IMAGES[:, :6, :6]), atol=1e-6)


def test_features_of_model_a_are_its_last_1024_maps_averaged_over_positions():
    with dtype_policy("mixed_bfloat16"):
        model = models.build("separable")
    assert feature_model(model).output.shape == (None, 1024)
    maps = keras.Model(model.inputs[0], model.get_layer("block10_conv").input)(IMAGES)
    expected = np.asarray(tf.cast(maps, tf.float32), np.float64).mean(axis=(1, 2))
    np.testing.assert_allclose(feature_model(model)(IMAGES), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", models.classifiers())
def test_features_of_every_model_are_float32_vectors_in_mixed_precision(name):
    if name in LARGE:
        model = built(name)
    else:
        with dtype_policy("mixed_bfloat16"):
            model = models.build(name, **SMALL.get(name, {}))
    features = feature_model(model)
    values = features(IMAGES)
    assert values.dtype == tf.float32
    assert values.shape == (len(IMAGES), features.output.shape[1])


def test_features_follow_the_weights_of_the_classifier():
    model = convolutional()
    features = feature_model(model)
    before = features(IMAGES[:, :6, :6]).numpy()
    model.set_weights([2 * weight for weight in model.get_weights()])
    np.testing.assert_allclose(features(IMAGES[:, :6, :6]), 2 * before, rtol=1e-5)


def test_dropout_before_the_last_layer_does_not_touch_the_features():
    model = convolutional(dropout_rate=0.9, kernel=3)
    features = feature_model(model)
    images = IMAGES[:, :6, :6]
    assert np.abs(model(images, training=True) - model(images)).max() > 0
    np.testing.assert_array_equal(features(images, training=True), features(images))


def ending_in(*last):
    return keras.Sequential([keras.Input((6, 6, 1)), *last], name="small")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (ending_in(layers.Flatten(), layers.Dense(3)), r"at least two layers .* Received: \['dense"),
        (ending_in(layers.Conv2D(2, 3), layers.Conv2D(3, 3), layers.PReLU()), r"Dense or Conv2D. Received: 'p_re_lu"),
        (ending_in(layers.Reshape((6, 6)), layers.Dense(4), layers.Dense(3)), r"Received: \(None, 6, 4\)"),
    ],
)
def test_models_without_such_features_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        feature_model(model)


def test_a_nested_graph_is_refused():
    model = with_augmentation(convolutional(), {"horizontal_flip": True})
    with pytest.raises(ValueError, match=r"one flat graph\. Received: models \['convolutional'\]"):
        feature_model(model)
