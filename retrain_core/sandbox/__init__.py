"""The room that a worker is locked into before it loads an uploaded model: it reads its inputs and writes its run folder.

Keras knows no way to tell a hostile model for certain. So whatever its code does, it finds no file of others, no network and
no other process. ``LAYERS`` lists the walls, in the order in which they are put up; each holds if another has a hole.

No part of this needs NumPy or TensorFlow, so that a process is locked in before it imports them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retrain_core.sandbox import capabilities, landlock, limits, namespaces, privileges, seccomp
from retrain_core.sandbox.kernel import Missing
from retrain_core.sandbox.room import Room
from retrain_core.sandbox.strength import strength

if TYPE_CHECKING:
    from retrain_core.types import Locked, SandboxLevel

__all__ = ["LAYERS", "NEEDED", "WALLS", "Room", "lock_in", "strength"]

LAYERS: dict[str, Callable[[Room], None]] = {
    "limits": limits.lock,  # size of a file, open files, memory
    "namespaces": namespaces.lock,  # a network of its own
    "no_new_privs": privileges.lock,  # no program gives it more rights
    "capabilities": capabilities.lock,  # root is an ordinary user
    "landlock": landlock.lock,  # files
    "seccomp": seccomp.lock,  # system calls
}
WALLS = ("landlock", "seccomp")
# A namespace that is not allowed does not lower the level: seccomp forbids every socket, and many a good container allows none.
NEEDED = ("limits", "no_new_privs", "capabilities", *WALLS)


def lock_in(*, write: Path | None, read: Sequence[Path] = (), device: str = "cpu") -> Locked:
    """Lock this process in, for good; what it had open stays open.

    Call it while there is one thread, as after a fork: Landlock does not reach others.

    Args:
        write: The one folder that may be written, and read; ``None`` for none.
        read: Files and folders that may be read, beside Python and the system's libraries.
        device: ``gpu`` or ``gpu:N`` lets in the device files of GPUs.

    Returns:
        What holds. A layer that this machine does not have is told, not raised.
    """
    room = Room(write, tuple(read), device)
    layers = {name: _why_not(lock, room) for name, lock in LAYERS.items()}
    return _told(layers)


def weakened(locked: Locked, layer: str, why_not: str) -> Locked:
    """Return what holds if one layer turns out not to."""
    return _told({**locked.layers, layer: why_not})


def _told(layers: dict[str, str]) -> Locked:
    from retrain_core.types import Locked  # NumPy comes with it, so not before the walls are up

    return Locked(_level(layers), layers)


def _why_not(lock: Callable[[Room], None], room: Room) -> str:
    """Put up one layer; return why it does not hold, or nothing."""
    try:
        lock(room)
    except Missing as missing:
        return str(missing)
    except OSError as error:
        return f"The system refuses it ({error.strerror or error})."
    except Exception as error:  # a worker without one layer is better than none, and is told
        return f"It cannot be put up ({type(error).__name__}: {error})."
    return ""


def _level(layers: dict[str, str]) -> SandboxLevel:
    holds = {name for name, why_not in layers.items() if not why_not}
    if holds.issuperset(NEEDED):
        return "full"
    return "partial" if holds.intersection(WALLS) else "none"
