"""What can be told about this machine without TensorFlow, whose import takes seconds."""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
import platform
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

from retrain_core.types import Device

PR_SET_THP_DISABLE = 41  # of Linux
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc
MAPPED_BYTES = 32 * 1024**2  # glibc's own most: larger blocks are mapped, and given back when they are freed
FREED_BYTES = 128 * 1024
GIVING_BACK = threading.Lock()  # how much glibc keeps is set for the whole process, so one at a time
LOGICAL_GPUS = "RETRAIN_LOGICAL_GPUS"  # in the environment of tests: how many parts of the CPU play a GPU
GPU_SIGNS = (
    "/dev/nvidia*",  # NVIDIA's driver, loaded and used
    "/proc/driver/nvidia",  # loaded, not used yet
    "/dev/nvhost*",  # NVIDIA Jetson
    "/dev/nvmap",
    "/dev/dxg",  # the GPU of the Windows below WSL
    "/dev/kfd",  # AMD's ROCm
)
GPU_TOOLS = ("nvidia-smi", "nvidia-modprobe")  # a driver that is there and loads at first use


def usable_cores() -> int:
    """Return how many CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu() -> Device:
    """Return the CPU as a device."""
    return Device("cpu", f"CPU, {usable_cores()} cores ({platform.machine()})", usable_cores())


# --- GPUs -----------------------------------------------------------------------------------------


def logical_gpus() -> int:
    """Return how many parts of the CPU are to be taken for GPUs; 0 unless a test says otherwise."""
    return int(os.environ.get(LOGICAL_GPUS) or 0)


def may_have_gpu() -> bool:
    """Whether TensorFlow could find a GPU here; if not, nobody need wait for it to look.

    Elsewhere than on Linux there is no cheap sign, so the answer is yes.
    """
    if sys.platform != "linux" or logical_gpus():
        return True
    return any(map(glob.glob, GPU_SIGNS)) or any(map(shutil.which, GPU_TOOLS))


# --- energy ---------------------------------------------------------------------------------------


class EnergyMeter:
    """Adds up what the processor packages of the whole machine use, from when it is made.

    A counter starts again at 0 after an hour or less of hard work, so ``joules`` has to be asked more often than that.

    Args:
        powercap: Where Linux shows the counters (RAPL); they are often readable by root alone.

    Source: Linux kernel, Documentation/power/powercap/powercap.rst.
    """

    def __init__(self, powercap: Path = Path("/sys/class/powercap")) -> None:
        self._ranges: dict[Path, int] = {}
        self._last: dict[Path, int] = {}
        self._used = 0
        try:
            for zone in powercap.glob("intel-rapl:*"):  # AMD's too; "intel-rapl-mmio" would count one twice
                if (zone / "name").read_text().startswith("package"):
                    self._ranges[zone] = int((zone / "max_energy_range_uj").read_text())
                    self._last[zone] = _counter(zone)
        except (OSError, ValueError):
            self._ranges = {}

    def joules(self) -> float | None:
        """Return the energy used so far, ``None`` where the machine does not tell."""
        try:
            for zone, size in self._ranges.items():
                now = _counter(zone)
                used = now - self._last[zone]
                self._used += used if used >= 0 else used + size
                self._last[zone] = now
        except (OSError, ValueError):
            self._ranges = {}
        return self._used / 1e6 if self._ranges else None


def _counter(zone: Path) -> int:
    return int((zone / "energy_uj").read_text())


# --- memory ---------------------------------------------------------------------------------------


def available_memory_mb(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """Return the memory that can still be used: what the system has, or what a container leaves, if that is less.

    Args:
        proc: Where Linux tells about processes and memory.
        cgroup: Where it mounts control groups, version 1, 2 or both.
    """
    left = [found for found in map(_left_in, _groups(proc, cgroup)) if found is not None]
    return round(min([_available(proc), *left]) / 1024**2, 1)


def total_memory_mb(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """Return the memory of the machine, or the limit of a container, if that is less.

    Args:
        proc: Where Linux tells about processes and memory.
        cgroup: Where it mounts control groups, version 1, 2 or both.
    """
    limits = [found for found in map(_limit_of, _groups(proc, cgroup)) if found is not None]
    total = _told(proc, "MemTotal:")
    return round(min([psutil.virtual_memory().total if total is None else total, *limits]) / 1024**2, 1)


def _available(proc: Path) -> int:
    left = _told(proc, "MemAvailable:")
    return int(psutil.virtual_memory().available) if left is None else left


def _told(proc: Path, what: str) -> int | None:
    """Return the bytes that Linux tells; ``None`` elsewhere."""
    try:
        for line in (proc / "meminfo").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux
    return None


def _groups(proc: Path, cgroup: Path) -> Iterator[Path]:
    """Yield the folders of this process's control group and of all around it: each may set a limit."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:  # such as "4:memory:/docker/0a1b" (version 1) or "0::/docker/0a1b" (version 2)
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mount = cgroup / "memory" if controllers else cgroup
        inner = mount / path.lstrip("/")  # a container may see its own group as the mount itself
        yield from (group for group in (inner, *inner.parents) if group.is_relative_to(mount))


