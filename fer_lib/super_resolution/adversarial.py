"""Generator against discriminator: their losses and the two kinds of training step (Ledig et al. 2017, section 2.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from fer_lib.optimizers import FusedAdam
from fer_lib.super_resolution.pairs import SCALE

Step = Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]
"""From float images (b, h, w, c) and (b, 2h, 2w, c) in [0, 1] to float32 losses, the weights moved on."""


@dataclass(frozen=True)
class Players:
    """Both networks, each with its optimizer; the generator's output is not cut to [0, 1]."""

    generator: keras.Model
    discriminator: keras.Model
    generator_optimizer: keras.optimizers.Optimizer
    discriminator_optimizer: keras.optimizers.Optimizer

    def variables(self) -> list[keras.Variable]:
        """All that training changes, in an order that depends on the networks alone."""
        owners = (self.generator, self.discriminator, self.generator_optimizer, self.discriminator_optimizer)
        return [variable for owner in owners for variable in owner.variables]


@dataclass(frozen=True)
class Content:
    """Network of the content loss, and the mean square of its features."""

    network: keras.Model
    power: float


def make_players(generator: keras.Model, discriminator: keras.Model, settings: Mapping[str, Any]) -> Players:
    """Give both networks Adam with β1 = 0.9 (section 3.2), the generator's at the rate of the warm-up."""
    rates = settings["learning_rate"], settings["adversarial_learning_rate"]
    optimizers = [FusedAdam(rate) for rate in rates]
    for network, optimizer in zip((generator, discriminator), optimizers, strict=True):
        optimizer.build(network.trainable_variables)
    return Players(generator, discriminator, *optimizers)


def make_warm_up_step(players: Players, settings: Mapping[str, Any]) -> Step:
    """One step of the generator on the pixel loss alone: the mean squared error of pixels in [0, 1] (equation 4)."""

    @tf.function(input_signature=_signature(players))
    def step(small: tf.Tensor, large: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            pixel = _pixel_loss(players.generator(small, training=True), large)
            loss = settings["pixel_weight"] * pixel
        _move(players.generator, players.generator_optimizer, tape.gradient(loss, _values(players.generator)))
        return {"pixel_loss": pixel}

    return step


def make_adversarial_step(players: Players, content: Content | None, settings: Mapping[str, Any]) -> Step:
    """One step of the discriminator, then one of the generator on the same images.

    The generator's loss is `pixel_weight` × pixel loss + `content_weight` × content loss (equation 5, over the mean
    square of the features) + `adversarial_weight` × mean of -log D (equation 6). The discriminator's is the mean
    cross-entropy of photographs and of the generator's images, half each.
    """

    @tf.function(input_signature=_signature(players))
    def step(small: tf.Tensor, large: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            enlarged = players.generator(small, training=True)
            with tape.stop_recording():
                losses = _discriminator_step(players, large, tf.stop_gradient(enlarged))
            adversarial = _cross_entropy(players.discriminator(enlarged, training=True), 1.0)
            pixel = _pixel_loss(enlarged, large)
            loss = settings["pixel_weight"] * pixel + settings["adversarial_weight"] * adversarial
            losses |= {"pixel_loss": pixel, "adversarial_loss": adversarial}
            if content is not None:
                losses["content_loss"] = _content_loss(content, enlarged, large)
                loss += settings["content_weight"] * losses["content_loss"]
        _move(players.generator, players.generator_optimizer, tape.gradient(loss, _values(players.generator)))
        return losses

    return step


def _signature(players: Players) -> list[tf.TensorSpec]:
    """Batches of any length, so that a last, shorter one is not traced anew."""
    _, height, width, channels = players.discriminator.input_shape
    sides = (height // SCALE, width // SCALE), (height, width)
    return [tf.TensorSpec((None, *side, channels), tf.float32) for side in sides]


def _discriminator_step(players: Players, large: tf.Tensor, enlarged: tf.Tensor) -> dict[str, tf.Tensor]:
    with tf.GradientTape() as tape:
        real, fake = (players.discriminator(images, training=True) for images in (large, enlarged))
        loss = (_cross_entropy(real, 1.0) + _cross_entropy(fake, 0.0)) / 2
    _move(players.discriminator, players.discriminator_optimizer, tape.gradient(loss, _values(players.discriminator)))
    right = tf.concat([real > 0, fake <= 0], axis=0)
    return {"discriminator_loss": loss, "discriminator_accuracy": tf.reduce_mean(tf.cast(right, tf.float32))}


def _pixel_loss(enlarged: tf.Tensor, large: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.square(enlarged - large))


def _content_loss(content: Content, enlarged: tf.Tensor, large: tf.Tensor) -> tf.Tensor:
    wanted, reached = (tf.cast(content.network(images, training=False), tf.float32) for images in (large, enlarged))
    return tf.reduce_mean(tf.square(reached - wanted)) / content.power


def _cross_entropy(logits: tf.Tensor, wanted: float) -> tf.Tensor:
    labels = tf.fill(tf.shape(logits), wanted)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))


def _move(network: keras.Model, optimizer: keras.optimizers.Optimizer, gradients: list[tf.Tensor]) -> None:
    optimizer.apply(gradients, network.trainable_variables)


def _values(network: keras.Model) -> list[tf.Variable]:
    return [variable.value for variable in network.trainable_variables]
