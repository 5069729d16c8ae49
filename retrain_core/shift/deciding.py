"""Which measure of a column its effect is of: the one whose interval and p-value stand beside it."""

from __future__ import annotations

from dataclasses import dataclass

from retrain_core.shift import wording
from retrain_core.shift.equivalence import d_from_overlap
from retrain_core.types import ColumnShift, Measure

TESTED = ("ks", "chi2")  # what tells whether ``effect_size`` is chance
RATES = {
    "missing_rate": "the share of missing values of {}",
    "infinite_rate": "the share of infinite values of {}",
    "word_rate": "a frequent word of {}",
}


@dataclass(frozen=True)
class Deciding:
    """What stands beside a column's effect.

    Args:
        interval: Its 95 % interval, in d; ``None`` if there is none.
        p: Adjusted; ``None`` if it was not tested.
        rate: Name of the measure if it is how often the column has some values; else empty.
    """

    interval: tuple[float, float] | None
    p: float | None
    rate: str = ""


def deciding(column: ColumnShift) -> Deciding:
    """Return interval and p-value of the measure that a column's effect is of: its values, or how often it has some."""
    whole = column.measures.get("effect_size")
    p = next((column.measures[name].p_adjusted for name in TESTED if name in column.measures), None)
    rates = [name for name in RATES if name in column.measures]
    rate = max(rates, key=lambda name: column.measures[name].d or 0.0, default="")
    if not rate or (whole is not None and whole.value >= (column.measures[rate].d or 0.0)):
        return Deciding(whole.interval if whole else None, p)
    return Deciding(_in_d(column.measures[rate]), column.measures[rate].p_adjusted, rate)


def what_moved(column: ColumnShift) -> str:
    """Return the column, or what of it the effect is of, with the effect in brackets."""
    name = wording.short(column.name)
    rate = deciding(column).rate
    return f"{RATES[rate].format(name) if rate else name} ({wording.deviations(column.effect)})"


def _in_d(rate: Measure) -> tuple[float, float] | None:
    if rate.interval is None:
        return None
    low, high = sorted(map(abs, rate.interval))
    crosses = rate.interval[0] <= 0 <= rate.interval[1]
    return 0.0 if crosses else d_from_overlap(low), d_from_overlap(high)
