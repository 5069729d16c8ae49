"""Losses: which fit, what is used instead, and how outputs are read."""

from __future__ import annotations

import numpy as np
import pytest

from retrain_core.data import LOSSES, check, infer_schema
from retrain_core.models import allowed
from retrain_core.types import CLASS_NUMBER_LOSSES, ModelCard, Task
from tests.data.cards import card, table

HALF, THIRD = np.arange(40) % 2, np.arange(40) % 3
NUMBERS = {"y": np.arange(40.0) + 1}


def test_every_loss_that_a_model_may_name_is_in_the_table() -> None:
    assert {info.class_name: name for name, info in LOSSES.items()} == allowed.LOSSES
    assert set(CLASS_NUMBER_LOSSES) < set(LOSSES)


@pytest.mark.parametrize(
    ("model", "labels", "task", "one_hot", "from_logits"),
    [
        (card(1, "sigmoid", "binary_focal_crossentropy"), {"y": HALF}, "binary", False, False),
        (card(1, "linear", "hinge"), {"y": HALF}, "binary", False, True),
        (card(1, "tanh", "squared_hinge"), {"y": HALF}, "binary", False, True),
        (card(1, "sigmoid", "hinge"), {"y": HALF}, "binary", False, False),
        (card(1, "sigmoid", "mean_squared_error"), {"y": HALF}, "binary", False, False),
        (card(2, "softmax", "categorical_crossentropy"), {"y": HALF}, "binary", True, False),
        (card(3, "linear", "categorical_focal_crossentropy", from_logits=True), {"y": THIRD}, "multiclass", True, True),
        (card(3, "softmax", "categorical_generalized_cross_entropy"), {"y": THIRD}, "multiclass", False, False),
        (card(3, "softmax", "kl_divergence"), {"y": THIRD}, "multiclass", True, False),
        (card(3, "linear", "categorical_hinge"), {"y": THIRD}, "multiclass", True, True),
        (card(3, "softmax", "mean_squared_error"), {"y": THIRD}, "multiclass", True, False),
        (card(3, "softmax", "binary_crossentropy"), {"y": THIRD}, "multiclass", True, False),
        (card(2, "sigmoid", "binary_focal_crossentropy"), {"y_0": HALF, "y_1": HALF}, "multilabel", False, False),
        (card(2, "linear", "hinge"), {"y_0": HALF, "y_1": HALF}, "multilabel", False, True),
        (card(1, "softplus", "poisson"), NUMBERS, "regression", False, False),
        (card(1, "linear", "mean_absolute_percentage_error"), NUMBERS, "regression", False, False),
        (card(1, "linear", "huber"), NUMBERS, "regression", False, False),
        (card(1, "linear", "log_cosh"), NUMBERS, "regression", False, False),
        (card(2, "linear", "cosine_similarity"), {"y_0": HALF + 0.5, "y_1": THIRD}, "regression", False, False),
    ],
)  # fmt: skip
def test_the_loss_that_the_model_was_compiled_with_is_kept_if_it_fits(
    model: ModelCard, labels: dict[str, np.ndarray], task: Task, one_hot: bool, from_logits: bool
) -> None:
    rows = table(**labels)
    schema = infer_schema(model, rows)
    assert (schema.task, schema.loss) == (task, model.loss)
    assert (schema.one_hot, schema.from_logits) == (one_hot, from_logits)
    assert not [f for f in check(model, schema, {"new": rows}) if "loss" in f.title]


@pytest.mark.parametrize(
    ("model", "choice", "used", "why"),
    [
        (card(1, "linear", "mean_squared_error"), {"from_logits": True, "task": "binary"}, "binary_crossentropy", "does not take logits"),
        (card(1, "sigmoid", "poisson"), {"task": "binary"}, "binary_crossentropy", "does not fit two classes from 1 output unit"),
        (card(3, "softmax", "sparse_categorical_crossentropy"), {"task": "multilabel", "label": "y,z,w"}, "binary_crossentropy",
         "does not fit several labels a row from 3 output units"),
        (card(1, "linear", "binary_crossentropy"), {"task": "regression"}, "mean_squared_error", "does not fit a number"),
    ],
)  # fmt: skip
def test_a_loss_that_does_not_fit_is_replaced_and_that_is_said(
    model: ModelCard, choice: dict, used: str, why: str
) -> None:
    rows = table(w=HALF, z=HALF, y=HALF)
    columns = ("a", "b")
    schema = infer_schema(model, rows, columns=columns, **{"label": "y", **choice})
    assert schema.loss == used
    (found,) = [f for f in check(model, schema, {"new": rows}) if "loss" in f.title]
    assert found.status == "warning" and why in found.detail


def test_a_least_squares_classifier_has_its_border_at_a_half() -> None:
    schema = infer_schema(card(1, "linear", "mean_squared_error"), table(y=HALF), task="binary")
    assert (schema.loss, schema.from_logits) == ("mean_squared_error", False)


def test_outputs_trained_by_a_hinge_loss_are_called_what_they_are() -> None:
    model, rows = card(1, "linear", "hinge"), table(y=HALF)
    said = " ".join(f.detail for f in check(model, infer_schema(model, rows), {"new": rows}))
    assert (
        "The loss hinge makes outputs that are neither probabilities nor logits: above 0 means yes." in said
    )


def test_a_loss_of_whole_batches_trains_and_another_one_scores() -> None:
    model, rows = card(1, "sigmoid", "dice"), table(y=HALF)
    schema = infer_schema(model, rows)
    (found,) = [f for f in check(model, schema, {"new": rows}) if "loss" in f.title]
    assert schema.loss == "dice" and found.title == "Training uses the loss dice, scores use another"


@pytest.mark.parametrize(
    ("loss", "values", "says"),
    [
        ("poisson", np.arange(40.0) - 2, "New data: 2 labels are below 0"),
        ("mean_absolute_percentage_error", np.arange(40.0), "New data: 1 label is 0"),
    ],
)
def test_labels_that_a_loss_is_not_made_for_are_said(loss: str, values: np.ndarray, says: str) -> None:
    model, rows = card(1, "linear", loss), table(y=values)
    titles = [f.title for f in check(model, infer_schema(model, rows), {"new": rows})]
    assert says in titles
