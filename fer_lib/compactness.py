"""How compact the classes are among a network's deep features, which a centre loss is to improve."""

import keras
import numpy as np
from sklearn.metrics import silhouette_score

from fer_lib import pipeline
from fer_lib.models.features import feature_model


def measure_compactness(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Silhouette coefficient of the images' true classes among their deep features (Rousseeuw 1987).

    Of each image: how much nearer it lies, in the mean, to those of its own class than to those of the nearest other
    one, over the larger of the two distances; free of the features' scale. Liu, Zhang and Xin (section 2.4) say of
    centre loss that it makes classes more compact, and measure nothing.

    Args:
        model: a trained classifier (`models.features.feature_model` says which).
        images: uint8 (n, h, w, c), held out.
        labels: int (n,), true classes.

    Returns:
        `silhouette`, the mean over the images, from -1 to 1; nothing where it is not defined: of a single class, or of
        no two images of one class.
    """
    if not 2 <= len(np.unique(labels)) < len(labels):
        return {}
    features = feature_model(model).predict(pipeline.evaluation_batches(images), verbose=0)
    return {"silhouette": float(silhouette_score(features, labels))}
