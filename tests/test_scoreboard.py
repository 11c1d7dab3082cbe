import json
from dataclasses import replace

import numpy as np
import pytest
from fake_runs import PAPER, SIZES, write_fake_run, write_fake_runs

from fer_lib import accuracy_pairs, papers
from fer_lib.claims import judge
from fer_lib.datasets import Split, load_data
from fer_lib.files import write_json
from fer_lib.intervals import wilson_interval
from fer_lib.labels import EMOTIONS
from fer_lib.runs import find_runs
from fer_lib.scoreboard import (
    OURS,
    YOURS,
    claim_table,
    collect,
    describe_sources,
    recall_table,
    score_table,
    source_table,
)
from fer_lib.seeds import Measurement
from fer_lib.summaries import Evidence

OFFICIAL = "PrivateTest, 7 classes, 200 images"


def edit(run, file, change):
    """Change a JSON file of a run folder."""
    content = json.loads((run.folder / file).read_text(encoding="utf-8"))
    change(content)
    write_json(run.folder / file, content)
    return run


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    write_fake_runs(folder)
    return find_runs(folder, "paper")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """The reader's, on the sample and shortened."""
    folder = tmp_path_factory.mktemp("own")
    for variant in ("light_vgg", "lda"):
        write_fake_run(folder, "smoke", variant, accuracy=0.5, is_sample=True, shortened=True)
    return find_runs(folder, "smoke")


@pytest.fixture(scope="module")
def models(published, own):
    return collect(published, own)


def test_seven_classes_of_the_official_split_come_first_and_alone(models):
    sets = list(dict.fromkeys(model.test_set for model in models))
    assert sets == [
        OFFICIAL,
        "PrivateTest, 3 classes, 200 images",
        "PrivateTest, 6 classes, 200 images",
        f"sample data: {OFFICIAL}",
    ]
    main = [model.variant for model in models if model.test_set == OFFICIAL]
    assert main == ["lda", "light_vgg", "qda", "softmax_regression", "without_batch_norm", "without_dropout"]


def test_runs_without_test_scores_are_no_models(models):
    assert "vgg19_timing" not in {model.variant for model in models}


def test_own_runs_are_told_from_published_ones(models):
    assert {model.name for model in models if model.whose == YOURS} == {"01 light vgg, yours", "01 lda, yours"}
    assert "01 without dropout (light vgg)" in {model.name for model in models if model.whose == OURS}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"protocol": "random_split"}, "random fifth of all rows, 7 classes, 200 images"),
        ({"protocol": "balanced_apart", "transforms": 3},
         "balanced classes, transforms free to part, 7 classes, 200 images"),
        ({"protocol": "sfew_whole", "stands_for": "SFEW"},
         "whole film stills (stand-in for SFEW), 7 classes, 200 images"),
        ({"is_sample": True}, f"sample data: {OFFICIAL}"),
        ({"sizes": {"train": 60, "validation": 160, "test": 160}}, "PrivateTest, 7 classes, 160 images"),
    ],
)  # fmt: skip
def test_other_test_images_are_another_test_set(tmp_path, published, options, words):
    other = write_fake_run(tmp_path, **options)
    (mine,) = (model for model in collect(published, [other]) if model.whose == YOURS)
    assert mine.test_set == words
    assert mine.test_set not in {model.test_set for model in collect(published, [])}


def test_another_file_of_the_data_is_another_test_set(tmp_path, published):
    other = write_fake_run(tmp_path)
    edit(other, "config.json", lambda config: config["request"]["data"].update(sha256="77" * 32))
    sets = {model.whose: model.test_set for model in collect(published, [other]) if model.variant == "light_vgg"}
    assert sets == {OURS: f"{OFFICIAL} (data 18181818)", YOURS: f"{OFFICIAL} (data 77777777)"}


def test_the_same_data_are_the_same_test_set(tmp_path, published):
    sets = {model.test_set for model in collect(published, [write_fake_run(tmp_path)]) if model.variant == "light_vgg"}
    assert sets == {OFFICIAL}


def test_seeds_are_averaged_with_the_interval_of_the_verdicts(published, models):
    (claim,) = (found for found in judge(papers.load("shi_light_vgg"), published) if found.claim_id == "test_accuracy")
    row = score_table(models).set_index("model").loc["01 light vgg"]
    assert row["seeds"] == 3
    assert (row["accuracy"], row["low"], row["high"]) == (claim.measured, *claim.interval)


