"""Steps in chunks: every row once, a stop at any chunk, and failures that are said at the very step."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from retrain_core.errors import RunError
from retrain_core.training import loop as module
from retrain_core.training import models
from retrain_core.training.loop import Loop
from retrain_core.training.objective import Objective
from retrain_core.types import Dataset, Schema
from tests.training.build import mlp, output, rows_for, saved, schema, sequential

ORDER = np.arange(90, dtype=np.int32)


@pytest.fixture
def loop_of(tmp_path: Path):
    """Return a loop for a model as it is saved, and rows for it."""

    def make(
        model: keras.Model, how: Schema | None = None, *, optimizer: object = None, **options
    ) -> tuple[Loop, Dataset]:
        how = how or schema()
        path = saved(model, tmp_path / "model.keras", optimizer or keras.optimizers.SGD(0.1), how.loss)
        return Loop(models.load(path), Objective(path, how), **options), rows_for(model, how)

    return make


@pytest.fixture
def quick_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choose between plain and compiled steps after few of each."""
    monkeypatch.setattr(module, "WARM_STEPS", 1)
    monkeypatch.setattr(module, "TRIAL_STEPS", 1)
    monkeypatch.setattr(module, "LEAST_SECONDS", 0.0)


def test_every_row_is_used_once_and_the_last_batch_may_be_smaller(loop_of) -> None:
    loop, rows = loop_of(mlp())
    *_, logs = loop.train(loop.source(rows), ORDER, 32)
    assert (logs["rows"], logs["share"], loop.steps) == (90, 1.0, 3)


def test_rows_are_taken_in_the_order_given(loop_of) -> None:
    loop, rows = loop_of(mlp())
    first = loop.score(loop.source(rows), ORDER[:10])
    later = loop.score(loop.source(rows), ORDER[10:])
    both = loop.score(loop.source(rows), ORDER)
    assert both["loss"] == pytest.approx((10 * first["loss"] + 80 * later["loss"]) / 90)


def test_scoring_changes_nothing(loop_of) -> None:
    loop, rows = loop_of(mlp(kl.BatchNormalization(), kl.Dropout(0.5)))
    source = loop.source(rows)
    assert loop.score(source) == loop.score(source)


def test_the_trunks_outputs_are_computed_once_if_a_step_would_feel_their_cost(loop_of) -> None:
    model = sequential(kl.Normalization(mean=[0.0] * 4, variance=[1.0] * 4), kl.Dense(3), output())
    cheap, _ = loop_of(model, rows=90)
    model.layers[1].trainable = False
    costly, _ = loop_of(model, rows=90)
    too_large, _ = loop_of(model, rows=10**12)
    assert (cheap.cached, costly.cached, too_large.cached) == (False, True, False)


