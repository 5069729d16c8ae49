"""How often drift in time cries wolf: tables of twelve columns, normal, with heavy tails, of few and of many categories.

python -m tests.benchmarks.time_alarms
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from retrain_core.shift.time import time_shift
from retrain_core.types import TimeShift

SIZES = ((300, 200), (400, 1_500), (2_000, 500), (10_000, 3_000))


def alarms(old_rows: int, new_rows: int, trials: int, seed: int = 0) -> tuple[float, float]:
    """Return the share of tables in which any line leaves its band, and the share of chunks that do."""
    left = [
        out_of_band(time_shift(table(old_rows, seed + 2 * i), table(new_rows, seed + 2 * i + 1), "step"))
        for i in range(trials)
    ]
    return float(np.mean([page.any() for page in left])), float(np.mean(left))


def table(rows: int, seed: int, columns: int = 12) -> pd.DataFrame:
    """Return rows without any change in time; ``step`` puts them in order."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"step": np.arange(rows)})
    for i in range(columns // 3):
        frame[f"normal {i}"] = rng.normal(0, 1, rows)
        frame[f"tails {i}"] = rng.standard_t(2, rows)
        frame[f"kind {i}"] = rng.choice([f"kind {j}" for j in range(3 + 40 * i)], rows)
    return frame


def out_of_band(found: TimeShift) -> np.ndarray:
    """Return by line and chunk whether the band was left."""
    return np.array(
        [
            [value is not None and value > band for value, band in zip(one.values, one.band, strict=True)]
            for one in found.lines
        ]
    )


def main(trials: int = 200, tell: Callable[[str], None] = print) -> None:
    """Tell how often, for each size."""
    for old_rows, new_rows in SIZES:
        pages, chunks = alarms(old_rows, new_rows, trials)
        tell(
            f"- {old_rows:,} old and {new_rows:,} new rows: {pages:.1%} of {trials} tables, {chunks:.2%} of chunks"
        )


if __name__ == "__main__":
    main()
