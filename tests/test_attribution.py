"""Heat as numbers, and whether it means anything: on a task where the evidence is known to stand in one place."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from scipy.stats import spearmanr

from fer_lib.attribution import heat_share, measure_attribution
from fer_lib.gradcam import grad_cam, guided_backprop
from fer_lib.pixel_curves import deletion_curve, insertion_curve, random_maps

SIDE, PATCH = 24, 8


def make_task(count, seed):
    """Noise with one patch somewhere whose stripes (upright, lying or crossed) are the class; and where it stands."""
    rng = np.random.default_rng(seed)
    labels, places = rng.integers(0, 3, count), rng.integers(0, SIDE - PATCH + 1, (count, 2))
    images, masks = rng.integers(90, 166, (count, SIDE, SIDE, 1)), np.zeros((count, SIDE, SIDE), bool)
    row, column = np.indices((PATCH, PATCH)) // 2
    patterns = np.stack([row, column, row + column]) % 2
    for image, mask, label, (top, left) in zip(images, masks, labels, places, strict=True):
        patch = 80 + 100 * patterns[label] + rng.integers(-20, 21, (PATCH, PATCH))
        image[top : top + PATCH, left : left + PATCH, 0] = patch
        mask[top : top + PATCH, left : left + PATCH] = True
    return images.astype(np.uint8), labels, masks


def make_network(seed):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((SIDE, SIDE, 1))
    x = layers.Rescaling(4.0, offset=-2.0)(inputs)
    x = layers.MaxPooling2D(2)(layers.Conv2D(8, 3, padding="same", activation="relu")(x))
    for _ in range(2):
        x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    outputs = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, outputs)


def train(images, labels, seed):
    model, optimizer = make_network(seed), keras.optimizers.Adam(0.005)
    optimizer.build(model.trainable_variables)
    pixels, rng = images / np.float32(255), np.random.default_rng(seed)

    @tf.function
    def step(batch, classes):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(classes, model(batch, training=True)))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )

    for _ in range(20):
        for rows in rng.permutation(len(images)).reshape(-1, 32):
            step(tf.constant(pixels[rows]), tf.constant(labels[rows]))
    return model


TRAINING, LABELS, _ = make_task(512, 0)
IMAGES, CLASSES, MASKS = make_task(96, 1)


@pytest.fixture(scope="module")
def network():
    return train(TRAINING, LABELS, 0)


@pytest.fixture(scope="module")
def maps(network):
    return grad_cam(network, IMAGES, CLASSES)


def with_random_top(network):
    """A copy whose last layer has the weights of another, untrained network."""
    top = keras.models.clone_model(network)
    top.set_weights([*network.get_weights()[:-2], *make_network(9).get_weights()[-2:]])
    return top


def rank_correlation(maps, others):
    """Mean over images; a map without any heat agrees with nothing."""
    pairs = zip(maps, others, strict=True)
    return np.mean([spearmanr(a.ravel(), b.ravel())[0] if np.ptp(a) and np.ptp(b) else 0.0 for a, b in pairs])


def test_the_heat_stands_where_the_evidence_is(network, maps):
    predicted = network(IMAGES / np.float32(255)).numpy().argmax(axis=1)
    assert (predicted == CLASSES).mean() > 0.9
    share = heat_share(maps, MASKS)
    assert share.area.mean() == pytest.approx(PATCH**2 / SIDE**2)
    assert share.heat.mean() > 3 * share.area.mean()
    row, column = np.unravel_index(maps.reshape(len(maps), -1).argmax(axis=1), maps.shape[1:])
    assert MASKS[np.arange(len(maps)), row, column].mean() > 0.9


def test_guided_gradients_are_greatest_where_the_evidence_is(network):
    strength = np.abs(guided_backprop(network, IMAGES, CLASSES)).sum(axis=-1)
    share = heat_share(strength, MASKS)
    assert share.heat.mean() > 1.3 * share.area.mean()


def test_randomised_weights_change_the_map(network, maps):
    """The first sanity check of Adebayo et al. 2018, section 3: all weights at random, and those of the top alone."""
    assert rank_correlation(maps, grad_cam(make_network(9), IMAGES, CLASSES)) < 0.3
    assert rank_correlation(maps, grad_cam(with_random_top(network), IMAGES, CLASSES)) < 0.5


def test_guided_back_propagation_changes_little_where_the_top_is_random(network, maps):
    """Adebayo et al. find the same: it shows edges as much as what was learned, so nothing is measured on it here."""
    top = with_random_top(network)
    guided = [np.abs(guided_backprop(model, IMAGES, CLASSES)).sum(axis=-1) for model in (network, top)]
    kept, of_maps = rank_correlation(*guided), rank_correlation(maps, grad_cam(top, IMAGES, CLASSES))
    assert kept > of_maps + 0.3


def test_randomised_labels_change_the_map(maps):
    """The second, section 4; another network trained on the true labels has much the same maps."""
    shuffled = train(TRAINING, np.random.default_rng(5).permutation(LABELS), 1)
    again = train(TRAINING, LABELS, 1)
    other = rank_correlation(maps, grad_cam(shuffled, IMAGES, CLASSES))
    same = rank_correlation(maps, grad_cam(again, IMAGES, CLASSES))
    assert other < 0.4 and same > other + 0.3


def test_deletion_falls_and_insertion_rises_faster_in_the_order_of_the_heat(network, maps):
    random = random_maps(maps.shape, (12, 12))
    deletion = {name: deletion_curve(network, IMAGES, order, CLASSES) for name, order in (("", maps), ("r", random))}
    insertion = {name: insertion_curve(network, IMAGES, order, CLASSES) for name, order in (("", maps), ("r", random))}
    assert deletion[""].area < 0.7 * deletion["r"].area
    assert insertion[""].area > 1.2 * insertion["r"].area
    assert deletion[""].values[0] == pytest.approx(insertion[""].values[-1]) and deletion[""].values[0] > 0.9
    for curve in (*deletion.values(), *insertion.values()):
        assert curve.values.shape == (11,) and 0 <= curve.area <= 1


def test_measures_of_a_network_that_looks_at_the_evidence(network):
    measured = measure_attribution(network, IMAGES, CLASSES, masks={"patch": MASKS})
    assert json.loads(json.dumps(measured)) == measured
    assert measured["images"] == measured["curve_images"] == 96 and measured["positions"] == 144
    assert measured["empty_maps"] == 0
    assert measured["heat_ratio"] == pytest.approx(measured["heat_share"] / measured["area_share"])
    assert measured["heat_ratio"] > 3
    assert measured["heat_share_patch"] == measured["heat_share"]
    assert measured["deletion_area"] < 0.7 * measured["deletion_area_random"]
    assert measured["insertion_area"] > 1.2 * measured["insertion_area_random"]
    assert measure_attribution(network, IMAGES, CLASSES, masks={"patch": MASKS}) == measured


def test_heat_is_set_beside_that_of_the_same_network_untrained(network):
    keras.utils.set_random_seed(3)
    untrained = [keras.models.clone_model(network) for _ in range(2)]
    measured = measure_attribution(network, IMAGES, CLASSES, masks={"patch": MASKS}, untrained=untrained)
    alone = [measure_attribution(model, IMAGES, CLASSES, masks={"patch": MASKS})["heat_ratio"] for model in untrained]
    assert measured["heat_ratio_untrained"] == pytest.approx(max(alone))
    assert measured["heat_gain"] == pytest.approx(measured["heat_ratio"] / max(alone))
    assert measured["heat_gain"] > 2
    assert measured["heat_gain_low"] < measured["heat_gain"] < measured["heat_gain_high"]


def test_measures_take_facial_parts_and_the_predicted_class_where_nothing_is_named():
    network = make_network(3)
    predicted = network(IMAGES / np.float32(255)).numpy().argmax(axis=1)
    measured = measure_attribution(network, IMAGES)
    assert measured == measure_attribution(network, IMAGES, predicted)
    parts = ("eyes", "brows", "mouth")
    assert {f"{share}_share_{part}" for share in ("heat", "area") for part in parts} <= set(measured)
    assert 0.3 < measured["area_share"] < 0.4
    assert measure_attribution(network, IMAGES, layer=network.layers[2].name)["positions"] == SIDE**2


def test_more_images_than_curves_are_followed_on():
    measured = measure_attribution(make_network(3), np.concatenate([IMAGES] * 2)[:150], 0)
    assert (measured["images"], measured["curve_images"]) == (150, 128)


MEAN = keras.Sequential([keras.Input((2, 2, 1)), layers.Flatten(), layers.Dense(1, use_bias=False)])
MEAN.set_weights([np.array([[0.5], [0.25], [0.125], [0.125]])])
PICTURE = np.array([0.8, 0.4, 0.0, 0.0]).reshape(1, 2, 2, 1)
HEAT = np.array([[[0.9, 0.3], [0.2, 0.1]]])


def test_deletion_is_what_was_worked_out_by_hand():
    """The score is 0.5 a + 0.25 b + 0.125 (c + d); pixels become their mean, 0.3, in the order of the heat."""
    curve = deletion_curve(MEAN, PICTURE, HEAT, 0, steps=4)
    np.testing.assert_allclose(curve.values, [0.5, 0.25, 0.225, 0.2625, 0.3], atol=1e-6)
    assert curve.area == pytest.approx((0.25 + 0.25 + 0.225 + 0.2625 + 0.15) / 4)
    np.testing.assert_allclose(deletion_curve(MEAN, PICTURE, HEAT, 0, steps=2).values, [0.5, 0.225, 0.3], atol=1e-6)


def test_insertion_begins_blurred_and_sharpens_the_hottest_pixels_first():
    """A linear score of 10x10 pixels: each step replaces a quarter of those blurred by one pixel (a tenth of 10)."""
    rng = np.random.default_rng(4)
    picture, weights, heat = rng.random((10, 10)), rng.random((10, 10)), rng.permutation(100).reshape(10, 10)
    linear = keras.Sequential([keras.Input((10, 10, 1)), layers.Flatten(), layers.Dense(1, use_bias=False)])
    linear.set_weights([weights.reshape(100, 1)])
    bell = np.exp(-np.square(np.arange(-4, 5)) / 2)
    around = np.pad(picture, 4, mode="edge")
    blurred = np.array(
        [[np.vdot(np.outer(bell, bell), around[y : y + 9, x : x + 9]) for x in range(10)] for y in range(10)]
    ) / np.square(bell.sum())
    expected = [np.vdot(weights, np.where(heat > 99 - 25 * step, picture, blurred)) for step in range(5)]
    curve = insertion_curve(linear, picture[None, ..., None], heat[None], np.array([0]), steps=4)
    np.testing.assert_allclose(curve.values, expected, atol=1e-3)
    assert np.ptp(expected) > 0.1


def test_equally_hot_pixels_are_changed_at_random_not_in_reading_order():
    pictures = np.repeat(PICTURE, 400, axis=0)
    curve = deletion_curve(MEAN, pictures, np.zeros((400, 2, 2)), 0, steps=4)
    np.testing.assert_allclose(curve.values, [0.5, 0.45, 0.4, 0.35, 0.3], atol=0.02)
    again = deletion_curve(MEAN, pictures, np.zeros((400, 2, 2)), 0, steps=4)
    np.testing.assert_array_equal(again.values, curve.values)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(2, 9), st.integers(2, 9))
def test_shares_of_a_region_and_of_the_rest_sum_to_one(seed, count, height, width):
    rng = np.random.default_rng(seed)
    maps, masks = rng.random((count, height, width)), rng.random((count, height, width)) < 0.5
    inside, outside = heat_share(maps, masks), heat_share(maps, ~masks)
    np.testing.assert_allclose(inside.heat + outside.heat, 1)
    np.testing.assert_allclose(inside.area + outside.area, 1)
    np.testing.assert_allclose(heat_share(3 * maps, masks).heat, inside.heat)
    one = heat_share(maps, masks[0])
    assert one.heat[0] == pytest.approx(inside.heat[0])


def test_a_map_without_heat_counts_as_spread_evenly():
    mask = np.array([[True, False], [False, False]])
    share = heat_share(np.stack([np.zeros((2, 2)), mask.astype(float)]), mask)
    np.testing.assert_array_equal(share.heat, [0.25, 1])
    np.testing.assert_array_equal(share.area, [0.25, 0.25])


def test_random_maps_are_as_coarse_as_asked_and_the_same_each_time():
    maps = random_maps((5, 24, 24), (6, 6), seed=4)
    assert maps.shape == (5, 24, 24) and maps.dtype == np.float32 and 0 <= maps.min() and maps.max() <= 1
    np.testing.assert_array_equal(maps, random_maps((5, 24, 24), (6, 6), seed=4))
    fine = random_maps((5, 24, 24), (24, 24), seed=4)
    assert np.abs(np.diff(maps, axis=1)).mean() < 0.4 * np.abs(np.diff(fine, axis=1)).mean()


@pytest.mark.parametrize(
    ("measure", "received"),
    [
        (lambda: heat_share(HEAT, np.ones((2, 2))), r"\(1, 2, 2\) and float64 \(2, 2\)"),
        (lambda: heat_share(HEAT, np.ones((3, 2), bool)), r".*bool \(3, 2\)"),
        (lambda: heat_share(HEAT[0], np.ones((2, 2), bool)), r"\(2, 2\)"),
        (lambda: heat_share(-HEAT, np.ones((2, 2), bool)), r"-0\.9 to -0\.1"),
        (lambda: deletion_curve(MEAN, PICTURE, HEAT[:, :1], 0), r"\(1, 1, 2\) for 1 images"),
        (lambda: deletion_curve(MEAN, PICTURE, HEAT * np.nan, 0), r"\(1, 2, 2\)"),
        (lambda: insertion_curve(MEAN, PICTURE[:0], HEAT[:0], 0), r"\(0, 2, 2\) for 0 images"),
        (lambda: measure_attribution(MEAN, PICTURE[:0]), "none"),
        (lambda: insertion_curve(MEAN, PICTURE, HEAT, 1), "1"),
        (lambda: insertion_curve(MEAN, PICTURE, HEAT, None), "None"),
        (lambda: deletion_curve(MEAN, PICTURE, HEAT, 0, steps=0), "0"),
        (lambda: deletion_curve(MEAN, PICTURE.astype(int), HEAT, 0), r"int64 \(1, 2, 2, 1\)"),
        (lambda: measure_attribution(MEAN, PICTURE), "'sequential.*"),
    ],
)
def test_what_cannot_be_measured_is_refused(measure, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        measure()
