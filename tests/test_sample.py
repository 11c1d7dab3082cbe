import hashlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fer_lib.datasets import load_data, load_fer2013
from fer_lib.labels import EMOTIONS
from fer_lib.sample import SIZES, draw_face, load_sample, make_sample, write_sample_csv

SMALL = (30, 14, 10)
FER2013_TRAINING = np.array([3995, 436, 4097, 7215, 4830, 3171, 4965]) / 28709

expressions = st.sampled_from(EMOTIONS)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def sample():
    return make_sample(SMALL, seed=3)


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("FER_LIB_CACHE", str(folder))
    return folder


def _assert_equal(one, other):
    assert one.sha256 == other.sha256
    for name, split in one.splits().items():
        for array in ("images", "labels", "rows"):
            np.testing.assert_array_equal(getattr(split, array), getattr(other.splits()[name], array))


def _shares(labels):
    return np.bincount(labels, minlength=len(EMOTIONS)) / len(labels)


def test_a_sample_has_the_sizes_types_and_rows_of_a_data_set(sample):
    assert sample.is_sample
    assert sample.source == "built-in sample"
    assert [len(split) for split in sample.splits().values()] == list(SMALL)
    for split in sample.splits().values():
        assert split.images.shape[1:] == (48, 48, 1)
        assert set(split.labels) == set(range(len(EMOTIONS)))
    rows = np.concatenate([split.rows for split in sample.splits().values()])
    np.testing.assert_array_equal(rows, np.arange(sum(SMALL)))


def test_the_same_seed_gives_the_same_bytes_in_another_process(sample):
    code = f"from fer_lib.sample import make_sample; print(make_sample({SMALL}, seed=3).sha256)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sample.sha256


def test_another_seed_gives_other_pictures(sample):
    other = make_sample(SMALL, seed=4)
    assert other.sha256 != sample.sha256
    assert not {image.tobytes() for image in other.train.images} & {image.tobytes() for image in sample.train.images}


def test_no_two_pictures_are_equal_and_none_is_blank(sample):
    images = np.concatenate([split.images for split in sample.splits().values()])
    assert len({image.tobytes() for image in images}) == sum(SMALL)
    assert images.std(axis=(1, 2, 3)).min() > 10


def test_every_row_is_drawn_from_its_own_seed(sample):
    longer = make_sample((SMALL[0], SMALL[1] + 7, SMALL[2]), seed=3)
    np.testing.assert_array_equal(longer.train.images, sample.train.images)
    np.testing.assert_array_equal(longer.test.images, sample.test.images)


@pytest.fixture
def one_face_for_all():
    """Every face drawn is the same: for what concerns labels only."""
    face = draw_face("neutral", np.random.default_rng(0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fer_lib.sample.draw_face", lambda *_: face)
        yield


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(7, 250))
def test_classes_have_the_shares_of_fer2013_and_none_is_missing(one_face_for_all, size):
    labels = make_sample((size, 7, 7)).train.labels
    assert len(labels) == size
    counts = np.bincount(labels, minlength=len(EMOTIONS))
    assert counts.min() >= max(1, min(10, size // 14))
    assert counts.max() == counts[EMOTIONS.index("happy")]
    assert np.abs(counts - FER2013_TRAINING * size).max() <= 11


def test_the_default_sample_keeps_the_imbalance(one_face_for_all):
    whole = make_sample()
    assert tuple(len(split) for split in whole.splits().values()) == SIZES
    np.testing.assert_allclose(_shares(whole.train.labels), FER2013_TRAINING, atol=1e-3)
    for split in (whole.validation, whole.test):
        assert np.bincount(split.labels).min() == 10


@pytest.mark.parametrize("sizes", [(6, 10, 10), (10, 10), (10, -1, 10)])
def test_sizes_that_cannot_hold_every_class_are_refused(sizes):
    with pytest.raises(ValueError, match="sizes must be .* Received: "):
        make_sample(sizes)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed must be 0 or more. Received: -1"):
        make_sample(SMALL, seed=-1)


def test_the_csv_is_fer2013s_layout_and_loads_to_the_same_arrays(tmp_path, cache_folder, sample):
    path = tmp_path / "sample.csv"
    write_sample_csv(path, SMALL, seed=3)
    lines = path.read_text(encoding="ascii").splitlines()
    assert lines[0] == "emotion,pixels,Usage"
    usages = [line.rsplit(",", 1)[1] for line in lines[1:]]
    assert usages == ["Training"] * 30 + ["PublicTest"] * 14 + ["PrivateTest"] * 10
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sample.sha256
    loaded = load_fer2013(path)
    assert not loaded.is_sample
    _assert_equal(loaded, sample)


def test_a_cached_sample_equals_the_drawn_one_and_is_not_drawn_again(cache_folder, sample, monkeypatch):
    _assert_equal(load_sample(SMALL, seed=3), sample)

    def refuse(*_):
        raise AssertionError("drawn again")

    monkeypatch.setattr("fer_lib.sample.draw_face", refuse)
    _assert_equal(load_sample(SMALL, seed=3), sample)
    assert load_sample(SMALL, seed=3).is_sample
    with pytest.raises(AssertionError, match="drawn again"):
        load_sample(SMALL, seed=4)


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-1000])


def _flip_a_pixel(path):
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("images_train.npy").header_offset
    content = bytearray(path.read_bytes())
    content[start + 1000] ^= 1
    path.write_bytes(content)


def _empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [_truncate, _flip_a_pixel, _empty])
def test_a_damaged_cache_is_replaced(damage, cache_folder, sample):
    load_sample(SMALL, seed=3)
    (path,) = cache_folder.iterdir()
    whole = path.read_bytes()
    damage(path)
    assert path.read_bytes() != whole
    _assert_equal(load_sample(SMALL, seed=3), sample)
    assert path.read_bytes() == whole


