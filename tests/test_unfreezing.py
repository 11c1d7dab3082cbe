"""Freezing on a network that really trains, the order of unfreezing, and the phases of each schedule."""

import keras
import numpy as np
import pytest
from built_models import built
from hypothesis import given
from hypothesis import strategies as st

from fer_lib import models
from fer_lib.augmentation_layers import with_augmentation
from fer_lib.layers import with_fast_kernels
from fer_lib.unfreezing import Phase, block_names, open_blocks, plan_phases

SETTINGS = {"epochs": 10, "learning_rate": 1e-4, "head_learning_rate": 1e-3}
SMALL = models.build("small_residual", width=1 / 4, head_units=(6, 5))
BY_BLOCKS = {
    2: models.build("lenet5", filters=(2, 3, 4), dense_units=(5,)),
    4: models.build("light_vgg", filters=(2, 2, 2), dense_units=5),
    6: SMALL,
}
IMAGES = np.random.default_rng(0).random((16, 48, 48, 1), np.float32)


def small():
    keras.utils.set_random_seed(0)
    return models.build("small_residual", width=1 / 4, head_units=(6, 5))


def changed_by_training(model, steps=3):
    """Names of the weights that a few steps of training move, as layer/weight."""
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", run_eagerly=True)
    names = [f"{layer.name}/{weight.name}" for layer in model.layers for weight in layer.weights]
    before = model.get_weights()
    for _ in range(steps):
        model.train_on_batch(IMAGES, np.arange(len(IMAGES)) % 7)
    pairs = zip(names, before, model.get_weights(), strict=True)
    return {name for name, old, new in pairs if not np.array_equal(old, new)}


def weights_of(layers):
    return {f"{layer.name}/{weight.name}" for layer in layers for weight in layer.weights}


def of_kind(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize("fast", [False, True])
def test_frozen_base_keeps_weights_and_moving_statistics_while_the_head_trains(fast):
    model = small()
    open_blocks(model, 1)
    changed = changed_by_training(with_fast_kernels(model) if fast else model)
    assert changed == weights_of(model.get_layer(name) for name in ("head_dense1", "head_dense2", "probabilities"))


@pytest.mark.parametrize("fast", [False, True])
def test_batch_norm_left_training_on_a_frozen_base_moves_alone(fast):
    model = small()
    open_blocks(model, 1, frozen_batch_norm="trained")
    changed = changed_by_training(with_fast_kernels(model) if fast else model)
    assert weights_of(of_kind(model, keras.layers.BatchNormalization)) <= changed
    assert not weights_of(of_kind(model, keras.layers.Conv2D)) & changed


def test_frozen_batch_norm_normalises_by_its_statistics_and_left_training_by_the_batch():
    model = small()
    features = keras.Model(model.input, model.get_layer("block4_relu2").output)
    resting = features(IMAGES, training=False)
    open_blocks(model, 1)
    np.testing.assert_array_equal(features(IMAGES, training=True), resting)
    open_blocks(model, 1, frozen_batch_norm="trained")
    assert np.abs(features(IMAGES, training=True) - resting).max() > 0.1


def test_partly_opened_network_trains_its_upper_blocks_alone():
    model = small()
    open_blocks(model, 3)
    changed = {name.split("/")[0].split("_")[0] for name in changed_by_training(model)}
    assert changed == {"head", "probabilities", "block4", "block3"}


def test_wholly_opened_network_trains_every_weight():
    model = small()
    open_blocks(model, 1)
    open_blocks(model, len(block_names(model)))
    assert changed_by_training(model) == weights_of(model.layers)


@pytest.mark.parametrize("width", [1 / 8, 1 / 4])
def test_narrow_network_trains_in_compiled_steps(width):
    """oneDNN's gradient of a 1x1 convolution of stride 2 wrote past its memory where filters were few."""
    model = with_fast_kernels(models.build("small_residual", width=width, head_units=(6, 5)))
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    losses = [model.train_on_batch(IMAGES[:7], np.arange(7)) for _ in range(3)]
    assert np.isfinite(losses).all()


def test_order_of_weights_does_not_depend_on_what_is_frozen():
    model = small()
    before = [weight.path for weight in model.weights]
    open_blocks(model, 2)
    assert [weight.path for weight in model.weights] == before


def test_blocks_of_the_small_network_go_from_the_head_to_the_stem():
    blocks = block_names(SMALL)
    assert blocks[0] == ["average_pooling", "head_dense1", "head_dense2", "probabilities"]
    assert [block[0].split("_")[0] for block in blocks[1:-1]] == ["block4", "block3", "block2", "block1"]
    assert blocks[-1] == ["images", "channels", "pixels", "stem_conv", "stem_bn", "stem_relu", "stem_pool"]


VGG = ["block5", "block4", "block3", "block2", "block1"]
RESNET = [
    f"conv{stage}_block{number}" for stage, count in ((5, 3), (4, 6), (3, 4), (2, 3)) for number in range(count, 0, -1)
]
EFFICIENTNET = ["top", "block7a"] + [
    f"block{stage}{letter}" for stage, letters in ((6, "dcba"), (5, "cba"), (4, "cba"), (3, "ba"), (2, "ba"), (1, "a"))
    for letter in letters
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "prefixes", "stem"),
    [("vgg16", VGG, "block1_conv1"), ("resnet50", RESNET, "conv1_conv"), ("efficientnetb0", EFFICIENTNET, "stem_conv")],
)
def test_blocks_of_a_backbone_go_from_the_head_to_the_stem(name, prefixes, stem):
    blocks = block_names(built(name))
    assert blocks[0] == ["average_pooling", "head_dense1", "head_dense2", "probabilities"]
    for prefix, block in zip(prefixes, blocks[1:], strict=False):
        assert [layer for layer in block if layer.startswith(f"{prefix}_")], (prefix, block)
        assert block is blocks[-1] or {layer.startswith(f"{prefix}_") for layer in block} == {True}
    assert stem in blocks[-1] and "images" in blocks[-1]
    assert len(blocks) == 1 + len(prefixes) + (name != "vgg16")  # the stem of VGG holds no weights


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "efficientnetb0", "small_residual", "vgg16_extended", "lenet5"])
def test_every_layer_stands_in_one_block(name):
    tiny = {"small_residual": SMALL, "lenet5": BY_BLOCKS[2]}
    model = tiny.get(name) or (models.build(name, width=1 / 64) if name == "vgg16_extended" else built(name))
    names = [layer for block in block_names(model) for layer in block]
    assert sorted(names) == sorted(layer.name for layer in model.layers)


