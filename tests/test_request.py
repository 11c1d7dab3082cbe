import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_data import make_tiny_data

from fer_lib import models, papers
from fer_lib.request import is_shortened, make_request
from fer_lib.runs import request_sha256

PAPER = "shi_light_vgg"
CARD = papers.load(PAPER)
DATA = make_tiny_data()
NETWORKS = [name for name, variant in CARD.variants.items() if variant.kind == "network"]
CLASSIFIERS = [name for name, variant in CARD.variants.items() if variant.kind == "classifier"]


def request_of(variant="light_vgg", profile="paper", seed=0, data=DATA, **arguments):
    return make_request(CARD, variant, seed, profile, data, **arguments)


def shortened(request):
    return is_shortened(CARD, request, DATA)


@pytest.mark.parametrize("profile", ["smoke", "quick", "paper"])
@pytest.mark.parametrize("variant", CARD.variants)
def test_a_request_of_every_variant_survives_its_file_and_builds_its_model(variant, profile):
    request = request_of(variant, profile)
    assert json.loads(json.dumps(request)) == request
    assert set(request) == {
        "paper", "variant", "seed", "kind", "model", "options", "hyperparameters", "grouping", "epochs", "data",
        "precision", "deterministic",
    }  # fmt: skip
    if request["kind"] == "network":
        assert request["epochs"] == CARD.profiles[profile].epochs
        assert set(request["options"]) <= set(models.options_of(request["model"]))


def test_the_paper_profile_builds_the_published_network():
    request = request_of()
    assert models.build(request["model"], **request["options"]).count_params() == 776_519
    assert request["hyperparameters"] == {name: value.value for name, value in CARD.hyperparameters.items()}


def test_smoke_options_make_a_narrower_network():
    narrow = request_of(profile="smoke")
    assert narrow["options"]["filters"] == CARD.profiles["smoke"].options["filters"]
    assert models.build(narrow["model"], **narrow["options"]).count_params() < 776_519 / 4


@pytest.mark.parametrize("variant", CARD.variants)
def test_the_paper_profile_is_not_shortened(variant):
    assert shortened(request_of(variant)) is False
    assert shortened(request_of(variant, seed=7)) is False


@pytest.mark.parametrize("variant", NETWORKS)
@pytest.mark.parametrize("profile", ["smoke", "quick"])
def test_networks_of_the_other_profiles_are_shortened(variant, profile):
    assert shortened(request_of(variant, profile)) is True


@pytest.mark.parametrize("variant", CLASSIFIERS)
def test_classifiers_are_whole_but_in_smoke_where_they_see_smaller_pictures(variant):
    assert request_of(variant, "quick") == request_of(variant)
    assert shortened(request_of(variant, "quick")) is False
    assert request_of(variant, "smoke")["options"] == {**request_of(variant)["options"], "side": 24}
    assert shortened(request_of(variant, "smoke")) is True


@pytest.mark.parametrize(
    ("profile", "arguments", "expected"),
    [
        ("paper", {"epochs": 31}, True),
        ("paper", {"epochs": 32}, False),
        ("quick", {"epochs": 32}, True),  # its learning rate is higher
        ("smoke", {"epochs": 32}, True),  # its network is narrower
        ("paper", {"overrides": {"learning_rate": 0.05}}, True),
        ("paper", {"overrides": {"dense_units": 65}}, True),
        ("paper", {"overrides": {"dense_units": 64}}, False),
        ("paper", {"precision": "float32", "deterministic": True}, False),
    ],
)
def test_what_departs_from_the_card_is_shortened(profile, arguments, expected):
    assert shortened(request_of(profile=profile, **arguments)) is expected


@settings(max_examples=25)
@given(
    variant=st.sampled_from(list(CARD.variants)),
    profile=st.sampled_from(["smoke", "quick", "paper"]),
    seed=st.integers(0, 9),
    epochs=st.none() | st.integers(1, 64),
    overrides=st.none() | st.fixed_dictionaries({"batch_size": st.integers(1, 512), "beta_1": st.floats(0.5, 0.99)}),
)
def test_requests_are_equal_if_and_only_if_their_hashes_are(variant, profile, seed, epochs, overrides):
    arguments = {"epochs": epochs, "overrides": overrides}
    request = request_of(variant, profile, seed, **arguments)
    turned = {name: overrides[name] for name in reversed(overrides)} if overrides else None
    again = request_of(variant, profile, seed, make_tiny_data(), epochs=epochs, overrides=turned)
    assert again == request and request_sha256(again) == request_sha256(request)
    for other in (request_of(variant, profile, seed + 1, **arguments), request_of("light_vgg", "paper", seed)):
        assert (other == request) == (request_sha256(other) == request_sha256(request))


@pytest.mark.parametrize(
    "arguments",
    [
        {"seed": 1},
        {"epochs": 5},
        {"profile": "smoke"},
        {"variant": "without_dropout"},
        {"precision": "float32"},
        {"deterministic": True},
        {"overrides": {"beta_2": 0.95}},
        {"data": make_tiny_data(sha256="other")},
        {"data": make_tiny_data(sizes=(35, 14, 14))},
        {"data": dataclasses.replace(DATA, is_sample=False)},
    ],
)
def test_whatever_determines_a_run_changes_its_hash(arguments):
    assert request_sha256(request_of(**arguments)) != request_sha256(request_of())


def test_where_the_data_were_read_from_does_not_determine_a_run():
    assert request_of(data=dataclasses.replace(DATA, source="/elsewhere/fer2013.csv")) == request_of()


def test_values_of_a_variant_stand_over_the_card_and_overrides_over_both():
    assert request_of("without_dropout")["hyperparameters"]["dropout_rate"] == 0.0
    request = request_of("without_dropout", "smoke", overrides={"dropout_rate": 0.25, "batch_size": 64})
    assert (request["hyperparameters"]["dropout_rate"], request["options"]["dropout_rate"]) == (0.25, 0.25)
    assert request["hyperparameters"]["batch_size"] == 64
    smoke = request_of(profile="smoke")["hyperparameters"]
    assert smoke == request_of()["hyperparameters"] | CARD.profiles["smoke"].hyperparameters | {
        "epochs": smoke["epochs"]
    }


@pytest.mark.parametrize(("variant", "classes"), [("light_vgg", 7), ("merged_disgust", 6), ("attitude", 3)])
def test_the_network_has_the_classes_of_its_grouping(variant, classes):
    assert request_of(variant)["options"]["classes"] == classes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "heavy_vgg"}, "variant of shi_light_vgg must be one of .*'light_vgg'.* Received: 'heavy_vgg'"),
        ({"profile": "fast"}, r"profile must be one of \['smoke', 'quick', 'paper'\]. Received: 'fast'"),
        ({"overrides": {"lr": 0.1, "beta_1": 0.9}}, r"among .*'learning_rate'.* Received: \['lr'\]"),
    ],
)
def test_what_the_card_does_not_hold_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        request_of(**arguments)


def test_a_weights_file_determines_a_run_by_its_content(tmp_path):
    card = papers.load("zakavi_network_surgery")
    path = tmp_path / "base.weights.h5"
    variant = card.variants["resnet50"].model_copy(
        update={"options": {"weights": str(path)}, "protocol": "six_classes"}
    )
    card = card.model_copy(update={"variants": {**card.variants, "resnet50": variant}})
    hashes = []
    for content in (b"one", b"two", b"one"):
        path.write_bytes(content)
        hashes.append(request_sha256(make_request(card, "resnet50", 0, "paper", DATA)))
    assert hashes[0] == hashes[2] != hashes[1]
