"""A store with one question in it, anew for each test."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retrain_core.runs.index import IndexRow, read_runs
from retrain_core.runs.launchers import LAUNCHERS
from retrain_core.runs.runner import Runner
from retrain_core.runs.store import Store
from retrain_core.types import ExperimentSpec
from tests.make import question

Asked = tuple[Store, ExperimentSpec]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return question(tmp_path_factory.mktemp("template"))


@pytest.fixture
def asked(template: Asked, tmp_path: Path) -> Asked:
    store, spec = template
    shutil.copytree(store.root, tmp_path / "store")
    return Store(tmp_path / "store"), spec


@pytest.fixture
def runner(asked: Asked) -> Iterator[Runner]:
    """The runner of that store, which works as ``until`` lets it."""
    runner = Runner(asked[0])
    yield runner
    runner.close()


def until(condition: Callable[[], bool], runner: Runner | None = None, seconds: float = 90) -> float:
    """Wait until ``condition`` holds, working off the queue meanwhile; return how long it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "it did not happen in time"
        if runner:
            runner.step()
        time.sleep(0.02)
    return time.monotonic() - start


def rows(asked: Asked) -> dict[str, IndexRow]:
    store, spec = asked
    return {row.id: row for row in read_runs(store.root / "index.sqlite", spec.id)[0]}


class Idle:
    """A launcher whose workers do nothing until the test says how they end."""

    def __init__(self) -> None:
        self.started: dict[Path, str] = {}
        self.over: list[tuple[Path, int]] = []
        self.killed: list[Path] = []
        self.left_over: list[Path] = []
        self.devices_known = threading.Event()
        self.devices_known.set()

    def start(self, folder: Path, device: str, threads: int, work: str = "train") -> None:
        self.started[folder] = device

    def ended(self) -> list[tuple[Path, int]]:
        over, self.over = self.over, []
        return over

    def kill(self, folder: Path) -> None:
        self.killed.append(folder)
        self.over.append((folder, -9))

    def process_id(self, folder: Path) -> int | None:
        return None

    def end_left_over(self, folder: Path) -> None:
        self.left_over.append(folder)

    def find_devices(self, path: Path) -> threading.Event:
        return self.devices_known

    def close(self) -> None:
        self.started.clear()


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Idle:
    launcher = Idle()
    monkeypatch.setitem(LAUNCHERS, "local", lambda: launcher)
    return launcher
