import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_lib.labels import EMOTIONS, GROUPINGS, LEFT_OUT, class_names

GROUPING = pytest.mark.parametrize("grouping", GROUPINGS.values(), ids=GROUPINGS)
LABELS = st.lists(st.integers(0, 6), max_size=20).map(lambda labels: np.array(labels, dtype=np.int64))
PROBABILITIES = st.lists(st.lists(st.floats(0.001, 1), min_size=7, max_size=7), max_size=8).map(
    lambda rows: np.array([np.array(row) / sum(row) for row in rows], dtype=np.float32).reshape(len(rows), 7)
)


def test_emotions_stand_in_the_order_of_fer2013():
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@pytest.mark.parametrize(
    ("name", "members"),
    [
        (
            "disgust_in_angry",
            {
                "angry": ["angry", "disgust"],
                "fear": ["fear"],
                "happy": ["happy"],
                "sad": ["sad"],
                "surprise": ["surprise"],
                "neutral": ["neutral"],
            },
        ),
        (
            "negative_positive",
            {"negative": ["angry", "disgust", "fear", "sad"], "positive": ["happy", "surprise", "neutral"]},
        ),
        (
            "attitude",
            {
                "negative": ["angry", "disgust", "fear", "sad"],
                "positive": ["happy"],
                "neutral": ["surprise", "neutral"],
            },
        ),
        (
            "without_disgust",
            {name: [name] for name in ("angry", "fear", "happy", "sad", "surprise", "neutral")},
        ),
    ],
)
def test_groups_have_the_members_the_paper_names(name, members):
    grouping = GROUPINGS[name]
    held = np.flatnonzero(grouping.holds(np.arange(7)))
    groups = grouping.labels(held)
    measured = {
        group: [EMOTIONS[emotion] for emotion, of in zip(held, groups, strict=True) if of == index]
        for index, group in enumerate(grouping.classes)
    }
    assert measured == members


@GROUPING
def test_a_grouping_gives_each_emotion_one_of_fewer_classes_or_none(grouping):
    assert len(grouping.group_of) == 7
    assert set(grouping.group_of) - {LEFT_OUT} == set(range(len(grouping.classes)))
    assert len(set(grouping.classes)) == len(grouping.classes) < 7


@GROUPING
@given(labels=LABELS)
def test_group_labels_are_whole_numbers_in_range(grouping, labels):
    labels = labels[grouping.holds(labels)]
    grouped = grouping.labels(labels)
    assert grouped.dtype == np.int64 and grouped.shape == labels.shape
    assert np.isin(grouped, np.arange(len(grouping.classes))).all()


@GROUPING
@given(probabilities=PROBABILITIES)
def test_summed_probabilities_keep_their_sum_and_type(grouping, probabilities):
    grouped = grouping.probabilities(probabilities)
    assert grouped.shape == (len(probabilities), len(grouping.classes)) and grouped.dtype == probabilities.dtype
    np.testing.assert_allclose(grouped.sum(axis=1), probabilities.sum(axis=1), rtol=1e-6)
    assert (grouped >= 0).all()


@GROUPING
@given(labels=LABELS)
def test_certain_predictions_are_grouped_as_labels_are(grouping, labels):
    labels = labels[grouping.holds(labels)]
    certain = np.eye(7, dtype=np.float32)[labels]
    assert grouping.probabilities(certain).argmax(axis=1).tolist() == grouping.labels(labels).tolist()


@GROUPING
@given(probabilities=PROBABILITIES)
def test_a_majority_emotion_makes_its_group_the_prediction(grouping, probabilities):
    sure = probabilities[probabilities.max(axis=1, initial=0) > 0.5]
    sure = sure[grouping.holds(sure.argmax(axis=1))]
    groups = grouping.labels(sure.argmax(axis=1))
    assert grouping.probabilities(sure).argmax(axis=1).tolist() == groups.tolist()


def test_an_emotion_that_is_left_out_has_no_label_and_no_probability():
    six = GROUPINGS["without_disgust"]
    assert six.holds(np.array([0, 1, 2])).tolist() == [True, False, True]
    with pytest.raises(ValueError, match="without_disgust has no class for disgust"):
        six.labels(np.array([0, 1]))
    left = six.probabilities(np.array([[0.1, 0.5, 0.2, 0.1, 0.05, 0.0, 0.05], [0, 1, 0, 0, 0, 0, 0]]))
    np.testing.assert_allclose(left, [[0.2, 0.4, 0.2, 0.1, 0.0, 0.1], [1 / 6] * 6])


def test_grouping_leaves_its_argument_as_it_was():
    probabilities = np.full((2, 7), 1 / 7)
    GROUPINGS["attitude"].probabilities(probabilities)
    assert (probabilities == 1 / 7).all()


def test_class_names():
    assert class_names() == class_names(None) == EMOTIONS
    assert class_names("attitude") == ("negative", "positive", "neutral")
    with pytest.raises(ValueError, match=r"one of \['attitude', .*'without_disgust'\] or None. Received: 'mood'"):
        class_names("mood")
