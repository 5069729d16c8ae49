"""Calls to the Linux kernel that Python has no function for, by ``ctypes``."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from functools import cache

PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 38, 39
PR_CAPBSET_READ, PR_CAPBSET_DROP = 23, 24
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
ARCHITECTURES = ("x86_64", "aarch64")


class Missing(Exception):
    """A layer that this machine does not have; the message says why, in plain words."""


@cache
def libc() -> ctypes.CDLL:
    """Return the C library.

    Raises:
        Missing: Elsewhere than on Linux.
    """
    if sys.platform != "linux":
        raise Missing("Only Linux has it.")
    return ctypes.CDLL(None, use_errno=True)


def architecture() -> str:
    """Return the processor's architecture.

    Raises:
        Missing: If numbers of system calls are not known for it.
    """
    name = platform.machine()
    if name not in ARCHITECTURES or ctypes.sizeof(ctypes.c_void_p) != 8 or sys.byteorder != "little":
        raise Missing(f"It is not built for {name or 'this'} processors.")
    return name


def checked(result: int) -> int:
    """Return what a call of the C library returned.

    Raises:
        OSError: If it failed.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option: int, *values: int) -> int:
    """Ask for or set something of this process.

    Raises:
        OSError: If the kernel refuses.
    """
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    return checked(libc().prctl(ctypes.c_int(option), *arguments))


def syscall(number: int, *values: object) -> int:
    """Make a system call that the C library has no function for.

    Raises:
        OSError: If the kernel refuses.
    """
    return checked(libc().syscall(ctypes.c_long(number), *values))


def threads() -> int:
    """Return how many threads this process has."""
    return len(os.listdir("/proc/self/task"))
