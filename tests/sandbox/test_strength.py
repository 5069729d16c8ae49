"""What is remembered of the sandbox: what was found out, and never that nothing could be found out."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from retrain_core.sandbox import LAYERS, strength
from retrain_core.sandbox.strength import UNTRIED, _tried


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    _tried.cache_clear()
    yield
    _tried.cache_clear()


def no_memory(*arguments: Any, **options: Any) -> Any:
    raise OSError(errno.ENOMEM, "Cannot allocate memory")


def cut_off(*arguments: Any, **options: Any) -> Any:
    raise subprocess.CalledProcessError(-9, "trial")


def no_answer(command: list[str], **options: Any) -> Any:
    return subprocess.CompletedProcess(command, 0, stdout=b"")


@pytest.mark.parametrize("trial", [no_memory, cut_off, no_answer])
def test_a_trial_that_failed_is_made_again(monkeypatch: pytest.MonkeyPatch, trial: Any) -> None:
    with monkeypatch.context() as short_of_something:
        short_of_something.setattr(subprocess, "run", trial)
        failed = strength()
    assert failed.level == "none" and failed.missing["landlock"] == UNTRIED
    assert set(strength().layers) == set(LAYERS)


def test_what_was_found_out_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = strength()
    monkeypatch.setattr(subprocess, "run", no_memory)
    assert strength() == found and set(found.layers) == set(LAYERS)
