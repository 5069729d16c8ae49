"""A run that is cut off goes on from its last checkpoint, and ends with the same weights, scores and curve to the bit."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.strategies import STRATEGIES, make_strategy, options_of
from retrain_core.training import attempt, loop, worker
from retrain_core.training.attempt import attempt_at
from retrain_core.types import Estimate, Limits, RunResult, RunSpec, from_json, to_json
from retrain_core.workers import checkpoints, keeper
from retrain_core.workers.events import EventLog
from retrain_core.workers.keeper import Keeper
from tests.conftest import ROOT
from tests.make import question, told
from tests.training.build import Recorded, mlp, rows_for, same, saved, schema
from tests.training.conftest import Question

QUICK = {
    "epochs": 4,
    "trial_epochs": 1,
    "most_blocks": 2,
    "batch_size": 8,
    "arrival_rows": 40,
    "memory_rows": 50,
    "patience": 2,
}
LEARNING = [name for name in STRATEGIES if name not in ("keep", "recalibrate")]  # the others make no step


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
        run = replace(run, options=chosen, forecast=forecast)
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
    events = told(folder)
    assert [event.number for event in events] == list(range(len(events)))
    return [
        {key: value for key, value in event.values.items() if key != "seconds"}
        for event in events
        if event.kind == "epoch"
    ]


def notices(folder: Path) -> list[str]:
    return [event.values["text"] for event in told(folder) if event.kind == "notice"]


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
    events = len(told(whole))
    draw = random.Random(name)
    cuts = sorted(draw.randrange(2, events - 2) for _ in range(2))  # counted along the whole run
    for cut in cuts:
        with monkeypatch.context() as patch:
            done = len(told(other))
            cut_after(patch, max(3, cut - done))
            with pytest.raises(Cut):
                worker.run(other, "cpu", 1)
        assert not (other / "result.json").exists()
    result = worker.run(other, "cpu", 1)
    assert result.status == "finished" and result.error is None
    assert result.resumed > 0
    assert_same(whole, other)
    assert not (other / checkpoints.FOLDER).exists()


# --- kinds of models and ways of computing --------------------------------------------------------


def in_pieces(
    make: Callable[[Keeper], Recorded], folder: Path, train: Callable[[Recorded], Any], chunks: int = 8
) -> Any:
    """Return what ``train`` makes with an engine that is cut off after some chunks, again and again."""
    folder.mkdir()
    cuts = 0
    while True:
        moments, why = checkpoints.read(folder, "mine")
        assert not why
        writer = Keeper(
            folder, "mine", told=int, flush=lambda: None, spent=dict, notice=print, moments=moments
        )
        engine = make(writer)
        asked = iter(range(chunks))

        def cut(asked: Any = asked) -> bool:
            if next(asked, None) is None:
                raise Cut
            return False

        engine.course.should_stop = cut
        try:
            made = train(engine)
        except Cut:
            cuts += 1
            now, _ = checkpoints.read(folder, "mine")
            assert now and now != moments, "it has not got further"
        else:
            assert cuts, "it was never cut off"
            return made


OPTIMIZERS = {
    "averages": lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=None),
    "schedule": lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5), 0.9),
}


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=list(OPTIMIZERS))
def test_averages_and_schedules_go_on(tmp_path: Path, optimizer: Callable[[], Any]) -> None:
    how = schema()
    model = mlp(kl.Dropout(0.3), kl.BatchNormalization())
    path = saved(model, tmp_path / "model.keras", optimizer(), how.loss)
    rows, validation = rows_for(model, how), rows_for(model, how, seed=1)
    full = make_strategy("full_retrain", {"epochs": 3, "batch_size": 16})

    def train(engine: Recorded) -> list[Any]:
        return full.train(None, rows, engine).get_weights()

    whole = train(Recorded(path, how, validation))
    pieces = in_pieces(lambda writer: Recorded(path, how, validation, keeper=writer), tmp_path / "run", train)
    assert same(whole, pieces)


@pytest.mark.usefixtures("always")
def test_compiled_steps_go_on(asked: Question, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "FEWEST_STEPS", 0)
    monkeypatch.setattr(loop, "MOST_COMPILED", 16)
    full = make_strategy("full_retrain", {"epochs": 3, "batch_size": 8})
    ways: list[list[str]] = []

    def train(engine: Recorded) -> list[Any]:
        weights = full.train(None, asked.new, engine).get_weights()
        ways.append(engine.ways)
        return weights

    def make(**options: Any) -> Recorded:
        return Recorded(asked.path, asked.schema, asked.validation, ways=["compiled"], **options)

    whole = train(make())
    pieces = in_pieces(lambda writer: make(keeper=writer), tmp_path / "run", train, chunks=5)
    assert same(whole, pieces) and ways == [["compiled"], ["compiled"]]


# --- the end of a process, and what is left of it -------------------------------------------------

WORKER = """
import sys
from pathlib import Path
from retrain_core.training import attempt, loop, worker
from retrain_core.training.attempt import attempt_at
from retrain_core.workers import keeper
keeper.EVERY_SECONDS, keeper.LEAST_SHARE = 0.1, 0.0
worker.run(Path(sys.argv[1]), "cpu", 1)
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # fmt: skip


