"""The number a claim speaks of: its mean over seeds, its interval, and what is measured against what."""

import numpy as np
import pytest
from tiny_runs import LABELS, N, accuracy, calls, judge_one, make_card, make_resplit, make_run, timing

from fer_lib.claims import judge
from fer_lib.files import write_json, write_npz
from fer_lib.intervals import paired_difference, wilson_interval
from fer_lib.labels import GROUPINGS
from fer_lib.runs import Run, run_folder


def test_texts_are_for_people(tmp_path):
    percent = judge_one(accuracy(kind="value", published="52.0 %"), make_run(tmp_path, predicted=calls(586)))
    assert (percent.published, percent.measured_text) == ("52.0 %", "58.6 % [55.5, 61.6]")
    assert percent.reason.startswith("the interval lies 3.5 points above the published 51.95 to 52.05 %")
    claim = accuracy(kind="value", metric="recall.happy", published="0.86")
    recall = judge_one(claim, Run(run_folder(tmp_path, "paper", "tiny", "a", 0)))
    assert recall.measured_text == "0.587 [0.505, 0.665]"
    assert recall.rule == "Wilson 95 % on 143 images, one seed"


def test_the_interval_that_a_run_holds_of_a_number_is_taken(tmp_path):
    heat = {"images": 512, "interval": "bootstrap 95 %", "heat_gain": 1.5, "heat_gain_low": 1.4, "heat_gain_high": 1.7}
    claim = {**timing("at_least", "1.0", metric="attribution.heat_gain")}
    judgement = judge_one(claim, make_run(tmp_path, attribution=heat))
    assert (judgement.verdict, judgement.interval) == ("reproduced", (1.4, 1.7))
    assert judgement.rule == "bootstrap 95 % on 512 images, one seed"
    speed = {"rounds": 50, "interval": "bootstrap 95 %"}
    speed |= {"ratio_to_reference": 4.9, "ratio_to_reference_low": 4.7, "ratio_to_reference_high": 5.1}
    published = {"text": "6 times", "value": 6.0, "rounding": 0.5}
    judgement = judge_one(
        timing(published=published, metric="timing.ratio_to_reference"), make_run(tmp_path, timing=speed)
    )
    assert (judgement.verdict, judgement.rule) == ("below", "bootstrap 95 % on 50 rounds, one seed")


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


def test_a_ratio_is_a_number_over_a_constant(tmp_path):
    published = {"text": "less than 1 %", "value": 0.01, "rounding": 0.0}
    claim = timing("at_most", published, metric="model.convolution_parameters", divided_by=20024384)
    judgement = judge_one(claim, make_run(tmp_path, model={"convolution_parameters": 480192}))
    assert (judgement.verdict, judgement.measured_text) == ("not reproduced", "2.4 %")
    assert judgement.metric == "model.convolution_parameters / 20,024,384"
    assert judgement.reason.startswith("the measured value is 1.4 points over 1.0 %")


def test_a_number_that_is_the_same_with_every_seed_needs_no_interval_in_print(tmp_path):
    runs = [make_run(tmp_path, seed=seed, timing={"seconds": 5.49999}) for seed in range(3)]
    judgement = judge_one(timing(), *runs)
    assert (judgement.verdict, judgement.measured_text) == ("below", "5.50")
    assert judgement.rule == "the same with every seed"
    assert judgement.reason == "the interval lies 1e-05 below the published 5.5 to 6.5"


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
    assert (judgement.verdict, judgement.measured) == (None, pytest.approx(0.01))
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


# Student's quantile for three seeds is 4.3027; test over training images is 1/4 where each seed splits anew.
def test_seeds_that_split_anew_have_a_wider_interval(tmp_path):
    runs = [make_resplit(tmp_path, "a", seed, right) for seed, right in enumerate((500, 600, 700))]
    judgement = judge_one(accuracy(kind="value", published="60 %"), *runs)
    half = 4.3027 * 0.1 * (1 / 3 + 1 / 4) ** 0.5
    assert judgement.interval == pytest.approx((0.6 - half, 0.6 + half), abs=1e-4)
    assert judgement.rule == (
        "Student t 95 % over 3 seeds that split anew, variance × (1/3 + 1,000/4,000) "
        "(wider than Wilson 95 % on 1,000 images)"
    )
    shared = [
        make_run(tmp_path / "shared", seed=seed, predicted=calls(right)) for seed, right in enumerate((500, 600, 700))
    ]
    narrow = judge_one(accuracy(kind="value", published="60 %"), *shared).interval
    assert half / (narrow[1] - 0.6) == pytest.approx((1 + 3 / 4) ** 0.5, abs=1e-4)


