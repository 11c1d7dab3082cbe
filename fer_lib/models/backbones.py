"""Networks of Keras' applications, with the input of faces and a softmax of the wanted width."""

from collections.abc import Callable, Sequence

import keras
from keras import layers

from fer_lib.models.ends import check_option, feed_caffe, feed_efficientnet, grey_images, perceptron_head
from fer_lib.models.weights import load_base_weights

INITIALIZERS = ("glorot_uniform", "he_normal")
"""How random kernels of convolutions are drawn."""


def build_resnet50(
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int = 7,
    head_units: Sequence[int] = (256, 128),
    weights: str = "none",
    pixels: str = "expected",
    grey: str = "replicated",
) -> keras.Model:
    """Build ResNet50 (He et al. 2015) for transfer, as Zakavi and Okhunov do in *Transfer Learning*.

    Model B of Liu, Zhang and Xin (section 3.1) is the same with no hidden layer (`head_units=()`) at 96×96.
    The base has 23,587,712 parameters; with its 1000-way top, which is left out, it would have 25,636,712.

    Args:
        input_shape: height, width (at least 32) and the one channel of an image; pixels float in [0, 1].
        classes: width of the softmax.
        head_units: widths of the hidden layers of Zakavi and Okhunov's three-layer perceptron, which are not stated.
        weights: what the base starts from: "none" (random), "imagenet" (downloaded by Keras), or the path of a file.
        pixels: "expected" scales pixels as the ImageNet weights expect them; "unit" leaves them in [0, 1], which they
            do not expect.
        grey: "replicated" stacks the grey image to three channels; "one_channel" leaves two of them black.

    Returns:
        A functional model, one flat graph, from float (n, h, w, 1) to float32 probabilities (n, classes).

    Raises:
        WeightsNotAvailable: if the weights cannot be had: no network, or no such file.
        ValueError: if an option has no such value, or the weights do not fit.
    """
    base = _base("resnet50", keras.applications.ResNet50, input_shape, feed_caffe, pixels, grey, weights)
    return keras.Model(base.input, perceptron_head(base.output, head_units, classes), name="resnet50")


def build_vgg16(
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int = 7,
    head_units: Sequence[int] = (256, 128),
    weights: str = "none",
    pixels: str = "expected",
    grey: str = "replicated",
    kernel_initializer: str = "glorot_uniform",
) -> keras.Model:
    """Build VGG16 (Simonyan and Zisserman 2014) for transfer, as Zakavi and Okhunov do in *Transfer Learning*.

    The baseline of Liu, Zhang and Xin (Table 1) is the same with no hidden layer (`head_units=()`).
    The base has 14,714,688 parameters, all of them in convolutions.

    Args:
        input_shape: as of `build_resnet50`, like the rest.
        classes: width of the softmax.
        head_units: widths of the hidden layers of the three-layer perceptron.
        weights: what the base starts from: "none", "imagenet" or the path of a file.
        pixels: "expected" or "unit".
        grey: "replicated" or "one_channel".
        kernel_initializer: of the convolutions, where weights are "none": "glorot_uniform", Keras' default, or
            "he_normal" (He et al. 2015, *Delving Deep into Rectifiers*, section 2.2), which with pixels of "unit" keeps
            the spread between faces through the layers: Keras' default leaves less than a thousandth of it.

    Returns:
        A functional model, one flat graph, from float (n, h, w, 1) to float32 probabilities (n, classes).

    Raises:
        WeightsNotAvailable: if the weights cannot be had: no network, or no such file.
        ValueError: if an option has no such value, or the weights do not fit.
    """
    base = _base("vgg16", keras.applications.VGG16, input_shape, feed_caffe, pixels, grey, weights, kernel_initializer)
    return keras.Model(base.input, perceptron_head(base.output, head_units, classes), name="vgg16")


