import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from csv_files import USAGES, caches
from PIL import Image

from fer_lib.datasets import load_fer2013
from fer_lib.labels import EMOTIONS

pytestmark = pytest.mark.usefixtures("user_cache")


def write_release(root: Path, suffix: str = ".png", names: tuple[str, ...] = EMOTIONS) -> np.ndarray:
    """One picture per class and Usage; returns images uint8 (3, 7, 48, 48)."""
    coarse = np.random.default_rng(2).integers(0, 256, (3, 7, 6, 6), dtype=np.uint8)
    images = coarse.repeat(8, axis=2).repeat(8, axis=3)  # JPEG keeps flat blocks of 8 by 8
    for usage, part in enumerate(("train", "test", "test")):
        for label, name in enumerate(names):
            folder = root / part / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images[usage, label]).save(folder / f"{USAGES[usage]}_{label + 1}{suffix}")
    return images


SPELLINGS = {
    "ours": EMOTIONS,
    "capitals": tuple(name.upper() for name in EMOTIONS),
    "nouns": ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprised", "Neutral"),
}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_image_folders_give_the_official_split_back(spelling: str, suffix: str, tmp_path: Path) -> None:
    root = tmp_path / "release"
    images = write_release(root, suffix, SPELLINGS[spelling])
    (root / "train" / ".DS_Store").write_bytes(b"x")

    for dataset in (load_fer2013(root), load_fer2013(root)):
        rows = np.concatenate([split.rows for split in dataset.splits().values()])
        assert sorted(rows.tolist()) == list(range(21))
        for usage, split in enumerate(dataset.splits().values()):
            assert sorted(split.labels.tolist()) == list(range(7))
            difference = split.images[..., 0].astype(int) - images[usage, split.labels]
            assert np.abs(difference).max() <= (0 if suffix == ".png" else 3)
    assert caches(tmp_path) == [tmp_path / "release.fer_lib.npz"]


def test_changed_picture_is_read_again(tmp_path: Path) -> None:
    root = tmp_path / "release"
    write_release(root)
    first = load_fer2013(root)
    Image.new("L", (48, 48), 77).save(root / "test" / "happy" / "PrivateTest_4.png")

    second = load_fer2013(root)

    assert second.sha256 != first.sha256
    assert (second.test.images == 77).all(axis=(1, 2, 3)).sum() == 1


def test_colour_pictures_are_turned_to_grey(tmp_path: Path) -> None:
    images = write_release(tmp_path)
    for path in tmp_path.rglob("*.png"):
        Image.open(path).convert("RGB").save(path)

    dataset = load_fer2013(tmp_path)

    np.testing.assert_array_equal(dataset.test.images[..., 0], images[2, dataset.test.labels])


def rename(old: str, new: str) -> Callable[[Path], object]:
    def edit(root: Path) -> None:
        (root / new).parent.mkdir(exist_ok=True)
        (root / old).rename(root / new)

    return edit


def copy(old: str, new: str) -> Callable[[Path], object]:
    def edit(root: Path) -> None:
        if (root / new).exists():
            pytest.skip("capitals do not tell names apart on this file system")
        (shutil.copytree if (root / old).is_dir() else shutil.copy)(root / old, root / new)

    return edit


def remove_folder(name: str) -> Callable[[Path], object]:
    return lambda root: shutil.rmtree(root / name)


def remove(pattern: str) -> Callable[[Path], object]:
    def edit(root: Path) -> None:
        for path in list(root.rglob(pattern)):
            path.unlink()

    return edit


