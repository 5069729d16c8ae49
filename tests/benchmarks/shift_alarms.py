"""How often a whole report raises an alarm although old and new rows are drawn from the same distribution."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import pandas as pd

from retrain_core.machine import usable_cores
from retrain_core.shift import shift_report

COLUMNS = 50
SIZES = (
    (30, 30),
    (30, 1_000),
    (1_000, 50),
    (100, 100),
    (300, 200),
    (1_000, 1_000),
    (10_000, 300),
    (100_000, 100_000),
)
CATEGORIES = (2, 3, 10, 100, 1_000)


@dataclass(frozen=True)
class Alarms:
    """Reports with an alarm among those of one size.

    Args:
        rows: Old and new.
        trials: Reports.
        alarms: Those whose level was not ``none``.
        parts: How many of them came from columns, the label, the concept, all columns together.
    """

    rows: tuple[int, int]
    trials: int
    alarms: int
    parts: tuple[int, int, int, int]


def table(rng: np.random.Generator, rows: int, columns: int = COLUMNS) -> pd.DataFrame:
    """Return columns of many looks, correlated in part, and a label that follows from some."""
    made: dict[str, object] = {}
    common = rng.normal(0, 1, rows)
    for number in range(columns):
        z = 0.6 * common * (number % 3 == 0) + rng.normal(0, 1, rows)
        kind = number % 10
        if kind < 4:
            made[f"x{number}"] = z
        elif kind == 4:
            made[f"x{number}"] = np.exp(1.5 * z)
        elif kind == 5:
            made[f"x{number}"] = rng.standard_t(1.5, rows)
        elif kind == 6:
            made[f"x{number}"] = np.where(rng.random(rows) < 0.3, np.nan, np.round(z, 1))
        else:
            size = CATEGORIES[(number // 10 + kind) % len(CATEGORIES)]
            shares = 1 / np.arange(1.0, size + 1)
            codes = rng.choice(size, rows, p=shares / shares.sum())
            made[f"x{number}"] = pd.Series(codes).map(lambda code: f"c{code}")
    frame = pd.DataFrame(made)
    chance = 1 / (1 + np.exp(-(frame["x0"] + common)))
    frame["y"] = (rng.random(rows) < chance).astype(int)
    return frame


def alarms(rows: tuple[int, int], trials: int, columns: int = COLUMNS) -> Alarms:
    """Return how many of so many reports raise an alarm."""
    found, parts = 0, np.zeros(4, dtype=int)
    for seed in range(trials):
        rng = np.random.default_rng((seed, *rows))
        report = shift_report(table(rng, rows[0], columns), table(rng, rows[1], columns), label="y")
        found += report.overall.level != "none"
        levels = (
            any(column.level != "none" for column in report.columns),
            *(
                aspect.level not in ("none", None)
                for aspect in (report.label, report.concept, report.multivariate)
            ),
        )
        parts += np.array(levels, dtype=int)
    return Alarms(rows, trials, found, tuple(int(part) for part in parts))  # type: ignore[arg-type]


def all_sizes(trials: int = 1_000) -> Iterator[Alarms]:
    """Go through the sizes on all cores, the same number of trials each, fewer where one takes long."""
    counts = [max(20, min(trials, trials * 20_000 // sum(rows))) for rows in SIZES]
    with ProcessPoolExecutor(usable_cores(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(alarms, SIZES, counts)


if __name__ == "__main__":
    import sys

    for item in all_sizes(int(sys.argv[1])):
        print(item, f"{item.alarms / item.trials:.3f}", flush=True)