def _left_in(group: Path) -> int | None:
    """Return the bytes that a control group leaves; ``None`` if it sets no limit.

    File pages that were not used lately count as free: Linux gives them up before it kills anything.
    """
    for limit, usage, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            most, used = int((group / limit).read_text()), int((group / usage).read_text())
        except (OSError, ValueError):  # not this version, or "max"
            continue
        return max(0, most - used + _stat(group, cache))
    return None


def _limit_of(group: Path) -> int | None:
    """Return the bytes that a control group allows; ``None`` if it sets no limit."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        try:
            return int((group / name).read_text())
        except (OSError, ValueError):  # not this version, or "max"
            continue
    return None


def _stat(group: Path, name: str) -> int:
    try:
        return int(dict(line.split() for line in (group / "memory.stat").read_text().splitlines())[name])
    except (OSError, ValueError, KeyError):
        return 0


def give_back_memory() -> None:
    """Give the system back what was freed; glibc keeps it, for each thread that ever asked for some. Elsewhere nothing is done."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def give_back_own_memory() -> None:
    """Give back the free end of what this thread has its memory from, after work that took much; 0.02 ms.

    ``malloc_trim`` gives back the end of what the first thread has, and only what lies between what is kept of the others'. glibc
    looks at their ends when a block of 64 kB or more is freed, and keeps twice the largest block that it ever mapped: 32 MB
    for each thread, once an array had 16 MB. That little is kept is asked for this moment alone, as whoever frees and
    takes large arrays in turn would have to wait for fresh memory each time.

    Source: glibc, malloc/malloc.c: ``mtrim``, ``heap_trim``, ``do_set_trim_threshold``; mallopt(3).
    """
    with GIVING_BACK, contextlib.suppress(AttributeError, OSError, TypeError):
        libc = ctypes.CDLL(None)
        libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        libc.free.argtypes = [ctypes.c_void_p]
        libc.mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)  # else setting the other would leave it at 128 kB
        libc.mallopt(M_TRIM_THRESHOLD, 0)
        libc.free(libc.malloc(FREED_BYTES))
        libc.mallopt(M_TRIM_THRESHOLD, 2 * MAPPED_BYTES)


def use_large_pages(wanted: bool) -> None:
    """Say whether this process, and what it starts, may get memory in pages of 2 MB; elsewhere than on Linux nothing is done.

    NumPy asks for them for arrays of 4 MB. They are quick to get, but what is later kept of such a page keeps all of it,
    and the kernel fills up again what was given back within one: what runs for long and keeps little of much grows.

    Source: Linux kernel documentation, admin-guide/mm/transhuge; NumPy, Global configuration options, NUMPY_MADVISE_HUGEPAGE.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, int(not wanted), 0, 0, 0)
