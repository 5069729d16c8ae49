"""Kills at random moments, of a worker, its fork server, the runner, the app's server or all of them; and what holds all the while.

A run that is cut off twice without getting further fails, as its owner may have given it too little memory, and so does
preparing the data. So nothing is killed that would be the second such time: all else is random.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import os
import random
import signal
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import psutil
from numpy.typing import NDArray

from retrain_core.runs.cut_off import MOST_ATTEMPTS
from retrain_core.runs.index import IndexRow, read_experiment, read_runs
from retrain_core.runs.launchers.local import LOCKED
from retrain_core.runs.lock import runner_is_alive
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import RunState, run_states
from retrain_core.runs.steps.preparing import PREPARING_AGAIN
from retrain_core.runs.store import Store
from retrain_core.types import Estimate
from retrain_core.workers import checkpoints
from tests.make import question
from tests.serving import App, until, visit

EPOCHS = 500  # so that a run outlasts several kills
CALM_SECONDS = 600.0  # all runs together are over in a minute where nothing else is at work

RESULTS = ("result.json", "model.keras", "scores.npz")
LEFT = ("*.tmp", "*.removed", "data.tmp", ".writing", ".model.tmp.keras", ".reading-*")
MOST_PAUSE = 2.0  # seconds that something lives at most before it is killed
PATIENCE = 3.0  # seconds: a fork server that was killed before it came up is done without
SHARES = {"worker": 4, "fork server": 2, "runner": 2, "all": 1, "server": 1}  # of kills
Key = tuple[str, str]  # experiment and run


@dataclass
class Storm:
    """Kills what works at one store.

    Args:
        store: The store; its runs are submitted.
        app: The app's server, which looks at it.
        seed: Of what is killed, and when.
    """

    store: Store
    app: App
    seed: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    ended: dict[Key, Mapping[str, str]] = field(default_factory=dict)
    known: set[psutil.Process] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.experiments = {spec.id for spec in self.store.experiments()[0]}
        self._random = random.Random(self.seed)

    def blow(self, kills: int) -> None:
        """Kill until there were so many kills, or all runs have ended."""
        while self.killed.total() < kills and not self.done():
            self._kill(self._random.choices(list(SHARES), weights=list(SHARES.values()))[0])
            self.check()

    def calm(self, seconds: float) -> None:
        """Let all runs end, with nobody to look at them: the server is up, and that is all."""
        self._keep_up()
        deadline = time.monotonic() + seconds
        while not self.done():
            assert time.monotonic() < deadline, [state.status for state in self.states()]
            self.check()
            time.sleep(0.2)

    def done(self) -> bool:
        """Return whether all runs have ended."""
        return all(state.done for state in self.states())

    def states(self) -> list[RunState]:
        """Return how all runs stand."""
        return [state for id in sorted(self.experiments) for state in run_states(self.store, id)]

    def check(self) -> None:
        """See that every experiment is there, nothing half-written is taken for whole, and what has ended is as it was."""
        found, unreadable = self.store.experiments()
        assert {spec.id for spec in found} == self.experiments and not unreadable
        for row in self._rows():
            if row.finished is None:
                continue
            assert row.status == "finished", (row.id, row.error)
            key, folder = (row.experiment, row.id), self.store.run_folder(row.experiment, row.id)
            now = {name: digest(folder / name) for name in RESULTS}
            assert self.ended.setdefault(key, now) == now, f"{row.id} has changed after its end"

    def end(self) -> None:
        """End the server and the runner, and see that nothing outlives them that was ever there."""
        for process in self.processes():
            process.terminate()
        if self.app.is_up:
            self.app.end()
        until(
            lambda: not any(process.is_running() for process in self.known),
            "a process has outlived its runner",
        )

    # --- what is killed ---------------------------------------------------------------------------

    def _keep_up(self) -> None:
        """Have the server up, and a page open in it for a moment: so somebody looks, and the runner is started."""
        if not self.app.is_up:
            self.app.start()
        if not runner_is_alive(self.store.root):
            with visit(self.app):
                pass

    def _kill(self, name: str) -> None:
        """Wait until there is such a thing, then for a random while, and kill it if it is still there."""
        patience = time.monotonic() + PATIENCE
        while name not in self._victims():
            if self.done() or time.monotonic() > patience:
                return
            self._keep_up()
            time.sleep(0.05)
        time.sleep(self._random.uniform(0, MOST_PAUSE))
        for process in (victims := self._victims().get(name, [])):
            with contextlib.suppress(ProcessLookupError, psutil.Error):
                os.kill(process.pid, signal.SIGKILL)
        psutil.wait_procs(victims, timeout=10)
        if victims:
            self.killed[name] += 1

    def _victims(self) -> dict[str, list[psutil.Process]]:
        """Return what may be killed now, by name."""
        server = [self.app.process] if self.app.is_up else []
        runners = self.processes(" runner ")  # those that are coming up too
        forks = [child for runner in runners for child in children(runner) if "forkserver" in command(child)]
        cold = [child for runner in runners for child in children(runner) if LOCKED in command(child)]
        workers = [*cold, *(child for fork in forks for child in children(fork))]
        self.known.update(everything := [*runners, *forks, *workers, *server])
        self._random.shuffle(workers)
        groups = {"worker": workers[:1], "fork server": forks, "runner": runners, "all": everything}
        spared = {"runner", "all"} if self._is_prepared_again() else set[str]()
        for row in self._rows():
            if row.status == "running" and not self._has_got_further(row):
                spared |= {"worker", "fork server"} if row.attempts >= MOST_ATTEMPTS else set()
        groups = {name: group for name, group in groups.items() if name not in spared}
        return {name: group for name, group in {**groups, "server": server}.items() if group}

    def _rows(self) -> list[IndexRow]:
        index = self.store.root / "index.sqlite"
        return [row for id in sorted(self.experiments) for row in read_runs(index, id)[0]]

    def _is_prepared_again(self) -> bool:
        index = self.store.root / "index.sqlite"
        return any(read_experiment(index, id) == ("preparing", PREPARING_AGAIN) for id in self.experiments)

    def _has_got_further(self, row: IndexRow) -> bool:
        newest = checkpoints.newest(self.store.run_folder(row.experiment, row.id))
        return newest is not None and newest > (row.started or 0.0)

    def processes(self, word: str = "") -> list[psutil.Process]:
        """Return the processes that work at this store, runners if ``word`` says so."""
        return [
            process
            for process in psutil.process_iter()
            if str(self.store.root) in (line := command(process)) and word in f" {line} "
        ]


def command(process: psutil.Process) -> str:
    """Return the command line of a process; nothing if it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def children(process: psutil.Process) -> list[psutil.Process]:
    """Return the processes that a process has started; none if it has ended."""
    try:
        return process.children()
    except psutil.Error:
        return []


