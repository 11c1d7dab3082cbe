"""Pictures of one's own, from the file to the annotated picture, with drawn faces."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from fake_runs import PAPER, write_fake_run
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fer_lib.annotating import annotate, choose_targets, write_annotated
from fer_lib.cli import main
from fer_lib.faces import Box
from fer_lib.files import write_json
from fer_lib.labels import EMOTIONS
from fer_lib.photographs import PhotographError
from fer_lib.predicting import Photograph, Reading, as_percent, prepare, read_expressions
from fer_lib.sample import make_sample
from fer_lib.scenes import compose_still
from fer_lib.shipped import load_shipped
from fer_lib.trained import find_weights

FACES = make_sample((20, 7, 7), seed=0).train.images[..., 0]
WEIGHTS = load_shipped()
LARGE, SMALL = (220, 60, 192), (20, 90, 96)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """scene.png (one face), pair.png (two), crop.png (48 by 48), blank.png (none)."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.fromarray(compose_still(FACES[1], np.random.default_rng(2)).picture).save(folder / "scene.png")
    pair = np.full((300, 440), 120, np.uint8)
    for left, top, side in (LARGE, SMALL):
        enlarged = Image.fromarray(FACES[0]).resize((side, side), Image.Resampling.BICUBIC)
        pair[top : top + side, left : left + side] = enlarged
    Image.fromarray(pair).save(folder / "pair.png")
    Image.fromarray(FACES[0]).save(folder / "crop.png")
    Image.new("L", (200, 100), 77).save(folder / "blank.png")
    return folder


@pytest.fixture(scope="module")
def reading(folder):
    """What the shipped network says of pair.png."""
    (reading,) = read_expressions([prepare(folder / "pair.png", WEIGHTS)], WEIGHTS)
    return reading


def _lies_on(box, place):
    left, top, side = place
    return abs(box.left - left) + abs(box.top - top) < 0.4 * side and 0.7 * side < box.width < 1.3 * side


def test_every_face_is_found_the_largest_first(folder):
    photograph = prepare(folder / "pair.png", WEIGHTS)
    assert (photograph.width, photograph.height) == (440, 300)
    assert [_lies_on(box, place) for box, place in zip(photograph.boxes, (LARGE, SMALL), strict=True)] == [True, True]
    assert photograph.images.dtype == np.uint8 and photograph.images.shape == (2, 48, 48, 1)
    assert all(box.width == box.height for box in photograph.boxes)
    assert photograph.is_enlarged == [False, False]


def test_the_largest_alone(folder):
    everyone, largest = (prepare(folder / "pair.png", WEIGHTS, faces) for faces in ("all", "largest"))
    assert largest.boxes == everyone.boxes[:1]
    np.testing.assert_array_equal(largest.images, everyone.images[:1])


def test_a_face_of_the_network_s_size_is_given_as_it_is(folder):
    photograph = prepare(folder / "crop.png", WEIGHTS, "none")
    np.testing.assert_array_equal(photograph.images[0, :, :, 0], FACES[0])
    assert photograph.boxes == [Box(0, 0, 48, 48)] and photograph.is_enlarged == [False]


def test_the_whole_picture_is_stretched(tmp_path):
    rows = np.repeat(np.arange(0, 192, 2, dtype=np.uint8)[:, None], 144, axis=1)
    Image.fromarray(rows).save(tmp_path / "rows.png")
    image = prepare(tmp_path / "rows.png", WEIGHTS, "none").images[0, :, :, 0]
    np.testing.assert_array_equal(image, np.repeat(np.arange(1, 192, 4, dtype=np.uint8)[:, None], 48, axis=1))


def test_small_faces_are_flagged(folder, tmp_path):
    Image.open(folder / "pair.png").resize((176, 120), Image.Resampling.BOX).save(tmp_path / "small.png")
    photograph = prepare(tmp_path / "small.png", WEIGHTS)
    assert photograph.is_enlarged == [box.width < 48 for box in photograph.boxes]
    assert photograph.is_enlarged[-1] and photograph.images.shape[1:] == (48, 48, 1)


