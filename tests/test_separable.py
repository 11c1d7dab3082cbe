import math
from collections import Counter

import keras
import numpy as np
import pytest

from fer_lib import models
from fer_lib.gradcam import grad_cam, guided_backprop, last_convolution
from fer_lib.models.blocks import block_names

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def published():
    return models.build("separable")


@pytest.fixture(scope="module")
def narrow():
    return models.build("separable", width=1 / 16)


def kinds_of(model):
    return Counter(type(layer).__name__ for layer in model.layers)


def shapes_of(model, *names):
    return [model.get_layer(name).output.shape[1:] for name in names]


def test_published_parameters_and_convolutions(published):
    """The paper's section 2.2; a 1x1 convolution of a shortcut is none of its three."""
    assert published.count_params() == 2_720_439
    assert sum(math.prod(weight.shape) for weight in published.trainable_weights) == 2_705_879
    sides = Counter(layer.kernel_size for layer in published.layers if type(layer) is keras.layers.Conv2D)
    assert sides == {(3, 3): 3, (1, 1): 4}
    assert kinds_of(published)["SeparableConv2D"] == 22


def test_layers_are_95_without_dropout():
    """Input, shortcuts, sums and softmax counted."""
    kinds = kinds_of(models.build("separable", dropout_rate=0.0))
    assert kinds.total() == 95
    assert kinds["PReLU"] == 23 and kinds["BatchNormalization"] == 28 and kinds["Add"] == 8


def test_maps_are_those_of_the_paper(published):
    """Section 2.2: the entry flow and the middle flow both end with 6x6x256."""
    assert shapes_of(published, "block1_prelu2", "block2_add", "block3_add", "block4_add") == [
        *((44, 44, 32), (22, 22, 64), (11, 11, 128), (6, 6, 256))
    ]
    assert shapes_of(published, "block8_add", "block9_add", "block10_prelu2", "block10_conv", "average") == [
        *((6, 6, 256), (3, 3, 512), (3, 3, 1024), (3, 3, 7), (7,))
    ]


def test_only_the_last_convolution_has_a_bias(published):
    convolutions = (keras.layers.Conv2D, keras.layers.SeparableConv2D)
    biased = [layer.name for layer in published.layers if isinstance(layer, convolutions) and layer.use_bias]
    assert biased == ["block10_conv"]


def test_every_position_has_a_slope_of_its_own(published):
    slopes = {layer.name: layer for layer in published.layers if isinstance(layer, keras.layers.PReLU)}
    assert all(layer.alpha.shape == layer.output.shape[1:] for layer in slopes.values())
    assert "block2_prelu1" not in slopes and "block3_prelu1" in slopes


@pytest.mark.parametrize(("dropout_rate", "expected"), [(0.3, [("block10_dropout", 0.3)]), (0.0, [])])
def test_dropout_stands_before_the_last_convolution_or_nowhere(dropout_rate, expected):
    model = models.build("separable", dropout_rate=dropout_rate, width=1 / 16)
    found = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert [(layer.name, layer.rate) for layer in found] == expected
    assert all(layer.output is model.get_layer("block10_conv").input for layer in found)


def test_blocks_are_flows_from_the_head_down(narrow):
    """The input stands with the first block, as it holds no weights."""
    head, *blocks = block_names(narrow)
    assert head == ["average", "probabilities"] and blocks[-1][0] == "images"
    assert [names[-1].split("_")[0] for names in blocks] == [f"block{number}" for number in range(10, 0, -1)]
    assert [len(names) for names in blocks] == [8, 10, 10, 10, 10, 10, 10, 10, 9, 7]


def test_width_scales_filters_and_leaves_sixteen(narrow):
    half = models.build("separable", width=0.5)
    assert [half.get_layer(name).filters for name in ("block1_conv1", "block4_shortcut")] == [16, 128]
    assert narrow.get_layer("block1_conv2").filters == 16 and narrow.get_layer("block10_sepconv2").filters == 64


@pytest.mark.parametrize("count", [0, 1, 4])
def test_the_last_blocks_of_the_middle_flow_stay_where_there_are_fewer(count):
    names = [layer.name for layer in models.build("separable", width=1 / 16, middle_blocks=count).layers]
    assert [block for block in range(5, 9) if f"block{block}_add" in names] == list(range(9 - count, 9))


@pytest.mark.parametrize("count", [-1, 5])
def test_blocks_that_the_middle_flow_does_not_have_are_refused(count):
    with pytest.raises(ValueError, match=rf"middle_blocks must be in 0 \.\.\. 4. Received: {count}"):
        models.build("separable", middle_blocks=count)


@pytest.mark.parametrize("classes", [3, 7])
def test_other_sides_and_classes(classes):
    model = models.build("separable", input_shape=[32, 40, 1], classes=classes, width=1 / 16)
    assert model.output.shape == (None, classes)


def test_grad_cam_explains_the_last_convolution(narrow):
    assert last_convolution(narrow) == "block10_conv"
    heat = grad_cam(narrow, IMAGES, 3)
    assert heat.shape == (2, 48, 48) and 0 <= heat.min() and heat.max() <= 1


def test_guided_backprop_reaches_the_pixels(narrow):
    pixels = guided_backprop(narrow, IMAGES, 3)
    assert pixels.shape == IMAGES.shape and np.isfinite(pixels).all() and np.abs(pixels).max() > 0
