"""Liu, Zhang and Xin: the card against its own arithmetic, and the runs that are made from other runs, end to end."""

import dataclasses
import hashlib
import json
import re
from itertools import combinations

import keras
import nbformat
import numpy as np
import pytest
from sklearn.metrics import silhouette_score
from tiny_data import make_tiny_data

from fer_lib import models, papers, paths
from fer_lib.audit import leaked_mask
from fer_lib.claims import judge
from fer_lib.compactness import measure_compactness
from fer_lib.crops import ten_crops
from fer_lib.ensemble import choose_weight
from fer_lib.ensemble_checks import find_unproven
from fer_lib.feature_fusion import fuse_features
from fer_lib.files import file_sha256, write_json, write_npz
from fer_lib.fusing import WAYS, Member, fuse
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import classification_metrics
from fer_lib.models.features import feature_model
from fer_lib.models.weights import IMAGENET, WeightsFile
from fer_lib.papers.values import FUSIONS
from fer_lib.replication import open_replication
from fer_lib.request import check_weights_are_used, is_shortened, make_request, sources_of
from fer_lib.runs import Run, read_obstacles, request_sha256, run_folder
from fer_lib.training import train

PAPER = "liu_separable_ensemble"
CARD = papers.load(PAPER)
DATA = make_tiny_data((56, 14, 14))
ENSEMBLES = ("ensemble_scratch", "ensemble_scratch_average", "model_a_brief_refitted")


@pytest.fixture(scope="module", autouse=True)
def empty_cache(tmp_path_factory):
    """Enlarged pictures are cached in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_LIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The small ensembles, and so all that they are made from."""
    folder = tmp_path_factory.mktemp("runs")
    arguments = {"profile": "smoke", "data": DATA, "runs": folder, "precision": "float32"}
    for name in ENSEMBLES:
        train(PAPER, name, **arguments)
    return folder


def run_of(runs, variant):
    return Run(run_folder(runs, "smoke", PAPER, variant, 0))


def _splits(runs, variant):
    """The images that a variant sees."""
    replication = dataclasses.replace(open_replication(PAPER, "smoke", "sample", str(runs)), data=DATA)
    return replication.splits(variant)


def test_an_ensemble_brings_all_that_it_is_made_from(runs):
    made = {path.parents[1].name for path in (runs / "smoke" / PAPER).glob("*/seed-0/metrics.json")}
    assert {*ENSEMBLES, "model_a_short", "model_b_scratch", "srgan", "vgg19"} <= made
    request = run_of(runs, "ensemble_scratch").request
    assert [member["variant"] for member in request["members"]] == ["model_a_short", "model_b_scratch"]
    assert request["members"][1]["enlarged_by"]["starts_from"]["variant"] == "vgg19"


@pytest.mark.parametrize("name", ["model_a_short", *ENSEMBLES])
def test_ten_crops_stand_beside_the_single_view_on_test_images_alone(runs, name):
    run = run_of(runs, name)
    assert run.views == {"train": ["single"], "validation": ["single"], "test": ["single", "ten_crops"]}
    for view in ("single", "ten_crops"):
        saved = run.predictions("test", view)
        computed = classification_metrics(saved.labels, saved.probabilities)
        assert run.metrics["test"][view]["accuracy"] == computed["accuracy"]
    single, crops = (run.predictions("test", view).probabilities for view in ("single", "ten_crops"))
    assert np.abs(single - crops).max() > 1e-6


def test_centre_loss_is_noted_and_gone_from_the_network_kept(runs):
    run = run_of(runs, "model_a_short")
    assert {"centre_loss", "val_centre_loss"} <= set(run.history.columns)
    kept = keras.models.load_model(run.folder / "model.keras", compile=False)
    images = run.predictions("test")
    assert [layer.name for layer in kept.layers] == [
        layer.name for layer in models.build("separable", width=0.25, middle_blocks=1).layers
    ]
    predicted = kept.predict(DATA.test.images / np.float32(255), verbose=0)
    np.testing.assert_allclose(predicted, images.probabilities, atol=1e-5)