@pytest.mark.timeout(600)  # five processes that import TensorFlow
@pytest.mark.parametrize(("name", "epochs"), [("lp_ft", 100), ("replay", 1)])
def test_a_killed_process_loses_nothing(folder_of: Callable[..., Path], name: str, epochs: int) -> None:
    options = {"epochs": epochs, "patience": 0, "passes": 100, "batch_size": 4}
    whole, other = (folder_of(name, to, ("plain", "plain"), **options) for to in ("whole", "other"))
    assert start(whole).wait(timeout=300) == 0
    draw, before = random.Random(name), None
    for _ in range(2):
        process = start(other)
        deadline = time.monotonic() + 120
        while checkpoints.newest(other) in (None, before) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))  # anywhere, in the middle of writing a checkpoint too
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = checkpoints.newest(other)
    assert before is not None and not (other / "result.json").exists()
    assert start(other).wait(timeout=300) == 0
    assert from_json((other / "result.json").read_bytes(), RunResult).resumed == 2
    assert_same(whole, other)


def cut_off(folder: Path, monkeypatch: pytest.MonkeyPatch, events: int = 12) -> Path:
    """Cut a run off after some events."""
    with monkeypatch.context() as patch:
        patch.setattr("retrain_core.workers.events.PROGRESS_SECONDS", 0.0)
        cut_after(patch, events)
        with pytest.raises(Cut):
            worker.run(folder, "cpu", 1)
    return folder


@pytest.mark.usefixtures("always")
def test_a_run_that_was_to_stop_is_scored_with_what_it_has_learnt(
    folder_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cut_off(folder_of("full_retrain", "run"), monkeypatch)
    moments, _ = checkpoints.read(folder, attempt_at(folder, spec_of(folder), "cpu").identity)
    (folder / "stop").write_text("It used too much of something.")
    result = worker.run(folder, "cpu", 1)
    assert result.status == "stopped" and result.new is not None
    assert result.steps == moments[-1].values["loop"]["steps"]  # not one more
    assert result.error == "It used too much of something. These are its best weights until then."


def spec_of(folder: Path) -> RunSpec:
    return from_json((folder / "run.json").read_bytes(), RunSpec)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("harm", ["damaged", "foreign", "of another model"])
def test_a_checkpoint_of_no_use_is_told_and_the_run_begins_anew(
    folder_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    whole = folder_of("full_retrain", "whole")
    worker.run(whole, "cpu", 1)
    other = cut_off(folder_of("full_retrain", "other"), monkeypatch)
    now = other / checkpoints.FOLDER / checkpoints.NOW
    if harm == "damaged":
        now.write_bytes(now.read_bytes()[:-40])
    elif harm == "foreign":
        monkeypatch.setattr(attempt, "_identity", lambda *_: "that of another version")
    else:
        mine = attempt_at(other, spec_of(other), "cpu").identity
        (moment,), _ = checkpoints.read(other, mine)
        fewer = {**moment.arrays, "variables": moment.arrays["variables"][:-1]}
        checkpoints.write(other, mine, replace(moment, arrays=fewer))
    result = worker.run(other, "cpu", 1)
    assert result.status == "finished" and result.resumed == 0
    (notice,) = [text for text in notices(other) if "starts again" in text]
    assert "its checkpoint cannot be used" in notice
    first, second = (keras.saving.load_model(folder / "model.keras") for folder in (whole, other))
    assert same(first.get_weights(), second.get_weights()) and curve(whole) == curve(other)


@pytest.mark.usefixtures("always")
def test_all_attempts_count_together(folder_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cut_off(folder_of("full_retrain", "run"), monkeypatch)
    before = attempt_at(folder, spec_of(folder), "cpu").spent
    assert before.seconds > 0 and before.cpu_seconds > 0
    limits = Limits(seconds=before.seconds)  # used up already
    (folder / "run.json").write_bytes(to_json(replace(spec_of(folder), limits=limits)))
    identity = checkpoints_identity(folder)
    monkeypatch.setattr(attempt, "_identity", lambda *_: identity)
    result = worker.run(folder, "cpu", 1)
    assert result.status == "stopped" and result.seconds > before.seconds
    assert "It reached its time limit" in (result.error or "")


def checkpoints_identity(folder: Path) -> str:
    """Return the identity that the checkpoint in a folder has."""
    with np.load(folder / checkpoints.FOLDER / checkpoints.NOW) as file:
        return str(json.loads(file["head"].tobytes())["identity"])
