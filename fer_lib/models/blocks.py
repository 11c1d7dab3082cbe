"""A functional network as blocks from the head down: what freezing and the transfer of weights speak of."""

import re

import keras

# Names that group layers: VGG's and our own block1_, ResNet50's conv2_block1_, EfficientNet's block1a_ and top_.
_BLOCK = re.compile(r"^(conv[2-5]_block\d+|block\d+[a-z]?|top)_")


def block_names(model: keras.Model) -> list[list[str]]:
    """Layers of a network by block, from the head down to the stem.

    The head is all that follows the last layer whose output is a map (n, h, w, c). The blocks of the base are read from
    the names of its layers; the layers of no block are the stem (of a network without blocks: the whole base). A stem
    that holds no weights, like the input layers of VGG, stands with the lowest block.

    Args:
        model: one flat functional graph with images as its input.

    Returns:
        Names of layers: first the head's, then each block's, the stem's last.

    Raises:
        ValueError: if a model is nested in the graph, so that its layers cannot be seen.
    """
    nested = [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    if nested:
        raise ValueError(f"the network must be one flat graph. Received: models {nested} inside {model.name!r}")
    maps = [index for index, layer in enumerate(model.layers) if len(layer.output.shape) == 4]
    base, head = model.layers[: maps[-1] + 1], model.layers[maps[-1] + 1 :]
    stem: list[str] = []
    blocks: dict[str, list[str]] = {}
    for layer in base:
        found = _BLOCK.match(layer.name)
        (blocks.setdefault(found[1], []) if found else stem).append(layer.name)
    from_below = [stem, *blocks.values()]
    if blocks and not any(model.get_layer(name).weights for name in stem):
        from_below = [stem + from_below[1], *from_below[2:]]
    return [[layer.name for layer in head], *reversed(from_below)]
