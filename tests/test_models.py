import math
from itertools import product

import keras
import numpy as np
import pytest
from built_models import LARGE, built

from fer_lib import models
from fer_lib.fitting import dtype_policy
from fer_lib.layers import with_fast_kernels
from fer_lib.models.blocks import block_names
from fer_lib.models.census import count_parameters
from fer_lib.sample import load_sample


def perceptron(*widths):
    """Parameters of dense layers from the first width to the last."""
    return sum(before * after + after for before, after in zip(widths, widths[1:], strict=False))


HEAD = (256, 128, 7)
PAIRS = 9 * (1 * 32 + 32 * 32 + 32 * 64 + 64 * 64) + 2 * 32 + 2 * 64
RESIDUAL = 9 * (3 * 16 + 2 * 16 * 16 + 16 * 32 + 32 * 32 + 32 * 64 + 3 * 64 * 64) + 16 * 32 + 32 * 64

# name, options, parameters in all, in convolutions
PUBLISHED = [
    ("light_vgg", {}, 776_519, 480_192),  # ../shared/papers/README.md: same padding
    ("light_vgg", {"dropout_rate": 0.0}, 776_519, 480_192),
    ("light_vgg", {"batch_norm": False}, 776_519 - 4 * (32 + 64 + 128), 480_192),
    ("lenet_sfew", {}, 169_271, 5 * 5 * 3 * 6 + 6 + 5 * 5 * 6 * 16 + 16),  # the same: LeNet-5's widths, 120 and 84
    ("lenet5", {}, 1_307_271, 9 * (32 + 32 * 64 + 64 * 128) + 32 + 64 + 128),
    ("vgg19", {}, 20_024_384 + perceptron(512, *HEAD), 20_024_384),
    ("vgg16", {}, 14_714_688 + perceptron(512, *HEAD), 14_714_688),
    # 25,636,712 with the 1000-way top; batch norms of 26,560 channels in the base
    ("resnet50", {}, 25_636_712 - perceptron(2048, 1000) + perceptron(2048, *HEAD), 23_587_712 - 4 * 26_560),
    # keras.io: 4,049,571 without top, 42,023 of them not trainable: those of the batch norms, and 7 to normalise pixels
    ("efficientnetb0", {}, 4_049_571 + perceptron(1280, *HEAD), 4_049_571 - 2 * (42_023 - 7) - 7),
    ("separable", {}, 2_720_439, 2_189_367),  # Liu, Zhang and Xin, Table 1
    ("shallow", {}, PAIRS + 4 * (32 + 64) + perceptron(12 * 12 * 64, 256, 7), PAIRS),
    (
        "vgg16_extended",
        {},
        14_714_688 + 2 * (9 * 512 * 512 + 512 + 4 * 512) + perceptron(2048, 256, 7),
        14_714_688 + 2 * (9 * 512 * 512 + 512),
    ),
    ("small_residual", {}, 152_304 + perceptron(64, *HEAD), RESIDUAL),
]
TINY = {
    "light_vgg": {"filters": (2, 3, 4), "dense_units": 5},
    "lenet5": {"filters": (2, 3, 4), "dense_units": (6, 5)},
    "lenet_sfew": {"filters": (2, 3), "dense_units": (6, 5)},
    "shallow": {"filters": (2, 3), "dense_units": (5,)},
    "vgg16_extended": {"width": 1 / 64, "dense_units": (5,)},
    "small_residual": {"width": 1 / 4, "head_units": (6, 5)},
    "separable": {"width": 1 / 16, "middle_blocks": 1},
}
BASES = {"vgg16": 14_714_688, "resnet50": 23_587_712, "efficientnetb0": 4_049_571, "small_residual": 152_304}


def small_or_shared(name):
    return built(name) if name in LARGE else models.build(name, **TINY[name])


