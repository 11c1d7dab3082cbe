"""Networks of Zakavi and Okhunov, *Facial Emotion Recognition Using Network Surgery*, that start from scratch."""

from collections.abc import Sequence

import keras
from keras import layers

from fer_lib.models.ends import feed_caffe, grey_images, perceptron_head
from fer_lib.models.weights import load_base_weights

VGG16_BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
"""Convolutions and filters of each block of VGG16."""

EXTENSION_FILTERS = (512, 512)

RESIDUAL_BLOCKS = ((16, 1), (32, 2), (64, 2), (64, 1))
"""Filters and stride of each block of the small residual network."""


def build_shallow(
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int = 7,
    filters: Sequence[int] = (32, 64),
    dense_units: Sequence[int] = (256,),
    dropout_rate: float = 0.25,
) -> keras.Model:
    """Build the shallow network of section *Designing a Custom Network* and Figure 5.

    Stated: two pairs of convolutions with pooling, each pair with batch normalisation and dropout, then fully connected
    layers. Assumed, as the paper is silent: 3x3 kernels, same padding, ReLU, the order convolution, convolution,
    pooling, batch normalisation, dropout, and all widths. With the defaults it has 2,426,727 parameters.

    Args:
        input_shape: height, width and channels of an image; pixels float in [0, 1].
        classes: width of the softmax.
        filters: filters of the convolutions, one number per pair.
        dense_units: widths of the dense layers before the softmax.
        dropout_rate: fraction of each pair's outputs dropped while training.

    Returns:
        A functional model from float (n, *input_shape) to float32 probabilities (n, classes).
    """
    inputs = keras.Input(input_shape, name="images")
    x = inputs  # (n, 48, 48, 1)
    for pair, width in enumerate(filters, start=1):
        for number in (1, 2):
            name = f"block{pair}_conv{number}"
            x = layers.Conv2D(width, 3, padding="same", activation="relu", name=name)(x)
        x = layers.MaxPooling2D(2, name=f"block{pair}_pool")(x)  # (n, 24 | 12, same, width)
        x = layers.BatchNormalization(name=f"block{pair}_bn")(x)
        x = layers.Dropout(dropout_rate, name=f"block{pair}_dropout")(x)
    return keras.Model(inputs, _dense_layers(x, dense_units, classes), name="shallow")


def build_vgg16_extended(
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int = 7,
    dense_units: Sequence[int] = (256,),
    width: float = 1.0,
) -> keras.Model:
    """Build the extended VGG16 of section *Modifying VGG16 Architecture* and Figure 6, from scratch.

    Stated: VGG16 without its head, two convolutions with max pooling and batch normalisation ("one more set of
    convolutional and max-pooling layers"), two dense layers. Assumed: the set is built as VGG16's are, its convolutions
    before one pooling; 3x3 kernels, 512 filters like the block before, batch normalisation between convolution and
    ReLU, the width of the first dense layer (the second is the softmax). The set takes the place of the base's last
    pooling: at 48x48 that would leave a single position, and then neither the set's pooling nor Grad-CAM would have
    anything to choose from. Pixels stay in [0, 1]: no ImageNet weights are used. Kernels start as He et al. 2015
    (section 2.2) have them: of the spread between two faces 13 ReLUs leave less than a thousandth under Keras' default,
    and the network then learns nothing to begin with. With the defaults it has 19,964,743 parameters,
    14,714,688 of them VGG16's.

    Args:
        input_shape: height, width (at least 32) and the one channel of an image, stacked to three; pixels in [0, 1].
        classes: width of the softmax.
        dense_units: widths of the dense layers before the softmax.
        width: factor on all numbers of filters; below 1 for a trial on little data.

    Returns:
        A functional model from float (n, h, w, 1) to float32 probabilities (n, classes).

    Raises:
        ValueError: if the images are not grey, or smaller than 32 pixels a side.
    """
    images = grey_images(input_shape, "vgg16_extended")
    x = feed_caffe(images, pixels="unit")  # (n, 48, 48, 3)
    for block, (convolutions, filters) in enumerate(VGG16_BLOCKS, start=1):
        for number in range(1, convolutions + 1):
            name = f"block{block}_conv{number}"
            x = _he_convolution(_scaled(filters, width), name, activation="relu")(x)
        if block < len(VGG16_BLOCKS):
            x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)  # (n, 24 | 12 | 6 | 3, same, filters)
    for number, filters in enumerate(EXTENSION_FILTERS, start=1):
        x = _he_convolution(_scaled(filters, width), f"block6_conv{number}")(x)  # (n, 3, 3, filters)
        x = layers.BatchNormalization(name=f"block6_bn{number}")(x)
        x = layers.ReLU(name=f"block6_relu{number}")(x)
    x = layers.MaxPooling2D(2, padding="same", name="block6_pool")(x)  # (n, 2, 2, filters)
    return keras.Model(images, _dense_layers(x, dense_units, classes), name="vgg16_extended")


