"""What becomes of a run whose worker ended without a result: whether it is taken up again."""

from __future__ import annotations

import os
from pathlib import Path

from retrain_core.runs.index import IndexRow
from retrain_core.runs.names import is_beside
from retrain_core.workers import checkpoints

MOST_ATTEMPTS = 2  # a run whose worker died twice without getting further is not tried again
MOST_CUT_OFF = 10  # nor one with which ten runners were killed, as it may have taken them along


def got_further(folder: Path, since: float) -> bool:
    """Return whether a run has written a checkpoint since an attempt began."""
    newest = checkpoints.newest(folder)
    return newest is not None and newest > since


def attempts_left(folder: Path, row: IndexRow, since: float) -> int | None:
    """Return the attempts to be counted for a run that may be tried again, ``None`` if it may not.

    A run that has got further, to a newer checkpoint, has as many attempts as one that begins.

    Args:
        folder: The run folder.
        row: Its row in the index, the attempt that was cut off included.
        since: When that attempt began, in seconds since 1970.
    """
    if got_further(folder, since):
        return 0
    return row.attempts if row.attempts < MOST_ATTEMPTS else None


def has_begun(folder: Path, since: float) -> bool:
    """Return whether a worker has told anything since an attempt was made: what ended before it came up is not its fault."""
    try:
        return (folder / "events.jsonl").lstat().st_mtime > since
    except OSError:
        return False


def can_finish(folder: Path, row: IndexRow) -> bool:
    """Return whether a run that is to end has a checkpoint, whose best weights can be scored."""
    return not is_beside(row.id) and checkpoints.newest(folder) is not None


def was_interrupted(row: IndexRow, code: int) -> bool:
    """Return whether a run proper was ended from outside; rehearsals, tries and probes are short, and just end."""
    return code < 0 and not is_beside(row.id)


def is_to_stop(folder: Path) -> bool:
    """Return whether somebody has asked a run to end."""
    return os.path.exists(folder / "stop")