def test_each_further_block_opens_below_the_last():
    model = small()
    blocks = block_names(model)
    for count in range(1, len(blocks) + 1):
        open_blocks(model, count)
        opened = {layer.name for layer in model.layers if layer.trainable}
        assert opened == {name for block in blocks[:count] for name in block}


@pytest.mark.parametrize("count", [0, 7])
def test_wrong_number_of_blocks_names_the_right_ones(count):
    with pytest.raises(ValueError, match=rf"small_residual must be from 1 to 6\. Received: {count}"):
        open_blocks(SMALL, count)


def test_unknown_mode_of_batch_norm_names_the_known():
    with pytest.raises(ValueError, match=r"must be one of \['inference', 'trained'\]\. Received: 'frozen'"):
        open_blocks(SMALL, 1, frozen_batch_norm="frozen")


def test_nested_model_has_no_blocks():
    with pytest.raises(ValueError, match=r"one flat graph\. Received: models \['small_residual'\] inside"):
        block_names(with_augmentation(SMALL, {"horizontal_flip": True}))


def test_whole_schedule_is_one_phase():
    assert plan_phases("whole", SETTINGS, SMALL) == [Phase("whole", 6, 10, 1e-4)]


def test_head_first_then_everything_each_with_its_budget_and_rate():
    assert plan_phases("head_then_all", SETTINGS, SMALL) == [Phase("head", 1, 10, 1e-3), Phase("all", 6, 10, 1e-4)]


def test_gradual_unfreezing_opens_a_block_a_phase():
    assert plan_phases("gradual", SETTINGS, SMALL) == [
        Phase("head", 1, 10, 1e-3),
        Phase("2 of 6 blocks", 2, 2, 1e-4),
        Phase("3 of 6 blocks", 3, 2, 1e-4),
        Phase("4 of 6 blocks", 4, 2, 1e-4),
        Phase("5 of 6 blocks", 5, 2, 1e-4),
        Phase("6 of 6 blocks", 6, 2, 1e-4),
    ]


def test_gradual_unfreezing_opens_several_blocks_where_epochs_are_few():
    phases = plan_phases("gradual", {**SETTINGS, "epochs": 2}, SMALL)
    assert [(phase.open_blocks, phase.epochs) for phase in phases] == [(1, 2), (3, 1), (6, 1)]


@given(blocks=st.sampled_from(sorted(BY_BLOCKS)), epochs=st.integers(1, 40))
def test_gradual_unfreezing_has_the_budget_of_two_phases_and_ends_with_everything(blocks, epochs):
    model = BY_BLOCKS[blocks]
    phases = plan_phases("gradual", {**SETTINGS, "epochs": epochs}, model)
    opened = [phase.open_blocks for phase in phases]
    assert opened[0] == 1 and opened[-1] == len(block_names(model)) == blocks
    assert all(before < after for before, after in zip(opened, opened[1:], strict=False))
    assert sum(phase.epochs for phase in phases) == 2 * epochs and min(phase.epochs for phase in phases) >= 1


def test_unknown_schedule_names_the_known():
    with pytest.raises(ValueError, match=r"must be one of \['whole', 'head_then_all', 'gradual'\]\. Received: 'slow'"):
        plan_phases("slow", SETTINGS, SMALL)
