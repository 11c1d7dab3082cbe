"""Faster kernels under Keras' own layers: the same weights, configuration and numerics.

Models are built from plain Keras layers. `with_fast_kernels` swaps the slow ones for training, and the trained weights
go back into the plain model, so a saved file never names a class of this package. Measured by `make bench`.

In float32 each layer, and the outputs and moving statistics of a whole model A, agree with Keras' to 1e-5. Gradients of
a whole network agree as far as float32 allows: where an activation lies at the kink of its PReLU, the last digit
decides which slope it has, and plain Keras in float32 is as far from float64 as from these layers
(tests/test_layers.py).
"""

from collections.abc import Callable, Mapping

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


class CompiledPReLU(keras.layers.PReLU):
    """Keras' PReLU, compiled by XLA while training: once for each shape, batch size included, that it meets.

    Keras computes it, and TensorFlow its gradient, as a dozen operations, each of them a pass over memory. Falls back
    to Keras where positions share slopes (`shared_axes`).
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Rectify (n, ...): negative values are multiplied by the slopes (...)."""
        if not training or self.shared_axes is not None:
            return super().call(inputs)
        inputs = tf.convert_to_tensor(inputs)
        return _prelu(inputs, tf.cast(self.alpha, inputs.dtype))


@tf.custom_gradient
def _prelu(
    inputs: tf.Tensor, slopes: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    return _rectify(inputs, slopes), lambda above: _rectify_gradients(inputs, slopes, above)


@tf.function(jit_compile=True, autograph=False)
def _rectify(inputs: tf.Tensor, slopes: tf.Tensor) -> tf.Tensor:
    return tf.where(inputs > 0, inputs, slopes * inputs)


@tf.function(jit_compile=True, autograph=False)
def _rectify_gradients(inputs: tf.Tensor, slopes: tf.Tensor, above: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Gradients of inputs and slopes; zeros get none, as in Keras. The sum over the batch is float32 at least."""
    none = tf.zeros([], inputs.dtype)
    below = tf.where(inputs > 0, above, tf.where(inputs < 0, slopes * above, none))
    sums = tf.float64 if inputs.dtype == tf.float64 else tf.float32
    of_slopes = tf.reduce_sum(tf.cast(tf.minimum(inputs, none), sums) * tf.cast(above, sums), axis=0)
    return below, tf.cast(of_slopes, slopes.dtype)


class MatmulConv2D(keras.layers.Conv2D):
    """Keras' convolution; one of single pixels (1x1) is a matrix product, before which strides take their pixels.

    They are taken by a pooling of windows of one. Unlike Keras' on a processor, the gradient of the bias is not summed
    in bfloat16 in mixed precision, a sum that stands still where summands are too small to count (at 512 for ones).
    Falls back to Keras on channels that come first.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolve (n, h, w, c) into (n, h, w, filters)."""
        if self.data_format != "channels_last":
            return super().call(inputs)
        if self.kernel_size != (1, 1) or self.groups != 1:
            return _finish(self, self.convolution_op(inputs, self.kernel))
        if self.strides != (1, 1):
            inputs = tf.nn.avg_pool2d(inputs, 1, self.strides, "VALID")
        return _finish(self, _mix_channels(tf.convert_to_tensor(inputs), tf.convert_to_tensor(self.kernel)))


class MatmulSeparableConv2D(keras.layers.SeparableConv2D):
    """Keras' separable convolution, its pointwise half a matrix product, as in `MatmulConv2D`.

    What the depthwise half hands back to its inputs is computed as what it is, a depthwise convolution with the kernel
    turned by 180 degrees. Falls back to Keras on strides, dilation, several outputs a channel, sides that are even,
    padding other than *same*, and channels that come first.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolve (n, h, w, c), each channel on its own, then mix the channels into (n, h, w, filters)."""
        if not self._keeps_pixels():
            return super().call(inputs)
        separated = convolve_channels(tf.convert_to_tensor(inputs), tf.convert_to_tensor(self.depthwise_kernel))
        return _finish(self, _mix_channels(separated, tf.convert_to_tensor(self.pointwise_kernel)))

    def _keeps_pixels(self) -> bool:
        """Whether an output's pixel is of the same place as the input's, one for one."""
        one_for_one = self.depth_multiplier == 1 and {*self.strides, *self.dilation_rate} == {1}
        centred = self.padding == "same" and all(side % 2 for side in self.kernel_size)
        return one_for_one and centred and self.data_format == "channels_last"


def _finish(layer: keras.layers.Layer, outputs: tf.Tensor) -> tf.Tensor:
    if layer.use_bias:
        add_bias = _add_bias if outputs.dtype == tf.bfloat16 else tf.nn.bias_add
        outputs = add_bias(outputs, tf.convert_to_tensor(layer.bias))
    return outputs if layer.activation is None else layer.activation(outputs)


@tf.custom_gradient
def _add_bias(
    outputs: tf.Tensor, bias: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    """Add (c) to (n, h, w, c). The gradient of the bias, a sum, is a product with ones, which is kept in float32."""

    def gradients(above: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        rows = tf.reshape(above, (-1, bias.shape[0]))
        return above, tf.matmul(tf.ones((1, tf.shape(rows)[0]), above.dtype), rows)[0]

    return tf.nn.bias_add(outputs, bias), gradients


def _mix_channels(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.tensordot(inputs, tf.reshape(kernel, kernel.shape[-2:]), axes=1)


@tf.custom_gradient
def convolve_channels(
    inputs: tf.Tensor, kernel: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    """Depthwise convolution of (n, h, w, c) with (h, w, c, 1) of odd sides: strides of 1, padding *same*.

    The gradient of the inputs is such a convolution, too, for which TensorFlow's own operation is slower.
    """
    how = {"strides": (1, 1, 1, 1), "padding": "SAME"}

    def gradients(above: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_kernel = tf.nn.depthwise_conv2d_backprop_filter(inputs, kernel.shape, above, **how)
        return tf.nn.depthwise_conv2d(above, tf.reverse(kernel, (0, 1)), **how), of_kernel

    return tf.nn.depthwise_conv2d(inputs, kernel, **how), gradients


FAST_LAYERS: dict[type[keras.layers.Layer], type[keras.layers.Layer]] = {
    keras.layers.BatchNormalization: FusedBatchNormalization,
    keras.layers.PReLU: CompiledPReLU,
    keras.layers.Conv2D: MatmulConv2D,
    keras.layers.SeparableConv2D: MatmulSeparableConv2D,
}
"""Keras' layer -> ours."""


def with_fast_kernels(
    model: keras.Model, fast_layers: Mapping[type[keras.layers.Layer], type[keras.layers.Layer]] = FAST_LAYERS
) -> keras.Model:
    """Clone a functional model with the slow layers swapped for the fast ones, weights copied.

    Args:
        model: a built functional model of plain Keras layers, left as it is.
        fast_layers: which layers are swapped, for which others.

    Returns:
        A model of the same graph; `model.set_weights(fast.get_weights())` brings the weights back.
    """

    def swap(layer: keras.layers.Layer) -> keras.layers.Layer:
        fast = fast_layers.get(type(layer), type(layer))
        return fast.from_config(layer.get_config())

    fast_model = keras.models.clone_model(model, clone_function=swap)
    for source, target in zip(model.layers, fast_model.layers, strict=True):
        target.trainable = source.trainable
    fast_model.set_weights(model.get_weights())
    return fast_model
