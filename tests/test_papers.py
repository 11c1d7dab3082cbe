"""Cards: what they hold, and how a wrong one is refused."""

import copy
from pathlib import Path
from typing import get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fer_lib import classifiers, fitting, models, papers, recorder, unfreezing
from fer_lib.models import backbones, ends
from fer_lib.papers import CardError
from fer_lib.papers.claim_kinds import Number, metrics_of, variants_of
from fer_lib.papers.values import CLASSIFIERS, SETTINGS, builder_options

SHI = Path(papers.__file__).parent / "shi_light_vgg.yaml"
CONTENT = yaml.safe_load(SHI.read_text(encoding="utf-8"))
LENETS = yaml.safe_load(SHI.with_name("lt2326_lenet5.yaml").read_text(encoding="utf-8"))


def write_card(folder, content, name="shi_light_vgg"):
    path = folder / f"{name}.yaml"
    path.write_text(
        content if isinstance(content, str) else yaml.dump(content, Dumper=yaml.CSafeDumper), encoding="utf-8"
    )
    return path


def change(place, value, content=CONTENT):
    """The card with the field at a dotted place set, or removed where `value` is `...`."""
    content = copy.deepcopy(content)
    *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    holder = content
    for step in way:
        holder = holder[step]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return content


def fusion(way, *members):
    """An ensemble as a card has it."""
    return {"kind": "ensemble", "description": "Both.", "model": way, "members": list(members)}


def with_copies(content, **fields):
    """The card with copies of its variant `official`, their fields changed."""
    content = copy.deepcopy(content)
    official = content["variants"]["official"]
    content["variants"] |= {name: {**official, **changed} for name, changed in fields.items()}
    return content


def with_fusion(content, *members, **fields):
    """The card with the average of two variants as the variant `both`."""
    return change("variants.both", {**fusion("average", *members), **fields}, content)


def claim_index(claim_id):
    return [claim["id"] for claim in CONTENT["claims"]].index(claim_id)


@pytest.mark.parametrize("paper", papers.ids())
def test_every_card_loads_and_speaks_of_itself(paper):
    card = papers.load(paper)
    assert card.id == paper
    assert {name for claim in card.claims for name in variants_of(claim)} <= set(card.variants)
    assert len({card.notebook for card in map(papers.load, papers.ids())}) == len(papers.ids())
    for name in card.variants:
        assert card.seeds(name, "smoke")


def test_the_card_of_shi_holds_the_numbers_of_its_text():
    card = papers.load("shi_light_vgg")
    published = {claim.id: claim.published.text for claim in card.claims if getattr(claim, "published", None)}
    assert published["test_accuracy"] == "58.6 %"
    assert published["validation_accuracy"] == "57.6 %"
    tables = [
        f"{model}_{split}_accuracy"
        for model in ("lda", "qda", "softmax_regression")
        for split in ("validation", "test")
    ]
    assert [published[name] for name in tables] == ["34.5 %", "35.1 %", "32.7 %", "32.9 %", "35.2 %", "35.1 %"]
    recalls = [
        published[f"recall_{name}"] for name in ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    ]
    matrix = next(claim for claim in card.claims if claim.kind == "matrix")
    assert [f"{row[index]:.2f}" for index, row in enumerate(matrix.rows)] == recalls
    assert (published["batch_norm_helps"], published["dropout_helps"]) == ("+3 points", "+8 points")
    assert card.settings("light_vgg")["dropout_rate"] == 0.5
    assert card.settings("without_dropout") == {**card.settings("light_vgg"), "dropout_rate": 0.0}
    assert "learning_rate" not in card.settings("lda")
    assert (card.seeds("light_vgg", "paper"), card.seeds("lda", "paper")) == ([0, 1, 2], [0])
    assert {name: value.origin for name, value in card.hyperparameters.items()}["dropout_rate"] == "stated"
    assert all(value.reason for value in card.hyperparameters.values())
    assert all(metrics_of(claim) for claim in card.claims if claim.kind != "matrix")


def test_the_options_read_from_the_source_are_those_that_builders_take():
    assert {name: list(options) for name, options in builder_options().items()} == {
        name: models.options_of(name) for name in models.names()
    }


