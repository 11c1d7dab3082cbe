import keras
import numpy as np
import pytest
import tensorflow as tf
from built_models import LARGE, built
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from fer_lib import models
from fer_lib.augmentation_layers import random_layers, with_augmentation
from fer_lib.checkpoint import State, restore_checkpoint, save_checkpoint
from fer_lib.fitting import dtype_policy
from fer_lib.layers import with_fast_kernels
from fer_lib.losses import centre_loss, moved_centres, with_centre_loss

LENET = {"filters": (2, 3, 4), "dense_units": (6, 5)}
RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.random((24, 48, 48, 1), np.float32), np.arange(24) % 7
POINTS, KINDS = RNG.normal(size=(12, 3)).astype(np.float32), np.array([0, 2, 2, 0, 2, 0, 0, 0, 1, 2, 1, 1])


def numpy_loss(features, labels, centres):
    return sum(np.sum((x - centres[y]) ** 2) for x, y in zip(features, labels, strict=True)) / 2 / len(labels)


def numpy_update(features, labels, centres, rate):
    """Wen et al. 2016, equation 4, a class at a time, in float64."""
    moved = centres.copy()
    for j in range(len(centres)):
        own = features[labels == j]
        delta = sum((centres[j] - x for x in own), np.zeros(centres.shape[1])) / (1 + len(own))
        moved[j] = centres[j] - rate * delta
    return moved


@settings(max_examples=30)
@given(
    batches=st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=9), min_size=1, max_size=5),
    width=st.integers(1, 6),
    rate=st.floats(0.01, 1.0),
    seed=st.integers(0, 2**16),
)
def test_loss_and_centres_are_those_of_numpy_over_batches_with_missing_and_repeated_classes(batches, width, rate, seed):
    rng = np.random.default_rng(seed)
    expected = rng.normal(size=(5, width))
    centres = tf.constant(expected, tf.float32)
    for batch in batches:
        labels = np.array(batch)
        features = rng.normal(size=(len(labels), width)) * 3
        loss = centre_loss(tf.constant(features, tf.float32), labels, centres)
        np.testing.assert_allclose(loss, numpy_loss(features, labels, expected), rtol=1e-4)
        before, centres = centres, moved_centres(tf.constant(features, tf.float32), labels, centres, rate)
        expected = numpy_update(features, labels, expected, rate)
        np.testing.assert_allclose(centres, expected, rtol=1e-4, atol=1e-5)
        missing = np.setdiff1d(np.arange(5), labels)
        np.testing.assert_array_equal(centres.numpy()[missing], before.numpy()[missing])


