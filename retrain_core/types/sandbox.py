"""How far a worker is locked in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SandboxLevel = Literal["none", "partial", "full"]  # from the weakest to the strongest


@dataclass(frozen=True)
class Locked:
    """What holds of the sandbox that a process is in.

    Args:
        level: ``full``: all that keeps a hostile model in its run folder and off the network. ``partial``: some of it.
            ``none``: neither files nor system calls are kept from it.
        layers: By name of the layer: empty if it holds, else why it does not, in plain words.
    """

    level: SandboxLevel
    layers: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> dict[str, str]:
        """The layers that do not hold, and why."""
        return {name: why for name, why in self.layers.items() if why}
