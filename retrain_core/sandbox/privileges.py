"""No new privileges: no program that this process could start gives it more rights than it has.

Source: Linux, Documentation/userspace-api/no_new_privs.rst.
"""

from __future__ import annotations

from retrain_core.sandbox.kernel import PR_SET_NO_NEW_PRIVS, prctl
from retrain_core.sandbox.room import Room


def lock(room: Room) -> None:
    """Give up new privileges for good.

    Raises:
        Missing: Elsewhere than on Linux.
        OSError: If the kernel is older than 3.5.
    """
    prctl(PR_SET_NO_NEW_PRIVS, 1)
