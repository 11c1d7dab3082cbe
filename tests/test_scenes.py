from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_data import make_tiny_data

from fer_lib import scenes
from fer_lib.datasets import Split
from fer_lib.faces import Box
from fer_lib.image_folder import list_pictures, load_image_folder
from fer_lib.labels import EMOTIONS
from fer_lib.sample import make_sample
from fer_lib.scenes import (
    FACE_SIDES,
    PICTURES,
    STILL_HEIGHT,
    STILL_WIDTH,
    compose_still,
    detection_rate,
    read_scene_faces,
    stand_in_folder,
    write_scenes,
)

SAMPLE = make_sample((60, 7, 7), seed=0)
TINY = make_tiny_data()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes") / "made"
    write_scenes(folder, SAMPLE, per_class=2, seed=5)
    return folder


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("FER_LIB_CACHE", str(folder))
    return folder


@pytest.fixture
def quick_stills(monkeypatch):
    """A grey frame in the place of every still, where only their choice and their files matter."""
    frame = scenes.Still(np.zeros((8, 8), np.uint8), Box(1, 2, 3, 3))
    monkeypatch.setattr(scenes, "compose_still", lambda *_: frame)


def _contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _counts(folder):
    return [sum(face.path.startswith(f"{emotion}/") for face in read_scene_faces(folder)) for emotion in EMOTIONS]


def _with_training(images, labels):
    train = Split(np.asarray(images, np.uint8), np.asarray(labels, np.int64), np.arange(len(images), dtype=np.int64))
    return replace(TINY, train=train)


def _read(path):
    with Image.open(path) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        return np.asarray(image)


def _pixels_in(picture, box):
    part = picture[box.top : box.top + box.height, box.left : box.left + box.width]
    return np.asarray(Image.fromarray(part).resize((48, 48), Image.Resampling.BOX), np.float64)


def test_a_folder_of_scenes_holds_the_pictures_and_a_table_of_their_faces(written):
    assert sorted(child.name for child in written.iterdir()) == ["faces.csv", PICTURES]
    pictures = list_pictures(written / PICTURES)
    faces = read_scene_faces(written)
    assert [picture.path for picture in pictures] == [face.path for face in faces]
    assert sorted(face.path for face in faces) == sorted(f"{name}/00{n}.png" for name in EMOTIONS for n in range(2))
    for face in faces:
        assert _read(written / PICTURES / face.path).shape == (STILL_HEIGHT, STILL_WIDTH) == (576, 720)


def test_the_image_folder_loader_reads_the_scenes(written):
    split = load_image_folder(written / PICTURES)
    assert [EMOTIONS[label] for label in split.labels] == [
        face.path.split("/")[0] for face in read_scene_faces(written)
    ]
    assert split.images.shape == (14, 48, 48, 1)


def test_every_face_is_a_training_image_of_its_class_at_the_stated_place(written):
    by_row = {row: index for index, row in enumerate(SAMPLE.train.rows)}
    for face in read_scene_faces(written):
        index = by_row[face.row]
        assert EMOTIONS[SAMPLE.train.labels[index]] == face.path.split("/")[0]
        seen = _pixels_in(_read(written / PICTURES / face.path), face.box)
        middle = np.s_[10:42, 10:38]  # edges are blended into the scene
        source = SAMPLE.train.images[index, :, :, 0].astype(np.float64)
        assert np.corrcoef(seen[middle].ravel(), source[middle].ravel())[0, 1] > 0.9


def test_every_scene_shows_another_image(written):
    rows = [face.row for face in read_scene_faces(written)]
    assert len(set(rows)) == len(rows)


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_faces_are_squares_of_a_quarter_to_three_quarters_of_the_height_inside_the_picture(seed):
    still = compose_still(SAMPLE.train.images[seed % len(SAMPLE.train), :, :, 0], np.random.default_rng(seed))
    box = still.face
    assert box.width == box.height
    assert 144 == FACE_SIDES[0] <= box.height <= FACE_SIDES[1] == 432
    assert 0 <= box.left <= STILL_WIDTH - box.width
    assert 0 <= box.top <= STILL_HEIGHT - box.height
    assert still.picture.shape == (STILL_HEIGHT, STILL_WIDTH)
    assert still.picture.dtype == np.uint8


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_face_of_one_shade_can_be_composed(grey):
    still = compose_still(np.full((48, 48), grey, np.uint8), np.random.default_rng(grey))
    assert still.picture.std() > 5