@pytest.mark.parametrize("kind", ["turned", "coloured", "transparent", "deep"])
def test_a_face_is_the_same_in_a_picture_of_another_kind(folder, kind, tmp_path):
    picture, exif = Image.open(folder / "pair.png"), Image.Exif()
    path = tmp_path / "other.png"
    if kind == "turned":
        exif[0x0112] = 6
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    elif kind == "coloured":
        picture = picture.convert("RGB")
    elif kind == "transparent":
        picture.putalpha(255)
    else:
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    picture.save(path, exif=exif)
    plain, other = prepare(folder / "pair.png", WEIGHTS), prepare(path, WEIGHTS)
    assert other.boxes == plain.boxes and (other.width, other.height) == (plain.width, plain.height)
    np.testing.assert_array_equal(other.images, plain.images)


@pytest.mark.parametrize("faces", ["all", "largest"])
def test_a_picture_without_a_face_is_refused_in_one_line(folder, faces):
    with pytest.raises(PhotographError, match="--faces none") as error:
        prepare(folder / "blank.png", WEIGHTS, faces)
    assert str(error.value).startswith(f"{folder / 'blank.png'}: ") and "\n" not in str(error.value)


def test_unknown_choices_are_refused(folder):
    with pytest.raises(ValueError, match="faces must be one of all, largest, none. Received: 'some'"):
        prepare(folder / "pair.png", WEIGHTS, "some")


def test_large_pictures_are_kept_reduced(tmp_path):
    Image.new("RGB", (3000, 1500), "red").save(tmp_path / "large.png")
    photograph = prepare(tmp_path / "large.png", WEIGHTS, "none")
    assert max(photograph.view.shape) < 1500 and photograph.view.shape[1] == 2 * photograph.view.shape[0]
    assert (photograph.width, photograph.height) == (3000, 1500)


def test_every_face_gets_probabilities_and_heat(reading):
    assert reading.probabilities.dtype == np.float32 and reading.probabilities.shape == (2, 7)
    np.testing.assert_allclose(reading.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert reading.classes == EMOTIONS
    assert reading.labels == [EMOTIONS[index] for index in reading.probabilities.argmax(axis=1)]
    assert reading.heat.shape == (2, 48, 48) and reading.heat.min() >= 0 and reading.heat.max() <= 1


def test_runs_of_other_inputs_and_classes_are_handled(folder, tmp_path, monkeypatch):
    """Two classes, three channels, and images enlarged to 96 by 96 before the network."""
    import keras

    monkeypatch.setenv("FER_LIB_REPORTS", str(tmp_path))
    run = write_fake_run(tmp_path / "runs", is_sample=True)
    config = run.config
    config["request"] |= {"grouping": "negative_positive", "enlarged_by": "nearest"}
    config["request"]["options"]["input_shape"] = [96, 96, 3]
    write_json(run.folder / "config.json", config)
    layers = [keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, "softmax")]
    keras.Sequential([keras.Input((96, 96, 3)), *layers]).save(run.folder / "model.keras")
    weights = find_weights(f"{PAPER}/light_vgg/seed-0")
    (reading,) = read_expressions([prepare(folder / "crop.png", weights, "none")], weights)
    assert reading.classes == ("negative", "positive") and reading.probabilities.shape == (1, 2)
    np.testing.assert_array_equal(reading.images[0, ::2, ::2, 0], FACES[0])
    assert reading.images.shape == (1, 96, 96, 3) and reading.heat.shape == (1, 96, 96)
    assert annotate(reading, weights.warnings).ndim == 3

    config["request"]["grouping"] = None
    write_json(run.folder / "config.json", config)
    weights = find_weights(str(run.folder))
    with pytest.raises(ValueError, match=r"must be from \(96, 96, 3\) to 7 classes"):
        read_expressions([prepare(folder / "crop.png", weights, "none")], weights)
    (run.folder / "model.keras").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"model\.keras: the file must be a Keras model"):
        read_expressions([prepare(folder / "crop.png", weights, "none")], weights)


