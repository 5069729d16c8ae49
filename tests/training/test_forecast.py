"""A rehearsal: a few real steps, and what the whole run will cost."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from retrain_core.strategies import make_strategy
from retrain_core.training import forecast, loop
from retrain_core.types import Estimate, Limits
from tests.training.build import Recorded
from tests.training.conftest import Question


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time for less long; how well is not the question here."""
    monkeypatch.setattr(forecast, "MOST_SECONDS", 0.02)
    monkeypatch.setattr(forecast, "LEAST_STEPS", 2)


def rehearsed(
    asked: Question,
    engine_of: Callable[..., Recorded],
    name: str,
    steps: int | None = None,
    **options: object,
) -> Estimate:
    """Return the estimate of a rehearsal."""
    engine = engine_of(rehearse=True, limits=Limits(steps=steps))
    make_strategy(name, options).train(asked.old, asked.new, engine)
    return engine.forecast.estimate(100.0)


def done(
    asked: Question,
    engine_of: Callable[..., Recorded],
    name: str,
    steps: int | None = None,
    **options: object,
) -> int:
    """Return the rows that the run itself sees."""
    engine = engine_of(limits=Limits(steps=steps))
    make_strategy(name, options).train(asked.old, asked.new, engine)
    return engine.rows_seen


@pytest.mark.parametrize(
    "name", ["keep", "recalibrate", "lp_ft", "surgical", "blend", "full_retrain", "replay", "lwf", "ewc"]
)
def test_every_kind_of_strategy_can_be_rehearsed(
    asked: Question, engine_of: Callable[..., Recorded], name: str
) -> None:
    estimate = rehearsed(asked, engine_of, name)
    assert 0 < estimate.seconds[0] <= estimate.seconds[1]
    assert estimate.rows_seen[0] <= estimate.rows_seen[1]
    assert (estimate.rows_seen[1] > 0) == (name not in ("keep", "recalibrate"))
    assert (estimate.peak_memory_mb, estimate.way) == (110, "plain")


@pytest.mark.parametrize(
    ("name", "steps", "options"),
    [
        ("lp_ft", None, {"epochs": 2, "patience": 0}),
        ("full_retrain", 30, {}),
        ("incremental", None, {"arrival_rows": 90, "passes": 2}),
        ("replay", None, {"arrival_rows": 90, "replay_ratio": 0.5}),
        ("replay", 25, {}),
    ],
)
def test_the_rows_that_a_run_will_see_are_told_exactly(
    asked: Question, engine_of: Callable[..., Recorded], name: str, steps: int | None, options: dict
) -> None:
    rows = done(asked, engine_of, name, steps, **options)
    assert rehearsed(asked, engine_of, name, steps, **options).rows_seen == (rows, rows)


def test_early_stopping_makes_the_range_wide(asked: Question, engine_of: Callable[..., Recorded]) -> None:
    estimate = rehearsed(asked, engine_of, "fine_tune", epochs=10, patience=2)
    assert estimate.rows_seen == (3 * asked.new.rows, 10 * asked.new.rows)
    assert estimate.seconds[1] > 1.5 * estimate.seconds[0]


def test_a_budget_far_beyond_less_than_a_batch_of_rows_ends(
    asked: Question, engine_of: Callable[..., Recorded]
) -> None:
    estimate = rehearsed(asked, engine_of, "fine_tune", steps=10_000, batch_size=4096)
    assert estimate.rows_seen == (10_000 * asked.new.rows, 10_000 * asked.new.rows)


def test_the_way_of_a_long_run_is_chosen_in_the_rehearsal(
    asked: Question, engine_of: Callable[..., Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("WARM_STEPS", 1), ("TRIAL_STEPS", 1), ("LEAST_SECONDS", 0.0), ("LEAST_GAIN", 0.0)):
        monkeypatch.setattr(loop, name, value)
    assert rehearsed(asked, engine_of, "fine_tune", steps=10_000).way == "compiled"


def test_each_part_of_a_run_takes_the_way_that_its_rehearsal_chose(
    asked: Question, engine_of: Callable[..., Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count()
    monkeypatch.setattr(loop, "_clock", lambda: next(seconds))  # a call of one step takes one
    for name, value in (("WARM_STEPS", 1), ("TRIAL_STEPS", 1), ("LEAST_SECONDS", 1000), ("LEAST_GAIN", 0.0)):
        monkeypatch.setattr(loop, name, value)
    found = rehearsed(asked, engine_of, "lp_ft", steps=2000)  # 600 of the head, then 1,400
    assert (found.way, found.ways) == ("compiled", ("plain", "compiled"))
    engine = engine_of(limits=Limits(steps=2000), ways=found.ways)
    make_strategy("lp_ft", {}).train(asked.old, asked.new, engine)
    assert engine.ways == ["plain", "compiled"]