def test_numbers_of_the_whole_run_are_corrected_too(tmp_path):
    runs = [make_resplit(tmp_path, "a", seed, 600, history={"max_accuracy": 0.5 + 0.1 * seed}) for seed in range(3)]
    judgement = judge_one(
        {"kind": "value", "variant": "a", "metric": "history.max_accuracy", "published": "60 %"}, *runs
    )
    assert judgement.interval[1] - 0.6 == pytest.approx(4.3027 * 0.1 * (1 / 3 + 1 / 4) ** 0.5, abs=1e-4)


def test_a_difference_over_splits_is_paired_within_each(tmp_path):
    runs = [make_resplit(tmp_path, "a", seed, right) for seed, right in enumerate((530, 640, 750))]
    runs += [make_resplit(tmp_path, "b", seed, right) for seed, right in enumerate((500, 600, 700))]
    judgement = judge_one(accuracy(kind="difference", minus="b", published="+4 points"), *runs)
    half = 4.3027 * 0.01 * (1 / 3 + 1 / 4) ** 0.5
    assert judgement.details["by_seed"] == pytest.approx({"0": 0.03, "1": 0.04, "2": 0.05})
    assert judgement.interval == pytest.approx((0.04 - half, 0.04 + half), abs=1e-5)
    assert judgement.rule == "Student t 95 % over 3 seeds that split anew, variance × (1/3 + 1,000/4,000)"
    assert judgement.verdict == "reproduced"
    alone = judge_one(accuracy(kind="difference", minus="b", published="+4 points"), runs[0], runs[3])
    assert alone.rule == "paired normal 95 % on 1,000 images, one seed"


def test_two_variants_of_one_seed_must_share_its_test_images(tmp_path):
    runs = [make_resplit(tmp_path, name, seed, 600) for name in ("a", "b") for seed in (0, 1)]
    runs[3] = make_run(tmp_path, "b", 1, calls(600))
    judgement = judge_one(accuracy(kind="difference", minus="b"), *runs)
    assert judgement.verdict == "not run"
    assert judgement.reason.startswith("a (seed 1) and b (seed 1) predicted different images")


def test_a_classifier_with_a_run_of_each_split_is_paired_by_seed(tmp_path):
    runs = [make_resplit(tmp_path, "a", seed, 600) for seed in range(3)]
    runs += [make_resplit(tmp_path, "lda", seed, right) for seed, right in enumerate((500, 400, 300))]
    judgement = judge_one(accuracy(kind="difference", minus="lda"), *runs)
    assert judgement.details["by_seed"] == pytest.approx({"0": 0.1, "1": 0.2, "2": 0.3})


def test_splits_of_unknown_size_leave_the_mean_unjudged(tmp_path):
    runs = [make_run(tmp_path, seed=seed, predicted=calls(600), rows=np.arange(N) + seed) for seed in (0, 1)]
    judgement = judge_one(accuracy(kind="value", published="60 %"), *runs)
    assert (judgement.verdict, judgement.measured) == ("not run", None)
    assert "a (seed 0) has no data.test_images" in judgement.reason


def test_a_part_of_the_test_images_has_numbers_but_no_differences(tmp_path):
    masks = {"single_originals": np.arange(N) < 700, "single_unleaked": np.arange(N) >= 500}
    runs = [make_run(tmp_path, name, predicted=calls(600), views=masks) for name in ("a", "b")]
    originals = judge_one(accuracy(kind="value", published="85 %", view="single_originals"), *runs)
    assert originals.measured == pytest.approx(6 / 7)
    assert (originals.rule, originals.verdict) == ("Wilson 95 % on 700 images, one seed", "reproduced")
    assert (originals.metric, originals.view) == ("accuracy", "originals only, without their transforms")
    unleaked = judge_one(accuracy(kind="value", published="20 %", view="single_unleaked"), *runs)
    assert (unleaked.measured, unleaked.verdict) == (pytest.approx(0.2), "reproduced")
    difference = judge_one(accuracy(kind="difference", minus="b", view="single_originals"), *runs)
    assert difference.verdict == "not run"
    assert difference.reason.startswith(
        "a (seed 0) has no saved predictions of test (single_originals), only metrics of that part of the images"
    )
    assert judge_one(accuracy(kind="value", published="85 %"), *runs).view == ""