def test_the_gradient_of_the_loss_is_the_offset_from_the_centre():
    features, centres = tf.constant(POINTS), tf.constant(RNG.normal(size=(3, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(features)
        loss = centre_loss(features, KINDS, centres)
    expected = (POINTS - centres.numpy()[KINDS]) / len(KINDS)
    np.testing.assert_allclose(tape.gradient(loss, features), expected, rtol=1e-5)


def test_features_of_half_the_precision_give_loss_and_centres_in_float32():
    features, centres = tf.cast(POINTS, tf.bfloat16), tf.fill((3, 3), 1 / 3)
    exact = np.asarray(tf.cast(features, tf.float64))
    loss, moved = centre_loss(features, KINDS, centres), moved_centres(features, KINDS, centres, 0.5)
    assert loss.dtype == moved.dtype == tf.float32
    np.testing.assert_allclose(loss, numpy_loss(exact, KINDS, centres.numpy()), rtol=1e-5)
    np.testing.assert_allclose(moved, numpy_update(exact, KINDS, centres.numpy(), 0.5), rtol=1e-4, atol=1e-6)


def test_labels_of_another_rank_are_refused():
    with pytest.raises(ValueError, match=r"labels must be \(n,\)\. Received: shape \(12, 1\)"):
        centre_loss(tf.constant(POINTS), KINDS[:, np.newaxis], tf.zeros((3, 3)))


def compiled(model, optimizer=None, steps_per_execution=1):
    """Compiled as `fitting` does."""
    model.compile(
        optimizer or keras.optimizers.Adam(0.01),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
        steps_per_execution=steps_per_execution,
    )
    return model


def batches_of(images, labels, size):
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(size)


def fit(model, images, labels, batch_size, epochs=1, validation=None):
    """History of a training whose random state is a function of place and seed alone."""
    for place, generator in random_layers(model):
        generator.state.assign(np.random.SeedSequence([0, place]).generate_state(2, np.uint32))
    steps = -(-len(labels) // batch_size)
    repeated = batches_of(images, labels, batch_size).repeat()
    done = model.fit(
        repeated, steps_per_epoch=steps, epochs=epochs, validation_data=validation, shuffle=False, verbose=0
    )
    return done.history


def linear_network():
    """Points (n, 3) to four linear features to three classes."""
    keras.utils.set_random_seed(0)
    points = keras.Input((3,))
    features = layers.Dense(4, name="deep")(points)
    return keras.Model(points, layers.Dense(3, activation="softmax", dtype="float32")(features), name="linear")


def numpy_training(weights, weight, rate, learning_rate, batch_size):
    """Weights, centres, mean losses and accuracy after one epoch of gradient descent on the linear network, float64."""
    kernel1, bias1, kernel2, bias2 = (array.astype(np.float64) for array in weights)
    centres = np.zeros((3, 4))
    sums = np.zeros(3)
    for start in range(0, len(KINDS), batch_size):
        points, kinds = POINTS[start : start + batch_size].astype(np.float64), KINDS[start : start + batch_size]
        features = points @ kernel1 + bias1
        powers = np.exp(features @ kernel2 + bias2)
        probabilities = powers / powers.sum(axis=1, keepdims=True)
        entropy = -np.log(probabilities[np.arange(len(kinds)), kinds])
        hits = probabilities.argmax(axis=1) == kinds
        sums += [entropy.sum(), len(kinds) * numpy_loss(features, kinds, centres), hits.sum()]
        to_logits = (probabilities - np.eye(3)[kinds]) / len(kinds)
        to_features = to_logits @ kernel2.T + weight * (features - centres[kinds]) / len(kinds)
        kernel2, bias2 = (
            kernel2 - learning_rate * features.T @ to_logits,
            bias2 - learning_rate * to_logits.sum(axis=0),
        )
        kernel1, bias1 = (
            kernel1 - learning_rate * points.T @ to_features,
            bias1 - learning_rate * to_features.sum(axis=0),
        )
        centres = numpy_update(features, kinds, centres, rate)
    return [kernel1, bias1, kernel2, bias2, centres], sums / len(KINDS)


@pytest.mark.parametrize("weight", [0.0, 0.7])
@pytest.mark.parametrize(("batch_size", "steps_per_execution"), [(5, 1), (4, 3)])
def test_training_steps_are_those_computed_by_hand(weight, batch_size, steps_per_execution):
    network = linear_network()
    expected, (loss, distance, accuracy) = numpy_training(network.get_weights(), weight, 0.5, 0.3, batch_size)
    model = compiled(with_centre_loss(network, weight, 0.5, 3), keras.optimizers.SGD(0.3), steps_per_execution)
    history = fit(model, POINTS, KINDS, batch_size)
    for one, other in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert set(history) == {"loss", "centre_loss", "accuracy"}
    np.testing.assert_allclose(
        [history[name][0] for name in ("loss", "centre_loss", "accuracy")], [loss, distance, accuracy], rtol=1e-4
    )


def test_evaluation_measures_cross_entropy_and_centre_loss_apart_and_moves_nothing():
    network = linear_network()
    model = compiled(with_centre_loss(network, 5.0, 0.5, 3))
    fit(model, POINTS, KINDS, 4)
    before = model.get_weights()
    measured = model.evaluate(batches_of(POINTS, KINDS, 5), return_dict=True, verbose=0)
    plain = compiled(network).evaluate(batches_of(POINTS, KINDS, 5), return_dict=True, verbose=0)
    kernel, bias = before[:2]
    distance = numpy_loss(POINTS @ kernel + bias, KINDS, before[-1])
    assert measured == pytest.approx({**plain, "centre_loss": distance}, rel=1e-5)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    probabilities = model.predict(batches_of(POINTS, KINDS, 5), verbose=0)
    np.testing.assert_allclose(probabilities, network(POINTS), rtol=1e-6)


def lenet():
    """Network and augmentation, as `fitting` builds them: two layers of dropout, flip and rotation."""
    keras.utils.set_random_seed(0)
    network = with_fast_kernels(models.build("lenet5", **LENET))
    return with_augmentation(network, {"horizontal_flip": True, "rotation_degrees": 15})


def test_weight_zero_trains_the_network_as_without_centre_loss():
    plain = compiled(lenet())
    model = compiled(with_centre_loss(lenet(), 0.0, 0.5, 7))
    validation = batches_of(IMAGES[:10], LABELS[:10], 5)
    expected, history = (fit(either, IMAGES, LABELS, 6, 1, validation) for either in (plain, model))
    assert set(history) - set(expected) == {"centre_loss", "val_centre_loss"}
    for column, values in expected.items():
        np.testing.assert_allclose(history[column], values, rtol=1e-5)
    for one, other in zip(model.get_weights()[:-1], plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def normalised_network(seed):
    """A network with dropout and moving statistics."""
    keras.utils.set_random_seed(seed)
    points = keras.Input((3,))
    x = layers.Dropout(0.3)(layers.Dense(6, activation="relu")(points))
    x = layers.BatchNormalization()(x)
    return keras.Model(points, layers.Dense(3, activation="softmax")(x))


def test_a_training_goes_on_from_its_checkpoint_as_if_never_interrupted(tmp_path):
    path = tmp_path / "checkpoint.npz"
    whole, first, second = (
        compiled(with_centre_loss(normalised_network(seed), 0.1, 0.5, 3), steps_per_execution=3) for seed in (0, 0, 1)
    )
    for model in (whole, first):
        fit(model, POINTS, KINDS, 4)
    save_checkpoint(path, first, State([{"epoch": 1}]), "hash")
    restore_checkpoint(path, second, "hash")
    for one, other in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.abs(second.get_weights()[-1]).max() > 0
    for model in (whole, second):
        fit(model, POINTS, KINDS, 4)
    for one, other in zip(second.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_mixed_precision_keeps_centres_and_losses_in_float32():
    with dtype_policy("mixed_bfloat16"):
        model = compiled(with_centre_loss(lenet(), 0.1, 0.5, 7), steps_per_execution=2)
    history = fit(model, IMAGES, LABELS, 6)
    assert np.isfinite([values for values in history.values()]).all()
    assert {str(weight.dtype) for weight in model.weights} == {"float32"}
    assert model.get_weights()[-1].shape == (7, 5) and np.abs(model.get_weights()[-1]).max() > 0
    assert model.predict(batches_of(IMAGES, LABELS, 5), verbose=0).dtype == np.float32


@pytest.mark.parametrize("name", models.classifiers())
def test_weights_and_random_layers_keep_their_order_and_centres_come_last(name):
    model = built(name) if name in LARGE else models.build(name)
    both = with_centre_loss(model, 0.003, 0.5, 7)
    assert [id(weight) for weight in both.weights[:-1]] == [id(weight) for weight in model.weights]
    assert [id(weight) for weight in both.trainable_weights] == [id(weight) for weight in model.trainable_weights]
    assert both.weights[-1].shape[0] == 7 and not both.weights[-1].trainable
    assert random_layers(both) == random_layers(model)


def test_random_layers_of_augmentation_keep_their_places():
    model = lenet()
    assert random_layers(with_centre_loss(model, 0.003, 0.5, 7)) == random_layers(model)
    assert len(random_layers(model)) == 4


def test_layers_frozen_after_wrapping_stay_as_they_are():
    network = linear_network()
    model = with_centre_loss(network, 1.0, 0.5, 3)
    network.get_layer("deep").trainable = False
    before = network.get_weights()
    fit(compiled(model), POINTS, KINDS, 4)
    np.testing.assert_array_equal(network.get_weights()[0], before[0])
    assert np.abs(network.get_weights()[2] - before[2]).max() > 0


def spread(weight):
    """Mean distance of features to their class's mean over that between means, after a training, and its accuracy."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(1)
    kinds = np.arange(240) % 3
    angles = 2 * np.pi * (kinds + rng.normal(0, 0.2, len(kinds))) / 3
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) + rng.normal(0, 0.1, (len(kinds), 2))
    inputs = keras.Input((2,))
    x = layers.Dense(32, activation="relu")(inputs)
    x = layers.Dense(8, name="deep")(x)
    network = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    model = compiled(with_centre_loss(network, weight, 0.5, 3), keras.optimizers.Adam(0.01), 8)
    history = fit(model, points.astype(np.float32), kinds, 30, epochs=40)
    features = keras.Model(network.inputs[0], network.get_layer("deep").output)(points.astype(np.float32)).numpy()
    means = np.stack([features[kinds == kind].mean(axis=0) for kind in range(3)])
    within = np.linalg.norm(features - means[kinds], axis=1).mean()
    between = np.linalg.norm(means[[0, 1, 2]] - means[[1, 2, 0]], axis=1).mean()
    return within / between, history["accuracy"][-1]


def test_centre_loss_draws_the_features_of_a_class_together():
    (off, accuracy_off), (on, accuracy_on) = spread(0.0), spread(1.0)
    assert on < 0.75 * off
    assert min(accuracy_off, accuracy_on) > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-0.1, 0.5, 3), "weight .* Received: -0.1"),
        ((float("nan"), 0.5, 3), "weight .* Received: nan"),
        ((float("inf"), 0.5, 3), "weight .* Received: inf"),
        ((0.003, 0.0, 3), "rate .* Received: 0.0"),
        ((0.003, 1.5, 3), "rate .* Received: 1.5"),
        ((0.003, float("nan"), 3), "rate .* Received: nan"),
        ((0.003, 0.5, 7), "softmax of linear, 3. Received: 7"),
    ],
)
def test_values_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        with_centre_loss(linear_network(), *arguments)
