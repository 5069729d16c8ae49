"""A network and shared memory of its own: there is nobody to talk to, whatever the other layers let through.

A user namespace with the same user inside and outside is what allows it without being root. Many containers and some
distributions forbid that. The layer is a second wall: ``seccomp`` alone forbids every socket.

Source: Linux manual, user_namespaces(7), unshare(2).
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from retrain_core.sandbox.kernel import checked, libc
from retrain_core.sandbox.room import Room

CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = 0x08000000, 0x10000000, 0x40000000


def lock(room: Room) -> None:
    """Leave the machine's network.

    Raises:
        Missing: Elsewhere than on Linux.
        OSError: If the system forbids it.
    """
    user, group = os.geteuid(), os.getegid()
    try:
        checked(libc().unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC))
    except OSError:
        checked(libc().unshare(CLONE_NEWNET | CLONE_NEWIPC))  # root of a container without user namespaces
        return
    own = Path("/proc/self")
    with contextlib.suppress(OSError):  # older than Linux 3.19
        (own / "setgroups").write_text("deny")
    (own / "uid_map").write_text(f"{user} {user} 1")
    (own / "gid_map").write_text(f"{group} {group} 1")
