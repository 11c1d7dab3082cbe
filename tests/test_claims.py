"""Claims judged by run folders with known numbers: each kind, what is missing, what may not be judged."""

import itertools

import numpy as np
import pytest
from pydantic import ValidationError
from tiny_runs import LABELS, accuracy, calls, judge_one, make_card, make_resplit, make_run, timing

from fer_lib import papers
from fer_lib.claims import judge
from fer_lib.files import write_json
from fer_lib.labels import GROUPINGS


# 586 of 1000: Wilson is 0.5552 to 0.6161.
@pytest.mark.parametrize(
    ("published", "verdict"),
    [
        ("58.6 %", "reproduced"),
        ("61.6 %", "reproduced"),  # 61.55 to 61.65 % touches the interval
        ("61.7 %", "below"),
        ("55.5 %", "reproduced"),
        ("55.4 %", "exceeded"),
        ("0.62", "reproduced"),  # two digits leave 0.615 to 0.625
        ("70 %", "below"),
    ],
)
def test_value_with_one_seed_is_held_against_wilson(tmp_path, published, verdict):
    judgement = judge_one(accuracy(kind="value", published=published), make_run(tmp_path, predicted=calls(586)))
    assert judgement.verdict == verdict
    assert judgement.measured == pytest.approx(0.586)
    assert judgement.interval == pytest.approx((0.5552, 0.6161), abs=1e-4)
    assert judgement.rule == "Wilson 95 % on 1,000 images, one seed"
    assert (judgement.n_seeds, judgement.n_seeds_expected) == (1, 3)
    assert judgement.reason.endswith("(1 of 3 seeds; no run of a (seeds 1, 2))")


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(6.0, "reproduced"), (6.5, "reproduced"), (5.5, "reproduced"), (6.51, "exceeded"), (5.49, "below")],
)
def test_a_number_without_interval_is_compared_itself(tmp_path, seconds, verdict):
    judgement = judge_one(timing(), make_run(tmp_path, timing={"seconds": seconds}))
    assert (judgement.verdict, judgement.interval) == (verdict, None)
    assert judgement.rule == "no interval: one seed, and no share of images"
    assert judgement.measured_text == ("6" if seconds == 6 else f"{seconds:.2f}")


@pytest.mark.parametrize(
    ("kind", "published", "right", "verdict"),
    [
        ("at_least", "60 %", 595, "reproduced"),  # rounds to 60 %
        ("at_least", "60 %", 594, "not reproduced"),
        ("at_least", "60 %", 900, "reproduced"),
        ("at_most", "60 %", 605, "reproduced"),
        ("at_most", "60 %", 606, "not reproduced"),
        ("at_most", "60 %", 100, "reproduced"),
        ("at_least", {"text": "above 60 %", "value": 0.6, "rounding": 0.0}, 600, "reproduced"),
        ("at_least", {"text": "above 60 %", "value": 0.6, "rounding": 0.0}, 599, "not reproduced"),
        ("at_most", {"text": "below 60 %", "value": 0.6, "rounding": 0.0}, 601, "not reproduced"),
    ],
)
def test_bounds_are_for_the_measured_value(tmp_path, kind, published, right, verdict):
    judgement = judge_one(accuracy(kind=kind, published=published), make_run(tmp_path, predicted=calls(right)))
    assert judgement.verdict == verdict


@pytest.mark.parametrize(("right", "verdict"), [(586, "reproduced"), (500, "below"), (700, "exceeded")])
def test_range(tmp_path, right, verdict):
    claim = accuracy(kind="range", low="55 %", high="60 %")
    judgement = judge_one(claim, make_run(tmp_path, predicted=calls(right)))
    assert (judgement.verdict, judgement.published) == (verdict, "55 % to 60 %")


