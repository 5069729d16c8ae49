"""A run that is cut off goes on from its last checkpoint, and ends with the same weights, scores and curve to the bit."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.state import read_events
from retrain_core.strategies import STRATEGIES, options_of
from retrain_core.training import loop, worker
from retrain_core.types import Estimate, RunResult, RunSpec, from_json, to_json
from retrain_core.workers import checkpoints, keeper
from retrain_core.workers.events import EventLog
from tests.make import question

QUICK = {
    "epochs": 4,
    "trial_epochs": 2,
    "batch_size": 8,
    "arrival_rows": 40,
    "memory_rows": 50,
    "patience": 2,
}
LEARNING = [name for name in STRATEGIES if name not in ("keep", "recalibrate")]  # the others make no step
MANY = 1_000_000


class Cut(BaseException):
    """The end of a worker, at some moment."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory):
    store, spec = question(tmp_path_factory.mktemp("question"))
    prepare(store, spec)
    return store, spec


@pytest.fixture
def folder_of(prepared, tmp_path: Path) -> Callable[..., Path]:
    """Return the folder of a new run."""

    def make(name: str, to: str, ways: tuple[str, ...] = (), **options: Any) -> Path:
        store, spec = prepared
        known = {option.name for option in options_of(STRATEGIES[name])}
        chosen = {key: value for key, value in {**QUICK, **options}.items() if key in known}
        (run,) = [r for r in plan_runs(spec.id, {name: chosen}) if r.strategy == name]
        if not store.run_folder(spec.id, run.id).exists():
            store.add_runs([run])
        folder = tmp_path / to
        shutil.copytree(link_inputs(store, run), folder)
        forecast = Estimate((0, 1), 1, (0, 1), ways=ways) if ways else None
        run = from_json((folder / "run.json").read_bytes(), RunSpec)
        run = RunSpec(
            **{
                **{f: getattr(run, f) for f in run.__dataclass_fields__},
                "options": chosen,
                "forecast": forecast,
            }
        )
        (folder / "run.json").write_bytes(to_json(run))
        return folder

    return make


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a checkpoint after every chunk, which are as small as they can be."""
    monkeypatch.setattr(keeper, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(keeper, "LEAST_SHARE", 0.0)
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(loop, "WARM_STEPS", 3)
    # In this process the device is in use already.
    from contextlib import nullcontext

    monkeypatch.setattr(worker, "use_device", lambda *arguments: nullcontext())


def cut_after(monkeypatch: pytest.MonkeyPatch, events: int) -> None:
    """Let what is told next but so many events end the worker."""
    left = [events]
    tell = EventLog.__call__

    def telling(self: EventLog, kind: str, values: dict[str, Any]) -> None:
        tell(self, kind, values)
        left[0] -= 1
        if not left[0]:
            raise Cut

    monkeypatch.setattr(EventLog, "__call__", telling)


def curve(folder: Path) -> list[dict[str, Any]]:
    events = read_events(folder / "events.jsonl")
    assert [event.number for event in events] == list(range(len(events)))
    return [
        {key: value for key, value in event.values.items() if key != "seconds"}
        for event in events
        if event.kind == "epoch"
    ]


def notices(folder: Path) -> list[str]:
    return [event.values["text"] for event in read_events(folder / "events.jsonl") if event.kind == "notice"]


def assert_same(whole: Path, other: Path) -> None:
    """See that two runs have ended alike."""
    first, second = (keras.saving.load_model(folder / "model.keras") for folder in (whole, other))
    for one, two in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two))
    rows, others = (dict(np.load(folder / "scores.npz")) for folder in (whole, other))
    assert rows.keys() == others.keys()
    for name, values in rows.items():
        np.testing.assert_array_equal(values, others[name])
    assert curve(whole) == curve(other)
    assert notices(whole) == notices(other)
    was, now = (from_json((folder / "result.json").read_bytes(), RunResult) for folder in (whole, other))
    assert (was.new, was.old, was.status) == (now.new, now.old, now.status)
    assert (was.steps, was.rows_seen, was.way) == (now.steps, now.rows_seen, now.way)
    assert was.prequential == now.prequential


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("name", LEARNING)
def test_every_strategy_goes_on_where_it_was_cut_off(
    folder_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("retrain_core.workers.events.PROGRESS_SECONDS", 0.0)
    whole, other = folder_of(name, "whole"), folder_of(name, "other")
    worker.run(whole, "cpu", 1)
    events = len(read_events(whole / "events.jsonl"))
    draw = random.Random(name)
    cuts = sorted(draw.randrange(2, events - 2) for _ in range(3))  # counted along the whole run
    for cut in cuts:
        with monkeypatch.context() as patch:
            done = len(read_events(other / "events.jsonl"))
            cut_after(patch, max(3, cut - done))
            with pytest.raises(Cut):
                worker.run(other, "cpu", 1)
        assert not (other / "result.json").exists()
    result = worker.run(other, "cpu", 1)
    assert result.status == "finished" and result.error is None
    assert result.resumed > 0
    assert_same(whole, other)
    assert not (other / checkpoints.FOLDER).exists()
