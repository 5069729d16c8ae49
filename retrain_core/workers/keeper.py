"""When a run writes down where it is: seldom enough to cost next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from retrain_core.workers import checkpoints
from retrain_core.workers.checkpoints import Moment

EVERY_SECONDS = 2.0  # a run that is shorter writes nothing
LEAST_SHARE = 60.0  # training between two checkpoints takes at least this many times what writing one takes
BYTES_A_SECOND = 100e6  # guessed for the first one


class Keeper:
    """Writes the checkpoints of one attempt at a run.

    Args:
        run: The run folder.
        identity: See ``checkpoints.identity_of``.
        told: Returns how many events were told of the run so far.
        flush: Has them on the disk, before a checkpoint that counts on them.
        spent: Returns what the run has cost so far, all attempts together.
        notice: Tells the user something.
        moments: What an earlier attempt has left.
    """

    def __init__(
        self,
        run: Path,
        identity: str,
        *,
        told: Callable[[], int],
        flush: Callable[[], None],
        spent: Callable[[], Mapping[str, Any]],
        notice: Callable[[str], None],
        moments: Sequence[Moment] = (),
    ) -> None:
        self._run, self._identity = run, identity
        self._told, self._flush, self._spent, self._notice = told, flush, spent, notice
        self.moments = tuple(moments)
        self._waiting: list[Moment] = []  # ends of fits that are not written yet
        self._last, self._took = time.perf_counter(), 0.0
        self._broken = False
        self.seconds = 0.0  # all checkpoints together

    def offer(self, size: int, moment: Callable[[], Moment]) -> None:
        """Write down where a fit is, if it is time to; ``size`` is about how many bytes that is."""
        if self._due(size):
            self._write(lambda: [*self._waiting, self._dated(moment())])

    def ended(self, size: int, moment: Moment) -> None:
        """Remember how a fit has ended, and write it down now or with what is written next."""
        self._waiting.append(self._dated(moment))
        if self._due(size):
            self._write(lambda: self._waiting)

    def _due(self, size: int) -> bool:
        pause = LEAST_SHARE * (self._took or size / BYTES_A_SECOND)
        return not self._broken and time.perf_counter() - self._last >= max(EVERY_SECONDS, pause)

    def _dated(self, moment: Moment) -> Moment:
        return replace(moment, values={**moment.values, "events": self._told(), "spent": dict(self._spent())})

    def _write(self, moments: Callable[[], Sequence[Moment]]) -> None:
        start = time.perf_counter()
        try:
            self._flush()
            for moment in moments():
                checkpoints.write(self._run, self._identity, moment)
        except OSError as error:
            self._broken = True  # the training itself needs no disk until its end
            self._notice(
                f"Checkpoints cannot be written ({error.strerror or type(error).__name__}). "
                "If this run is cut off, it goes on from the last one, or starts again."
            )
        self._waiting = []
        self._last = time.perf_counter()
        self._took = self._last - start
        self.seconds += self._took
