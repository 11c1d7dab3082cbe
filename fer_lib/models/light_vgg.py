"""Shi's light VGG: three blocks of three 3x3 convolutions, batch normalisation once per block."""

import keras
from keras import layers


def build_light_vgg(
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int = 7,
    filters: tuple[int, ...] = (32, 64, 128),
    dense_units: int = 64,
    dropout_rate: float = 0.5,
    batch_norm: bool = True,
) -> keras.Model:
    """Build the network of Shi, *Facial Expression Recognition with Deep CNNs*, section 4.2 and Figure 2.

    With the defaults it has 776,519 parameters, 480,192 of them in convolutions.

    Args:
        input_shape: height, width and channels of an image; pixels float in [0, 1].
        classes: width of the softmax.
        filters: filters of the convolutions, one number per block.
        dense_units: width of the dense layer before the softmax.
        dropout_rate: fraction of the dense layer's units dropped while training; 0 leaves the layer out (the
            paper's model "without dropout").
        batch_norm: whether each block ends with batch normalisation before its pooling.

    Returns:
        A functional model from float (n, *input_shape) to float32 probabilities (n, classes).
    """
    inputs = keras.Input(input_shape, name="images")
    x = inputs  # (n, 48, 48, 1)
    for block, width in enumerate(filters, start=1):
        for convolution in range(1, 4):
            name = f"block{block}_conv{convolution}"
            x = layers.Conv2D(width, 3, padding="same", activation="relu", name=name)(x)
        if batch_norm:
            x = layers.BatchNormalization(name=f"block{block}_bn")(x)
        x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)  # (n, 24 | 12 | 6, same, width)
    x = layers.Flatten(name="flatten")(x)  # (n, 4608)
    x = layers.Dense(dense_units, activation="relu", name="dense")(x)
    if dropout_rate:
        x = layers.Dropout(dropout_rate, name="dropout")(x)
    outputs = layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, outputs, name="light_vgg")
