"""Working the queue off in this very process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrain_core.runs.runner import Runner

TICK_SECONDS, LOOK_SECONDS = 0.02, 0.3


def work_until(look: Callable[[], bool], runner: Runner) -> None:
    """Let the runner work until ``look``, asked now and then, finds that all is done."""
    next_look = 0.0
    while True:
        runner.step()
        time.sleep(TICK_SECONDS)
        if time.monotonic() >= next_look:
            if look():
                return
            next_look = time.monotonic() + LOOK_SECONDS
