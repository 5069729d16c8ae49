"""What the runner sees of a run at work, and when it has to end one: limits, stops that are not heeded, and hangs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from retrain_core.limits import GB, MOST_MEMORY, MOST_RUN_GB, MOST_RUN_HOURS
from retrain_core.machine import total_memory_mb
from retrain_core.runs import endings
from retrain_core.runs.index import IndexRow
from retrain_core.runs.names import is_estimate, is_probe
from retrain_core.runs.placement import MEASURE
from retrain_core.runs.usage import takes_more
from retrain_core.types import Limits
from retrain_core.types.text import counted

GRACE_SECONDS = 60.0  # a worker that was to end and goes on training for this long is killed
SCORING_GRACE_SECONDS = 600.0  # the same for one that has saved its model and scores it
REHEARSAL_GRACE_SECONDS = 5.0  # the same for a rehearsal, for whose end the runs wait
REHEARSAL_SECONDS = 600.0  # a few steps that take longer hang
PROBE_SECONDS = 3600.0  # so does a probe
LOOK_SECONDS = 1.0  # between two looks at a worker's memory
DISK_SECONDS = 10.0  # and at what it has written
NOTE_SECONDS = 10.0  # what is not counted of the time that a run took, if the runner is killed

Ending = tuple[Literal["failed", "stopped"], str]


@dataclass
class Work:
    """A run that a worker is doing.

    Args:
        row: Its row in the index.
        limits: What it may use.
        finishing: Whether its worker has only to score the best weights of an earlier attempt.
        before: Seconds that earlier attempts took.
        started: When, on the monotonic clock, which stands still while a laptop is closed.
        since: The same in seconds since 1970, as times of files are.
        stop_seen: When somebody was first seen to ask for its end.
        killed: How it ends and why, if the runner has killed its worker.
        sign: The last sign of life: the time that its file of events has, and when that was seen.
        looked: When its memory was last looked at.
        measured: When what it has written was.
        noted: When it was last noted how long it has been at work.
    """

    row: IndexRow
    limits: Limits
    finishing: bool = False
    before: float = 0.0
    started: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.time)
    stop_seen: float | None = None
    killed: Ending | None = None
    sign: tuple[float, float] | None = None
    looked: float = 0.0
    measured: float = field(default_factory=time.monotonic)
    noted: float = field(default_factory=time.monotonic)

    @property
    def rehearsal(self) -> bool:
        """Whether it is a rehearsal."""
        return is_estimate(self.row.id)

    @property
    def is_short(self) -> bool:
        """Whether it is a rehearsal or a probe."""
        return self.rehearsal or is_probe(self.row.id)

    @property
    def is_ending(self) -> bool:
        """Whether it is about to end, or has only to score its best weights."""
        return self.finishing or self.stop_seen is not None

    @property
    def used(self) -> float:
        """How long it has been at work, all attempts together; its worker may say what it likes."""
        return self.before + time.monotonic() - self.started

    @property
    def seconds(self) -> float | None:
        """How long it may take, all attempts together."""
        if self.rehearsal:
            return REHEARSAL_SECONDS
        if is_probe(self.row.id):
            return PROBE_SECONDS
        return self.limits.seconds


def overdue(folder: Path, work: Work) -> Ending | None:
    """Return how work ends whose worker was to end, because of a stop or its time limit, and did not."""
    now = time.monotonic()
    if work.stop_seen is None and (work.finishing or os.path.exists(folder / "stop")):
        work.stop_seen = now
    grace = _grace(folder, work)
    if work.stop_seen is not None and now - work.stop_seen > grace:
        return "stopped", endings.REHEARSAL_OVER if work.rehearsal else _unheeded(folder)
    if work.seconds is not None and not work.finishing and work.used > work.seconds + grace:
        return _over_time(work)
    return None


def over_limit(folder: Path, work: Work, process: int | None) -> str:
    """Return why a run has to end with what it has: its memory, its silence, or the hours that the machine's owner allows.

    Empty if it may go on.

    Rehearsals and probes are short, and have nothing to end with; they, and a run that is about to end, are seen to by
    ``outgrown``.
    """
    if work.is_ending or work.is_short:
        return ""
    limits, now, most = work.limits, time.monotonic(), MOST_RUN_HOURS.value
    if work.used > most * 3600:  # who trains without end gives signs of life too
        return endings.OVER_HOURS.format(time=counted(most, "hour"), setting=MOST_RUN_HOURS.name)
    told = _time_of(folder / "events.jsonl")
    if work.sign is None or work.sign[0] != told:
        work.sign = told, now
    if limits.silence_seconds is not None and now - work.sign[1] > limits.silence_seconds:
        return endings.SILENT.format(minutes=limits.silence_seconds / 60)
    return _over_memory(work, process, limits.memory_mb)


def outgrown(folder: Path, work: Work, process: int | None) -> Ending | None:
    """Return how work ends at once that takes more than the machine's owner allows: its memory, or what it writes.

    A run whose memory is too large is asked to end first, see ``over_limit``. From then on it may go on growing to halfway
    between that and all the machine has.
    """
    now = time.monotonic()
    if now - work.measured > DISK_SECONDS:
        work.measured = now
        if takes_more(folder, int(MOST_RUN_GB.value * GB)):
            return "failed", endings.OVER_DISK.format(limit=MOST_RUN_GB.value, setting=MOST_RUN_GB.name)
    if (work.is_ending or work.is_short) and (reason := _over_memory(work, process)):
        return "failed", reason
    return None


def _over_memory(work: Work, process: int | None, own: float | None = None) -> str:
    """Return what is said of work whose worker holds more memory than it may; empty if it does not.

    Args:
        work: The work.
        process: Its worker.
        own: Its own limit in MB, beside that of the machine's owner.
    """
    now = time.monotonic()
    if not process or now - work.looked <= LOOK_SECONDS:
        return ""
    work.looked, used = now, memory_mb(process)
    whole = total_memory_mb()
    share = whole * MOST_MEMORY.value / 100
    most = max(share, (share + whole) / 2) if work.is_ending else share
    if own is not None and used > own:
        return endings.OVER_MEMORY.format(used=used, limit=own)
    if used > most:
        instead = endings.FEWER[endings.kind_of(work.row)]
        return endings.OVER_SHARE.format(used=used, limit=share, setting=MOST_MEMORY.name, instead=instead)
    return ""


def memory_mb(process: int) -> float:
    """Return the resident memory of a process and of those it has started, in MB; 0 if it is gone."""
    try:
        whole = psutil.Process(process)
        processes = (whole, *whole.children(recursive=True))
        return float(sum(one.memory_info().rss for one in processes)) / 1024**2
    except psutil.Error:
        return 0.0


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _grace(folder: Path, work: Work) -> float:
    if work.rehearsal:
        return REHEARSAL_GRACE_SECONDS
    scoring = work.finishing or os.path.exists(folder / "model.keras")
    return SCORING_GRACE_SECONDS if scoring else GRACE_SECONDS


def _unheeded(folder: Path) -> str:
    """Return what is said of a run that was to stop, went on and leaves no scores: why it was to, if that is known."""
    reason = endings.reason_of(folder)
    return f"{reason} {endings.NO_SCORES}" if reason else endings.NOT_STOPPING


def _over_time(work: Work) -> Ending:
    if work.rehearsal:
        return "failed", endings.REHEARSAL_ENDLESS
    if is_probe(work.row.id):
        return "failed", endings.FILES_ENDLESS if work.row.device == MEASURE else endings.PROBE_ENDLESS
    return "stopped", endings.OVER_LIMIT
