"""What a base is fed, and the weights it starts from: files, downloads that fail, transfer between models."""

import hashlib
import pickle
import re
import socket

import h5py
import keras
import numpy as np
import pytest
from built_models import built

from fer_lib import models
from fer_lib.models import weights
from fer_lib.models.ends import GREY, IMAGENET_DEVIATIONS, IMAGENET_MEANS, feed_caffe, feed_efficientnet
from fer_lib.models.weights import WeightsFile, WeightsNotAvailable, transfer_weights, weights_available

TINY = {"width": 1 / 4, "head_units": (6, 5)}


def faces(count=2):
    return np.random.default_rng(0).random((count, 48, 48, 1), np.float32)


def in_red_green_blue(images, grey):
    black = np.zeros_like(images)
    return np.concatenate([images] * 3 if grey == "replicated" else [images, black, black], axis=-1)


def outputs_of(model, layer, images):
    return np.asarray(keras.Model(model.input, model.get_layer(layer).output)(images), np.float32)


def tiny_base(**options):
    """A tiny network and its base, as one saves a base without its head."""
    model = models.build("small_residual", **TINY, **options)
    return model, keras.Model(model.input, model.get_layer("block4_relu2").output)


def weights_by_layer(model):
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def assert_same_base(one, other):
    """Equal weights in every layer of the base, other weights in the head."""
    first, second = weights_by_layer(one), weights_by_layer(other)
    assert first.keys() == second.keys()
    for name, arrays in first.items():
        equal = all(np.array_equal(*pair) for pair in zip(arrays, second[name], strict=True))
        assert equal == (not name.startswith(("head_dense", "probabilities"))), name


@pytest.mark.parametrize("grey", GREY)
def test_caffe_pixels_are_those_of_keras(grey):
    images = keras.Input((48, 48, 1))
    fed = keras.Model(images, feed_caffe(images, grey=grey))(faces())
    expected = keras.applications.vgg16.preprocess_input(255 * in_red_green_blue(faces(), grey))
    np.testing.assert_allclose(fed, expected, atol=1e-3)


@pytest.mark.parametrize("name", ["resnet50", "vgg16", "vgg19"])
def test_resnet50_and_the_vggs_are_fed_the_pixels_of_keras_in_mixed_precision_too(name):
    expected = keras.applications.resnet.preprocess_input(255 * in_red_green_blue(faces(), "replicated"))
    np.testing.assert_allclose(outputs_of(built(name), "pixels", faces()), expected, atol=1e-3)


@pytest.mark.parametrize("grey", GREY)
def test_pixels_of_unit_stay_as_they_are(grey):
    images = keras.Input((48, 48, 1))
    fed = keras.Model(images, feed_caffe(images, pixels="unit", grey=grey))(faces())
    np.testing.assert_array_equal(fed, in_red_green_blue(faces(), grey))


@pytest.mark.parametrize(("pixels", "largest"), [("expected", 1), ("unit", 1 / 255)])
@pytest.mark.parametrize("grey", GREY)
def test_efficientnet_divides_by_255_what_it_is_fed_and_has_standardised_pixels(pixels, largest, grey):
    images = keras.Input((48, 48, 1))
    fed = keras.Model(images, feed_efficientnet(images, pixels, grey))(faces())
    rgb = largest * in_red_green_blue(faces(), grey)
    np.testing.assert_allclose(fed / 255, (rgb - IMAGENET_MEANS) / IMAGENET_DEVIATIONS, rtol=1e-4, atol=1e-4)


def test_efficientnet_convolves_standardised_pixels_in_mixed_precision_too():
    standardised = (in_red_green_blue(faces(), "replicated") - IMAGENET_MEANS) / IMAGENET_DEVIATIONS
    np.testing.assert_allclose(outputs_of(built("efficientnetb0"), "normalization", faces()), standardised, rtol=0.02)


def test_names_of_layers_do_not_count_the_models_of_a_process():
    assert built("efficientnetb0") is not None and keras.layers.Normalization(), "the counters have moved"
    names = [layer.name for layer in models.build("efficientnetb0", head_units=(5,)).layers]
    assert names[:6] == ["images", "channels", "pixels", "rescaling", "normalization", "stem_conv_pad"]
    assert names[-3:] == ["average_pooling", "head_dense1", "probabilities"]


@pytest.fixture(scope="module")
def published_efficientnet(tmp_path_factory):
    """A file in the layout of Keras' own: base alone, legacy HDF5, statistics to normalise by, random weights."""
    path = tmp_path_factory.mktemp("weights") / "efficientnetb0_notop.h5"
    model = built("efficientnetb0")
    keras.Model(model.input, model.get_layer("top_activation").output).save(path)
    with h5py.File(path, "r+") as file:
        group = file["model_weights/normalization"]
        stored = {name.split("/")[-1]: group[name] for name in map(str, group.attrs["weight_names"])}
        stored["mean"][...], stored["variance"][...] = IMAGENET_MEANS, IMAGENET_DEVIATIONS  # as in the published file
    return path


