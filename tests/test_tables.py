import numpy as np
import pandas as pd
import pytest
from fake_runs import write_fake_run
from sklearn.metrics import classification_report

from fer_lib import figures, papers
from fer_lib.files import write_json
from fer_lib.intervals import wilson_interval
from fer_lib.labels import EMOTIONS, GROUPINGS
from fer_lib.measurements import measure_accuracy
from fer_lib.metrics import classification_metrics
from fer_lib.tables import (
    SCORES,
    accuracy_table,
    as_percent,
    class_accuracy_table,
    class_report_table,
    grouping_table,
    heat_table,
    hyperparameter_table,
    phase_table,
    score_table,
    split_score_table,
)

CARD = papers.load("shi_light_vgg")


def _with_metrics(run, **splits):
    """The same run with other metrics for some splits, or none where None is given."""
    kept = {name: value for name, value in (run.metrics | splits).items() if value is not None}
    write_json(run.folder / "metrics.json", kept)
    return run


def _scored(labels, predicted):
    return classification_metrics(np.asarray(labels), np.eye(7)[predicted])


def test_every_hyperparameter_has_a_row_with_its_origin():
    table = hyperparameter_table(CARD).set_index("hyper-parameter")
    assert list(table.index) == list(CARD.hyperparameters)
    assert table["origin"].to_dict() == {name: value.origin for name, value in CARD.hyperparameters.items()}
    assert table.loc["dropout_rate"].tolist() == ["0.5", "stated", "Section 4.2"]
    assert (table["where or why"].str.len() > 0).all()


def _with_history(run, **columns):
    """The same run with another history; columns are lists of equal length."""
    pd.DataFrame(columns).to_csv(run.folder / "history.csv", index=False)
    return run


def test_each_phase_has_a_row_with_its_last_and_its_best_epoch(tmp_path):
    first, second, whole = (write_fake_run(tmp_path, seed=seed) for seed in range(3))
    _with_history(first, phase=[1, 1, 2], accuracy=[0.2, 0.3, 0.6], val_accuracy=[0.35, 0.25, 0.5])
    _with_history(second, phase=[1, 1, 1], accuracy=[0.2, 0.3, 0.5], val_accuracy=[0.1, 0.45, 0.2])
    _with_history(whole, accuracy=[0.6, 0.7])
    table = phase_table({"head first": [first, second], "at once": [whole], "not run": []})
    assert table[["model", "phase", "seeds", "epochs"]].to_numpy().tolist() == [
        ["head first", 1, 2, 2],  # 2.5 on average, to even
        ["head first", 2, 1, 1],
        ["at once", 1, 1, 2],
    ]
    assert table["training"].tolist() == pytest.approx([0.4, 0.6, 0.7])
    assert table["PublicTest"].tolist() == pytest.approx([0.4, 0.5, np.nan], nan_ok=True)


def test_every_run_has_a_column_with_where_it_looks(tmp_path):
    shares = {"heat_share_eyes": 0.2, "area_share_eyes": 0.1, "heat_share_mouth": 0.1, "area_share_mouth": 0.2}
    pooled = {"heat_share": 0.3, "area_share": 0.3, "heat_ratio": 1.0, "empty_maps": 0.25}
    areas = {"deletion_area": 0.3, "deletion_area_random": 0.4, "insertion_area": 0.6, "insertion_area_random": 0.5}
    runs = [write_fake_run(tmp_path, seed=seed) for seed in range(3)]
    for number, run in enumerate(runs):
        gain = {"heat_gain": 1.2, "heat_gain_low": 1.1, "heat_gain_high": 1.3} if number else {}
        _with_metrics(run, attribution={"images": 8, **shares, **pooled, **areas, **gain})
    table = heat_table({"two seeds": runs[:2], "one": runs[2:], "not run": []})
    assert list(table) == ["two seeds, seed 0", "two seeds, seed 1", "one"]
    assert table["one"].tolist() == pytest.approx([2.0, 0.5, 1.0, 1.2, 1.1, 1.3, 0.25, 0.3, 0.4, 0.6, 0.5])
    assert list(table.index[:2]) == ["heat on eyes / area", "heat on mouth / area"]
    assert table.isna().sum().tolist() == [3, 0, 0]


