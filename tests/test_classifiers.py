import numpy as np
import pytest
from tiny_data import make_tiny_data

from fer_lib.classifiers import fit_classifier, names
from fer_lib.datasets import Split

# QDA needs regularisation wherever a class has fewer images than an image has pixels (see the card of shi_light_vgg).
OPTIONS = {"lda": {}, "qda": {"solver": "eigen", "shrinkage": 0.1, "tol": 0.0}, "softmax_regression": {"max_iter": 20}}
NAME = pytest.mark.parametrize("name", OPTIONS)


def coarse(split):
    """Every sixth pixel from the third: 8x8 images whose bright row tells the class."""
    return Split(np.ascontiguousarray(split.images[:, 3::6, 3::6]), split.labels, split.rows)


@pytest.fixture(scope="module")
def data():
    made = make_tiny_data(sizes=(140, 28, 28))
    return coarse(made.train), coarse(made.test)


@pytest.mark.filterwarnings("ignore:Variables are collinear")
@NAME
def test_a_classifier_learns_from_pixels(name, data):
    train, test = data
    probabilities = fit_classifier(name, train, 7, **OPTIONS[name])(test.images)
    assert probabilities.shape == (28, 7) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-4)
    assert (probabilities >= 0).all()
    assert (probabilities.argmax(axis=1) == test.labels).mean() > 0.7


@NAME
def test_a_class_that_training_lacks_gets_zero(name, data):
    train, test = data
    there = np.isin(train.labels, (0, 2, 5))
    few = Split(train.images[there], train.labels[there], train.rows[there])
    probabilities = fit_classifier(name, few, 7, **OPTIONS[name])(test.images)
    assert (probabilities[:, [1, 3, 4, 6]] == 0).all()
    np.testing.assert_allclose(probabilities[:, [0, 2, 5]].sum(axis=1), 1, rtol=1e-4)
    known = np.isin(test.labels, (0, 2, 5))
    assert (probabilities[known].argmax(axis=1) == test.labels[known]).mean() > 0.7


@NAME
def test_fitting_and_predicting_leave_the_images_as_they_were(name, data):
    train, test = data
    before = train.images.copy(), test.images.copy()
    fit_classifier(name, train, 7, **OPTIONS[name])(test.images)
    np.testing.assert_array_equal(train.images, before[0])
    np.testing.assert_array_equal(test.images, before[1])


def test_options_reach_the_classifier(data):
    train, test = data
    loose, tight = (fit_classifier("softmax_regression", train, 7, C=value)(test.images) for value in (1.0, 1e-6))
    assert tight.max() < 0.2 < loose.max()  # so strong a penalty leaves hardly more than 1 / 7


def test_a_budget_of_iterations_that_ends_early_is_no_warning(data):
    train, test = data
    probabilities = fit_classifier("softmax_regression", train, 7, max_iter=1)(test.images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-4)


def test_names_are_what_fit_classifier_takes(data):
    assert names() == sorted(OPTIONS) == ["lda", "qda", "softmax_regression"]
    with pytest.raises(
        ValueError, match=r"one of \['lda', 'qda', 'softmax_regression'\]. Received: 'gradient_boosting'"
    ):
        fit_classifier("gradient_boosting", data[0], 7)


def test_pictures_can_be_reduced_to_means_of_blocks():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (28, 6, 6, 1)).astype(np.uint8)
    large = small.repeat(8, axis=1).repeat(8, axis=2)
    labels, rows = np.arange(28) % 7, np.arange(28)
    on_small = fit_classifier("lda", Split(small, labels, rows), 7)
    on_large = fit_classifier("lda", Split(large, labels, rows), 7, side=6)
    np.testing.assert_allclose(on_large(large), on_small(small), rtol=1e-4, atol=1e-6)


def test_a_side_that_does_not_divide_the_pictures_is_refused():
    images = np.zeros((7, 48, 48, 1), np.uint8)
    with pytest.raises(ValueError, match=r"side must divide images of 48x48 pixels\. Received: 20"):
        fit_classifier("lda", Split(images, np.arange(7), np.arange(7)), 7, side=20)
