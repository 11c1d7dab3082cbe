"""SRGAN at twice the size: a generator that enlarges faces, a discriminator that tells its work from photographs.

Ledig et al. 2017, *Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network*, section 2.1
and Figure 4, for grey images; Liu, Zhang and Xin, section 3.2, enlarge FER2013 with it.
"""

import keras
import numpy as np
from keras import layers, ops

from fer_lib.super_resolution.pairs import SCALE

MOMENTUM = 0.9
"""Of the generator's batch normalisation: its moving statistics are needed after every epoch, however short."""

DETAIL = 0.1
"""What the detail is multiplied by: in Adam's first steps all weights of the last layer, zero at first, move alike."""

_CUBIC = np.array([-3, 29, 111, -9, 0]) / 128
"""Weights of five neighbours in the pixel a quarter to the left of the middle one: Keys' kernel with a = -0.5."""


def build_srgan_generator(
    input_shape: tuple[int | None, int | None, int] = (None, None, 1), filters: int = 64, blocks: int = 16
) -> keras.Model:
    """Build the generator: residual blocks at the small size, then one sub-pixel convolution (Shi et al. 2016).

    Faces are grey and doubled, so there is one channel and one of the paper's two up-sampling blocks. Unlike the
    paper's, the network's output is added to the image enlarged by cubic interpolation (Keys, a = -0.5), and starts at
    zero: a few thousand steps are spent on detail alone, mean brightness does not drift (a classifier would see that),
    and bfloat16 rounds the detail and not the face. The sum is cut to [0, 1] by the layer `images_x2`; train on its
    input (`unclipped`), for the gradient of what is cut off is zero.

    Fully convolutional: trained from 24×24 to 48×48, it takes 48×48 to 96×96. With the defaults it has 1,384,357
    parameters.

    Args:
        input_shape: height and width of the small images, None for any, and their channels; pixels float in [0, 1].
        filters: of the convolutions; the paper has 64.
        blocks: residual blocks, "B" in the paper, which has 16.

    Returns:
        A functional model of plain Keras layers from float (n, h, w, c) to float32 (n, 2h, 2w, c) in [0, 1].

    Raises:
        ValueError: if `filters` or `blocks` is below 1.
    """
    if filters < 1 or blocks < 1:
        raise ValueError(f"filters and blocks must be at least 1. Received: {filters=}, {blocks=}")
    channels = input_shape[-1]
    inputs = keras.Input(input_shape, name="images")
    x = layers.Conv2D(filters, 9, padding="same", name="stem_conv")(inputs)  # (n, 24, 24, filters)
    first = x = layers.PReLU(shared_axes=[1, 2], name="stem_prelu")(x)
    for block in range(1, blocks + 1):
        x = _residual_block(x, filters, f"block{block}")
    x = _normalised_convolution(x, filters, "body", "")
    x = layers.Add(name="body_add")([x, first])
    x = layers.Conv2D(SCALE**2 * filters, 3, padding="same", name="up_conv")(x)  # (n, 24, 24, 4 filters)
    x = ops.depth_to_space(x, SCALE)  # (n, 48, 48, filters)
    x = layers.PReLU(shared_axes=[1, 2], name="up_prelu")(x)
    detail = layers.Conv2D(channels, 9, padding="same", kernel_initializer="zeros", name="detail_conv")(x)
    detail = layers.Rescaling(DETAIL, dtype="float32", name="detail")(detail)
    cubic = _enlarge_cubic(inputs)
    total = layers.Add(dtype="float32", name="unclipped")([cubic, detail])
    outputs = layers.ReLU(max_value=1.0, dtype="float32", name="images_x2")(total)
    return keras.Model(inputs, outputs, name="srgan_generator")


def unclipped(generator: keras.Model) -> keras.Model:
    """The generator without its last step, the cut to [0, 1]: what is trained; it shares the generator's weights."""
    return keras.Model(generator.input, generator.get_layer("unclipped").output, name="unclipped")


def build_srgan_discriminator(
    input_shape: tuple[int, int, int] = (48, 48, 1), filters: int = 64, dense_units: int = 1024
) -> keras.Model:
    """Build the discriminator: eight 3×3 convolutions, every other one with stride 2, then two dense layers.

    With the defaults, on 48×48 grey faces, it has 9,410,433 parameters, half of them in the first dense layer.

    Args:
        input_shape: height, width and channels of the large images; pixels float, mostly in [0, 1].
        filters: of the first two convolutions, doubled every two up to eight times as many; the paper has 64.
        dense_units: width of the dense layer; the paper has 1024.

    Returns:
        A functional model from float (n, *input_shape) to float32 logits (n, 1), above 0 for photographs; the paper's
        sigmoid is part of the loss.

    Raises:
        ValueError: if `filters` or `dense_units` is below 1.
    """
    if filters < 1 or dense_units < 1:
        raise ValueError(f"filters and dense_units must be at least 1. Received: {filters=}, {dense_units=}")
    inputs = x = keras.Input(input_shape, name="images")
    for number in range(8):
        width, stride = filters * 2 ** (number // 2), 1 + number % 2
        name = f"block{number // 2 + 1}_conv{stride}"
        # Batch normalisation takes a bias away again; the first convolution has none after it.
        x = layers.Conv2D(width, 3, stride, padding="same", use_bias=number == 0, name=name)(x)
        if number:
            x = layers.BatchNormalization(name=f"block{number // 2 + 1}_bn{stride}")(x)
        x = layers.LeakyReLU(0.2, name=f"block{number // 2 + 1}_leaky{stride}")(x)
    x = layers.Flatten(name="flatten")(x)  # (n, 4608)
    x = layers.LeakyReLU(0.2, name="dense_leaky")(layers.Dense(dense_units, name="dense")(x))
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="srgan_discriminator")


def _enlarge_cubic(inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Cubic interpolation as a frozen convolution: `UpSampling2D` takes no images of unknown size but by repetition."""
    channels = inputs.shape[-1]
    rows = np.stack([_CUBIC, _CUBIC[::-1]])  # the upper and the lower, or left and right, of the pixels made of one
    phases = np.einsum("ay,bx->yxab", rows, rows).reshape(5, 5, 1, -1)
    kernel = np.einsum("yxop,cd->yxcpd", phases, np.eye(channels)).reshape(5, 5, channels, -1)
    padded = ops.pad(inputs, [(0, 0), (2, 2), (2, 2), (0, 0)], mode="symmetric")
    convolution = layers.Conv2D(kernel.shape[-1], 5, use_bias=False, trainable=False, dtype="float32", name="cubic")
    enlarged = ops.depth_to_space(convolution(padded), SCALE)
    convolution.set_weights([kernel])
    return enlarged


def _residual_block(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """Convolution, BN, PReLU, convolution, BN, added to the input (Gross and Wilber's residual block)."""
    inner = _normalised_convolution(x, filters, name, "1")
    inner = layers.PReLU(shared_axes=[1, 2], name=f"{name}_prelu")(inner)
    inner = _normalised_convolution(inner, filters, name, "2")
    return layers.Add(name=f"{name}_add")([inner, x])


def _normalised_convolution(x: keras.KerasTensor, filters: int, name: str, number: str) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv{number}")(x)
    return layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn{number}")(x)
