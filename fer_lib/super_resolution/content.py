"""The network whose features make the content loss: cut at a layer, frozen, its loss made free of its units."""

import keras
import numpy as np
import tensorflow as tf

SCALED_ON = 256
"""Training images that the size of the features is measured on."""


def build_content_network(network: keras.Model, layer: str) -> keras.Model:
    """Cut a trained network at one of its layers.

    Ledig et al. (section 2.2.1) take VGG19 with ImageNet weights at φ2,2 or φ5,4; where those weights are not at hand,
    a network trained on FER2013 stands in, which the run has to say. At 48×48 a layer that still has a map of 24×24 or
    12×12 says where a detail is; the deepest ones, of 3×3, hardly do.

    Args:
        network: a functional classifier of float images (n, h, w, c) in [0, 1].
        layer: name of the layer whose output is compared, for example `block2_conv3` of `light_vgg` or `block2_conv2`
            of `vgg16`.

    Returns:
        A frozen functional model from images to the layer's features; the layers are copies, weights included.

    Raises:
        ValueError: if there is no such layer.
    """
    names = [known.name for known in network.layers]
    if layer not in names:
        raise ValueError(f"layer of {network.name!r} must be one of {names}. Received: {layer!r}")
    cut = keras.Model(network.input, network.get_layer(layer).output, name="content")
    content = keras.models.clone_model(cut)
    content.set_weights(cut.get_weights())
    content.trainable = False
    return content


def with_precision(content: keras.Model, precision: str) -> keras.Model:
    """Copy a content network so that it computes in `bfloat16` (mixed, weights in float32) or `float32`."""
    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"

    def change(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config({**layer.get_config(), "dtype": policy})

    changed = keras.models.clone_model(content, clone_function=change)
    changed.set_weights(content.get_weights())
    changed.trainable = False
    return changed


def feature_power(content: keras.Model, images: np.ndarray) -> float:
    """Mean square of the features of the first training images.

    The content loss is divided by it, so that the scale of a network's kernels does not count: Ledig et al. multiply
    VGG's features by 1 / 12.75 to the same end (section 3.2). What is the same in the features of all pictures does
    count: of networks whose pixels are centred a weight means more.

    Args:
        content: from `build_content_network`.
        images: uint8 (n, h, w, c).

    Raises:
        ValueError: if the features are all zero.
    """
    batch = tf.cast(images[:SCALED_ON], tf.float32) / 255.0
    power = float(tf.reduce_mean(tf.square(tf.cast(content(batch, training=False), tf.float32))))
    if not power > 0:
        raise ValueError(f"features of the content network must not all be zero. Received: mean square {power}")
    return power
