"""Centre loss (Wen et al. 2016, *A Discriminative Feature Learning Approach for Deep Face Recognition*).

The features of a class are drawn to its centre, and the centre follows the features at a rate of its own, without a
gradient. Liu, Zhang and Xin (2019, section 2.4, equation 4) train Model A with it beside the softmax loss. They give
neither the weight λ nor the rate; Wen et al. used 0.003 and 0.5.
"""

import math
from typing import Any

import keras
import tensorflow as tf

from fer_lib.models.features import feature_model


def centre_loss(features: tf.Tensor, labels: tf.Tensor, centres: tf.Tensor) -> tf.Tensor:
    """Half the mean squared distance of features to the centre of their own class (Wen et al. 2016, equation 2).

    The equation sums over the batch, as does its softmax loss. Both are means here, so λ weighs one against the other
    as it does there, whatever the size of the batch.

    Args:
        features: float (n, d), of any precision.
        labels: integers (n,), from 0 to classes - 1.
        centres: float32 (classes, d).

    Returns:
        float32 (), not negative. Its gradient with respect to a feature is (x_i - c_{y_i}) / n, as in equation 3.

    Raises:
        ValueError: if the labels are not (n,).
    """
    return 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(_from_own_centre(features, labels, centres)), axis=1))


def moved_centres(features: tf.Tensor, labels: tf.Tensor, centres: tf.Tensor, rate: float) -> tf.Tensor:
    """Centres after one batch (Wen et al. 2016, equation 4 and step 6 of Algorithm 1).

    c_j becomes c_j - α Δc_j, with Δc_j = Σ_i 1[y_i = j] (c_j - x_i) / (1 + Σ_i 1[y_i = j]): a class that is not in the
    batch keeps its centre, and one of few images moves less far than to their mean.

    Args:
        features: float (n, d), of any precision.
        labels: integers (n,), from 0 to classes - 1.
        centres: float32 (classes, d).
        rate: α, above 0 and at most 1.

    Returns:
        float32 (classes, d).

    Raises:
        ValueError: if the labels are not (n,).
    """
    offsets = _from_own_centre(features, labels, centres)  # (n, d)
    classes = tf.shape(centres)[0]
    sums = tf.math.unsorted_segment_sum(offsets, labels, classes)  # (classes, d)
    counts = tf.math.unsorted_segment_sum(tf.ones_like(labels, tf.float32), labels, classes)  # (classes,)
    return centres + rate * sums / (1.0 + counts)[:, tf.newaxis]


def _from_own_centre(features: tf.Tensor, labels: tf.Tensor, centres: tf.Tensor) -> tf.Tensor:
    labels = tf.convert_to_tensor(labels)
    if labels.shape.rank != 1:  # (n, 1) would be broadcast against the features
        raise ValueError(f"labels must be (n,). Received: shape {labels.shape}")
    return tf.cast(features, tf.float32) - tf.gather(centres, labels)


def with_centre_loss(model: keras.Model, weight: float, rate: float, classes: int) -> keras.Model:
    """Let a classifier train by cross-entropy + `weight` * centre loss on its deep features (`feature_model`).

    It is to be compiled and fitted as the classifier itself would be, with "sparse_categorical_crossentropy" and labels
    (n,). `loss` and `val_loss` are the cross-entropy alone, which compares with trainings without centre loss, and
    `centre_loss` and `val_centre_loss` have columns of their own, before weighting. `predict` gives probabilities
    alone. Weights and order of layers are the classifier's, and last come the centres, float32 (classes, d), not
    trainable: `get_weights()[:-1]` is what the classifier's `set_weights` takes. Centres start at zero, which draws no
    random numbers, and move in training steps alone. Sample weights weigh the cross-entropy alone.

    Args:
        model: a classifier that `feature_model` takes, with or without fast kernels, or the same within
            `with_augmentation`; its layers are shared. Augmentation must not be put around the result.
        weight: λ, from 0, with which centres are learned and the network is trained as without them.
        rate: α of `moved_centres`, above 0 and at most 1.
        classes: width of the softmax.

    Returns:
        An uncompiled model, float images (n, h, w, c) to float32 probabilities (n, classes).

    Raises:
        ValueError: if weight, rate or classes are not such, or `feature_model` does not take the classifier.
    """
    if not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"weight of the centre loss must be finite and not below 0. Received: {weight}")
    if not 0 < rate <= 1:
        raise ValueError(f"rate of the centres must be above 0 and at most 1. Received: {rate}")
    if classes != model.output_shape[-1]:
        wanted = f"classes must be the width of the softmax of {model.name}, {model.output_shape[-1]}"
        raise ValueError(f"{wanted}. Received: {classes}")
    return _CentreLossModel(_with_features(model), weight, rate)


