"""The frame of each piece of work in a worker: however it goes, ``result.json`` and the last event say how it ended."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from retrain_core.errors import RetrainError, in_a_line
from retrain_core.files import write_atomic
from retrain_core.sandbox.least import require
from retrain_core.types import Locked, RunResult, to_json
from retrain_core.workers.disk import FULL, is_full
from retrain_core.workers.processes import peak_memory_mb

MOST_WORDS = 300  # of an error that nobody foresaw


def framed(
    work: Callable[[], RunResult],
    folder: Path,
    device: str,
    report: Callable[[str, dict[str, Any]], None],
    locked: Locked | None,
    *,
    too_large: str,
    memory_errors: Sequence[type[BaseException]] = (MemoryError,),
) -> RunResult:
    """Do a piece of work and return how it ended, which is also written down and reported.

    Args:
        work: Does it.
        folder: The run folder.
        device: Where it is done.
        report: Called with the kind and values of each event.
        locked: What holds of the sandbox; ``None`` in the very process that asks for the work.
        too_large: What is said when memory does not suffice.
        memory_errors: What is raised then.
    """
    try:
        if locked is not None:
            require(locked)
        result = work()
    except Exception as error:
        if _comes_of(error, tuple(memory_errors)):
            result = _failed(device, too_large)
        elif isinstance(error, RetrainError):
            result = _failed(device, str(error))
        else:
            traceback.print_exc()  # into worker.log; the user gets one line
            result = _failed(device, FULL if is_full(folder, error) else _in_a_line(error))
    write_atomic(folder / "result.json", to_json(result))
    report(
        "failed" if result.status == "failed" else "finished",
        {"status": result.status, "error": result.error},
    )
    return result


def _comes_of(error: BaseException | None, kinds: tuple[type[BaseException], ...]) -> bool:
    """Return whether an error is one of ``kinds``, or was raised because of one: Keras, and we, wrap what happens inside."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, kinds):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _failed(device: str, error: str) -> RunResult:
    return RunResult("failed", device=device, error=error, peak_memory_mb=peak_memory_mb())


def _in_a_line(error: Exception) -> str:
    return f"It failed ({in_a_line(error, MOST_WORDS)}). The details are in its worker.log."
