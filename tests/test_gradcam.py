"""Grad-CAM against hand-computed cases and finite differences; what both kinds of maps take and refuse."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from fer_lib import models
from fer_lib.fitting import dtype_policy
from fer_lib.gradcam import grad_cam, guided_backprop, last_convolution

SMALL = {
    "light_vgg": {"filters": (2, 3, 4), "dense_units": 5},
    "lenet5": {"filters": (2, 3, 4), "dense_units": (6, 5)},
    "lenet_sfew": {"filters": (4, 6), "dense_units": (30, 20)},
    "shallow": {"filters": (2, 3), "dense_units": (5,)},
    "vgg16_extended": {"width": 1 / 16, "dense_units": (5,)},
    "small_residual": {"width": 1 / 4, "head_units": (6, 5)},
    "separable": {"width": 1 / 16, "middle_blocks": 1},
}
"""Options that make a model small; the others are taken as they are, in one precision."""

PLUS_MINUS = np.array([[[[1.0, -1.0]]]])  # 1x1 convolution of one channel to x and -x
PIXELS = np.array([[2.0, -1.0, 0.5], [0.0, -4.0, 1.0], [3.0, 0.0, -2.0]], np.float32)[None, ..., None]


def make_plus_minus(weights, activation="softmax"):
    """Channels relu(x) and relu(-x), their averages weighted (2, classes): z_c = w_0c mean(x+) + w_1c mean(x-)."""
    inputs = keras.Input((3, 3, 1))
    x = layers.Conv2D(2, 1, activation="relu", use_bias=False, name="plus_minus")(inputs)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(np.shape(weights)[1], activation=activation, name="classes")(x))
    model.get_layer("plus_minus").set_weights([PLUS_MINUS])
    model.get_layer("classes").set_weights([np.array(weights, float), np.zeros(np.shape(weights)[1])])
    return model


def make_small_network(policy="float32", seed=0):
    with dtype_policy(policy):
        keras.utils.set_random_seed(seed)
        inputs = keras.Input((16, 16, 1))
        x = layers.Conv2D(6, 3, padding="same", activation="relu", name="first")(inputs)
        x = layers.BatchNormalization(name="norm")(layers.MaxPooling2D(2, name="pool")(x))
        shortcut = layers.Conv2D(8, 1, name="shortcut")(x)
        x = layers.Conv2D(8, 3, padding="same", name="second")(x)
        x = layers.ReLU(name="sum_relu")(layers.Add(name="sum")([x, shortcut]))
        x = layers.Dropout(0.5)(layers.Flatten()(layers.AveragePooling2D(2)(x)))
        outputs = layers.Dense(4, activation="softmax", dtype="float32", name="classes")(x)
    model = keras.Model(inputs, outputs)
    rng = np.random.default_rng(seed)  # biases and running averages are not what they begin as
    model.set_weights([w + rng.normal(0, 0.1, w.shape) * (w.ndim == 1) for w in model.get_weights()])
    return model


def draw_images(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_the_map_of_one_convolution_is_what_was_worked_out_by_hand():
    """The channels' weights are w_kc / 9, so the heat of class c is relu(w_0c x+ + w_1c x-) / 9 over its maximum."""
    model = make_plus_minus([[1.0, 2.0, -1.0], [0.0, 3.0, -2.0]])
    x = PIXELS[0, ..., 0]
    plus, minus = np.maximum(x, 0), np.maximum(-x, 0)
    maps = grad_cam(model, np.repeat(PIXELS, 3, axis=0), np.array([0, 1, 2]))
    np.testing.assert_allclose(maps[0], plus / 3, atol=1e-6)
    np.testing.assert_allclose(maps[1], (2 * plus + 3 * minus) / 12, atol=1e-6)
    np.testing.assert_array_equal(maps[2], 0)  # nothing speaks for this class


def test_the_gradient_is_that_of_the_score_before_the_softmax():
    """The probability of class 0 also grows where class 1 is spoken against; its score does not."""
    weights = [[1.0, 0.0], [0.0, -1.0]]
    minus = PIXELS[0, ..., 0] < 0
    (heat,) = grad_cam(make_plus_minus(weights), PIXELS, 0)
    assert minus.any() and (heat[minus] == 0).all() and heat.max() == 1
    for activation in ("linear", "sigmoid"):
        np.testing.assert_allclose(grad_cam(make_plus_minus(weights, activation), PIXELS, 0)[0], heat, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 60.0])