def build_small_residual(
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int = 7,
    head_units: Sequence[int] = (256, 128),
    width: float = 1.0,
    weights: str = "none",
    pixels: str = "expected",
    grey: str = "replicated",
) -> keras.Model:
    """Build a small residual network with batch normalisation that stands in for ResNet50 in tests of transfer.

    Ours, not the paper's: small enough to be pre-trained here, so that freezing, unfreezing and the mistakes of pixels
    and grey are measured on weights that were trained. It is fed as ResNet50 is (pixels in [0, 255] less ImageNet's
    mean): a base pre-trained so has batch statistics some 255 times too large for pixels left in [0, 1]. With the
    defaults the base has 152,304 parameters, its last maps are 6x6.

    Args:
        input_shape: height, width (at least 32) and the one channel of an image; pixels float in [0, 1].
        classes: width of the softmax.
        head_units: widths of the hidden layers of the three-layer perceptron.
        width: factor on all numbers of filters; below 1 for a trial on little data.
        weights: what the base starts from: "none" or the path of a file; there are none of ImageNet.
        pixels: "expected" or "unit", as of `build_resnet50`.
        grey: "replicated" or "one_channel".

    Returns:
        A functional model, one flat graph, from float (n, h, w, 1) to float32 probabilities (n, classes).

    Raises:
        WeightsNotAvailable: if there is no such weights file.
        ValueError: if an option has no such value, or the weights do not fit.
    """
    images = grey_images(input_shape, "small_residual")
    x = feed_caffe(images, pixels, grey)  # (n, 48, 48, 3)
    x = _normalised_convolution(x, _scaled(RESIDUAL_BLOCKS[0][0], width), 3, 1, "stem_conv", "stem_bn")
    x = layers.ReLU(name="stem_relu")(x)
    x = layers.MaxPooling2D(2, name="stem_pool")(x)  # (n, 24, 24, 16)
    for block, (filters, stride) in enumerate(RESIDUAL_BLOCKS, start=1):
        x = _residual_block(x, _scaled(filters, width), stride, f"block{block}")  # (n, 24 | 12 | 6 | 6, same, filters)
    base = keras.Model(images, x, name="small_residual_base")
    load_base_weights(base, "small_residual", weights)
    return keras.Model(images, perceptron_head(x, head_units, classes), name="small_residual")


def _residual_block(x: keras.KerasTensor, filters: int, stride: int, name: str) -> keras.KerasTensor:
    shortcut = x
    if stride != 1:  # a 1x1 convolution of stride 2 and few filters corrupts memory in oneDNN's gradient
        shortcut = layers.AveragePooling2D(stride, padding="same", name=f"{name}_shortcut_pool")(shortcut)
    if x.shape[-1] != filters:
        shortcut = _normalised_convolution(shortcut, filters, 1, 1, f"{name}_shortcut", f"{name}_shortcut_bn")
    x = _normalised_convolution(x, filters, 3, stride, f"{name}_conv1", f"{name}_bn1")
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = _normalised_convolution(x, filters, 3, 1, f"{name}_conv2", f"{name}_bn2")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_relu2")(x)


def _normalised_convolution(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str, norm_name: str
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, name=name)(x)
    return layers.BatchNormalization(name=norm_name)(x)


def _he_convolution(filters: int, name: str, activation: str | None = None) -> layers.Layer:
    return layers.Conv2D(filters, 3, padding="same", activation=activation, kernel_initializer="he_normal", name=name)


def _dense_layers(x: keras.KerasTensor, dense_units: Sequence[int], classes: int) -> keras.KerasTensor:
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(dense_units, start=1):
        x = layers.Dense(units, activation="relu", name=f"dense{number}")(x)
    return layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(x)


def _scaled(filters: int, width: float) -> int:
    return max(1, round(filters * width))
