"""Where a network looks: Grad-CAM (Selvaraju et al. 2017) and guided back-propagation (Springenberg et al. 2015).

Both explain a class score *before* the softmax. The gradient of a probability, or of its logarithm, mixes in the other
classes (d log p_c = d z_c - sum_j p_j d z_j) and vanishes where the network is sure; that of the score z_c says what
speaks for the class itself. The score is computed from the trained weights of the last layer, its softmax left out.
Guided back-propagation also explains the strongest channel of a layer. Models are one flat graph, channels last, and
run in inference mode; the one given is never changed.
"""

from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from fer_lib.guided import RECTIFIERS, guided_copy, guided_output

BATCH = 64
"""Images explained at once; more are taken in parts of so many, so that memory is bounded."""

PREDICTED = -1
"""Stands for the highest score: the class predicted, where `check_classes` is given none, or the strongest channel."""

_CONVOLUTIONS = (layers.Conv2D, layers.Conv2DTranspose, layers.DepthwiseConv2D, layers.SeparableConv2D)
_ON_TOP = (*RECTIFIERS, layers.Activation, layers.ELU, layers.Add, layers.Concatenate, layers.Multiply)
_SQUASHING = (keras.activations.softmax, keras.activations.sigmoid)

Score = Callable[[tf.Tensor], tf.Tensor]


def grad_cam(
    model: keras.Model, images: np.ndarray, class_ids: np.ndarray | int | None = None, layer: str | None = None
) -> np.ndarray:
    """Heat maps of what speaks for a class (Selvaraju et al. 2017, section 3, equations 1 and 2).

    A channel weighs as much as the gradient of the class score with respect to it, averaged over positions; the map is
    the rectified weighted sum of the channels, enlarged to the input's size (bilinear), divided by its own maximum.

    Args:
        model: a flat functional or sequential classifier, images (n, h, w, c) to (n, classes), in any precision, of
            what `models.build` makes, all but the generator of pictures, which has no class to explain.
        images: (n, h, w, c), uint8 from 0 to 255, which are divided by 255 as `pipeline` does, or floats, which the
            model is given as they are.
        class_ids: class to explain, int (n,), or one for all images; None takes the class predicted for each.
        layer: name of a layer whose output is (n, rows, columns, channels) with more than one position; None takes
            `last_convolution(model)`.

    Returns:
        float32 (n, h, w) in [0, 1]: the greatest heat of each map is 1; a map where nothing speaks for the class is 0.

    Raises:
        ValueError: if the model, images or classes are not as stated, or there is no such layer.
    """
    images, class_ids = check_images(model, images), check_classes(model, class_ids, len(images))
    chosen = _layer_called(model, last_convolution(model) if layer is None else layer)
    before, score = _before_softmax(model)
    graph = keras.Model(model.inputs[0], [chosen.output, before])
    maps = np.zeros(images.shape[:3], np.float32)
    explain = _compile_gradients(graph, score, images.shape[1:])
    for part in parts(len(images), BATCH):
        features, gradients = explain(tf.constant(as_floats(images[part])), tf.constant(class_ids[part]))
        weights = tf.reduce_mean(gradients, axis=(1, 2))  # (b, rows, columns, k) -> (b, k)
        heat = tf.nn.relu(tf.einsum("brck,bk->brc", features, weights))
        maps[part] = tf.image.resize(heat[..., None], images.shape[1:3], "bilinear")[..., 0]
    hottest = maps.max(axis=(1, 2), keepdims=True, initial=0.0)
    return np.divide(maps, hottest, out=np.zeros_like(maps), where=hottest > 0)


def guided_backprop(model: keras.Model, images: np.ndarray, class_ids: np.ndarray | int | None = None) -> np.ndarray:
    """Gradient of a class score with respect to the pixels, guided at every rectifier (Springenberg et al. 2015, 3.4).

    At each ReLU, an activation of a layer or a layer of its own, only positive gradients go down, and only where the
    unit was active. LeakyReLU and PReLU are guided by the same rule: negative inputs let no gradient down, whatever the
    slope (`guided` says why). Other activations (such as EfficientNet's swish) pass gradients as they are.

    The picture is sharp because the lower layers' edges show through: it changes little where the upper weights are put
    at random, while Grad-CAM's changes (Adebayo et al. 2018, section 3). It says which pixels, not why.

    Args:
        model: as for `grad_cam`; it is copied in float32.
        images: as for `grad_cam`.
        class_ids: as for `grad_cam`.

    Returns:
        float32 (n, h, w, c), signed: score per unit of what the model is given (for uint8 images, per 255 grey values).

    Raises:
        ValueError: if the model, images or classes are not as stated.
    """
    images, class_ids = check_images(model, images), check_classes(model, class_ids, len(images))
    guided = guided_copy(model)
    return _pixel_gradients(guided, *_before_softmax(guided), images, class_ids)


