"""Which measure of a column its effect is of: the one whose interval and p-value stand beside it."""

from __future__ import annotations

from dataclasses import dataclass

from retrain_core.shift.equivalence import d_from_overlap
from retrain_core.types import ColumnShift, Measure

TESTED = ("ks", "chi2")  # what tells whether ``effect_size`` is chance
RATES = ("missing_rate", "infinite_rate", "word_rate")


@dataclass(frozen=True)
class Deciding:
    """What stands beside a column's effect.

    Args:
        interval: Its 95 % interval, in d; ``None`` if there is none.
        p: Adjusted; ``None`` if it was not tested.
    """

    interval: tuple[float, float] | None
    p: float | None


def deciding(column: ColumnShift) -> Deciding:
    """Return interval and p-value of the measure that a column's effect is of: its values, or how often it has some."""
    whole = column.measures.get("effect_size")
    p = next((column.measures[name].p_adjusted for name in TESTED if name in column.measures), None)
    rates = [column.measures[name] for name in RATES if name in column.measures]
    most = max(rates, key=lambda rate: rate.d or 0.0, default=None)
    if most is None or (whole is not None and whole.value >= (most.d or 0.0)):
        return Deciding(whole.interval if whole else None, p)
    return Deciding(_in_d(most), most.p_adjusted)


def _in_d(rate: Measure) -> tuple[float, float] | None:
    if rate.interval is None:
        return None
    low, high = sorted(map(abs, rate.interval))
    crosses = rate.interval[0] <= 0 <= rate.interval[1]
    return 0.0 if crosses else d_from_overlap(low), d_from_overlap(high)
