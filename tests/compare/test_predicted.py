"""Probabilities, classes and errors from a model's outputs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compare.made import predicted


def test_one_output_is_the_probability_of_the_second_class() -> None:
    one = predicted("binary", [0, 1, 1], [0.2, 0.9, 0.4])
    assert one.chances == pytest.approx(np.array([[0.8, 0.2], [0.1, 0.9], [0.6, 0.4]]))
    assert one.classes.tolist() == [0, 1, 0]
    assert one.labels.tolist() == [[True, False], [False, True], [False, True]]
    assert one.decided.tolist() == [[True, False], [False, True], [True, False]]


def test_logits_of_one_output_are_those_of_two_less_one_another() -> None:
    one = predicted("binary", [0, 1], [-1.5, 2.0], from_logits=True)
    two = predicted("binary", [0, 1], [[0.5, -1.0], [1.0, 3.0]], from_logits=True)
    assert one.chances == pytest.approx(two.chances)


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_logits_give_the_probabilities_they_stand_for(task: str) -> None:
    shares = np.array([[0.7, 0.2, 0.1], [0.25, 0.25, 0.5]])
    targets = [0, 2] if task == "multiclass" else [[1, 0, 0], [0, 1, 1]]
    logits = np.log(shares) if task == "multiclass" else np.log(shares / (1 - shares))
    assert predicted(task, targets, logits, from_logits=True).chances == pytest.approx(shares)  # type: ignore[arg-type]


def test_each_label_is_decided_on_its_own() -> None:
    one = predicted("multilabel", [[1, 0], [1, 1]], [[0.6, 0.7], [0.5, 0.1]])
    assert one.decided.tolist() == [[True, True], [False, False]]
    assert one.labels.tolist() == [[True, False], [True, True]]


def test_errors_are_predictions_less_targets_whatever_their_shape() -> None:
    assert predicted("regression", [1.0, 2.0], [1.5, 1.0]).errors.tolist() == [[0.5], [-1.0]]
    assert predicted("regression", [[1.0, 2.0]], [[0.0, 4.0]]).errors.tolist() == [[-1.0, 2.0]]
