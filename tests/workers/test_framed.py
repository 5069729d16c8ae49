"""How a piece of work ends that runs out of memory, whoever has wrapped the error meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from retrain_core.errors import RunError
from retrain_core.types import RunResult
from retrain_core.workers.framed import framed


def directly() -> RunResult:
    raise MemoryError


def wrapped_by_us() -> RunResult:
    try:
        raise MemoryError
    except MemoryError as error:
        raise RunError("Keras cannot load the model.", "", "Save it again.") from error


def while_another() -> RunResult:
    try:
        raise MemoryError
    except MemoryError:
        raise TypeError("it could not be deserialized")  # noqa: B904


@pytest.mark.parametrize("work", [directly, wrapped_by_us, while_another])
def test_it_is_told_as_memory(tmp_path: Path, work) -> None:
    result = framed(work, tmp_path, "cpu", lambda kind, values: None, None, too_large="It needs more memory.")
    assert result.status == "failed" and result.error == "It needs more memory."
    assert b"It needs more memory." in (tmp_path / "result.json").read_bytes()


def other() -> RunResult:
    raise RunError("The batch is empty.", "No row is left.", "Use more rows.")


def test_other_errors_are_told_as_they_are(tmp_path: Path) -> None:
    result = framed(
        other, tmp_path, "cpu", lambda kind, values: None, None, too_large="It needs more memory."
    )
    assert result.error == "The batch is empty. No row is left. Use more rows."
