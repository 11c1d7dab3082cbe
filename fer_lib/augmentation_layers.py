"""Online augmentation: random layers before the network while it trains, gone from the model that is kept.

A flip and a rotation are Keras' own layers, as the runs published with them had them. As soon as a shift, a zoom or a
crop is named (liu_separable_ensemble, Section 4.2), all that is named is one `RandomWarp`: a picture is resampled, and
so blurred, once, in a quarter of the time that a chain of layers takes (`benchmarks/bench_augment.py`).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import layers

AUGMENTATIONS: dict[str, Callable[[Any], layers.Layer]] = {
    "horizontal_flip": lambda wanted: layers.RandomFlip("horizontal", name="horizontal_flip"),
    "rotation_degrees": lambda degrees: layers.RandomRotation(degrees / 360, fill_mode="constant", name="rotation"),
}
"""Layer for each hyper-parameter that names an augmentation; 0 or false leaves it out. Corners turn black."""

WARPS = ("shift_fraction", "zoom_fraction", "crop_side")
"""Hyper-parameters that make one `RandomWarp` of all augmentations; 0 or false leaves one out."""

_DRAWS = 7
"""Random numbers that a picture takes, always: so an augmentation left out does not change what the others draw."""


def with_augmentation(model: keras.Model, settings: Mapping[str, Any]) -> keras.Model:
    """Put the random layers that hyper-parameters name before a network.

    Args:
        model: a functional model, float images (n, h, w, c) in [0, 1] to probabilities.
        settings: hyper-parameters; those of `AUGMENTATIONS`, `horizontal_flip` (true or false) and `rotation_degrees`
            (at most so many degrees either way), and of `WARPS`, which `RandomWarp` describes, are read.

    Returns:
        A model whose weights are those of `model`, in the same order; `model` itself where no augmentation is named.

    Raises:
        ValueError: if a value is out of `RandomWarp`'s bounds, or a crop larger than the images.
    """
    chosen = _make_layers({name: settings[name] for name in (*AUGMENTATIONS, *WARPS) if settings.get(name)})
    if not chosen:
        return model
    images = keras.Input(model.input_shape[1:], name="images")
    x = images
    for layer in chosen:
        layer.dtype_policy = keras.DTypePolicy("float32")
        x = layer(x)
    return keras.Model(images, model(x), name=f"augmented_{model.name}")


def _make_layers(named: dict[str, Any]) -> list[layers.Layer]:
    if named.keys() & set(WARPS):
        return [RandomWarp(**named, name="warp")]
    return [AUGMENTATIONS[name](value) for name, value in named.items()]


def random_layers(model: keras.Model) -> list[tuple[int, keras.random.SeedGenerator]]:
    """Random states of a model's layers (dropout, augmentation), nested models' too, each with its layer's place."""
    flat: list[layers.Layer] = []

    def gather(inner: keras.Model) -> None:
        for layer in inner.layers:
            if isinstance(layer, keras.Model):
                gather(layer)
            else:
                flat.append(layer)

    gather(model)
    found = (
        (place, getattr(layer, "seed_generator", getattr(layer, "generator", None))) for place, layer in enumerate(flat)
    )
    return [(place, generator) for place, generator in found if isinstance(generator, keras.random.SeedGenerator)]


