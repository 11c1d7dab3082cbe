"""Heat maps as numbers: how much heat stands on facial parts, and what the network misses where the heat was.

The share of heat in a region says little without the share of the picture that the region is, and curves of deletion
and insertion (`pixel_curves`) little without those of random maps. Both stand beside each measure.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from fer_lib.bootstrap import ratio_interval
from fer_lib.gradcam import check_classes, check_images, grad_cam, last_convolution
from fer_lib.pixel_curves import CHANGES, as_graph, follow_curve, predict_classes, random_maps
from fer_lib.regions import fixed_masks

CURVE_IMAGES = 128
"""Images that `measure_attribution` follows curves on, spread evenly over those given: each costs 44 predictions."""

LEAST_POSITIONS = 36
"""Fewer than 6x6 positions are cells larger than an eye is high (7 of 48 pixels), which cannot tell the parts of a face
apart. On 48x48 pixels the last convolutions of the ImageNet networks have 2x2 or 3x3."""


class HeatShare(NamedTuple):
    """Shares of each picture that regions have: of its heat and of its area, each float64 (n,) in [0, 1]."""

    heat: np.ndarray
    area: np.ndarray


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
    if len(images) == 0:
        raise ValueError("images must be at least one. Received: none")
    predict = as_graph(model, images)
    if class_ids is None:
        class_ids = predict_classes(predict, images)
    layer = last_convolution(model, LEAST_POSITIONS) if layer is None else layer
    maps = grad_cam(model, images, class_ids, layer)
    ids = check_classes(model, class_ids, len(images))
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
        for name, change in CHANGES.items():
            curve = follow_curve(predict, images[some], order, ids[some], change, seed=seed)
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
