"""What a run's owner is told when its worker could not tell it itself."""

from __future__ import annotations

from retrain_core.errors import RetrainError

# What a damaged folder can raise; errors in JSON are ValueErrors.
FOLDER_ERRORS = (RetrainError, OSError, ValueError)
STOPPED_IN_QUEUE = "It was stopped before it started."
CUT_OFF = "It was cut off twice without finishing. Look at the machine's memory, then start it again."
NOTHING_TO_GO_ON = "What it needs could not be found out before."
CUT_OFF_PREPARING = (
    "Preparing the data was cut off twice. The machine may have run out of memory: try files with fewer rows."
)
NOT_STOPPING = (
    "It was stopped, but went on, so its worker was killed. It leaves no scores. "
    "Smaller batches heed a stop sooner."
)
PROBE_ENDLESS = "It took longer than an hour, so its worker was killed. Use files with fewer rows."
OVER_LIMIT = (
    "It was over its time limit and went on, so its worker was killed. It leaves no scores. "
    "Allow more time, or try fewer rows."
)
REHEARSAL_OVER = "It was not estimated to its end, because the runs were started."
REHEARSAL_ENDLESS = "A few steps took longer than ten minutes, so the cost is not known. Try smaller batches."


def broken(error: Exception) -> str:
    """Return what is said of a run whose folder raises ``error``."""
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return f"The run folder cannot be used: {reason}. Start the run again in a new experiment."
    return str(error)


def died(code: int, *, probe: bool = False) -> str:
    """Return what is said of a run, or of a probe, whose worker ended with ``code`` and no result."""
    if code == -9:
        advice = (
            "try again when nothing else runs, or use files with fewer rows"
            if probe
            else "try fewer rows or a smaller batch"
        )
        return f"The worker was killed. The machine may have run out of memory: {advice}."
    if code == -11:
        where = "crashed" if probe else "crashed inside TensorFlow"
        return f"The worker {where}. Start it again; if it recurs, its worker.log says where."
    return f"The worker ended without a result (exit code {code}). Its worker.log says more."
