"""The two LeNets: Liu's on SFEW, and the wider one of the LT2326 project on FER2013."""

import keras
from keras import layers


def build_lenet_sfew(
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int = 7,
    filters: tuple[int, ...] = (6, 16),
    dense_units: tuple[int, ...] = (120, 84),
    mean: float = 0.0,
) -> keras.Model:
    """Build the network of Liu, *Face Emotion Classification and Recognition using CNN*, section 2.3.

    [Convolution-ReLU-Max-pool-ReLU]x2 - [Fully Connected-ReLU]x3 - softmax, as printed: there is a ReLU after the
    last dense layer too, before the softmax. With the defaults it has 169,271 parameters.

    Args:
        input_shape: height, width and channels of an image; grey ones (one channel) are replicated to the paper's
            three channels; pixels float in [0, 1].
        classes: width of the softmax.
        filters: filters of the 5x5 valid convolutions.
        dense_units: widths of the dense layers before the last; those of LeNet-5, the paper gives none.
        mean: average pixel of the training set, subtracted from every pixel (section 2.2).

    Returns:
        A functional model from float (n, *input_shape) to float32 probabilities (n, classes).
    """
    inputs = keras.Input(input_shape, name="images")
    x = layers.Concatenate(name="rgb")([inputs] * 3) if input_shape[-1] == 1 else inputs  # (n, 48, 48, 3)
    x = layers.Rescaling(1.0, offset=-mean, name="mean_subtraction")(x)
    for block, width in enumerate(filters, start=1):
        x = layers.Conv2D(width, 5, activation="relu", name=f"conv{block}")(x)  # (n, 44 | 18, same, width)
        x = layers.MaxPooling2D(2, name=f"pool{block}")(x)  # (n, 22 | 9, same, width)
        x = layers.ReLU(name=f"relu{block}")(x)
    x = layers.Flatten(name="flatten")(x)  # (n, 1296)
    for number, width in enumerate(dense_units, start=1):
        x = layers.Dense(width, activation="relu", name=f"dense{number}")(x)
    x = layers.Dense(classes, activation="relu", dtype="float32", name=f"dense{len(dense_units) + 1}")(x)
    outputs = layers.Softmax(dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, outputs, name="lenet_sfew")


def build_lenet5(
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int = 7,
    filters: tuple[int, ...] = (32, 64, 128),
    dense_units: tuple[int, ...] = (256, 128),
    dropout_rate: float = 0.5,
) -> keras.Model:
    """Build the network of the LT2326 project, *Facial Expression Recognition*, section Model Architecture.

    Three convolutions, each with ReLU, max pooling and batch normalisation; three dense layers, the last of them the
    softmax, the others with ReLU and dropout.

    Args:
        input_shape: height, width and channels of an image; pixels float in [0, 1].
        classes: width of the softmax.
        filters: filters of the 3x3 convolutions; the paper gives none.
        dense_units: widths of the dense layers before the softmax; the paper gives none.
        dropout_rate: fraction of each dense layer's units dropped while training.

    Returns:
        A functional model from float (n, *input_shape) to float32 probabilities (n, classes).
    """
    inputs = keras.Input(input_shape, name="images")
    x = inputs  # (n, 48, 48, 1)
    for block, width in enumerate(filters, start=1):
        x = layers.Conv2D(width, 3, padding="same", activation="relu", name=f"conv{block}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{block}")(x)  # (n, 24 | 12 | 6, same, width)
        x = layers.BatchNormalization(name=f"bn{block}")(x)
    x = layers.Flatten(name="flatten")(x)  # (n, 4608)
    for number, width in enumerate(dense_units, start=1):
        x = layers.Dense(width, activation="relu", name=f"dense{number}")(x)
        x = layers.Dropout(dropout_rate, name=f"dropout{number}")(x)
    outputs = layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, outputs, name="lenet5")