def digest(path: Path) -> str:
    """Return a hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def leftovers(root: Path) -> list[Path]:
    """Return files and folders of a store that have no place there once all is over."""
    runs = [path for name in ("tmp", checkpoints.FOLDER) for path in root.glob(f"experiments/*/*/*/{name}")]
    return [*runs, *(path for pattern in LEFT for path in root.rglob(pattern))]


@dataclass
class Toll:
    """What was killed, and what came of it.

    Args:
        killed: How often, by what.
        runs: Runs that ended as undisturbed ones.
        resumed: How often these were taken up from a checkpoint.
    """

    killed: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    resumed: int = 0


def survive(folder: Path, kills: int, tell: Callable[[str], None] = print) -> Toll:
    """Run the same experiments undisturbed and in storms, until so much was killed; assert that nobody can tell the difference.

    Args:
        folder: For the stores; empty.
        kills: How many.
        tell: Told after each storm.
    """
    calm_store, calm_ids = asked_twice(folder / "calm")
    undisturbed(calm_store)
    toll = Toll()
    for seed in itertools.count():
        store, ids = asked_twice(folder / f"storm {seed}")
        storm = Storm(store, App(store.root), seed)
        try:
            storm.blow(kills - toll.killed.total())
            storm.calm(seconds=CALM_SECONDS)
            for id, calm_id in zip(ids, calm_ids, strict=True):
                for run in store.runs(id):
                    same_outcome(calm_store, calm_id, store, id, run.id)
        finally:
            storm.end()
        assert leftovers(store.root) == []
        results = [state.result for state in storm.states()]
        toll.killed += storm.killed
        toll.runs += len(results)
        toll.resumed += sum(result.resumed for result in results if result)
        tell(f"storm {seed}: {dict(storm.killed)}")
        if toll.killed.total() >= kills:
            break
    return toll


# --- what is asked for, and what comes of it ------------------------------------------------------


def asked_twice(folder: Path, epochs: int = EPOCHS) -> tuple[Store, list[str]]:
    """Return a store with two experiments whose runs are submitted to no runner yet, and their ids."""
    ids = []
    for _ in range(2):
        (part := folder / str(len(ids))).mkdir(parents=True)
        store, spec = question(part, store=folder / "store", new_rows=2_000)
        plain = Estimate(
            (0.0, 0.0), 0.0, (0, 0), ways=("plain",)
        )  # no trial, whose outcome hangs on the load
        runs = plan_runs(spec.id, {"full_retrain": {"patience": 0}}, seeds=(0, 1), shared={"epochs": epochs})
        store.add_runs([replace(run, forecast=None if run.strategy == "keep" else plain) for run in runs])
        ids.append(spec.id)
    return store, ids


def undisturbed(store: Store) -> None:
    """Let all runs of a store end."""
    runner = Runner(store)
    try:
        while runner.step():
            time.sleep(0.05)
    finally:
        runner.close()


def same_outcome(store: Store, experiment: str, other: Store, other_experiment: str, run: str) -> None:
    """Assert that a run of two stores has the same final weights and the same scores of every row, bit for bit."""
    one, two = store.run_folder(experiment, run), other.run_folder(other_experiment, run)
    for read in (weights_of, scores_of):
        first, second = read(one), read(two)
        assert set(first) == set(second) and first, run
        assert all(np.array_equal(first[name], second[name]) for name in first), run
    mine, theirs = store.result(experiment, run), other.result(other_experiment, run)
    assert mine is not None and theirs is not None
    assert (mine.new, mine.old, mine.steps, mine.rows_seen) == (
        theirs.new,
        theirs.old,
        theirs.steps,
        theirs.rows_seen,
    )


def weights_of(folder: Path) -> dict[str, NDArray[Any]]:
    """Return the weights of a run's model by their place in the file."""
    found: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(folder / "model.keras") as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file["layers"].visititems(
            lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return found


def scores_of(folder: Path) -> dict[str, NDArray[Any]]:
    """Return a run's scores of every row."""
    with np.load(folder / "scores.npz", allow_pickle=False) as file:
        return dict(file)
