"""A store with one question in it, anew for each test."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

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


def until(condition: Callable[[], bool], runner: Runner | None = None, seconds: float = 90) -> float:
    """Wait until ``condition`` holds, working off the queue meanwhile; return how long it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "it did not happen in time"
        if runner:
            runner.step()
        time.sleep(0.02)
    return time.monotonic() - start
