"""Tables that set runs, views and members of ensembles side by side, against values worked out by hand."""

from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import binomtest
from tiny_runs import LABELS, N, calls, make_run, one_hot

from fer_lib import tables
from fer_lib.ensemble import compare_with_better_member
from fer_lib.feature_fusion import Trial
from fer_lib.files import write_json, write_npz
from fer_lib.metrics import classification_metrics

WRONG = (LABELS + 1) % 7
Z = 1.959963984540054


def called(right):
    """Predicted classes that are right where `right` bool (N,) says so."""
    return np.where(right, LABELS, WRONG)


def between(*ends):
    """Images that are right: those from each start to each end."""
    right = np.zeros(N, bool)
    for start, end in ends:
        right[start:end] = True
    return right


def paired_ends(plus, minus):
    """Paired normal 95 % interval of a difference with so many images of +1 and of -1."""
    mean = (plus - minus) / N
    variance = ((plus + minus) - N * mean**2) / (N - 1)
    half = Z * (variance / N) ** 0.5
    return [mean - half, mean + half]


def change(run, request=None, metrics=None):
    """The same run with other entries in its configuration's request and in its metrics."""
    config = run.config
    write_json(run.folder / "config.json", {**config, "request": config["request"] | (request or {})})
    write_json(run.folder / "metrics.json", run.metrics | (metrics or {}))
    return run


def make_cropped(folder, variant, seed, single, crops):
    """A run that was also tested on ten crops."""
    run = make_run(folder, variant, seed, called(single))
    with np.load(run.folder / "predictions.npz") as saved:
        arrays = {**saved, "ten_crops_test": one_hot(called(crops))}
    write_npz(run.folder / "predictions.npz", arrays)
    test = run.metrics["test"] | {"ten_crops": classification_metrics(LABELS, arrays["ten_crops_test"])}
    return change(run, metrics={"test": test})


def test_a_group_is_compared_with_the_baseline_image_by_image(tmp_path):
    """700 against 600 of 1,000, 550 of them the same: 150 only here, 50 only there."""
    groups = {
        "better": [make_run(tmp_path, "b", predicted=called(between((0, 550), (600, 750))))],
        "plain": [make_run(tmp_path, "a", predicted=calls(600))],
        "same": [make_run(tmp_path, "c", predicted=calls(600))],
    }
    table = tables.paired_table(groups, "plain")
    assert list(table) == [
        *("model", "seeds", "images", "accuracy", "difference", "low", "high"),
        *("only here", "only baseline", "p_exact"),
    ]
    assert table["model"].tolist() == ["better", "same"]
    better, same = (row for _, row in table.iterrows())
    assert better[["seeds", "images", "only here", "only baseline"]].tolist() == [1, N, 150, 50]
    assert better[["accuracy", "difference"]].tolist() == pytest.approx([0.7, 0.1])
    assert better[["low", "high"]].tolist() == pytest.approx(paired_ends(150, 50))
    assert better["p_exact"] == pytest.approx(binomtest(50, 200).pvalue, rel=1e-9)
    assert same[["difference", "low", "high", "only here", "only baseline", "p_exact"]].tolist() == [0, 0, 0, 0, 0, 1]


def test_seeds_are_paired_and_an_image_counts_with_the_share_that_is_right(tmp_path):
    """Over both seeds: 400 images +1/2 (seed 0 has 400 more), 100 images -1/2 (seed 1 has 100 fewer), none both."""
    plain = [make_run(tmp_path, "a", seed, calls(500)) for seed in (1, 0, 5)]
    better = [
        make_run(tmp_path, "b", 0, called(between((0, 900)))),
        make_run(tmp_path, "b", 1, called(between((100, 500)))),
        make_run(tmp_path, "b", 7, calls(0)),
    ]
    row = tables.paired_table({"plain": plain, "better": better}, "plain").iloc[0]
    assert row[["seeds", "images", "only here", "only baseline"]].tolist() == [2, N, 400, 100]
    assert row[["accuracy", "difference"]].tolist() == pytest.approx([0.65, 0.15])
    differences = np.repeat([0.5, -0.5, 0.0], [400, 100, 500])
    half = Z * differences.std(ddof=1) / N**0.5
    assert row[["low", "high"]].tolist() == pytest.approx([0.15 - half, 0.15 + half])
    assert row["p_exact"] == pytest.approx(binomtest(100, 500).pvalue, rel=1e-9)


