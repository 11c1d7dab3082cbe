import math
import re

import keras
import numpy as np
import pytest

from fer_lib.checkpoint import State, restore_checkpoint, save_checkpoint

IMAGES = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
LABELS = np.arange(12) % 2


def make_model(seed=0, units=4):
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((3,)), keras.layers.Dense(units), keras.layers.BatchNormalization(), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.1), loss, jit_compile=False)
    return model


def train_step(model):
    model.train_on_batch(IMAGES, LABELS)


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


@pytest.fixture
def saved(tmp_path):
    """A model two steps old, its state, and its checkpoint."""
    model = make_model()
    train_step(model)
    kept = model.get_weights()
    train_step(model)
    state = State([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": math.nan}], kept, 1)
    save_checkpoint(tmp_path / "checkpoint.npz", model, state, "hash")
    return model, state, tmp_path / "checkpoint.npz"


def test_a_fresh_model_is_put_back_to_where_the_checkpoint_left_it(saved):
    model, state, path = saved
    other = make_model(seed=1)
    restored = restore_checkpoint(path, other, "hash")
    assert_equal(other.get_weights(), model.get_weights())
    assert_equal(other.optimizer.variables, model.optimizer.variables)
    assert int(other.optimizer.iterations) == 2
    assert_equal(restored.kept, state.kept)
    assert restored.kept_epoch == 1
    assert restored.history[0] == {"epoch": 1, "loss": 0.5}
    assert math.isnan(restored.history[1]["loss"])


def test_a_restored_model_goes_on_as_the_one_never_interrupted(saved):
    model, _, path = saved
    other = make_model(seed=1)
    restore_checkpoint(path, other, "hash")
    for either in (model, other):
        train_step(either)
        train_step(either)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)


def test_more_than_ten_arrays_keep_their_order(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), *(keras.layers.Dense(2) for _ in range(7))])
    model.compile("adam", "mse", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    model.set_weights([np.full(weight.shape, index) for index, weight in enumerate(model.get_weights())])
    save_checkpoint(tmp_path / "checkpoint.npz", model, State(), "hash")
    expected = model.get_weights()
    model.set_weights([np.zeros_like(weight) for weight in expected])
    restore_checkpoint(tmp_path / "checkpoint.npz", model, "hash")
    assert_equal(model.get_weights(), expected)


def test_without_a_checkpoint_a_model_starts_anew(tmp_path):
    model = make_model()
    before = model.get_weights()
    assert restore_checkpoint(tmp_path / "checkpoint.npz", model, "hash") == State([], [], 0)
    assert_equal(model.get_weights(), before)


def test_the_checkpoint_of_another_request_is_not_used(saved):
    _, _, path = saved
    model = make_model(seed=1)
    before = model.get_weights()
    assert restore_checkpoint(path, model, "another hash") == State([], [], 0)
    assert_equal(model.get_weights(), before)
    assert path.exists()


def test_a_checkpoint_may_hold_no_kept_weights(tmp_path):
    model = make_model()
    train_step(model)
    save_checkpoint(tmp_path / "checkpoint.npz", model, State([{"epoch": 1}]), "hash")
    assert restore_checkpoint(tmp_path / "checkpoint.npz", model, "hash") == State([{"epoch": 1}], [], 0)


def test_a_network_of_another_shape_is_refused(saved):
    _, _, path = saved
    with pytest.raises(ValueError):
        restore_checkpoint(path, make_model(units=5), "hash")


def test_a_write_that_fails_leaves_the_last_checkpoint(saved, monkeypatch):
    model, state, path = saved
    before = path.read_bytes()

    def fail(file, **arrays):
        file.write(b"half of a")
        raise OSError("No space left on device")

    train_step(model)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(np, "savez", fail)
        save_checkpoint(path, model, state, "hash")
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert len(restore_checkpoint(path, make_model(), "hash").history) == 2


def test_a_damaged_checkpoint_is_named_and_the_model_untouched(saved):
    _, _, path = saved
    path.write_bytes(path.read_bytes()[:-100])
    other = make_model(seed=1)
    before = other.get_weights()
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))} must be an npz file, whole. Received: "):
        restore_checkpoint(path, other, "hash")
    assert_equal(other.get_weights(), before)