def test_a_network_that_is_sure_is_explained_like_one_that_is_not(scale):
    """Where the softmax is saturated its gradient is zero in float32."""
    weights = np.array([[1.0, -1.0], [0.5, 0.0]])
    expected = grad_cam(make_plus_minus(weights), PIXELS, 0)
    np.testing.assert_allclose(grad_cam(make_plus_minus(scale * weights), PIXELS, 0), expected, atol=1e-5)


@pytest.mark.parametrize("last", [layers.Softmax, lambda: layers.Activation("softmax")])
def test_a_softmax_may_be_a_layer_of_its_own(last):
    whole = make_plus_minus([[1.0, 2.0], [0.5, 3.0]])
    scores = make_plus_minus([[1.0, 2.0], [0.5, 3.0]], "linear")
    split = keras.Model(scores.input, last()(scores.output))
    np.testing.assert_array_equal(grad_cam(split, PIXELS, 1), grad_cam(whole, PIXELS, 1))
    np.testing.assert_array_equal(guided_backprop(split, PIXELS, 1), guided_backprop(whole, PIXELS, 1))


def test_maps_are_enlarged_bilinearly_to_the_size_of_the_input():
    inputs = keras.Input((4, 4, 1))
    x = layers.Conv2D(1, 2, strides=2, use_bias=False, name="quarter")(inputs)
    model = keras.Model(inputs, layers.Dense(1, use_bias=False)(layers.GlobalAveragePooling2D()(x)))
    model.set_weights([np.full((2, 2, 1, 1), 0.25), np.ones((1, 1))])
    quarters = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)
    image = np.kron(quarters, np.ones((2, 2), np.float32))[None, ..., None]
    blend = np.array([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])  # half-pixel centres
    np.testing.assert_allclose(grad_cam(model, image)[0], blend @ quarters @ blend.T / 3, atol=1e-6)


@pytest.mark.parametrize("layer", ["first", "pool", "norm", "sum_relu"])
def test_channel_weights_are_the_numeric_gradient_of_the_score(layer):
    """A channel raised by e everywhere raises the score by e times the sum of its gradient."""
    model, image, step = make_small_network(), draw_images((1, 16, 16, 1)), 1e-3
    kernel, bias = model.get_layer("classes").get_weights()
    before = keras.Model(model.input, model.get_layer(layer).output)
    after = keras.Model(model.get_layer(layer).output, model.get_layer("classes").input)
    features = before(image / np.float32(255)).numpy()
    count = features.shape[-1]
    raised = features + step * np.concatenate([np.eye(count), -np.eye(count)])[:, None, None].astype(np.float32)
    scores = after(raised).numpy().astype(float) @ kernel + bias
    weights = (scores[:count] - scores[count:]) / (2 * step) / features[0, ..., 0].size  # (channels, classes)
    heat = np.moveaxis(np.maximum(features[0] @ weights, 0), -1, 0)  # (classes, rows, columns)
    heat = keras.ops.image.resize(heat[..., None], (16, 16)).numpy()[..., 0]
    hottest = heat.max(axis=(1, 2), keepdims=True)
    assert (hottest > 1e-3).any()
    maps = grad_cam(model, np.repeat(image, 4, axis=0), np.arange(4), layer)
    np.testing.assert_allclose(maps, heat / np.maximum(hottest, 1e-9), atol=0.02)


def test_bytes_are_scaled_as_models_are_fed_and_floats_are_taken_as_they_are():
    model, images = make_small_network(), draw_images((3, 16, 16, 1))
    scaled = images / np.float32(255)
    for explain in (grad_cam, guided_backprop):
        np.testing.assert_array_equal(explain(model, images), explain(model, scaled))
        np.testing.assert_array_equal(explain(model, scaled.astype(np.float64)), explain(model, scaled))
    assert not np.allclose(guided_backprop(model, images.astype(np.float32)), guided_backprop(model, images))


def test_the_predicted_class_is_explained_where_none_is_named():
    model, images = make_small_network(), draw_images((20, 16, 16, 1))
    before = keras.Model(model.input, model.get_layer("classes").input)(images / np.float32(255)).numpy()
    kernel, _ = model.get_layer("classes").get_weights()
    model.get_layer("classes").set_weights([kernel, -(before @ kernel).mean(axis=0)])
    predicted = model(images / np.float32(255)).numpy().argmax(axis=1)
    assert len(set(predicted)) > 1
    for explain in (grad_cam, guided_backprop):
        np.testing.assert_array_equal(explain(model, images), explain(model, images, predicted))
        np.testing.assert_array_equal(explain(model, images, 2), explain(model, images, np.full(20, 2)))


