"""What can be told about this machine without TensorFlow, whose import takes seconds."""

from __future__ import annotations

import glob
import os
import platform
import shutil
import sys

from retrain_core.types import Device

PARENT = "RETRAIN_PARENT"  # in a cold worker's environment: the process id of the runner that started it
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


def may_have_gpu() -> bool:
    """Whether TensorFlow could find a GPU here; if not, nobody need wait for it to look.

    Elsewhere than on Linux there is no cheap sign, so the answer is yes.
    """
    if sys.platform != "linux":
        return True
    return any(map(glob.glob, GPU_SIGNS)) or any(map(shutil.which, GPU_TOOLS))


def available_memory_mb() -> float:
    """Return how much memory this process may still use."""
    import psutil

    return float(psutil.virtual_memory().available) / 1024**2