def test_what_two_seeds_take_from_each_other_is_no_difference(tmp_path):
    plain = [make_run(tmp_path, "a", seed, calls(500)) for seed in (0, 1)]
    other = [make_run(tmp_path, "b", 0, calls(600)), make_run(tmp_path, "b", 1, calls(400))]
    row = tables.paired_table({"plain": plain, "other": other}, "plain").iloc[0]
    assert row[["only here", "only baseline", "p_exact"]].tolist() == [100, 100, 1]
    same = [make_run(tmp_path, "c", 0, calls(0)), make_run(tmp_path, "c", 1, calls(N))]
    swapped = [make_run(tmp_path, "d", 0, calls(N)), make_run(tmp_path, "d", 1, calls(0))]
    row = tables.paired_table({"same": same, "swapped": swapped}, "same").iloc[0]
    assert row[["difference", "only here", "only baseline", "p_exact"]].tolist() == [0, 0, 0, 1]


def test_a_picture_and_its_transforms_count_once(tmp_path):
    rows = np.arange(N) // 4
    runs = {
        "plain": [make_run(tmp_path, "a", predicted=calls(0), rows=rows)],
        "better": [make_run(tmp_path, "b", predicted=called(np.arange(N) % 4 < 2), rows=rows)],
    }
    row = tables.paired_table(runs, "plain").iloc[0]
    assert row[["images", "only here", "only baseline"]].tolist() == [250, 250, 0]
    assert row[["difference", "low", "high"]].tolist() == [0.5, 0.5, 0.5]


def test_another_view_can_be_paired_and_empty_groups_are_left_out(tmp_path):
    groups = {
        "a": [make_cropped(tmp_path, "a", 0, between((0, 500)), between((0, 700)))],
        "b": [make_cropped(tmp_path, "b", 0, between((0, 500)), between((0, 600)))],
        "not run": [],
    }
    table = tables.paired_table(groups, "a", view="ten_crops")
    assert table[["model", "difference", "only baseline"]].values.tolist() == [["b", pytest.approx(-0.1), 100]]
    assert len(tables.paired_table({"a": groups["a"], "not run": []}, "a")) == 0


def test_runs_of_different_images_are_named(tmp_path):
    groups = {
        "a": [make_run(tmp_path, "a", predicted=calls(500))],
        "b": [make_run(tmp_path, "b", predicted=calls(500), rows=np.arange(N) + 1)],
    }
    with pytest.raises(ValueError, match=r"same images and classes.*Received: .*b/seed-0 and .*a/seed-0"):
        tables.paired_table(groups, "a")
    merged = {**groups, "b": [make_run(tmp_path, "merged", predicted=np.zeros(N, int), grouping="disgust_in_angry")]}
    with pytest.raises(ValueError, match=r"same images and classes.*Received: .*merged/seed-0 and .*a/seed-0"):
        tables.paired_table(merged, "a")


def test_what_cannot_be_paired_is_refused(tmp_path):
    groups = {"a": [make_run(tmp_path, "a", 0, calls(500))], "b": [make_run(tmp_path, "b", 3, calls(500))], "c": []}
    for baseline in ("c", "d"):
        with pytest.raises(ValueError, match=rf"one of \['a', 'b'\]\. Received: '{baseline}'"):
            tables.paired_table(groups, baseline)
    with pytest.raises(ValueError, match=r"'b' must share a seed with the baseline\. Received: \[3\] and \[0\]"):
        tables.paired_table(groups, "a")
    timed = {"a": groups["a"], "b": [make_run(tmp_path, "timed")]}
    with pytest.raises(ValueError, match=r"predictions of test \(single\)\. Received: .*timed/seed-0"):
        tables.paired_table(timed, "a")
    with pytest.raises(ValueError, match=r"predictions of test \(ten_crops\)\. Received: .*a/seed-0"):
        tables.paired_table({"a": groups["a"], "b": groups["a"]}, "a", view="ten_crops")


def test_ten_crops_stand_beside_the_single_view(tmp_path):
    """Of seed 0 80 images are gained and 20 lost, of seed 1 nothing changes."""
    groups = {
        "cropped": [
            make_cropped(tmp_path, "a", 0, between((0, 500)), between((20, 580))),
            make_cropped(tmp_path, "a", 1, between((0, 600)), between((0, 600))),
        ],
        "plain": [make_run(tmp_path, "b", predicted=calls(500))],
        "not run": [],
    }
    table = tables.view_table(groups)
    assert list(table) == ["model", "seeds", "images", "single", "ten crops", "difference", "low", "high"]
    assert table["model"].tolist() == ["cropped"]
    row = table.iloc[0]
    assert row[["seeds", "images"]].tolist() == [2, N]
    assert row[["single", "ten crops", "difference"]].tolist() == pytest.approx([0.55, 0.58, 0.03])
    differences = np.repeat([0.5, -0.5, 0.0], [80, 20, 900])
    half = Z * differences.std(ddof=1) / N**0.5
    assert row[["low", "high"]].tolist() == pytest.approx([0.03 - half, 0.03 + half])
    assert len(tables.view_table({"plain": groups["plain"]})) == 0


TRIALS = [
    asdict(Trial(strength, train, validation, 1.25 - strength / 100, 40, strength > 0.5))
    for strength, train, validation in ((10.0, 0.9, 0.58), (1.0, 0.95, 0.6), (0.1, 0.99, 0.59))
]


