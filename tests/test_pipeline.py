import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_lib import pipeline
from fer_lib.datasets import Split


def numbered(count):
    """A split whose images and labels tell their own number."""
    numbers = np.arange(count)
    return Split(np.tile(numbers.astype(np.uint8)[:, None, None, None], (1, 2, 2, 1)), numbers, numbers)


def epochs_of(split, batch_size, seed, epochs, first_epoch=0):
    steps = pipeline.steps_per_epoch(len(split), batch_size)
    batches = pipeline.training_batches(split, batch_size, seed, first_epoch).as_numpy_iterator()
    return [[labels.tolist() for _, labels in itertools.islice(batches, steps)] for _ in range(epochs)]


@settings(max_examples=15)
@given(count=st.integers(1, 40), batch_size=st.integers(1, 16), seed=st.integers(0, 2**40))
def test_every_epoch_holds_every_image_once(count, batch_size, seed):
    for epoch in epochs_of(numbered(count), batch_size, seed, epochs=3):
        assert sorted(itertools.chain(*epoch)) == list(range(count))
        assert [len(batch) for batch in epoch[:-1]] == [batch_size] * (len(epoch) - 1)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**40), start=st.integers(0, 5))
def test_an_epoch_is_the_same_wherever_the_run_began(seed, start):
    whole = epochs_of(numbered(20), 6, seed, epochs=start + 2)
    assert epochs_of(numbered(20), 6, seed, epochs=2, first_epoch=start) == whole[start:]


def test_order_differs_between_epochs_and_seeds():
    first, second = epochs_of(numbered(30), 30, seed=0, epochs=2)
    (other,) = epochs_of(numbered(30), 30, seed=1, epochs=1)
    assert first != second and first != other


def test_images_are_floats_in_the_unit_interval_and_belong_to_their_labels():
    images, labels = next(pipeline.training_batches(numbered(200), 200, seed=3).as_numpy_iterator())
    assert images.dtype == np.float32
    np.testing.assert_allclose(images[:, 0, 0, 0] * 255, labels, rtol=1e-6)


@pytest.mark.parametrize("count", [1, 7, 8, 9])
def test_evaluation_keeps_the_order_and_the_last_partial_batch(count):
    split = numbered(count)
    batches = pipeline.evaluation_batches(split.images, split.labels, batch_size=4)
    assert np.concatenate([labels for _, labels in batches.as_numpy_iterator()]).tolist() == list(range(count))
    images = np.concatenate(list(pipeline.evaluation_batches(split.images, batch_size=4).as_numpy_iterator()))
    np.testing.assert_allclose(images[:, 0, 0, 0] * 255, np.arange(count), rtol=1e-6)


def test_no_pipeline_is_autotuned():
    split = numbered(4)
    for batches in (pipeline.training_batches(split, 2, 0), pipeline.evaluation_batches(split.images)):
        assert batches.options().autotune.enabled is False
