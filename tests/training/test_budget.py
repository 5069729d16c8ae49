"""A budget of steps is used up exactly, and what a run does is counted right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from retrain_core.strategies import STRATEGIES, make_strategy
from retrain_core.types import Dataset, Limits
from tests.training.build import Recorded
from tests.training.conftest import Question

TRAINING = [name for name in STRATEGIES if name not in ("keep", "recalibrate")]
SIZE = 20


def whole_batches(rows: Dataset) -> Dataset:
    """Return as many rows as fill their batches."""
    count = rows.rows // SIZE * SIZE
    inputs = {name: np.asarray(values)[:count] for name, values in rows.inputs.items()}
    return replace(rows, inputs=inputs, targets=np.asarray(rows.targets)[:count])


@pytest.mark.parametrize("name", TRAINING)
def test_every_strategy_does_exactly_the_steps_of_its_budget(
    asked: Question, engine_of: Callable[..., Recorded], name: str
) -> None:
    engine = engine_of(limits=Limits(steps=34))
    old, new = whole_batches(asked.old), whole_batches(asked.new)
    make_strategy(name, {"batch_size": SIZE}).train(old, new, engine)
    assert engine.rows_seen == 34 * SIZE
    assert engine.steps == (17 if name == "replay" else 34)  # half of its rows are replayed


@pytest.mark.parametrize("shares", [(0.3, 0.7), (0.125,) * 3 + (0.625,), (1 / 7,) * 7])
@pytest.mark.parametrize("budget", [7, 10, 1001])
def test_no_step_is_lost_or_gained_by_rounding(
    engine_of: Callable[..., Recorded], shares: tuple[float, ...], budget: int
) -> None:
    engine = engine_of(limits=Limits(steps=budget))
    steps = [engine.course.steps_of(share) for share in shares]
    assert sum(steps) == budget
    assert all(abs(done - share * budget) <= 1 for done, share in zip(steps, shares, strict=True))


def test_a_budget_smaller_than_the_arrivals_is_spread_over_them(
    asked: Question, engine_of: Callable[..., Recorded]
) -> None:
    engine = engine_of(limits=Limits(steps=8))
    make_strategy("replay", {"arrival_rows": 20}).train(asked.old, asked.new, engine)
    assert engine.steps == 4 and engine.prequential is not None


def test_a_budget_is_not_cut_short_by_early_stopping(
    asked: Question, engine_of: Callable[..., Recorded]
) -> None:
    engine = engine_of(limits=Limits(steps=200))
    make_strategy("fine_tune", {"rate": 100.0, "patience": 1}).train(None, asked.new, engine)
    assert engine.steps == 200


def test_events_tell_the_rows_seen_up_to_then(asked: Question, engine: Recorded) -> None:
    make_strategy("full_retrain", {"epochs": 3, "patience": 0}).train(asked.old, asked.new, engine)
    rows = asked.old.rows + asked.new.rows
    assert [point["rows_seen"] for point in engine.told("epoch")] == [0, rows, 2 * rows, 3 * rows]
    shares = [told["progress"] for told in engine.told("progress")]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1.0)