def test_how_compact_and_far_apart_classes_are_is_measured_with_and_without_centre_loss(runs):
    """On the features that the loss draws together, of the network kept."""
    assert -1 <= run_of(runs, "model_b_scratch").metrics["features"]["silhouette"] <= 1
    run = run_of(runs, "model_a_short")
    kept = keras.models.load_model(run.folder / "model.keras", compile=False)
    features = feature_model(kept).predict(DATA.test.images / np.float32(255), verbose=0)
    labels = DATA.test.labels
    means = {label: features[labels == label].mean(axis=0) for label in sorted(set(labels))}
    distance = np.mean([np.linalg.norm(means[one] - means[other]) for one, other in combinations(means, 2)])
    spread = np.mean([np.linalg.norm(feature - means[label]) for feature, label in zip(features, labels, strict=True)])
    expected = {
        "silhouette": silhouette_score(features, labels),
        "class_distance": distance,
        "class_spread": spread,
        "class_separation": distance / spread,
    }
    assert run.metrics["features"] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def lay_out(points, scale=1.0):
    """How two classes lie, half of the points in each, where features are the grey values times `scale`."""
    pixels = keras.Input((1, 1, 2))
    identity = keras.initializers.Identity(255 * scale)
    features = keras.layers.Dense(2, use_bias=False, kernel_initializer=identity)(keras.layers.Flatten()(pixels))
    model = keras.Model(pixels, keras.layers.Dense(2, activation="softmax")(features))
    return measure_compactness(model, np.array(points, np.uint8).reshape(4, 1, 1, 2), np.array([0, 0, 1, 1]))


def test_separation_of_classes_does_not_depend_on_the_scale_of_features():
    """Of four corners of a rectangle; a softmax layer makes up for any scale of what it is fed."""
    corners = [(0, 0), (0, 30), (40, 0), (40, 30)]
    once, thrice = (lay_out(corners, scale) for scale in (1, 3))
    assert (once["class_distance"], once["class_spread"]) == pytest.approx((40, 15), rel=1e-5)
    assert (thrice["class_distance"], thrice["class_spread"]) == pytest.approx((120, 45), rel=1e-5)
    assert [one["class_separation"] for one in (once, thrice)] == pytest.approx([40 / 15] * 2, rel=1e-5)


def test_separation_of_classes_without_extent_is_not_told():
    measured = lay_out([(0, 0), (0, 0), (40, 30), (40, 30)])
    assert measured == pytest.approx({"silhouette": 1, "class_distance": 50, "class_spread": 0}, rel=1e-5)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_compactness_that_is_not_defined_is_not_told(labels):
    model = models.build("separable", width=0.25, middle_blocks=1)
    assert measure_compactness(model, DATA.test.images[:3], np.array(labels)) == {}


class OneView(Member):
    """A member without test-time crops."""

    crop_side = None


def test_what_an_ensemble_chooses_does_not_depend_on_the_test_images(runs):
    made, others = run_of(runs, "ensemble_scratch"), []
    for name in CARD.variants["ensemble_scratch"].members:
        data = _splits(runs, name)
        noise = np.random.default_rng(0).permuted(data.test.images)
        noisy = dataclasses.replace(data, test=dataclasses.replace(data.test, images=noise))
        others.append(OneView(run_of(runs, name), lambda noisy=noisy: noisy))
    arrays, chosen = fuse("features", tuple(others), 7)
    for name in ("strength", "trials"):
        assert chosen["single"][name] == made.metrics["ensemble"]["single"][name]
    np.testing.assert_allclose(arrays["single_validation"], made.predictions("validation").probabilities, atol=1e-6)
    assert np.abs(arrays["single_test"] - made.predictions("test").probabilities).max() > 1e-3


def test_enlarged_pictures_are_what_model_b_sees(runs):
    assert run_of(runs, "model_b_scratch").request["options"]["input_shape"] == [96, 96, 1]
    nearest = make_request(CARD, "model_b_scratch_nearest", 0, "smoke", DATA)
    assert nearest["enlarged_by"] == "nearest" and nearest["options"]["input_shape"] == [96, 96, 1]
    by_srgan, by_repetition = (
        _splits(runs, name).test.images for name in ("model_b_scratch", "model_b_scratch_nearest")
    )
    np.testing.assert_array_equal(by_repetition, DATA.test.images.repeat(2, axis=1).repeat(2, axis=2))
    assert by_srgan.shape == by_repetition.shape and (by_srgan != by_repetition).any()


