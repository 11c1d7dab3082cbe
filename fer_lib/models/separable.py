"""Model A of Liu, Zhang and Xin (2019): an Xception of few filters, with PReLU in place of ReLU."""

import keras
from keras import layers

ENTRY_FILTERS = (64, 128, 256)
"""Of the entry flow's blocks of two separable convolutions; before them stand two convolutions of 16 and 32."""

MIDDLE_BLOCKS = 4

LEAST_FILTERS = 16
"""TensorFlow 2.21's gradient of a strided 1x1 convolution with fewer channels corrupts memory."""


def build_separable(
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int = 7,
    dropout_rate: float = 0.5,
    width: float = 1.0,
    middle_blocks: int = MIDDLE_BLOCKS,
) -> keras.Model:
    """Build model A of Liu, Zhang and Xin, *Face Expression Recognition Based on Improved CNN*, section 2.2, Figure 1.

    With the defaults it has the published 2,720,439 parameters, 2,705,879 of them trainable, in 3 convolutions and 22
    separable ones, as the paper counts them: the four 1x1 convolutions of the shortcuts come on top. There are 95
    layers, counting the input, shortcuts, sums and the softmax, not the dropout. What the text leaves open follows from
    the number of parameters: no convolution but the last has a bias, the first two are *valid*, and every position has
    a slope of its own.

    Blocks 1 to 4 are the entry flow (48 -> 46 -> 44 -> 22 -> 11 -> 6 pixels a side), 5 to 8 the middle flow (6x6x256),
    9 and 10 the exit flow (3x3, its last convolution gives the classes).

    The paper names dropout and not its place: *assumed* is one, before the last convolution, where Xception has its
    own (before what classifies).

    Args:
        input_shape: height, width and channels of an image; pixels float in [0, 1]. The number of parameters holds for
            (48, 48, 1) alone, for the slopes of PReLU stand by position.
        classes: filters of the last convolution.
        dropout_rate: fraction of what the last convolution is fed that is dropped while training; 0 leaves the layer
            out.
        width: factor on all numbers of filters, none below 16; below 1 for a trial on little data.
        middle_blocks: how many of blocks 5 to 8 there are, the last of them; below 4 for a trial on little data.

    Returns:
        A functional model, one flat graph, from float (n, *input_shape) to float32 probabilities (n, classes).

    Raises:
        ValueError: if `middle_blocks` is not in 0 ... 4.
    """
    if middle_blocks not in range(MIDDLE_BLOCKS + 1):
        raise ValueError(f"middle_blocks must be in 0 ... {MIDDLE_BLOCKS}. Received: {middle_blocks!r}")
    images = keras.Input(input_shape, name="images")
    x = _convolution(images, 16, width, "block1_conv1")
    x = layers.PReLU(name="block1_prelu1")(x)  # (n, 46, 46, 16)
    x = _convolution(x, 32, width, "block1_conv2")
    x = layers.PReLU(name="block1_prelu2")(x)  # (n, 44, 44, 32)
    for block, filters in enumerate(ENTRY_FILTERS, start=2):
        x = _shrinking_block(x, (filters, filters), width, f"block{block}", activate_first=block > 2)
    for block in range(9 - middle_blocks, 9):  # (n, 6, 6, 256)
        x = _middle_block(x, width, f"block{block}")
    x = _shrinking_block(x, (256, 512), width, "block9", activate_first=True)  # (n, 3, 3, 512)
    for number, filters in enumerate((512, 1024), start=1):
        x = _separable(x, filters, width, f"block10_sepconv{number}")
        x = layers.PReLU(name=f"block10_prelu{number}")(x)
    if dropout_rate:
        x = layers.Dropout(dropout_rate, name="block10_dropout")(x)
    x = layers.Conv2D(classes, 3, padding="same", dtype="float32", name="block10_conv")(x)  # (n, 3, 3, classes)
    x = layers.GlobalAveragePooling2D(dtype="float32", name="average")(x)
    outputs = layers.Activation("softmax", dtype="float32", name="probabilities")(x)
    return keras.Model(images, outputs, name="separable")


def _shrinking_block(
    x: keras.KerasTensor, filters: tuple[int, int], width: float, name: str, activate_first: bool
) -> keras.KerasTensor:
    """Two separable convolutions and a pooling that halves the sides, added to a shortcut."""
    shortcut = layers.Conv2D(
        _scaled(filters[-1], width), 1, strides=2, padding="same", use_bias=False, name=f"{name}_shortcut"
    )(x)
    shortcut = layers.BatchNormalization(name=f"{name}_shortcut_bn")(shortcut)
    for number, count in enumerate(filters, start=1):
        if number > 1 or activate_first:
            x = layers.PReLU(name=f"{name}_prelu{number}")(x)
        x = _separable(x, count, width, f"{name}_sepconv{number}")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return layers.Add(name=f"{name}_add")([x, shortcut])


def _middle_block(x: keras.KerasTensor, width: float, name: str) -> keras.KerasTensor:
    shortcut = x
    for number in range(1, 4):
        x = layers.PReLU(name=f"{name}_prelu{number}")(x)
        x = _separable(x, ENTRY_FILTERS[-1], width, f"{name}_sepconv{number}")
    return layers.Add(name=f"{name}_add")([x, shortcut])


def _convolution(x: keras.KerasTensor, filters: int, width: float, name: str) -> keras.KerasTensor:
    x = layers.Conv2D(_scaled(filters, width), 3, use_bias=False, name=name)(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def _separable(x: keras.KerasTensor, filters: int, width: float, name: str) -> keras.KerasTensor:
    x = layers.SeparableConv2D(_scaled(filters, width), 3, padding="same", use_bias=False, name=name)(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def _scaled(filters: int, width: float) -> int:
    return max(LEAST_FILTERS, round(filters * width))
