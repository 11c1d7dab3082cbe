import numpy as np
import pytest
from tiny_runs import LABELS, N, calls, make_run, one_hot

from fer_lib.files import write_json, write_npz
from fer_lib.labels import GROUPINGS
from fer_lib.metrics import classification_metrics
from fer_lib.tables import common_images_table, twin_table

SIX = GROUPINGS["without_disgust"]


def make_six(folder, kept, right):
    """A run on six classes, tested on the images `kept`, bool (N,), right on the first `right` of all."""
    held = kept & SIX.holds(LABELS)
    six = np.zeros(N, dtype=np.int64)
    six[held] = SIX.labels(LABELS[held])
    predicted = np.where(np.arange(N) < right, six, (six + 1) % 6)
    run = make_run(folder, "six", predicted=predicted, grouping=None)
    return rewrite(run, np.arange(N)[held], six[held], predicted[held])


def rewrite(run, rows, labels, predicted):
    probabilities = one_hot(predicted, len(SIX.classes))
    arrays = {"rows_test": rows, "labels_test": labels, "single_test": probabilities}
    write_npz(run.folder / "predictions.npz", arrays)
    single = classification_metrics(labels, probabilities, SIX.classes)
    write_json(run.folder / "metrics.json", {"test": {"single": single}})
    return run


def test_networks_are_compared_on_the_images_and_classes_they_share(tmp_path):
    """Seven classes, right on the first 700; six classes of the second half of the images, right on the first 900."""
    seven = make_run(tmp_path / "a", predicted=calls(700))
    six = make_six(tmp_path / "b", np.arange(N) >= 500, 900)
    table = common_images_table({"seven": [seven], "six": [six]}).set_index("condition")
    shared = np.flatnonzero((np.arange(N) >= 500) & (LABELS != 1))
    assert table["classes"].to_dict() == {"seven": 7, "six": 6}
    assert table["test images"].to_dict() == {"seven": N, "six": len(shared)}
    assert (table["shared images"] == len(shared)).all()
    assert table.loc["six", "accuracy on shared"] == pytest.approx((shared < 900).mean())
    assert table.loc["six", "accuracy"] == pytest.approx((shared < 900).mean())
    assert table.loc["seven", "accuracy"] == 0.7
    # a wrong call of disgust (of an angry image) leaves its second best, the first of equally small ones: angry, right
    wrong_calls_of_disgust = (shared >= 700) & (LABELS[shared] == 0)
    assert table.loc["seven", "accuracy on shared"] == pytest.approx(((shared < 700) | wrong_calls_of_disgust).mean())
    assert (table["low"] < table["accuracy on shared"]).all() and (table["accuracy on shared"] < table["high"]).all()


def test_each_condition_is_set_beside_the_first_image_by_image(tmp_path):
    """Both are right on 700 of 1,000 images: on the same ones, or on the last of them, saved in another order."""
    first = make_run(tmp_path / "a", predicted=calls(700))
    same = make_run(tmp_path / "b", predicted=calls(700))
    last = make_run(tmp_path / "c", predicted=np.where(np.arange(N) >= 300, LABELS, (LABELS + 1) % 7))
    backwards = last.predictions("test")
    arrays = {"rows_test": backwards.rows[::-1], "labels_test": backwards.labels[::-1]}
    write_npz(last.folder / "predictions.npz", arrays | {"single_test": backwards.probabilities[::-1]})
    names = ["difference", "difference low", "difference high"]
    table = common_images_table({"first": [first], "same": [same], "last": [last]}).set_index("condition")[names]
    assert table.loc["first"].isna().all()
    assert table.loc["same"].tolist() == [0, 0, 0]
    assert table.loc["last", "difference"] == pytest.approx(0)
    assert -0.06 < table.loc["last", "difference low"] < -0.04 and 0.04 < table.loc["last", "difference high"] < 0.06
    within = common_images_table({"first": [first], "last": [last]}, within=np.arange(300)).set_index("condition")
    assert within.loc["last", names].tolist() == [-1, -1, -1]


def test_shared_images_may_be_kept_within_some_rows(tmp_path):
    run = make_run(tmp_path, predicted=calls(700))
    table = common_images_table({"a": [run]}, within=np.arange(600, N + 50))
    assert table.loc[0, ["shared images", "accuracy", "accuracy on shared"]].tolist() == [N - 600, 0.7, 0.25]


def test_seeds_are_averaged(tmp_path):
    runs = [make_run(tmp_path, seed=seed, predicted=calls(right)) for seed, right in enumerate((600, 800))]
    table = common_images_table({"a": runs})
    assert table["accuracy on shared"].tolist() == table["accuracy"].tolist() == [0.7]


def test_no_run_and_nothing_shared_are_refused(tmp_path):
    run = make_run(tmp_path / "a", predicted=calls(700))
    with pytest.raises(ValueError, match=r"none for \['b'\]"):
        common_images_table({"a": [run], "b": []})
    other = make_run(tmp_path / "b", predicted=calls(700), rows=np.arange(N) + N)
    with pytest.raises(ValueError, match="must share test images"):
        common_images_table({"a": [run], "b": [other]})


def test_accuracy_is_told_apart_by_twins(tmp_path):
    runs = [make_run(tmp_path, seed=seed, predicted=calls(right)) for seed, right in enumerate((600, 800))]
    twins = np.arange(N) < 500
    table = twin_table({"a": runs}, np.arange(N), twins)
    expected = {"test images": N, "twins": 500, "accuracy": 0.7, "with a twin": 1.0, "without a twin": 0.4}
    assert table.loc[0, list(expected)].to_dict() == pytest.approx(expected)
    assert table.loc[0, "low"] < 0.4 < table.loc[0, "high"]
    assert np.isnan(twin_table({"a": runs}, np.arange(N), ~np.zeros(N, bool)).loc[0, "without a twin"])
    with pytest.raises(ValueError, match="tested on these 1,000 images. Received: 'a'"):
        twin_table({"a": runs}, np.arange(N) + 1, twins)
