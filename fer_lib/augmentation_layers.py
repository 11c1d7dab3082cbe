"""Online augmentation: Keras' random layers before the network while it trains, gone from the model that is kept."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers

AUGMENTATIONS: dict[str, Callable[[Any], layers.Layer]] = {
    "horizontal_flip": lambda wanted: layers.RandomFlip("horizontal", name="horizontal_flip"),
    "rotation_degrees": lambda degrees: layers.RandomRotation(degrees / 360, fill_mode="constant", name="rotation"),
}
"""Layer for each hyper-parameter that names an augmentation; 0 or false leaves it out. Corners turn black."""


def with_augmentation(model: keras.Model, settings: Mapping[str, Any]) -> keras.Model:
    """Put the random layers that hyper-parameters name before a network.

    Args:
        model: a functional model, float images (n, h, w, c) in [0, 1] to probabilities.
        settings: hyper-parameters; `horizontal_flip` (true or false) and `rotation_degrees` (at most so many degrees
            either way) are read.

    Returns:
        A model whose weights are those of `model`, in the same order; `model` itself where no augmentation is named.
    """
    chosen = [make(settings[name]) for name, make in AUGMENTATIONS.items() if settings.get(name)]
    if not chosen:
        return model
    images = keras.Input(model.input_shape[1:], name="images")
    x = images
    for layer in chosen:
        layer.dtype_policy = keras.DTypePolicy("float32")
        x = layer(x)
    return keras.Model(images, model(x), name=f"augmented_{model.name}")


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
