"""Heat maps as numbers: how much heat stands on facial parts, and what the network misses where the heat was.

The share of heat in a region says little without the share of the picture that the region is; deletion and insertion
(Petsiuk et al. 2018, *RISE*, section 4.3) say little without those of maps that are heated at random places. Both
stand beside each measure.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from fer_lib.bootstrap import ratio_interval
from fer_lib.gradcam import as_floats, check_classes, check_images, grad_cam, last_convolution, parts
from fer_lib.regions import fixed_masks

STEPS = 10
"""Steps of a curve: each changes a tenth of the pixels."""

CURVE_IMAGES = 128
"""Images that `measure_attribution` follows curves on, spread evenly over those given: each costs 44 predictions."""

BLUR_FRACTION = 0.1
"""Standard deviation of the blur that insertion starts from, of the picture's height: the head's outline stays, what
eyes and mouth do is gone."""

LEAST_POSITIONS = 36
"""Fewer than 6x6 positions are cells larger than an eye is high (7 of 48 pixels), which cannot tell the parts of a face
apart. On 48x48 pixels the last convolutions of the ImageNet networks have 2x2 or 3x3."""

_BATCH = 256

Predict = Callable[[tf.Tensor], tf.Tensor]


class HeatShare(NamedTuple):
    """Shares of each picture that regions have: of its heat and of its area, each float64 (n,) in [0, 1]."""

    heat: np.ndarray
    area: np.ndarray


class Curve(NamedTuple):
    """A deletion or insertion curve.

    Attributes:
        values: float64 (steps + 1,), mean probability of the explained classes after 0, 1, ... steps.
        area: area under it, over the share of pixels changed: in [0, 1].
    """

    values: np.ndarray
    area: float


def heat_share(maps: np.ndarray, masks: np.ndarray) -> HeatShare:
    """How much of each map's heat stands in a region, beside how much of the picture the region is.

    Args:
        maps: float (n, h, w), not negative. A map without any heat points nowhere: its heat counts as spread evenly.
        masks: bool (h, w) for all maps, or (n, h, w).

    Raises:
        ValueError: if the shapes do not fit, a map is negative or not finite, or the masks are not bool.
    """
    maps, masks = np.asarray(maps), np.asarray(masks)
    if maps.ndim != 3 or masks.dtype != bool or masks.shape not in (maps.shape, maps.shape[1:]):
        received = f"{maps.shape} and {masks.dtype} {masks.shape}"
        raise ValueError(f"maps must be (n, h, w) and masks bool (h, w) or (n, h, w). Received: {received}")
    if not (maps >= 0).all() or not np.isfinite(maps).all():
        raise ValueError(f"maps must be finite and not negative. Received: {maps.min()} to {maps.max()}")
    area = np.broadcast_to(masks, maps.shape).mean(axis=(1, 2))
    total = maps.sum(axis=(1, 2), dtype=np.float64)
    inside = np.where(masks, maps, 0).sum(axis=(1, 2), dtype=np.float64)
    return HeatShare(np.divide(inside, total, out=area.copy(), where=total > 0), area)


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
    return _follow(_compile(model, images), images, maps, ids, steps, seed, _from_images_to_means)


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
    return _follow(_compile(model, images), images, maps, ids, steps, seed, _from_blurs_to_images)


def measure_attribution(
    model: keras.Model,
    images: np.ndarray,
    class_ids: np.ndarray | int | None = None,
    masks: dict[str, np.ndarray] | None = None,
    layer: str | None = None,
    seed: int = 0,
    untrained: Sequence[keras.Model] = (),
) -> dict[str, Any]:
    """Where a network looks, as numbers that a claim can ask for.

    Args:
        model: a classifier, as `gradcam.grad_cam` takes it.
        images: uint8 or float (n, h, w, c), n at least 1.
        class_ids: class explained, int (n,) or one for all; None takes the class predicted for each.
        masks: region -> bool (h, w) or (n, h, w); None takes `regions.fixed_masks`, the facial parts of aligned faces.
        layer: name of the layer that Grad-CAM explains; None takes the last convolution with `LEAST_POSITIONS`.
        seed: of the random maps.
        untrained: the same network several times with random weights, for what its shape alone does to heat maps.

    Returns:
        Values fit for JSON: `images`; `positions` of the layer; `empty_maps`, the share of maps without heat; for each
        region `heat_share_<region>` and `area_share_<region>`, means over images; for all regions together
        `heat_share`, `area_share` and `heat_ratio`, the first over the second (1: no more heat there than anywhere;
        but an untrained light VGG had 1.15 on noise, perhaps for the padding); of `untrained`, explained for the same
        classes, `heat_ratio_untrained`, the highest of theirs, and `heat_gain`, the ratio over it, with the ends of its
        95 % interval over the images, `heat_gain_low` and `heat_gain_high`, and `interval`, how it was made;
        `curve_images`, at most `CURVE_IMAGES`, on which `deletion_area` and `insertion_area` are measured beside
        `deletion_area_random` and `insertion_area_random`. The random maps are as coarse as Grad-CAM's own, uniform
        noise of the layer's positions enlarged in the same way: a network suffers otherwise from single pixels changed
        here and there than from patches, and an order of single pixels would compare the grain, not the place.

    Raises:
        ValueError: if model, images, classes, masks or layer are not as stated.
    """
    images = check_images(model, images)
    predict = _compile(model, images)
    if class_ids is None:
        class_ids = _predicted(predict, images)
    layer = last_convolution(model, LEAST_POSITIONS) if layer is None else layer
    maps = grad_cam(model, images, class_ids, layer)
    images, ids = _check(model, images, maps, class_ids, STEPS)
    rows, columns = model.get_layer(layer).output.shape[1:3]
    measured: dict[str, Any] = {"images": len(images), "positions": rows * columns}
    measured |= {"empty_maps": float((maps.max(axis=(1, 2)) == 0).mean())}
    regions = fixed_masks(*images.shape[1:3]) if masks is None else masks
    measured |= _shares(maps, regions)
    blind = [grad_cam(model, images, ids, layer) for model in untrained]
    measured |= _gain(maps, blind, np.logical_or.reduce(list(regions.values())))
    some = np.unique(np.linspace(0, len(images) - 1, CURVE_IMAGES).astype(int))
    measured["curve_images"] = len(some)
    randoms = random_maps(maps[some].shape, (rows, columns), seed)
    for suffix, order in (("", maps[some]), ("_random", randoms)):
        for name, change in (("deletion", _from_images_to_means), ("insertion", _from_blurs_to_images)):
            curve = _follow(predict, images[some], order, ids[some], STEPS, seed, change)
            measured[f"{name}_area{suffix}"] = curve.area
    return measured


def _shares(maps: np.ndarray, regions: dict[str, np.ndarray]) -> dict[str, float]:
    """Mean shares of heat and area of each region, and of all together."""
    measured = {}
    for name, mask in {**regions, "": np.logical_or.reduce(list(regions.values()))}.items():
        share, suffix = heat_share(maps, mask), f"_{name}" if name else ""
        measured[f"heat_share{suffix}"] = float(share.heat.mean())
        measured[f"area_share{suffix}"] = float(share.area.mean())
    return {**measured, "heat_ratio": measured["heat_share"] / measured["area_share"]}


def _gain(maps: np.ndarray, blind: list[np.ndarray], mask: np.ndarray) -> dict[str, Any]:
    """How much more heat stands in a region than in maps of networks with random weights, with its interval."""
    others = [heat_share(other, mask).heat for other in blind]
    highest = max((float(other.mean()) for other in others), default=0.0)
    if highest == 0:
        return {}
    share = heat_share(maps, mask)
    low, high = ratio_interval(share.heat, others)
    gain = float(share.heat.mean()) / highest
    return {
        "heat_ratio_untrained": highest / float(share.area.mean()),
        "heat_gain": gain,
        "heat_gain_low": low,
        "heat_gain_high": high,
        "interval": "bootstrap 95 %",
    }


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


def _compile(model: keras.Model, images: np.ndarray) -> Predict:
    spec = tf.TensorSpec((None, *images.shape[1:]), tf.float32)
    predict: Predict = tf.function(lambda pixels: model(pixels, training=False)).get_concrete_function(spec)
    return predict


def _predicted(predict: Predict, images: np.ndarray) -> np.ndarray:
    batches = [predict(tf.constant(as_floats(images[part]))) for part in parts(len(images), _BATCH)]
    return np.concatenate([np.argmax(batch, axis=1) for batch in batches] or [np.zeros(0, np.int64)])


def _from_images_to_means(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return pixels, pixels.mean(axis=(1, 2), keepdims=True)


def _from_blurs_to_images(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sigma = BLUR_FRACTION * pixels.shape[1]
    return gaussian_filter(pixels, (0, sigma, sigma, 0), mode="nearest"), pixels


def _follow(
    predict: Predict,
    images: np.ndarray,
    maps: np.ndarray,
    ids: np.ndarray,
    steps: int,
    seed: int,
    change: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> Curve:
    """Mean probability of the classes `ids` as images turn from what `change` gives first into what it gives second."""
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


def _ranks(maps: np.ndarray, seed: int) -> np.ndarray:
    """Place of each pixel when its map is sorted, the hottest 0, equal ones at random: int64 (n, h, w)."""
    flat = np.reshape(maps, (len(maps), -1))
    order = np.lexsort(np.stack([np.random.default_rng(seed).random(flat.shape), -flat]), axis=1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(flat.shape[1]), flat.shape), axis=1)
    return ranks.reshape(maps.shape)
