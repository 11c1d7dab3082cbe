"""One step of SRGAN's two networks against each other, on networks so small that it can be worked out by hand."""

import keras
import numpy as np
import pytest
from keras import layers

from fer_lib.super_resolution.adversarial import Content, Players, make_adversarial_step, make_warm_up_step

SETTINGS = {"pixel_weight": 0.7, "content_weight": 0.2, "adversarial_weight": 0.3}
RATES = {"generator": 0.5, "discriminator": 0.4}
SMALL, LARGE = (np.random.default_rng(seed).random((3, side, side, 1), np.float32) for seed, side in ((0, 2), (1, 4)))
REPEATED = SMALL.repeat(2, axis=1).repeat(2, axis=2)
START = {"scale": 0.8, "offset": 0.1, "weights": np.linspace(-1, 1, 16), "bias": 0.05}
FEATURE, POWER = 3.0, 2.5


@pytest.fixture
def players():
    """A generator that repeats, scales and shifts pixels, a discriminator linear in them, both under plain descent."""
    image = keras.Input((2, 2, 1))
    generator = keras.Model(image, layers.Conv2D(1, 1, name="pixel")(layers.UpSampling2D(2)(image)))
    generator.set_weights([np.full((1, 1, 1, 1), START["scale"]), np.array([START["offset"]])])
    image = keras.Input((4, 4, 1))
    discriminator = keras.Model(image, layers.Dense(1)(layers.Flatten()(image)))
    discriminator.set_weights([START["weights"][:, None], np.array([START["bias"]])])
    return Players(generator, discriminator, *(keras.optimizers.SGD(rate) for rate in RATES.values()))


@pytest.fixture
def content():
    """One feature, three times the pixel."""
    image = keras.Input((4, 4, 1))
    network = keras.Model(image, layers.Conv2D(1, 1, use_bias=False)(image))
    network.set_weights([np.full((1, 1, 1, 1), FEATURE)])
    network.trainable = False
    return Content(network, POWER)


def sigmoid(scores):
    return 1 / (1 + np.exp(-scores))


def moved_discriminator(drawn):
    """Weights and bias after a step down the mean of the cross-entropies of photographs and of what was drawn."""
    weights, bias, count = START["weights"], START["bias"], len(LARGE)
    real, fake = (images.reshape(count, -1) for images in (LARGE, drawn))
    of_real = (sigmoid(real @ weights + bias) - 1) / (2 * count)
    of_fake = sigmoid(fake @ weights + bias) / (2 * count)
    rate = RATES["discriminator"]
    return weights - rate * (of_real @ real + of_fake @ fake), bias - rate * (of_real.sum() + of_fake.sum())


def moved_generator(gradient):
    """Scale and offset after a step along a gradient with respect to the pixels drawn."""
    rate = RATES["generator"]
    return START["scale"] - rate * (gradient * REPEATED).sum(), START["offset"] - rate * gradient.sum()


def weights_of(network):
    return [part.item() if part.size == 1 else part.ravel() for part in network.get_weights()]


@pytest.mark.parametrize("with_content", [True, False])
def test_a_step_moves_the_discriminator_then_the_generator_against_it(players, content, with_content):
    drawn = START["scale"] * REPEATED + START["offset"]
    weights, bias = moved_discriminator(drawn)
    scores = drawn.reshape(len(drawn), -1) @ weights + bias
    apart = drawn - LARGE
    by_pixels = SETTINGS["pixel_weight"] + with_content * SETTINGS["content_weight"] * FEATURE**2 / POWER
    spoken_against = ((sigmoid(scores) - 1) / len(scores))[:, None] * weights
    gradient = by_pixels * 2 * apart / apart.size
    gradient = gradient + SETTINGS["adversarial_weight"] * spoken_against.reshape(apart.shape)

    losses = make_adversarial_step(players, content if with_content else None, SETTINGS)(SMALL, LARGE)

    np.testing.assert_allclose(weights_of(players.discriminator)[0], weights, atol=1e-6)
    assert weights_of(players.discriminator)[1] == pytest.approx(bias, abs=1e-6)
    assert weights_of(players.generator) == pytest.approx(list(moved_generator(gradient)), abs=1e-6)
    assert float(losses["pixel_loss"]) == pytest.approx((apart**2).mean(), rel=1e-5)
    assert float(losses["adversarial_loss"]) == pytest.approx(np.log1p(np.exp(-scores)).mean(), rel=1e-5)
    before = [images.reshape(3, -1) @ START["weights"] + START["bias"] for images in (LARGE, drawn)]
    expected = (np.log1p(np.exp(-before[0])).mean() + np.log1p(np.exp(before[1])).mean()) / 2
    assert float(losses["discriminator_loss"]) == pytest.approx(expected, rel=1e-5)
    assert ("content_loss" in losses) == with_content
    if with_content:
        assert float(losses["content_loss"]) == pytest.approx(FEATURE**2 * (apart**2).mean() / POWER, rel=1e-5)
        assert float(content.network.get_weights()[0].item()) == FEATURE


def test_a_step_of_the_warm_up_moves_the_generator_alone_by_its_pixels(players):
    before = players.discriminator.get_weights()
    apart = START["scale"] * REPEATED + START["offset"] - LARGE
    make_warm_up_step(players, SETTINGS)(SMALL, LARGE)
    expected = moved_generator(SETTINGS["pixel_weight"] * 2 * apart / apart.size)
    assert weights_of(players.generator) == pytest.approx(list(expected), abs=1e-6)
    for one, other in zip(before, players.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
