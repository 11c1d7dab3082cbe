"""The large networks, each built once per process: read them, and leave their weights and flags as they are."""

from functools import cache

import keras

from fer_lib import models
from fer_lib.fitting import dtype_policy

LARGE = ("efficientnetb0", "resnet50", "vgg16", "vgg19")


@cache
def built(name: str) -> keras.Model:
    """A large network with its default options, in mixed bfloat16."""
    with dtype_policy("mixed_bfloat16"):
        return models.build(name)