def test_the_names_that_a_card_may_give_are_those_that_there_are():
    implemented = {
        "optimizer": fitting.OPTIMIZERS,
        "kept_epoch": recorder.KEPT_EPOCHS,
        "schedule": unfreezing.SCHEDULES,
        "frozen_batch_norm": unfreezing.FROZEN_BATCH_NORM,
        "pixels": ends.PIXELS,
        "grey": ends.GREY,
        "kernel_initializer": backbones.INITIALIZERS,
    }
    assert {name: get_args(SETTINGS[name]) for name in implemented} == {
        name: tuple(values) for name, values in implemented.items()
    }
    assert sorted(CLASSIFIERS) == classifiers.names()


@pytest.mark.parametrize(("rate", "is_taken"), [(0.0, False), (0.5, True), (1.0, True), (1.5, False)])
def test_centres_may_move_all_the_way_but_not_stand_still(tmp_path, rate, is_taken):
    path = write_card(tmp_path, change("hyperparameters.centre_rate", {"value": rate, "assumed": "x"}))
    if is_taken:
        assert papers.load_card(path).settings("light_vgg")["centre_rate"] == rate
    else:
        with pytest.raises(CardError, match=rf"hyperparameters\.centre_rate\.value: .*Received: {rate}"):
            papers.load_card(path)