def test_load_data_gives_the_sample_by_name(cache_folder, monkeypatch, sample):
    monkeypatch.setattr("fer_lib.sample.load_sample", lambda: sample)
    assert load_data("sample") is sample


@settings(max_examples=40)
@given(expression=expressions, seed=seeds)
def test_boxes_lie_where_faces_have_their_parts(expression, seed):
    drawing = draw_face(expression, np.random.default_rng(seed))
    assert drawing.image.shape == (48, 48)
    assert drawing.image.dtype == np.uint8
    boxes = drawing.boxes
    assert set(boxes) == {"left_eye", "right_eye", "left_brow", "right_brow", "nose", "mouth"}
    centre = {}
    for name, (left, top, right, bottom) in boxes.items():
        assert left < right and top < bottom
        centre[name] = np.array([(left + right) / 2, (top + bottom) / 2])
        assert np.all((centre[name] > 0) & (centre[name] < 48)), name
    eyes = (centre["left_eye"] + centre["right_eye"]) / 2
    assert centre["left_eye"][0] < centre["nose"][0] < centre["right_eye"][0]
    assert centre["mouth"][1] > centre["nose"][1] > eyes[1]
    assert boxes["mouth"][1] > max(boxes["left_eye"][3], boxes["right_eye"][3])
    for side in ("left", "right"):
        assert centre[f"{side}_brow"][1] < centre[f"{side}_eye"][1]


def _mean_boxes(expression, count=25):
    boxes = [draw_face(expression, np.random.default_rng(seed)).boxes for seed in range(count)]
    return {name: np.mean([box[name] for box in boxes], axis=0) for name in boxes[0]}


def test_the_parts_move_as_the_expressions_ask():
    faces = {expression: _mean_boxes(expression) for expression in EMOTIONS}

    def width(expression, part):
        left, _, right, _ = faces[expression][part]
        return right - left

    def height(expression, part):
        _, top, _, bottom = faces[expression][part]
        return bottom - top

    def brow_top(expression):
        return faces[expression]["left_brow"][1] - faces[expression]["left_eye"][3]

    assert width("happy", "mouth") > 1.2 * width("neutral", "mouth")
    assert width("surprise", "mouth") < 0.95 * width("neutral", "mouth")
    assert height("surprise", "mouth") > 1.5 * height("neutral", "mouth")
    for wide, narrow in (("surprise", "neutral"), ("fear", "neutral"), ("neutral", "disgust"), ("neutral", "sad")):
        assert height(wide, "left_eye") > 1.15 * height(narrow, "left_eye")
    assert brow_top("surprise") < brow_top("neutral") - 1
    assert faces["angry"]["left_brow"][2] > faces["neutral"]["left_brow"][2] + 0.5  # drawn together


def test_a_dark_mouth_stands_in_the_mouth_box_of_a_surprised_face():
    darker = 0
    for seed in range(20):
        drawing = draw_face("surprise", np.random.default_rng(seed))
        left, top, right, bottom = np.clip(np.rint(drawing.boxes["mouth"]), 0, 48).astype(int)
        darker += drawing.image[top:bottom, left:right].mean() < drawing.image[10:40, 10:38].mean()
    assert darker >= 15


def test_an_unknown_expression_is_refused():
    with pytest.raises(ValueError, match="expression must be one of angry, .* Received: 'bored'"):
        draw_face("bored", np.random.default_rng(0))


def test_the_sample_needs_no_tensorflow():
    code = "import sys, fer_lib.sample; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
