"""Run folders with known predictions of 1,000 images, a card of a few claims on them, and how one is judged."""

import json

import numpy as np

from fer_lib.claims import VERDICTS, judge
from fer_lib.files import write_json, write_npz
from fer_lib.labels import GROUPINGS, class_names
from fer_lib.metrics import classification_metrics
from fer_lib.papers import PaperCard
from fer_lib.runs import Run, run_folder

N = 1000
LABELS = np.arange(N) % 7  # 143 images of the first six emotions, 142 of neutral


def make_card(*claims, **variants):
    """A card with the given claims, on a and b (networks, seeds 0-2), lda (a classifier) and merged (grouped)."""
    network = {"kind": "network", "description": "a network", "model": "light_vgg"}
    filled = [
        {"id": f"claim_{index}", "says": "words", "where": "Table 1", **claim} for index, claim in enumerate(claims)
    ]
    return PaperCard.model_validate(
        {
            "id": "tiny",
            "title": "Tiny",
            "authors": ["A"],
            "year": 2020,
            "venue": "here",
            "summary": "a summary",
            "notebook": "09_tiny",
            "data": {"dataset": "fer2013", "split": "official"},
            "hyperparameters": {"epochs": {"value": 8, "stated": "Section 1"}},
            "variants": {
                "a": network,
                "b": network,
                "lda": {"kind": "classifier", "description": "LDA", "model": "lda", "seeds": [0]},
                "merged": {**network, "grouping": "disgust_in_angry", "seeds": [0]},
                **variants,
            },
            "profiles": {
                name: {"epochs": 8, "seeds": [0, 1, 2], "trials": 1, "trial_epochs": 1}
                for name in ("smoke", "quick", "paper")
            },
            "deviations": [],
            "claims": filled,
        }
    )


def one_hot(predicted, classes=7):
    """Probabilities float32 (n, classes) whose largest is the predicted class."""
    return np.where(np.eye(classes)[predicted] == 1, 0.94, 0.06 / (classes - 1)).astype(np.float32)


def calls(right):
    """Predicted classes that are right on the first `right` images and one class further on the others."""
    return np.where(np.arange(N) < right, LABELS, (LABELS + 1) % 7)


def make_run(
    folder, variant="a", seed=0, predicted=None, grouping=None, sample=False, short=False, sha="0", stands_for=None,
    rows=None, views=None, **other,
):  # fmt: skip
    """A complete run folder; `views` are masks of the test images by name, `other` is in metrics.json as it is."""
    run = Run(run_folder(folder, "paper", "tiny", variant, seed))
    request = {"paper": "tiny", "variant": variant, "seed": seed, "grouping": grouping}
    request["data"] = {"sha256": sha, "is_sample": sample} | ({"stands_for": stands_for} if stands_for else {})
    write_json(run.folder / "config.json", {"request": request, "record": {"shortened": short}})
    metrics = dict(other)
    if predicted is not None:
        names = class_names(grouping)
        labels = GROUPINGS[grouping].labels(LABELS) if grouping else LABELS
        probabilities = one_hot(predicted, len(names))
        rows = np.arange(N) if rows is None else rows
        arrays = {"rows_test": rows, "labels_test": labels, "single_test": probabilities}
        write_npz(run.folder / "predictions.npz", arrays)
        metrics["test"] = {
            name: classification_metrics(labels[mask], probabilities[mask], names)
            for name, mask in {"single": slice(None), **(views or {})}.items()
        }
        if len(np.unique(rows)) < N:
            metrics["test"]["single"]["originals"] = len(np.unique(rows))
    write_json(run.folder / "metrics.json", metrics)
    return run


def accuracy(**claim):
    return {"variant": "a", "split": "test", "metric": "accuracy", **claim}


def timing(kind="value", published=None, **claim):
    whole = {"text": "6 times", "value": 6.0, "rounding": 0.5}
    return {"kind": kind, "variant": "a", "metric": "timing.seconds", "published": published or whole, **claim}


def make_resplit(folder, variant, seed, right, test=N, train=4 * N, **options):
    """A run whose test images are its seed's own, `right` of them called right."""
    sizes = {"train_images": train, "test_images": test}
    return make_run(folder, variant, seed, calls(right), rows=np.arange(N) + seed * N, data=sizes, **options)


def judge_one(claim, *runs):
    (judgement,) = judge(make_card(claim), runs)
    assert judgement.verdict is None or judgement.verdict in VERDICTS
    assert json.loads(json.dumps(judgement.to_dict(), allow_nan=False))["claim_id"] == "claim_0"
    return judgement