def test_a_picture_counts_once_with_its_transforms(tmp_path):
    rows = np.arange(N) // 10  # 100 pictures of ten images each
    right = np.where(rows < 60, LABELS, (LABELS + 1) % 7)  # 60 pictures, with all their transforms
    runs = [make_run(tmp_path, name, predicted=right, rows=rows) for name in ("a", "b")]
    value = judge_one(accuracy(kind="value", published="60 %"), *runs)
    assert value.interval == pytest.approx(wilson_interval(60, 100))
    assert value.rule == "Wilson 95 % on 100 pictures, each with its transforms, one seed"
    recall = judge_one(accuracy(kind="value", metric="recall.angry", published="60 %"), *runs)
    assert recall.rule == "Wilson 95 % on 14 pictures, each with its transforms, one seed"
    grouped = judge_one(accuracy(kind="value", grouping="attitude", published="60 %"), *runs)
    assert grouped.rule == value.rule
    b = make_run(tmp_path, "b", predicted=np.where(rows < 50, LABELS, (LABELS + 1) % 7), rows=rows)
    difference = judge_one(accuracy(kind="difference", minus="b"), runs[0], b)
    pictures = np.arange(100)
    assert difference.interval == pytest.approx(paired_difference(pictures < 60, pictures < 50)["interval"])
    assert difference.rule == "paired normal 95 % on 100 pictures, each with its transforms, one seed"


def test_a_matrix_over_splits_is_shared_out_by_each_seed_s_own_classes(tmp_path):
    runs = [make_resplit(tmp_path, "a", seed, N) for seed in (0, 1)]
    metrics = runs[1].metrics
    metrics["test"]["single"]["confusion"][0] = [50, 50, 0, 0, 0, 0, 0]  # 100 images of angry, not 143
    write_json(runs[1].folder / "metrics.json", metrics)
    claim = {"kind": "matrix", "variant": "a", "split": "test", "rows": np.eye(7).tolist()}
    assert judge_one(claim, *runs).details["measured"][0][:3] == pytest.approx([0.75, 0.25, 0])


def test_numbers_of_the_splits_are_told_in_their_units(tmp_path):
    run = make_run(tmp_path, data={"leaked_test_share": 0.0345, "train_per_class": 436})
    claim = {"kind": "at_least", "variant": "a"}
    share = judge_one({**claim, "metric": "data.leaked_test_share", "published": "3 %"}, run)
    assert (share.verdict, share.measured_text, share.metric) == ("reproduced", "3.5 %", "data.leaked_test_share")
    count = judge_one({**claim, "kind": "value", "metric": "data.train_per_class", "published": "436"}, run)
    assert (count.verdict, count.measured_text) == ("reproduced", "436")


def test_a_run_made_before_a_number_was_known_is_not_run(tmp_path):
    claims = [accuracy(kind="value", metric=f"weighted_{name}", published="0.60") for name in ("f1", "recall")]
    run = make_run(tmp_path, predicted=calls(600))
    f1, recall = judge(make_card(*claims), [run])
    assert f1.verdict == recall.verdict == "reproduced"
    assert recall.interval == judge_one(accuracy(kind="value", published="60 %"), run).interval
    metrics = run.metrics
    del metrics["test"]["single"]["weighted_f1"]
    write_json(run.folder / "metrics.json", metrics)
    old = judge_one(claims[0], run)
    assert (old.verdict, old.measured) == ("not run", None)
    assert old.reason.startswith("a (seed 0) has no weighted_f1")


def test_an_interval_of_a_training_accuracy_stays_a_share(tmp_path):
    runs = [make_run(tmp_path, seed=n, history={"final_accuracy": v}) for n, v in enumerate((0.9, 0.95, 1.0))]
    claim = timing("value", "90 %", metric="history.final_accuracy")
    low, high = judge_one(claim, *runs).interval
    assert 0.8 < low < 0.9 and high == 1.0