def test_faces_stand_and_are_sized_at_random_and_backgrounds_differ():
    face = SAMPLE.train.images[0, :, :, 0]
    stills = [compose_still(face, np.random.default_rng(seed)) for seed in range(8)]
    assert len({(still.face.left, still.face.top) for still in stills}) == 8
    heights = [still.face.height for still in stills]
    assert max(heights) - min(heights) > 100
    corners = [still.picture[:40, :40].astype(float).mean() for still in stills]
    assert np.std(corners) > 20


def test_brightness_alone_does_not_tell_where_the_face_is():
    faces = SAMPLE.train.images[:16, :, :, 0]
    stills = [compose_still(face, np.random.default_rng(seed)) for seed, face in enumerate(faces)]
    for sign in (1, -1):
        hits = 0
        for still in stills:
            rows, columns = np.unravel_index(
                np.argmax(sign * np.asarray(Image.fromarray(still.picture).reduce(48), np.float64)), (12, 15)
            )
            box = still.face
            hits += (
                box.left <= 48 * columns + 24 < box.left + box.width
                and box.top <= 48 * rows + 24 < box.top + box.height
            )
        assert hits <= 0.6 * len(stills)


def test_the_same_data_and_seed_give_the_same_bytes(written, tmp_path):
    write_scenes(tmp_path / "again", SAMPLE, per_class=2, seed=5)
    assert _contents(tmp_path / "again") == _contents(written)


def test_another_seed_gives_other_scenes(written, tmp_path):
    write_scenes(tmp_path / "other", SAMPLE, per_class=2, seed=6)
    other, ours = _contents(tmp_path / "other"), _contents(written)
    assert other.keys() == ours.keys()
    assert not set(other.values()) & set(ours.values())


def test_fewer_scenes_are_the_first_of_more(written, tmp_path):
    write_scenes(tmp_path, SAMPLE, per_class=3, seed=5)
    more = _contents(tmp_path)
    assert _counts(tmp_path) == [3, 2, 3, 3, 3, 3, 3]
    del more["faces.csv"]
    for path, content in _contents(written).items():
        assert path == "faces.csv" or more[path] == content
    assert set(read_scene_faces(written)) <= set(read_scene_faces(tmp_path))


def test_a_class_of_few_images_has_as_many_scenes_as_images(quick_stills, tmp_path):
    few = _with_training(TINY.train.images[:20], TINY.train.labels[:20])
    write_scenes(tmp_path, few, per_class=6)
    assert _counts(tmp_path) == [3, 3, 3, 3, 3, 3, 2]


def test_disgust_has_three_quarters_of_the_scenes(quick_stills, tmp_path):
    write_scenes(tmp_path, TINY, per_class=4)
    assert _counts(tmp_path) == [4, 3, 4, 4, 4, 4, 4]


def test_equal_and_blank_images_are_used_once_and_never(quick_stills, tmp_path):
    images, labels = TINY.train.images.copy(), TINY.train.labels.copy()
    images[7] = images[0]  # both angry
    images[15] = images[0]  # disgust by its label, but the face stands among angry ones
    images[14] = 200
    write_scenes(tmp_path, _with_training(images, labels), per_class=4)
    assert _counts(tmp_path) == [2, 3, 4, 4, 4, 4, 4]
    assert {7, 14, 15}.isdisjoint(face.row for face in read_scene_faces(tmp_path))


def test_a_class_of_one_image_is_refused_by_name(tmp_path):
    kept = np.flatnonzero((TINY.train.labels != EMOTIONS.index("fear")) | (np.arange(len(TINY.train)) < 7))
    with pytest.raises(ValueError, match=r"training images of fear\. Received: 1$"):
        write_scenes(tmp_path, _with_training(TINY.train.images[kept], TINY.train.labels[kept]), per_class=2)


@pytest.mark.parametrize(("per_class", "seed"), [(1, 0), (0, 0), (2, -1)])
def test_numbers_too_small_are_refused(tmp_path, per_class, seed):
    with pytest.raises(ValueError, match=f"Received: {per_class}, {seed}$"):
        write_scenes(tmp_path, TINY, per_class=per_class, seed=seed)