def test_an_unknown_paper_is_refused():
    with pytest.raises(ValueError, match=r"paper must be one of \[.*'shi_light_vgg'.*\]. Received: 'shi'"):
        papers.load("shi")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("title", ..., "title: is missing. Received: nothing"),
        ("titel", "x", "titel: is no field of a card. Received: 'x'"),
        ("year", "2018", "year: Input should be a valid integer.*Received: '2018'"),
        ("data.split", "random", "data.split: Input should be 'official'.* Received: 'random'"),
        ("notebook", "shi", "notebook: .*Received: 'shi'"),
        ("hyperparameters.learning_rate.value", "1e-3", "learning_rate.value: .*1.0e-3.*Received: '1e-3'"),
        ("hyperparameters.learning_rate.value", [1.5], "learning_rate.value: must be a number.*Received:"),
        ("hyperparameters.learning_rate.value", [True], "learning_rate.value: must be a number.*Received:"),
        ("variants.lda.protocol", "loo", "variants.lda.protocol: .*'random_split'.*Received: 'loo'"),
        ("hyperparameters.learning_rate.value", float("nan"), "hyperparameters.learning_rate.value: must be finite"),
        ("hyperparameters.padding.stated", "x", r"padding: needs exactly one.*\['stated', 'assumed'\]"),
        ("hyperparameters.padding.assumed", ..., r"hyperparameters.padding: needs exactly one of .*Received: \[\]"),
        ("hyperparameters.epochs.value", 31, "hyperparameters.epochs.value: must equal profiles.paper.epochs"),
        ("variants.light_vgg.kind", "net", "variants.light_vgg.kind: .*Received: 'net'"),
        ("variants.attitude.grouping", "mood", "variants.attitude.grouping: must be one of .*Received: 'mood'"),
        ("variants.without_dropout.hyperparameters", {"drop": 0.0}, "variants.without_dropout.hyperparameters: .*drop"),
        ("variants.lda.seeds", [], "variants.lda.seeds: .*Received: "),
        ("variants.lda.seeds", [-1], "variants.lda.seeds.0: .*Received: -1"),
        ("search.rate", {"kind": "uniform", "low": 0.0, "high": 1.0}, "search: must be one of .*Received: 'rate'"),
        ("hyperparameters.epochs", {"value": 32, "searched": "x"}, "epochs.searched: search must name it"),
        ("search.learning_rate.low", "1e-4", "search.learning_rate.low: .*1.0e-3.*Received: '1e-4'"),
        ("search.learning_rate.low", 1.0, "search.learning_rate: low must be below high.*Received: 1.0, 0.005"),
        ("search.beta_1.kind", "normal", "search.beta_1: .*'uniform'.*Received: "),
        ("profiles.smoke", ..., "profiles: must be .*Received: "),
        ("profiles.quick.epochs", 0, "profiles.quick.epochs: .*Received: 0"),
        ("profiles.quick.epochs", 1.5, "profiles.quick.epochs: .*Received: 1.5"),
        ("hyperparameters.optimizer.value", "adamm", "hyperparameters.optimizer.value: .*'adam'.*Received: 'adamm'"),
        ("hyperparameters.kept_epoch.value", "bst", "hyperparameters.kept_epoch.value: .*'last'.*Received: 'bst'"),
        ("hyperparameters.learning_rate.value", "fast", "learning_rate.value: .*valid number.*Received: 'fast'"),
        ("hyperparameters.batch_size.value", 32.5, "hyperparameters.batch_size.value: .*integer.*Received: 32.5"),
        ("hyperparameters.batch_size.value", -1, "hyperparameters.batch_size.value: .*greater.*Received: -1"),
        ("hyperparameters.dropout_rate.value", True, "hyperparameters.dropout_rate.value: .*Received: True"),
        ("hyperparameters.dense_units.value", "many", "hyperparameters.dense_units.value: .*Received: 'many'"),
        ("hyperparameters.padding.value", "valid", "hyperparameters.padding.value: .*'same'.*Received: 'valid'"),
        ("hyperparameters.batch_sise", {"value": 32, "stated": "x"}, "hyperparameters.batch_sise.value: .*by nothing"),
        ("variants.without_dropout.hyperparameters", {"dropout_rate": 2.0}, "variants.*s.dropout_rate: .*2.0"),
        ("variants.light_vgg.model", "light_vg", "variants.light_vgg.model: must be one of .*Received: 'light_vg'"),
        ("variants.lda.model", "ldaa", "variants.lda.model: must be one of .*Received: 'ldaa'"),
        ("variants.light_vgg.options", {"batchnorm": False}, "variants.light_vgg.options: must be among .*'batchnorm'"),
        ("variants.light_vgg.options", {"batch_norm": "no"}, "variants.light_vgg.options.batch_norm: .*boolean.*'no'"),
        ("variants.both", fusion("average", "light_vgg"), "variants.both.members: must name 2 different variants. Rec"),
        ("variants.both", fusion("features"), r"variants.both.members: must name 1 or 2.* Received: \[\]"),
        ("variants.both", fusion("features", *["light_vgg"] * 2), "variants.both.members: must name 1 or 2.*Rec"),
        ("variants.both", fusion("vote", "light_vgg"), "variants.both.model: must be one of .*Received: 'vote'"),
        ("variants.both", fusion("features", "lda"), "variants.both.members: must be one of .*Received: 'lda'"),
        ("variants.srgan", {"kind": "super_resolution", "description": "x", "model": "srgan_generator",
                            "protocol": "random_split"}, "variants.srgan.kind: needs validation images.*'super_resolu"),
        ("variants.lda.members", ["light_vgg"], "variants.lda.members: nothing but an ensemble has any"),
        ("variants.qda.options", {"shrinkag": 0.1}, "variants.qda.options: must be among .*Received: 'shrinkag'"),
        ("profiles.smoke.options", {"filtrs": [8]}, "profiles.smoke.options: must be among .*Received: 'filtrs'"),
        ("profiles.smoke.models", {"vgg91": "vgg16"}, "profiles.smoke.models: must be among .*Received: 'vgg91'"),
        ("profiles.smoke.models", {"vgg19": "vgg"}, "profiles.smoke.models.vgg19: must be one of .*Received: 'vgg'"),
        ("profiles.smoke.hyperparameters", {"batch_size": "16 "}, "profiles.*s.batch_size: .*Received: '16 '"),
        ("search.batch_size.choices", [32, 6.5], "search.batch_size: .*integer.*Received: 6.5"),
        ("claims.0.verdict", "reproduced", r"claims.0 \(validation_accuracy\).verdict: is no field of a card"),
        ("claims.0.kind", "equal", r"claims.0 \(validation_accuracy\): .*Received: "),
        ("claims.0.published", 57.6, r"claims.0 \(validation_accuracy\).published: .*in quotes.*Received: 57.6"),
        ("claims.0.published", "circa 57 %", r"claims.0 \(validation_accuracy\).published: .*Received: 'circa 57 %'"),
        ("claims.0.metric", "acuracy", r"claims.0 \(validation_accuracy\).metric: .*Received: 'acuracy'"),
        ("claims.0.metric", "recall.hapy", r"claims.0 \(validation_accuracy\).metric: .*Received: 'recall.hapy'"),
        ("claims.0.metric", "recall", r"claims.0 \(validation_accuracy\).metric: must be recall.<class>.*Received"),
        ("claims.0.metric", "history.late_gain", r"claims.0 \(validation_accuracy\).metric: .*Received: 'history"),
        ("claims.0.split", ..., r"claims.0 \(validation_accuracy\).metric: without a split.*Received: 'accuracy'"),
        ("claims.0.split", "private", r"claims.0 \(validation_accuracy\).split: .*Received: 'private'"),
        ("claims.0.variant", "vgg", r"claims.0 \(validation_accuracy\).variant: must be one of .*Received: 'vgg'"),
        ("claims.0.grouping", "mood", r"claims.0 \(validation_accuracy\).grouping: must be one of .*Received: 'mood'"),
        ("claims.0.divided_by", "1e3", r"claims.0 \(validation_accuracy\).divided_by: .*1.0e-3.*Received: '1e3'"),
        ("claims.1.id", "validation_accuracy", r"claims: ids must be unique. Received: \['validation_accuracy'\]"),
    ],
)  # fmt: skip
def test_a_wrong_card_names_its_file_and_field(tmp_path, place, value, message):
    path = write_card(tmp_path, change(place, value))
    with pytest.raises(CardError, match=rf"shi_light_vgg\.yaml: (hyperparameters\.)?{message}") as caught:
        papers.load_card(path)
    assert all(line.startswith(f"{path}: ") and "Received: " in line for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("claim_id", "field", "value", "message"),
    [
        ("confusion_matrix", "rows", [[0.5, 0.5], [0.5, 0.5]], "rows: must be 7 rows.*Received: 2"),
        ("confusion_matrix", "rows", [[0.5, 0.5], [1.0]], "rows must be square. Received: row 1 of 1"),
        ("confusion_matrix", "rows", [[0.9, 0.5], [0.5, 0.5]], "rows.0 must sum to one.*Received: 1.4"),
        ("confusion_matrix", "rows", [[1.2, -0.2], [0.5, 0.5]], "rows.0.0: .*Received: 1.2"),
        ("confusion_matrix", "split", ..., "a matrix needs a split"),
        ("dropout_helps", "minus", "dropout", "variant: must be one of .*Received: 'dropout'"),
        ("dropout_helps", "published", "0 points", "published must not be zero"),
        ("merging_disgust_helps", "variant", "merged_disgust", "grouping: .*grouped already"),
        ("attitude_helps", "metric", "recall.positive", "metric: .*Received: 'recall.positive'"),
        ("recall_order", "groups", [["recall.happy"]], "groups: .*at least 2"),
        ("recall_order", "groups", [["recall.happy"], ["recall.joy"]], "metric: .*Received: 'recall.joy'"),
        ("best_of_all_attempts", "groups", [["light_vgg"], ["vgg"]], "variant: .*Received: 'vgg'"),
        ("curves_start_together", "low", "3 points", "low must be below high. Received: '3 points' and"),
        ("not_converged", "grouping", "attitude", "a claim with a grouping needs a split"),
    ],
)
def test_a_wrong_claim_is_named(tmp_path, claim_id, field, value, message):
    index = claim_index(claim_id)
    path = write_card(tmp_path, change(f"claims.{index}.{field}", value))
    with pytest.raises(CardError, match=rf"claims\.{index} \({claim_id}\).*{message}"):
        papers.load_card(path)