def guided_backprop_of_layer(model: keras.Model, images: np.ndarray, layer: str) -> np.ndarray:
    """Guided gradient of a layer's strongest channel with respect to the pixels (Liu, Zhang and Xin 2019, Figure 4).

    What of each image a layer answers to most: the strongest channel is the one whose mean over positions is the
    largest for that image (the first of equals), and this mean is differentiated, guided as by `guided_backprop` at
    every rectifier up to the layer, the layer's own included.

    Args:
        model: as for `grad_cam`; it is copied in float32.
        images: as for `grad_cam`.
        layer: name of a layer whose output is (n, rows, columns, channels) with more than one position.

    Returns:
        float32 (n, h, w, c), signed: mean activation per unit of what the model is given (for uint8 images, per 255
        grey values).

    Raises:
        ValueError: if the model or images are not as stated, or there is no such layer.
    """
    images, name = check_images(model, images), _layer_called(model, layer).name
    guided = guided_copy(model)
    strongest = np.full(len(images), PREDICTED, np.int64)
    return _pixel_gradients(guided, guided_output(guided, name), _channel_means, images, strongest)


def last_convolution(model: keras.Model, least_positions: int = 2) -> str:
    """Name of the layer that `grad_cam` explains by default.

    It is the last convolution with so many positions, or, where activations, residual sums or other merges of its size
    follow it, the last of them: the features that the rest of the network is given, before any pooling (the last
    activation of ResNet50, the last convolution of VGG16, whose ReLU is its own). Batch normalisation at the end of
    that chain is left out: its offsets would be added to the heat.

    Args:
        model: as for `grad_cam`.
        least_positions: rows times columns that the layer's output must have at least.

    Raises:
        ValueError: if the model has no such convolution.
    """
    spatial = [_positions(layer) >= max(2, least_positions) for layer in model.layers]
    found = [place for place, layer in enumerate(model.layers) if spatial[place] and isinstance(layer, _CONVOLUTIONS)]
    if not found:
        wanted = f"model must have a convolution with at least {max(2, least_positions)} positions"
        raise ValueError(f"{wanted}. Received: {model.name!r}")
    chosen = model.layers[found[-1]]
    for place in range(found[-1] + 1, len(model.layers)):
        follower = model.layers[place]
        if not spatial[place] or follower.output.shape[1:3] != chosen.output.shape[1:3]:
            break
        chosen = follower if isinstance(follower, _ON_TOP) else chosen
    return str(chosen.name)


