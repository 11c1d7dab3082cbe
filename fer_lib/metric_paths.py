"""Dotted names of the numbers a claim may speak of, checked when a card is loaded and read when it is judged.

With a split, the name is looked up in that split's classification metrics: `accuracy`, `recall.happy`,
`confusion_share.disgust.angry` (share of the disgusted called angry). Without one, in the run as a whole:
`history.max_accuracy`, `model.parameters`, `timing.ratio_to_reference`, `data.leaked_test_share`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

SCALARS = (
    "accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
    "log_loss",
    "expected_calibration_error",
)
PER_CLASS = ("precision", "recall", "f1", "predicted_share")
CONFUSION_SHARE = "confusion_share"

OF_A_RUN: dict[str, tuple[str, ...]] = {
    "history": (
        "epochs",
        "longest_phase",
        "kept_epoch",
        "max_accuracy",
        "final_accuracy",
        "late_gain",
        "early_gap",
        "validation_roughness",
        "validation_loss_rise",
    ),
    "model": (
        "parameters",
        "trainable_parameters",
        "convolution_parameters",
        "depth",
        "convolutions",
        "separable_convolutions",
        "all_convolutions",
        "separable_cost_ratio",
    ),
    "application": ("parameters", "depth", "convolutions", "dense_share", "mebibytes"),
    "timing": (
        "seconds",
        "seconds_per_epoch",
        "reference_seconds_per_epoch",
        "ratio_to_reference",
    ),
    "data": (
        "images",
        "train_images",
        "validation_images",
        "test_images",
        "train_per_class",
        "test_per_class",
        "leaked_test",
        "leaked_test_share",
    ),
    "attribution": (
        "heat_share",
        "area_share",
        "heat_ratio",
        "heat_gain",
        "heat_gain_low",
        "deletion_area",
        "insertion_area",
    ),
    "features": ("silhouette", "class_distance", "class_spread", "class_separation"),
    "super_resolution": ("psnr", "ssim", "psnr_over_bicubic", "ssim_over_bicubic", "ssim_over_bicubic_low"),
}
"""Numbers of a run as a whole; per class means the class with the fewest images, leaked what also stands in train."""

OF_A_RUN_BY_CLASS = {"data": ("images_of",)}
"""Numbers of a run as a whole that there are for each class: `data.images_of.happy`."""

SUBSETS = {
    "single_originals": "originals only, without their transforms",
    "single_unleaked": "without images that also stand in Training",
}
"""Views of a part of the test images, in words: a run holds their metrics, not their predictions."""


VIEWS = {"ten_crops": "mean over ten crops"}
"""Views that are predictions of their own, in words."""


class MissingNumber(LookupError):
    """A run does not hold the number asked for; the message says which, for people to read."""


def check_metric(metric: str, split: str | None, classes: Sequence[str]) -> None:
    """Refuse a dotted name that no run can hold.

    Args:
        metric: dotted name.
        split: the split it is measured on, or None for a number of the run as a whole.
        classes: names of the classes it may speak of.

    Raises:
        ValueError: if the name is unknown, or its class is.
    """
    head, *rest = metric.split(".")
    if split is None:
        plain = len(rest) == 1 and rest[0] in OF_A_RUN.get(head, ())
        of_class = len(rest) == 2 and rest[0] in OF_A_RUN_BY_CLASS.get(head, ()) and rest[1] in classes
        if not plain and not of_class:
            known = sorted(f"{group}.{name}" for group, names in OF_A_RUN.items() for name in names)
            known += [f"{group}.{name}.<class>" for group, names in OF_A_RUN_BY_CLASS.items() for name in names]
            raise ValueError(f"without a split, must be one of {known}. Received: {metric!r}")
        return
    parts = {**dict.fromkeys(SCALARS, 0), **dict.fromkeys(PER_CLASS, 1), CONFUSION_SHARE: 2}
    if head not in parts:
        raise ValueError(f"with a split, must begin with one of {sorted(parts)}. Received: {metric!r}")
    if len(rest) != parts[head] or not set(rest) <= set(classes):
        wanted = ".".join([head] + ["<class>"] * parts[head])
        raise ValueError(f"must be {wanted}, classes {list(classes)}. Received: {metric!r}")


def read_number(metrics: Mapping[str, Any], metric: str) -> float:
    """Look a dotted name up in one split's classification metrics, or in a run's metrics.json.

    Raises:
        MissingNumber: if it is not there, or is not a finite number.
    """
    head, *rest = metric.split(".")
    if head == CONFUSION_SHARE:
        true, predicted = (metrics["classes"].index(name) for name in rest)
        counts = metrics["confusion"][true]
        if sum(counts) == 0:
            raise MissingNumber(f"no image of class {rest[0]!r}")
        return counts[predicted] / sum(counts)
    value: Any = metrics
    for part in (head, *rest):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        raise MissingNumber(f"no {metric}")
    return float(value)


def images_behind(metrics: Mapping[str, Any], metric: str) -> int | None:
    """How many images a share is a share of; None where the number is no share of images.

    A picture and its transforms stand or fall together, so that each picture counts once.
    """
    head, *rest = metric.split(".")
    count = None
    if head in ("accuracy", "weighted_recall", "predicted_share"):
        count = metrics["n"]
    elif head in ("recall", CONFUSION_SHARE):
        count = metrics["support"][rest[0]]
    elif head == "precision":
        count = metrics["predicted_share"][rest[0]] * metrics["n"]
    return None if count is None else round(count * pictures_per_image(metrics))


def is_mean_of_classes(metric: str) -> bool:
    """Whether a number follows from the confusion matrix and is no share of images: F1 scores, means over classes."""
    head = metric.split(".")[0]
    return head == "f1" or head.startswith(("macro_", "weighted_"))


def pictures_per_image(metrics: Mapping[str, Any]) -> float:
    """1, or less where the images hold transforms of pictures (eleven images of each: 1 / 11)."""
    return metrics.get("originals", metrics["n"]) / metrics["n"]


def is_share(metric: str) -> bool:
    """Whether a number is a fraction people read as percent (accuracies, recalls, gaps of curves), as a loss is not."""
    head, *rest = metric.split(".")
    if head == "history":
        return rest[0] not in ("epochs", "longest_phase", "kept_epoch")
    if head == "data":
        return rest[0] == "leaked_test_share"
    return head in (*PER_CLASS, CONFUSION_SHARE) or (head in SCALARS and head != "log_loss")


def describe_view(view: str) -> str:
    """A view in words: nothing for `single`, what is left of the test images for a subset of them."""
    return "" if view == "single" else VIEWS.get(view) or SUBSETS.get(view, view.replace("_", " "))


def short_name(metric: str) -> str:
    """The part of a dotted name that tells it from its neighbours: `happy`, `disgust called angry`, `max accuracy`."""
    head, *rest = metric.split(".")
    if head == CONFUSION_SHARE:
        return f"{rest[0]} called {rest[1]}"
    return (rest[-1] if rest else head).replace("_", " ")