def test_every_run_has_a_row_with_the_scores_of_its_folder(tmp_path):
    networks = [write_fake_run(tmp_path, seed=seed) for seed in (0, 1)]
    lda = write_fake_run(tmp_path, variant="lda", accuracy=0.35)
    table = score_table({"light VGG": networks, "LDA": [lda]})
    assert table["model"].tolist() == ["light VGG", "light VGG", "LDA"]
    assert table["seed"].tolist() == [0, 1, 0]
    assert table["kept epoch"].tolist() == [7, 7, "–"]
    for (_, row), run in zip(table.iterrows(), [*networks, lda], strict=True):
        test = run.metrics["test"]
        assert row["PublicTest"] == run.metrics["validation"]["single"]["accuracy"]
        assert row["PrivateTest"] == test["single"]["accuracy"] != test["single_unleaked"]["accuracy"]
        assert row["PrivateTest without leaks"] == test["single_unleaked"]["accuracy"]
        assert row["macro F1"] == test["single"]["macro_f1"]


def test_no_runs_make_no_rows():
    assert len(score_table({})) == len(score_table({"light VGG": []})) == 0


def test_runs_without_validation_images_are_scored_on_train_and_test(tmp_path):
    run = write_fake_run(tmp_path)
    single = run.metrics["test"]["single"]
    table = score_table({"LeNet-5": [_with_metrics(run, validation=None, test={"single": single})]})
    row = table.iloc[0]
    assert list(table) == ["model", "seed", "kept epoch", "train", "test", "test without leaks", "macro F1"]
    assert row["train"] == run.metrics["train"]["single"]["accuracy"]
    assert row["test"] == single["accuracy"] and np.isnan(row["test without leaks"])


def test_grouping_sets_summed_probabilities_beside_trained_ones(tmp_path):
    run = write_fake_run(tmp_path)
    retrained = {
        "disgust_in_angry": write_fake_run(tmp_path, variant="merged_disgust", accuracy=0.7),
        "attitude": write_fake_run(tmp_path, variant="attitude", accuracy=0.8),
    }
    table = grouping_table(run, retrained).set_index(["classes", "probabilities"])
    assert list(table.index) == [
        ("seven emotions", "as trained"),
        ("disgust_in_angry", "summed"),
        ("disgust_in_angry", "trained"),
        ("attitude", "summed"),
        ("attitude", "trained"),
    ]
    assert table.loc[("seven emotions", "as trained"), "accuracy"] == run.metrics["test"]["single"]["accuracy"]
    saved = run.predictions("test")
    for name, other in retrained.items():
        labels = GROUPINGS[name].labels(saved.labels)
        predicted = GROUPINGS[name].probabilities(saved.probabilities).argmax(axis=1)
        assert table.loc[(name, "summed"), "accuracy"] == pytest.approx((predicted == labels).mean())
        assert table.loc[(name, "trained"), "accuracy"] == other.metrics["test"]["single"]["accuracy"]
        shares = pd.Series(labels).value_counts(normalize=True)
        assert table.loc[(name, "summed"), "largest_class"] == pytest.approx(shares.max())


def test_percent_has_one_decimal_and_no_index():
    table = pd.DataFrame(
        {"model": ["LDA"], "seed": [3], "accuracy": [0.35149], "missing": [float("nan")]}, index=[777777]
    )
    html = as_percent(table).to_html()
    assert "35.1%" in html and ">3<" in html and ">–<" in html
    assert "777777" not in html


def test_percent_prints_counts_with_commas_and_missing_ones_as_dashes():
    table = pd.DataFrame({"images": [71780], "published": pd.array([None], dtype="Int64")})
    html = as_percent(table).to_html()
    assert ">71,780<" in html and ">–<" in html


def test_percent_takes_the_score_table_as_it_is(tmp_path):
    runs = {"light VGG": [write_fake_run(tmp_path)], "LDA": [write_fake_run(tmp_path, variant="lda")]}
    accuracy = runs["LDA"][0].metrics["test"]["single"]["accuracy"]
    html = as_percent(score_table(runs)).to_html()
    assert f"{accuracy:.1%}" in html and ">7<" in html and ">–<" in html


def test_class_accuracy_counts_the_correct_images_of_one_resplit(tmp_path):
    run = write_fake_run(tmp_path)
    saved = run.predictions("test")
    right = saved.probabilities.argmax(axis=1) == saved.labels
    table = class_accuracy_table([run]).set_index("class")
    assert list(table.index) == [*EMOTIONS, "total"]
    assert list(table) == ["total", "correct", "accuracy", "low", "high"]
    for label, name in enumerate(EMOTIONS):
        mine = right[saved.labels == label]
        assert table.loc[name, ["total", "correct"]].tolist() == [len(mine), mine.sum()]
        assert table.loc[name, "accuracy"] == pytest.approx(mine.mean())
        assert table.loc[name, ["low", "high"]].tolist() == pytest.approx(wilson_interval(int(mine.sum()), len(mine)))
    assert table.loc["total", ["total", "correct"]].tolist() == [len(right), right.sum()]
    assert table.dtypes[["total", "correct"]].tolist() == [np.int64, np.int64]