@pytest.mark.parametrize(
    ("right", "verdict", "reason"),
    [
        ((310, 350, 400), "reproduced", "each of 3 seeds lies within the published 30.5 to 40.5 %"),
        ((305, 350, 405), "reproduced", "each of 3 seeds"),  # they round to 31 and 40 %
        (
            (310, 350, 410),
            "exceeded",
            "1 of 3 seeds above the published 30.5 to 40.5 %, the farthest by 0.5 points",
        ),
        ((420, 430, 440), "exceeded", "3 of 3 seeds above"),
        ((290, 296, 400), "below", "2 of 3 seeds below the published 30.5 to 40.5 %, the farthest by 1.5 points"),
        ((200, 350, 500), "not reproduced", "1 of 3 seeds above the published 30.5 to 40.5 % and 1 below"),
    ],
)
def test_a_spread_is_a_claim_on_every_seed(tmp_path, right, verdict, reason):
    runs = [make_resplit(tmp_path, "a", seed, hits) for seed, hits in enumerate(right)]
    judgement = judge_one(accuracy(kind="spread", low="31 %", high="40 %"), *runs)
    assert judgement.verdict == verdict
    assert judgement.reason.startswith(reason)
    assert (judgement.published, judgement.published_value) == ("31 % to 40 %", None)
    assert judgement.measured == pytest.approx(np.mean(right) / 1000)
    low, high = min(right) / 10, max(right) / 10
    assert judgement.measured_text == f"{np.mean(right) / 10:.1f} % ({low:.1f} to {high:.1f} % over 3 seeds)"
    assert judgement.details["by_seed"] == pytest.approx({str(seed): hits / 1000 for seed, hits in enumerate(right)})
    assert (judgement.interval, judgement.n_seeds) == (None, 3)


def test_one_seed_has_no_spread(tmp_path):
    judgement = judge_one(accuracy(kind="spread", low="31 %", high="40 %"), make_resplit(tmp_path, "a", 0, 350))
    assert (judgement.verdict, judgement.measured_text) == (None, "35.0 %")
    assert judgement.reason.startswith(
        "one seed shows no spread; this needs two (1 of 3 seeds; no run of a (seeds 1, 2))"
    )


def test_a_spread_from_high_to_low_is_refused():
    with pytest.raises(ValidationError, match="low must be below high. Received: '40 %' and '31 %'"):
        make_card(accuracy(kind="spread", low="40 %", high="31 %"))


@pytest.mark.parametrize(
    ("published", "right", "verdict", "reason"),
    [
        ("+3 points", 630, "reproduced", "meets the published difference"),
        ("+8 points", 630, "below", "short of the published difference"),
        ("+1 points", 630, "exceeded", "beyond the published difference"),
        ("-3 points", 630, "not reproduced", "opposite sign"),
        ("+3 points", 603, "not reproduced", "holds zero"),
        ("+3 points", 600, "not reproduced", "holds zero"),
        ("+3 points", 500, "not reproduced", "opposite sign"),
        ("-10 points", 500, "reproduced", "meets"),
        ("-5 points", 500, "exceeded", "beyond"),
        ("-20 points", 500, "below", "short of"),
        (None, 630, "reproduced", "no value is published"),
        (None, 601, "not reproduced", "holds zero"),
        (None, 500, "not reproduced", "opposite sign"),
    ],
)
def test_difference_is_paired_on_the_same_images(tmp_path, published, right, verdict, reason):
    runs = [make_run(tmp_path, "a", predicted=calls(right)), make_run(tmp_path, "b", predicted=calls(600))]
    judgement = judge_one(accuracy(kind="difference", minus="b", published=published), *runs)
    assert judgement.verdict == verdict
    assert reason in judgement.reason
    assert judgement.measured == pytest.approx((right - 600) / 1000)
    assert judgement.rule == "paired normal 95 % on 1,000 images, one seed"
    assert judgement.published == (published or "higher (no value published)")


