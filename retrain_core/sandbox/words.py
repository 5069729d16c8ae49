"""The sandbox in words for the screen."""

from __future__ import annotations

from retrain_core.types import Locked

NAMES = {
    "limits": "limits of the process",
    "namespaces": "a network of its own",
    "no_new_privs": "no new privileges",
    "capabilities": "no capabilities",
    "landlock": "files (Landlock)",
    "seccomp": "system calls (seccomp)",
}


def in_short(locked: Locked) -> str:
    """Return the level as a few words.

    >>> in_short(Locked("full"))
    'Sandbox: full'
    """
    return f"Sandbox: {locked.level}"


def in_full(locked: Locked) -> str:
    """Return what holds and what does not.

    >>> in_full(Locked("partial", {"landlock": "", "seccomp": "It is not built for sparc."}))
    'Holds: files (Landlock). Missing: system calls (seccomp): It is not built for sparc.'
    """
    holds = [NAMES.get(name, name) for name, why in locked.layers.items() if not why]
    missing = [f"{NAMES.get(name, name)}: {why}" for name, why in locked.missing.items()]
    parts = [f"Holds: {', '.join(holds)}."] if holds else []
    return " ".join([*parts, *(["Missing: " + " ".join(missing)] if missing else [])])


def danger(locked: Locked) -> tuple[str, str, str] | None:
    """Return what is amiss, why, and what to do about it; ``None`` if nothing is."""
    if locked.level == "full":
        return None
    return (
        "Models are not fully locked in on this machine.",
        f"A hostile model could read other files or the network. {in_full(locked)}",
        "Use models of people whom you trust. For all others run this on Linux 6.2 or newer, outside a container that "
        "forbids Landlock or seccomp.",
    )