def test_imagenet_weights_meet_the_pixels_they_meet_in_keras(published_efficientnet, monkeypatch, tmp_path):
    """Ours, downloaded, against Keras' own graph of weights="imagenet", with the further rescaling it then has."""
    md5 = hashlib.md5(published_efficientnet.read_bytes()).hexdigest()
    monkeypatch.setitem(weights.IMAGENET, "efficientnetb0", WeightsFile(published_efficientnet.as_uri(), md5))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert weights_available("efficientnetb0", "imagenet") == ""
    ours = models.build("efficientnetb0", weights="imagenet", head_units=())
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(published_efficientnet))
    keras_own = keras.applications.EfficientNetB0(include_top=False, weights="imagenet", input_shape=(48, 48, 3))
    for layer in ("stem_conv", "block1a_project_bn", "top_activation"):
        expected = outputs_of(keras_own, layer, 255 * in_red_green_blue(faces(), "replicated"))
        assert np.abs(outputs_of(ours, layer, faces()) - expected).max() < 1e-3 * expected.std(), layer


@pytest.mark.parametrize(
    ("name", "own", "last"),
    [
        ("resnet50", keras.applications.ResNet50, "conv5_block3_out"),
        ("vgg16", keras.applications.VGG16, "block5_conv3"),
    ],
)
def test_a_file_of_keras_own_base_gives_the_features_of_keras(name, own, last, tmp_path):
    """Legacy HDF5, the base alone, as Keras publishes its ImageNet weights."""
    keras_own = own(include_top=False, weights=None, input_shape=(48, 48, 3))
    keras_own.save(tmp_path / "notop.h5")
    ours = models.build(name, weights=str(tmp_path / "notop.h5"), head_units=())
    pixels = keras.applications.resnet.preprocess_input(255 * in_red_green_blue(faces(), "replicated"))
    expected = outputs_of(keras_own, last, pixels)
    assert expected.std() > 0
    np.testing.assert_allclose(outputs_of(ours, last, faces()), expected, atol=1e-3 * expected.std())


def refused_url(monkeypatch, tmp_path, url):
    monkeypatch.setitem(weights.IMAGENET, "vgg16", WeightsFile(url, "0" * 32))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))


def test_refused_download_names_the_two_ways_out(monkeypatch, tmp_path):
    refused_url(monkeypatch, tmp_path, "http://127.0.0.1:9/vgg16.h5")
    assert weights_available("vgg16", "imagenet") == "ImageNet weights not available"
    ways = r"ImageNet weights not available \(vgg16\).* copy of http://127\.0\.0\.1:9/vgg16\.h5 into .*, or give none"
    with pytest.raises(WeightsNotAvailable, match=rf"{ways}.* Received: weights='imagenet'") as refused:
        models.build("vgg16", weights="imagenet")
    assert pickle.loads(pickle.dumps(refused.value)).reason == "ImageNet weights not available"


def test_server_that_never_answers_is_asked_once_a_process(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "PATIENCE_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        refused_url(monkeypatch, tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}/vgg16.h5")
        silent.settimeout(10)
        assert [weights_available("vgg16", "imagenet") for _ in range(3)] == ["ImageNet weights not available"] * 3
        silent.accept()[0].close()
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_download_that_breaks_off_is_one_clear_error(monkeypatch, tmp_path):
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"half of it")
    refused_url(monkeypatch, tmp_path / "keras", broken.as_uri())
    with pytest.raises(
        WeightsNotAvailable, match=r"ImageNet weights not available: .* or give none to start from random"
    ) as refused:
        models.build("vgg16", weights="imagenet")
    assert refused.value.reason == "ImageNet weights not available"


@pytest.mark.parametrize(("content", "expected"), [(b"whole", ""), (b"hal", "ImageNet weights not available")])
def test_downloaded_weights_are_available_without_a_network_if_they_are_whole(monkeypatch, tmp_path, content, expected):
    refused_url(monkeypatch, tmp_path, "http://127.0.0.1:9/vgg16.h5")
    whole = WeightsFile("http://127.0.0.1:9/vgg16.h5", hashlib.md5(b"whole").hexdigest())
    monkeypatch.setitem(weights.IMAGENET, "vgg16", whole)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "vgg16.h5").write_bytes(content)
    assert weights_available("vgg16", "imagenet") == expected


def test_small_network_has_no_imagenet_weights():
    reason = "there are no ImageNet weights of small_residual"
    assert weights_available("small_residual", "imagenet") == reason
    with pytest.raises(WeightsNotAvailable, match=rf"{reason}\. Received: weights='imagenet'"):
        models.build("small_residual", weights="imagenet")