@pytest.mark.parametrize(
    ("members", "fields", "message"),
    [
        (("official", "random_split"), {},
         "members: must have the ensemble's protocol, 'official'. Received: 'random_split' with 'random_split'"),
        (("official", "other"), {"protocol": "random_split"},
         "members: must have the ensemble's protocol, 'random_split'. Received: 'official' with 'official'"),
        (("official", "grouped"), {},
         "members: must have the ensemble's grouping, None. Received: 'grouped' with 'negative_positive'"),
        (("grouped", "official"), {"grouping": "negative_positive"},
         "members: must have the ensemble's grouping, 'negative_positive'. Received: 'official' with None"),
    ],
    ids=["a member's protocol", "the ensemble's protocol", "a member's grouping", "the ensemble's grouping"],
)  # fmt: skip
def test_an_ensemble_and_its_members_are_of_the_same_images_and_classes(tmp_path, members, fields, message):
    content = with_copies(LENETS, other={}, grouped={"grouping": "negative_positive"})
    path = write_card(tmp_path, with_fusion(content, *members, **fields), "lt2326_lenet5")
    with pytest.raises(CardError, match=rf"lt2326_lenet5\.yaml: variants\.both\.{message}$"):
        papers.load_card(path)


def test_an_ensemble_of_the_same_images_and_classes_is_taken(tmp_path):
    content = with_copies(LENETS, first={"grouping": "attitude"}, second={"grouping": "attitude"})
    path = write_card(tmp_path, with_fusion(content, "first", "second", grouping="attitude"), "lt2326_lenet5")
    assert papers.load_card(path).variants["both"].members == ["first", "second"]


