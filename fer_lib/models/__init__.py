"""Networks of the papers, built by name."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from fer_lib.models.backbones import build_efficientnetb0, build_resnet50, build_vgg16, build_vgg19
from fer_lib.models.lenets import build_lenet5, build_lenet_sfew
from fer_lib.models.light_vgg import build_light_vgg
from fer_lib.models.separable import build_separable
from fer_lib.models.srgan import build_srgan_discriminator, build_srgan_generator
from fer_lib.models.surgery import build_shallow, build_small_residual, build_vgg16_extended
from fer_lib.models.weights import WeightsNotAvailable, weights_available

__all__ = ["WeightsNotAvailable", "build", "classifiers", "names", "options_of", "weights_available"]

_CLASSIFIERS: dict[str, Callable[..., keras.Model]] = {
    "efficientnetb0": build_efficientnetb0,
    "lenet5": build_lenet5,
    "lenet_sfew": build_lenet_sfew,
    "light_vgg": build_light_vgg,
    "resnet50": build_resnet50,
    "separable": build_separable,
    "shallow": build_shallow,
    "small_residual": build_small_residual,
    "vgg16": build_vgg16,
    "vgg16_extended": build_vgg16_extended,
    "vgg19": build_vgg19,
}

_BUILDERS: dict[str, Callable[..., keras.Model]] = {
    **_CLASSIFIERS,
    "srgan_discriminator": build_srgan_discriminator,
    "srgan_generator": build_srgan_generator,
}


def names() -> list[str]:
    """Names that `build` takes, sorted."""
    return sorted(_BUILDERS)


def classifiers() -> list[str]:
    """Those of `names()` that classify faces, sorted."""
    return sorted(_CLASSIFIERS)


def build(name: str, **options: Any) -> keras.Model:
    """Build a network by name.

    Args:
        name: one of `names()`.
        **options: keyword arguments of its builder, for example `input_shape` and `classes`.

    Returns:
        An uncompiled functional model from float (n, h, w, c), of classifiers to float32 probabilities (n, classes).

    Raises:
        ValueError: if there is no such network or it has no such option.
    """
    if name not in _BUILDERS:
        raise ValueError(f"model must be one of {names()}. Received: {name!r}")
    builder = _BUILDERS[name]
    known = list(inspect.signature(builder).parameters)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(f"options of {name!r} must be among {known}. Received: {unknown}")
    return builder(**options)


def options_of(name: str) -> list[str]:
    """Names of the options that the builder of `name` takes.

    Raises:
        ValueError: if there is no such network.
    """
    if name not in _BUILDERS:
        raise ValueError(f"model must be one of {names()}. Received: {name!r}")
    return list(inspect.signature(_BUILDERS[name]).parameters)
