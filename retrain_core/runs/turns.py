"""Whose turn it is: experiments take turns, so that one with many runs does not keep all others waiting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from retrain_core.runs.names import is_beside
from retrain_core.runs.placement import MEASURE

if TYPE_CHECKING:
    from retrain_core.runs.index import IndexRow

Lane = tuple[str, bool]  # an experiment, and whether it is about measuring files, which has lanes of its own


def lane_of(row: IndexRow) -> Lane:
    """Return in whose turn a piece of work comes."""
    return row.experiment, row.device == MEASURE


def in_turn(queued: Sequence[IndexRow], served: Mapping[Lane, float]) -> list[IndexRow]:
    """Return what waits in the order to start it: one piece of each experiment, then the next of each.

    Who was never served goes first, then who was served longest ago, so a turn is never missed. Within an experiment runs
    stay in the order they were queued in; what is done beside the runs waits for them.

    Args:
        queued: What waits, in the order it was queued in.
        served: When a piece of work of each experiment was last started.

    Source: round-robin; Nagle (1987), IEEE Transactions on Communications 35(4), 435.
    """
    groups: dict[Lane, list[IndexRow]] = {}
    for row in queued:
        groups.setdefault(lane_of(row), []).append(row)
    turns: list[tuple[int, float, int, IndexRow]] = []
    for lane, rows in groups.items():
        first = min(row.position for row in rows)
        for turn, row in enumerate(sorted(rows, key=lambda row: (is_beside(row.id), row.position))):
            turns.append((turn, served.get(lane, -math.inf), first, row))
    return [row for *_, row in sorted(turns, key=lambda item: item[:3])]
