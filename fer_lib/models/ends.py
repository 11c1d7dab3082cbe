"""The two ends of a backbone: the pixels it is fed, and the multilayer perceptron on its pooled features."""

from collections.abc import Iterable, Sequence

import keras
from keras import layers

PIXELS = ("expected", "unit")
"""Pixels scaled as a base's ImageNet weights expect them, or left in [0, 1]: with those weights a likely mistake, to be
measured; with random ones what He's kernels are made for."""

GREY = ("replicated", "one_channel")
"""Grey in all three channels, or in the first alone, the others black: a likely mistake, to be measured."""

SMALLEST = 32
"""Least height and width of an image: the networks halve it five times."""

CAFFE_MEANS_BGR = (103.939, 116.779, 123.68)
"""Mean of ImageNet in [0, 255], blue first, which VGG and ResNet subtract."""

IMAGENET_MEANS = (0.485, 0.456, 0.406)
IMAGENET_DEVIATIONS = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet in [0, 1], red first, by which EfficientNet standardises."""


def grey_images(input_shape: Sequence[int], name: str) -> keras.KerasTensor:
    """Input of a backbone: grey images, float (n, h, w, 1) in [0, 1].

    Raises:
        ValueError: if the images are not grey, or smaller than 32 pixels a side.
    """
    height, width, channels = input_shape
    if channels != 1 or min(height, width) < SMALLEST:
        wanted = f"images of {name} must be grey (1 channel) and at least {SMALLEST} pixels a side"
        raise ValueError(f"{wanted}. Received: input_shape={tuple(input_shape)}")
    return keras.Input((height, width, 1), name="images")


def feed_caffe(images: keras.KerasTensor, pixels: str = "expected", grey: str = "replicated") -> keras.KerasTensor:
    """Pixels for VGG16 and ResNet50, as Keras' `preprocess_input` makes them: blue first, in [0, 255], mean subtracted.

    Args:
        images: float (n, h, w, 1) in [0, 1].
        pixels: one of `PIXELS`; "unit" leaves out all of it.
        grey: one of `GREY`.

    Returns:
        float32 (n, h, w, 3), whatever the network's precision: bfloat16 rounds white by half a grey value.

    Raises:
        ValueError: if `pixels` or `grey` is unknown.
    """
    check_option("pixels", pixels, PIXELS)
    red_green_blue = _three_channels(images, grey)
    if pixels == "unit":
        return layers.Concatenate(dtype="float32", name="channels")(red_green_blue)
    blue_first = layers.Concatenate(dtype="float32", name="channels")(red_green_blue[::-1])  # (n, h, w, 3)
    offset = [-mean for mean in CAFFE_MEANS_BGR]
    return layers.Rescaling(255.0, offset=offset, dtype="float32", name="pixels")(blue_first)


def feed_efficientnet(
    images: keras.KerasTensor, pixels: str = "expected", grey: str = "replicated"
) -> keras.KerasTensor:
    """Pixels for EfficientNetB0, whose graph begins by dividing by 255, such that it then holds standardised ones.

    Keras' graph divides by 255, normalises by statistics from the weights file (mean, and the deviation where the
    variance should be) and, only where weights="imagenet", divides by the root of the deviation once more. Here the
    standardising is done once, before the graph, and its own normalisation stays neutral: the result is that of
    weights="imagenet" wherever the weights come from.

    Args:
        images: float (n, h, w, 1) in [0, 1].
        pixels: one of `PIXELS`; "unit" gives what Keras' graph, which expects [0, 255], makes of pixels in [0, 1].
        grey: one of `GREY`.

    Returns:
        float32 (n, h, w, 3): 255 times the standardised pixels.

    Raises:
        ValueError: if `pixels` or `grey` is unknown.
    """
    check_option("pixels", pixels, PIXELS)
    largest = 255.0 if pixels == "expected" else 1.0
    rgb = layers.Concatenate(dtype="float32", name="channels")(_three_channels(images, grey))  # (n, h, w, 3)
    scale = [largest / deviation for deviation in IMAGENET_DEVIATIONS]
    offset = [-255.0 * mean / deviation for mean, deviation in zip(IMAGENET_MEANS, IMAGENET_DEVIATIONS, strict=True)]
    return layers.Rescaling(scale, offset=offset, dtype="float32", name="pixels")(rgb)


def perceptron_head(maps: keras.KerasTensor, head_units: Sequence[int], classes: int) -> keras.KerasTensor:
    """Average pooling and the paper's "three-layer multilayer perceptron" (section Transfer Learning) on a base's maps.

    Args:
        maps: float (n, h, w, c), the last maps of a base.
        head_units: widths of the hidden layers; the paper gives none.
        classes: width of the softmax.

    Returns:
        float32 probabilities (n, classes).
    """
    x = layers.GlobalAveragePooling2D(name="average_pooling")(maps)  # (n, c)
    for number, width in enumerate(head_units, start=1):
        x = layers.Dense(width, activation="relu", name=f"head_dense{number}")(x)
    return layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(x)


def _three_channels(images: keras.KerasTensor, grey: str) -> list[keras.KerasTensor]:
    check_option("grey", grey, GREY)
    if grey == "replicated":
        return [images] * 3
    black = layers.Rescaling(0.0, dtype="float32", name="black")(images)
    return [images, black, black]


def check_option(option: str, value: str, known: Iterable[str]) -> None:
    """Refuse a value that an option of a builder does not have.

    Raises:
        ValueError: naming the option and its values.
    """
    if value not in known:
        raise ValueError(f"{option} must be one of {list(known)}. Received: {value!r}")
