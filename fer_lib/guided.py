"""Copies of networks whose rectifiers guide gradients, for guided back-propagation (Springenberg et al. 2015, 3.4).

At a ReLU two things are asked of a gradient on its way down: that it is positive, and that the unit was active, its
input positive. What is left comes from units that found their pattern and whose finding it speaks for what is asked.

LeakyReLU and PReLU, of which the paper says nothing, are held to the same rule: they let gradients down where the
input was positive, and the branch of negative inputs lets none down, whatever its slope. PReLU learns its slopes, one
for each position and channel, and they may be negative or large. Passed on, a negative one would turn what speaks
against a unit into what speaks for it, no rectifier further down could tell the two apart, and the picture would show
slopes as much as features. The activations themselves are those of the network, slopes included: they decide which
units are active, which channel is the strongest and which class is predicted.
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf
from keras import layers

RECTIFIERS = (layers.ReLU, layers.LeakyReLU, layers.PReLU)
"""Layers that are guided."""

_RECTIFYING = (keras.activations.relu, keras.activations.relu6, keras.activations.leaky_relu)


def guided_copy(model: keras.Model) -> keras.Model:
    """Copy a network in float32, with a guide after every rectifier, a layer of its own or a layer's activation.

    Args:
        model: a flat functional or sequential model, left as it is.

    Returns:
        A model of the same outputs, whose layers have the names of the original's; gradients go down as stated above.
    """
    twins: list[tuple[keras.Layer, keras.Layer]] = []

    def copy(layer: keras.Layer) -> keras.Layer:
        twins.append((layer, type(layer).from_config(layer.get_config() | {"dtype": "float32"})))
        return twins[-1][1]

    def call(layer: keras.Layer, *inputs: object, **options: object) -> tf.Tensor:
        outputs = layer(*inputs, **options)
        if not _rectifies(layer):
            return outputs
        decisive = inputs[0] if isinstance(layer, layers.PReLU) else outputs  # with a negative slope signs differ
        return _Guide(dtype="float32")([outputs, decisive])

    uncompiled = keras.Model(model.inputs[0], model.outputs[0])
    guided = keras.models.clone_model(uncompiled, clone_function=copy, call_function=call)
    for layer, twin in twins:
        twin.set_weights(layer.get_weights())
    return guided


def guided_output(guided: keras.Model, name: str) -> keras.KerasTensor:
    """What a layer of a guided copy gives to those above: of a rectifier what has passed its guide."""
    output = guided.get_layer(name).output
    guides = [layer for layer in guided.layers if isinstance(layer, _Guide)]
    return next((guide.output for guide in guides if guide.input[0] is output), output)


class _Guide(layers.Layer):
    """Lets values up as they are; gradients down where they and the decisive values are positive."""

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        return _guide(*inputs)


@tf.custom_gradient
def _guide(values: tf.Tensor, decisive: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
    def down(above: tf.Tensor) -> tuple[tf.Tensor, ...]:
        none = tf.zeros_like(above)
        return tf.where(decisive > 0, tf.nn.relu(above), none), none

    return tf.identity(values), down


def _rectifies(layer: keras.Layer) -> bool:
    return isinstance(layer, RECTIFIERS) or getattr(layer, "activation", None) in _RECTIFYING
