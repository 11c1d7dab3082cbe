"""Values that figures are drawn from, and what is read off a figure."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from fer_lib import figures

RNG = np.random.default_rng(0)
LABELS = np.arange(70) % 7
FACES = RNG.integers(0, 256, (70, 48, 48), dtype=np.uint8)
SHARES = np.full((7, 7), 1 / 7)
STILLS = RNG.integers(0, 256, (4, 72, 90), dtype=np.uint8)
RESPLITS = pd.DataFrame({"whole frame": [0.30, 0.36, 0.39], "cropped face": [0.40, np.nan, 0.44]}, index=[3, 5, 8])
SCORES = pd.DataFrame(
    [
        ("official", "train", 0.98, 0.97, 0.99, 0.975, 0.985, np.nan),
        ("official", "test", 0.53, 0.50, 0.56, 0.52, 0.54, np.nan),
        ("random split", "train", 0.99, 0.98, 1.0, 0.988, 0.992, 0.993),
        ("random split", "test", 0.55, 0.52, 0.58, 0.54, 0.57, 0.537),
    ],
    columns=["condition", "scored on", "accuracy", "low", "high", "lowest seed", "highest seed", "published"],
)


class Box(NamedTuple):
    left: int
    top: int
    width: int
    height: int


FOUND = [[Box(10, 5, 40, 40)], [], [Box(20, 20, 30, 30), Box(0, 0, 12, 12)], [Box(1, 2, 70, 70)]]


def make_history(last=0.5):
    epoch = np.arange(1, 6)
    curve = np.linspace(0.2, last, 5)
    return pd.DataFrame(
        {"epoch": epoch, "accuracy": curve, "val_accuracy": curve - 0.1, "loss": 2 - curve, "val_loss": 2.1 - curve}
    )


def make_trials():
    return pd.DataFrame(
        {
            "learning_rate": [1e-4, 1e-3, 5e-3, 2e-4, 3e-4, 4e-4],
            "beta_1": [0.8, 0.9, 0.95, 0.85, 0.87, 0.99],
            "batch_size": [32, 64, 64, 128, 32, 128],
            "optimizer": ["adam"] * 6,
            "nesterov": [True, False] * 3,
            "score": [0.4, 0.45, 0.5, np.nan, 0.41, 0.42],
        }
    )


def every_chart():
    return {
        "grid": figures.plot_image_grid({"angry": FACES[:3], "happy": FACES[3:5]}),
        "classes": figures.plot_class_distribution({"train": LABELS, "test": LABELS[:20]}),
        "labels": figures.plot_label_distribution(LABELS, LABELS[::-1]),
        "accuracy": figures.plot_history([make_history(), make_history(0.6)]),
        "loss": figures.plot_history([make_history()], "loss"),
        "confusion": figures.plot_confusion(SHARES),
        "confusion beside published": figures.plot_confusion(SHARES, published=np.eye(7)),
        "examples": figures.plot_confusion_examples(FACES, LABELS, LABELS[::-1]),
        "duplicates": figures.plot_duplicates(np.stack([FACES[:4], FACES[:4]], 1), ["row 1, angry\nrow 2, fear"] * 4),
        "search": figures.plot_search(make_trials()),
        "counts": figures.plot_class_counts({"train": LABELS, "validation": LABELS[:0], "test": LABELS[:20]}),
        "random": figures.plot_random_images(FACES, LABELS, 10),
        "transforms": figures.plot_transforms(FACES.reshape(10, 7, 48, 48, 1), LABELS[:10]),
        "predictions": figures.plot_predictions(FACES, LABELS, np.where(LABELS < 4, LABELS, 0), 70),
        "training alone": figures.plot_history([make_history().drop(columns=["val_accuracy", "val_loss"])] * 2),
        "resplits": figures.plot_resplits(RESPLITS, (0.31, 0.40)),
        "accuracies": figures.plot_accuracies(SCORES),
        "scenes": figures.plot_scenes(STILLS, [Box(8, 4, 44, 44), None] * 2, FOUND, ["angry", "fear", "sad", "happy"]),
    }


CHARTS = every_chart()


def texts_of(chart):
    return [text.get_text() for text in chart.axes[0].texts]


def shown_images(chart):
    """The pictures of a wall, in their order."""
    return [np.asarray(image.get_array()) for image in chart.axes[0].images]