def _with_features(model: keras.Model) -> keras.Model:
    """The same layers in the same order, to both probabilities and features; of augmentation the network within."""
    network = model.layers[-1]
    if isinstance(network, keras.Model):
        augmented = model.layers[-2].output
        return keras.Model(model.inputs[0], _with_features(network)(augmented), name=model.name)
    return keras.Model(model.inputs[0], [*model.outputs, *feature_model(model).outputs], name=model.name)


class _CentreLoss(keras.layers.Layer):
    """Centre loss that holds its centres, and moves them while training as batch normalisation moves its statistics."""

    def __init__(self, classes: int, width: int, rate: float) -> None:
        super().__init__(dtype="float32", name="centre_loss")
        self.rate = rate
        self.centres = self.add_weight(shape=(classes, width), initializer="zeros", trainable=False, name="centres")

    def call(self, features: tf.Tensor, labels: tf.Tensor, training: bool) -> tf.Tensor:
        """Loss by the centres as they stand before the batch."""
        centres = tf.convert_to_tensor(self.centres)
        loss = centre_loss(features, labels, centres)
        if training:
            self.centres.assign(moved_centres(tf.stop_gradient(features), labels, centres, self.rate))
        return loss


class _CentreLossModel(keras.Model):
    """A network of two outputs, probabilities and features, trained by both.

    Keras' own steps report one total as `loss` and pass no labels to layers, hence steps of its own.
    """

    def __init__(self, network: keras.Model, weight: float, rate: float) -> None:
        super().__init__(name=f"{network.name}_with_centre_loss")
        probabilities, features = network.outputs
        self.centre_weight = weight
        self.network = network  # before the centres: this is the order of the weights
        self.centre_layer = _CentreLoss(probabilities.shape[-1], features.shape[-1], rate)
        self.centre_mean = keras.metrics.Mean(name="centre_loss")

    def call(self, images: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Probabilities alone."""
        return self.network(images, training=training)[0]

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Minimise both losses on a batch, whose measuring also moves the centres (Wen et al. 2016, Algorithm 1)."""
        with tf.GradientTape() as tape:
            cross_entropy, distance, metrics = self._measure(data, training=True)
            loss = self.optimizer.scale_loss(cross_entropy + self.centre_weight * distance)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return metrics

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Measure a batch; nothing moves."""
        return self._measure(data, training=False)[-1]

    def _measure(self, data: Any, training: bool) -> tuple[tf.Tensor, tf.Tensor, dict[str, tf.Tensor]]:
        """Cross-entropy and centre loss of a batch, and the metrics with the batch in them."""
        images, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        probabilities, features = self.network(images, training=training)
        cross_entropy = self.compute_loss(images, labels, probabilities, sample_weight, training=training)
        distance = self.centre_layer(features, labels, training=training)
        count = tf.shape(labels)[0]
        self._loss_tracker.update_state(cross_entropy, sample_weight=count)
        self.centre_mean.update_state(distance, sample_weight=count)
        return cross_entropy, distance, self.compute_metrics(images, labels, probabilities, sample_weight)
