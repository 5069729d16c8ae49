"""How a worker is tied to the process that started it, and how much memory it has used."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil

from retrain_core.machine import PARENT


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


def peak_memory_mb() -> float:
    """Return the largest resident memory of this process so far, in MB."""
    if sys.platform == "win32":
        return round(psutil.Process().memory_info().peak_wset / 1024**2, 1)
    status = Path("/proc/self/status")
    if status.is_file():  # unlike getrusage, it knows nothing of the process that this one was started by
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return round(int(line.split()[1]) / 1024, 1)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024**2 if sys.platform == "darwin" else 1024), 1)