def test_a_generator_is_measured_on_held_out_faces(runs):
    run = run_of(runs, "srgan")
    found = run.metrics["super_resolution"]
    assert set(found["enlargers"]) == {"nearest", "bicubic", "srgan"} == set(found["validation"]["enlargers"])
    assert found["psnr"] == found["enlargers"]["srgan"]["psnr"]
    assert found["ssim_over_bicubic_low"] <= found["ssim_over_bicubic"] <= found["ssim_over_bicubic_high"]
    assert found["images"] + found["left_out"] == len(DATA.test)
    assert found["unleaked"]["images"] == (~leaked_mask(DATA.train, DATA.test)).sum()
    assert len(run.history) == 1
    claims = {judgement.claim_id: judgement for judgement in judge(CARD, [run])}
    assert claims["srgan_keeps_detail"].verdict is None and "SSIM" not in claims["srgan_keeps_detail"].measured_text


@pytest.mark.parametrize("name", ENSEMBLES)
def test_an_ensemble_predicts_and_is_compared_with_its_better_member(runs, name):
    run = run_of(runs, name)
    for view in ("single", "ten_crops"):
        saved = run.predictions("test", view)
        np.testing.assert_allclose(saved.probabilities.sum(axis=1), 1, atol=1e-5)
        compared = run.metrics["ensemble"][view]
        assert compared["accuracy"] == run.metrics["test"][view]["accuracy"]
        assert compared["better_member"] in CARD.variants[name].members
        assert 0 <= compared["p_exact"] <= 1
    members = [run_of(runs, member).metrics["model"]["parameters"] for member in CARD.variants[name].members]
    assert run.metrics["model"]["parameters"] == sum(members)
    assert json.loads(json.dumps(run.metrics)) == run.metrics


def test_an_average_is_that_of_its_members(runs):
    average = run_of(runs, "ensemble_scratch_average")
    members = [run_of(runs, name) for name in CARD.variants["ensemble_scratch_average"].members]
    weight = average.metrics["ensemble"]["single"]["weight"]
    first, second = (member.predictions("test").probabilities for member in members)
    np.testing.assert_allclose(
        average.predictions("test").probabilities, weight * first + (1 - weight) * second, atol=1e-6
    )
    first, second = (member.predictions("test", "ten_crops").probabilities for member in members)
    crops = average.predictions("test", "ten_crops").probabilities
    np.testing.assert_allclose(crops, weight * first + (1 - weight) * second, atol=1e-6)


def _copy_what_is_published(runs, folder, names):
    """Members under other names, as they are published: half precision, no network, no training images.

    Args:
        runs: where the members are.
        folder: folder of run folders to copy them to.
        names: member -> variant of the card that it is copied as.
    """
    for name, variant in names.items():
        source, target = run_of(runs, name), run_folder(folder, "smoke", PAPER, variant, 0)
        with np.load(source.folder / "predictions.npz") as arrays:
            kept = {key: array for key, array in arrays.items() if not key.endswith("_train")}
        kinds = {"single": np.float16, "ten": np.float16, "rows": np.int32, "labels": np.uint8}
        write_npz(target / "predictions.npz", {key: kept[key].astype(kinds[key.partition("_")[0]]) for key in kept})
        request = make_request(CARD, variant, 0, "smoke", DATA, precision="float32")
        config = source.config | {"request": request, "request_sha256": request_sha256(request)}
        write_json(target / "config.json", config)
        write_json(target / "metrics.json", source.metrics)


