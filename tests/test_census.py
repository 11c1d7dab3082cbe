"""What is counted of a network, against numbers that papers and Keras print."""

import keras
import pytest
from keras import layers

from fer_lib import models
from fer_lib.models.census import count_application, count_parameters, describe_blocks, longest_path


@pytest.mark.parametrize(
    ("name", "parameters", "depth", "convolutions", "mebibytes"),
    [("vgg16", 138_357_544, 22, 13, 528), ("vgg19", 143_667_240, 25, 16, 548), ("resnet50", 25_636_712, None, 49, 98)],
)
def test_applications_have_what_papers_quote(name, parameters, depth, convolutions, mebibytes):
    """Liu et al. 2019, Table 1 and section 3.1; sizes as in Keras' table of applications."""
    counted = count_application(name)
    assert counted["parameters"] == parameters
    assert depth in (None, counted["depth"])
    assert counted["convolutions"] == convolutions
    assert round(counted["mebibytes"]) == mebibytes
    if name == "vgg16":
        assert counted["dense_share"] == pytest.approx(0.8936, abs=5e-5)


def test_model_a_has_the_published_counts_but_for_its_depth():
    counted = count_parameters(models.build("separable"))
    assert (counted["parameters"], counted["trainable_parameters"]) == (2_720_439, 2_705_879)
    assert (counted["convolutions"], counted["separable_convolutions"], counted["all_convolutions"]) == (3, 22, 25)
    assert counted["depth"] == 86
    assert counted["separable_cost_ratio"] == pytest.approx(1 / 9, abs=0.01)


def test_the_longest_path_goes_where_more_layers_are_and_passes_dropout_by():
    images = keras.Input((8, 8, 3))
    long = layers.Conv2D(4, 3, padding="same")(images)
    long = layers.Dropout(0.5)(long)
    long = layers.SeparableConv2D(4, 3, padding="same")(long)
    short = layers.Conv2D(4, 1)(images)
    merged = layers.GlobalAveragePooling2D()(layers.Add()([short, long]))
    model = keras.Model(images, layers.Dense(2)(merged))
    names = [type(layer).__name__ for layer in longest_path(model)]
    assert names == ["Conv2D", "SeparableConv2D", "Add", "GlobalAveragePooling2D", "Dense"]
    counted = count_parameters(model)
    assert (counted["depth"], counted["convolutions"], counted["separable_convolutions"]) == (5, 1, 1)
    assert counted["all_convolutions"] == 2
    assert counted["convolution_parameters"] == (3 * 9 * 4 + 4) + (4 * 9 + 4 * 4 + 4) + (3 * 4 + 4)
    assert counted["separable_cost_ratio"] == pytest.approx((9 + 4) / (9 * 4))


def test_model_a_by_blocks_is_its_figure():
    """Liu et al. 2019, section 2.2: entry flow to 6x6x256, four modules of three separable convolutions, exit flow."""
    rows = describe_blocks(models.build("separable"))
    assert sum(row["parameters"] for row in rows) == 2_720_439
    assert sum(row["separable"] for row in rows) == 22
    by_block = {row["block"]: row for row in rows}
    assert by_block["block4"]["output"] == "6×6×256"
    assert [by_block[f"block{number}"]["separable"] for number in range(5, 9)] == [3] * 4
    assert [row["block"] for row in rows][:2] == ["block1", "block2"]


def test_an_unknown_application_is_refused():
    with pytest.raises(ValueError, match="Received: 'lenet5'"):
        count_application("lenet5")
