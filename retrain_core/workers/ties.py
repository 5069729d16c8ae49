"""How a worker is tied to the process that started it."""

from __future__ import annotations

import os
import signal
import sys

PARENT = "RETRAIN_PARENT"  # in a cold worker's environment: the process id of the runner that started it


def die_with_parent(parent: int | None = None) -> None:
    """Have Linux end this process when its parent ends, so that no worker is orphaned.

    Linux means the parent's *thread*: workers are started by the runner's main thread. Other systems have nothing
    alike; there the next runner ends what an earlier one has left (``Launcher.end_left_over``).

    Args:
        parent: Its process id; by default what the environment says, if it says anything. A parent that ended before
            this call is noticed by it.
    """
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != (parent or int(os.environ.get(PARENT, os.getppid()))):
        os.kill(os.getpid(), signal.SIGKILL)
