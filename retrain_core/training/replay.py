"""The memory that rows are replayed from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]


class Reservoir:
    """A uniform sample of all rows seen so far, of a fixed size.

    Args:
        rows: Row numbers that it begins with.
        size: Most rows it holds; 0 holds ``rows`` and takes no more.
        classes: Class of each row number, to replay classes alike often; ``None`` replays rows alike often.
        rng: Draws.

    Source: Vitter (1985), ACM Transactions on Mathematical Software 11 (algorithm R).
    """

    def __init__(
        self, rows: Rows, size: int, classes: NDArray[np.int64] | None, rng: np.random.Generator
    ) -> None:
        self._rng, self._size, self._seen = rng, size, len(rows)
        self._classes = classes
        kept = rows if not size or len(rows) <= size else rng.choice(rows, size, replace=False)
        self._rows = list(kept) if size else kept
        self._chances: NDArray[np.float64] | None = None

    def add(self, rows: Rows) -> None:
        """Let each of ``rows`` enter with the chance that keeps the sample uniform."""
        if not self._size:
            return
        assert isinstance(self._rows, list)
        for row in rows:
            self._seen += 1
            if len(self._rows) < self._size:
                self._rows.append(row)
                continue
            place = int(self._rng.integers(self._seen))
            if place < self._size:
                self._rows[place] = row
        self._chances = None

    def kept(self) -> tuple[Rows, int]:
        """Return the rows it holds, none if these never change, and how many it has seen."""
        rows = self._rows if self._size else []
        return np.asarray(rows, dtype=np.int32), self._seen

    def restore(self, rows: Rows, seen: int) -> None:
        """Be as another was that gave ``rows`` and ``seen``."""
        self._seen, self._chances = seen, None
        if self._size:
            self._rows = list(rows)

    def draw(self, count: int) -> Rows:
        """Return ``count`` row numbers, drawn with replacement."""
        rows = np.asarray(self._rows, dtype=np.int32)
        if self._classes is None:
            return rows[self._rng.integers(0, len(rows), size=count)]
        if self._chances is None:
            _, place, counts = np.unique(self._classes[rows], return_inverse=True, return_counts=True)
            self._chances = 1.0 / counts[place] / len(counts)
        return rows[self._rng.choice(len(rows), count, p=self._chances)]
