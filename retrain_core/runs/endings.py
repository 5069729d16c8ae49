"""What a run's owner is told when its worker could not tell it itself."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from retrain_core.errors import RetrainError
from retrain_core.runs.from_worker import read_begin
from retrain_core.runs.index import IndexRow
from retrain_core.runs.names import is_probe
from retrain_core.runs.placement import MEASURE

# What a damaged folder can raise; errors in JSON are ValueErrors.
FOLDER_ERRORS = (RetrainError, OSError, ValueError)
Kind = Literal["run", "probe", "files"]  # a run, work on a sample of the rows, work on whole files
MOST_REASON = 4096  # bytes of the file that asks for a stop, which a worker may have written
STOPPED_IN_QUEUE = "It was stopped before it started."
CUT_OFF = (
    "The runner was killed again and again while it was at work, and it got no further. Look at the machine's memory, "
    "then start it again."
)
NOTHING_TO_GO_ON = "What it needs could not be found out before."
CUT_OFF_PREPARING = "Preparing the data was cut off again and again. The machine may have run out of memory: try files with fewer rows."
NOT_STOPPING = (
    "It was stopped, but went on, so its worker was killed. It leaves no scores. "
    "Smaller batches heed a stop sooner."
)
PROBE_ENDLESS = "It took longer than an hour, so its worker was killed. Try again when nothing else runs."
FILES_ENDLESS = "It took longer than an hour, so its worker was killed. Use files with fewer rows."
NO_SCORES = "Its worker did not heed the stop and was killed. It leaves no scores."
OVER_LIMIT = (
    "It was over its time limit and went on, so its worker was killed. It leaves no scores. "
    "Allow more time, or try fewer rows."
)
UNCHECKED = "The model that it trained could not be checked. Start it again in a new experiment."
OVER_TIME = "It was over its time limit and went on, so its worker was killed."
OVER_MEMORY = (
    "It used {used:,.0f} MB of memory; its limit is {limit:,.0f} MB. "
    "Allow more memory, or try a smaller batch."
)
OVER_SHARE = (
    "It used {used:,.0f} MB of memory; {setting} allows {limit:,.0f} MB here. Have it raised, or {instead}."
)
FEWER: dict[Kind, str] = {
    "run": "try a smaller batch",
    "probe": "use fewer rows",
    "files": "use files with fewer rows",
}
OVER_HOURS = "It trained for {time}; {setting} allows no more. Have it raised, or try fewer rows or epochs."
OVER_DISK = (
    "It wrote more than {limit:,.1f} GB, so its worker was killed. {setting} allows no more. "
    "Have it raised, or use a smaller model."
)
SILENT = (
    "It gave no sign of life for {minutes:g} minutes, so it was taken to hang. "
    "Start it again; if it recurs, its worker.log may say why."
)
MORE_ROOM: dict[Kind, str] = {
    "run": "try fewer rows or a smaller batch",
    "probe": "try again when nothing else runs",
    "files": "try again when nothing else runs, or use files with fewer rows",
}
REMOVED = "It was removed while it was at work, again and again."
REHEARSAL_OVER = "It was not estimated to its end, because the runs were started."
REHEARSAL_ENDLESS = "A few steps took longer than ten minutes, so the cost is not known. Try smaller batches."


def reason_of(folder: Path) -> str:
    """Return why a run was asked to stop, as a limit did; empty if it was somebody's wish."""
    return read_begin(folder / "stop", MOST_REASON).decode("utf-8", "replace").strip()


def kind_of(row: IndexRow) -> Kind:
    """Return what kind of work a row of the index is."""
    return "files" if row.device == MEASURE else "probe" if is_probe(row.id) else "run"


def broken(error: Exception) -> str:
    """Return what is said of a run whose folder raises ``error``."""
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return f"The run folder cannot be used: {reason}. Start the run again in a new experiment."
    return str(error)


def died(code: int, what: Kind = "run") -> str:
    """Return what is said of work whose worker ended with ``code`` and no result.

    Args:
        code: The exit code; minus the number of a signal.
        what: A run, a probe that looks at a sample of the rows, or one that reads whole files.
    """
    if code == -9:
        return f"The worker was killed. The machine may have run out of memory: {MORE_ROOM[what]}."
    if code == -11:
        where = "crashed" if what == "files" else "crashed inside TensorFlow"
        return f"The worker {where}. It may have got no more memory. Start it again; if it recurs, its worker.log says where."
    # Its own errors leave a result: so it aborted (-6), could load no more libraries (127), or could not write one (1).
    return (
        f"The worker gave up (exit code {code}). It may have got no more memory: {MORE_ROOM[what]}. "
        "Its worker.log says more."
    )
