"""Run folders with made-up numbers, for tests of what reads them; they never leave a temporary folder."""

import numpy as np
import pandas as pd

from fer_lib import papers
from fer_lib.files import write_json, write_npz
from fer_lib.labels import class_names
from fer_lib.metrics import classification_metrics, curve_metrics
from fer_lib.runs import SPLITS, Run, request_sha256, run_folder

PAPER = "shi_light_vgg"
SIZES = {"train": 60, "validation": 200, "test": 200}


def write_fake_run(
    runs, profile="paper", variant="light_vgg", seed=0, *,
    accuracy=0.6, is_sample=False, shortened=False, as_published=True, sizes=SIZES, stands_for=None, protocol=None,
    transforms=0, paper=PAPER,
):  # fmt: skip
    """A complete run folder.

    Under a `protocol` of its own it has no validation images and test images of its seed's own, each followed by
    `transforms` of it.
    """
    chosen = papers.load(paper).variants[variant]
    folder = run_folder(runs, profile, paper, variant, seed)
    request = {
        "paper": paper,
        "variant": variant,
        "seed": seed,
        "kind": chosen.kind,
        "model": chosen.model,
        "options": dict(chosen.options),
        "hyperparameters": {"learning_rate": 0.001, "batch_size": 128},
        "grouping": chosen.grouping,
        "epochs": None if chosen.kind == "classifier" else 8,
        "data": {"sha256": "5a" * 32 if is_sample else "18" * 32, "is_sample": is_sample},
        "precision": "auto",
        "deterministic": False,
    }
    request["data"] |= {"protocol": protocol} if protocol else {"sizes": dict(sizes)}
    request["data"] |= {"stands_for": stands_for} if stands_for else {}
    record = {
        "started": "2026-01-02T03:04:05+00:00",
        "finished": "2026-01-02T03:34:05+00:00",
        "code_version": "0123456789ab",
        "packages": {"python": "3.11.9", "tensorflow": "2.21.0"},
        "hardware": {"processor": "A processor", "cores": 2, "memory_gib": 15.6, "gpus": []},
        "precision": "bfloat16",
        "source": "/home/somebody/data/fer2013.csv",
        "host": "somebodys-laptop",
        "shortened": shortened,
        "as_published": as_published,
    }
    write_json(
        folder / "config.json", {"request": request, "request_sha256": request_sha256(request), "record": record}
    )
    sizes = {split: size for split, size in sizes.items() if not (protocol and split == "validation")}
    metrics = _write_numbers(folder, request, sizes, accuracy, transforms)
    write_json(folder / "metrics.json", metrics)
    return Run(folder)


def write_fake_runs(runs, profile="paper", *, without=(), **options):
    """Every variant and seed of the card, at accuracies that give verdicts of many kinds."""
    card = papers.load(PAPER)
    accuracies = {"light_vgg": 0.6, "without_batch_norm": 0.57, "without_dropout": 0.5, "lda": 0.35}
    return [
        write_fake_run(runs, profile, variant, seed, accuracy=accuracies.get(variant, 0.42), **options)
        for variant in card.variants
        if variant not in without
        for seed in card.seeds(variant, profile)
    ]


def _write_numbers(folder, request, sizes, accuracy, transforms):
    rng = np.random.default_rng(request["seed"])
    model = {"parameters": 776_519, "trainable_parameters": 776_071, "convolution_parameters": 480_192}
    if request["kind"] == "timing":
        return {"model": model, "timing": {"seconds_per_epoch": 300.0, "ratio_to_reference": 5.5}}
    names = class_names(request["grouping"])
    arrays, metrics, first = {}, {}, 1000 * request["seed"] if "protocol" in request["data"] else 0
    for split in (split for split in SPLITS if split in sizes):
        size = sizes[split]
        labels = np.arange(size) % len(names)
        probabilities = rng.dirichlet(np.ones(len(names)), size)
        right = rng.random(size) < accuracy
        probabilities[right, labels[right]] += 1.5
        probabilities = (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)
        rows = first + np.arange(size) // (transforms + 1)
        arrays |= {f"rows_{split}": rows, f"labels_{split}": labels}
        arrays[f"single_{split}"] = probabilities
        metrics[split] = {"single": classification_metrics(labels, probabilities, names)}
        if transforms:
            arrays[f"transforms_{split}"] = np.arange(size) % (transforms + 1)
            originals = arrays[f"transforms_{split}"] == 0
            metrics[split]["single_originals"] = classification_metrics(
                labels[originals], probabilities[originals], names
            )
        first += size
    metrics["data"] = {"train_images": sizes["train"], "test_images": sizes["test"]}
    metrics["test"]["single_unleaked"] = classification_metrics(labels[:150], probabilities[:150], names)
    write_npz(folder / "predictions.npz", arrays)
    if request["kind"] == "classifier":
        return metrics | {"timing": {"seconds": 12.0}}
    history = _fake_history(request["epochs"], accuracy, rng)
    history.to_csv(folder / "history.csv", index=False)
    summary = {"epochs": len(history), "kept_epoch": 7, "max_accuracy": float(history["accuracy"].max())}
    summary |= {"final_accuracy": float(history["accuracy"].iloc[-1]), **curve_metrics(history)}
    timing = {"seconds": 1830.0, "seconds_per_epoch": 57.0}
    return metrics | {"history": summary, "model": model, "timing": timing}


def _fake_history(epochs, accuracy, rng):
    epoch = np.arange(1, epochs + 1)
    rise = 1 - np.exp(-epoch / 4)
    return pd.DataFrame(
        {
            "epoch": epoch,
            "loss": 2 - rise,
            "accuracy": accuracy * rise,
            "val_loss": 2 - 0.9 * rise + rng.normal(0, 0.01, epochs),
            "val_accuracy": 0.95 * accuracy * rise + rng.normal(0, 0.01, epochs),
            "seconds": 57.123456789,
        }
    )