def compared(right):
    """An ensemble that is right where `right` says so, against members that are right on 570 and 600 images."""
    members = {"model_a": one_hot(calls(570)), "model_b": one_hot(calls(600))}
    return compare_with_better_member(LABELS, one_hot(called(right)), members, LABELS, members)


def make_ensemble(folder, way, ensemble, seed=0):
    run = make_run(folder, way, seed, calls(600), ensemble=ensemble, model={"parameters": 26_000_000})
    return change(run, request={"kind": "ensemble", "model": way})


def make_ensembles(folder):
    chosen = {"strength": 1.0, "at_the_end": False, "trials": TRIALS}
    worse = compared(between((0, 590)))
    better = compared(between((0, 500), (600, 720)))
    average = {
        "single": {"weight": 0.37, "validation_accuracies": [0.5, 0.6], **better},
        "ten_crops": {"weight": 0.41, "validation_accuracies": [0.5, 0.6], **worse},
    }
    return {
        "fused": [make_ensemble(folder, "features", {"single": {**chosen, **worse}}, seed) for seed in (0, 1)],
        "averaged": [make_ensemble(folder, "average", average)],
        "not run": [],
    }


def test_ensembles_have_a_row_for_each_run_and_view(tmp_path):
    table = tables.ensemble_table(make_ensembles(tmp_path))
    assert list(table) == [
        *("ensemble", "seed", "view", "fusion", "weight", "strength", "better member", "its accuracy"),
        *("accuracy", "gain", "low", "high", "only ensemble", "only member", "p_exact"),
    ]
    assert table[["ensemble", "seed", "view", "fusion"]].values.tolist() == [
        ["fused", 0, "single", "features"],
        ["fused", 1, "single", "features"],
        ["averaged", 0, "single", "average"],
        ["averaged", 0, "ten crops", "average"],
    ]
    np.testing.assert_array_equal(table["weight"], [np.nan, np.nan, 0.37, 0.41])
    np.testing.assert_array_equal(table["strength"], [1, 1, np.nan, np.nan])
    row = table.iloc[2]
    assert row[["better member", "only ensemble", "only member"]].tolist() == ["model_b", 120, 100]
    assert row[["its accuracy", "accuracy", "gain"]].tolist() == pytest.approx([0.6, 0.62, 0.02])
    assert row[["low", "high"]].tolist() == pytest.approx(paired_ends(120, 100))
    assert table["gain"].tolist() == pytest.approx([-0.01, -0.01, 0.02, -0.01])
    expected = [binomtest(0, 10).pvalue, binomtest(100, 220).pvalue]
    assert table["p_exact"].tolist() == pytest.approx([expected[0], expected[0], expected[1], expected[0]])


def test_penalties_have_a_row_for_each_trial_of_a_fusion(tmp_path):
    ensembles = make_ensembles(tmp_path)
    table = tables.penalty_table({**ensembles, "fused": ensembles["fused"][:1]})
    assert list(table) == [
        *("ensemble", "seed", "strength", "chosen", "train accuracy", "validation accuracy"),
        *("log loss", "iterations", "converged"),
    ]
    assert table.values.tolist() == [
        ["fused", 0, 10.0, False, 0.9, 0.58, pytest.approx(1.15), 40, True],
        ["fused", 0, 1.0, True, 0.95, 0.6, pytest.approx(1.24), 40, True],
        ["fused", 0, 0.1, False, 0.99, 0.59, pytest.approx(1.249), 40, False],
    ]
    assert len(tables.penalty_table({"averaged": ensembles["averaged"]})) == 0


@pytest.mark.parametrize("make", [tables.ensemble_table, tables.penalty_table])
def test_a_run_that_is_no_ensemble_is_named(tmp_path, make):
    with pytest.raises(ValueError, match=r"must be an ensemble\. Received: .*a/seed-0"):
        make({"a": [make_run(tmp_path, predicted=calls(500))]})


def test_shares_differences_tests_and_penalties_are_printed_in_their_own_units(tmp_path):
    ensembles = make_ensembles(tmp_path)
    html = tables.as_compared(tables.ensemble_table(ensembles)).to_html()
    assert all(text in html for text in (">62.0%<", ">+2.00%<", ">-1.00%<", ">0.002<", ">0.37<", ">1<", ">–<"))
    html = tables.as_compared(tables.penalty_table(ensembles)).to_html()
    assert all(text in html for text in (">0.1<", ">10<", ">99.0%<", ">1.240<", ">True<"))


def test_tables_without_rows_are_printed_too():
    for empty in (tables.ensemble_table({}), tables.view_table({"a": []}), tables.network_table({"a": []}, {})):
        assert len(empty) == 0 and "<td" not in tables.as_compared(empty).to_html()
