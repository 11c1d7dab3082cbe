"""Small run folders with given predictions, for tests of what compares them."""

import numpy as np

from fer_lib.files import write_json, write_npz
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import classification_metrics
from fer_lib.runs import Run, run_folder

FER = {"sha256": "18" * 32, "is_sample": False, "sizes": {"train": 0, "validation": 0, "test": 0}}
RECORD = {"code_version": "0123456789ab", "precision": "float32", "packages": {"python": "3.11.9"}, "shortened": False}


def write_run(
    runs, variant, labels, probabilities, *, rows=None, seed=0, profile="paper", classes=EMOTIONS, data=None,
    transforms=None, split="test", views=None, settings=None, record=None, paper="shi_light_vgg",
    sources=None,
):  # fmt: skip
    """A complete run folder that predicts one split; `views` are further probabilities of it by name.

    `sources` are requests of the runs that it is made from, by what they are to it.
    """
    run = Run(run_folder(runs, profile, paper, variant, seed))
    labels = np.asarray(labels)
    rows = np.arange(len(labels)) if rows is None else np.asarray(rows)
    request = {
        "paper": paper,
        "variant": variant,
        "seed": seed,
        "hyperparameters": {"learning_rate": 0.001, "batch_size": 32} if settings is None else settings,
        "data": FER if data is None else data,
        **(sources or {}),
    }
    write_json(run.folder / "config.json", {"request": request, "record": RECORD | (record or {})})
    every = {"single": probabilities, **(views or {})}
    arrays = {f"rows_{split}": rows, f"labels_{split}": labels}
    arrays |= {f"{view}_{split}": np.asarray(found, np.float32) for view, found in every.items()}
    if transforms is not None:
        arrays[f"transforms_{split}"] = np.asarray(transforms)
    write_npz(run.folder / "predictions.npz", arrays)
    metrics = {view: classification_metrics(labels, np.asarray(found), classes) for view, found in every.items()}
    write_json(run.folder / "metrics.json", {split: metrics})
    return run


def calls(predicted, confidence=0.94, classes=7):
    """Probabilities float32 (n, classes): `confidence` for the predicted class, the rest divided among the others."""
    chosen = np.eye(classes)[np.asarray(predicted)] == 1
    return np.where(chosen, confidence, (1 - confidence) / (classes - 1)).astype(np.float32)
