import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sfew_folders import fill_folder

from fer_lib.datasets import DatasetError
from fer_lib.image_folder import (
    LabelledPicture,
    list_pictures,
    load_image_folder,
    load_pictures,
    read_split_file,
    write_split_file,
)
from fer_lib.labels import EMOTIONS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "sfew"
    fill_folder(folder)
    return folder


def names(alphabet_excludes: str) -> st.SearchStrategy[str]:
    characters = st.characters(exclude_characters=alphabet_excludes, exclude_categories=["Cs"])
    name = st.text(characters, min_size=1, max_size=12)
    return name.filter(lambda text: text not in (".", "..") and len(text.encode()) < 50)


@settings(max_examples=100)
@given(
    files=st.lists(
        st.tuples(st.integers(0, 6), st.one_of(names("/\\\0\n"), st.sampled_from(["a b.png", " ", "x 3", "1.png "]))),
        min_size=1,
        max_size=6,
        unique=True,
    )
)
def test_split_file_is_read_back_as_it_was_written(files: list[tuple[int, str]]) -> None:
    pictures = [LabelledPicture(f"{EMOTIONS[label]}/{name}", label) for label, name in files]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for picture in pictures:
            path = root / picture.path
            path.parent.mkdir(exist_ok=True)
            path.touch()

        write_split_file(root / "split.txt", pictures)

        assert read_split_file(root / "split.txt", root) == pictures
        assert sorted(child.name for child in root.iterdir() if child.is_file()) == ["split.txt"]


@settings(max_examples=300)
@given(lines=st.lists(st.tuples(st.text(max_size=8) | st.text("a ./\\:\n\r3", max_size=8), st.integers(-1, 7))))
def test_what_could_not_be_read_back_is_not_written(lines: list[tuple[str, int]]) -> None:
    pictures = [LabelledPicture(path, label) for path, label in lines]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "split.txt"
        try:
            write_split_file(path, pictures)
        except DatasetError:
            assert list(Path(folder).iterdir()) == []
            return
        (Path(folder) / "root").mkdir()
        for picture in pictures:
            file = Path(folder) / "root" / picture.path
            assume(not any(parent.is_file() for parent in file.parents) and not file.exists() and "\0" not in file.name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        assert read_split_file(path, Path(folder) / "root") == pictures


def test_split_file_has_a_line_of_path_and_label_per_picture(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "splits" / "train.txt"

    write_split_file(str(path), list_pictures(root)[4:7])

    assert path.read_text(encoding="utf-8") == "fear/1.png 2\nfear/2.png 2\nhappy/1.png 3\n"
    split = load_pictures(root, read_split_file(str(path), str(root)))
    np.testing.assert_array_equal(split.images, load_image_folder(root).images[4:7])


def test_split_file_may_come_from_other_editors(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "split.txt"
    path.write_bytes(b"./fear/1.png 2\r\nhappy//2.png 3")

    assert read_split_file(path, root) == [LabelledPicture("fear/1.png", 2), LabelledPicture("happy/2.png", 3)]


DEFECTS_OF_LINES = {
    "no blank": (b"sad/2.png", "a path, a blank and a label", "'sad/2.png'"),
    "no path": (b" 4", "a path, a blank and a label", "' 4'"),
    "a blank line": (b"", "a path, a blank and a label", "''"),
    "no label but a blank": (b"sad/my picture.png", "from 0 to 6", "'picture.png'"),
    "label missing after the blank": (b"sad/2.png ", "from 0 to 6", "''"),
    "label too large": (b"sad/2.png 7", "from 0 to 6", "'7'"),
    "label below 0": (b"sad/2.png -1", "from 0 to 6", "'-1'"),
    "label as a name": (b"sad/2.png sad", "from 0 to 6", "'sad'"),
    "label as a fraction": (b"sad/2.png 4.0", "from 0 to 6", "'4.0'"),
    "label of another class": (b"sad/2.png 5", "must be 4, that of the folder sad", "'sad/2.png 5'"),
    "no such picture": (b"sad/9.png 4", "such a picture under .*sfew", "'sad/9.png'"),
    "a folder": (b"sad 4", "such a picture under", "'sad'"),
    "a name too long for any file": (b"sad/" + b"x" * 5_000 + b" 4", "such a picture under", "'sad/xx.* … x+'"),
    "the same picture again": (b"fear/1.png 2", "already in line 1", "'fear/1.png'"),
    "the same picture, written otherwise": (b"./fear//1.png 2", "already in line 1", "'fear/1.png'"),
    "absolute": (b"/etc/passwd 4", "relative", "'/etc/passwd'"),
    "absolute on Windows": (rb"C:\sad\2.png 4", "relative", r"'C:\\\\sad\\\\2\.png'"),
    "out of the folder": (b"../sfew/sad/2.png 4", r"without '\.\.'", "'../sfew/sad/2.png'"),
    "out of a class": (b"sad/../sad/2.png 4", r"without '\.\.'", "'sad/../sad/2.png'"),
    "not UTF-8": (b"sad/\xe9.png 4", "UTF-8", r"b'\\xe9'"),
}


@pytest.mark.parametrize("name", DEFECTS_OF_LINES)
def test_defect_of_a_line_is_told(name: str, root: Path, tmp_path: Path) -> None:
    line, expected, received = DEFECTS_OF_LINES[name]
    path = tmp_path / "split.txt"
    path.write_bytes(b"fear/1.png 2\nfear/2.png 2\n" + line + b"\nhappy/1.png 3\n")

    with pytest.raises(DatasetError, match=rf"split\.txt, line 3: .*{expected}.*\. Received: {received}$") as raised:
        read_split_file(path, root)

    assert len(str(raised.value)) < 400


def test_empty_or_missing_split_file_is_told(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "split.txt"
    with pytest.raises(DatasetError, match=r"split\.txt: .*readable\. Received: .*No such file.*$"):
        read_split_file(path, root)
    path.touch()

    with pytest.raises(DatasetError, match=r"split\.txt: there must be lines .*Received: an empty file$"):
        read_split_file(path, root)


REFUSED_PICTURES = {
    "none": ([], ": there must be lines"),
    "twice": ([LabelledPicture("sad/1.png", 4)] * 2, "line 2: .*already in line 1"),
    "line break": ([LabelledPicture("sad/1.png 4\nsad/2.png", 4)], "line 1: a path must be in one line"),
    "not as listed": ([LabelledPicture("sad/1.png", 4), LabelledPicture("sad/./2.png", 4)], "line 2: .*single '/'"),
    "no Unicode": ([LabelledPicture("sad/\udce9.png", 4)], "line 1: .*UTF-8"),
    "label": ([LabelledPicture("sad/1.png", 7)], "line 1: .*from 0 to 6"),
    "absolute": ([LabelledPicture("/sad/1.png", 4)], "line 1: .*relative"),
}


@pytest.mark.parametrize("name", REFUSED_PICTURES)
def test_split_file_is_kept_where_the_new_one_is_refused(name: str, tmp_path: Path) -> None:
    pictures, expected = REFUSED_PICTURES[name]
    path = tmp_path / "split.txt"
    path.write_text("sad/3.png 4\n", encoding="utf-8")

    with pytest.raises(DatasetError, match=rf"split\.txt.*{expected}.*Received: "):
        write_split_file(path, pictures)

    assert path.read_text(encoding="utf-8") == "sad/3.png 4\n"
    assert list(tmp_path.iterdir()) == [path]
