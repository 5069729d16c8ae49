"""What is going on, read from the index and the run folders; nothing here writes."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retrain_core.runs.events import read_events
from retrain_core.runs.inbox import is_asked
from retrain_core.runs.index import IndexRow, read_experiment, read_open, read_runs
from retrain_core.runs.names import is_beside
from retrain_core.runs.store import Store
from retrain_core.types import RunEvent, RunResult, RunSpec, RunStatus
from retrain_core.types.text import counted, ordinal

STALLED_SECONDS = 15.0
MOST_NOTICES = 100  # of a run, are shown
ENDED = ("finished", "failed", "stopped")


@dataclass(frozen=True)
class RunState:
    """One run as it stands now.

    Args:
        spec: What it does.
        status: Where it is on its way.
        device: Where it runs; what was asked for until it starts.
        waiting: Runs before it in the queue.
        progress: Share done, 0 to 1.
        label: What it is doing, such as ``epoch 3 of 10``.
        elapsed: Seconds since it started.
        left: Seconds it will still take at this pace, if that can be told.
        stalled: Whether it has been silent for long.
        curve: Values along the training, one an epoch or arriving batch.
        latest: Values of the last progress event.
        notices: What it told the user.
        result: How it ended.
        error: Why it failed.
    """

    spec: RunSpec
    status: RunStatus
    device: str = "cpu"
    waiting: int = 0
    progress: float = 0.0
    label: str = ""
    elapsed: float = 0.0
    left: float | None = None
    stalled: bool = False
    curve: tuple[Mapping[str, Any], ...] = ()
    latest: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    result: RunResult | None = None
    error: str | None = None

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.status in ENDED


def experiment_status(store: Store, id: str) -> tuple[str, str | None]:
    """Return ``draft``, ``submitted``, ``preparing``, ``ready`` or ``failed``, and the error if it failed.

    It is a draft until it has runs: rehearsals do not start an experiment.
    """
    if not store.count_runs(id):
        return "draft", None
    if is_asked(store.root, id):
        return "submitted", None
    return read_experiment(store.root / "index.sqlite", id) or ("submitted", None)


def runs_done(store: Store, experiment: str) -> tuple[int, int]:
    """Return how many runs of an experiment have ended, and how many there are; reads no events."""
    rows, _ = read_runs(store.root / "index.sqlite", experiment)
    done = sum(row.status in ENDED for row in rows if not is_beside(row.id))
    return done, store.count_runs(experiment)


def queue_places(store: Store) -> dict[str, int]:
    """Return the place in the queue, from 1, of every experiment whose runs wait while none of them is at work.

    It is how many experiments have a run that starts until one of its own does. What is done beside the runs is short, or
    waits for them: it is not counted.
    """
    queued, running = read_open(store.root / "index.sqlite")
    order = dict.fromkeys(row.experiment for row in queued if not is_beside(row.id))
    at_work = {row.experiment for row in running if not is_beside(row.id)}
    return {id: place for place, id in enumerate(order, start=1) if id not in at_work}


def place_words(place: int) -> str:
    """Return a place in the queue in words.

    >>> place_words(1), place_words(2), place_words(3)
    ('next in the queue', '2nd in the queue: 1 experiment before it', '3rd in the queue: 2 experiments before it')
    """
    if place == 1:
        return "next in the queue"
    return f"{ordinal(place)} in the queue: {counted(place - 1, 'experiment')} before it"


def run_states(store: Store, experiment: str) -> tuple[RunState, ...]:
    """Return the state of every run of an experiment, in the order they were asked for."""
    return _states(store, experiment, store.runs(experiment))


def probe_states(store: Store, experiment: str, wanted: Collection[str] | None = None) -> dict[str, RunState]:
    """Return the state of probes of an experiment by id; of those that have ended, not how they went.

    Args:
        store: The store.
        experiment: Its id.
        wanted: Ids of those to look at; all by default.
    """
    if wanted is None:
        specs = store.probes(experiment)
    else:
        folders = {id: store.run_folder(experiment, id) for id in wanted}
        specs = [
            store.described(experiment, id)
            for id, folder in folders.items()
            if (folder / "run.json").is_file()
        ]
    return {state.spec.id: state for state in _states(store, experiment, specs, on_the_way=False)}


def try_states(store: Store, experiment: str) -> dict[str, RunState]:
    """Return the state of the tries of a quick look by id; of those that have ended, not how they went."""
    states = _states(store, experiment, store.tries(experiment), on_the_way=False)
    return {state.spec.id: state for state in states}


def _states(
    store: Store, experiment: str, specs: Sequence[RunSpec], *, on_the_way: bool = True
) -> tuple[RunState, ...]:
    """Return the states of runs; ``on_the_way`` says whether to read how those went that have ended."""
    rows, waiting = read_runs(store.root / "index.sqlite", experiment)
    asked = is_asked(store.root, experiment)
    by_id = {row.id: row for row in rows if not (asked and _is_outdated(store, row))}
    return tuple(
        _state(store, spec, by_id[spec.id], waiting.get(spec.id, 0), on_the_way=on_the_way)
        if spec.id in by_id
        else RunState(spec, "queued", device=spec.device)
        for spec in specs
    )


def _is_outdated(store: Store, row: IndexRow) -> bool:
    """Return whether the runner still knows of the last attempt only, and a new one was asked for."""
    folder = store.run_folder(row.experiment, row.id)
    return is_beside(row.id) and row.status in ENDED and not (folder / "result.json").is_file()


def _state(store: Store, spec: RunSpec, row: IndexRow, waiting: int, *, on_the_way: bool = True) -> RunState:
    folder = store.run_folder(spec.experiment, spec.id)
    unread = row.status == "queued" or (row.status in ENDED and not on_the_way)
    events = [] if unread else read_events(folder / "events.jsonl")
    told = [event.values for event in events if event.kind == "progress"]
    latest = told[-1] if told else {}
    notices = tuple(str(event.values["text"]) for event in events if event.kind == "notice")
    progress = 1.0 if row.status == "finished" else float(latest.get("progress", 0.0))
    now = time.time()
    elapsed = _elapsed(events, row.finished or now)
    running = row.status == "running"
    return RunState(
        spec=spec,
        status=row.status,
        device=row.device,
        waiting=waiting,
        progress=progress,
        label=str(latest.get("label", "")),
        elapsed=elapsed,
        left=elapsed * (1 - progress) / progress if running and progress > 0.02 else None,
        stalled=running and bool(events) and now - events[-1].time > STALLED_SECONDS,
        curve=tuple(event.values for event in events if event.kind == "epoch"),
        latest=latest,
        notices=notices[:MOST_NOTICES],
        result=store.result(spec.experiment, spec.id) if row.finished else None,
        error=row.error,
    )


def _elapsed(events: Sequence[RunEvent], until: float) -> float:
    """Return for how long a run has been at work, without the time that it was cut off for."""
    starts = [event for event in events if event.kind == "started"]
    return until - starts[-1].time + float(starts[-1].values.get("seconds", 0.0)) if starts else 0.0
