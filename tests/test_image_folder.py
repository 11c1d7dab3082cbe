import hashlib
import io
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sfew_folders import SIDE, fill_folder, load_one, noise, save_happy

from fer_lib.datasets import DatasetError
from fer_lib.image_folder import (
    LabelledPicture,
    hash_folder,
    list_pictures,
    load_image_folder,
    load_pictures,
    write_split_file,
)
from fer_lib.labels import EMOTIONS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "sfew"
    fill_folder(folder)
    return folder


# Lists of pictures

SPELLINGS = {
    "ours": EMOTIONS,
    "SFEW": ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"),
    "nouns": ("ANGER", "Disgusted", "fearful", "Happiness", "Sadness", "SURPRISED", "Neutral"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_class_folders_are_known_under_every_spelling(spelling: str, tmp_path: Path) -> None:
    names = SPELLINGS[spelling]
    fill_folder(tmp_path, names, ("b 2.JPG", "a.png", "c.jpeg"))

    pictures = list_pictures(str(tmp_path))

    paths = [f"{name}/{file}" for name in sorted(names) for file in ("a.png", "b 2.JPG", "c.jpeg")]
    assert pictures == [LabelledPicture(path, names.index(path.split("/")[0])) for path in paths]


def test_what_systems_leave_in_folders_is_passed_over(root: Path) -> None:
    expected, sha256 = list_pictures(root), hash_folder(root)
    for name in (".DS_Store", "happy/.DS_Store", "happy/Thumbs.db", "desktop.ini"):
        (root / name).write_bytes(b"x")

    assert list_pictures(root) == expected
    assert hash_folder(root) == sha256


DEFECTS_OF_FOLDERS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "missing class": (
        lambda root: (root / "fear").rename(root.parent / "fear"),
        "sfew: .*every class, also for fear",
        r"\['angry', 'disgust', 'happy', 'neutral', 'sad', 'surprise'\]",
    ),
    "empty class": (
        lambda root: [file.unlink() for file in (root / "fear").iterdir()],
        "fear: .*pictures of every class",
        "an empty folder",
    ),
    "unknown class": (lambda root: (root / "contempt").mkdir(), "contempt: .*only folders called", "'contempt'"),
    "two folders of a class": (
        lambda root: (root / "Anger").mkdir(),
        "angry: .*one folder for angry",
        "'Anger' and 'angry'",
    ),
    "a file among the classes": (
        lambda root: (root / "labels.txt").write_text("x"),
        "labels.txt: .*only folders",
        "'labels.txt'",
    ),
    "a file that is called like a class": (
        lambda root: (root / "Fear").write_text("x"),
        "Fear: .*only folders",
        "'Fear'",
    ),
    "no picture's file": (
        lambda root: (root / "sad" / "notes.txt").write_text("x"),
        "notes.txt: .*must be a picture",
        "'notes.txt'",
    ),
    "a folder in a class": (
        lambda root: (root / "sad" / "more.png").mkdir(),
        "more.png: .*must be a picture",
        "'more.png'",
    ),
    "no folder": (lambda root: root.rename(root.parent / "other"), "sfew: .*readable folder", ".*No such file.*"),
}


@pytest.mark.parametrize("name", DEFECTS_OF_FOLDERS)
def test_defect_of_the_folder_is_told(name: str, root: Path) -> None:
    edit, where, received = DEFECTS_OF_FOLDERS[name]
    edit(root)

    for read in (list_pictures, load_image_folder, hash_folder):
        with pytest.raises(DatasetError, match=rf"{where}.*\. Received: {received}$"):
            read(root)


def test_hash_is_of_names_and_contents_alone(root: Path, tmp_path: Path) -> None:
    first = hash_folder(root)
    assert hash_folder(root.rename(tmp_path / "moved")) == first

    (tmp_path / "moved/happy/2.png").rename(tmp_path / "moved/happy/3.png")
    renamed = hash_folder(tmp_path / "moved")
    Image.new("L", (90, 60), 200).save(tmp_path / "moved/happy/3.png")

    assert len({first, renamed, hash_folder(tmp_path / "moved")}) == 3


def test_hash_covers_name_length_and_content_in_the_order_of_the_list(root: Path) -> None:
    expected = hashlib.sha256()
    for picture in list_pictures(root):
        content = (root / picture.path).read_bytes()
        expected.update(picture.path.encode() + b"\0" + str(len(content)).encode() + b"\0" + content)

    assert hash_folder(root) == expected.hexdigest()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_name_that_is_no_text_is_hashed_but_not_listed_in_a_split_file(root: Path, tmp_path: Path) -> None:
    before = hash_folder(root)
    (root / "happy/1.png").rename(root / "happy" / os.fsdecode(b"\xe9.png"))

    assert hash_folder(root) != before
    with pytest.raises(DatasetError, match=r"split\.txt, line 8: the file must be UTF-8 text"):
        write_split_file(tmp_path / "split.txt", list_pictures(root))


# Pictures


def test_folder_becomes_a_split_in_the_order_of_its_list(root: Path) -> None:
    split = load_image_folder(root)

    pictures = list_pictures(root)
    assert split.images.shape == (14, SIDE, SIDE, 1) and split.images.dtype == np.uint8
    assert split.labels.tolist() == [picture.label for picture in pictures]
    assert split.rows.tolist() == list(range(14))
    grey = [10 * picture.label + (picture.path[-5] == "2") for picture in pictures]
    np.testing.assert_array_equal(split.images, np.broadcast_to(np.reshape(grey, (14, 1, 1, 1)), split.images.shape))


def test_some_pictures_are_loaded_in_the_order_given(root: Path) -> None:
    pictures = list_pictures(root)[::-3]

    split = load_pictures(root, pictures, (20, 30))

    assert split.images.shape == (len(pictures), 20, 30, 1)
    assert split.labels.tolist() == [picture.label for picture in pictures]
    assert split.rows.tolist() == list(range(len(pictures)))
    whole = load_image_folder(root, (20, 30))
    np.testing.assert_array_equal(split.images, whole.images[::-3])


def test_no_pictures_are_an_empty_split(root: Path) -> None:
    assert load_pictures(root, []).images.shape == (0, SIDE, SIDE, 1)


def test_picture_of_the_right_size_keeps_its_bytes(root: Path) -> None:
    pixels = noise(60, 90)
    picture = save_happy(root, Image.fromarray(pixels))

    np.testing.assert_array_equal(load_one(root, picture, size=(60, 90)), pixels)


def test_reduction_does_not_alias(root: Path) -> None:
    """A board of single black and white pixels is grey from afar; without a filter it would be black or white."""
    board = (np.indices((576, 720)).sum(axis=0) % 2 * 255).astype(np.uint8)

    image = load_one(root, save_happy(root, Image.fromarray(board)))

    assert image.shape == (SIDE, SIDE)
    assert np.abs(image.astype(int) - 127).max() <= 2


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "L"])
def test_colour_becomes_luma(mode: str, root: Path) -> None:
    rgb = Image.fromarray(noise(6, 9, 3)).resize((90, 60), Image.Resampling.NEAREST)  # 54 colours: P holds them all
    stored = rgb.convert("P", palette=Image.Palette.ADAPTIVE) if mode == "P" else rgb.convert(mode)
    red, green, blue = np.moveaxis(np.asarray(stored.convert("RGB")).astype(float), -1, 0)

    image = load_one(root, save_happy(root, stored), size=(60, 90))

    np.testing.assert_allclose(image, 0.299 * red + 0.587 * green + 0.114 * blue, atol=1)


