"""Faster kernels under Keras' own layers: the same weights, configuration and numerics, less memory traffic.

Models are built from plain Keras layers. `with_fast_kernels` swaps the slow ones for training, and the trained weights
go back into the plain model, so a saved file never names a class of this package. Measured by `make bench`.
"""

from typing import Any

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch normalisation on TensorFlow's fused kernel while training.

    Falls back to Keras where the fused kernel does not apply (input not of rank 4, axis not last, masks). The kernel's
    batch variance carries Bessel's correction, which is undone: the moving variance is Keras'.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Normalise float (n, h, w, c) over n, h and w."""
        fused = inputs.shape.rank == 4 and self.axis in (-1, 3) and mask is None and not self.synchronized
        if not (training and self.trainable and fused):
            return super().call(inputs, training=training, mask=mask)
        inputs = tf.cast(inputs, self.compute_dtype)
        channels = inputs.shape[-1]
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            tf.cast(self.gamma, tf.float32) if self.scale else tf.ones(channels),
            tf.cast(self.beta, tf.float32) if self.center else tf.zeros(channels),
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(inputs) // channels, tf.float32)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance * (count - 1.0) / count)
        return outputs

    def _move(self, moving: keras.Variable, batch: tf.Tensor) -> None:
        batch = tf.cast(batch, moving.dtype)
        moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))


class FastMaxPooling2D(keras.layers.MaxPooling2D):
    """Keras' 2x2 max pooling with a gradient compiled by XLA; ties go to the first maximum, as in TensorFlow's own."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Pool float (n, h, w, c) to (n, h // 2, w // 2, c)."""
        height, width = inputs.shape[1:3]
        tiled = self.pool_size == self.strides == (2, 2) and self.data_format == "channels_last"
        if tiled and height and width and height % 2 == width % 2 == 0:
            return _max_pool_2x2(inputs)
        return super().call(inputs)


@tf.custom_gradient
def _max_pool_2x2(images: tf.Tensor) -> tuple[tf.Tensor, Any]:
    pooled = tf.nn.max_pool2d(images, 2, 2, "VALID")
    return pooled, lambda gradient: _max_pool_2x2_gradient(images, pooled, gradient)


@tf.function(jit_compile=True)
def _max_pool_2x2_gradient(images: tf.Tensor, pooled: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    """Route (n, h/2, w/2, c) gradients to the first maximum of each 2x2 window, in row order."""
    quarters = []
    taken = tf.zeros_like(pooled, dtype=tf.bool)
    for row in (0, 1):
        for column in (0, 1):
            is_maximum = tf.equal(images[:, row::2, column::2], pooled) & ~taken
            taken |= is_maximum
            quarters.append(tf.where(is_maximum, gradient, tf.zeros_like(gradient)))
    rows = [tf.stack(quarters[:2], axis=3), tf.stack(quarters[2:], axis=3)]  # each (n, h/2, w/2, 2, c)
    return tf.reshape(tf.stack(rows, axis=2), tf.shape(images))  # (n, h/2, 2, w/2, 2, c) -> (n, h, w, c)


FAST_LAYERS: dict[type[keras.layers.Layer], type[keras.layers.Layer]] = {
    keras.layers.BatchNormalization: FusedBatchNormalization,
    keras.layers.MaxPooling2D: FastMaxPooling2D,
}


def with_fast_kernels(model: keras.Model) -> keras.Model:
    """Clone a functional model with the slow layers swapped for the fast ones, weights copied.

    Args:
        model: a built functional model of plain Keras layers, left as it is.

    Returns:
        A model of the same graph; `model.set_weights(fast.get_weights())` brings the weights back.
    """

    def swap(layer: keras.layers.Layer) -> keras.layers.Layer:
        fast = FAST_LAYERS.get(type(layer), type(layer))
        return fast.from_config(layer.get_config())

    fast_model = keras.models.clone_model(model, clone_function=swap)
    for source, target in zip(model.layers, fast_model.layers, strict=True):
        target.trainable = source.trainable
    fast_model.set_weights(model.get_weights())
    return fast_model