@pytest.mark.parametrize(
    ("average", "members"),
    [
        ("ensemble_scratch_average", {"model_a_short": "model_a_short", "model_b_scratch": "model_b_scratch"}),
        (
            "ensemble_average",
            {"model_a_short": "model_a", "model_b_scratch": "model_b"},
        ),  # whose weights are not at hand
    ],
)
def test_an_average_takes_no_more_than_what_is_published_of_its_members(runs, tmp_path, average, members):
    _copy_what_is_published(runs, tmp_path, members)
    train(PAPER, average, profile="smoke", data=DATA, runs=tmp_path, precision="float32")
    made = {path.name for path in (tmp_path / "smoke" / PAPER).glob("*")}
    assert made == {average, *members.values()}  # neither a generator nor what its content loss compares
    found = run_of(tmp_path, average)
    assert found.views == {"train": [], "validation": ["single"], "test": ["single", "ten_crops"]}
    first, second = (run_of(tmp_path, name) for name in members.values())
    chosen = first.predictions("validation"), second.predictions("validation")
    weight, _ = choose_weight(chosen[0].labels, chosen[0].probabilities, chosen[1].probabilities)
    assert found.metrics["ensemble"]["single"]["weight"] == weight
    for view in ("single", "ten_crops"):
        answers = [run.predictions("test", view).probabilities for run in (first, second)]
        mean = weight * answers[0] + (1 - weight) * answers[1]
        np.testing.assert_allclose(found.predictions("test", view).probabilities, mean, atol=1e-6)
    assert set(found.metrics["test"]) == {"single", "ten_crops", "single_unleaked"}
    assert find_unproven(found) == []


def test_features_are_fused_of_members_that_predicted_their_training_images(runs, tmp_path):
    names = CARD.variants["ensemble_scratch"].members
    _copy_what_is_published(runs, tmp_path, dict(zip(names, names, strict=True)))
    members = tuple(Member(run_of(tmp_path, name), lambda: DATA) for name in names)
    with pytest.raises(ValueError, match="predicted their training images. Received: .*model_a_short"):
        fuse("features", members, 7)


def test_a_fusion_is_a_softmax_layer_on_the_features_of_both_members_side_by_side(runs):
    """Made anew from the saved networks, for the plain picture and for the mean over ten crops."""
    fused, members = run_of(runs, "ensemble_scratch"), CARD.variants["ensemble_scratch"].members
    replication = dataclasses.replace(open_replication(PAPER, "smoke", "sample", str(runs)), data=DATA)
    pictures = [replication.splits(name).splits() for name in members]
    files = [run_of(runs, name).folder / "model.keras" for name in members]
    networks = [feature_model(keras.models.load_model(path, compile=False)) for path in files]

    def features(images):
        both = zip(networks, images, strict=True)
        return np.concatenate([network.predict(of / np.float32(255), verbose=0) for network, of in both], axis=1)

    plain = {split: features([own[split].images for own in pictures]) for split in ("train", "validation", "test")}
    fusion = fuse_features(plain["train"], DATA.train.labels, plain["validation"], DATA.validation.labels, 7)
    predicted = fused.predictions("test").probabilities
    np.testing.assert_allclose(fusion.predict(plain["test"]), predicted, atol=1e-4)
    assert fused.metrics["ensemble"]["single"]["strength"] == fusion.strength
    sides = [run_of(runs, name).request["hyperparameters"]["test_crop_side"] for name in members]
    assert sides == [44, 88]
    crops = zip(*(ten_crops(own["test"].images, side) for own, side in zip(pictures, sides, strict=True)), strict=True)
    mean = np.mean([fusion.predict(features(views)) for views in crops], axis=0)
    np.testing.assert_allclose(mean, fused.predictions("test", "ten_crops").probabilities, atol=1e-4)


def test_the_control_of_a_fusion_is_a_layer_fitted_anew_on_one_network(runs):
    run, control = run_of(runs, "model_a_brief"), run_of(runs, "model_a_brief_refitted")
    network = feature_model(keras.models.load_model(run.folder / "model.keras", compile=False))
    splits = {"train": DATA.train, "validation": DATA.validation, "test": DATA.test}
    plain = {name: network.predict(of.images / np.float32(255), verbose=0) for name, of in splits.items()}
    layer = fuse_features(plain["train"], DATA.train.labels, plain["validation"], DATA.validation.labels, 7)
    np.testing.assert_allclose(layer.predict(plain["test"]), control.predictions("test").probabilities, atol=1e-4)
    assert control.metrics["ensemble"]["single"]["better_member"] == "model_a_brief"
    assert find_unproven(control) == []