@pytest.mark.parametrize("transparency", [3, bytes(range(0, 255, 5))])
def test_transparency_is_passed_over(transparency: int | bytes, root: Path) -> None:
    pixels = (noise(60, 90) // 6).astype(np.uint8)
    picture = Image.fromarray(pixels).convert("P")

    image = load_one(root, save_happy(root, picture, transparency=transparency), size=(60, 90))

    np.testing.assert_array_equal(image, np.asarray(picture.convert("L")))


@pytest.mark.parametrize("file", ["1.png", "1.jpg"])
def test_exif_orientation_is_respected(file: str, root: Path) -> None:
    pixels = np.zeros((60, 90), np.uint8)
    pixels[:16, :16] = 255  # the upper left corner as stored
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise

    image = load_one(root, save_happy(root, Image.fromarray(pixels), file, exif=exif), size=(90, 60))

    expected = np.rot90(pixels, -1)
    assert np.abs(image.astype(int) - expected).max() <= (0 if file == "1.png" else 60)
    assert (image[:14, -14:] > 200).all()


def test_size_is_that_of_the_upright_picture(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = save_happy(root, Image.fromarray(noise(60, 90)), exif=exif)

    with pytest.raises(DatasetError, match=r"1\.png: .*90 by 60 pixels.* Received: 60 by 90$"):
        load_one(root, picture, size=(60, 90))


def test_crop_is_given_the_whole_grey_picture(root: Path) -> None:
    pixels = noise(60, 90)
    picture = save_happy(root, Image.fromarray(pixels).convert("RGB"))
    received = []

    def crop(grey: np.ndarray) -> np.ndarray:
        received.append(grey.copy())
        grey[:] = 0  # its own memory: it may be written to
        return received[0][7:55, 20:68]

    image = load_one(root, picture, crop=crop)

    np.testing.assert_array_equal(received, [pixels])
    np.testing.assert_array_equal(image, pixels[7:55, 20:68])


def test_small_crop_is_enlarged(root: Path) -> None:
    split = load_image_folder(root, crop=lambda grey: grey[10:15, 10:13])

    np.testing.assert_array_equal(split.images, load_image_folder(root).images)  # each is of one grey


@pytest.mark.parametrize(
    "crop, received",
    [
        (lambda grey: grey[:0], r"uint8 \(0, 90\)"),
        (lambda grey: grey / 255, r"float64 \(60, 90\)"),
        (lambda grey: grey[..., None], r"uint8 \(60, 90, 1\)"),
    ],
)
def test_crop_must_return_grey_values(crop: Callable[[np.ndarray], np.ndarray], received: str, root: Path) -> None:
    with pytest.raises(ValueError, match=rf"1\.png: crop must return uint8 \(h, w\)\. Received: {received}$"):
        load_image_folder(root, crop=crop)


@pytest.mark.parametrize("size", [(48,), (0, 48), (48.0, 48), (48, 48, 1)])
def test_size_must_be_a_height_and_a_width(size: tuple[int, int], root: Path) -> None:
    with pytest.raises(ValueError, match=r"size must be .*Received: \(.*\)$"):
        load_image_folder(root, size)


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header speaks of more pixels than there are."""
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return file.getvalue()


DEFECTS_OF_PICTURES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "zero bytes": (lambda file: file.write_bytes(b""), "readable", "UnidentifiedImageError: 0 bytes.*"),
    "not a picture": (lambda file: file.write_bytes(b"no picture"), "readable", "UnidentifiedImageError: 10 bytes.*"),
    "cut off": (lambda file: file.write_bytes(file.read_bytes()[:-30]), "readable", "OSError: .*truncated.*"),
    "gone": (lambda file: file.unlink(), "readable", "FileNotFoundError: No such file.*"),
    "too low": (lambda file: Image.new("L", (90, 47)).save(file), "at least 48 by 48 pixels", "90 by 47"),
    "too narrow": (lambda file: Image.new("L", (47, 90)).save(file), "at least 48 by 48 pixels", "47 by 90"),
    "16 bits": (lambda file: Image.new("I;16", (90, 60)).save(file), "8 bits", "mode I;16"),
    "32 bits": (lambda file: Image.new("F", (90, 60)).save(file, "TIFF"), "8 bits", "mode F"),
    "more pixels than are safe": (
        lambda file: file.write_bytes(bomb(9_500, 9_500)),
        "readable",
        "DecompressionBombWarning: .*",
    ),
    "far more pixels than are safe": (
        lambda file: file.write_bytes(bomb(13_400, 13_400)),
        "readable",
        "DecompressionBombError: .*",
    ),
}


@pytest.mark.parametrize("name", DEFECTS_OF_PICTURES)
def test_defect_of_a_picture_is_told(name: str, root: Path) -> None:
    edit, expected, received = DEFECTS_OF_PICTURES[name]
    pictures = list_pictures(root)
    edit(root / "sad" / "2.png")

    with pytest.raises(DatasetError, match=rf"sad.2\.png: the picture must .*{expected}.*\. Received: {received}$"):
        load_pictures(root, pictures)


@settings(max_examples=60)
@given(data=st.data(), suffix=st.sampled_from(["PNG", "JPEG"]))
def test_picture_cut_off_anywhere_is_whole_or_told(data: st.DataObject, suffix: str) -> None:
    """Bytes after the last pixel may lack; no missing pixel is ever made up."""
    file = io.BytesIO()
    Image.fromarray(noise(SIDE, 50, 3)).save(file, suffix)
    content = file.getvalue()
    kept = data.draw(st.integers(0, len(content) - 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.png"
        path.write_bytes(content)
        picture = LabelledPicture("1.png", 0)
        whole = load_one(Path(folder), picture, size=(SIDE, 50))
        path.write_bytes(content[:kept])
        try:
            image = load_one(Path(folder), picture, size=(SIDE, 50))
        except DatasetError:
            return
        np.testing.assert_array_equal(image, whole)
        assert kept >= len(content) - 24
