"""How compact and how far apart the classes are among a network's deep features: what a centre loss is to improve."""

import keras
import numpy as np
from scipy.spatial.distance import pdist
from sklearn.metrics import silhouette_score

from fer_lib import pipeline
from fer_lib.models.features import feature_model


def measure_compactness(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """How the images' true classes lie among their deep features.

    Liu, Zhang and Xin (section 2.4) say of centre loss that it makes classes more compact and increases the distance
    between them, and measure neither.

    Args:
        model: a trained classifier (`models.features.feature_model` says which).
        images: uint8 (n, h, w, c), held out.
        labels: int (n,), true classes.

    Returns:
        - `silhouette`, from -1 to 1 (Rousseeuw 1987), mean over the images: how much nearer one lies, in the mean, to
          those of its own class than to those of the nearest other one, over the larger of the two distances;
        - `class_distance`, Euclidean, in the features' own units: between the mean features of two classes, mean over
          the pairs of classes, rare ones counting as much as others;
        - `class_spread`, in the same units: from an image to the mean features of its own class, mean over the images;
        - `class_separation`, the distance over the spread, free of the features' scale; left out where the spread is 0.

        Nothing where a silhouette is not defined: of a single class, or of no two images of one class.

    Raises:
        ValueError: if the network has no deep features (see `feature_model`).
    """
    if not 2 <= len(np.unique(labels)) < len(labels):
        return {}
    features = feature_model(model).predict(pipeline.evaluation_batches(images), verbose=0).astype(np.float64)
    classes, of_class = np.unique(labels, return_inverse=True)
    means = np.stack([features[of_class == index].mean(axis=0) for index in range(len(classes))])
    distance = float(pdist(means).mean())
    spread = float(np.linalg.norm(features - means[of_class], axis=1).mean())
    return {
        "silhouette": float(silhouette_score(features, labels)),
        "class_distance": distance,
        "class_spread": spread,
        **({"class_separation": distance / spread} if spread else {}),
    }
