"""No capabilities: root, and root of its own namespace, are an ordinary user here.

Source: Linux manual, capabilities(7), capget(2).
"""

from __future__ import annotations

import ctypes
from typing import ClassVar

from retrain_core.sandbox.kernel import (
    PR_CAP_AMBIENT,
    PR_CAP_AMBIENT_CLEAR_ALL,
    PR_CAPBSET_DROP,
    PR_CAPBSET_READ,
    Missing,
    checked,
    libc,
    prctl,
)
from retrain_core.sandbox.room import Room

VERSION_3 = 0x20080522
MOST = 64  # numbers of capabilities; Linux 6 has 41


class _Header(ctypes.Structure):
    _fields_: ClassVar = [("version", ctypes.c_uint32), ("process", ctypes.c_int)]


class _Half(ctypes.Structure):
    _fields_: ClassVar = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def lock(room: Room) -> None:
    """Drop all capabilities, and those that a program could bring.

    Raises:
        Missing: Elsewhere than on Linux, or if some are left.
        OSError: If the kernel refuses.
    """
    for number in range(MOST):
        try:
            if prctl(PR_CAPBSET_READ, number):
                prctl(PR_CAPBSET_DROP, number)
        except (
            OSError
        ):  # past the last one; or an ordinary user, who has none to drop, and no_new_privs keeps it so
            break
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header, none = _Header(VERSION_3, 0), (_Half * 2)()
    checked(libc().capset(ctypes.byref(header), none))
    left = (_Half * 2)()
    checked(libc().capget(ctypes.byref(header), left))
    if any(half.effective or half.permitted or half.inheritable for half in left):
        raise Missing("The kernel left some capabilities.")
