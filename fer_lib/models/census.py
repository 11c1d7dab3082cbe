"""What papers count of a network: parameters, depth, convolutions, the cost of separable ones."""

import math
import re
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from fer_lib.models.blocks import block_names

APPLICATIONS: dict[str, Callable[..., keras.Model]] = {
    "resnet50": keras.applications.ResNet50,
    "vgg16": keras.applications.VGG16,
    "vgg19": keras.applications.VGG19,
}
"""Networks that papers also quote as published, with ImageNet's thousand classes on top."""

_BLOCK_OF = re.compile(r"_[^_]+$")

BYTES = 4
"""Of a parameter in float32."""


def count_parameters(model: keras.Model) -> dict[str, Any]:
    """Count what claims ask of a network.

    Args:
        model: a functional model, one flat graph.

    Returns:
        `parameters`; `trainable_parameters`; `convolution_parameters`, those of all convolutions, biases included;
        `depth`, layers on the longest path from input to output, without the input and dropout: of VGG16 the 22 of Liu
        et al. (2019, Table 1), which Keras documented as 23 then; `convolutions` and `separable_convolutions` on that
        path, and their sum `all_convolutions`; where there are separable ones `separable_cost_ratio`, their
        multiplications over those of plain ones of the same widths (Liu et al. 2019, equation 3).
    """
    path = longest_path(model)
    separable = [layer for layer in model.layers if isinstance(layer, layers.SeparableConv2D)]
    on_path = [layer for layer in path if isinstance(layer, layers.SeparableConv2D)]
    kinds = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)
    plain = [layer for layer in path if type(layer) is layers.Conv2D]
    return {
        "parameters": model.count_params(),
        "trainable_parameters": sum(math.prod(weight.shape) for weight in model.trainable_weights),
        "convolution_parameters": sum(layer.count_params() for layer in model.layers if isinstance(layer, kinds)),
        "depth": len(path),
        "convolutions": len(plain),
        "separable_convolutions": len(on_path),
        "all_convolutions": len(plain) + len(on_path),
        **({"separable_cost_ratio": _cost_ratio(separable)} if separable else {}),
    }


def count_application(name: str) -> dict[str, Any]:
    """Count what papers quote of a network as published, with its 1000-way top.

    Args:
        name: one of `APPLICATIONS`.

    Returns:
        `parameters`, `depth` and `convolutions` as `count_parameters`; `dense_share`, the share of parameters in dense
        layers; `mebibytes` of the parameters in float32.

    Raises:
        ValueError: if there is no such network.
    """
    if name not in APPLICATIONS:
        raise ValueError(f"application must be one of {list(APPLICATIONS)}. Received: {name!r}")
    model = APPLICATIONS[name](weights=None)
    counted = count_parameters(model)
    dense = sum(layer.count_params() for layer in model.layers if isinstance(layer, layers.Dense))
    return {
        **{key: counted[key] for key in ("parameters", "depth", "convolutions")},
        "dense_share": dense / counted["parameters"],
        "mebibytes": BYTES * counted["parameters"] / 2**20,
    }


def describe_blocks(model: keras.Model) -> list[dict[str, Any]]:
    """A network block by block, from the images up: what a figure of its architecture shows.

    Args:
        model: one flat functional graph, its layers named by blocks (`blocks.block_names`).

    Returns:
        For each block `block`, its last layer's name before the last underscore; `layers`; `convolutions` and
        `separable` ones among them, those of shortcuts included; `output`, shape of what the block gives, without the
        batch; `parameters`.
    """
    rows = []
    for names in reversed(block_names(model)):
        members = [model.get_layer(name) for name in names]
        shape = members[-1].output.shape[1:]
        rows.append(
            {
                "block": _BLOCK_OF.sub("", names[-1]),
                "layers": len(members),
                "convolutions": len([layer for layer in members if type(layer) is layers.Conv2D]),
                "separable": len([layer for layer in members if isinstance(layer, layers.SeparableConv2D)]),
                "output": "×".join(map(str, shape)),
                "parameters": sum(layer.count_params() for layer in members),
            }
        )
    return rows


def longest_path(model: keras.Model) -> list[layers.Layer]:
    """Layers on a longest path through a flat functional graph, from the first after the input; dropout left out."""
    paths: dict[int, list[layers.Layer]] = {}  # of the tensor that a layer makes
    for layer in model.layers:
        fed = layer.input if isinstance(layer.input, list) else [layer.input]
        before = max((paths.get(id(tensor), []) for tensor in fed), key=len, default=[])
        counted = not isinstance(layer, layers.InputLayer | layers.Dropout)
        paths[id(layer.output)] = [*before, layer] if counted else before
    return paths[id(model.outputs[0])]


def _cost_ratio(separable: list[layers.Layer]) -> float:
    """Multiplications of separable convolutions over those of plain ones; positions of the output count for both."""
    costs = []
    for layer in separable:
        height, width, filters = layer.output.shape[1:]
        kernel, channels = math.prod(layer.kernel_size), layer.input.shape[-1]
        costs.append((height * width * channels * (kernel + filters), height * width * channels * kernel * filters))
    ours, plain = map(sum, zip(*costs, strict=True))
    return float(ours / plain)
