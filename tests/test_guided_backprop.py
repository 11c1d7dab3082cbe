"""Guided back-propagation of classes and layers: which gradients rectifiers let down, against hand-computed cases."""

import keras
import numpy as np
import pytest
from keras import layers

from fer_lib import models
from fer_lib.gradcam import guided_backprop, guided_backprop_of_layer

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


LEAKY = {
    "LeakyReLU": lambda: layers.LeakyReLU(negative_slope=0.1),
    "Activation": lambda: layers.Activation("leaky_relu"),
    "PReLU": lambda: layers.PReLU("ones"),
    "PReLU that falls": lambda: layers.PReLU(keras.initializers.Constant(-3.0)),
}


@pytest.mark.parametrize("rectifier", LEAKY)
def test_negative_inputs_let_no_gradient_down_whatever_their_slope(rectifier):
    inputs = keras.Input((3, 3, 1))
    x = layers.GlobalAveragePooling2D()(LEAKY[rectifier]()(layers.Conv2D(1, 1, name="shift")(inputs)))
    model = keras.Model(inputs, layers.Dense(2, use_bias=False, name="classes")(x))
    model.get_layer("shift").set_weights([np.ones((1, 1, 1, 1)), np.array([-0.25])])
    model.get_layer("classes").set_weights([np.array([[9.0, -9.0]])])
    np.testing.assert_allclose(guided_backprop(model, PIXELS, 0), PIXELS > 0.25, atol=1e-6)
    np.testing.assert_array_equal(guided_backprop(model, PIXELS, 1), 0)


SLOPES = np.array([[[0.5, -1.0], [4.0, 2.0], [0.0, -0.5]], [[1.0, 1.0], [-2.0, 0.0], [0.3, -4.0]], [[9.0, 0.2]] * 3])
"""Of channels x and -x, by position."""


def make_sloped(second_slope):
    """x -> channels x and -x, PReLU -> 2 a - 3 b + 1, PReLU -> average is the score."""
    model = make_rectified(RECTIFIERS["PReLU"], 1.0)
    first, second = (layer for layer in model.layers if isinstance(layer, layers.PReLU))
    first.set_weights([SLOPES])
    second.set_weights([np.full((3, 3, 1), second_slope)])
    return model


@pytest.mark.parametrize("second_slope", [-2.0, 0.0, 0.5, 3.0])
def test_slopes_of_each_position_decide_which_units_are_active_and_nothing_else(second_slope):
    """Where x > 0 channel x is active, and 2 / 9 comes down where the second unit is active too.

    That is fed 2 x + 3 s x + 1, s being the slope of channel -x. Where x < 0 the active channel is -x; its gradient,
    -3 / 9, is stopped.
    """
    x = PIXELS[0, ..., 0]
    fed = np.where(x > 0, 2 * x + 3 * SLOPES[..., 1] * x, 2 * SLOPES[..., 0] * x + 3 * x) + 1
    expected = np.where((x > 0) & (fed > 0), 2 / 9, 0)
    assert fed[0, 0] == -1 and fed[1, 2] == -9 and np.count_nonzero(expected) == 2  # of four positive pixels
    guided = guided_backprop(make_sloped(second_slope), PIXELS)
    np.testing.assert_allclose(guided[0, ..., 0], expected, atol=1e-6)


def prelu_names(model):
    return [layer.name for layer in model.layers if isinstance(layer, layers.PReLU)]


def test_the_strongest_channel_of_a_layer_is_each_images_own():
    """Channel x is the strongest where pixels are above zero in the mean, -x where they are below."""
    images = np.concatenate([PIXELS + 1, PIXELS - 1])
    model = make_sloped(0.5)
    model.get_layer(prelu_names(model)[0]).set_weights([np.zeros((3, 3, 2))])
    linear = guided_backprop_of_layer(model, images, "rectified1")  # the convolution before it is rectified
    np.testing.assert_allclose(linear, np.stack([np.full((3, 3, 1), 1 / 9), np.full((3, 3, 1), -1 / 9)]), atol=1e-6)
    rectified = guided_backprop_of_layer(model, images, prelu_names(model)[0])
    expected = [np.where(images[0] > 0, 1 / 9, 0), np.where(images[1] < 0, -1 / 9, 0)]
    np.testing.assert_allclose(rectified, np.stack(expected), atol=1e-6)
    assert 0 < np.count_nonzero(rectified[0]) < 9 and 0 < np.count_nonzero(rectified[1]) < 9


