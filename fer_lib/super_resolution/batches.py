"""Pairs to tf.data. The order of images is a function of (seed, epoch), as in `fer_lib.pipeline`."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf


def pair_batches(
    small: np.ndarray, large: np.ndarray, batch_size: int, seed: int, first_epoch: int = 0
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """Endless batches of pairs, shuffled anew in each epoch; the last batch of an epoch holds the remainder.

    Args:
        small: uint8 (n, h, w, c).
        large: uint8 (n, 2h, 2w, c).
        batch_size: pairs per batch.
        seed: of the order.
        first_epoch: epoch, from 0, to start at.

    Returns:
        Pairs of float32 (b, h, w, c) and (b, 2h, 2w, c), both in [0, 1].
    """
    arrays = tf.constant(small), tf.constant(large)

    def batches_of(epoch: tf.Tensor) -> tf.data.Dataset:
        seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
        order = tf.random.experimental.stateless_shuffle(tf.range(len(large)), seed=seeds)
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    def take(rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(tf.cast(tf.gather(images, rows), tf.float32) / 255.0 for images in arrays)

    epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
    options = tf.data.Options()
    options.autotune.enabled = False  # it would let an epoch last until its thread next wakes
    return iter(epochs.flat_map(batches_of).map(take).prefetch(2).with_options(options))