@pytest.mark.parametrize(
    ("probability", "text"), [(0.0, "0%"), (0.123, "12%"), (0.9949, "99%"), (0.996, ">99%"), (1.0, ">99%")]
)
def test_nothing_is_certain(probability, text):
    assert as_percent(probability) == text


def _made_up(count, width=400, height=300):
    """A reading of grey noise with so many faces side by side."""
    rng = np.random.default_rng(count)
    view = np.repeat(rng.integers(0, 200, (height, width, 1)).astype(np.uint8), 3, axis=2)
    side = max(1, min(height, width // count))
    boxes = [Box(index * side, 0, side, side) for index in range(count)]
    images = rng.integers(0, 256, (count, 48, 48, 1)).astype(np.uint8)
    photograph = Photograph("noise.png", width, height, view, boxes, images)
    probabilities = rng.dirichlet(np.ones(7), count).astype(np.float32)
    heat = rng.random((count, 48, 48)).astype(np.float32)
    return Reading(photograph, EMOTIONS, images, probabilities, heat)


def _contains(picture, part):
    """Whether a part (h, w, 3) stands somewhere in a picture, pixel by pixel."""
    height, width = part.shape[:2]
    starts = np.argwhere((picture[: 1 - height or None, : 1 - width or None] == part[0, 0]).all(axis=2))
    return any(np.array_equal(picture[y : y + height, x : x + width], part) for y, x in starts)


def test_the_annotated_picture_holds_what_each_face_looked_like(reading):
    picture = annotate(reading, ["A note."])
    assert picture.dtype == np.uint8
    for image in reading.images:
        thumb = np.repeat(image.repeat(3, axis=0).repeat(3, axis=1), 3, axis=2)
        assert _contains(picture, thumb)


def test_the_photograph_stands_in_it_under_frames_alone():
    reading = _made_up(1)
    assert _contains(annotate(reading), reading.photograph.view[-60:-4, 310:390])


@pytest.mark.parametrize(("count", "width", "height"), [(1, 48, 48), (2, 1172, 600), (9, 300, 700), (40, 1172, 800)])
def test_every_face_has_a_panel_inside_the_picture(count, width, height):
    reading = _made_up(count, width, height)
    picture = annotate(reading, ["One sentence. " * 30, "Another."])
    assert (picture[:12] == 255).all() and (picture[-12:] == 255).all()
    assert (picture[:, :12] == 255).all() and (picture[:, -12:] == 255).all()
    last = np.repeat(reading.images[-1].repeat(3, axis=0).repeat(3, axis=1), 3, axis=2)
    assert _contains(picture, last)


def test_without_heat_a_face_stays_grey():
    reading = _made_up(1)
    cold = Reading(reading.photograph, EMOTIONS, reading.images, reading.probabilities, np.zeros_like(reading.heat))
    thumb = np.repeat(reading.images[0].repeat(3, axis=0).repeat(3, axis=1), 3, axis=2)
    picture = annotate(cold)
    column = picture.shape[1] - 24 - 572 + 144 + 12
    assert _contains(picture[:, column:], thumb)


names = st.lists(st.sampled_from(["a.jpg", "a.png", "b.jpg", "a.fer.png", "a-2.fer.png"]), min_size=1, max_size=6)


@settings(max_examples=40)
@given(names)
def test_no_target_is_a_picture_given_or_another_target(tmp_path_factory, chosen):
    folder = tmp_path_factory.mktemp("targets")
    pictures = [folder / name for name in chosen]
    targets = choose_targets(pictures, folder)
    assert len(set(targets)) == len(pictures) and not set(targets) & set(pictures)
    for picture, target in zip(pictures, targets, strict=True):
        assert target.parent == folder and target.name.startswith(picture.stem) and target.name.endswith(".fer.png")


def test_what_cannot_be_written_is_told(tmp_path):
    (tmp_path / "a.fer.png").mkdir()
    with pytest.raises(ValueError, match="must be writable"):
        write_annotated(np.zeros((4, 4, 3), np.uint8), tmp_path / "a.fer.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.fer.png"]


def test_good_pictures_are_done_and_bad_ones_told(folder, tmp_path):
    (tmp_path / "notes.jpg").write_text("not a picture", encoding="utf-8")
    paths = [str(path) for path in (folder / "scene.png", tmp_path / "notes.jpg", folder / "pair.png", "none.png")]
    before = hashlib.sha256((folder / "pair.png").read_bytes()).hexdigest()
    done = CliRunner().invoke(main, ["predict", *paths, "--output", str(tmp_path / "out")])
    assert done.exit_code == 2, done.output
    lines = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == [paths[1], paths[3]]
    assert all(line.startswith("Error: ") and "Received: " in line for line in lines)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["pair.fer.png", "scene.fer.png"]
    with Image.open(tmp_path / "out" / "pair.fer.png") as annotated:
        assert annotated.format == "PNG" and annotated.width > 440
    assert hashlib.sha256((folder / "pair.png").read_bytes()).hexdigest() == before
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(str(folder))]
    assert [(row[0], row[1]) for row in rows] == [(paths[0], "1"), (paths[2], "1"), (paths[2], "2")]
    assert all(row[4] in EMOTIONS for row in rows)
    assert f"{WEIGHTS.score.accuracy:.1%}" in done.stdout and "does not tell what anyone feels" in done.stdout


@pytest.mark.parametrize("as_json", [False, True], ids=["table", "json"])
def test_an_annotated_picture_that_cannot_be_written_costs_no_result(folder, tmp_path, as_json):
    """A folder stands where the first of three would be written."""
    (tmp_path / "scene.fer.png").mkdir()
    paths = [str(folder / name) for name in ("scene.png", "pair.png", "blank.png")]
    options = ["--output", str(tmp_path), *(["--json"] if as_json else [])]
    done = CliRunner().invoke(main, ["predict", *paths, *options])
    assert done.exit_code == 2, done.output
    without_face, unwritten = done.stderr.splitlines()
    assert paths[2] in without_face
    assert unwritten.startswith(
        f"Error: {tmp_path / 'scene.fer.png'}: the annotated picture must be writable. Received"
    )
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["pair.fer.png"]
    if as_json:
        document = json.loads(done.stdout)
        annotated = {image["image"]: image["annotated"] for image in document["images"]}
        assert annotated == {paths[0]: None, paths[1]: str(tmp_path / "pair.fer.png")}
        assert [image["faces"] != [] for image in document["images"]] == [True, True]
        assert [refused["image"] for refused in document["refused"]] == [paths[2], paths[0]]
        assert [f"Error: {refused['error']}" for refused in document["refused"]] == [without_face, unwritten]
    else:
        rows = [line.split()[:2] for line in done.stdout.splitlines() if line.startswith(str(folder))]
        assert rows == [[paths[0], "1"], [paths[1], "1"], [paths[1], "2"]]
        told = [line for line in done.stdout.splitlines() if line.startswith("Annotated: ")]
        assert told == [f"Annotated: {tmp_path / 'pair.fer.png'}"]


def test_a_warning_is_told_and_the_input_is_never_replaced(folder, tmp_path, reading):
    picture = tmp_path / "pair.fer.png"
    picture.write_bytes((folder / "pair.png").read_bytes())
    other = tmp_path / "pair.png"
    other.write_bytes(picture.read_bytes())
    done = CliRunner().invoke(main, ["predict", str(other), str(picture), "--output", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    annotated = [image["annotated"] for image in json.loads(done.stdout)["images"]]
    assert annotated == [str(tmp_path / "pair-2.fer.png"), str(tmp_path / "pair.fer.fer.png")]
    assert picture.read_bytes() == other.read_bytes() == (folder / "pair.png").read_bytes()


def test_what_it_wrote_before_is_told_from_photographs(folder, tmp_path):
    (tmp_path / "pair.png").write_bytes((folder / "pair.png").read_bytes())
    first = CliRunner().invoke(main, ["predict", str(tmp_path / "pair.png"), "--output", str(tmp_path)])
    assert first.exit_code == 0, first.output
    everything = sorted(map(str, tmp_path.glob("*.png")))
    again = CliRunner().invoke(main, ["predict", *everything, "--output", str(tmp_path / "again"), "--json"])
    assert again.exit_code == 2
    (line,) = again.stderr.splitlines()
    assert line.startswith(f"Error: {tmp_path / 'pair.fer.png'}: ") and "Received: one annotated by" in line
    assert [image["image"] for image in json.loads(again.stdout)["images"]] == [str(tmp_path / "pair.png")]


def test_only_json_goes_to_stdout_and_nothing_else_is_said(folder, tmp_path, reading):
    command = [sys.executable, "-m", "fer_lib.cli", "predict", str(folder / "pair.png"), "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert list(document) == ["weights", "caveat", "warnings", "images", "refused"]
    assert document["weights"]["name"] == WEIGHTS.name and document["weights"]["shipped"]
    assert document["weights"]["score"]["accuracy"] == WEIGHTS.score.accuracy
    assert "does not tell what anyone feels" in document["caveat"] and document["refused"] == []
    (image,) = document["images"]
    assert [image[name] for name in ("width", "height", "annotated")] == [440, 300, "pair.fer.png"]
    assert (tmp_path / "pair.fer.png").is_file()
    for index, face in enumerate(image["faces"]):
        assert Box(**face["box"]) == reading.photograph.boxes[index] and not face["enlarged"]
        assert list(face["probabilities"]) == list(EMOTIONS)
        np.testing.assert_allclose(list(face["probabilities"].values()), reading.probabilities[index], atol=1e-5)
        assert face["label"] == reading.labels[index]
        assert face["probability"] == max(face["probabilities"].values())


BAD = [
    (["none.png"], "no such file"),
    (["."], "a folder"),
    (["blank.png"], "a face must be found"),
    (["blank.png", "--run", "nobody/nothing/seed-0"], "run must name a run folder"),
    (["blank.png", "--output", "blank.png/folder"], "output folder"),
]


def test_what_cannot_be_done_is_told_before_tensorflow_is_loaded(folder):
    code = (
        "import sys\nfrom fer_lib.cli import main\n"
        f"for arguments in {[arguments for arguments, _ in BAD]}:\n"
        "    code = 0\n"
        "    try:\n        main(['predict', *arguments])\n"
        "    except SystemExit as error:\n        code = error.code\n"
        "    assert code == 2, (arguments, code)\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == len(BAD) and all(line.startswith("Error: ") for line in lines)
    for line, (_, message) in zip(lines, BAD, strict=True):
        assert message in line
    assert done.stdout == "" and sorted(os.listdir(folder)) == ["blank.png", "crop.png", "pair.png", "scene.png"]


def test_refused_pictures_stand_in_the_json_too(folder, tmp_path):
    path = str(folder / "blank.png")
    done = CliRunner().invoke(main, ["predict", path, "--json", "--output", str(tmp_path)])
    assert done.exit_code == 2
    document = json.loads(done.stdout)
    assert document["images"] == [] and [refused["image"] for refused in document["refused"]] == [path]
    assert f"Error: {document['refused'][0]['error']}\n" == done.stderr


def test_help_says_what_the_json_holds():
    done = CliRunner().invoke(main, ["predict", "--help"])
    assert done.exit_code == 0
    for word in ("probabilities", "refused", "annotated", "enlarged", "caveat", "warnings", "score"):
        assert f'"{word}"' in done.stdout
    told = " ".join(done.stdout.split())
    assert "or whose annotated picture cannot be written" in told and "the others are done" in told