def test_an_ordering_names_the_first_pair_out_of_order(tmp_path):
    predicted = LABELS.copy()
    predicted[np.flatnonzero(LABELS == 2)[:40]] = 4  # fear: 40 called sad
    predicted[np.flatnonzero(LABELS == 4)[:70]] = 2  # sad: 70 called fear
    run = make_run(tmp_path, predicted=predicted)
    claim = {"kind": "ordering", "variant": "a", "split": "test"}
    right = judge_one({**claim, "groups": [["recall.happy", "recall.angry"], ["recall.fear"], ["recall.sad"]]}, run)
    assert (right.verdict, right.measured) == ("reproduced", None)
    assert right.published == "happy, angry > fear > sad"
    assert right.measured_text.endswith("fear 72.0 %, sad 51.0 %")
    wrong = judge_one({**claim, "groups": [["recall.happy"], ["recall.sad"], ["recall.fear"]]}, run)
    assert wrong.verdict == "not reproduced"
    assert wrong.reason.startswith("sad (51.0 %) is not above fear (72.0 %)")
    tie = judge_one({**claim, "groups": [["recall.happy"], ["recall.angry"]]}, run)
    assert tie.reason.startswith("happy (100.0 %) is not above angry (100.0 %)")
    cells = judge_one(
        {**claim, "groups": [["confusion_share.sad.fear"], ["confusion_share.fear.sad", "confusion_share.fear.angry"]]},
        run,
    )
    assert (cells.verdict, cells.published) == ("reproduced", "sad called fear > fear called sad, fear called angry")


def test_a_ranking_orders_variants_by_their_mean(tmp_path):
    runs = [make_run(tmp_path, "a", seed, calls(right)) for seed, right in enumerate((700, 500, 630))]  # mean 610
    runs += [make_run(tmp_path, "b", seed, calls(600)) for seed in range(3)]
    runs.append(make_run(tmp_path, "lda", 0, calls(350)))
    claim = {"kind": "ranking", "metric": "accuracy", "split": "test"}
    judgement = judge_one({**claim, "groups": [["a"], ["b", "lda"]]}, *runs)
    assert (judgement.verdict, judgement.measured_text) == ("reproduced", "a 61.0 %, b 60.0 %, lda 35.0 %")
    assert (judgement.n_seeds, judgement.n_seeds_expected) == (3, 3)
    assert judge_one({**claim, "groups": [["b"], ["a"], ["lda"]]}, *runs).verdict == "not reproduced"
    assert judge_one({**claim, "groups": [["a"], ["b", "lda"]]}, *runs[:-1]).reason == "no run of lda (seed 0)"


def test_a_matrix_is_reproduced_where_nearly_every_cell_holds(tmp_path):
    run = make_run(tmp_path, predicted=calls(600))
    counts = np.array(run.metrics["test"]["single"]["confusion"])
    shares = np.round(counts / counts.sum(axis=1, keepdims=True), 2)
    claim = {"kind": "matrix", "variant": "a", "split": "test"}
    same = judge_one({**claim, "rows": shares.tolist()}, run)
    assert (same.verdict, same.measured) == ("reproduced", 1.0)
    assert same.measured_text.startswith("49 of 49 cells; mean difference 0.")

    off = shares.copy()
    off[0, [0, 2]] += (-0.2, 0.2)  # two cells of 49 off: 95.9 % hold
    nearly = judge_one({**claim, "rows": off.tolist()}, run)
    assert (nearly.verdict, nearly.measured) == ("reproduced", pytest.approx(47 / 49))

    off[1, [1, 3]] += (-0.3, 0.3)  # four: 91.8 %
    judgement = judge_one({**claim, "rows": off.tolist()}, run)
    assert (judgement.verdict, judgement.measured) == ("not reproduced", pytest.approx(45 / 49))
    assert judgement.details["worst_cell"]["true"] == "disgust"
    assert judgement.details["mean_absolute_difference"] == pytest.approx(1.0 / 49, abs=0.003)
    assert "45 of 49 cells hold the published share" in judgement.reason
    assert np.sum(judgement.details["holds"]) == 45


def test_missing_runs_are_named(tmp_path):
    claims = [accuracy(kind="value", published="58.6 %"), accuracy(kind="difference", minus="b")]
    nothing = judge(make_card(*claims), [])
    assert [judgement.verdict for judgement in nothing] == ["not run", "not run"]
    assert nothing[0].reason == "no run of a (seeds 0, 1, 2)"
    assert nothing[1].reason == "no run of a (seeds 0, 1, 2), b (seeds 0, 1, 2)"
    runs = [make_run(tmp_path, "a", seed, calls(600)) for seed in (0, 1)]
    assert judge_one(claims[1], *runs).reason == "no run of a (seed 2), b (seeds 0, 1, 2)"
    partly = judge_one(claims[1], *runs, make_run(tmp_path, "b", 1, calls(500)))
    assert (partly.verdict, partly.n_seeds, partly.n_seeds_expected) == ("reproduced", 1, 3)
    assert partly.reason.endswith("(1 of 3 seeds; no run of a (seed 2), b (seeds 0, 2))")