class RandomWarp(layers.Layer):
    """Flip, rotation, shift, zoom and crop of every picture anew, composed into one bilinear resampling.

    The order is that of the paper: the picture is mirrored, zoomed and turned about its centre and shifted, then a
    square is cropped from what has come of it and resized to the picture's size, with half-pixel centres and edges that
    repeat, as `cv2.resize` and `tf.image.resize` do. A crop alone so never leaves the picture. What the others bring in
    from outside is the picture mirrored at its edge: faces fill FER2013's frame, and black corners would be marks
    that no test image bears. Acts in training alone, and in float32 under any precision policy.

    TensorFlow's `ImageProjectiveTransformV3` cannot end at a crop's edge (it reads the pixels beyond) and is slower
    than the same arithmetic compiled by XLA, as here: once for each shape of a batch.

    Attributes:
        seed_generator: random state; each call in training takes one step.

    Args:
        horizontal_flip: mirror half of the pictures.
        rotation_degrees: turn by at most so many degrees either way, at most 180.
        shift_fraction: move by at most this fraction of the height up or down and of the width left or right.
        zoom_fraction: make the content larger or smaller by at most this fraction, height and width alike.
        crop_side: side of the square crop in pixels; its place is drawn evenly from all whole pixels, both ends
            included. 0 crops nothing.
        seed: seed of the random state; by default drawn from Keras' global one.
        **kwargs: those of a Keras layer.

    Raises:
        ValueError: if a value is out of bounds; in `build`, if the crop is larger than the pictures or their size is
            open.
    """

    def __init__(  # noqa: D107 - Args stand with the class
        self,
        horizontal_flip: bool = False,
        rotation_degrees: float = 0.0,
        shift_fraction: float = 0.0,
        zoom_fraction: float = 0.0,
        crop_side: int = 0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        if not 0 <= rotation_degrees <= 180:
            raise ValueError(f"rotation_degrees must be between 0 and 180. Received: {rotation_degrees!r}")
        for name, value in (("shift_fraction", shift_fraction), ("zoom_fraction", zoom_fraction)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be in [0, 1). Received: {value!r}")
        if isinstance(crop_side, bool) or crop_side != int(crop_side) or crop_side < 0:
            raise ValueError(f"crop_side must be a whole number of pixels, 0 or more. Received: {crop_side!r}")
        self.ranges = [0.5 * bool(horizontal_flip), math.radians(rotation_degrees), shift_fraction, zoom_fraction]
        self.crop_side = int(crop_side)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Check the crop against pictures (n, h, w, c)."""
        height, width = input_shape[1:3]
        if height is None or width is None:
            raise ValueError(f"images must have a fixed height and width. Received: {tuple(input_shape)}")
        if self.crop_side > min(height, width):
            raise ValueError(
                f"crop_side must be at most the smaller side of images of {height}×{width}. Received: {self.crop_side}"
            )

    def call(self, images: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Warp float32 (n, h, w, c) in training, else leave it."""
        if not training:
            return images
        draws = keras.random.uniform((tf.shape(images)[0], _DRAWS), dtype="float32", seed=self.seed_generator)
        height, width = images.shape[1:3]
        window = tf.constant([self.crop_side or height, self.crop_side or width], tf.float32)
        y, x = _draw_positions(draws, tf.constant(self.ranges, tf.float32), window, height, width)
        return _sample(images, y, x)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape that came in."""
        return input_shape


@tf.function(jit_compile=True)
def _draw_positions(
    draws: tf.Tensor, ranges: tf.Tensor, window: tf.Tensor, height: int, width: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Where each pixel of the result comes from: y and x, float32 (n, h, w), inside the picture.

    Ranges and window are tensors, so that all layers share a program.

    Args:
        draws: float32 (n, 7) in [0, 1): flip, rotation, shift down and right, zoom, row and column of the crop.
        ranges: float32 (4,): probability of a flip, radians, shift and zoom as fractions.
        window: float32 (2,): height and width of the crop.
        height: that of the pictures.
        width: that of the pictures.
    """
    probability, radians, shift, zoom = tf.unstack(ranges)
    flip, turn, down, right, size, row, column = tf.unstack(draws[:, None, None], axis=-1)  # (n, 1, 1) each
    y = _positions(height, window[0])[:, None] + _offset(height - window[0], row) - shift * height * _signed(down)
    x = _positions(width, window[1]) + _offset(width - window[1], column) - shift * width * _signed(right)
    y, x = y - (height - 1) / 2, x - (width - 1) / 2  # (n, h, 1) and (n, 1, w), from the centre
    scale = 1 + zoom * _signed(size)
    cosine, sine = tf.cos(radians * _signed(turn)) / scale, tf.sin(radians * _signed(turn)) / scale
    mirror = tf.where(flip < probability, -1.0, 1.0)
    source_x = mirror * (cosine * x + sine * y) + (width - 1) / 2  # (n, h, w)
    source_y = cosine * y - sine * x + (height - 1) / 2
    return _reflect(source_y, height), _reflect(source_x, width)


def _signed(draw: tf.Tensor) -> tf.Tensor:
    """[0, 1) on [-1, 1)."""
    return 2 * draw - 1


def _offset(room: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
    """A whole number from 0 to `room`, both included."""
    return tf.floor(draw * (room + 1))


def _positions(length: int, side: tf.Tensor) -> tf.Tensor:
    """Where in a crop of `side` pixels those of its enlargement to `length` lie, cut to it: float32 (length,)."""
    return tf.clip_by_value((tf.range(length, dtype=tf.float32) + 0.5) * side / length - 0.5, 0, side - 1)


def _reflect(positions: tf.Tensor, length: int) -> tf.Tensor:
    """Positions anywhere, on the picture mirrored at its edges without end: d c b a | a b c d | d c b a."""
    from_edge = positions + 0.5
    folded = tf.abs(from_edge - 2 * length * tf.round(from_edge / (2 * length))) - 0.5
    return tf.clip_by_value(folded, 0, length - 1)


@tf.function(jit_compile=True)
def _sample(images: tf.Tensor, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Bilinear values (n, h, w, c) of pictures at positions (n, h, w) inside them.

    A program of its own: were positions computed in it, XLA would compute them again for each use, with roundings that
    differ, and where one says 7.9999995 and the other 8 the pixel and its weight would not belong together.
    """
    height, width, channels = images.shape[1:]
    top, left = tf.cast(y, tf.int32), tf.cast(x, tf.int32)
    bottom, right = tf.minimum(top + 1, height - 1), tf.minimum(left + 1, width - 1)
    below, beside = (y - tf.floor(y))[..., None], (x - tf.floor(x))[..., None]
    pixels = tf.reshape(images, (-1, channels))
    first_rows = tf.range(tf.shape(images)[0])[:, None, None] * height

    def at(rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
        return tf.gather(pixels, (first_rows + rows) * width + columns)

    upper = at(top, left) + beside * (at(top, right) - at(top, left))
    lower = at(bottom, left) + beside * (at(bottom, right) - at(bottom, left))
    return upper + below * (lower - upper)
