"""What a network misses where the heat was: probabilities as pixels are changed, the hottest first.

Deletion and insertion (Petsiuk et al. 2018, *RISE*, section 4.3) say little without those of maps that are heated at
random places (`random_maps`).
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from fer_lib.gradcam import as_floats, check_classes, check_images, parts

STEPS = 10
"""Steps of a curve: each changes a tenth of the pixels."""

BLUR_FRACTION = 0.1
"""Standard deviation of the blur that insertion starts from, of the picture's height: the head's outline stays, what
eyes and mouth do is gone."""

_BATCH = 256

Predict = Callable[[tf.Tensor], tf.Tensor]
"""Probabilities (b, classes) of a batch float32 (b, h, w, c)."""

Change = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""What pictures float32 (b, h, w, c) turn from, and into what."""


def _from_images_to_means(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return pixels, pixels.mean(axis=(1, 2), keepdims=True)


def _from_blurs_to_images(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sigma = BLUR_FRACTION * pixels.shape[1]
    return gaussian_filter(pixels, (0, sigma, sigma, 0), mode="nearest"), pixels


CHANGES: dict[str, Change] = {"deletion": _from_images_to_means, "insertion": _from_blurs_to_images}
"""The two curves."""


class Curve(NamedTuple):
    """A deletion or insertion curve.

    Attributes:
        values: float64 (steps + 1,), mean probability of the explained classes after 0, 1, ... steps.
        area: area under it, over the share of pixels changed: in [0, 1].
    """

    values: np.ndarray
    area: float


def deletion_curve(
    model: keras.Model,
    images: np.ndarray,
    maps: np.ndarray,
    class_ids: np.ndarray | int,
    steps: int = STEPS,
    seed: int = 0,
) -> Curve:
    """What is left of a class as pixels are replaced by the picture's mean, the hottest first.

    The lower the area, the better the map shows what the network needs. Each channel has its own mean.

    Args:
        model: a classifier, as `gradcam.grad_cam` takes it.
        images: uint8 or float (n, h, w, c), as `gradcam.grad_cam` takes them; n at least 1.
        maps: float (n, h, w), such as heat maps; of equally hot pixels a random one is first.
        class_ids: class whose probability is followed, int (n,) or one for all.
        steps: after each, so many more of the pixels are changed that the last step changes all.
        seed: of the order of equally hot pixels.

    Raises:
        ValueError: if model, images, maps or classes are not as stated, or steps is below 1.
    """
    images, ids = _check(model, images, maps, class_ids, steps)
    return follow_curve(as_graph(model, images), images, maps, ids, CHANGES["deletion"], steps, seed)


def insertion_curve(
    model: keras.Model,
    images: np.ndarray,
    maps: np.ndarray,
    class_ids: np.ndarray | int,
    steps: int = STEPS,
    seed: int = 0,
) -> Curve:
    """How a class appears as the pixels of a blurred picture are replaced by the sharp ones, the hottest first.

    The higher the area, the better the map shows what suffices for the network. The blur is Gaussian, its standard
    deviation `BLUR_FRACTION` of the height. Arguments and errors are those of `deletion_curve`.
    """
    images, ids = _check(model, images, maps, class_ids, steps)
    return follow_curve(as_graph(model, images), images, maps, ids, CHANGES["insertion"], steps, seed)


def as_graph(model: keras.Model, images: np.ndarray) -> Predict:
    """A model as one graph for batches like `images`: a curve asks it again and again."""
    spec = tf.TensorSpec((None, *images.shape[1:]), tf.float32)
    predict: Predict = tf.function(lambda pixels: model(pixels, training=False)).get_concrete_function(spec)
    return predict


def predict_classes(predict: Predict, images: np.ndarray) -> np.ndarray:
    """The class called for each of `images`: int64 (n,)."""
    batches = [predict(tf.constant(as_floats(images[part]))) for part in parts(len(images), _BATCH)]
    return np.concatenate([np.argmax(batch, axis=1) for batch in batches] or [np.zeros(0, np.int64)])


def follow_curve(
    predict: Predict,
    images: np.ndarray,
    maps: np.ndarray,
    ids: np.ndarray,
    change: Change,
    steps: int = STEPS,
    seed: int = 0,
) -> Curve:
    """Mean probability of the classes `ids` as images turn from what `change` gives first into what it gives second.

    Args:
        predict: what `as_graph` gives.
        images: uint8 or float (n, h, w, c), n at least 1.
        maps: float (n, h, w).
        ids: int64 (n,).
        change: one of `CHANGES`.
        steps: as `deletion_curve` takes them.
        seed: of the order of equally hot pixels.

    Nothing is checked here; `deletion_curve` and `insertion_curve` do.
    """
    counts = np.rint(np.linspace(0, maps[0].size, steps + 1))
    ranks = _ranks(maps, seed)
    values = np.zeros(steps + 1)
    for part in parts(len(images), _BATCH):
        before, after = change(as_floats(images[part]))
        for step, count in enumerate(counts):
            mixed = np.where((ranks[part] < count)[..., None], after, before)  # (b, h, w, c)
            probabilities = np.asarray(predict(tf.constant(mixed)))
            values[step] += np.take_along_axis(probabilities, ids[part, None], axis=1).sum(dtype=np.float64)
    values /= len(images)
    return Curve(values, float(np.trapezoid(values, dx=1 / steps)))


def random_maps(shape: tuple[int, int, int], positions: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Maps that are hot at random places.

    Args:
        shape: of the maps: n, h, w.
        positions: rows and columns of the uniform noise that is enlarged to them (bilinear).
        seed: of the noise.

    Returns:
        float32 (n, h, w) in [0, 1].
    """
    noise = np.random.default_rng(seed).random((shape[0], *positions, 1), np.float32)
    return tf.image.resize(noise, shape[1:], "bilinear").numpy()[..., 0]


def _check(
    model: keras.Model, images: np.ndarray, maps: np.ndarray, class_ids: np.ndarray | int, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images, and the class of each."""
    images = check_images(model, images)
    if class_ids is None:
        raise ValueError(f"class_ids must be given. Received: {class_ids}")
    ids = check_classes(model, class_ids, len(images))
    if len(images) == 0 or np.shape(maps) != images.shape[:3] or not np.isfinite(maps).all():
        received = f"{np.shape(maps)} for {len(images)} images"
        raise ValueError(f"maps must be finite, {images.shape[:3]}, at least one. Received: {received}")
    if steps < 1:
        raise ValueError(f"steps must be at least 1. Received: {steps}")
    return images, ids


def _ranks(maps: np.ndarray, seed: int) -> np.ndarray:
    """Place of each pixel when its map is sorted, the hottest 0, equal ones at random: int64 (n, h, w)."""
    flat = np.reshape(maps, (len(maps), -1))
    order = np.lexsort(np.stack([np.random.default_rng(seed).random(flat.shape), -flat]), axis=1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(flat.shape[1]), flat.shape), axis=1)
    return ranks.reshape(maps.shape)