DEFECTS_OF_FOLDERS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no train": (rename("train", "elsewhere/train"), "train and test", r"\['elsewhere', 'test'\]"),
    "no test": (rename("test", "elsewhere/test"), "train and test", r"\['elsewhere', 'train'\]"),
    "another part": (rename("test", "validation"), "validation: .*train and test", "'validation'"),
    "train under another name": (rename("train", "training"), "training: .*train and test", "'training'"),
    "two spellings of train": (copy("train", "Train"), "there must be one folder train", "'Train' and 'train'"),
    "a class missing": (remove_folder("train/sad"), "train: .*every class, also for sad", r"\['angry', .*\]"),
    "a class without pictures": (remove("Training_5.png"), "train.sad: .*every class", "an empty folder"),
    "two folders of a class": (copy("test/sad", "test/sadness"), "one folder for sad", "'sad' and 'sadness'"),
    "a copy under another name": (
        copy("train/sad/Training_5.png", "train/sad/Training_5 (1).png"),
        r"Training_5\.png: Training_5 must stand once, and is also train.sad.Training_5 \(1\)\.png",
        "a copy",
    ),
    "a copy under another class": (
        copy("test/sad/PublicTest_5.png", "test/happy/PublicTest_5.png"),
        r"PublicTest_5\.png: PublicTest_5 must stand once, and is also test.happy.PublicTest_5\.png",
        "a copy",
    ),
    "unknown class": (rename("train/sad", "train/contempt"), "train.contempt: .*only folders", "'contempt'"),
    "a file among the classes": (
        lambda root: (root / "train" / "readme.txt").write_text("x"),
        "readme.txt: .*only folders",
        "'readme.txt'",
    ),
    "not a picture's name": (
        lambda root: (root / "train" / "sad" / "Training_9.gif").write_bytes(b"x"),
        r"Training_9\.gif: .*must be a picture",
        "'Training_9.gif'",
    ),
    "no marker": (rename("train/sad/Training_5.png", "train/sad/im5.png"), r"im5\.png: .*must carry", "'im5.png'"),
    "contradicting marker": (
        rename("test/sad/PublicTest_5.png", "test/sad/Training_99.png"),
        r"Training_99\.png: a file in test must carry PublicTest or PrivateTest",
        "'Training_99.png'",
    ),
    "not a picture": (
        lambda root: (root / "train" / "sad" / "Training_5.png").write_bytes(b"no picture"),
        r"Training_5\.png: .*readable",
        "UnidentifiedImageError.*",
    ),
    "an empty file": (
        lambda root: (root / "train" / "sad" / "Training_5.png").write_bytes(b""),
        r"Training_5\.png: .*readable",
        "UnidentifiedImageError.*",
    ),
    "picture cut off": (
        lambda root: (file := root / "train" / "sad" / "Training_5.png").write_bytes(file.read_bytes()[:-60]),
        r"Training_5\.png: .*readable",
        ".*",
    ),
    "a broken link": (
        lambda root: (root / "train" / "sad" / "Training_9.png").symlink_to(root / "nothing"),
        r"Training_9\.png: .*readable",
        ".*No such file.*",
    ),
    "wrong size": (
        lambda root: Image.new("L", (47, 48)).save(root / "train" / "sad" / "Training_5.png"),
        r"Training_5\.png: .*48 by 48",
        "47 by 48",
    ),
    "16 bits": (
        lambda root: Image.new("I;16", (48, 48)).save(root / "train" / "sad" / "Training_5.png"),
        r"Training_5\.png: .*8 bits",
        "mode I;16",
    ),
    "an empty split": (
        remove("PublicTest_*"),
        "rows of Usage PublicTest",
        ".*'PublicTest': 0.*",
    ),
    "empty folders": (remove("*.png"), "train.angry: .*every class", "an empty folder"),
}


@pytest.mark.parametrize("name", DEFECTS_OF_FOLDERS)
def test_defect_of_the_folders_is_told(name: str, tmp_path: Path) -> None:
    edit, where, received = DEFECTS_OF_FOLDERS[name]
    root = tmp_path / "release"
    write_release(root)
    edit(root)

    with pytest.raises(ValueError, match=rf"release.*{where}.*\. Received: {received}$"):
        load_fer2013(root)

    assert caches(tmp_path) == []
