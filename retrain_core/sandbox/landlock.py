"""Files: libraries and inputs are read, the run folder is written, and there is nothing else.

Nothing may be executed, and no link, pipe, socket or device be made. From ABI 4 on TCP is forbidden too, from 6 on signals to
others and abstract sockets. What is left out of Landlock, such as modes and owners of files, is forbidden by ``seccomp``.
Names and sizes of files elsewhere can be asked for, if one knows where they are.

Source: Linux, Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from retrain_core.sandbox import places
from retrain_core.sandbox.kernel import Missing, syscall, threads
from retrain_core.sandbox.room import Room

CREATE, ADD, RESTRICT = 444, 445, 446  # the same numbers on all processors
VERSION, BENEATH = 1, 1
WHOLE_ABI = 3  # before, files could be cut short wherever they are
(
    EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO,
    MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV,
) = (1 << bit for bit in range(16))  # fmt: skip
READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many of the above an ABI knows; from 5 on all
TCP = 0b11  # to bind and to connect
SCOPES = 0b11  # abstract sockets and signals
PSEUDO = ("/proc", "/sys")


class _Ruleset(ctypes.Structure):
    _fields_: ClassVar = [(name, ctypes.c_uint64) for name in ("files", "network", "scopes")]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_: ClassVar = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def abi() -> int:
    """Return the version of Landlock that the kernel has.

    Raises:
        Missing: If it has none, or it is switched off.
    """
    try:
        return syscall(CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION))
    except OSError as error:
        raise Missing(f"The kernel has no Landlock, or it is switched off ({error.strerror}).") from error


def lock(room: Room) -> None:
    """Keep this thread, and all that it starts, to the files of ``room``.

    Raises:
        Missing: If the kernel cannot do it, or not all of it.
        OSError: If the kernel refuses.
    """
    version = abi()
    handled = (1 << RIGHTS.get(version, 16)) - 1
    wanted = _Ruleset(handled, TCP if version >= 4 else 0, SCOPES if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = syscall(CREATE, ctypes.byref(wanted), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for paths, rights in _rules(room):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        syscall(RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    if version < WHOLE_ABI:
        raise Missing("This kernel's Landlock does not keep files from being cut short. Linux 6.2 does.")
    if threads() > 1:
        raise Missing("Other threads were running, and stay outside.")


def _rules(room: Room) -> Iterable[tuple[Iterable[str | Path], int]]:
    yield places.libraries(), READ
    yield places.TOLD, READ
    yield places.READ_DEVICES, READ_FILE
    yield places.WRITE_DEVICES, READ_FILE | WRITE_FILE
    if room.gpu:
        told, devices = places.of_gpus()
        yield told, READ
        yield devices, READ_FILE | WRITE_FILE | IOCTL_DEV
    yield room.read, READ
    if room.write is not None:
        yield (room.write,), WRITE


def _allow(ruleset: int, path: str | Path, rights: int) -> None:
    """Allow something beneath ``path``, if it is there."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        rights &= OF_FILES
    rule = _Beneath(rights, place)
    with contextlib.suppress(OSError):  # less is allowed then
        syscall(ADD, ctypes.c_int(ruleset), ctypes.c_int(BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    if not os.path.realpath(path).startswith(PSEUDO):
        os.close(
            place
        )  # Linux makes files of /proc and /sys anew once nobody holds them, and the rule would be lost