def test_scores_say_what_a_guess_scores_and_what_a_model_costs(models):
    table = score_table(models).set_index("model")
    assert table.loc["01 light vgg", "guess"] == 29 / 200
    assert table.loc["01 light vgg", ["parameters", "seconds"]].tolist() == pytest.approx([776_519, 8 * 57.123456789])
    assert np.isnan(table.loc["01 lda", "parameters"]) and table.loc["01 lda", "seconds"] == 12
    assert table.loc["01 light vgg, yours", "caveat"] == "sample data"
    assert (table.loc[table["whose"] == OURS, "caveat"] == "").all()


def test_an_epoch_that_was_interrupted_makes_no_training_long(tmp_path):
    run = write_fake_run(tmp_path)
    before = score_table(collect([run], []))["seconds"].iloc[0]
    history = run.history
    history.loc[3, "seconds"] += 9000
    history.to_csv(run.folder / "history.csv", index=False)
    assert score_table(collect([run], []))["seconds"].tolist() == [before]


def test_models_of_the_data_at_hand_are_told_from_others(tmp_path):
    data = load_data("sample")
    whole, other_file, fewer_images, stand_in = (
        write_fake_run(tmp_path / str(number), sizes={**SIZES, "test": size})
        for number, size in enumerate((200, 200, 199, 200))
    )
    for run in (whole, fewer_images, stand_in):
        edit(run, "config.json", lambda config: config["request"]["data"].update(sha256=data.sha256))
    edit(stand_in, "config.json", lambda config: config["request"]["data"].update(stands_for="SFEW"))
    test = Split(data.test.images[:200], data.test.labels[:200], whole.predictions("test").rows)
    data = replace(data, test=test)
    found = [collect([run], [])[0].is_tested_on(data) for run in (whole, other_file, fewer_images, stand_in)]
    assert found == [True, False, False, False]


def test_epochs_of_each_phase_take_their_own_time(tmp_path):
    run = write_fake_run(tmp_path)
    history = run.history.assign(phase=[1, 1, 1, 1, 1, 2, 2, 2], seconds=[9, 10, 10, 11, 700, 40, 50, 51])
    history.to_csv(run.folder / "history.csv", index=False)
    assert score_table(collect([run], []))["seconds"].tolist() == [5 * 10 + 3 * 50]


def test_small_budgets_are_marked(tmp_path):
    runs = [write_fake_run(tmp_path, paper="liu_separable_ensemble", variant="model_a_short", shortened=False)]
    assert score_table(collect(runs, []))["caveat"].tolist() == ["small budget"]


def test_time_takes_in_what_a_run_is_made_from(tmp_path):
    paper = "liu_separable_ensemble"
    members = [write_fake_run(tmp_path, paper=paper, variant=name) for name in ("model_a", "model_b")]
    ensemble = write_fake_run(tmp_path, paper=paper, variant="ensemble")
    edit(ensemble, "config.json", lambda config: config["request"].update(members=[run.request for run in members]))
    edit(ensemble, "metrics.json", lambda metrics: metrics.pop("timing"))
    table = score_table(collect([ensemble], []))
    assert table["seconds"].tolist() == pytest.approx([2 * 8 * 57.123456789])
    (members[0].folder / "metrics.json").unlink()
    assert np.isnan(score_table(collect([ensemble], []))["seconds"].iloc[0])


def test_recalls_are_of_classes_that_stand_for_themselves(models, published):
    table = recall_table(models).set_index("model")
    assert not [name for name in table.index if "merged" in name or "attitude" in name]
    runs = [run for run in published if run.request["variant"] == "light_vgg"]
    means = np.mean([[run.metrics["test"]["single"]["recall"][name] for name in EMOTIONS] for run in runs], axis=0)
    np.testing.assert_allclose(table.loc["01 light vgg", list(EMOTIONS)].astype(float), means)


def test_a_class_that_was_left_out_is_blank(tmp_path):
    run = write_fake_run(tmp_path, paper="zakavi_network_surgery", variant="shallow", protocol="cleaned_six")
    row = recall_table(collect([run], [])).iloc[0]
    assert np.isnan(row["disgust"]) and 0 < row["happy"] < 1


def test_public_and_private_have_their_difference_with_an_interval(models):
    table = accuracy_pairs.public_private_table(models).set_index("model")
    row = table.loc["01 light vgg"]
    assert row["difference"] == pytest.approx(row["first"] - row["second"])
    assert row["low"] < row["difference"] < row["high"]
    wider = max(row["first high"] - row["first low"], row["second high"] - row["second low"])
    assert row["high"] - row["low"] > wider


def test_newcombe_s_example():
    """56 of 70 against 48 of 80 (Newcombe 1998, Table II, method 10)."""
    first, second = (Measurement(k / n, wilson_interval(k, n), "Wilson", {}) for k, n in ((56, 70), (48, 80)))
    assert accuracy_pairs.newcombe_interval(first, second) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    with pytest.raises(ValueError, match="Received: "):
        accuracy_pairs.newcombe_interval(first, Measurement(0.5, None, "", {}))


