"""Guided back-propagation: which gradients each kind of rectifier lets down, against hand-computed cases."""

import keras
import numpy as np
import pytest
from keras import layers

from fer_lib.gradcam import guided_backprop

PLUS_MINUS = np.array([[[[1.0, -1.0]]]])  # 1x1 convolution of one channel to x and -x
PIXELS = np.array([[2.0, -1.0, 0.5], [0.0, -4.0, 1.0], [3.0, 0.0, -2.0]], np.float32)[None, ..., None]


def make_rectified(make_rectifier, weight):
    """x -> two channels x and -x, rectified -> 2 a - 3 b + 1, rectified -> average times `weight` is the score."""
    inputs = keras.Input((3, 3, 1))
    x = make_rectifier(2, "rectified1")(inputs)
    x = layers.GlobalAveragePooling2D()(make_rectifier(1, "rectified2")(x))
    model = keras.Model(inputs, layers.Dense(1, use_bias=False)(x))
    second = [np.array([[[[2.0], [-3.0]]]]), np.ones(1)]
    kernels = [PLUS_MINUS, np.zeros(2), *second, np.full((1, 1), weight)]
    model.set_weights([*kernels[:2], *find_slopes(model, 0), *kernels[2:4], *find_slopes(model, 1), kernels[4]])
    return model


def find_slopes(model, place):
    slopes = [layer for layer in model.layers if isinstance(layer, layers.PReLU)]
    return slopes[place].get_weights() if slopes else []


def with_activation(filters, name):
    return layers.Conv2D(filters, 1, activation="relu", name=name)


def with_layer(make_layer):
    return lambda filters, name: lambda x: make_layer()(layers.Conv2D(filters, 1, name=name)(x))


RECTIFIERS = {
    "activation": with_activation,
    "ReLU": with_layer(layers.ReLU),
    "Activation": with_layer(lambda: layers.Activation("relu")),
    "PReLU": with_layer(layers.PReLU),  # slopes begin at 0
    "LeakyReLU": with_layer(lambda: layers.LeakyReLU(negative_slope=0.0)),
}


@pytest.mark.parametrize("rectifier", RECTIFIERS)
def test_guided_gradients_are_what_was_worked_out_by_hand(rectifier):
    """Where x > 0 the gradient 2 / 9 comes down through channel x; through channel -x comes -3 / 9, which is stopped.

    So it is zero where x <= 0, although the plain gradient is 3 / 9 where -1/3 < x < 0.
    """
    images = np.where(PIXELS == -1, -0.2, PIXELS).astype(np.float32)
    guided = guided_backprop(make_rectified(RECTIFIERS[rectifier], 1.0), images)
    np.testing.assert_allclose(guided, np.where(images > 0, 2 / 9, 0), atol=1e-6)
    against = guided_backprop(make_rectified(RECTIFIERS[rectifier], -1.0), images)
    np.testing.assert_array_equal(against, 0)


def test_the_slope_of_a_leaky_rectifier_stands_where_relu_has_zero():
    inputs = keras.Input((3, 3, 1))
    x = layers.GlobalAveragePooling2D()(layers.LeakyReLU(negative_slope=0.1)(layers.Conv2D(1, 1)(inputs)))
    model = keras.Model(inputs, layers.Dense(2, use_bias=False)(x))
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), np.array([[9.0, -9.0]])])
    images = PIXELS - 0.25
    np.testing.assert_allclose(guided_backprop(model, images, 0), np.where(images > 0, 1, 0.1), atol=1e-6)
    np.testing.assert_array_equal(guided_backprop(model, images, 1), 0)


def test_other_activations_are_not_guided():
    inputs = keras.Input((3, 3, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(1, 1, activation="tanh")(inputs))
    model = keras.Model(inputs, layers.Dense(1, use_bias=False)(x))
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), np.full((1, 1), -9.0)])
    np.testing.assert_allclose(guided_backprop(model, PIXELS), np.tanh(PIXELS) ** 2 - 1, atol=1e-5)
