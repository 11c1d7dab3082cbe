"""Near duplicates: the same drawn face changed a little is found, other faces are not."""

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_lib.audit import count_twins, twin_mask
from fer_lib.audit.near import DETAIL_CORRELATION, find_near_pairs, group_pictures
from fer_lib.datasets import FerDataset, Split
from fer_lib.labels import EMOTIONS
from fer_lib.sample import draw_face


def draw(number: int) -> np.ndarray:
    """A face uint8 (48, 48, 1), another for each number."""
    return draw_face(EMOTIONS[number % 7], np.random.default_rng([5, number])).image[..., None]


FACES = np.stack([draw(number) for number in range(24)])


def shift(face: np.ndarray) -> np.ndarray:
    moved = np.roll(face, (1, -1), axis=(0, 1))
    moved[0], moved[:, -1] = moved[1], moved[:, -2]
    return moved


def darken(face: np.ndarray) -> np.ndarray:
    return (0.6 * face + 10).astype(np.uint8)


def compress(face: np.ndarray) -> np.ndarray:
    packed = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    return cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)[..., None]


def crop(face: np.ndarray) -> np.ndarray:
    return cv2.resize(face[1:-1, 1:-1], (48, 48), interpolation=cv2.INTER_CUBIC)[..., None]


def write_on(face: np.ndarray) -> np.ndarray:
    marked = face.copy()
    cv2.putText(marked, "stock", (12, 44), cv2.FONT_HERSHEY_SIMPLEX, 0.3, 255)
    return marked


CHANGES = {"shift": shift, "darken": darken, "compress": compress, "crop": crop, "write_on": write_on}
LEAST_FOUND = {"shift": 20, "darken": 24, "compress": 24, "crop": 24, "write_on": 15}


def make_split(images: np.ndarray, first_row: int = 0, origins: list[int] | None = None) -> Split:
    count = len(images)
    numbers = None if origins is None else np.array(origins, dtype=np.int64)
    rows = np.arange(first_row, first_row + count, dtype=np.int64)
    return Split(images, np.zeros(count, dtype=np.int64), rows, numbers)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_picture_is_found(change: str, mirrored: bool) -> None:
    changed = np.stack([CHANGES[change](face) for face in FACES])
    changed = changed[:, :, ::-1] if mirrored else changed

    pairs = find_near_pairs(np.concatenate([FACES, changed]))

    right = pairs[pairs["second"] - pairs["first"] == len(FACES)]
    assert len(right) >= LEAST_FOUND[change]
    assert len(pairs) == len(right)
    assert (right["mirrored"] == mirrored).all()
    assert right["correlation"].between(DETAIL_CORRELATION, 1 + 1e-6).all()


def test_distinct_faces_and_blank_images_make_no_pairs() -> None:
    blank = np.stack([np.full((48, 48, 1), grey, np.uint8) for grey in (0, 0, 10, 255)])

    assert find_near_pairs(np.concatenate([FACES, blank])).empty


def test_equal_images_are_named_by_the_first() -> None:
    pairs = find_near_pairs(np.stack([FACES[0], FACES[0], darken(FACES[0]), FACES[1], darken(FACES[0])]))

    assert pairs[["first", "second"]].to_numpy().tolist() == [[0, 2]]


def test_twins_of_a_data_set_are_counted_for_what_is_held_out() -> None:
    data = FerDataset(
        make_split(FACES[:3]),
        make_split(FACES[3:4], first_row=3),
        make_split(np.stack([compress(FACES[1]), FACES[5], FACES[2, :, ::-1]]), first_row=4),
        source="made",
        sha256="0" * 64,
        is_sample=False,
    )

    assert count_twins(data) == {"validation": 0, "test": 2}


def test_a_pair_is_found_whichever_comes_first() -> None:
    """The middle of one is looked for in the other, so either may be the one that was cut."""
    cut = np.stack([FACES[6], shift(FACES[6])])
    found = [find_near_pairs(images)["correlation"].tolist() for images in (cut, cut[::-1])]
    assert len(found[0]) == 1 and found[0] == found[1]


@given(
    st.integers(1, 12).flatmap(
        lambda count: st.tuples(
            st.lists(st.integers(0, 5), min_size=count, max_size=count),
            st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=10),
        )
    )
)
def test_groups_are_what_pairs_connect(drawn: tuple[list[int], list[tuple[int, int]]]) -> None:
    shades, pairs = drawn
    images = np.array(shades, np.uint8).repeat(4).reshape(-1, 2, 2, 1)
    expected = list(range(len(shades)))
    joined = [*pairs, *((a, b) for a in range(len(shades)) for b in range(a) if shades[a] == shades[b])]
    for _ in shades:  # the smallest name spreads until nothing changes
        for a, b in joined:
            expected[a] = expected[b] = min(expected[a], expected[b])

    groups = group_pictures(images, pd.DataFrame(pairs, columns=["first", "second"], dtype=np.int64))

    assert groups.tolist() == expected


def test_twins_are_equal_near_or_mirrored() -> None:
    train = make_split(np.concatenate([FACES[:6], np.zeros((1, 48, 48, 1), np.uint8)]))
    test = make_split(
        np.stack(
            [
                FACES[2],
                FACES[3][:, ::-1],
                darken(FACES[1]),
                compress(FACES[4])[:, ::-1],
                FACES[9],
                np.zeros((48, 48, 1), np.uint8),
                np.full((48, 48, 1), 9, np.uint8),
            ]
        )
    )

    assert twin_mask(train, test).tolist() == [True, True, True, True, False, True, False]


def test_images_of_one_origin_are_twins() -> None:
    train, test = make_split(FACES[:2], origins=[0, 1]), make_split(FACES[2:4], origins=[1, 2])

    assert twin_mask(train, test).tolist() == [True, False]


def test_colour_and_empty_splits_are_compared_too() -> None:
    colour = np.repeat(FACES, 3, axis=-1)

    assert twin_mask(make_split(colour[:4]), make_split(colour[3:5])).tolist() == [True, False]
    assert twin_mask(make_split(FACES[:0]), make_split(FACES[:2])).tolist() == [False, False]
    assert twin_mask(make_split(FACES[:2]), make_split(FACES[:0])).tolist() == []


def test_twins_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one size\. Received: \(48, 48, 1\) and \(24, 24, 1\)$"):
        twin_mask(make_split(FACES), make_split(FACES[:, :24, :24]))
