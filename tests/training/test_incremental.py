"""What the strategies promise that train on rows as they arrive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl
from numpy.typing import NDArray
from scipy import special, stats

from retrain_core.errors import RunError
from retrain_core.strategies import make_strategy
from retrain_core.training.learner import Teacher
from retrain_core.training.loop import Loop
from retrain_core.training.objective import Objective
from retrain_core.training.replay import Reservoir
from retrain_core.training.weights import fisher_information
from retrain_core.types import Dataset, Schema
from tests.training.build import Recorded, changed, output, rows_for, saved, schema, sequential
from tests.training.conftest import Question


def train(name: str, asked: Question, engine: Recorded, **options: Any) -> keras.Model:
    """Return what the strategy makes of the new rows, with the old ones at hand."""
    return make_strategy(name, options).train(asked.old, asked.new, engine)


def predicted(model: keras.Model, rows: Dataset) -> NDArray[np.float32]:
    return model.predict(np.asarray(rows.inputs["row"]), verbose=0)[:, 0]


def share_right(model: keras.Model, rows: Dataset) -> float:
    return float(np.mean((predicted(model, rows) > 0.5) == np.asarray(rows.targets)))


def first(rows: Dataset, begin: int, end: int | None = None) -> Dataset:
    """Return some rows in their order."""
    inputs = {name: np.asarray(values)[begin:end] for name, values in rows.inputs.items()}
    return replace(rows, inputs=inputs, targets=np.asarray(rows.targets)[begin:end])


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[tuple[NDArray[np.int32], int]]:
    """Return a list that gets the rows and the batch size of each call that trains."""
    seen, train = [], Loop.train

    def watching(loop: Loop, source: Any, order: NDArray[np.int32], size: int, *more: Any) -> Any:
        seen.append((order, size))
        return train(loop, source, order, size, *more)

    monkeypatch.setattr(Loop, "train", watching)
    return seen


# --- incremental ----------------------------------------------------------------------------------


def test_each_arriving_batch_is_scored_by_the_model_before_it(
    asked: Question, engine_of: Callable[..., Recorded]
) -> None:
    half = asked.new.rows // 2
    options = {"arrival_rows": half, "rate": 20.0, "batch_size": 8}
    begun = make_strategy("incremental", options).train(None, first(asked.new, 0, half), engine_of())
    engine = engine_of()
    make_strategy("incremental", options).train(None, first(asked.new, 0, 2 * half), engine)
    by_the_old = share_right(asked.model(), first(asked.new, 0, half))
    by_the_next = share_right(begun, first(asked.new, half, 2 * half))
    assert engine.prequential == pytest.approx((by_the_old + by_the_next) / 2, abs=1e-6)
    assert by_the_old != by_the_next


@pytest.mark.parametrize("passes", [1, 3])
def test_the_score_before_training_is_the_same_however_many_passes_follow(
    asked: Question, engine: Recorded, passes: int
) -> None:
    train("incremental", asked, engine, arrival_rows=asked.new.rows, passes=passes)
    assert engine.prequential == pytest.approx(share_right(asked.model(), asked.new), abs=1e-6)
    assert engine.rows_seen == passes * asked.new.rows


def test_rows_are_not_shuffled(asked: Question, engine: Recorded, orders: list) -> None:
    train("incremental", asked, engine, arrival_rows=100)
    assert np.concatenate([order for order, _ in orders]).tolist() == list(range(asked.new.rows))


# --- replay ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ratio", "old_a_step"), [(1.0, 32), (0.25, 8), (2.0, 64), (0.05, 2)])
def test_each_step_replays_its_share_of_old_rows(
    asked: Question, engine: Recorded, orders: list, ratio: float, old_a_step: int
) -> None:
    train("replay", asked, engine, replay_ratio=ratio, arrival_rows=64)
    order, size = orders[0]
    steps = np.split(order, 2)
    assert size == 32 + old_a_step
    for number, step in enumerate(steps):
        assert step[:32].tolist() == list(range(32 * number, 32 * number + 32))
        assert np.all(step[32:] >= asked.new.rows)  # old rows are numbered behind the new ones
    assert engine.rows_seen == sum(len(order) for order, _ in orders)


def test_a_small_batch_replays_at_least_one_row(asked: Question, engine: Recorded, orders: list) -> None:
    train("replay", asked, engine, replay_ratio=0.05, batch_size=4, arrival_rows=64)
    assert orders[0][1] == 4 + 1


def test_new_rows_are_replayed_once_a_bounded_memory_has_taken_them_in(
    asked: Question, engine: Recorded, orders: list
) -> None:
    train("replay", asked, engine, memory_rows=20, arrival_rows=64)
    replayed = [order.reshape(-1, 32)[1::2].ravel() for order, _ in orders[:-1]]
    assert np.all(replayed[0] >= asked.new.rows)
    assert np.any(replayed[-1] < asked.new.rows)
    assert all(len(np.unique(rows)) <= 20 for rows in replayed)


@pytest.mark.parametrize("name", ["replay", "ewc"])
def test_a_strategy_that_needs_old_rows_says_so(asked: Question, engine: Recorded, name: str) -> None:
    with pytest.raises(RunError, match="needs old data, and there is none"):
        make_strategy(name, {}).train(None, asked.new, engine)


def drawn(reservoir: Reservoir) -> set[int]:
    """Return the rows that a reservoir holds."""
    return set(reservoir.draw(2_000).tolist())


def test_a_reservoir_is_a_uniform_sample_of_all_rows_it_was_given() -> None:
    rng = np.random.default_rng(0)
    held = np.zeros(60)
    for _ in range(600):
        reservoir = Reservoir(np.arange(25, dtype=np.int32), 10, None, rng)
        for start in (25, 40):
            reservoir.add(np.arange(start, start + 15 if start == 25 else 60, dtype=np.int32))
        kept = list(drawn(reservoir))
        assert len(kept) == 10
        held[kept] += 1
    assert stats.chisquare(held).pvalue > 0.01


def test_a_reservoir_without_a_bound_holds_all_old_rows_and_takes_no_more() -> None:
    reservoir = Reservoir(np.arange(5, dtype=np.int32), 0, None, np.random.default_rng(0))
    reservoir.add(np.array([5, 6], np.int32))
    assert drawn(reservoir) == {0, 1, 2, 3, 4}


def test_a_reservoir_fills_up_before_it_replaces() -> None:
    reservoir = Reservoir(np.arange(3, dtype=np.int32), 5, None, np.random.default_rng(0))
    reservoir.add(np.array([7, 8], np.int32))
    assert drawn(reservoir) == {0, 1, 2, 7, 8}


def test_classes_can_be_replayed_alike_often_however_rare() -> None:
    classes = np.array([0] * 97 + [1, 1, 2])
    reservoir = Reservoir(np.arange(100, dtype=np.int32), 0, classes, np.random.default_rng(0))
    counts = np.bincount(classes[reservoir.draw(3_000)])
    assert stats.chisquare(counts).pvalue > 0.01


# --- learning without forgetting ------------------------------------------------------------------


def test_a_heavier_teacher_keeps_the_outputs_nearer_to_the_old_ones(
    asked: Question, engine_of: Callable[..., Recorded]
) -> None:
    before = predicted(asked.model(), asked.new)
    moved = [
        np.abs(
            predicted(train("lwf", asked, engine_of(), weight=weight, rate=5.0), asked.new) - before
        ).mean()
        for weight in (0.0, 100.0)
    ]
    assert moved[0] > 2 * moved[1]


def softened(logits: NDArray[np.float64], how: str) -> NDArray[np.float64]:
    """Return probabilities at a temperature of 2."""
    return special.softmax(logits / 2, axis=1) if how == "multiclass" else special.expit(logits / 2)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize(("task", "units"), [("multiclass", 3), ("binary", 1), ("multilabel", 2)])
def test_the_distance_is_the_divergence_of_softened_outputs(task: str, units: int, from_logits: bool) -> None:
    then, now = np.random.default_rng(0).normal(size=(2, 5, units))
    old, new = softened(then, task), softened(now, task)
    rows = special.rel_entr(old, new)
    if task == "multiclass":
        rows = rows.sum(axis=1)
    else:
        rows += special.rel_entr(1 - old, 1 - new)
    squash: Callable[..., Any] = special.expit
    if from_logits:
        squash = np.asarray
    elif task == "multiclass":
        squash = lambda logits: special.softmax(logits, axis=1)  # noqa: E731
    outputs = [squash(logits).astype(np.float32) for logits in (then, now)]
    teacher = Teacher(outputs[0], 3.0, 2.0, task, from_logits)
    assert float(teacher.distance(*outputs)) == pytest.approx(3.0 * 2.0**2 * rows.mean(), rel=1e-4)
    assert float(teacher.distance(outputs[0], outputs[0])) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(("how", "activation"), [(schema(), "sigmoid"), (schema("regression"), None)])
def test_outputs_of_half_precision_can_be_kept_too(
    how: Schema, activation: str | None, policy: str, tmp_path: Path
) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = sequential(output(1, activation))
    finally:
        keras.config.set_dtype_policy(before)
    path = saved(model, tmp_path / "model.keras", keras.optimizers.SGD(0.1), how.loss)
    rows = rows_for(model, how)
    after = make_strategy("lwf", {}).train(None, rows, Recorded(path, how, rows))
    assert changed(model, after) == {"out"}


def test_the_distance_of_numbers_is_their_squared_difference() -> None:
    then, now = np.array([[1.0], [2.0]], np.float32), np.array([[2.0], [5.0]], np.float32)
    assert float(Teacher(then, 2.0, 4.0, "regression", False).distance(then, now)) == 2.0 * (1 + 9) / 2


def test_the_distance_of_numbers_is_the_loss_that_the_model_was_compiled_with() -> None:
    then, now = np.zeros((2, 1), np.float32), np.array([[30.0], [50.0]], np.float32)
    teacher = Teacher(then, 1.0, 1.0, "regression", False, keras.losses.MeanAbsoluteError())
    assert float(teacher.distance(then, now)) == 40.0


def test_the_old_model_teaches_the_classes_it_knows() -> None:
    then, now = np.zeros((1, 2), np.float32), np.array([[0.0, 0.0, 9.0]], np.float32)
    teacher = Teacher(then, 1.0, 1.0, "multiclass", True)
    assert float(teacher.distance(then, now)) == pytest.approx(0, abs=1e-6)


# --- elastic weight consolidation -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "activation"),
    [(schema(), "sigmoid"), (schema("multiclass", 3), "softmax"), (schema("regression"), None)],
    ids=["binary", "multiclass", "regression"],
)
def test_fisher_information_is_the_mean_squared_gradient_of_a_row(
    how: Schema, activation: str | None, tmp_path: Path
) -> None:
    model = sequential(output(how.units, activation))
    data = rows_for(model, how)
    path = saved(model, tmp_path / "model.keras", keras.optimizers.SGD(0.1), how.loss)
    rows = np.arange(40, dtype=np.int32)
    kernel, bias = fisher_information(model, Objective(path, how), data, rows)
    x, y = data.inputs["row"][:40], np.asarray(data.targets)[:40]
    outputs = np.asarray(model(x))
    target = np.eye(3)[y] if how.units == 3 else y.reshape(-1, 1)
    squared = (outputs - target) ** 2  # of the gradient by the logits
    if how.task == "regression":
        squared *= 4 / squared.mean()  # that of the squared error, over the mean loss
    np.testing.assert_allclose(bias, squared.mean(axis=0), rtol=1e-3)
    np.testing.assert_allclose(kernel, np.einsum("nf,nu->fu", x**2, squared) / 40, rtol=1e-3)


def test_weights_that_matter_for_old_rows_are_held_and_others_learn(tmp_path: Path) -> None:
    how, model = schema("regression"), sequential(output(1, None), shape=(2,))
    path = saved(model, tmp_path / "model.keras", keras.optimizers.SGD(0.1), "mse")
    x = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    new = Dataset({"row": x}, (9 * x.sum(axis=1)).astype(np.float32), "regression", (), "")
    old = replace(new, inputs={"row": x * np.array([1, 0], np.float32)})  # the second column is always 0
    held = make_strategy("ewc", {"rate": 0.01, "passes": 5}).train(old, new, Recorded(path, how, new))
    moved = np.abs(held.get_weights()[0] - model.get_weights()[0]).ravel()
    assert moved[1] > 0.3 and moved[0] < moved[1] / 5


@pytest.mark.parametrize("loss", ["mean_squared_error", "huber", "mean_absolute_error"])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_the_hold_is_stable_whatever_numbers_are_predicted(tmp_path: Path, loss: str, scale: float) -> None:
    how = schema("regression", loss=loss)
    model = sequential(output(1, None), shape=(2,))
    path = saved(model, tmp_path / "model.keras", keras.optimizers.SGD(0.1, momentum=0.9), loss)
    x = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
    rows = Dataset({"row": x}, (scale * (x.sum(axis=1) + 3)).astype(np.float32), "regression", (), "")
    held = make_strategy("ewc", {"strength": 1e6, "rate": 1.0, "passes": 5}).train(
        rows, rows, Recorded(path, how, rows)
    )
    moved = max(np.abs(a - b).max() for a, b in zip(held.get_weights(), model.get_weights(), strict=True))
    assert 0 < moved < 10 * scale


def test_without_a_hold_it_is_plain_incremental_training(
    asked: Question, engine_of: Callable[..., Recorded]
) -> None:
    free = train("ewc", asked, engine_of(), strength=0.0)
    plain = train("incremental", asked, engine_of())
    for a, b in zip(free.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_masks_and_texts_can_be_measured_too(tmp_path: Path) -> None:
    words = kl.TextVectorization(vocabulary=["a", "b"], output_sequence_length=3)
    model = sequential(
        words, kl.Embedding(4, 2, mask_zero=True), kl.LSTM(2), output(), shape=(1,), dtype="string"
    )
    path = saved(model, tmp_path / "model.keras", keras.optimizers.SGD(0.1), "binary_crossentropy")
    data = rows_for(model, schema())
    found = fisher_information(model, Objective(path, schema()), data, np.arange(5, dtype=np.int32))
    assert all(np.any(values > 0) for values in found)