@pytest.mark.parametrize(("name", "options", "parameters", "convolutions"), PUBLISHED)
def test_published_parameter_counts(name, options, parameters, convolutions):
    counted = count_parameters(built(name) if name in LARGE else models.build(name, **options))
    assert (counted["parameters"], counted["convolution_parameters"]) == (parameters, convolutions)


@pytest.mark.parametrize(("name", "parameters"), BASES.items())
def test_published_parameter_counts_of_the_base_alone(name, parameters):
    model = built(name) if name in LARGE else models.build(name)
    base = [model.get_layer(layer) for block in block_names(model)[1:] for layer in block]
    assert sum(math.prod(weight.shape) for layer in base for weight in layer.weights) == parameters


def test_every_model_is_in_the_tables():
    assert set(models.classifiers()) == {*TINY, *LARGE} == {row[0] for row in PUBLISHED}


@pytest.mark.parametrize(("name", "classes"), [*product(TINY, (3, 7)), *product(LARGE, (7,))])
def test_model_gives_probabilities_in_float32_even_in_mixed_precision(name, classes):
    if name in LARGE:
        model = built(name)
    else:
        with dtype_policy("mixed_bfloat16"):
            model = models.build(name, classes=classes, **TINY[name])
    probabilities = model(np.random.default_rng(0).random((2, 48, 48, 1), np.float32)).numpy()
    assert probabilities.shape == (2, classes) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", models.classifiers())
def test_model_is_one_flat_graph_of_layers_that_load_without_this_package(name):
    layers = small_or_shared(name).layers
    assert not [layer for layer in layers if isinstance(layer, keras.Model)]
    assert {type(layer).__module__.split(".")[0] for layer in layers} == {"keras"}
    assert "Lambda" not in {type(layer).__name__ for layer in layers}


@pytest.mark.parametrize("name", [*TINY, "efficientnetb0"])
def test_clone_with_fast_kernels_computes_the_same(name):
    model = small_or_shared(name)
    images = np.random.default_rng(0).random((2, 48, 48, 1), np.float32)
    np.testing.assert_allclose(with_fast_kernels(model)(images), model(images), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in TINY if name != "lenet_sfew"])
def test_list_from_a_card_serves_as_shape_and_widths(name):
    options = {option: list(value) if isinstance(value, tuple) else value for option, value in TINY[name].items()}
    assert models.build(name, input_shape=[32, 40, 1], **options).output.shape == (None, 7)


@pytest.mark.parametrize(("dropout_rate", "expected"), [(0.5, [0.5]), (0.0, [])])
def test_light_vgg_without_dropout_has_no_such_layer(dropout_rate, expected):
    layers = models.build("light_vgg", dropout_rate=dropout_rate).layers
    assert [layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)] == expected


def test_light_vgg_normalises_once_per_block_before_the_pooling():
    kinds = [type(layer).__name__ for layer in models.build("light_vgg").layers[1:16]]
    assert kinds == ["Conv2D", "Conv2D", "Conv2D", "BatchNormalization", "MaxPooling2D"] * 3


def test_lenet_of_sfew_halves_its_maps_as_printed():
    layers = models.build("lenet_sfew").layers
    shapes = [layer.output.shape[1:3] for layer in layers if layer.name.startswith(("conv", "pool"))]
    assert shapes == [(44, 44), (22, 22), (18, 18), (9, 9)]
    assert [layer.name for layer in layers[3:9]] == ["conv1", "pool1", "relu1", "conv2", "pool2", "relu2"]


def test_lenet_of_sfew_subtracts_the_mean_it_is_given():
    first, second = (models.build("lenet_sfew", mean=mean) for mean in (0.0, 0.25))
    second.set_weights(first.get_weights())
    images = np.random.default_rng(0).random((3, 48, 48, 1), np.float32)
    np.testing.assert_allclose(second(images), first(images - 0.25), atol=1e-6)


def test_unknown_model_names_the_known():
    with pytest.raises(ValueError, match=r"must be one of .*light_vgg.* Received: 'resnet9000'"):
        models.build("resnet9000")