@pytest.mark.parametrize(
    ("way", "members", "number"),
    [
        ("average", 0, "2"),
        ("average", 1, "2"),
        ("average", 3, "2"),
        ("features", 0, "1 or 2"),
        ("features", 3, "1 or 2"),
    ],
)
def test_ways_of_fusing_refuse_other_numbers_of_members(runs, way, members, number):
    member = Member(run_of(runs, "model_a_brief"), lambda: DATA)
    with pytest.raises(ValueError, match=f"members must be {number} in number. Received: {members} for way '{way}'"):
        fuse(way, [member] * members, 7)


def test_the_ways_of_fusing_that_a_card_may_give_are_those_that_there_are():
    assert set(FUSIONS) == set(WAYS)


@pytest.mark.parametrize("name", ["ensemble_average", "model_b", "srgan_imagenet"])
def test_weights_that_cannot_be_had_are_told_before_anything_is_trained(tmp_path, name):
    """The small network that takes the place of ResNet50 and of VGG19 has no ImageNet weights."""
    with pytest.raises(models.WeightsNotAvailable, match="no ImageNet weights of small_residual"):
        train(PAPER, name, profile="smoke", data=DATA, runs=tmp_path, precision="float32")
    paper = tmp_path / "smoke" / PAPER
    assert read_obstacles(paper) == {(name, 0): "there are no ImageNet weights of small_residual"}
    assert not list(paper.glob("*/seed-0/config.json"))