def test_the_strongest_channel_is_that_of_the_activations_with_their_slopes():
    """Rectified, -x is 4.2 / 9 in the mean and x 2.4 / 9, but 23.4 / 9 with its slopes of -5."""
    image = np.where(np.eye(3) > 0, -1.4, 0.4).astype(np.float32)[None, ..., None]  # mean -0.2
    model = make_sloped(0.5)
    name = prelu_names(model)[0]
    model.get_layer(name).set_weights([np.broadcast_to([-5.0, 0.0], (3, 3, 2))])
    np.testing.assert_allclose(guided_backprop_of_layer(model, image, name), np.where(image > 0, 1 / 9, 0), atol=1e-6)


def test_what_lies_above_a_layer_does_not_matter_and_what_lies_below_guides():
    """The second unit is 2 relu(x) - 3 relu(-x) + 1, rectified: 2 / 9 where x > 0, for -3 / 9 is stopped."""
    expected = np.where(PIXELS > 0, 2 / 9, 0)
    for weight in (1.0, -7.0):
        model = make_rectified(RECTIFIERS["activation"], weight)
        np.testing.assert_allclose(guided_backprop_of_layer(model, PIXELS, "rectified2"), expected, atol=1e-6)


@pytest.fixture(scope="module")
def separable():
    keras.utils.set_random_seed(0)
    model = models.build("separable", input_shape=(24, 24, 1), width=0.25, middle_blocks=1)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.PReLU):
            layer.set_weights([rng.normal(0.25, 0.5, layer.alpha.shape)])
    return model


def test_features_of_model_a_are_explained_at_every_depth(separable):
    images = np.random.default_rng(1).integers(0, 256, (65, 24, 24, 1), dtype=np.uint8)
    before = separable.get_weights()
    for name in ("block1_prelu1", "block8_add"):
        guided = guided_backprop_of_layer(separable, images, name)
        assert guided.shape == images.shape and guided.dtype == np.float32 and np.isfinite(guided).all()
        assert (np.abs(guided).max(axis=(1, 2, 3)) > 0).all()
    alone = guided_backprop_of_layer(separable, images[64:] / np.float32(255), name)
    np.testing.assert_allclose(alone[0], guided[64], atol=1e-5)
    for was, now in zip(before, separable.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)


def test_a_position_of_the_first_block_sees_three_pixels_a_side(separable):
    """Where only one unit of the first rectifier is active, the gradient is that of its 3x3 window."""
    black = np.zeros((1, 24, 24, 1), np.float32)
    spot = black.copy()
    spot[0, 12, 12] = 1.0
    changed = guided_backprop_of_layer(separable, spot, "block1_prelu1") != 0
    rows, columns = np.nonzero(changed[0, ..., 0])
    assert len(rows) and rows.min() >= 10 and rows.max() <= 14 and columns.min() >= 10 and columns.max() <= 14


@pytest.mark.parametrize(("layer", "received"), [("third", "'third'"), ("probabilities", "'probabilities'")])
def test_layers_that_are_not_there_or_have_no_positions_are_refused(separable, layer, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        guided_backprop_of_layer(separable, np.zeros((1, 24, 24, 1), np.uint8), layer)


def test_images_that_do_not_fit_are_refused(separable):
    with pytest.raises(ValueError, match=r"Received: uint8 \(1, 48, 48, 1\)"):
        guided_backprop_of_layer(separable, np.zeros((1, 48, 48, 1), np.uint8), "block1_prelu1")


def test_other_activations_are_not_guided():
    inputs = keras.Input((3, 3, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(1, 1, activation="tanh")(inputs))
    model = keras.Model(inputs, layers.Dense(1, use_bias=False)(x))
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), np.full((1, 1), -9.0)])
    np.testing.assert_allclose(guided_backprop(model, PIXELS), np.tanh(PIXELS) ** 2 - 1, atol=1e-5)
