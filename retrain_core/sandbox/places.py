"""What Python, TensorFlow and psutil read, whatever the work: libraries, and what Linux tells of the machine."""

from __future__ import annotations

import glob
import os
import sys
from pathlib import Path

import retrain_core

SYSTEM = (
    "/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/nix/store",
    "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime",
)  # fmt: skip
TOLD = (
    "/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/version", "/proc/filesystems",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage",
    "/sys/class/powercap", "/sys/devices/virtual/powercap",  # the energy that the processor has used
)  # fmt: skip
READ_DEVICES = ("/dev/urandom", "/dev/random")  # not zero: shared memory of it counts as nobody's
WRITE_DEVICES = ("/dev/null",)
# Not tried on a machine with a GPU.
GPU_TOLD = (
    "/proc/driver/nvidia", "/proc/devices", "/proc/modules", "/sys/bus/pci", "/sys/module/nvidia*", "/sys/devices/pci*",
    "/usr/lib/wsl", "/usr/local/cuda*",
)  # fmt: skip
GPU_DEVICES = (
    "/dev/zero", "/dev/nvidia*", "/dev/nvidia-caps/*", "/dev/nvhost*", "/dev/nvmap", "/dev/dxg", "/dev/kfd", "/dev/dri/render*",
)  # fmt: skip
PACKAGES = ("site-packages", "dist-packages")


def libraries() -> list[str]:
    """Return where programs live: the system's, Python's, the packages', and ours."""
    python = [Path(root) / name for root in (sys.prefix, sys.base_prefix) for name in ("lib", "lib64")]
    packages = [path for path in sys.path if Path(path).name in PACKAGES]
    ours = Path(retrain_core.__file__).parent  # not the folder around it, where the store may lie
    return [*SYSTEM, *map(str, python), *packages, str(ours)]


def of_gpus() -> tuple[list[str], list[str]]:
    """Return what is read of GPUs, and their device files."""
    libraries = [path for path in os.environ.get("LD_LIBRARY_PATH", "").split(":") if path]
    told = [path for pattern in GPU_TOLD for path in glob.glob(pattern)]
    return [*told, *libraries], [path for pattern in GPU_DEVICES for path in glob.glob(pattern)]