def check_images(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The images as an array, where a model can be explained on them.

    Raises:
        ValueError: if the model is not a flat classifier, or the images have another shape or dtype, or are not finite.
    """
    shape = tuple(getattr(model, "input_shape", None) or ())
    is_flat = not any(isinstance(layer, keras.Model) for layer in model.layers)
    if len(shape) != 4 or len(getattr(model, "output_shape", ())) != 2 or not is_flat:
        raise ValueError(
            "model must be one flat graph, without models inside, from (n, h, w, c) to (n, classes). "
            f"Received: {model.name!r} from {shape} to {getattr(model, 'output_shape', None)}"
        )
    images = np.asarray(images)
    fits = images.ndim == 4 and all(
        side in (None, given) for side, given in zip(shape[1:], images.shape[1:], strict=True)
    )
    if not fits or (images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating)):
        received = f"{images.dtype} {images.shape}"
        raise ValueError(f"images must be uint8 or float {('n', *shape[1:])} for {model.name!r}. Received: {received}")
    if images.dtype != np.uint8 and not np.isfinite(images).all():
        raise ValueError(f"images must be finite. Received: {images[~np.isfinite(images)][0]}")
    return images


def check_classes(model: keras.Model, class_ids: np.ndarray | int | None, count: int) -> np.ndarray:
    """Classes int64 (count,), each `PREDICTED` where none are given.

    Raises:
        ValueError: if they are not integers, of another length, or out of range.
    """
    if class_ids is None:
        return np.full(count, PREDICTED, np.int64)
    given, classes = np.asarray(class_ids), model.output_shape[-1]
    if not np.issubdtype(given.dtype, np.integer) or given.shape not in ((), (count,)):
        raise ValueError(f"class_ids must be integers, ({count},) or one. Received: {given.dtype} {given.shape}")
    outside = given[(given < 0) | (given >= classes)]
    if outside.size:
        raise ValueError(f"class_ids must be in 0 ... {classes - 1}. Received: {outside.flat[0]}")
    return np.broadcast_to(given, count).astype(np.int64)


def as_floats(images: np.ndarray) -> np.ndarray:
    """What a model is given: uint8 divided by 255, floats as they are; float32."""
    return images.astype(np.float32) / np.float32(255 if images.dtype == np.uint8 else 1)


def parts(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `count` rows in order."""
    return (slice(start, start + size) for start in range(0, count, size))


def _positions(layer: keras.Layer) -> float:
    """Rows times columns of a layer's output (unknown sides count as many), 0 where it is not (n, h, w, c)."""
    try:
        shape = layer.output.shape
    except AttributeError:  # several outputs, or used more than once
        return 0
    return float(np.prod([np.inf if side is None else side for side in shape[1:3]])) if len(shape) == 4 else 0


def _layer_called(model: keras.Model, name: str) -> keras.Layer:
    """A layer with a spatial output, by name."""
    names = [layer.name for layer in model.layers if _positions(layer) > 1]
    if name not in names:
        raise ValueError(f"layer must be one with more than one position, of {names}. Received: {name!r}")
    return model.get_layer(name)


def _pixel_gradients(
    guided: keras.Model, before: keras.KerasTensor, score: Score, images: np.ndarray, ids: np.ndarray
) -> np.ndarray:
    """Gradients float32 (n, h, w, c) of the scores made of a tensor of a guided copy, with respect to the pixels."""
    graph = keras.Model(guided.inputs[0], [guided.inputs[0], before])
    pixels = np.zeros(images.shape, np.float32)
    explain = _compile_gradients(graph, score, images.shape[1:])
    for part in parts(len(images), BATCH):
        _, pixels[part] = explain(tf.constant(as_floats(images[part])), tf.constant(ids[part]))
    return pixels


def _channel_means(features: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(features, axis=(1, 2))  # (b, rows, columns, k) -> (b, k)


def _before_softmax(model: keras.Model) -> tuple[keras.KerasTensor, Score]:
    """A tensor of the model's graph, and what makes class scores of it: the last layer without softmax or sigmoid.

    That layer is copied by itself: calling the original again would leave a trace in the caller's graph.
    """
    last = next((layer for layer in model.layers[::-1] if getattr(layer, "output", None) is model.outputs[0]), None)
    if last is None:
        raise ValueError(f"model must end with a layer. Received: {model.name!r}, which ends with an operation")
    if isinstance(last, layers.Softmax):
        return last.input, lambda scores: scores
    if getattr(last, "activation", None) not in _SQUASHING:
        return last.output, lambda scores: scores
    linear = type(last).from_config(last.get_config() | {"activation": "linear"})
    linear.build(last.input.shape)
    linear.set_weights(last.get_weights())
    return last.input, linear


def _compile_gradients(graph: keras.Model, score: Score, shape: tuple[int, ...]) -> Callable:
    """A function of float32 images (b, *shape) and class ids int64 (b,), `PREDICTED` for that of the highest score.

    It returns the first output of `graph`, and the gradient of the scores, made of its second, with respect to it,
    both in float32. Compiled, it leaves out the gradients of the weights, which eager TensorFlow computes too.
    """

    def explain(pixels: tf.Tensor, class_ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(pixels)
            values, before = graph(pixels, training=False)
            scores = tf.cast(score(before), tf.float32)  # (b, classes)
            wanted = tf.where(class_ids == PREDICTED, tf.argmax(scores, axis=1), class_ids)
            chosen = tf.gather(scores, wanted, batch_dims=1)  # (b,)
        gradients = tape.gradient(chosen, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return tf.cast(values, tf.float32), tf.cast(gradients, tf.float32)

    specs = tf.TensorSpec((None, *shape), tf.float32), tf.TensorSpec((None,), tf.int64)
    return tf.function(explain).get_concrete_function(*specs)
