import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_lib.datasets import Split
from fer_lib.labels import EMOTIONS
from fer_lib.regions import FACE_BOXES, fixed_masks, sample_masks
from fer_lib.sample import draw_face, make_sample

SIZES = (9, 8, 7)


@pytest.fixture(scope="module")
def sample():
    return make_sample(SIZES, seed=2)


def test_the_parts_of_an_aligned_face_stand_apart_and_mirror_each_other():
    masks = fixed_masks()
    assert list(masks) == ["eyes", "brows", "mouth"]
    together = np.sum(list(masks.values()), axis=0)
    assert together.shape == (48, 48) and together.max() == 1
    assert together.mean() == pytest.approx(0.303, abs=0.001)  # as the docstring says
    for mask in masks.values():
        np.testing.assert_array_equal(mask, mask[:, ::-1])
    rows = {part: np.flatnonzero(mask.any(axis=1)) for part, mask in masks.items()}
    assert rows["brows"][-1] < rows["eyes"][0] and rows["eyes"][-1] < rows["mouth"][0]


@settings(max_examples=30)
@given(height=st.integers(12, 240), width=st.integers(12, 240))
def test_boxes_grow_with_the_picture(height, width):
    own = {part: mask.mean() for part, mask in fixed_masks().items()}
    for part, mask in fixed_masks(height, width).items():
        assert mask.shape == (height, width) and mask.dtype == bool
        edges = 4 * len(FACE_BOXES[part]) * (1 / height + 1 / width)
        assert own[part] - 1e-9 <= mask.mean() <= own[part] + edges


def test_a_picture_without_pixels_has_no_parts():
    with pytest.raises(ValueError, match="at least 1. Received: 0 and 48"):
        fixed_masks(0)


def test_masks_of_the_sample_are_the_boxes_of_its_drawings(sample):
    masks = sample_masks(sample.validation, SIZES, seed=2)
    for row, label in enumerate(sample.validation.labels):
        boxes = draw_face(EMOTIONS[label], np.random.default_rng([2, 1, row])).boxes
        parts = {"eyes": ("left_eye", "right_eye"), "brows": ("left_brow", "right_brow"), "mouth": ("mouth",)}
        for part, names in parts.items():
            expected = np.zeros((48, 48), bool)
            for y in range(48):
                for x in range(48):
                    for left, top, right, bottom in (boxes[name] for name in names):
                        expected[y, x] |= left < x + 1 and right > x and top < y + 1 and bottom > y
            np.testing.assert_array_equal(masks[part][row], expected)


def test_rows_may_stand_in_any_order_and_come_from_any_split(sample):
    whole = sample_masks(sample.test, SIZES, seed=2)
    some = Split(sample.test.images[[4, 1]], sample.test.labels[[4, 1]], sample.test.rows[[4, 1]])
    for part, masks in sample_masks(some, SIZES, seed=2).items():
        np.testing.assert_array_equal(masks, whole[part][[4, 1]])


def test_fixed_boxes_hold_most_of_what_is_drawn(sample):
    exact, fixed = sample_masks(sample.train, SIZES, seed=2), fixed_masks()
    for part, masks in exact.items():
        assert (masks & fixed[part]).sum() > 0.6 * masks.sum(), part


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda split: Split(split.images[::-1], split.labels, split.rows), "row 0"),
        (lambda split: Split(split.images, split.labels, split.rows + 100), "100"),
        (lambda split: Split(split.images, split.labels, split.rows - 100), "-100"),
    ],
)
def test_pictures_that_are_not_the_samples_are_refused(sample, change, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        sample_masks(change(sample.train), SIZES, seed=2)
