"""Networks of Keras' applications, with the input of faces and a softmax of the wanted width."""

import keras
from keras import layers


def build_vgg19(input_shape: tuple[int, int, int] = (48, 48, 1), classes: int = 7) -> keras.Model:
    """Build VGG19 (Simonyan and Zisserman 2014, configuration E) from scratch, a softmax on its 512 pooled features.

    The base has 20,024,384 parameters, all of them in convolutions. Grey images are stacked to three channels.

    Args:
        input_shape: height, width and channels (1 or 3) of an image; at least 32 pixels a side.
        classes: width of the softmax.

    Returns:
        A functional model from float (n, *input_shape) to float32 probabilities (n, classes).

    Raises:
        ValueError: if the images have neither one nor three channels.
    """
    if input_shape[-1] not in (1, 3):
        raise ValueError(f"images of VGG19 must have 1 or 3 channels. Received: input_shape={input_shape}")
    inputs = keras.Input(input_shape, name="images")
    rgb = layers.Concatenate(name="rgb")([inputs] * 3) if input_shape[-1] == 1 else inputs  # (n, h, w, 3)
    base = keras.applications.VGG19(include_top=False, weights=None, input_tensor=rgb, pooling="avg")
    outputs = layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(base.output)
    return keras.Model(inputs, outputs, name="vgg19")