def test_unknown_option_names_the_known():
    with pytest.raises(ValueError, match=r"options of 'light_vgg' must be among .* Received: \['droput'\]"):
        models.build("light_vgg", droput=0.5)


def test_shallow_network_has_two_pairs_each_with_pooling_batch_norm_and_dropout():
    model = models.build("shallow", dropout_rate=0.4, dense_units=(6, 5))
    kinds = [type(layer).__name__ for layer in model.layers[1:]]
    pair = ["Conv2D", "Conv2D", "MaxPooling2D", "BatchNormalization", "Dropout"]
    assert kinds == [*pair, *pair, "Flatten", "Dense", "Dense", "Dense"]
    assert {layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)} == {0.4}


def test_extended_vgg16_is_vgg16_with_two_convolutions_in_place_of_its_last_pooling():
    model = models.build("vgg16_extended", **TINY["vgg16_extended"])
    of_vgg16 = [layer.name for layer in built("vgg16").layers if layer.name.startswith("block")]
    own = [layer.name for layer in model.layers if layer.name.startswith("block")]
    assert own[: len(of_vgg16) - 1] == of_vgg16[:-1] and of_vgg16[-1] == "block5_pool"
    added = own[len(of_vgg16) - 1 :]
    assert added == [f"block6_{part}{number}" for number in (1, 2) for part in ("conv", "bn", "relu")] + ["block6_pool"]
    maps = [model.get_layer(name).output.shape[1:3] for name in ("block5_conv3", "block6_conv2", "block6_pool")]
    assert maps == [(3, 3), (3, 3), (2, 2)]


@pytest.mark.parametrize(
    ("name", "options", "last", "low", "high"),
    [
        ("vgg16_extended", {"width": 1 / 4}, "block5_conv3", 0.02, 10),
        ("vgg16", {"pixels": "unit", "kernel_initializer": "he_normal"}, "block5_conv3", 0.02, 10),
        ("vgg19", {"pixels": "unit", "kernel_initializer": "he_normal"}, "block5_conv4", 0.02, 10),
        ("vgg16", {"pixels": "unit"}, "block5_conv3", 0, 1e-3),
        ("vgg19", {"pixels": "unit"}, "block5_conv4", 0, 1e-3),
    ],
)
def test_faces_still_differ_at_the_end_of_an_untrained_vgg_if_its_kernels_are_hes(name, options, last, low, high):
    """Of the spread between images Keras' default leaves less than a thousandth."""
    keras.utils.set_random_seed(0)
    model = models.build(name, **options)
    images = load_sample().train.images[:16] / np.float32(255)
    for network in (model, keras.models.clone_model(model)):
        values = keras.Model(network.input, network.get_layer(last).output).predict(images, verbose=0)
        spread = [float(np.std(found - found.mean(axis=0))) for found in (images, values)]
        assert low < spread[1] / spread[0] < high


@pytest.mark.parametrize("name", ["vgg16_extended", "small_residual", "resnet50", "vgg16", "vgg19", "efficientnetb0"])
@pytest.mark.parametrize("input_shape", [(48, 48, 3), (48, 31, 1)])
def test_backbones_take_grey_images_of_32_pixels_or_more(name, input_shape):
    with pytest.raises(ValueError, match=rf"images of {name} must be grey .* at least 32 .* Received: input_shape=\("):
        models.build(name, input_shape=input_shape)


def test_options_of_the_published_networks_stay():
    transfer = ["input_shape", "classes", "head_units", "weights", "pixels", "grey"]
    assert models.options_of("resnet50") == models.options_of("efficientnetb0") == transfer
    assert models.options_of("vgg16") == models.options_of("vgg19") == [*transfer, "kernel_initializer"]
    assert models.options_of("light_vgg") == [
        *("input_shape", "classes", "filters", "dense_units", "dropout_rate", "batch_norm")
    ]