def build_vgg19(
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int = 7,
    head_units: Sequence[int] = (256, 128),
    weights: str = "none",
    pixels: str = "expected",
    grey: str = "replicated",
    kernel_initializer: str = "glorot_uniform",
) -> keras.Model:
    """Build VGG19 (Simonyan and Zisserman 2014), against which Shi, and Liu, Zhang and Xin set their networks.

    The base has 20,024,384 parameters, all of them in convolutions.

    Args:
        input_shape: as of `build_resnet50`, like the rest.
        classes: width of the softmax.
        head_units: widths of the hidden layers of the perceptron; none leaves the softmax alone.
        weights: what the base starts from: "none", "imagenet" or the path of a file.
        pixels: "expected" or "unit".
        grey: "replicated" or "one_channel".
        kernel_initializer: "glorot_uniform" or "he_normal", as of `build_vgg16`.

    Returns:
        A functional model, one flat graph, from float (n, h, w, 1) to float32 probabilities (n, classes).

    Raises:
        WeightsNotAvailable: if the weights cannot be had: no network, or no such file.
        ValueError: if an option has no such value, or the weights do not fit.
    """
    base = _base("vgg19", keras.applications.VGG19, input_shape, feed_caffe, pixels, grey, weights, kernel_initializer)
    return keras.Model(base.input, perceptron_head(base.output, head_units, classes), name="vgg19")


def build_efficientnetb0(
    input_shape: tuple[int, int, int] = (48, 48, 1),
    classes: int = 7,
    head_units: Sequence[int] = (256, 128),
    weights: str = "none",
    pixels: str = "expected",
    grey: str = "replicated",
) -> keras.Model:
    """Build EfficientNetB0 (Tan and Le 2019) for transfer, as Zakavi and Okhunov do in *Transfer Learning*.

    The base has 4,049,571 parameters. Its graph divides by 255 and normalises by itself; see `ends.feed_efficientnet`.

    Args:
        input_shape: as of `build_resnet50`, like the rest.
        classes: width of the softmax.
        head_units: widths of the hidden layers of the three-layer perceptron.
        weights: what the base starts from: "none", "imagenet" or the path of a file.
        pixels: "expected" or "unit".
        grey: "replicated" or "one_channel".

    Returns:
        A functional model, one flat graph, from float (n, h, w, 1) to float32 probabilities (n, classes).

    Raises:
        WeightsNotAvailable: if the weights cannot be had: no network, or no such file.
        ValueError: if an option has no such value, or the weights do not fit.
    """
    name = "efficientnetb0"
    base = _base(name, keras.applications.EfficientNetB0, input_shape, feed_efficientnet, pixels, grey, weights)
    return keras.Model(base.input, perceptron_head(base.output, head_units, classes), name=name)


def _base(
    name: str,
    application: Callable[..., keras.Model],
    input_shape: Sequence[int],
    feed: Callable[..., keras.KerasTensor],
    pixels: str,
    grey: str,
    weights: str,
    kernel_initializer: str = "glorot_uniform",
) -> keras.Model:
    images = grey_images(input_shape, name)
    check_option("kernel_initializer", kernel_initializer, INITIALIZERS)
    built = application(include_top=False, weights=None, input_tensor=feed(images, pixels, grey))
    _drop_counters_from_names(built)
    if kernel_initializer != "glorot_uniform":
        _draw_kernels(built, kernel_initializer)
    base = keras.Model(images, built.output, name=f"{name}_base")
    load_base_weights(base, name, weights)
    return base


def _draw_kernels(model: keras.Model, initializer: str) -> None:
    """Draw the kernels of all convolutions anew; a clone of the model draws its own in the same way."""
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            layer.kernel_initializer = keras.initializers.get(initializer)
            layer.kernel.assign(layer.kernel_initializer(layer.kernel.shape))


def _drop_counters_from_names(model: keras.Model) -> None:
    """EfficientNet names two layers by class; the second model of a process would call them rescaling_1 and so on."""
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            layer.name = "normalization"
        elif isinstance(layer, layers.Rescaling) and layer.name.startswith("rescaling"):
            layer.name = "rescaling"
