"""How often a made shift is found, and what is said of one that is real but too small to matter."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retrain_core.shift import shift_report
from retrain_core.types import ColumnShift


def one_of_fifty(trials: int, d: float = 0.3, rows: int = 1_000, columns: int = 50) -> float:
    """Return the share of trials that find the one column of many whose mean moved by d standard deviations."""
    found = 0
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        old, new = (pd.DataFrame(rng.normal(0, 1, (rows, columns))).add_prefix("x") for _ in range(2))
        new["x7"] += d
        report = shift_report(old, new, label=None)
        found += next(column for column in report.columns if column.name == "x7").level != "none"
    return found / trials


def negligible(rows: int = 1_000_000, d: float = 0.01) -> ColumnShift:
    """Return what is said of a column whose mean moved by next to nothing, seen by very many rows."""
    rng = np.random.default_rng(0)
    old, new = (pd.DataFrame({"x": rng.normal(mean, 1, rows)}) for mean in (0, d))
    return shift_report(old, new, label=None).columns[0]


def correlation(trials: int, strength: float = 0.5, rows: int = 2_000, columns: int = 10) -> float:
    """Return the share of trials that find two columns which correlate now, as they did not, with equal marginals."""
    found = 0
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        old, new = (pd.DataFrame(rng.normal(0, 1, (rows, columns))).add_prefix("x") for _ in range(2))
        new["x1"] = strength * new["x0"] + np.sqrt(1 - strength**2) * new["x1"]
        report = shift_report(old, new, label=None)
        found += report.multivariate.level != "none"
    return found / trials
