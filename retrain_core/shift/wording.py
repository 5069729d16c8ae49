"""Numbers and names as people read them in summaries."""

from __future__ import annotations

import datetime
import math

from retrain_core.shift.levels import is_largest

LONGEST_NAME = 40


def percent(share: float) -> str:
    """Return a share of rows with as many digits as it needs.

    >>> percent(0.1567), percent(1.0), percent(0.00004), percent(0)
    ('15.7 %', '100 %', '<0.1 %', '0 %')
    """
    if 0 < share < 0.001:
        return "<0.1 %"
    if 0.999 < share < 1:
        return ">99.9 %"
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def number(value: float) -> str:
    """Return a number with three or four leading digits.

    >>> number(167484.32), number(0.0123456), number(-2.0)
    ('167,484', '0.0123', '-2')
    """
    if not math.isfinite(value):
        return str(value)
    if 1000 <= abs(value) < 1e12:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def alike(*values: float) -> list[str]:
    """Return numbers with as many decimals each: two, or as many as the smallest needs.

    >>> alike(3.04, 0.257), alike(0.0123, 0.0042)
    (['3.04', '0.26'], ['0.012', '0.004'])
    """
    smallest = min((abs(value) for value in values if value), default=1.0)
    decimals = max(2, -math.floor(math.log10(smallest)))
    return [f"{value:.{decimals}f}" for value in values]


def day(value: float) -> str:
    """Return days since 1970 as a date.

    >>> day(19000.5)
    '2022-01-08'
    """
    try:
        return (datetime.date(1970, 1, 1) + datetime.timedelta(days=math.floor(value))).isoformat()
    except OverflowError:
        return f"{value:.3g} days after 1970"


def deviations(effect: float) -> str:
    """Return an effect in d in words.

    >>> deviations(0.347), deviations(0.004), deviations(1.0), deviations(3.0)
    ('0.35 standard deviations', 'less than 0.01 standard deviations', '1.0 standard deviations', '3 or more standard deviations')
    """
    if effect < 0.005:
        return "less than 0.01 standard deviations"
    if is_largest(effect):
        return f"{effect:.0f} or more standard deviations"
    if effect >= 1000:
        return "over 1,000 standard deviations"
    return f"{effect:.1f} standard deviations" if effect >= 1 else f"{effect:.2f} standard deviations"


def at_least(effect: float) -> str:
    """Return an effect in d as the least of a range.

    >>> at_least(0.62), at_least(3.0)
    ('0.62 standard deviations or more', '3 or more standard deviations')
    """
    return deviations(effect) if is_largest(effect) else f"{deviations(effect)} or more"


def like(effect: float) -> str:
    """Return an effect in d as what it is comparable to.

    >>> like(0.347)
    'like a mean shift of 0.35 standard deviations'
    """
    return f"like a mean shift of {deviations(effect)}"


def chance(p: float) -> str:
    """Return a p-value in words.

    >>> chance(0.0312), chance(1e-9)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def short(name: object) -> str:
    """Return a user's name on one line, cut after 40 characters.

    >>> short("a" * 50 + "b")[-3:]
    'aa…'
    """
    text = " ".join(str(name).split()) or "(blank)"
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def listed(names: list[str], most: int = 5) -> str:
    """Return names as a list in a sentence: the first ones and how many more there are.

    >>> listed(["a", "b", "c"], most=2), listed(["a", "b"]), listed(["a"])
    ('a, b and 1 more', 'a and b', 'a')
    """
    shown = [short(name) for name in names[:most]]
    if len(names) > most:
        shown.append(f"{len(names) - most:,} more")
    return joined(shown)


def joined(parts: list[str]) -> str:
    """Return parts of a sentence as a list, none of them cut.

    >>> joined(["age (0.3)", "income (0.2)"])
    'age (0.3) and income (0.2)'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
