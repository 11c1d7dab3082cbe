"""Partly hidden faces: the search is better than chance on drawn faces with something in front of them."""

import numpy as np
import pytest

from fer_lib.audit import HiddenEstimate, estimate_hidden
from fer_lib.audit.hidden import PARTS, fit_parts, measure_absence
from fer_lib.audit.occluders import OCCLUDERS, hide_part
from fer_lib.sample import draw_face


@pytest.fixture(scope="module")
def estimate() -> HiddenEstimate:
    return estimate_hidden(per_kind=12, seed=4)


def test_the_search_beats_chance_by_far(estimate: HiddenEstimate) -> None:
    assert estimate.chance == 0.5
    assert estimate.precision > 0.75
    assert estimate.recall > 0.5
    assert estimate.false_alarms / estimate.free < 0.15


def test_the_estimate_counts_every_kind(estimate: HiddenEstimate) -> None:
    assert estimate.hidden == dict.fromkeys(OCCLUDERS, 12)
    assert set(estimate.found) == set(OCCLUDERS)
    assert estimate.recall == pytest.approx(sum(estimate.found.values()) / (12 * len(OCCLUDERS)))
    assert estimate.free == 60


def test_numbers_follow_from_the_counts() -> None:
    made = HiddenEstimate({"hand": 10, "cup": 10}, {"hand": 6, "cup": 9}, free=60, false_alarms=5)

    assert made.precision == 0.75
    assert made.recall == 0.75
    assert made.chance == 0.25
    assert made.precision_at(0.25) == pytest.approx(0.75)
    assert made.precision_at(0.1) == pytest.approx(0.5)
    assert "precision 0.75 (by chance 0.25; 0.50 if one face in ten were hidden), recall 0.75" in made.describe()
    assert "hand 6, cup 9 of 10 each" in made.describe()


def test_without_flags_there_is_no_precision() -> None:
    made = HiddenEstimate({"hand": 10}, {"hand": 0}, free=10, false_alarms=0)

    assert np.isnan(made.precision) and np.isnan(made.precision_at(0.1))


@pytest.mark.parametrize("kind", OCCLUDERS)
def test_something_is_painted_over_eyes_or_mouth(kind: str) -> None:
    drawing = draw_face("happy", np.random.default_rng(3))

    hidden = hide_part(drawing, kind, np.random.default_rng(1))

    changed = np.abs(hidden.astype(int) - drawing.image) > 8
    boxes = [drawing.boxes[part] for part in ("left_eye", "right_eye", "mouth")]
    shares = [
        changed[int(top) : int(bottom) + 1, int(left) : int(right) + 1].mean() for left, top, right, bottom in boxes
    ]
    assert max(shares) > 0.5
    assert changed.mean() < 0.7
    assert hidden.dtype == np.uint8 and hidden.shape == (48, 48)


def test_the_part_that_is_covered_is_the_one_that_is_missed() -> None:
    faces = np.stack([draw_face("neutral", np.random.default_rng([8, number])).image for number in range(120)])[
        ..., None
    ]
    detectors = fit_parts(faces)
    covered = faces[:40].copy()
    covered[:, 30:44] = 128

    absence = measure_absence(covered, detectors) - measure_absence(faces[:40], detectors)

    assert np.median(absence, axis=0).argmax() == list(PARTS).index("mouth")
    assert np.median(absence[:, 2]) > 1


def test_mistakes_are_told() -> None:
    faces = np.zeros((60, 48, 48, 1), np.uint8)
    drawing = draw_face("sad", np.random.default_rng(0))

    with pytest.raises(ValueError, match=r"at least 50\. Received: uint8 \(49, 48, 48, 1\)$"):
        fit_parts(faces[:49])
    with pytest.raises(ValueError, match=r"Received: uint8 \(60, 24, 48, 1\)$"):
        fit_parts(faces[:, :24])
    with pytest.raises(ValueError, match=r"kind must be one of .*cup.*\. Received: 'hat'$"):
        hide_part(drawing, "hat", np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"per_kind must be at least 1\. Received: 0$"):
        estimate_hidden(per_kind=0)
