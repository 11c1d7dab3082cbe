"""Scenes and the faces cut out of them are read once, and again when something else would be made of them."""

import numpy as np
import pytest
from PIL import Image
from tiny_data import make_tiny_data

from fer_lib.labels import EMOTIONS
from fer_lib.sample import draw_face
from fer_lib.sfew import load_scenes

DATA = make_tiny_data()


@pytest.fixture
def sfew(tmp_path, monkeypatch):
    """SFEW's layout with one scene per class: a drawn face, 96 by 96, on a grey wall."""
    folder = tmp_path / "sfew"
    for label, emotion in enumerate(EMOTIONS):
        face = Image.fromarray(draw_face(emotion, np.random.default_rng(label)).image)
        scene = Image.new("L", (320, 200), 120)
        scene.paste(face.resize((96, 96), Image.Resampling.BICUBIC), (100, 50))
        (folder / emotion).mkdir(parents=True)
        scene.save(folder / emotion / "1.png")
    monkeypatch.setenv("SFEW_FOLDER", str(folder))
    return folder


def cached(folder):
    return {path.name: path.read_bytes() for path in folder.parent.glob("*.npz")}


@pytest.mark.parametrize("crop", [False, True])
def test_scenes_are_found_again_as_they_are(sfew, crop):
    first = load_scenes(DATA, 1, crop=crop)
    made = {path: path.stat().st_mtime_ns for path in sfew.parent.glob("*.npz")}
    again = load_scenes(DATA, 1, crop=crop)
    assert len(made) == 1 and {path: path.stat().st_mtime_ns for path in made} == made
    np.testing.assert_array_equal(again.pictures.images, first.pictures.images)


def test_another_margin_gives_other_faces(sfew, monkeypatch):
    narrow, whole = (load_scenes(DATA, 1, crop=crop).pictures.images for crop in (True, False))
    monkeypatch.setattr("fer_lib.faces.MARGIN", 0.4)
    wide = load_scenes(DATA, 1, crop=True).pictures.images
    assert (narrow != whole).any() and (wide != whole).any() and (wide != narrow).any()


@pytest.mark.parametrize(
    ("made_by", "crop"),
    [
        ("fer_lib.faces.CROPS_VERSION", True),
        ("cv2.__version__", True),
        ("PIL.__version__", True),
        ("PIL.__version__", False),
    ],
)
def test_what_another_version_has_made_is_made_anew(sfew, made_by, crop, monkeypatch):
    load_scenes(DATA, 1, crop=crop)
    before = cached(sfew)
    monkeypatch.setattr(made_by, "0")
    load_scenes(DATA, 1, crop=crop)
    assert cached(sfew).keys() == before.keys() and cached(sfew) != before


def test_whole_scenes_do_not_depend_on_how_faces_are_cut_out(sfew, monkeypatch):
    load_scenes(DATA, 1, crop=False)
    before = cached(sfew)
    monkeypatch.setattr("fer_lib.faces.MARGIN", 0.4)
    load_scenes(DATA, 1, crop=False)
    assert cached(sfew) == before
