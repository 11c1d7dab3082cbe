"""Pairs of a large and a small face, made by shrinking, and the plain ways to make the small one large again.

In the field's terms: down-sampling, and up-sampling (upscaling) by interpolation, of high and low resolution images.
"""

import numpy as np
from PIL import Image

SCALE = 2
"""How many times as high and wide a large image is."""

FILTER = "area"
"""How `shrink` filters, as reports state it: the mean of each 2×2 pixels, which antialiases by itself."""


def shrink(images: np.ndarray) -> np.ndarray:
    """Halve images: each pixel is the mean of 2×2 pixels, rounded half up.

    Ledig et al. (section 3.1) filter by a Gaussian or a bicubic kernel; the mean of an area is as free of aliases at a
    factor of two, and exact in whole numbers, so that pairs are the same on every machine.

    Args:
        images: uint8 (n, h, w, c), h and w even.

    Returns:
        uint8 (n, h / 2, w / 2, c).

    Raises:
        ValueError: if the images are not as stated.
    """
    check_images(images)
    count, height, width, channels = images.shape
    if height % SCALE or width % SCALE:
        raise ValueError(f"sides of images to shrink must be even. Received: {images.shape}")
    squares = images.reshape(count, height // SCALE, SCALE, width // SCALE, SCALE, channels)
    total = squares.sum(axis=(2, 4), dtype=np.uint16)
    return ((total + SCALE**2 // 2) // SCALE**2).astype(np.uint8)


def enlarge_bicubic(images: np.ndarray) -> np.ndarray:
    """Double images by cubic interpolation, Keys' kernel with a = -0.5, as Pillow has it.

    MATLAB's `imresize`, the field's reference, has the same kernel, and so has the generator's beginning
    (`models.srgan`), so that what is measured over it was learned. OpenCV's, with a = -0.75, is another.

    Args:
        images: uint8 (n, h, w, c).

    Returns:
        uint8 (n, 2h, 2w, c).

    Raises:
        ValueError: if the images are not as stated.
    """
    check_images(images)
    count, height, width, channels = images.shape
    enlarged = np.empty((count, SCALE * height, SCALE * width, channels), np.uint8)
    size = (SCALE * width, SCALE * height)
    for image, place in zip(images, enlarged, strict=True):
        for channel in range(channels):
            face = Image.fromarray(image[..., channel].astype(np.float32))  # whole numbers are cut off after each axis
            pixels = np.asarray(face.resize(size, Image.Resampling.BICUBIC))
            place[..., channel] = np.rint(np.clip(pixels, 0, 255))
    return enlarged


def enlarge_nearest(images: np.ndarray) -> np.ndarray:
    """Double images by repeating each pixel: uint8 (n, h, w, c) -> uint8 (n, 2h, 2w, c).

    Raises:
        ValueError: if the images are not as stated.
    """
    check_images(images)
    return images.repeat(SCALE, axis=1).repeat(SCALE, axis=2)


def check_images(images: np.ndarray) -> None:
    """Check for uint8 (n, h, w, c).

    Raises:
        ValueError: if they are not.
    """
    if images.ndim != 4 or images.dtype != np.uint8:
        raise ValueError(f"images must be uint8 (n, h, w, c). Received: {images.dtype} {images.shape}")
