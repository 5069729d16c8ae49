"""System calls: no socket, no program, no process, no signal to others, and nothing else that work does not need.

A call that is denied fails as if it were not permitted (EPERM), so that libraries do without it. Threads are allowed. What
the table does not know, because it came later, is answered as if the kernel were older (ENOSYS).

Source: Linux, Documentation/userspace-api/seccomp_filter.rst; seccomp(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterable, Sequence
from typing import ClassVar

from retrain_core.sandbox.denied import CHECKED, DENIED, NEWEST, UNSEEN, Numbers
from retrain_core.sandbox.kernel import (
    ARCHITECTURES,
    PR_GET_NO_NEW_PRIVS,
    Missing,
    architecture,
    prctl,
    syscall,
)
from retrain_core.sandbox.room import Room

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000  # begins the numbers of calls with 32-bit pointers on x86_64
LOAD, AND, JUMP_IF, JUMP_IF_GREATER, JUMP_IF_NOT_LESS, RETURN = 0x20, 0x54, 0x15, 0x25, 0x35, 0x06
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCHITECTURE = 0, 4  # where the kernel's description of a call holds them
SET_FILTER, ALL_THREADS = 1, 1

CLONE_THREAD = 0x00010000
CLONE_NEW = 0x7E020000  # all namespaces that clone can make
# prctl: to outlive the runner, to move its own memory about, to be traced
PRCTL = (1, 35, 0x59616D61)
# fcntl: signals to others when a file can be read, leases, notices of changes
FCNTL = (8, 10, 15, 1024, 1026)
# ioctl: to type on a terminal, to have signals sent
IOCTL = (0x5412, 0x541C, 0x8901, 0x8902)
# mmap: memory of no file that is shared stays when it is let go of, and counts as nobody's
SHARED_MEMORY = 0x01 | 0x20

Step = tuple[int, int, int, int]  # code, steps to skip if true, if false, value


class _Step(ctypes.Structure):
    _fields_: ClassVar = [
        ("code", ctypes.c_uint16),
        ("true", ctypes.c_uint8),
        ("false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_: ClassVar = [("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step))]


def lock(room: Room) -> None:
    """Put the filter on all threads of this process, for good.

    Raises:
        Missing: If the processor is none of those that the numbers are known of.
        OSError: If the kernel refuses.
    """
    steps = program(architecture(), os.getpid(), gpu=room.gpu)
    if not prctl(PR_GET_NO_NEW_PRIVS):
        raise Missing("It needs the layer no_new_privs.")
    array = (_Step * len(steps))(*(_Step(*step) for step in steps))
    filter_ = _Program(len(steps), array)
    number = _numbers(CHECKED, architecture())["seccomp"]
    syscall(number, ctypes.c_uint(SET_FILTER), ctypes.c_uint(ALL_THREADS), ctypes.byref(filter_))


def program(machine: str, process: int, *, gpu: bool = False) -> list[Step]:
    """Return the filter as steps of the kernel's small language.

    Args:
        machine: ``x86_64`` or ``aarch64``.
        process: The id of the process that is locked in: signals to it are allowed.
        gpu: Whether it works on a GPU, whose drivers share memory of no file. Not tried on one.
    """
    known = _numbers(CHECKED, machine)
    denied = sorted(_numbers(DENIED if gpu else DENIED | UNSEEN, machine).values())
    steps: list[Step] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_IF, 1, 0, AUDIT[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
    ]
    if machine == "x86_64":
        steps += [(JUMP_IF_NOT_LESS, 0, 1, X32), (RETURN, 0, 0, KILL)]
    steps += [(JUMP_IF_GREATER, 0, 1, NEWEST), (RETURN, 0, 0, FAIL | errno.ENOSYS)]
    steps += _on(known["clone3"], [(RETURN, 0, 0, FAIL | errno.ENOSYS)])  # glibc then calls clone
    steps += _on(
        known["clone"],
        [_argument(0), (AND, 0, 0, CLONE_THREAD | CLONE_NEW), *_allow_only([CLONE_THREAD])],
    )
    for name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
        steps += _on(known[name], [_argument(0), *_allow_only([process])])
    for name in ("prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"):
        steps += _on(known[name], [_argument(0), *_allow_only([0, process])])
    for name, argument, values in (("prctl", 0, PRCTL), ("fcntl", 1, FCNTL), ("ioctl", 1, IOCTL)):
        steps += _on(known[name], [_argument(argument), *_deny_only(values)])
    if not gpu:
        steps += _on(known["mmap"], [_argument(3), (AND, 0, 0, SHARED_MEMORY), *_deny_only([SHARED_MEMORY])])
    assert len(denied) < 255, "a step skips no more than 255 others"
    steps += [(JUMP_IF, len(denied) - place, 0, number) for place, number in enumerate(denied)]
    return [*steps, (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, FAIL | errno.EPERM)]


def _numbers(calls: Numbers, machine: str) -> dict[str, int]:
    place = ARCHITECTURES.index(machine)
    found = {name: numbers[place] for name, numbers in calls.items()}
    return {name: number for name, number in found.items() if number is not None}


def _on(number: int, then: Sequence[Step]) -> list[Step]:
    """Return steps that are taken for one call; they end with an answer."""
    return [(JUMP_IF, 0, len(then), number), *then]


def _argument(place: int) -> Step:
    """Load the lower half of an argument: all that the kernel looks at in those that are checked here."""
    return (LOAD, 0, 0, 16 + 8 * place)


def _allow_only(values: Iterable[int]) -> list[Step]:
    return [
        *(step for value in values for step in ((JUMP_IF, 0, 1, value), (RETURN, 0, 0, ALLOW))),
        (RETURN, 0, 0, FAIL | errno.EPERM),
    ]


def _deny_only(values: Iterable[int]) -> list[Step]:
    return [
        *(step for value in values for step in ((JUMP_IF, 0, 1, value), (RETURN, 0, 0, FAIL | errno.EPERM))),
        (RETURN, 0, 0, ALLOW),
    ]
