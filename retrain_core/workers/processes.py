"""How much memory a worker has used."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil


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