def test_random_weights_are_always_available():
    assert weights_available("vgg16", "none") == weights_available("small_residual", "none") == ""


def test_wrong_path_is_named(tmp_path):
    path = str(tmp_path / "gone.weights.h5")
    assert weights_available("small_residual", path) == f"there is no weights file {path}"
    with pytest.raises(WeightsNotAvailable, match=r"no weights file .*gone\.weights\.h5\. Received: weights='.*gone"):
        models.build("small_residual", weights=path)


@pytest.mark.parametrize("kind", ["model.keras", "model.weights.h5", "base.weights.h5", "base.h5"])
def test_base_starts_from_the_weights_of_a_file(tmp_path, kind):
    model, base = tiny_base()
    path = tmp_path / kind
    saved = model if kind.startswith("model") else base
    (saved.save_weights if kind.endswith(".weights.h5") else saved.save)(path)
    assert weights_available("small_residual", str(path)) == ""
    assert_same_base(model, models.build("small_residual", **TINY, weights=str(path)))


def test_base_starts_from_a_network_of_other_classes_and_another_head(tmp_path):
    models.build("small_residual", width=1 / 4, classes=5, head_units=(4,)).save(tmp_path / "model.keras")
    source = keras.models.load_model(tmp_path / "model.keras")
    target = models.build("small_residual", **TINY, weights=str(tmp_path / "model.keras"))
    np.testing.assert_array_equal(
        outputs_of(source, "block4_relu2", faces()), outputs_of(target, "block4_relu2", faces())
    )


@pytest.mark.parametrize("kind", ["wider.keras", "wider.weights.h5", "wider.h5", "noise.keras", "noise.h5"])
def test_file_that_does_not_fit_is_named(tmp_path, kind):
    path = tmp_path / kind
    if kind.startswith("noise"):
        path.write_bytes(b"no weights at all")
    else:
        wider = models.build("small_residual", width=1 / 2, head_units=(6, 5))
        (wider.save_weights if kind.endswith(".weights.h5") else wider.save)(path)
    message = rf"{re.escape(str(path))}: no weights that fit small_residual: .* Received: weights="
    with pytest.raises(ValueError, match=message):
        models.build("small_residual", **TINY, weights=str(path))


def test_file_of_another_kind_is_named(tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"must end in \.keras, \.weights\.h5 or \.h5\. Received: .*weights\.npz"):
        models.build("small_residual", weights=str(tmp_path / "weights.npz"))


def test_transfer_copies_the_base_and_leaves_the_head():
    source, target = (models.build("small_residual", **TINY) for _ in range(2))
    copied = transfer_weights(source, target)
    assert_same_base(source, target)
    assert copied[:2] == ["stem_conv", "stem_bn"] and not {"head_dense1", "probabilities"} & set(copied)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("small_residual", {"width": 1 / 2}, r"layer 'stem_conv' .*\(3, 3, 3, 4\).* Received: .*\(3, 3, 3, 8\)"),
        ("lenet5", {}, r"layer 'stem_conv' needs weights .* Received: 'lenet5' with no such layer"),
    ],
)
def test_transfer_that_does_not_fit_copies_nothing(name, options, message):
    target = models.build("small_residual", **TINY)
    before = target.get_weights()
    with pytest.raises(ValueError, match=message):
        transfer_weights(models.build(name, **options), target)
    for one, other in zip(before, target.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("option", "value", "known"),
    [("pixels", "caffe", "expected.*unit"), ("grey", "two_channels", "replicated.*one_channel")],
)
@pytest.mark.parametrize("name", ["small_residual", "efficientnetb0"])
def test_unknown_value_names_the_known(name, option, value, known):
    with pytest.raises(ValueError, match=rf"{option} must be one of .*{known}.* Received: '{value}'"):
        models.build(name, **{option: value})


def test_unknown_way_to_draw_kernels_names_the_known():
    with pytest.raises(ValueError, match=r"kernel_initializer must be .*glorot_uniform.*he_normal.* Received: 'lecun'"):
        models.build("vgg16", kernel_initializer="lecun")


def test_trained_base_is_far_off_where_pixels_stay_in_the_unit_interval():
    """The mistake is real: a base whose statistics were made on expected pixels sees nearly nothing of a face."""
    trained, _ = tiny_base()
    for layer in trained.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    trained(faces(8), training=True)
    mistaken = models.build("small_residual", **TINY, pixels="unit")
    transfer_weights(trained, mistaken)
    spread = [outputs_of(model, "stem_bn", faces(8)).std(axis=(0, 1, 2)).mean() for model in (trained, mistaken)]
    assert spread[1] < 0.02 * spread[0]
