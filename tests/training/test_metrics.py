"""Metrics, counted by hand and held to scikit-learn's."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.training import accuracy, binary_accuracy, confusion_matrix, r2_score


def test_scores_are_reduced_to_their_largest():
    assert accuracy(mg.Tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]]), np.array([1, 1, 1])) == pytest.approx(2 / 3)


def test_scores_of_pixels_are_compared_pixel_by_pixel():
    scores = np.zeros((2, 3, 4, 4))
    scores[:, 1] = 1
    assert accuracy(scores, np.ones((2, 4, 4), int)) == 1.0


def test_one_score_per_sample_is_no_class():
    with pytest.raises(ValueError, match="use binary_accuracy"):
        accuracy(np.array([0.2, 0.8]), np.array([0, 1]))


def test_shapes_that_would_broadcast_are_refused():
    for metric in (binary_accuracy, r2_score):
        with pytest.raises(ValueError, match=r"\(3, 1\) and targets \(3,\)"):
            metric(np.zeros((3, 1)), np.zeros(3))


def test_logits_have_their_threshold_at_zero():
    assert binary_accuracy(np.array([-1.0, 0.2]), np.array([0, 1]), threshold=0) == 1.0


def test_the_confusion_matrix_has_truths_in_rows_and_room_for_classes_never_seen():
    found = confusion_matrix(np.array([[0.9, 0.1, 0.0], [0.8, 0.1, 0.1]]), np.array([0, 1]))
    assert found.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]


def test_metrics_agree_with_scikit_learn():
    sk = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, 100), rng.integers(0, 4, 100)
    np.testing.assert_array_equal(confusion_matrix(a, b), sk.confusion_matrix(b, a))
    assert accuracy(a, b) == sk.accuracy_score(b, a)
    x, y = rng.standard_normal((50, 2)), rng.standard_normal((50, 2))
    assert r2_score(x, y) == pytest.approx(sk.r2_score(y, x))
    assert r2_score(np.ones(3), np.ones(3)) == sk.r2_score(np.ones(3), np.ones(3)) == 1.0


def test_a_class_beyond_the_labels_is_told():
    with pytest.raises(ValueError, match="classes must be 0 to 1 for labels=2; found 3"):
        confusion_matrix([0, 3], [0, 1], labels=2)
