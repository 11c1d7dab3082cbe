"""SRGAN's two networks: counts, shapes, range, cubic interpolation at the start, and files that load by themselves."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from fer_lib.models.srgan import build_srgan_discriminator, build_srgan_generator, unclipped
from fer_lib.super_resolution.enlarging import enlarge

FACES = np.random.default_rng(0).random((3, 24, 24, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def generator() -> keras.Model:
    """A generator that no longer is plain interpolation, as after training."""
    keras.utils.set_random_seed(0)
    model = build_srgan_generator(filters=16, blocks=2)
    kernel, bias = model.get_layer("detail_conv").get_weights()
    rng = np.random.default_rng(0)
    model.get_layer("detail_conv").set_weights([rng.normal(0, 2, kernel.shape), bias])
    return model


def test_the_default_generator_has_the_papers_widths_and_blocks_and_one_doubling() -> None:
    model = build_srgan_generator()
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D) and layer.trainable]
    # a stem, two in each of 16 blocks, one after them, one before the pixels are shuffled, one to the image
    assert [(layer.kernel_size[0], layer.filters) for layer in convolutions] == [
        (9, 64),
        *[(3, 64)] * 33,
        (3, 256),
        (9, 1),
    ]
    stem, body, up, detail = 81 * 64 + 64, 33 * (9 * 64 * 64), 9 * 64 * 256 + 256, 81 * 64 + 1
    slopes, statistics, cubic = 18 * 64, 33 * 4 * 64, 100
    assert model.count_params() == stem + body + up + detail + slopes + statistics + cubic == 1_384_357


def test_the_default_discriminator_is_the_papers() -> None:
    model = build_srgan_discriminator()
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [layer.strides[0] for layer in convolutions] == [1, 2] * 4
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers) == 7
    assert model.count_params() == 9_410_433


@pytest.mark.parametrize("shape", [(2, 24, 24, 1), (1, 48, 48, 1), (1, 10, 14, 1)])
def test_a_generator_doubles_images_of_any_size_into_the_unit_range(generator, shape) -> None:
    images = np.random.default_rng(1).random(shape).astype(np.float32)
    outputs = np.asarray(generator(images, training=False))
    assert outputs.shape == (shape[0], 2 * shape[1], 2 * shape[2], 1)
    assert outputs.dtype == np.float32
    assert outputs.min() == 0 and outputs.max() == 1
    free = np.asarray(unclipped(generator)(images, training=False))
    assert free.min() < 0 and free.max() > 1
    np.testing.assert_array_equal(np.clip(free, 0, 1), outputs)


def test_an_untrained_generator_is_cubic_interpolation() -> None:
    """Pixels at a quarter between their neighbours, weighted by Keys' kernel, borders mirrored."""
    weights = np.array([-3, 29, 111, -9]) / 128
    padded = np.pad(FACES[0, ..., 0], 2, mode="symmetric")
    matrix = np.zeros((48, 28))
    for place in range(24):
        matrix[2 * place, place : place + 4] = weights
        matrix[2 * place + 1, place + 1 : place + 5] = weights[::-1]
    expected = matrix @ padded @ matrix.T
    enlarged = np.asarray(unclipped(build_srgan_generator(filters=16, blocks=1))(FACES[:1]))[0, ..., 0]
    np.testing.assert_allclose(enlarged, expected, atol=1e-6)


def test_what_an_untrained_generator_makes_is_what_it_is_compared_with() -> None:
    """But for rounding and the borders, which Pillow does not mirror: all that is measured over bicubic was learned."""
    pictures = np.random.default_rng(3).integers(0, 256, (3, 24, 24, 1), dtype=np.uint8)
    ours = enlarge(pictures, build_srgan_generator(filters=16, blocks=1)).astype(int)
    apart = np.abs(ours - enlarge(pictures, "bicubic"))[:, 4:-4, 4:-4]
    assert apart.max() <= 1 and apart.mean() < 0.1


def test_colour_images_are_enlarged_channel_by_channel() -> None:
    images = np.random.default_rng(2).random((1, 8, 8, 3)).astype(np.float32)
    together = np.asarray(build_srgan_generator((None, None, 3), filters=16, blocks=1)(images))
    grey = build_srgan_generator(filters=16, blocks=1)
    for channel in range(3):
        np.testing.assert_allclose(together[..., [channel]], grey(images[..., [channel]]), atol=1e-6)


def test_in_mixed_precision_outputs_stay_float32() -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_srgan_generator(filters=16, blocks=1)
        discriminator = build_srgan_discriminator(filters=16, dense_units=16)
    finally:
        keras.config.set_dtype_policy(before)
    plain = build_srgan_generator(filters=16, blocks=1)
    np.testing.assert_allclose(model(FACES), plain(FACES), atol=1e-6)  # the face itself is not rounded
    logits = np.asarray(discriminator(np.zeros((2, 48, 48, 1), np.float32)))
    assert logits.shape == (2, 1) and logits.dtype == np.float32


@pytest.mark.parametrize(
    ("build", "options"),
    [
        (build_srgan_generator, {"filters": 0}),
        (build_srgan_generator, {"blocks": 0}),
        (build_srgan_discriminator, {"filters": 0}),
        (build_srgan_discriminator, {"dense_units": 0}),
    ],
)
def test_networks_without_width_or_depth_are_refused(build, options) -> None:
    with pytest.raises(ValueError, match="must be at least 1. Received: .*=0"):
        build(**options)


def test_a_saved_generator_loads_where_fer_lib_is_not_installed(generator, tmp_path) -> None:
    generator.save(tmp_path / "generator.keras")
    np.save(tmp_path / "faces.npy", FACES)
    code = (
        "import sys; sys.modules['fer_lib'] = None\n"
        "import keras, numpy as np\n"
        "model = keras.models.load_model('generator.keras')\n"
        "np.save('enlarged.npy', model(np.load('faces.npy'), training=False))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "enlarged.npy"), generator(FACES, training=False), atol=1e-5)
