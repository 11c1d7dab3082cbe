import keras
import numpy as np
import pytest

from fer_lib import models
from fer_lib.training import count_parameters

# name, options, parameters in all, in convolutions
PUBLISHED = [
    ("light_vgg", {}, 776_519, 480_192),  # ../shared/papers/README.md: same padding
    ("light_vgg", {"dropout_rate": 0.0}, 776_519, 480_192),
    ("light_vgg", {"batch_norm": False}, 776_519 - 4 * (32 + 64 + 128), 480_192),
    ("lenet_sfew", {}, 169_271, 5 * 5 * 3 * 6 + 6 + 5 * 5 * 6 * 16 + 16),  # the same: LeNet-5's widths, 120 and 84
    ("lenet5", {}, 1_307_271, 9 * (32 + 32 * 64 + 64 * 128) + 32 + 64 + 128),
    ("vgg19", {}, 20_024_384 + 512 * 7 + 7, 20_024_384),
]
TINY = {
    "light_vgg": {"filters": (2, 3, 4), "dense_units": 5},
    "lenet5": {"filters": (2, 3, 4), "dense_units": (6, 5)},
    "lenet_sfew": {"filters": (2, 3), "dense_units": (6, 5)},
    "vgg19": {},
}


@pytest.mark.parametrize(("name", "options", "parameters", "convolutions"), PUBLISHED)
def test_published_parameter_counts(name, options, parameters, convolutions):
    counted = count_parameters(models.build(name, **options))
    assert (counted["parameters"], counted["convolution_parameters"]) == (parameters, convolutions)


def test_every_model_is_in_the_tables():
    assert set(models.names()) == set(TINY) == {row[0] for row in PUBLISHED}


@pytest.mark.parametrize("name", models.names())
@pytest.mark.parametrize("classes", [3, 7])
def test_model_gives_probabilities_in_float32_even_in_mixed_precision(name, classes):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.build(name, classes=classes, **TINY[name])
    finally:
        keras.config.set_dtype_policy("float32")
    probabilities = model(np.random.default_rng(0).random((2, 48, 48, 1), np.float32)).numpy()
    assert probabilities.shape == (2, classes) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", models.names())
def test_model_is_one_flat_graph(name):
    assert not [layer for layer in models.build(name, **TINY[name]).layers if isinstance(layer, keras.Model)]


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


def test_vgg19_refuses_two_channels():
    with pytest.raises(ValueError, match=r"1 or 3 channels\. Received: input_shape=\(48, 48, 2\)"):
        models.build("vgg19", input_shape=(48, 48, 2))
