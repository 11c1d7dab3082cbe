"""Deep features of a classifier: what its last layer with weights is fed."""

import keras
from keras import layers


def feature_model(model: keras.Model) -> keras.Model:
    """Functional model of the deep features x_i of a classifier; it shares the classifier's layers and weights.

    They are the x_i of the centre loss (Wen et al. 2016, equation 2; Liu, Zhang and Xin 2019, equation 4) and of the
    "feature vectors" which the latter fuse: the input of the last layer with weights. Of Model A, whose last layer with
    weights is a convolution, they are the 1024 maps it is fed, averaged over positions.

    Dropout just before that layer is left out: at inference it does nothing, so there the features are exactly what the
    layer is fed; while training, the distance to a centre would otherwise measure the mask too (with a rate p its
    expectation grows by p / (1 - p) times the squared length of the features) and pull all features towards zero.

    Args:
        model: a functional classifier, one flat graph whose last layer with weights is a dense layer or a convolution.

    Returns:
        A model from the classifier's images, float (n, h, w, c), to float32 features (n, d), whatever the precision of
        the layers; maps (n, h, w, d) are averaged over their positions in float32.

    Raises:
        ValueError: if a model is nested in the graph, if fewer than two of its layers have weights (the features would
            be the images), if the last one is of another kind, or if it is fed neither vectors nor maps.
    """
    features = _before_dropout(model, _last_weighted_layer(model).input)
    if len(features.shape) not in (2, 4):
        raise ValueError(f"features of {model.name} must be (n, d) or (n, h, w, d). Received: {features.shape}")
    to_vectors = layers.Identity if len(features.shape) == 2 else layers.GlobalAveragePooling2D
    outputs = to_vectors(dtype="float32", name="features")(features)  # (n, d)
    return keras.Model(model.inputs[0], outputs, name=f"features_of_{model.name}")


def _last_weighted_layer(model: keras.Model) -> layers.Layer:
    nested = [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    if nested:
        raise ValueError(f"the network must be one flat graph. Received: models {nested} inside {model.name!r}")
    weighted = [layer for layer in model.layers if layer.weights]
    if len(weighted) < 2:
        names = [layer.name for layer in weighted]
        raise ValueError(f"at least two layers of {model.name} must have weights. Received: {names}")
    last = weighted[-1]
    if not isinstance(last, layers.Dense | layers.Conv2D):
        wanted = f"the last layer with weights of {model.name} must be Dense or Conv2D"
        raise ValueError(f"{wanted}. Received: {last.name!r}, {type(last).__name__}")
    return last


def _before_dropout(model: keras.Model, tensor: keras.KerasTensor) -> keras.KerasTensor:
    made_by = next(layer for layer in model.layers if layer.output is tensor)
    return _before_dropout(model, made_by.input) if isinstance(made_by, layers.Dropout) else tensor
