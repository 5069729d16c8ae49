"""Evidently's default rule for one column, as version 0.7.23 applies it."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from retrain_core.shift.estimate import Values
from retrain_core.shift.numeric import wasserstein
from retrain_core.shift.tallies import ColumnTally, at_most_distinct, is_real
from retrain_core.types import PeerVerdict

PEER = "Evidently"
SMALL_ROWS = 1_000  # old rows up to which it tests; above, it measures a distance
FEW_INTEGERS = 10  # distinct whole numbers up to which they are categories
FEW_NUMBERS = 5  # distinct numbers up to which they are compared one by one
SMALLEST_SPREAD = 0.001  # of the old values
ALPHA, DISTANCE = 0.05, 0.1

KS = "Kolmogorov-Smirnov test, p at most"
CHI2 = "chi-squared test, p below"
Z = "z-test of two shares, p below"
WASSERSTEIN = "Wasserstein distance in old standard deviations, at least"
JS = "Jensen-Shannon distance (natural logarithm), at least"
TEXT = "text is told apart by a classifier of words, which is not repeated here"
TYPE = "it leaves this type of column out"
EMPTY = "it stops with an error at a column without values on one side"
MIXED = "it stops with an error at numbers on one side and none on the other"
LEFT_OUT = (TYPE,)
STOPS = (EMPTY, MIXED)


def verdict(tally: ColumnTally) -> PeerVerdict:
    """Return what Evidently's default rule says about one column; the new side decides how it is read.

    Source: Evidently 0.7.23, ``core.datasets`` (types) and ``calculations.stattests`` (rules).
    """
    kind = _kind(tally)
    if kind in ("text", "other"):
        return _not_judged(tally, TEXT if kind == "text" else TYPE)
    if kind == "numeric" and not all(map(is_real, (tally.old, tally.new))):
        return _not_judged(tally, MIXED)
    if kind == "numeric" and _many_numbers(tally):
        return _by_numbers(tally)
    return _by_counts(tally, *(_number_counts(tally) if kind == "numeric" else tally.counts))


def _kind(tally: ColumnTally) -> Literal["numeric", "categorical", "text", "other"]:
    column, name = tally.new, tally.new.dtype.name
    if name.startswith("float"):
        return "numeric"
    if name.startswith("int"):
        few = at_most_distinct(tally.new_finite, FEW_INTEGERS) <= FEW_INTEGERS
        return "categorical" if few else "numeric"
    if name in ("bool", "category"):
        return "categorical"
    if name == "object":
        held = column.dropna()
        if not len(held) or not isinstance(held.iloc[0], str) or not isinstance(held.iloc[-1], str):
            return "other"
    elif name not in ("string", "str"):
        return "other"
    distinct, rows = int((tally.counts[1] > 0).sum()), int(tally.counts[1].sum())
    return "text" if distinct > rows * 0.5 else "categorical"


def _many_numbers(tally: ColumnTally) -> bool:
    old, new = (at_most_distinct(side, FEW_NUMBERS) for side in tally.finite)
    if max(old, new) > FEW_NUMBERS:
        return True
    return len(np.union1d(*tally.finite)) > FEW_NUMBERS  # few on each side, so few to put together


def _number_counts(tally: ColumnTally) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    held = [np.unique(side, return_counts=True) for side in tally.finite]
    values = np.union1d(held[0][0], held[1][0])
    counts = np.zeros((2, len(values)), dtype=np.int64)
    for side, (own, times) in enumerate(held):
        counts[side, np.searchsorted(values, own)] = times
    return counts[0], counts[1]


def _by_numbers(tally: ColumnTally) -> PeerVerdict:
    old, new = tally.finite
    if not len(old) or not len(new):
        return _not_judged(tally, EMPTY)
    if len(old) <= SMALL_ROWS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # falls back from exact to asymptotic by itself
            p = float(stats.ks_2samp(old, new).pvalue)
        return _judged(tally, p, ALPHA, KS, p <= ALPHA)
    distance = _distance(old, new, tally.moments[1])
    return _judged(tally, distance, DISTANCE, WASSERSTEIN, distance >= DISTANCE)


def _distance(old: Values, new: Values, spread: float) -> float:
    """Return the Wasserstein distance in old standard deviations, the least of which is taken as 0.001."""
    if not spread:
        return float(np.mean(np.abs(new - old[0]))) / SMALLEST_SPREAD
    return wasserstein(old, new).value * min(1.0, spread / SMALLEST_SPREAD)


def _by_counts(tally: ColumnTally, old: NDArray[np.int64], new: NDArray[np.int64]) -> PeerVerdict:
    n, m = int(old.sum()), int(new.sum())
    if not n or not m:
        return _not_judged(tally, EMPTY)
    if n > SMALL_ROWS:
        with np.errstate(invalid="ignore"):  # rounding may leave a negative root
            distance = float(np.nan_to_num(jensenshannon(old / n, new / m)))
        return _judged(tally, distance, DISTANCE, JS, distance >= DISTANCE)
    if len(old) > 2:
        with np.errstate(divide="ignore"):  # a new category is infinitely surprising to it
            p = float(stats.chi2.sf(np.sum((new - old * (m / n)) ** 2 / (old * (m / n))), len(old) - 1))
        return _judged(tally, p, ALPHA, CHI2, p < ALPHA)
    p = _z_test(old, new)
    return _judged(tally, p, ALPHA, Z, p < ALPHA)


def _z_test(old: NDArray[np.int64], new: NDArray[np.int64]) -> float:
    if len(old) == 1:
        return 1.0
    n, m = old.sum(), new.sum()
    pooled = (old[0] + new[0]) / (n + m)
    z = (old[0] / n - new[0] / m) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return float(2 * (1 - stats.norm.cdf(abs(z))))


def _judged(tally: ColumnTally, value: float, threshold: float, rule: str, drifted: bool) -> PeerVerdict:
    return PeerVerdict(PEER, tally.name, bool(drifted), value, threshold, f"{rule} {threshold:g}")


def _not_judged(tally: ColumnTally, why: str) -> PeerVerdict:
    return PeerVerdict(PEER, tally.name, None, None, None, why)