def test_leaks_are_what_all_images_have_over_the_others(tmp_path):
    def leak(metrics):  # 40 of 200 leaked; 100 right in all, 70 of them among the other 160
        metrics["test"]["single"].update(n=200, accuracy=100 / 200)
        metrics["test"]["single_unleaked"].update(n=160, accuracy=70 / 160)

    run = edit(write_fake_run(tmp_path), "metrics.json", leak)
    row = accuracy_pairs.leak_table(collect([run], [])).iloc[0]
    assert row["difference"] == pytest.approx(0.2 * (30 / 40 - 70 / 160))
    assert 0 < row["low"] < row["difference"] < row["high"]


def test_models_without_leaks_or_crops_are_left_out(tmp_path):
    def unleak(metrics):
        metrics["test"]["single_unleaked"] = metrics["test"]["single"]

    models = collect([edit(write_fake_run(tmp_path), "metrics.json", unleak)], [])
    assert accuracy_pairs.leak_table(models).empty and accuracy_pairs.crop_table(models).empty


def test_crops_are_paired_with_the_single_view(tmp_path):
    run = write_fake_run(tmp_path)
    with np.load(run.folder / "predictions.npz") as arrays:
        content = dict(arrays)
    right = np.eye(7, dtype=np.float32)[content["labels_test"]]
    np.savez(run.folder / "predictions.npz", **content, ten_crops_test=right)

    def crop(metrics):
        metrics["test"]["ten_crops"] = {**metrics["test"]["single"], "accuracy": 1.0}

    row = accuracy_pairs.crop_table(collect([edit(run, "metrics.json", crop)], [])).iloc[0]
    single = run.metrics["test"]["single"]["accuracy"]
    assert (row["first"], row["second"]) == (1.0, single)
    assert row["difference"] == pytest.approx(1 - single) and row["low"] < 1 - single < row["high"]


def test_own_numbers_without_a_verdict_are_not_set_against_the_papers(published, own):
    table = claim_table(published, own)
    assert set(table["whose"]) == {OURS}
    ours = table[(table["whose"] == OURS) & (table["claim"] == "The test accuracy of the CNN was 58.6 %")].iloc[0]
    assert ours["published"] == 0.586 and ours["verdict"] == "exceeded" and ours["low"] < ours["measured"]


def test_own_numbers_with_a_verdict_stand_beside_ours(published, tmp_path):
    write_fake_run(tmp_path, accuracy=0.9)
    mine = claim_table(published, find_runs(tmp_path, "paper")).set_index("whose").loc[[YOURS]]
    assert mine["claim"].tolist() == ["The test accuracy of the CNN was 58.6 %"]
    assert mine["verdict"].tolist() == ["exceeded"] and mine["measured"].iloc[0] > 0.8


def test_every_paper_has_its_claims_where_nothing_is_measured():
    table = claim_table([], [])
    assert table["paper"].str[:2].nunique() == 5
    assert set(table["verdict"]) == {"not run"}


def test_sources_are_told_with_what_bars_comparison(published, own):
    told = describe_sources(published, own, "smoke")
    assert f"Published by us: {len(published)} runs of 1 paper; your own, profile smoke: 2 runs of 1 paper" in told
    assert "**Sample data" in told and "**Shortened budget" in told and "stand-in" not in told
    assert describe_sources([], [], "quick") == "Published by us: none; your own, profile quick: none."


def test_a_variant_on_the_sample_by_design_makes_no_sample_data_of_the_rest(tmp_path):
    run = write_fake_run(tmp_path, is_sample=True, protocol="drawn_sample")
    assert "Sample data" not in describe_sources([], [run], "paper")
    assert Evidence("ours", papers.load(PAPER), [run]).caveat == ""


def test_a_stand_in_is_told(tmp_path):
    run = write_fake_run(tmp_path, protocol="sfew_whole", stands_for="SFEW")
    assert "**A stand-in takes the place of SFEW" in describe_sources([run], [], "paper")


def test_sources_are_counted_by_paper(models, published):
    table = source_table(models)
    ours = table[table["whose"] == OURS].set_index("number")
    assert ours.loc["01", ["models", "runs", "test sets"]].tolist() == [
        8,
        len(published) - 1,
        3,
    ]  # one times the speed alone
    assert ours.loc["05", "runs"] == 0
    assert table[table["whose"] == YOURS]["number"].tolist() == ["01"]


def test_no_runs_make_empty_tables():
    assert collect([], []) == []
    tables = (score_table([]), recall_table([]), accuracy_pairs.public_private_table([]), accuracy_pairs.leak_table([]))
    assert all(table.empty and "test set" in table for table in tables)