def test_two_runs_of_one_seed_are_refused(tmp_path):
    runs = [make_run(tmp_path / name, predicted=calls(600)) for name in ("x", "y")]
    with pytest.raises(ValueError, match="one run per variant and seed. Received: .*seed-0.*seed-0"):
        judge(make_card(accuracy(kind="value", published="58.6 %")), runs)


def test_the_order_of_the_runs_does_not_matter(tmp_path):
    runs = [make_run(tmp_path, name, seed, calls(600 + 10 * seed)) for name in ("a", "b") for seed in range(2)]
    card = make_card(accuracy(kind="value", published="60 %"), accuracy(kind="difference", minus="b"))
    orders = list(itertools.permutations(runs))
    first = [judgement.to_dict() for judgement in judge(card, orders[0])]
    assert all([judgement.to_dict() for judgement in judge(card, order)] == first for order in orders[1::5])


def test_every_claim_of_every_card_is_judged_without_runs():
    for card in map(papers.load, papers.ids()):
        judgements = judge(card, [])
        assert [judgement.claim_id for judgement in judgements] == [claim.id for claim in card.claims]
        assert all(judgement.verdict == "not run" for judgement in judgements)
        assert all(judgement.published and judgement.metric and judgement.reason for judgement in judgements)


def test_the_card_of_shi_is_judged_on_a_full_set_of_runs(tmp_path):
    card = papers.load("shi_light_vgg")
    history = {"late_gain": 0.012, "max_accuracy": 0.98, "early_gap": 0.01, "validation_roughness": 0.01}
    runs = []
    for name, variant in card.variants.items():
        for seed in card.seeds(name, "paper"):
            grouping = variant.grouping
            predicted = GROUPINGS[grouping].labels(calls(586)) if grouping else calls(586)
            run = make_run(
                tmp_path, name, seed, predicted, grouping,
                history=history, model={"convolution_parameters": 480192}, timing={"ratio_to_reference": 6.2},
            )  # fmt: skip
            config, metrics = run.config, run.metrics
            config["request"]["paper"] = card.id
            write_json(run.folder / "config.json", config)
            write_json(run.folder / "metrics.json", {**metrics, "validation": metrics["test"]})
            runs.append(run)
    found = {judgement.claim_id: judgement for judgement in judge(card, runs)}
    assert not [name for name, judgement in found.items() if judgement.verdict in (None, "not run")]
    assert found["test_accuracy"].verdict == "reproduced"
    assert found["convolution_parameters"].verdict == "not reproduced"
    assert found["faster_than_vgg19"].verdict == "reproduced"
    assert found["batch_norm_helps"].verdict == "not reproduced"
    assert found["fits_training_without_dropout"].verdict == "reproduced"
    assert found["best_of_all_attempts"].verdict == "not reproduced"
    assert found["merging_disgust_helps"].measured == pytest.approx(np.mean((LABELS == 0) & (calls(586) == 1)))
    assert all(judgement.measured_text and judgement.rule for judgement in found.values())


def test_a_training_that_diverged_gets_no_verdict(tmp_path):
    run = make_run(tmp_path, predicted=calls(586), history={"epochs": 3, "diverged": True})
    judgement = judge_one(accuracy(kind="value", published="58.6 %"), run)
    assert (judgement.verdict, judgement.reason) == (None, "the training diverged")


def test_what_is_made_from_a_training_that_diverged_gets_no_verdict(tmp_path):
    run = make_run(tmp_path, predicted=calls(586))
    config = {**run.config, "record": {**run.config["record"], "diverged_sources": ["member"]}}
    write_json(run.folder / "config.json", config)
    judgement = judge_one(accuracy(kind="value", published="58.6 %"), run)
    assert (judgement.verdict, judgement.reason) == (None, "the training diverged")
