"""Optimizers on fused kernels: the numbers of Keras' own, and a state that a checkpoint can put back."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from fer_lib.optimizers import FusedAdam, FusedAdamax

PAIRS = [(FusedAdam, keras.optimizers.Adam), (FusedAdamax, keras.optimizers.Adamax)]
SHAPES = [(3, 4), (5,), ()]


def weights():
    rng = np.random.default_rng(0)
    return [keras.Variable(rng.normal(size=shape).astype(np.float32)) for shape in SHAPES]


def gradients(step):
    rng = np.random.default_rng([1, step])
    return [tf.constant(rng.normal(size=shape), tf.float32) for shape in SHAPES]


def take(optimizer, variables, steps):
    update = tf.function(lambda *given: optimizer.apply(list(given)))
    optimizer.build(variables)
    for step in steps:
        update(*gradients(step))


each_pair = pytest.mark.parametrize(("fused_kind", "plain_kind"), PAIRS, ids=["adam", "adamax"])


@pytest.mark.parametrize("settings", [{"learning_rate": 0.01}, {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.9}])
@each_pair
def test_updates_are_keras_own(fused_kind, plain_kind, settings):
    ours, theirs = weights(), weights()
    fused, plain = fused_kind(**settings), plain_kind(**settings)
    take(fused, ours, range(20))
    take(plain, theirs, range(20))
    for one, other in zip((*ours, *fused.variables), (*theirs, *plain.variables), strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-5, atol=1e-6)
    assert np.abs(np.asarray(ours[0]) - np.asarray(weights()[0])).max() > 0.05


@each_pair
def test_a_state_put_back_goes_on_as_if_never_interrupted(fused_kind, plain_kind):
    whole, first = fused_kind(0.01), fused_kind(0.01)
    never, interrupted = weights(), weights()
    take(whole, never, range(6))
    take(first, interrupted, range(3))
    second, restored = fused_kind(0.01), weights()
    second.build(restored)
    for saved, fresh in zip((*interrupted, *first.variables), (*restored, *second.variables), strict=True):
        fresh.assign(np.asarray(saved))
    take(second, restored, range(3, 6))
    for one, other in zip(never, restored, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


@each_pair
def test_its_configuration_is_keras_own(fused_kind, plain_kind):
    ours, theirs = fused_kind(0.02, beta_1=0.8).get_config(), plain_kind(0.02, beta_1=0.8).get_config()
    assert {**ours, "name": ""} == {**theirs, "name": ""}


def test_adam_refuses_what_its_kernel_does_not_have():
    with pytest.raises(ValueError, match="amsgrad"):
        take(FusedAdam(0.01, amsgrad=True), weights(), range(1))
