"""A generator at work: uint8 images in, uint8 images of twice the size out."""

import keras
import numpy as np
import tensorflow as tf

from fer_lib.super_resolution.pairs import SCALE

BATCH_SIZE = 64
"""Images that are in the generator at one time."""


def apply_generator(generator: keras.Model, images: np.ndarray) -> np.ndarray:
    """Enlarge images in batches, batch normalisation in inference mode; only the result is held in full.

    Args:
        generator: fully convolutional, from float (n, h, w, c) in [0, 1] to (n, 2h, 2w, c); cut to [0, 1] here too.
        images: uint8 (n, h, w, c).

    Returns:
        uint8 (n, 2h, 2w, c), rounded.
    """
    count, height, width, channels = images.shape

    @tf.function(input_signature=[tf.TensorSpec((None, height, width, channels), tf.uint8)])
    def enlarge(batch: tf.Tensor) -> tf.Tensor:
        enlarged = generator(tf.cast(batch, tf.float32) / 255.0, training=False)
        pixels = tf.clip_by_value(tf.cast(enlarged, tf.float32), 0.0, 1.0) * 255.0
        return tf.cast(tf.round(pixels), tf.uint8)

    result = np.empty((count, SCALE * height, SCALE * width, channels), np.uint8)
    for start in range(0, count, BATCH_SIZE):
        part = slice(start, start + BATCH_SIZE)
        result[part] = enlarge(tf.constant(images[part])).numpy()
    return result