def test_class_accuracy_over_resplits_sums_counts_and_keeps_the_interval_of_one(tmp_path):
    runs = [write_fake_run(tmp_path, seed=seed) for seed in range(3)]
    alone = [class_accuracy_table([run]).set_index("class") for run in runs]
    table = class_accuracy_table(runs).set_index("class")
    for column in ("total", "correct"):
        assert table[column].tolist() == sum(one[column] for one in alone).tolist()
    share = table.loc["total", "accuracy"]
    assert share == pytest.approx(np.mean([one.loc["total", "accuracy"] for one in alone]))
    assert table.loc["total", ["low", "high"]].tolist() == pytest.approx(wilson_interval(200 * share, 200))


def test_class_accuracy_sets_published_values_beside_and_knows_no_accuracy_of_an_empty_class(tmp_path):
    run = write_fake_run(tmp_path)
    run = _with_metrics(run, test={"single": _scored([0, 0, 0, 3], [0, 0, 1, 3])})
    table = class_accuracy_table([run], {"angry": 0.35, "total": 0.3556}).set_index("class")
    assert table["published"].dropna().to_dict() == {"angry": 0.35, "total": 0.3556}
    assert table.loc["disgust", ["total", "correct"]].tolist() == [0, 0]
    assert table.loc["disgust", ["accuracy", "low", "high"]].isna().all()
    assert "35.6%" in as_percent(table.reset_index()).to_html()


def test_unequal_resplits_with_every_image_right_have_an_interval_that_ends_at_one(tmp_path):
    sizes = (2, 3)
    runs = [
        _with_metrics(write_fake_run(tmp_path, seed=size), test={"single": _scored([0] * size, [0] * size)})
        for size in sizes
    ]
    table = class_accuracy_table(runs).set_index("class")
    assert table.loc["total", ["total", "correct", "accuracy", "high"]].tolist() == [5, 5, 1, 1]


def test_split_scores_are_means_over_the_runs_with_published_ones_beside(tmp_path):
    runs = [write_fake_run(tmp_path, seed=seed) for seed in range(2)]
    published = {"train": {"accuracy": 0.9934}, "test": {"accuracy": 0.5375, "macro_f1": 0.5162}}
    table = split_score_table(runs, published)
    assert table["score"].tolist() == ["accuracy", "macro F1", "macro recall", "macro precision"]
    for split in ("train", "test"):
        measured = [np.mean([run.metrics[split]["single"][name] for run in runs]) for name in SCORES]
        assert table[split].tolist() == pytest.approx(measured)
    assert table["train published"].tolist()[:1] == [0.9934] and table["train published"].isna().sum() == 3
    assert table["test published"].tolist()[:2] == [0.5375, 0.5162]
    assert list(split_score_table(runs)) == ["score", "train", "test"]
    assert list(split_score_table(runs, {"test": {}})) == ["score", "train", "test", "test published"]


def test_split_scores_read_another_view_of_the_test_set(tmp_path):
    run = write_fake_run(tmp_path)
    table = split_score_table([run], view="single_unleaked")
    assert table["test"][0] == run.metrics["test"]["single_unleaked"]["accuracy"]
    assert table["train"][0] == run.metrics["train"]["single"]["accuracy"]


def test_class_report_says_what_scikit_learn_says(tmp_path):
    run = write_fake_run(tmp_path, sizes={"train": 60, "validation": 20, "test": 53})
    saved = run.predictions("test")
    predicted = saved.probabilities.argmax(axis=1)
    expected = classification_report(
        saved.labels, predicted, labels=range(7), target_names=EMOTIONS, output_dict=True, zero_division=0
    )
    table = class_report_table([run]).set_index("class")
    assert list(table.index) == [*EMOTIONS, "accuracy", "macro avg", "weighted avg"]
    for name in [*EMOTIONS, "macro avg", "weighted avg"]:
        assert table.loc[name].tolist() == pytest.approx(list(expected[name].values()))
    assert table.loc["accuracy", ["f1", "support"]].tolist() == pytest.approx([expected["accuracy"], 53])
    assert table.loc["accuracy", ["precision", "recall"]].isna().all()


def test_class_report_of_several_runs_is_their_mean(tmp_path):
    runs = [
        write_fake_run(tmp_path, seed=seed, sizes={"train": 9, "validation": 9, "test": 50 + seed}) for seed in (0, 4)
    ]
    table = class_report_table(runs).set_index("class")
    alone = [class_report_table([run]).set_index("class") for run in runs]
    assert table["f1"].tolist() == pytest.approx(((alone[0]["f1"] + alone[1]["f1"]) / 2).tolist())
    assert table.loc["macro avg", "f1"] == pytest.approx(split_score_table(runs)["test"][1])
    assert table.loc["accuracy", "support"] == 52 and table["support"].dtype == np.int64