def test_training_can_be_left_after_any_chunk(loop_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_SECONDS", 0.0)
    loop, rows = loop_of(mlp())
    logs = next(loop.train(loop.source(rows), ORDER, 2))
    assert 0 < logs["rows"] < 90 and loop.steps == logs["rows"] / 2


# --- the way a step is computed -------------------------------------------------------------------


@pytest.mark.usefixtures("quick_trials")
@pytest.mark.parametrize(("least_gain", "way"), [(0.0, "compiled"), (1e9, "plain")])
def test_the_faster_way_is_chosen(
    loop_of, monkeypatch: pytest.MonkeyPatch, least_gain: float, way: str
) -> None:
    monkeypatch.setattr(module, "LEAST_GAIN", least_gain)
    loop, rows = loop_of(mlp(), planned_steps=10_000)
    list(loop.train(loop.source(rows), ORDER, 16))
    assert (loop.way, loop.choosing, loop.steps) == (way, 0, 6)


@pytest.mark.usefixtures("quick_trials")
@pytest.mark.parametrize(("least", "way"), [(0.0, "compiled"), (1e9, "plain")])
def test_compiling_is_tried_where_the_plain_steps_to_come_take_seconds(
    loop_of, monkeypatch: pytest.MonkeyPatch, least: float, way: str
) -> None:
    monkeypatch.setattr(module, "LEAST_SECONDS", least)
    monkeypatch.setattr(module, "LEAST_GAIN", 0.0)
    loop, rows = loop_of(mlp(), planned_steps=1_000)
    list(loop.train(loop.source(rows), ORDER, 16))
    assert (loop.way, "compiled" in loop._seconds) == (way, way == "compiled")


@pytest.mark.usefixtures("quick_trials")
def test_the_small_batch_that_ends_an_epoch_is_no_trial(loop_of) -> None:
    loop, rows = loop_of(mlp(), planned_steps=10_000)
    source = loop.source(rows)
    list(loop.train(source, ORDER[:24], 16))  # a plain step, then 8 rows: a call that is not worth timing
    assert loop.choosing and set(loop._seconds) == {"warm plain"}
    loop, rows = loop_of(mlp(), planned_steps=10_000)
    source = loop.source(rows)
    list(loop.train(source, ORDER[:40], 16))  # two plain steps, then 8 rows
    assert loop.choosing and set(loop._seconds) == {"warm plain", "plain"}
    list(loop.train(source, ORDER[:32], 16))
    assert set(loop._seconds) == {"warm plain", "plain", "warm compiled", "compiled"}


@pytest.mark.parametrize(
    ("model", "planned", "a_call"),
    [
        (mlp(), 100, 5),
        (mlp(), 10_000, 0),
        (sequential(kl.Conv1D(2, 2), kl.Flatten(), output(), shape=(4, 2)), 10_000, 5),
    ],
    ids=["few steps", "no whole batch", "convolutions"],
)
def test_compiling_is_not_tried_where_it_cannot_pay(
    loop_of, model: keras.Model, planned: int, a_call: int
) -> None:
    loop, _ = loop_of(model, planned_steps=planned, call_steps=a_call)
    assert (loop.way, loop.choosing) == ("plain", 0)


@pytest.mark.usefixtures("quick_trials")
def test_what_xla_cannot_do_is_done_the_plain_way(loop_of, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object) -> object:
        raise tf.errors.UnimplementedError(None, None, "no such operation")

    monkeypatch.setattr(module, "compiled_steps", lambda *arguments: refused)
    loop, rows = loop_of(mlp(), planned_steps=10_000)
    *_, logs = loop.train(loop.source(rows), ORDER, 16)
    assert (loop.way, logs["rows"], loop.steps) == ("plain", 90, 6)


# --- failing well ---------------------------------------------------------------------------------


def growing() -> keras.Model:
    """Return a model of one weight, which begins at 1."""
    return sequential(output(1, None, use_bias=False, kernel_initializer="ones"), shape=(1,))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.usefixtures("quick_trials")
def test_a_loss_that_is_no_number_is_caught_at_its_very_step(
    loop_of, monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    monkeypatch.setattr(module, "LEAST_GAIN", 0.0)
    # With inputs of 1 and targets of 0 a step multiplies the weight by 1 - 2 * rate: the losses are 1, 1e10, 1e20,
    # 1e30, and then more than float32 holds.
    loop, _ = loop_of(
        growing(),
        schema("regression"),
        optimizer=keras.optimizers.SGD(5e4),
        planned_steps=10_000 if compiled else 0,
    )
    ones = Dataset({"row": np.ones((90, 1), np.float32)}, np.zeros(90, np.float32), "regression", (), "")
    with pytest.raises(RunError, match=r"not a number any more, at training step 5\."):
        list(loop.train(loop.source(ones), ORDER, 10))
    assert loop.steps == 5


def test_a_label_that_is_no_number_is_caught_at_the_step_that_has_it(loop_of) -> None:
    loop, rows = loop_of(growing(), schema("regression"), optimizer=keras.optimizers.SGD(1e-3))
    targets = rows.targets.copy()
    targets[61] = np.nan
    with pytest.raises(RunError, match=r"at training step 7\."):
        list(loop.train(loop.source(Dataset(rows.inputs, targets, rows.task, (), "")), ORDER, 10))


def exhausted(*arguments: object) -> None:
    """TensorFlow waits ten seconds for memory before it says so itself."""
    raise tf.errors.ResourceExhaustedError(
        None, None, "OOM when allocating tensor with shape[32,2000000000,4]"
    )


def test_exhausted_memory_is_told_as_python_tells_it(loop_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "plain_steps", lambda *arguments: exhausted)
    loop, rows = loop_of(mlp())
    with pytest.raises(MemoryError, match="OOM when allocating"):
        list(loop.train(loop.source(rows), ORDER, 32))


def test_exhausted_memory_is_told_when_scoring_too(loop_of, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, rows = loop_of(mlp())
    monkeypatch.setattr(loop, "_test", exhausted)
    with pytest.raises(MemoryError, match="OOM when allocating"):
        loop.score(loop.source(rows))
