"""Label noise: wrong labels among good ones are listed, and images are predicted by models without their copies."""

from dataclasses import replace

import numpy as np
import pytest
from audited_data import make_audited

from fer_lib.audit import audit_dataset, out_of_fold_probabilities
from fer_lib.audit.label_noise import doubt_labels
from fer_lib.datasets import FerDataset, Split


def sure_of(labels: np.ndarray, certainty: float = 0.9) -> np.ndarray:
    """Probabilities (n, 7) of a model that is as certain of these labels."""
    probabilities = np.full((len(labels), 7), (1 - certainty) / 6)
    probabilities[np.arange(len(labels)), labels] = certainty
    return probabilities


def make_dataset(images: np.ndarray, labels: np.ndarray, order: np.ndarray) -> FerDataset:
    """All images in train but for two each in the other splits; image `n` is row `order[n]`."""
    ends = (0, len(images) - 4, len(images) - 2, len(images))
    parts = [
        Split(images[start:end], labels[start:end], order[start:end])
        for start, end in zip(ends, ends[1:], strict=False)
    ]
    return FerDataset(*parts, source="made", sha256="c" * 64, is_sample=False)


def test_wrong_labels_are_found() -> None:
    truth = np.repeat(np.arange(7), 30)
    labels = truth.copy()
    labels[[0, 40, 100]] = [3, 0, 6]

    doubts = doubt_labels(labels, sure_of(truth))

    assert doubts["place"].tolist() == [0, 40, 100]
    assert doubts["likeliest"].tolist() == [0, 1, 3]
    assert doubts["highest"].tolist() == pytest.approx([0.9] * 3)
    assert doubts["own"].tolist() == pytest.approx([0.1 / 6] * 3)


def test_the_list_takes_probabilities_in_the_order_of_rows() -> None:
    data = make_audited()
    labels = np.concatenate([split.labels for split in data.splits().values()])
    said = labels.copy()
    said[17] = (labels[17] + 2) % 7

    table = audit_dataset(data, probabilities=sure_of(said))

    noise = table[table["reason"] == "label_noise"]
    assert noise[["row", "evidence"]].to_numpy().tolist() == [[17, "happy at 0.02, surprise at 0.90"]]


@pytest.mark.parametrize(
    "probabilities", [sure_of(np.zeros(9, int)), sure_of(np.zeros(10, int)) * 2, np.full((10, 7), np.nan), np.eye(10)]
)
def test_what_are_no_probabilities_is_refused(probabilities: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"probabilities must be \(10, 7\), .* Received: float64 \(\d+, \d+\)$"):
        doubt_labels(np.zeros(10, dtype=np.int64), probabilities)


def test_probabilities_are_in_the_order_of_rows_and_know_nothing_of_copies() -> None:
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(7), 12).astype(np.int64)
    ramp = np.linspace(0, np.pi, 48)
    # Stripes in a direction of the class' own, and noise: easily told apart.
    angles = labels * np.pi / 7
    waves = [np.sin(4 * (np.cos(a) * ramp[:, None] + np.sin(a) * ramp) + rng.uniform(0, 6)) for a in angles]
    images = np.stack([128 + 70 * wave + rng.normal(0, 12, (48, 48)) for wave in waves]).astype(np.uint8)[..., None]
    labels[7] = 3  # the copy of an image of class 1 is of no help to the model that predicts it
    images[7] = images[1]
    order = rng.permutation(len(labels)).astype(np.int64)

    probabilities = out_of_fold_probabilities(make_dataset(images, labels, order), folds=4)

    by_image = probabilities[order]
    assert probabilities.shape == (84, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (by_image.argmax(axis=1) == labels).mean() > 0.9
    assert by_image[7, 3] < 0.5


def test_a_class_with_too_few_images_is_refused() -> None:
    data = make_audited()
    train = replace(data.train, labels=np.zeros(len(data.train), dtype=np.int64))

    with pytest.raises(ValueError, match=r"at least 5 of every class\. Received: .*'disgust': 4"):
        out_of_fold_probabilities(replace(data, train=train))
