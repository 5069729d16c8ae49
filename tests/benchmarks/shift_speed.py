"""The speed and memory of a whole shift report, side by side with Evidently, NannyML, and one sort of every column."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.peers_environment import peers_python
from tests.benchmarks.side import Side

BARS = {"evidently": 40.0, "nannyml": 5.0}
GROWTH = (10_000, 100_000, 1_000_000, 10_000_000)


@dataclass(frozen=True)
class Speed:
    """One side's report.

    Args:
        who: ``ours``, ``sort_and_count``, ``evidently`` or ``nannyml``.
        rows: Of each side.
        seconds: Median.
        memory: Most bytes that the process held during a report beyond what it held before.
        data: Bytes of both tables.
    """

    who: str
    rows: int
    seconds: float
    memory: float
    data: float


def race(rows: int, repeats: int = 3, peers: bool = True) -> list[Speed]:
    """Return what each side took; they take turns, the slow ones once."""
    who = ["ours", "sort_and_count", *(BARS if peers else ())]
    running = {
        name: Side(
            "tests.benchmarks.shift_side",
            name,
            str(rows),
            python=peers_python() if name in BARS else sys.executable,
        )
        for name in who
    }
    found: dict[str, list[list[float]]] = {name: [] for name in who}
    for turn in range(repeats):
        for name in who:
            if turn == 0 or name != "evidently":
                found[name].append(running[name]())
    for side in running.values():
        side.close()
    return [
        Speed(name, rows, statistics.median(t[0] for t in turns), max(t[1] for t in turns), turns[0][2])
        for name, turns in found.items()
    ]


def growth(most: int = GROWTH[-1]) -> Iterator[Speed]:
    """Return what ours takes over the rows, each size in a process of its own."""
    for rows in GROWTH:
        if rows <= most:
            side = Side("tests.benchmarks.shift_side", "ours", str(rows))
            turns = [side() for _ in range(3 if rows < GROWTH[-1] else 1)]
            side.close()
            yield Speed(
                "ours", rows, statistics.median(t[0] for t in turns), max(t[1] for t in turns), turns[0][2]
            )


if __name__ == "__main__":
    for item in race(int(sys.argv[1])):
        print(item, flush=True)
