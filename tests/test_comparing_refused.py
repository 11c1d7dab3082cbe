"""Runs that cannot be set side by side are refused, and it is said why."""

import numpy as np
import pytest
from compared_runs import FER, calls, write_run

from fer_lib.comparing import NoCommonImages, compare_runs

N = 350
LABELS = np.arange(N) % 7


def test_runs_without_a_common_image_are_refused(tmp_path):
    a = write_run(tmp_path, "a", LABELS, calls(LABELS))
    b = write_run(tmp_path, "b", LABELS, calls(LABELS), rows=np.arange(N) + N - 1 + 7)
    with pytest.raises(NoCommonImages, match="at least two images of test in common. Received: 0 of 350 and 350"):
        compare_runs(a, b)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (FER | {"is_sample": True}, "real data and the built-in sample"),
        (FER | {"protocol": "sfew_whole", "stands_for": "SFEW"}, "real data and a stand-in for SFEW from real data"),
        (FER | {"protocol": "sfew_whole"}, "real data and SFEW"),
    ],
)
def test_rows_of_other_data_are_not_compared(tmp_path, data, message):
    a = write_run(tmp_path, "a", LABELS, calls(LABELS))
    b = write_run(tmp_path, "b", LABELS, calls(LABELS), data=data)
    with pytest.raises(ValueError, match=f"rows of two runs must be of the same data. Received: {message}"):
        compare_runs(a, b)


def test_true_classes_that_disagree_are_refused(tmp_path):
    a = write_run(tmp_path, "a", LABELS, calls(LABELS))
    others = np.where(np.arange(N) == 300, (LABELS + 1) % 7, LABELS)
    with pytest.raises(ValueError, match="1 of 350 are not: their data differ. Received: row 300 is neutral in"):
        compare_runs(a, write_run(tmp_path, "b", others, calls(LABELS)))


def test_other_classes_are_refused(tmp_path):
    a = write_run(tmp_path, "a", LABELS, calls(LABELS))
    labels = LABELS % 2
    b = write_run(tmp_path, "b", labels, calls(labels, classes=2), classes=("negative", "positive"))
    with pytest.raises(ValueError, match="same classes apart. Received: angry, .* and negative, positive of"):
        compare_runs(a, b)


def test_predictions_that_are_missing_or_damaged_are_told(tmp_path):
    a, b = (write_run(tmp_path, name, LABELS, calls(LABELS)) for name in "ab")
    with pytest.raises(ValueError, match=r"split must be one of train, validation, test. Received: 'dev'"):
        compare_runs(a, b, "dev")
    with pytest.raises(ValueError, match=r"predictions of test \(ten_crops\). Received: test \(single\) of .*paper"):
        compare_runs(a, b, view="ten_crops")
    (b.folder / "predictions.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=f"^{b.folder / 'predictions.npz'} must be an npz file, whole. Received: "):
        compare_runs(a, b)
    (b.folder / "predictions.npz").unlink()
    with pytest.raises(ValueError, match=f"Received: no predictions of {b.folder}"):
        compare_runs(a, b)