def test_more_images_than_a_batch_are_explained_as_each_by_itself():
    model, images = make_small_network(), draw_images((131, 16, 16, 1))
    for explain in (grad_cam, guided_backprop):
        together = explain(model, images)
        assert together.dtype == np.float32 and len(together) == 131
        for place in (0, 63, 64, 130):
            np.testing.assert_allclose(explain(model, images[place : place + 1])[0], together[place], atol=1e-5)
        assert explain(model, images[:0]).shape == (0, *together.shape[1:])


class CountsImages(keras.layers.Layer):
    """The identity, which notes how many images it is given at a time."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def call(self, inputs):
        def note(count):
            self.seen.append(int(count))
            return count

        with tf.control_dependencies([tf.numpy_function(note, [tf.shape(inputs)[0]], tf.int32)]):
            return tf.identity(inputs)

    def compute_output_shape(self, shape):
        return shape


def test_64_images_are_explained_in_one_call_of_the_network():
    counted = CountsImages()
    inputs = keras.Input((16, 16, 1))
    features = layers.Conv2D(3, 3, name="last")(counted(inputs))
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(features)))
    for images, calls in ((64, [64]), (65, [64, 1])):
        counted.seen.clear()
        assert len(grad_cam(model, draw_images((images, 16, 16, 1)), 0)) == images
        assert counted.seen == calls


def test_the_model_given_stays_as_it_was():
    model, images = make_small_network(), draw_images((4, 16, 16, 1))
    model.compile("adam", "sparse_categorical_crossentropy")
    before, config, nodes = model.get_weights(), model.get_config(), count_nodes(model)
    plain = model(images / np.float32(255)).numpy()
    for explain in (grad_cam, guided_backprop, grad_cam):
        explain(model, images)
    for was, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
    assert model.get_config() == config and count_nodes(model) == nodes
    np.testing.assert_array_equal(model(images / np.float32(255)).numpy(), plain)


def count_nodes(model):
    return [len(layer._outbound_nodes) for layer in model.layers]


def test_frozen_and_loaded_models_are_explained_like_their_originals(tmp_path):
    model, images = make_small_network(), draw_images((4, 16, 16, 1))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for explain in (grad_cam, guided_backprop):
        expected = explain(model, images)
        assert expected.any()
        np.testing.assert_array_equal(explain(loaded, images), expected)
        loaded.trainable = False
        np.testing.assert_array_equal(explain(loaded, images), expected)


def test_a_sequential_model_is_explained_like_the_functional_one():
    model, images = make_plus_minus([[1.0, 2.0], [0.5, 3.0]]), draw_images((2, 3, 3, 1))
    sequential = keras.Sequential([keras.Input((3, 3, 1)), *map(type_of, model.layers[1:])])
    sequential.set_weights(model.get_weights())
    for explain in (grad_cam, guided_backprop):
        np.testing.assert_array_equal(explain(sequential, images), explain(model, images))


def type_of(layer):
    return type(layer).from_config(layer.get_config())


def test_both_precisions_give_float32_maps_that_agree():
    exact, mixed = make_small_network(), make_small_network("mixed_bfloat16")
    mixed.set_weights(exact.get_weights())
    images, classes = draw_images((8, 16, 16, 1)), np.arange(8) % 4
    assert str(mixed.get_layer("second").output.dtype) == "bfloat16"
    for layer in (None, "first"):
        maps = grad_cam(mixed, images, classes, layer)
        assert maps.dtype == np.float32
        np.testing.assert_allclose(maps, grad_cam(exact, images, classes, layer), atol=0.1)
    np.testing.assert_array_equal(guided_backprop(mixed, images, classes), guided_backprop(exact, images, classes))


LAST = {
    "efficientnetb0": ("top_activation", (2, 2)),  # batch norm and swish follow
    "lenet5": ("conv3", (12, 12)),  # its ReLU is its own; pooling follows
    "lenet_sfew": ("conv2", (18, 18)),
    "light_vgg": ("block3_conv3", (12, 12)),  # batch norm follows, then pooling
    "resnet50": ("conv5_block3_out", (2, 2)),  # batch norm, residual sum and ReLU follow
    "vgg16": ("block5_conv3", (3, 3)),
    "vgg19": ("block5_conv4", (3, 3)),
}


def every_case():
    for name in models.classifiers():
        if name in SMALL:
            yield from ((name, "float32"), (name, "mixed_bfloat16"))
        else:
            for policy in ("float32", "mixed_bfloat16"):
                yield pytest.param(name, policy, marks=pytest.mark.slow)


@pytest.mark.parametrize(("name", "policy"), list(every_case()))
def test_every_model_is_explained_under_either_precision_and_loaded_from_a_file(name, policy, tmp_path):
    with dtype_policy(policy):
        keras.utils.set_random_seed(0)
        model = models.build(name, classes=5, **SMALL.get(name, {}))
    images, classes = np.repeat(draw_images((1, 48, 48, 1)), 5, axis=0), np.arange(5)
    maps = grad_cam(model, images, classes)
    assert maps.shape == (5, 48, 48) and maps.dtype == np.float32
    assert maps.min() >= 0 and set(maps.max(axis=(1, 2))) <= {0, 1}
    assert maps.any()  # an untrained network may have nothing that speaks for a class, but not for every class
    found = last_convolution(model)
    shape = model.get_layer(found).output.shape[1:3]
    assert np.prod(shape) > 1 and (found, shape) == LAST.get(name, (found, shape))
    if policy != "float32":
        return  # guided copies are in float32 whatever the policy, and so is what runs save
    guided = guided_backprop(model, images[:2])
    assert guided.shape == (2, 48, 48, 1) and guided.dtype == np.float32 and np.isfinite(guided).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(grad_cam(loaded, images, classes), maps, atol=1e-5)
    np.testing.assert_allclose(guided_backprop(loaded, images[:2]), guided, atol=1e-5 * np.abs(guided).max())


def test_a_discriminator_is_explained_too_and_a_generator_has_no_class_to_explain():
    images = draw_images((4, 48, 48, 1))
    keras.utils.set_random_seed(0)
    discriminator = models.build("srgan_discriminator", filters=4, dense_units=8)
    maps, guided = grad_cam(discriminator, images, 0), guided_backprop(discriminator, images)
    assert maps.shape == (4, 48, 48) and maps.dtype == np.float32 and maps.any()
    assert guided.shape == images.shape and np.isfinite(guided).all() and guided.any()
    generator = models.build("srgan_generator", filters=4, blocks=1)
    with pytest.raises(ValueError, match=r"to \(n, classes\)\. Received: 'srgan_generator'"):
        grad_cam(generator, images)


def test_convolutions_with_a_single_position_are_passed_over():
    model = models.build("vgg19", input_shape=(32, 32, 1))
    assert last_convolution(model) == "block5_conv4"
    assert last_convolution(model, 36) == "block3_conv4"  # 8x8; block 4 has 4x4
    small = make_small_network()
    assert last_convolution(small) == "sum_relu" and last_convolution(small, 65) == "first"


def make_nested():
    inputs = keras.Input((16, 16, 1))
    return keras.Model(inputs, make_small_network()(inputs))


def make_without_convolution():
    inputs = keras.Input((16, 16, 1))
    return keras.Model(inputs, layers.Dense(4)(layers.Flatten()(inputs)))


IMAGES = draw_images((2, 16, 16, 1))


@pytest.mark.parametrize(
    ("explain", "received"),
    [
        (lambda model: grad_cam(model, IMAGES, layer="third"), "'third'"),
        (lambda model: grad_cam(model, IMAGES, layer="classes"), "'classes'"),
        (lambda model: grad_cam(model, IMAGES, 4), "4"),
        (lambda model: grad_cam(model, IMAGES, [0, -1]), "-1"),
        (lambda model: grad_cam(model, IMAGES, [0, 1, 2]), r"int64 \(3,\)"),
        (lambda model: guided_backprop(model, IMAGES, [0.0, 1.0]), r"float64 \(2,\)"),
        (lambda model: grad_cam(model, IMAGES[..., 0]), r"uint8 \(2, 16, 16\)"),
        (lambda model: grad_cam(model, IMAGES[:, :8]), r"uint8 \(2, 8, 16, 1\)"),
        (lambda model: guided_backprop(model, IMAGES.astype(np.int64)), r"int64 \(2, 16, 16, 1\)"),
        (lambda model: guided_backprop(model, np.where(IMAGES, 1.0, np.nan)), "nan"),
        (lambda model: grad_cam(make_nested(), IMAGES), "'functional.*"),
        (lambda model: grad_cam(keras.Model(model.input, model.get_layer("sum").output), IMAGES), "'functional.*"),
        (lambda model: grad_cam(make_without_convolution(), IMAGES), "'functional.*"),
        (
            lambda model: grad_cam(keras.Model(model.input, keras.ops.softmax(model.output)), IMAGES),
            ".* ends with an operation",
        ),
    ],
)
def test_what_cannot_be_explained_is_refused(explain, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        explain(make_small_network())
