"""Verdicts from run folders with known numbers."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_lib import papers
from fer_lib.claims import RULES, VERDICTS, judge
from fer_lib.files import write_json, write_npz
from fer_lib.labels import GROUPINGS, class_names
from fer_lib.metrics import classification_metrics
from fer_lib.papers import PaperCard
from fer_lib.runs import Run, run_folder
from fer_lib.verdicts import judge_at_least, judge_at_most, judge_difference, judge_order, judge_value

N = 1000
LABELS = np.arange(N) % 7  # 143 images of the first six emotions, 142 of neutral


def make_card(*claims, **variants):
    """A card with the given claims, on a and b (networks, seeds 0-2), lda (a classifier) and merged (grouped)."""
    network = {"kind": "network", "description": "a network", "model": "light_vgg"}
    filled = [
        {"id": f"claim_{index}", "says": "words", "where": "Table 1", **claim} for index, claim in enumerate(claims)
    ]
    return PaperCard.model_validate(
        {
            "id": "tiny",
            "title": "Tiny",
            "authors": ["A"],
            "year": 2020,
            "venue": "here",
            "summary": "a summary",
            "notebook": "09_tiny",
            "data": {"dataset": "fer2013", "split": "official"},
            "hyperparameters": {"epochs": {"value": 8, "stated": "Section 1"}},
            "variants": {
                "a": network,
                "b": network,
                "lda": {"kind": "classifier", "description": "LDA", "model": "lda", "seeds": [0]},
                "merged": {**network, "grouping": "disgust_in_angry", "seeds": [0]},
                **variants,
            },
            "profiles": {
                name: {"epochs": 8, "seeds": [0, 1, 2], "trials": 1, "trial_epochs": 1}
                for name in ("smoke", "quick", "paper")
            },
            "deviations": [],
            "claims": filled,
        }
    )


def one_hot(predicted, classes=7):
    """Probabilities float32 (n, classes) whose largest is the predicted class."""
    return np.where(np.eye(classes)[predicted] == 1, 0.94, 0.06 / (classes - 1)).astype(np.float32)


def calls(right):
    """Predicted classes that are right on the first `right` images and one class further on the others."""
    return np.where(np.arange(N) < right, LABELS, (LABELS + 1) % 7)


def make_run(
    folder, variant="a", seed=0, predicted=None, grouping=None, sample=False, short=False, sha="0", rows=None, **other
):
    """A complete run folder; `other` is what metrics.json holds beside the splits."""
    run = Run(run_folder(folder, "paper", "tiny", variant, seed))
    request = {"paper": "tiny", "variant": variant, "seed": seed, "grouping": grouping}
    request["data"] = {"sha256": sha, "is_sample": sample, "sizes": {"test": N}}
    write_json(run.folder / "config.json", {"request": request, "record": {"shortened": short}})
    metrics = dict(other)
    if predicted is not None:
        names = class_names(grouping)
        labels = GROUPINGS[grouping].labels(LABELS) if grouping else LABELS
        probabilities = one_hot(predicted, len(names))
        rows = np.arange(N) if rows is None else rows
        arrays = {"rows_test": rows, "labels_test": labels, "single_test": probabilities}
        write_npz(run.folder / "predictions.npz", arrays)
        metrics["test"] = {"single": classification_metrics(labels, probabilities, names)}
    write_json(run.folder / "metrics.json", metrics)
    return run


def accuracy(**claim):
    return {"variant": "a", "split": "test", "metric": "accuracy", **claim}


def timing(kind="value", published=None, **claim):
    whole = {"text": "6 times", "value": 6.0, "rounding": 0.5}
    return {"kind": kind, "variant": "a", "metric": "timing.seconds", "published": published or whole, **claim}


def judge_one(claim, *runs):
    (judgement,) = judge(make_card(claim), runs)
    assert judgement.verdict is None or judgement.verdict in VERDICTS
    assert json.loads(json.dumps(judgement.to_dict(), allow_nan=False))["claim_id"] == "claim_0"
    return judgement


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


def test_texts_are_for_people(tmp_path):
    percent = judge_one(accuracy(kind="value", published="52.0 %"), make_run(tmp_path, predicted=calls(586)))
    assert (percent.published, percent.measured_text) == ("52.0 %", "58.6 % [55.5, 61.6]")
    assert percent.reason.startswith("the interval lies 3.5 points above the published 51.95 to 52.05 %")
    claim = accuracy(kind="value", metric="recall.happy", published="0.86")
    recall = judge_one(claim, Run(run_folder(tmp_path, "paper", "tiny", "a", 0)))
    assert recall.measured_text == "0.587 [0.505, 0.665]"
    assert recall.rule == "Wilson 95 % on 143 images, one seed"


def test_seeds_that_differ_much_make_students_interval_count(tmp_path):
    runs = [make_run(tmp_path, seed=seed, predicted=calls(right)) for seed, right in enumerate((500, 600, 700))]
    judgement = judge_one(accuracy(kind="value", published="40 %"), *runs)
    assert judgement.verdict == "reproduced"
    assert judgement.interval == pytest.approx((0.6 - 4.3027 * 0.1 / 3**0.5, 0.6 + 4.3027 * 0.1 / 3**0.5), abs=1e-4)
    assert judgement.rule == "Student t 95 % over 3 seeds (wider than Wilson 95 % on 1,000 images)"
    assert judgement.details["by_seed"] == pytest.approx({"0": 0.5, "1": 0.6, "2": 0.7})
    assert judgement.reason == "the interval meets the published 39.5 to 40.5 %"


def test_seeds_that_agree_never_narrow_the_images_interval(tmp_path):
    runs = [make_run(tmp_path, seed=seed, predicted=calls(right)) for seed, right in enumerate((600, 600, 600))]
    judgement = judge_one(accuracy(kind="value", published="62 %"), *runs)
    assert judgement.verdict == "reproduced"
    assert judgement.interval == pytest.approx((0.5693, 0.6299), abs=1e-4)
    assert judgement.rule == "Wilson 95 % on 1,000 images (wider than Student t 95 % over 3 seeds)"


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(6.0, "reproduced"), (6.5, "reproduced"), (5.5, "reproduced"), (6.51, "exceeded"), (5.49, "below")],
)
def test_a_number_without_interval_is_compared_itself(tmp_path, seconds, verdict):
    judgement = judge_one(timing(), make_run(tmp_path, timing={"seconds": seconds}))
    assert (judgement.verdict, judgement.interval) == (verdict, None)
    assert judgement.rule == "no interval: one seed, and no share of images"
    assert judgement.measured_text == f"{seconds:.2f}"


@pytest.mark.parametrize(
    ("kind", "published", "right", "verdict"),
    [
        ("at_least", "60 %", 595, "reproduced"),  # rounds to 60 %
        ("at_least", "60 %", 594, "below"),
        ("at_least", "60 %", 900, "reproduced"),
        ("at_most", "60 %", 605, "reproduced"),
        ("at_most", "60 %", 606, "exceeded"),
        ("at_most", "60 %", 100, "reproduced"),
        ("at_least", {"text": "above 60 %", "value": 0.6, "rounding": 0.0}, 600, "reproduced"),
        ("at_least", {"text": "above 60 %", "value": 0.6, "rounding": 0.0}, 599, "below"),
        ("at_most", {"text": "below 60 %", "value": 0.6, "rounding": 0.0}, 601, "exceeded"),
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


def test_a_ratio_is_a_number_over_a_constant(tmp_path):
    published = {"text": "less than 1 %", "value": 0.01, "rounding": 0.0}
    claim = timing("at_most", published, metric="model.convolution_parameters", divided_by=20024384)
    judgement = judge_one(claim, make_run(tmp_path, model={"convolution_parameters": 480192}))
    assert (judgement.verdict, judgement.measured_text) == ("exceeded", "2.4 %")
    assert judgement.metric == "model.convolution_parameters / 20,024,384"
    assert judgement.reason.startswith("the measured value is 1.4 points over 1.0 %")


def test_a_number_that_is_the_same_with_every_seed_needs_no_interval_in_print(tmp_path):
    runs = [make_run(tmp_path, seed=seed, timing={"seconds": 5.49999}) for seed in range(3)]
    judgement = judge_one(timing(), *runs)
    assert (judgement.verdict, judgement.measured_text) == ("below", "5.50")
    assert judgement.rule == "the same with every seed"
    assert judgement.reason == "the interval lies 1e-05 below the published 5.5 to 6.5"


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


def test_difference_over_seeds_pairs_equal_seeds(tmp_path):
    runs = [make_run(tmp_path, "a", seed, calls(right)) for seed, right in enumerate((530, 630, 730))]
    runs += [make_run(tmp_path, "b", seed, calls(right)) for seed, right in enumerate((500, 600, 700))]
    judgement = judge_one(accuracy(kind="difference", minus="b", published="+3 points"), *runs)
    assert judgement.verdict == "reproduced"
    assert judgement.details["by_seed"] == pytest.approx({"0": 0.03, "1": 0.03, "2": 0.03})
    assert judgement.rule == "paired normal 95 % on 1,000 images (wider than Student t 95 % over 3 seeds)"
    assert judgement.measured_text.startswith("+3.0 points [+2.")
    assert (judgement.n_seeds, judgement.n_seeds_expected) == (3, 3)


def test_a_classifier_stands_beside_every_seed(tmp_path):
    runs = [make_run(tmp_path, "a", seed, calls(right)) for seed, right in enumerate((500, 600, 700))]
    runs.append(make_run(tmp_path, "lda", 0, calls(300)))
    judgement = judge_one(accuracy(kind="difference", minus="lda", published="+30 points"), *runs)
    assert judgement.details["by_seed"] == pytest.approx({"0": 0.2, "1": 0.3, "2": 0.4})
    assert (judgement.n_seeds, judgement.n_seeds_expected, judgement.verdict) == (3, 3, "reproduced")


def test_a_variant_of_one_seed_is_compared_on_that_seed(tmp_path):
    runs = [make_run(tmp_path, "a", seed, calls(600)) for seed in range(3)]
    predicted = GROUPINGS["disgust_in_angry"].labels(calls(700))
    runs.append(make_run(tmp_path, "merged", 0, predicted, grouping="disgust_in_angry"))
    judgement = judge_one(accuracy(kind="difference", variant="merged", minus="a"), *runs)
    assert (judgement.n_seeds, judgement.n_seeds_expected, judgement.verdict) == (1, 1, "reproduced")


def test_a_difference_of_anything_but_accuracy_needs_two_seeds(tmp_path):
    claim = {"kind": "difference", "variant": "a", "minus": "b", "metric": "history.late_gain"}
    runs = [make_run(tmp_path, name, history={"late_gain": gain}) for name, gain in (("a", 0.02), ("b", 0.01))]
    judgement = judge_one(claim, *runs)
    assert (judgement.verdict, judgement.measured) == ("not run", pytest.approx(0.01))
    assert "a difference needs two" in judgement.reason
    more = [make_run(tmp_path, name, 1, history={"late_gain": gain}) for name, gain in (("a", 0.021), ("b", 0.01))]
    judgement = judge_one(claim, *runs, *more)
    assert (judgement.verdict, judgement.rule) == ("reproduced", "Student t 95 % over 2 seeds")


def test_a_difference_of_runs_on_other_images_is_not_judged(tmp_path):
    runs = [make_run(tmp_path, "a", predicted=calls(700))]
    runs.append(make_run(tmp_path, "b", predicted=calls(600), rows=np.arange(N) + 1))
    judgement = judge_one(accuracy(kind="difference", minus="b"), *runs)
    assert (judgement.verdict, judgement.measured) == ("not run", None)
    assert "different images" in judgement.reason


def test_half_precision_predictions_leave_the_stored_difference_in_place(tmp_path):
    runs = [make_run(tmp_path, "a", predicted=calls(630)), make_run(tmp_path, "b", predicted=calls(600))]
    exact = judge_one(accuracy(kind="difference", minus="b"), *runs)
    for run in runs:
        with np.load(run.folder / "predictions.npz") as arrays:
            content = {
                name: values.astype(np.float16) if name == "single_test" else values for name, values in arrays.items()
            }
        write_npz(run.folder / "predictions.npz", content)
    rounded = judge_one(accuracy(kind="difference", minus="b"), *runs)
    assert rounded.measured == exact.measured
    assert rounded.interval == pytest.approx(exact.interval)


def test_a_grouping_sums_the_saved_probabilities(tmp_path):
    predicted = np.where(LABELS == 1, 0, calls(900))  # every disgust called angry: right once the two are one
    run = make_run(tmp_path, predicted=predicted)
    before = judge_one(accuracy(kind="value", published="90 %"), run).measured
    after = judge_one(accuracy(kind="value", published="90 %", grouping="disgust_in_angry"), run).measured
    gained = np.mean(LABELS == 1) + np.mean((LABELS == 0) & (predicted == 1))
    assert after - before == pytest.approx(gained)
    judgement = judge_one(accuracy(kind="difference", minus="a", grouping="disgust_in_angry"), run)
    assert (judgement.verdict, judgement.measured) == ("reproduced", pytest.approx(gained))
    assert judgement.metric == "accuracy, a (disgust_in_angry) minus a"


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


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (accuracy(kind="value", published="58.6 %", split="train"), "a (seed 0) has no metrics of train (single)"),
        (accuracy(kind="value", published="58.6 %", view="crops"), "a (seed 0) has no metrics of test (crops)"),
        (timing(), "a (seed 0) has no timing.seconds"),
        (
            accuracy(kind="value", published="1 %", grouping="attitude", view="crops"),
            "no saved predictions of test (crops)",
        ),
    ],
)
def test_a_number_the_run_does_not_hold_is_not_run(tmp_path, claim, reason):
    judgement = judge_one(claim, make_run(tmp_path, predicted=calls(600)))
    assert (judgement.verdict, judgement.measured, judgement.measured_text) == ("not run", None, "")
    assert reason in judgement.reason


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"sample": True}, "sample data"),
        ({"short": True}, "shortened budget"),
        ({"sample": True, "short": True}, "sample data"),
    ],
)
def test_sample_data_and_short_trainings_get_no_verdict(tmp_path, options, reason):
    good = make_run(tmp_path, seed=0, predicted=calls(586))
    barred = make_run(tmp_path, seed=1, predicted=calls(586), **options)
    claim = accuracy(kind="value", published="58.6 %")
    assert judge_one(claim, good).verdict == "reproduced"
    judgement = judge_one(claim, good, barred)
    assert (judgement.verdict, judgement.reason) == (None, reason)
    assert judgement.measured == pytest.approx(0.586)


def test_runs_on_different_data_are_not_averaged(tmp_path):
    runs = [make_run(tmp_path, seed=seed, predicted=calls(586), sha=str(seed)) for seed in (0, 1)]
    judgement = judge_one(accuracy(kind="value", published="58.6 %"), *runs)
    assert (judgement.verdict, judgement.reason) == ("not run", "the runs were made on different data")


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
        assert {judgement.verdict for judgement in judgements} == {"not run"}
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
    assert found["convolution_parameters"].verdict == "exceeded"
    assert found["faster_than_vgg19"].verdict == "reproduced"
    assert found["batch_norm_helps"].verdict == "not reproduced"
    assert found["fits_training_without_dropout"].verdict == "reproduced"
    assert found["best_of_all_attempts"].verdict == "not reproduced"
    assert found["merging_disgust_helps"].measured == pytest.approx(np.mean((LABELS == 0) & (calls(586) == 1)))
    assert all(judgement.measured_text and judgement.rule for judgement in found.values())


def test_the_rules_name_every_verdict_and_every_kind_of_claim():
    text = " ".join(f"{what}: {rule}" for what, rule in RULES)
    assert all(verdict in text for verdict in VERDICTS)
    assert all(kind in text for kind in ("value", "range", "at least", "at most", "difference", "ordering", "ranking"))


numbers = st.floats(-10, 10).map(lambda value: round(value, 3))
spans = st.tuples(numbers, numbers).map(sorted).map(tuple)
scales = st.sampled_from([0.25, 0.5, 2.0, 8.0, 64.0])


@given(spans, spans, scales)
def test_verdicts_do_not_depend_on_the_unit(published, interval, scale):
    value = sum(interval) / 2
    ends = (interval[0] * scale, interval[1] * scale)
    low, high = published[0] * scale, published[1] * scale
    assert judge_value(*published, value, interval, "")[0] == judge_value(low, high, value * scale, ends, "")[0]
    assert judge_at_least(published[0], value, "")[0] == judge_at_least(low, value * scale, "")[0]
    assert judge_at_most(published[1], value, "")[0] == judge_at_most(high, value * scale, "")[0]
    before = judge_difference(published, value, interval, "")[0]
    assert before == judge_difference((low, high), value * scale, ends, "")[0]


@given(spans, spans)
def test_a_difference_read_from_the_other_side_has_the_same_verdict(published, interval):
    value = sum(interval) / 2
    turned = judge_difference((-published[1], -published[0]), -value, (-interval[1], -interval[0]), "")[0]
    if sum(published) != 0:  # a difference published as zero has no side
        assert turned == judge_difference(published, value, interval, "")[0]


@given(spans, spans)
def test_a_value_below_from_above_is_above_from_below(published, interval):
    value = sum(interval) / 2
    verdict = judge_value(*published, value, interval, "")[0]
    turned = judge_value(-published[1], -published[0], -value, (-interval[1], -interval[0]), "")[0]
    assert turned == {"below": "exceeded", "exceeded": "below", "reproduced": "reproduced"}[verdict]


@given(st.lists(st.integers(0, 9), min_size=2, max_size=6))
def test_only_strictly_falling_numbers_are_in_order(values):
    groups = [[(str(index), float(value))] for index, value in enumerate(values)]
    falling = all(a > b for a, b in itertools.pairwise(values))
    assert (judge_order(groups, "")[0] == "reproduced") == falling
