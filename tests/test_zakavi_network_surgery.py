"""The card of Zakavi and Okhunov: its numbers are the text's, and each mistake is one flag away from its base."""

from collections import Counter

import pytest

from fer_lib import models, papers
from fer_lib.claims import judge
from fer_lib.files import write_json
from fer_lib.published import publish, published_runs
from fer_lib.runs import Run, find_obstacles, run_folder, write_obstacle

CARD = papers.load("zakavi_network_surgery")
NOT_AVAILABLE = "ImageNet weights not available"
MISTAKES = {
    "unit_pixels": {"pixels": ("expected", "unit")},
    "trained_batch_norm": {"frozen_batch_norm": ("inference", "trained")},
    "one_channel": {"grey": ("replicated", "one_channel")},
    "gradual": {"schedule": ("head_then_all", "gradual")},
}


def flags(variant):
    """Every value a variant is built and trained with."""
    chosen = CARD.variants[variant]
    return {**CARD.settings(variant), **chosen.options, "protocol": chosen.protocol, "starts_from": chosen.starts_from}


def differences(variant, base):
    ours, theirs = flags(variant), flags(base)
    return {name: (theirs.get(name), ours.get(name)) for name in ours if ours.get(name) != theirs.get(name)}


@pytest.mark.parametrize("base", ["resnet50", "small_transfer"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_likely_cause_is_a_variant_of_one_flag(base, mistake):
    assert differences(f"{base.removesuffix('_transfer')}_{mistake}", base) == MISTAKES[mistake]


@pytest.mark.parametrize("base", ["vgg16", "efficientnetb0"])
def test_every_base_is_unfrozen_gradually_too(base):
    assert differences(f"{base}_gradual", base) == MISTAKES["gradual"]


@pytest.mark.parametrize("base", ["resnet50", "small_transfer"])
def test_the_high_rate_is_a_hundred_times_the_base_s(base):
    ((name, (ours, high)),) = differences(f"{base.removesuffix('_transfer')}_high_rate", base).items()
    assert name == "learning_rate" and high == pytest.approx(100 * ours)


def test_the_compared_networks_differ_by_their_images_alone():
    for base in ("shallow", "vgg16_extended"):
        for suffix, protocol in (("uncleaned", "six_classes"), ("seven", "official")):
            assert differences(f"{base}_{suffix}", base) == {"protocol": ("cleaned_six", protocol)}


def test_stated_values_and_claims_are_those_of_the_text():
    stated = {name: value.value for name, value in CARD.hyperparameters.items() if value.stated}
    assert stated == {"optimizer": "adam", "batch_size": 32, "epochs": 10, "patience": 3}
    by_id = {claim.id: claim for claim in CARD.claims}
    assert by_id["shallow_accuracy"].published.text == "34.8 %"
    assert by_id["extended_accuracy"].published.text == "63.7 %"
    assert by_id["images"].published.text == "35,877"
    totals = [claim.published.value for claim in CARD.claims if claim.id.startswith("images_of_")]
    assert totals == [4953, 547, 5121, 8989, 6077, 4002, 6198]
    causes = {claim.variant for claim in CARD.claims if claim.id.startswith("chance_by_")}
    assert causes == {f"resnet50_{mistake}" for mistake in (*MISTAKES, "high_rate", "two_mistakes")} - {
        "resnet50_gradual"
    }
    at_chance = [claim for claim in CARD.claims if claim.id.endswith("_at_chance")]
    assert len(at_chance) == 4 and {(claim.low.text, claim.high.text) for claim in at_chance} == {("16 %", "17 %")}
    assert {claim.id for claim in CARD.claims if claim.kind == "difference" and claim.published is None} == {
        "extended_above_shallow", "faces_first_help",
    }  # fmt: skip
    assert Counter(claim.kind for claim in CARD.claims) == {
        "value": 10, "range": 9, "at_most": 7, "at_least": 3, "ranking": 2, "difference": 2,
    }  # fmt: skip


def test_every_variant_is_of_a_network_that_takes_its_flags():
    for name, variant in CARD.variants.items():
        assert set(variant.options) <= set(models.options_of(variant.model)), name


def make_run(folder, variant):
    run = Run(run_folder(folder, "paper", CARD.id, variant, 0))
    request = {"paper": CARD.id, "variant": variant, "seed": 0, "data": {"sha256": "0", "is_sample": False}}
    write_json(run.folder / "config.json", {"request": request, "record": {}})
    write_json(run.folder / "metrics.json", {"data": {"images": 35_887}})
    return run


def test_what_stood_in_the_way_of_a_run_is_published_and_told(tmp_path):
    """Of another paper's obstacle, and of one overcome, nothing is said."""
    run, overcome = make_run(tmp_path / "runs", "shallow_seven"), make_run(tmp_path / "runs", "shallow")
    for variant in ("resnet50", "shallow"):
        write_obstacle(run_folder(tmp_path / "runs", "paper", CARD.id, variant, 0), NOT_AVAILABLE)
    write_obstacle(run_folder(tmp_path / "runs", "paper", "lt2326_lenet5", "official", 0), "elsewhere")
    assert find_obstacles([run, overcome]) == {("resnet50", 0): NOT_AVAILABLE}
    publish(tmp_path / "runs", destination=tmp_path / "published")
    verdicts = {verdict.claim_id: verdict for verdict in judge(CARD, published_runs(folder=tmp_path / "published"))}
    told = verdicts["resnet50_at_chance"]
    assert (told.verdict, told.reason) == ("not run", f"{NOT_AVAILABLE}: no run of resnet50 (seed 0)")
    assert verdicts["vgg16_at_chance"].reason == "no run of vgg16 (seed 0)"
    assert (verdicts["images"].verdict, verdicts["images"].measured_text) == ("exceeded", "35,887")