def test_the_notebook_draws_the_figures_of_the_paper_and_its_table():
    """Figure 1 is the table of model A's blocks."""
    cells = nbformat.read(paths.NOTEBOOKS / f"03_{PAPER}.ipynb", as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    titles = re.findall(r"title=f?\"[^\"]* \((Figure \d)\)\"", code)
    assert titles == ["Figure 3", "Figure 2", "Figure 5", "Figure 4"]
    assert "tables.network_table(" in code and "census.describe_blocks(" in code


def test_a_network_starts_from_a_file_of_weights_that_is_named(tmp_path, monkeypatch):
    """Of the base: the head is drawn anew. The run knows the file by its content."""
    network, started = models.build("small_residual", input_shape=(48, 48, 1), width=0.25), []
    network.save(tmp_path / "weights.keras")
    fit = keras.Model.fit

    def note(model, *arguments, **options):
        started.extend(model.get_weights())
        return fit(model, *arguments, **options)

    monkeypatch.setattr(keras.Model, "fit", note)
    chosen = {"weights": {"small_residual": str(tmp_path / "weights.keras")}, "precision": "float32"}
    run = train(PAPER, "model_b_48", profile="smoke", data=DATA, runs=tmp_path / "runs", **chosen)
    (wanted,) = network.get_layer("block1_conv1").get_weights()
    assert any(np.array_equal(weight, wanted) for weight in started)
    assert run.request["weights_sha256"] == file_sha256(tmp_path / "weights.keras")
    with pytest.raises(ValueError, match=r"weights must name files\. Received: 'missing.keras' for small_residual"):
        train(
            PAPER, "model_b_48", profile="smoke", data=DATA, runs=tmp_path / "runs",
            weights={"small_residual": "missing.keras"},
        )  # fmt: skip
    assert run.is_complete


def test_other_weights_than_the_cards_get_no_verdict(tmp_path):
    """In the whole budget as well, and wherever an ensemble is made of such a network."""
    (tmp_path / "mine.weights.h5").write_bytes(b"weights")
    given = dict.fromkeys(["resnet50", "vgg19"], str(tmp_path / "mine.weights.h5"))
    for variant, is_other in {"model_b_48": True, "ensemble_average": True, "model_a": False}.items():
        request = make_request(CARD, variant, 0, "paper", DATA, weights=given)
        assert is_shortened(CARD, request, DATA) == is_other
    enlarged = make_request(CARD, "model_b", 0, "paper", DATA, weights=given)
    for request in (enlarged, enlarged["enlarged_by"]):
        assert request["options"]["weights"] == given["vgg19"]
        assert request["weights_sha256"] == file_sha256(tmp_path / "mine.weights.h5")


def test_a_copy_of_imagenets_weights_is_as_good_as_a_download(tmp_path, monkeypatch):
    """A machine without the internet is given one; of VGG19's file as ResNet50's nothing is known."""
    copy = tmp_path / "copy.h5"
    copy.write_bytes(b"as published")
    published = WeightsFile("https://example.org/copy.h5", hashlib.md5(b"as published").hexdigest())
    monkeypatch.setitem(IMAGENET, "vgg19", published)
    for network, is_other in {"vgg19": False, "resnet50": True}.items():
        given = {network: str(copy)}
        for variant in ("model_b", "ensemble"):
            request = make_request(CARD, variant, 0, "paper", DATA, weights=given)
            assert is_shortened(CARD, request, DATA) == is_other
        opened = open_replication(PAPER, "paper", "sample", str(tmp_path), weights=given)
        assert ("own weights" in opened.notice) == is_other


def test_weights_of_a_network_that_nothing_starts_from_are_refused():
    told = r"weights of .* in profile paper must be of networks among \['resnet50', 'vgg19'\]\. Received: 'vgg16'"
    with pytest.raises(ValueError, match=told):
        make_request(CARD, "model_a", 0, "paper", DATA, weights={"vgg16": "mine.weights.h5"})


@pytest.mark.parametrize(
    ("variant", "network", "taken"),
    [
        ("model_a", "resnet50", "no network"),
        ("model_b_48", "vgg19", "resnet50"),
        ("srgan_imagenet", "resnet50", "vgg19"),
    ],
)
def test_weights_that_a_variant_does_not_take_are_refused(variant, network, taken):
    told = f"{variant} of {PAPER} in profile paper takes weights of {taken}. Received: 'mine.h5' for {network}"
    with pytest.raises(ValueError, match=re.escape(told)):
        check_weights_are_used(CARD, variant, "paper", {network: "mine.h5"})


def test_weights_are_taken_for_what_a_variant_is_made_from():
    """ResNet50 on the pictures of SRGAN, whose content loss takes VGG19's, and an average of both kinds of network."""
    for variant in ("model_b", "ensemble_average", "ensemble"):
        check_weights_are_used(CARD, variant, "paper", {"vgg19": "mine.h5", "resnet50": "mine.h5"})


def test_a_notebook_s_weights_reach_its_networks_and_its_notice(tmp_path):
    models.build("small_residual", input_shape=(48, 48, 1), width=0.25).save(tmp_path / "mine.keras")
    chosen = {"weights": {"small_residual": str(tmp_path / "mine.keras")}, "precision": "float32"}
    opened = open_replication(PAPER, "smoke", "sample", str(tmp_path / "runs"), **chosen)
    replication = dataclasses.replace(opened, data=DATA)
    assert "own weights of small_residual" in replication.notice
    (run,) = replication.train("model_b_48")
    assert run.request["options"]["weights"] == str(tmp_path / "mine.keras")
    with pytest.raises(ValueError, match="weights must name files"):
        open_replication(PAPER, "smoke", "sample", weights={"small_residual": "missing.keras"})


def test_a_generator_may_compare_features_of_weights_that_are_at_hand(tmp_path, monkeypatch):
    network, seen = models.build("small_residual"), []
    network.save(tmp_path / "weights.keras")
    monkeypatch.setattr("fer_lib.models.weights.weights_available", lambda name, weights: "")
    monkeypatch.setattr("fer_lib.models.weights._download", lambda name: tmp_path / "weights.keras")

    class Reached(Exception):
        pass

    def stop(*arguments, **options):
        seen.append(arguments[6])
        raise Reached

    monkeypatch.setattr("fer_lib.makers.train_srgan", stop)
    with pytest.raises(Reached):
        train(PAPER, "srgan_imagenet", profile="smoke", data=DATA, runs=tmp_path, precision="float32")
    (content,) = seen
    images = DATA.test.images / np.float32(255)
    wanted = keras.Model(network.input, network.get_layer("block1_add").output)(images)
    np.testing.assert_allclose(content(images), wanted, atol=1e-5)
    assert not content.trainable


def test_a_crop_that_does_not_fit_is_told_before_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_lib.makers._fit", lambda job: pytest.fail("it was trained"))
    with pytest.raises(ValueError, match="side must be from 1 to the smaller side of images of 48×48. Received: 50"):
        train(PAPER, "model_a", profile="smoke", data=DATA, runs=tmp_path, overrides={"test_crop_side": 50})


def test_variants_of_a_small_budget_have_their_own_epochs():
    assert CARD.variants["vgg16"].small_budget and not CARD.variants["model_a"].small_budget
    requests = {
        name: make_request(CARD, name, 0, "paper", DATA)["epochs"] for name in ("model_a", "model_a_short", "vgg16")
    }
    assert requests == {"model_a": 250, "model_a_short": 25, "vgg16": 10}
    assert make_request(CARD, "vgg16", 0, "quick", DATA)["epochs"] == 1


def test_epochs_that_are_asked_for_are_taken_as_they_are():
    assert make_request(CARD, "vgg16", 0, "paper", DATA, epochs=100)["epochs"] == 100
    assert make_request(CARD, "model_a", 0, "paper", DATA, overrides={"epochs": 3})["epochs"] == 3
    assert make_request(CARD, "srgan", 0, "quick", DATA, epochs=4)["starts_from"]["epochs"] == 4


def test_a_short_training_of_srgan_keeps_an_epoch_after_its_warm_up():
    warm_up = {epochs: srgan_settings(epochs=epochs)["warm_up_epochs"] for epochs in (1, 2, None)}
    assert warm_up == {1: 0, 2: 1, None: 3}


def test_values_of_one_kind_stay_out_of_the_requests_of_others():
    """Or a change of SRGAN's would have model A trained anew."""
    of_a, of_srgan = (
        set(make_request(CARD, name, 0, "paper", DATA)["hyperparameters"]) for name in ("model_a", "srgan")
    )
    assert {"optimizer", "batch_size", "epochs", "learning_rate"} == of_a & of_srgan
    assert "centre_weight" in of_a and "adversarial_weight" in of_srgan


def test_sources_come_after_their_own():
    assert sources_of(CARD, "ensemble_scratch_average") == ["model_a_short", "model_b_scratch"]
    assert sources_of(CARD, "ensemble_scratch") == ["model_a_short", "vgg19", "srgan", "model_b_scratch"]
    assert sources_of(CARD, "model_a") == []


def test_a_generator_made_under_another_request_is_not_used(runs):
    """Trained for longer by itself, it is set aside again before the ensemble looks through it."""
    arguments = {"profile": "smoke", "data": DATA, "runs": runs, "precision": "float32"}
    wanted = run_of(runs, "srgan").config["request_sha256"]
    train(PAPER, "srgan", **arguments, overrides={"pixel_weight": 2.0})
    assert run_of(runs, "srgan").config["request_sha256"] != wanted
    (run_of(runs, "ensemble_scratch").folder / "metrics.json").unlink()
    train(PAPER, "ensemble_scratch", **arguments)
    assert run_of(runs, "srgan").config["request_sha256"] == wanted


def srgan_settings(epochs):
    return make_request(CARD, "srgan", 0, "paper", DATA, epochs=epochs)["hyperparameters"]


def test_published_numbers_agree_with_each_other():
    by_id = {claim.id: claim for claim in CARD.claims}
    assert by_id["test_accuracy"].published.value == by_id["model_a_test_accuracy"].published.value == 0.73244
    for split, claim in (("private", "vgg19_above_vgg16"), ("public", "vgg19_above_vgg16_public")):
        table = {name: by_id[f"{name}_{split}"].published.value for name in ("vgg16", "vgg19")}
        assert by_id[claim].published.value == pytest.approx(table["vgg19"] - table["vgg16"])
        assert by_id[claim].split == by_id[f"vgg16_{split}"].split
    ours = by_id["parameters"].published.value
    for name, parameters in (("vgg16", 14_714_688), ("vgg19", 20_024_384)):
        assert by_id[f"{name}_parameters"].published.value == parameters
        assert by_id[f"share_of_{name}"].published.value == pytest.approx(ours / parameters, abs=5e-4)
    assert by_id["above_winner_private"].published.value == pytest.approx(0.73244 - 0.02083)
    assert by_id["above_winner_public"].published.value == pytest.approx(0.71608 - 0.0184)
    assert set(EMOTIONS) == {part for group in by_id["order_of_classes"].groups for part in map(last, group)}


def last(metric):
    return metric.rpartition(".")[-1]
