"""How close an enlarged face is to the one that was shrunk: PSNR and SSIM, and ways of enlarging side by side."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.ndimage import correlate1d

from fer_lib.intervals import mean_interval
from fer_lib.super_resolution.pairs import FILTER, check_images, shrink

PEAK = 255.0
"""The largest value of a pixel, "L" in Wang et al."""

WINDOW, SIGMA = 11, 1.5
"""Side in pixels and standard deviation of the Gaussian window of SSIM."""

K1, K2 = 0.01, 0.03
"""What keeps the fractions of SSIM stable, as shares of the peak."""

REFERENCE = "bicubic"
"""The way of enlarging that the others are compared with, image by image."""

_AT_ONCE = 512
"""Images whose float64 maps are in memory at one time."""


def psnr(images: np.ndarray, originals: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each image, in decibels: 10 log10(255² / mean squared error).

    Args:
        images: uint8 (n, h, w, c).
        originals: uint8 of the same shape.

    Returns:
        float64 (n,), infinite where the two are equal.

    Raises:
        ValueError: if the images are not as stated.
    """
    _check_pair(images, originals)
    errors = np.empty(len(images))
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        difference = images[part].astype(np.float64) - originals[part]
        errors[part] = np.square(difference).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(PEAK**2 / errors)


def ssim(images: np.ndarray, originals: np.ndarray) -> np.ndarray:
    """Structural similarity of each image, as in Wang et al. 2004, *Image Quality Assessment*, section III.

    Gaussian window of 11×11 pixels with a standard deviation of 1.5, K1 0.01, K2 0.03; the mean over all places where
    the window lies within the image, and over the channels.

    Args:
        images: uint8 (n, h, w, c), at least 11 pixels a side.
        originals: uint8 of the same shape.

    Returns:
        float64 (n,), at most 1; 1 where the two are equal.

    Raises:
        ValueError: if the images are not as stated.
    """
    _check_pair(images, originals)
    if min(images.shape[1:3]) < WINDOW:
        raise ValueError(f"images must have at least {WINDOW} pixels a side. Received: {images.shape}")
    parts = range(0, len(images), _AT_ONCE)
    values = [_ssim(images[start : start + _AT_ONCE], originals[start : start + _AT_ONCE]) for start in parts]
    return np.concatenate([np.empty(0), *values])


def measure_enlarging(
    images: np.ndarray, enlargers: Mapping[str, Callable[[np.ndarray], np.ndarray]]
) -> dict[str, Any]:
    """Shrink images, enlarge them again in several ways, and measure how close each comes to the originals.

    Args:
        images: uint8 (n, h, w, c), held out from whatever was trained.
        enlargers: functions from uint8 (n, h / 2, w / 2, c) to uint8 (n, h, w, c), by name; `bicubic` among them.

    Returns:
        A JSON-ready dict: `filter` of the shrinking; `n`, images measured; `left_out`, images that some way restores
        in every pixel (blank ones, whose PSNR is infinite); `enlargers`, by name: `psnr` in decibels and `ssim`, means
        over the images, each with its `_interval` [low, high] (Student's, 95 %, by images), and, but for bicubic
        itself, `psnr_over_bicubic` and `ssim_over_bicubic`, means of the paired differences, with their intervals.

    Raises:
        ValueError: if there is no `bicubic`, fewer than two images are left, or an image or result is not as stated.
    """
    if REFERENCE not in enlargers:
        raise ValueError(f"enlargers must have {REFERENCE!r} to compare with. Received: {list(enlargers)}")
    small = shrink(images)
    scores = {}
    for name, enlarger in enlargers.items():
        enlarged = enlarger(small)
        scores[name] = {"psnr": psnr(enlarged, images), "ssim": ssim(enlarged, images)}
    measured = np.all([np.isfinite(score["psnr"]) for score in scores.values()], axis=0)
    if measured.sum() < 2:
        raise ValueError(f"at least two images must be left to measure. Received: {measured.sum()} of {len(images)}")
    described: dict[str, dict[str, Any]] = {name: {} for name in scores}
    for name, score in scores.items():
        for kind, values in score.items():
            described[name] |= _describe(kind, values[measured])
            if name != REFERENCE:
                differences = values[measured] - scores[REFERENCE][kind][measured]
                described[name] |= _describe(f"{kind}_over_{REFERENCE}", differences)
    left_out = len(images) - int(measured.sum())
    return {"filter": FILTER, "n": int(measured.sum()), "left_out": left_out, "enlargers": described}


def _describe(name: str, values: np.ndarray) -> dict[str, Any]:
    return {name: float(values.mean()), f"{name}_interval": list(mean_interval(values.tolist()))}


def _ssim(images: np.ndarray, originals: np.ndarray) -> np.ndarray:
    x, y = images.astype(np.float64), originals.astype(np.float64)
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    variance_x = _window_mean(x * x) - mean_x**2
    variance_y = _window_mean(y * y) - mean_y**2
    covariance = _window_mean(x * y) - mean_x * mean_y
    c1, c2 = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return (luminance * structure).mean(axis=(1, 2, 3))


def _window_mean(values: np.ndarray) -> np.ndarray:
    """Mean under the window at each place where it lies within the image: (n, h, w, c) -> (n, h - 10, w - 10, c)."""
    reach = WINDOW // 2
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * SIGMA**2))
    weights /= weights.sum()
    within = slice(reach, -reach)
    rows = correlate1d(values, weights, axis=1)[:, within]
    return correlate1d(rows, weights, axis=2)[:, :, within]


def _check_pair(images: np.ndarray, originals: np.ndarray) -> None:
    check_images(images)
    check_images(originals)
    if images.shape != originals.shape:
        raise ValueError(f"images and originals must have one shape. Received: {images.shape}, {originals.shape}")
