"""What deserves attention about a column beside its distribution, before it has a level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retrain_core.types import Level

What = Literal[
    "missing", "infinite", "new categories", "vanished categories", "new words", "type", "range", "reading"
]


@dataclass(frozen=True)
class Remark:
    """A finding whose level follows from how large it is, and from its test if it has one.

    Args:
        what: What it is about.
        text: A sentence.
        effect: How much it concerns, in d; a share of rows counts as the overlap that they take away.
        test: The measure that carries its p-value; empty if only remarks that cannot be chance are made.
        level: Fixed, whatever the thresholds; by default it follows from the effect.
    """

    what: What
    text: str
    effect: float = 0.0
    test: str = ""
    level: Level | None = None