PATIENT = {"value": 3, "stated": "x", "only_for": "network"}
NEEDS = "needs validation images, which protocol 'balanced_apart' of variants."


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("hyperparameters.kept_epoch.value", "best_validation_loss",
         f"hyperparameters.kept_epoch.value: {NEEDS}balanced_apart leaves none of. Received: 'best_validation_loss'"),
        ("hyperparameters.patience", PATIENT,
         f"hyperparameters.patience.value: {NEEDS}balanced_apart leaves none of. Received: 3"),
        ("variants.balanced_apart.hyperparameters", {"kept_epoch": "best_validation_accuracy"},
         f"variants.balanced_apart.hyperparameters.kept_epoch: {NEEDS}balanced_apart .* 'best_validation_accuracy'"),
        ("profiles.smoke.hyperparameters", {"kept_epoch": "best_validation_loss"},
         f"profiles.smoke.hyperparameters.kept_epoch: {NEEDS}balanced_apart .*'best_validation_loss'"),
        ("variants.both", {**fusion("average", "balanced_apart", "other"), "protocol": "balanced_apart"},
         f"variants.both.model: {NEEDS}both leaves none of. Received: 'average'"),
        ("variants.both", {**fusion("features", "balanced_apart"), "protocol": "balanced_apart"},
         f"variants.both.model: {NEEDS}both leaves none of. Received: 'features'"),
    ],
)  # fmt: skip
def test_what_needs_validation_images_is_refused_where_a_protocol_leaves_none(tmp_path, place, value, message):
    content = change(place, value, with_copies(LENETS, other={"protocol": "balanced_apart"}))
    with pytest.raises(CardError, match=rf"lt2326_lenet5\.yaml: {message}$"):
        papers.load_card(write_card(tmp_path, content, "lt2326_lenet5"))


def test_what_needs_validation_images_is_taken_where_a_protocol_leaves_some(tmp_path):
    content = with_copies(LENETS, best={"hyperparameters": {"kept_epoch": "best_validation_loss"}})
    card = papers.load_card(write_card(tmp_path, with_fusion(content, "official", "best"), "lt2326_lenet5"))
    assert card.settings("best")["kept_epoch"] == "best_validation_loss"


def with_readings(readings, *named):
    """The card with readings, and a claim that names some of them."""
    content = copy.deepcopy(CONTENT)
    content["readings"] = {
        name: {"says": "elsewhere", "note": "Not told.", **fields} for name, fields in readings.items()
    }
    content["claims"][claim_index("validation_accuracy")] |= {"readings": list(named), "note": "By epoch 32."}
    return content


def test_a_claim_is_judged_by_each_of_its_readings(tmp_path):
    content = with_readings({"test": {"split": "test"}, "plain": {"variant": "without_dropout"}}, "plain", "test")
    written = papers.load("shi_light_vgg").claims
    card = papers.load_card(write_card(tmp_path, content))
    index = claim_index("validation_accuracy")
    own, plain, test = card.claims[index : index + 3]
    assert [claim.id for claim in (own, plain, test)] == [
        f"{way}validation_accuracy" for way in ("", "plain_", "test_")
    ]
    assert (own.variant, plain.variant, test.variant) == ("light_vgg", "without_dropout", "light_vgg")
    assert (own.split, plain.split, test.split) == ("validation", "validation", "test")
    assert own.published == plain.published == test.published
    assert (plain.says, plain.note) == (f"{own.says} (elsewhere)", "Not told. By epoch 32.")
    assert [claim.id for claim in card.claims if claim not in (plain, test)] == [claim.id for claim in written]


@pytest.mark.parametrize(
    ("readings", "named", "message"),
    [
        ({"test": {"split": "test"}}, ("public",), r"validation_accuracy.readings: .*\['test'\]. Received: 'public'$"),
        ({"test": {"split": "test"}}, (), r"claims: readings must each be named by a claim. Received: \['test'\]$"),
        ({"same": {}}, ("same",), "validation_accuracy.readings: 'same' must change what .* Received: {}$"),
        ({"same": {"split": "validation"}}, ("same",), "'same' must change what the claim has. .*'validation'}$"),
        ({"same": {"split": "test", "variant": "light_vgg"}}, ("same",), "'same' must change what the claim has."),
        ({"test": {"metric": "recall"}}, ("test",), "readings.test.metric: is no field of a card. Received: 'recall'"),
        ({"other": {"variant": "vgg"}}, ("other",), r"claims.0 \(other_validation_accuracy\).variant: .*'vgg'$"),
    ],
    ids=["unknown", "unused", "empty", "same", "partly", "field", "variant"],
)  # fmt: skip
def test_a_wrong_reading_is_named(tmp_path, readings, named, message):
    with pytest.raises(CardError, match=message):
        papers.load_card(write_card(tmp_path, with_readings(readings, *named)))


