"""The least level at which models are read and runs start: a server that others reach refuses what it cannot lock in.

``RETRAIN_LEAST_SANDBOX`` is ``full``, ``partial`` or ``none``. It is handed on to the runner, its workers and the process that
reads a model file, and each of them looks at it again, once it is locked in and before it opens a model.
"""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING

from retrain_core.errors import RetrainError, RunError
from retrain_core.sandbox.strength import strength

if TYPE_CHECKING:
    from retrain_core.types import Locked, SandboxLevel

LEAST = "RETRAIN_LEAST_SANDBOX"
RANKS: dict[str, int] = {"none": 0, "partial": 1, "full": 2}
NO_RUNS = "Runs do not start here"


def least() -> SandboxLevel:
    """Return the least level; ``none`` if nobody has set one, and ``full`` if what was set is no level."""
    asked = os.environ.get(LEAST, "none").strip().lower()
    return "none" if asked == "none" else "partial" if asked == "partial" else "full"


def least_for(address: str | None, *, behind_proxy: bool = False) -> SandboxLevel:
    """Return the least level for a server that listens on ``address``, if its owner sets none; whoever has a proxy has visitors.

    >>> least_for("127.0.0.1"), least_for("localhost"), least_for("0.0.0.0"), least_for(None)
    ('none', 'none', 'full', 'full')
    >>> least_for("127.0.0.1", behind_proxy=True)
    'full'
    """
    try:
        near = address == "localhost" or ipaddress.ip_address(address or "").is_loopback
    except ValueError:  # a name, or nothing: all addresses
        near = False
    return "none" if near and not behind_proxy else "full"


def require_here(error: type[RetrainError] = RunError, what: str = NO_RUNS) -> None:
    """Do nothing if the sandbox of this machine is strong enough.

    Args:
        error: What is raised if it is not.
        what: What does not happen then, without a full stop.

    Raises:
        RetrainError: An ``error``, with what, why and what next.
    """
    if least() != "none":
        require(strength(), error, what)


def require(locked: Locked, error: type[RetrainError] = RunError, what: str = NO_RUNS) -> None:
    """Do nothing if a sandbox is strong enough; see ``require_here``.

    Raises:
        RetrainError: An ``error``, if it is not.
    """
    if RANKS[locked.level] >= RANKS[least()]:
        return
    why = " ".join(f"{name}: {reason}" for name, reason in locked.missing.items())
    raise error(
        f"{what}: the sandbox is '{locked.level}', and this server asks for '{least()}'.",
        f"An uploaded model could reach other people's files. {why}".strip(),
        f"Run it on Linux 6.2 or newer, outside a container that forbids it; or, if you trust every model, set {LEAST}=none.",
    )
