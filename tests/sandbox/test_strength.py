"""What is remembered of the sandbox: what was found out, and for a minute that nothing could be found out."""

from __future__ import annotations

import errno
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from retrain_core.sandbox import LAYERS, strength
from retrain_core.sandbox.strength import AGAIN, UNTRIED, _known
from retrain_core.types import Locked


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    _known.found = None
    yield
    _known.found = None


def no_memory(*arguments: Any, **options: Any) -> Any:
    raise OSError(errno.ENOMEM, "Cannot allocate memory")


def cut_off(*arguments: Any, **options: Any) -> Any:
    raise subprocess.CalledProcessError(-9, "trial")


def no_answer(command: list[str], **options: Any) -> Any:
    return subprocess.CompletedProcess(command, 0, stdout=b"")


@pytest.mark.parametrize("trial", [no_memory, cut_off, no_answer])
def test_a_trial_that_failed_is_made_again_after_a_while(monkeypatch: pytest.MonkeyPatch, trial: Any) -> None:
    with monkeypatch.context() as short_of_something:
        short_of_something.setattr(subprocess, "run", trial)
        failed = strength()
    assert failed.level == "none" and failed.missing["landlock"] == UNTRIED
    assert strength() is failed
    later = time.monotonic() + AGAIN
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert set(strength().layers) == set(LAYERS)


def test_what_was_found_out_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = strength()
    monkeypatch.setattr(subprocess, "run", no_memory)
    assert strength() == found and set(found.layers) == set(LAYERS)


def test_many_who_ask_at_once_wait_for_one_trial_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    asking, trials = threading.Barrier(8), []

    def hang(command: list[str], **options: Any) -> Any:
        trials.append(command)
        time.sleep(0.2)
        raise subprocess.TimeoutExpired(command, 0.2)

    def ask(_: int) -> Locked:
        asking.wait()
        return strength()

    monkeypatch.setattr(subprocess, "run", hang)
    with ThreadPoolExecutor(8) as visitors:
        assert {found.level for found in visitors.map(ask, range(8))} == {"none"}
    assert len(trials) == 1
