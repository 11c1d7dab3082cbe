"""Arrays to tf.data. The order of images is a function of (seed, epoch): a resumed run sees what it would have seen."""

from typing import Any

import numpy as np
import tensorflow as tf

from fer_lib.datasets import Split


def training_batches(split: Split, batch_size: int, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
    """Endless batches of a training split, shuffled anew in each epoch; fit it with `steps_per_epoch`.

    Args:
        split: images uint8 (n, h, w, c) and labels int64 (n,).
        batch_size: images per batch; the last batch of an epoch holds the remainder.
        seed: seed of the order.
        first_epoch: epoch, from 0, to start at.

    Returns:
        A dataset of (images float32 (b, h, w, c) in [0, 1], labels int64 (b,)).
    """
    images = tf.constant(split.images)
    labels = tf.constant(split.labels)
    count = len(split)

    def batches_of(epoch: tf.Tensor) -> tf.data.Dataset:
        seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
        order = tf.random.experimental.stateless_shuffle(tf.range(count), seed=seeds)
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
    batches = epochs.flat_map(batches_of).map(lambda rows: (_to_unit(tf.gather(images, rows)), tf.gather(labels, rows)))
    return _without_autotuning(batches.prefetch(2))


def evaluation_batches(images: np.ndarray, labels: np.ndarray | None = None, batch_size: int = 256) -> tf.data.Dataset:
    """Batches in order, none dropped.

    Args:
        images: uint8 (n, h, w, c).
        labels: int64 (n,), or None to predict.
        batch_size: images per batch.

    Returns:
        A dataset of float32 images in [0, 1], with their labels where there are any.
    """
    arrays: Any = images if labels is None else (images, labels)
    batches = tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size)
    if labels is None:
        batches = batches.map(_to_unit)
    else:
        batches = batches.map(lambda batch, classes: (_to_unit(batch), classes))
    return _without_autotuning(batches.prefetch(2))


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Batches that hold `count` images, the last one partial."""
    return -(-count // batch_size)


def _to_unit(images: tf.Tensor) -> tf.Tensor:
    return tf.cast(images, tf.float32) / 255.0


def _without_autotuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """TensorFlow 2.21's autotuner lets an epoch last until its thread next wakes (10, 20, 41, 82 s ...)."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