def test_class_report_sets_published_values_beside_measured_ones(tmp_path):
    published = {
        "happy": {"precision": 0.61, "recall": 0.82, "f1": 0.70, "support": 17900},
        "accuracy": {"f1": 0.54, "support": 71780},
    }
    table = class_report_table([write_fake_run(tmp_path)], published)
    assert list(table) == [
        *("class", "precision", "precision published", "recall", "recall published"),
        *("f1", "f1 published", "support", "support published"),
    ]
    row = table.set_index("class").loc["happy"]
    assert row[[f"{name} published" for name in published["happy"]]].tolist() == list(published["happy"].values())
    only_f1 = class_report_table([write_fake_run(tmp_path)], {"fear": {"f1": 0.39}})
    assert list(only_f1) == ["class", "precision", "recall", "f1", "f1 published", "support"]
    html = as_percent(table).to_html()
    assert ">17,900<" in html and ">71,780<" in html and "82.0%" in html


def test_accuracies_have_a_row_for_every_set_of_images(tmp_path):
    official = [write_fake_run(tmp_path, seed=seed) for seed in range(2)]
    balanced = write_fake_run(tmp_path, seed=7)
    test = {"single": _scored([0] * 8, [0] * 6 + [1] * 2), "single_originals": _scored([0, 0], [0, 1])}
    _with_metrics(balanced, validation=None, test=test, data={"leaked_test": 4, "leaked_test_share": 0.5})
    published = {"balanced": {"test": 0.305}}
    table = accuracy_table({"official": official, "balanced": [balanced]}, published)
    assert list(zip(table["condition"], table["scored on"], strict=True)) == [
        *(("official", name) for name in ("train", "test", "test, without leaks")),
        *(("balanced", name) for name in ("train", "test", "test, originals only")),
    ]
    rows = table.set_index(["condition", "scored on"])
    scores = [run.metrics["test"]["single"]["accuracy"] for run in official]
    first = rows.loc[("official", "test")]
    assert first[["seeds", "images"]].tolist() == [2, 200]
    assert first[["lowest seed", "accuracy", "highest seed"]].tolist() == [min(scores), np.mean(scores), max(scores)]
    found = measure_accuracy(official)
    assert first[["low", "high"]].tolist() == list(found.interval)
    assert first["low"] <= wilson_interval(200 * np.mean(scores), 200)[0]
    last = rows.loc["balanced"]
    assert last["images"].tolist() == [60, 8, 2] and last["accuracy"].tolist()[1:] == [0.75, 0.5]
    assert rows["published"].dropna().to_dict() == {("balanced", "test"): 0.305}
    assert rows["leaked"].dropna().to_dict() == {("balanced", "test"): 0.5}
    assert "published 30.5%" in figures.plot_accuracies(table).description


@pytest.mark.parametrize("make", [class_accuracy_table, split_score_table, class_report_table])
def test_a_table_of_no_run_is_refused(make):
    with pytest.raises(ValueError, match=r"Received: \[\]"):
        make([])


@pytest.mark.parametrize("make", [class_accuracy_table, split_score_table, class_report_table])
def test_a_run_that_was_not_scored_under_a_view_is_named(tmp_path, make):
    run = write_fake_run(tmp_path)
    with pytest.raises(ValueError, match=r"metrics of test \(single_originals\)\. Received: .*seed-0"):
        make([run], view="single_originals")


@pytest.mark.parametrize(
    ("make", "published", "received"),
    [
        (class_accuracy_table, {"Angry": 0.35}, "Angry"),
        (split_score_table, {"validation": {}}, "validation"),
        (split_score_table, {"test": {"f1": 0.5}}, "f1"),
        (class_report_table, {"anger": {"f1": 0.5}}, "anger"),
        (class_report_table, {"angry": {"F1": 0.5}}, "F1"),
        (lambda runs, published: accuracy_table({"a": runs}, published), {"b": {"test": 0.5}}, r"\('b', 'test'\)"),
        (lambda runs, published: accuracy_table({"a": runs}, published), {"a": {"private": 0.5}}, "private"),
        (lambda runs, _: accuracy_table({"a": runs, "b": []}), None, "none for 'b'"),
    ],
)
def test_published_values_that_belong_nowhere_and_empty_conditions_are_refused(tmp_path, make, published, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        make([write_fake_run(tmp_path)], published)
