"""Kills at random moments, of a worker, its fork server, the runner, the app's server or all of them; and what holds all the while.

A run whose worker dies twice without getting further fails, as its owner may have given it too little memory; so do a run
with which runner after runner is killed, and data whose preparing is cut off again and again. So nothing is killed that would
be the last such time: all else is random. What a victim has started dies with it, before anybody here ends anything.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import os
import random
import signal
import sqlite3
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

from retrain_core.runs.cut_off import MOST_ATTEMPTS, MOST_CUT_OFF
from retrain_core.runs.index import IndexRow, read_experiment, read_runs
from retrain_core.runs.launchers.local import LOCKED
from retrain_core.runs.lock import runner_is_alive
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import RunState, run_states
from retrain_core.runs.steps.preparing import MOST_CUT_OFF as MOST_PREPARED
from retrain_core.runs.steps.preparing import times_cut_off
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
ORPHAN_SECONDS = 30.0  # Linux ends them at once; the machine may be busy
PATIENCE = 3.0  # seconds: a fork server that was killed before it came up is done without
SHARES = {"worker": 4, "fork server": 2, "runner": 2, "all": 1, "server": 1}  # of kills
CUT_OFF = "SELECT cut_off FROM runs WHERE experiment = ? AND id = ?"
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
    bound: dict[psutil.Process, float] = field(default_factory=dict)  # what was to die with a victim, by when

    def __post_init__(self) -> None:
        self.experiments = {spec.id for spec in self.store.experiments()[0]}
        self._random = random.Random(self.seed)
        self._next: list[str] = []  # kinds of kills, each as often as its share, in random order

    def blow(self, kills: int) -> None:
        """Kill until there were so many kills, or all runs have ended."""
        while self.killed.total() < kills and not self.done():
            if not self._next:
                self._next = list(Counter(SHARES).elements())
                self._random.shuffle(self._next)
            self._kill(self._next.pop())
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
        """See that no orphan is left, every experiment is there, nothing half-written is taken for whole, and ends are final."""
        late = [command(process) for process in self.orphans() if self.bound[process] < time.monotonic()]
        assert not late, f"{late} has outlived what it was to die with"
        found, unreadable = self.store.experiments()
        assert {spec.id for spec in found} == self.experiments and not unreadable
        for row in self._rows():
            if row.finished is None:
                continue
            assert row.status == "finished", (row.id, row.error)
            key, folder = (row.experiment, row.id), self.store.run_folder(row.experiment, row.id)
            now = {name: digest(folder / name) for name in RESULTS}
            assert self.ended.setdefault(key, now) == now, f"{row.id} has changed after its end"

    def orphans(self) -> list[psutil.Process]:
        """Return what is still there and was to die with a victim."""
        # A runner that a server was about to start looked like that server.
        gone = [process for process in self.bound if not is_alive(process) or is_runner(process)]
        for process in gone:
            del self.bound[process]
        return list(self.bound)

    def end(self) -> None:
        """See that no orphan is left, then end the server and the runner, and see the same again."""
        try:
            self._be_without_orphans()
        finally:
            try:
                if self.app.is_up:
                    self._bind([self.app.process])
                    self.app.stop()  # first: it would start another runner
                self.strike(self.runners())
                self._be_without_orphans()
            finally:
                for process in self.bound:
                    with contextlib.suppress(psutil.Error):
                        process.kill()

    def _be_without_orphans(self) -> None:
        until(
            lambda: not self.orphans(),
            "a process has outlived what it was to die with",
            seconds=ORPHAN_SECONDS,
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
        if victims := self._victims().get(name, []):
            self.strike(victims)
            self.killed[name] += 1

    def strike(self, victims: list[psutil.Process]) -> None:
        """Kill processes, and remember what has to die with them."""
        self._bind(victims)
        for process in victims:
            with contextlib.suppress(ProcessLookupError, psutil.Error):
                os.kill(process.pid, signal.SIGKILL)
        psutil.wait_procs(victims, timeout=10)

    def _bind(self, victims: list[psutil.Process]) -> None:
        by = time.monotonic() + ORPHAN_SECONDS
        for process in (one for victim in victims for one in descendants(victim)):
            self.bound.setdefault(process, by)

    def _victims(self) -> dict[str, list[psutil.Process]]:
        """Return what may be killed now, by name."""
        server = [self.app.process] if self.app.is_up else []
        runners = self.runners()
        forks = [child for runner in runners for child in children(runner) if "forkserver" in command(child)]
        cold = [child for runner in runners for child in children(runner) if LOCKED in command(child)]
        workers = [*cold, *(child for fork in forks for child in children(fork))]
        self._random.shuffle(workers)
        groups = {
            "worker": workers[:1],
            "fork server": forks,
            "runner": runners,
            "all": [*runners, *forks, *workers, *server],
        }
        spared = {"runner", "all"} if self._is_prepared_last() else set[str]()
        for row in self._rows():
            if row.status == "running" and not self._has_got_further(row):
                spared |= {"worker", "fork server"} if row.attempts >= MOST_ATTEMPTS else set()
                spared |= {"runner", "all"} if self._times_cut_off(row) >= MOST_CUT_OFF - 1 else set()
        groups = {name: group for name, group in groups.items() if name not in spared}
        return {name: group for name, group in {**groups, "server": server}.items() if group}

    def _rows(self) -> list[IndexRow]:
        index = self.store.root / "index.sqlite"
        return [row for id in sorted(self.experiments) for row in read_runs(index, id)[0]]

    def _times_cut_off(self, row: IndexRow) -> int:
        """Return how many runners in a row were killed while a run got no further."""
        index = sqlite3.connect(f"file:{self.store.root / 'index.sqlite'}?mode=ro", uri=True)
        with contextlib.closing(index):
            return int(index.execute(CUT_OFF, (row.experiment, row.id)).fetchone()[0])

    def _is_prepared_last(self) -> bool:
        index = self.store.root / "index.sqlite"
        found = [read_experiment(index, id) for id in self.experiments]
        return any(
            one and one[0] == "preparing" and times_cut_off(one[1]) + 1 >= MOST_PREPARED for one in found
        )

    def _has_got_further(self, row: IndexRow) -> bool:
        newest = checkpoints.newest(self.store.run_folder(row.experiment, row.id))
        return newest is not None and newest > (row.started or 0.0)

    def runners(self) -> list[psutil.Process]:
        """Return the runners of this store, those that are coming up too."""
        return [
            process
            for process in psutil.process_iter()
            if is_runner(process) and str(self.store.root) in command(process)
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


def descendants(process: psutil.Process) -> set[psutil.Process]:
    """Return all that a process has started, and what that has; but no runner, which outlives the server that starts it."""
    own = {child for child in children(process) if not is_runner(child)}
    return own.union(*(descendants(child) for child in own))


def is_runner(process: psutil.Process) -> bool:
    """Return whether a process is a runner."""
    return "retrain_core runner " in command(process)


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process does anything: one that has ended and that nobody has asked about does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


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