def test_images_of_another_size_are_refused(tmp_path):
    with pytest.raises(ValueError, match="48 by 48 in grey. Received: .*32"):
        write_scenes(tmp_path, _with_training(TINY.train.images[:, :32, :32], TINY.train.labels), per_class=2)


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ValueError, match="must be empty. Received: mine.txt"):
        write_scenes(tmp_path, TINY, per_class=2)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_stand_in_is_made_once_and_found_again(quick_stills, cache_folder):
    folder = stand_in_folder(TINY, 2)
    assert folder.parent == cache_folder
    assert folder.name.startswith("sfew-stand-in-")
    assert _counts(folder) == [2] * 7
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert stand_in_folder(TINY, 2) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert list(cache_folder.iterdir()) == [folder]


def test_other_data_numbers_and_versions_have_stand_ins_of_their_own(cache_folder, monkeypatch):
    monkeypatch.setattr(scenes, "write_scenes", lambda folder, *_: folder.mkdir())
    folders = {
        stand_in_folder(TINY, 2),
        stand_in_folder(TINY, 3),
        stand_in_folder(replace(TINY, sha256="other"), 2),
    }
    monkeypatch.setattr(scenes, "SCENES_VERSION", scenes.SCENES_VERSION + 1)
    folders.add(stand_in_folder(TINY, 2))
    assert len(folders) == 4


@pytest.mark.parametrize("damage", ["lose a picture", "empty a picture", "lose the table", "cut the table"])
def test_a_damaged_stand_in_is_made_anew(quick_stills, cache_folder, damage):
    folder = stand_in_folder(TINY, 2)
    whole = _contents(folder)
    picture, table = folder / PICTURES / "fear" / "001.png", folder / "faces.csv"
    match damage:
        case "lose a picture":
            picture.unlink()
        case "empty a picture":
            picture.write_bytes(b"")
        case "lose the table":
            table.unlink()
        case "cut the table":
            table.write_bytes(table.read_bytes()[:-8])
    assert stand_in_folder(TINY, 2) == folder
    assert _contents(folder) == whole
    assert list(cache_folder.iterdir()) == [folder]


def test_several_may_ask_for_the_stand_in_at_once(quick_stills, cache_folder):
    with ThreadPoolExecutor(3) as executor:
        folders = list(executor.map(lambda _: stand_in_folder(TINY, 2), range(3)))
    assert len(set(folders)) == 1
    assert _counts(folders[0]) == [2] * 7
    assert list(cache_folder.iterdir()) == folders[:1]


def test_a_stand_in_that_fails_leaves_nothing_behind(cache_folder):
    with pytest.raises(ValueError, match="training images"):
        stand_in_folder(_with_training(TINY.train.images[:7], TINY.train.labels[:7]), 2)
    assert list(cache_folder.iterdir()) == []


def test_most_drawn_faces_are_found_in_their_scenes(written):
    rate = detection_rate(written)
    assert rate["scenes"] == 14
    assert rate["right"] <= rate["found"] <= 14
    assert rate["right"] >= 8


def test_boxes_elsewhere_and_scenes_without_a_box_are_not_right(written, tmp_path):
    folder = tmp_path / "changed"
    (folder / PICTURES / "angry").mkdir(parents=True)
    first, second = (face for face in read_scene_faces(written) if face.path.startswith("angry/"))
    scene = _read(written / PICTURES / first.path)
    assert detection_rate(written)["found"] > 0
    lines = (written / "faces.csv").read_text().splitlines()
    moved = f"{first.path},{first.row},0,0,20,20"
    (folder / "faces.csv").write_text("\n".join([lines[0], moved, lines[2]]) + "\n")
    Image.fromarray(scene).save(folder / PICTURES / first.path)
    Image.fromarray(np.full_like(scene, 90)).save(folder / PICTURES / second.path)
    rate = detection_rate(folder)
    assert rate["scenes"] == 2
    assert rate["found"] <= 1
    assert rate["right"] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,row\n", r"faces\.csv: the columns must be path, row, left, .* Received: \['path', 'row'\]"),
        ("", r"faces\.csv: the columns must be .* Received: None"),
        ("path,row,left,top,width,height\na/0.png,1,2,3,4,5\na/1.png,1,2\n", r"faces\.csv, row 1: .* Received: \['a/1"),
        ("path,row,left,top,width,height\na/0.png,1,2,3,4,x\n", r"faces\.csv, row 0: .*five whole numbers"),
    ],
)
def test_a_table_that_is_not_ours_is_refused_by_row(tmp_path, text, message):
    (tmp_path / "faces.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_scene_faces(tmp_path)
