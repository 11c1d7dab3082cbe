"""Weights that a base starts from: those of ImageNet, a file's, or those of another model."""

import hashlib
import os
import urllib.request
import warnings
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path

import keras
import numpy as np

from fer_lib.models.blocks import block_names


@dataclass(frozen=True)
class WeightsFile:
    """A file that Keras publishes: weights of a base without its top."""

    url: str
    md5: str


_PUBLISHED = "https://storage.googleapis.com"

IMAGENET = {
    "resnet50": WeightsFile(
        f"{_PUBLISHED}/tensorflow/keras-applications/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "4d473c1dd8becc155b73f8504c6f6626",
    ),
    "vgg16": WeightsFile(
        f"{_PUBLISHED}/tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
    ),
    "vgg19": WeightsFile(
        f"{_PUBLISHED}/tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "253f8cb515780f3b799900260a226db6",
    ),
    "efficientnetb0": WeightsFile(
        f"{_PUBLISHED}/keras-applications/efficientnetb0_notop.h5", "50bc09e76180e00e4465e1a485ddc09d"
    ),
}
"""Where the ImageNet weights of each network are, and their hashes, as in keras.applications."""

NO_IMAGENET = "ImageNet weights not available"

PATIENCE_SECONDS = 5.0
"""How long the server of the weights may take to answer at all."""


class WeightsNotAvailable(ValueError):
    """Weights that were asked for cannot be had: no network, or no such file.

    Attributes:
        reason: why, in a few words, as `weights_available` gives it.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        """Keep the message and the reason."""
        super().__init__(message)
        self.reason = reason


def weights_available(name: str, weights: str) -> str:
    """Why a network cannot start from some weights; cheap, the network is asked once a process.

    Args:
        name: a network with the option `weights`.
        weights: "none", "imagenet" or the path of a file.

    Returns:
        An empty text where the weights can be had, else the reason in a few words.
    """
    if weights == "none":
        return ""
    if weights != "imagenet":
        return "" if Path(weights).is_file() else f"there is no weights file {weights}"
    if name not in IMAGENET:
        return f"there are no ImageNet weights of {name}"
    published = IMAGENET[name]
    return "" if _is_downloaded(published) or _is_reachable(published.url) else NO_IMAGENET


def is_imagenet(name: str, weights: str) -> bool:
    """Whether weights are those that Keras publishes of a network: downloaded by it, or in a copy of its file.

    Args:
        name: a network with the option `weights`.
        weights: as for `load_base_weights`.

    Returns:
        False of a network that has none, and of a file that is not there or has another hash.
    """
    return name in IMAGENET and (weights == "imagenet" or _is_copy(Path(weights), IMAGENET[name]))


def require_weights(name: str, weights: str) -> None:
    """Refuse weights that a network cannot start from.

    Raises:
        WeightsNotAvailable: if they cannot be had (see `weights_available`); the message says what to do.
    """
    reason = weights_available(name, weights)
    if reason:
        raise WeightsNotAvailable(_two_ways_out(name, weights, reason), reason)


def load_base_weights(base: keras.Model, name: str, weights: str) -> None:
    """Give a base the weights it starts from.

    Args:
        base: the network without its head.
        name: name of the network, for messages and for its ImageNet weights.
        weights: "none" leaves the base as it is; "imagenet" downloads Keras' file, once, to KERAS_HOME (~/.keras); else
            the path of a file: `.keras`, a trained network whose layers bear the same names; `.weights.h5` of the
            network or of its base; `.h5` of the base alone, as Keras publishes them.

    Raises:
        WeightsNotAvailable: if the network refuses, or there is no such file.
        ValueError: if the file's weights do not fit the base.
    """
    if weights == "none":
        return
    require_weights(name, weights)
    path = _download(name) if weights == "imagenet" else Path(weights)
    if path.suffix not in (".h5", ".keras"):
        raise ValueError(f"a weights file must end in .keras, .weights.h5 or .h5. Received: weights={weights!r}")
    try:
        with warnings.catch_warnings(action="ignore"):  # of each part that a file lacks, before the error that says so
            _read(base, path)
    except Exception as error:  # Keras, HDF5 and zip raise all kinds on a file that is not theirs
        raise ValueError(f"{path}: no weights that fit {name}: {_first_line(error)}. Received: {weights=}") from error


def transfer_weights(source: keras.Model, target: keras.Model) -> list[str]:
    """Copy the weights of the base, layer by layer by name; the head of `target` stays as it is.

    Args:
        source: a model with all layers of the base of `target`.
        target: a flat functional model.

    Returns:
        Names of the layers copied.

    Raises:
        ValueError: if the base holds no weights, or a layer of it is missing in `source` or has other shapes there;
            nothing is copied then.
    """
    head = block_names(target)[0]
    copied = [layer for layer in target.layers if layer.weights and layer.name not in head]
    if not copied:
        raise ValueError(f"the base must hold weights. Received: {target.name!r} without any")
    given = {layer.name: layer for layer in source.layers}
    for layer in copied:
        shapes = _shapes(given[layer.name]) if layer.name in given else None
        if shapes != _shapes(layer):
            received = f"{source.name!r} with {'no such layer' if shapes is None else shapes}"
            raise ValueError(f"layer {layer.name!r} needs weights of shapes {_shapes(layer)}. Received: {received}")
    for layer in copied:
        layer.set_weights(given[layer.name].get_weights())
    return [layer.name for layer in copied]


def _read(base: keras.Model, path: Path) -> None:
    if path.suffix == ".keras":
        transfer_weights(keras.models.load_model(path, compile=False), base)
    else:
        base.load_weights(path)
    for layer in base.layers:
        if isinstance(layer, keras.layers.Normalization):  # pixels are standardised before it: ends.feed_efficientnet
            mean, variance, count = layer.get_weights()
            layer.set_weights([np.zeros_like(mean), np.ones_like(variance), count])
            layer.finalize_state()


def _shapes(layer: keras.layers.Layer) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]


def _keras_home() -> Path:
    return Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()


def _is_downloaded(published: WeightsFile) -> bool:
    return _is_copy(_keras_home() / "models" / published.url.rpartition("/")[2], published)


def _is_copy(path: Path, published: WeightsFile) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest() == published.md5


@cache
def _is_reachable(url: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=PATIENCE_SECONDS):
            return True
    except (OSError, HTTPException):
        return False


def _download(name: str) -> Path:
    published, home = IMAGENET[name], _keras_home()
    try:
        home.mkdir(parents=True, exist_ok=True)
        path = keras.utils.get_file(
            origin=published.url, file_hash=published.md5, cache_dir=str(home), cache_subdir="models"
        )
    except Exception as error:  # what get_file itself raises where a download fails
        detail = f"{NO_IMAGENET}: {_first_line(error)}"
        raise WeightsNotAvailable(_two_ways_out(name, "imagenet", detail), NO_IMAGENET) from error
    return Path(path)


def _two_ways_out(name: str, weights: str, reason: str) -> str:
    if weights != "imagenet" or name not in IMAGENET:
        return f"{reason}. Received: {weights=}"
    ways = (
        f"put a copy of {IMAGENET[name].url} into {_keras_home() / 'models'}, name a file of weights "
        "(fer-lib train --weights, the notebooks' weights, models.build), or give none to start from random ones"
    )
    return f"{reason} ({name}): the download was refused; {ways}. Received: {weights=}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