@pytest.mark.parametrize(
    ("claim_id", "reading", "message"),
    [
        ("not_converged", {"view": "ten_crops"}, "must change what the claim has. Received: {'view': 'ten_crops'}$"),
        ("best_of_all_attempts", {"variant": "lda"}, "must change what the claim has. Received: {'variant': 'lda'}$"),
    ],
    ids=["no split", "no variant"],
)
def test_a_reading_changes_what_its_claim_has(tmp_path, claim_id, reading, message):
    content = with_readings({"other": {"split": "test"}, "wrong": reading}, "other")
    content["claims"][claim_index(claim_id)]["readings"] = ["wrong"]
    with pytest.raises(CardError, match=f"{claim_id}.readings: 'wrong' {message}"):
        papers.load_card(write_card(tmp_path, content))


def test_a_wrong_claim_behind_readings_is_named_by_its_place_in_the_file(tmp_path):
    content = with_readings({"test": {"split": "test"}, "plain": {"variant": "without_dropout"}}, "plain", "test")
    index = claim_index("recall_happy")
    content["claims"][index]["metric"] = "recall.joy"
    with pytest.raises(CardError, match=rf"claims\.{index} \(recall_happy\).metric: .*Received: 'recall.joy'"):
        papers.load_card(write_card(tmp_path, content))


def test_every_wrong_field_is_named_at_once(tmp_path):
    content = change("title", ...)
    content["year"] = "2018"
    with pytest.raises(CardError) as caught:
        papers.load_card(write_card(tmp_path, content))
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["title", "year"]


def test_yaml_that_makes_text_of_a_number_is_refused(tmp_path):
    text = SHI.read_text(encoding="utf-8").replace("value: 1.35e-4", "value: 1e-3")
    with pytest.raises(CardError, match=r"hyperparameters.learning_rate.value: .*write 1\.0e-3.*Received: '1e-3'"):
        papers.load_card(write_card(tmp_path, text))


def test_a_key_given_twice_is_refused(tmp_path):
    text = SHI.read_text(encoding="utf-8") + "\nid: another\n"
    with pytest.raises(CardError, match="shi_light_vgg.yaml: .*every key once. Received: key 'id' twice"):
        papers.load_card(write_card(tmp_path, text))


@pytest.mark.parametrize("text", ["", "- a list", "just text", "id: [unclosed", "id: !!python/object:os.system {}"])
def test_what_is_no_card_is_refused(tmp_path, text):
    with pytest.raises(CardError, match="shi_light_vgg.yaml: must be .*Received: "):
        papers.load_card(write_card(tmp_path, text))


def test_a_card_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "shi_light_vgg.yaml"
    path.write_bytes("title: caf\u00e9".encode("latin-1"))
    with pytest.raises(CardError, match="UTF-8"):
        papers.load_card(path)


def test_a_card_is_named_as_its_file(tmp_path):
    with pytest.raises(CardError, match="other.yaml: id: must be the file's name, 'other'. Received: 'shi_light_vgg'"):
        papers.load_card(write_card(tmp_path, CONTENT, "other"))


def test_a_card_cannot_be_changed():
    card = papers.load("shi_light_vgg")
    with pytest.raises(ValidationError, match="frozen"):
        card.claims[0].published.value = 0.9


@given(st.integers(-999, 999), st.integers(0, 3), st.sampled_from(["", "%", " %", " points"]))
def test_a_printed_number_says_its_value_and_rounding(digits, decimals, unit):
    text = f"{digits / 10**decimals:.{decimals}f}{unit}"
    number = Number.model_validate(text)
    scale = 100 if unit else 1
    assert number.text == text
    assert number.value == pytest.approx(digits / 10**decimals / scale)
    assert number.high - number.low == pytest.approx(1 / 10**decimals / scale)
    assert number.unit == unit.strip()


def test_a_number_that_print_does_not_say_gives_its_parts():
    number = Number.model_validate({"text": "less than 1 %", "value": 0.01, "rounding": 0.0})
    assert (number.low, number.high, number.unit) == (0.01, 0.01, "%")
    with pytest.raises(ValidationError, match="rounding"):
        Number.model_validate({"text": "less than 1 %", "value": 0.01, "rounding": -0.1})
