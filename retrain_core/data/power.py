"""What so many rows tell: how small a difference in accuracy of two candidates, and how well a mean is known."""

from __future__ import annotations

import math

from scipy import stats

DISAGREE = 0.1  # share of rows on which one of two candidates is right and the other wrong; assumed
LEVEL = 1.959964  # standard errors at the 95 % level, both sides
CHANCE = 0.841621  # standard errors for a chance of 80 % to find it


def rows_for(difference: float, disagree: float = DISAGREE) -> int:
    """Return with how many rows a difference in accuracy is found by McNemar's test, in 80 % of cases at the 95 % level.

    n = (z_level √ψ + z_chance √(ψ - δ²))² / δ², where ψ is the share of rows on which the candidates disagree.

    Args:
        difference: δ, above 0 and at most 1.
        disagree: ψ; at least δ is taken.

    Source: Connor (1987), Biometrics 43, 207-211.

    >>> rows_for(0.005), rows_for(0.05)
    (31394, 312)
    """
    disagree = max(disagree, difference)
    spread = LEVEL * math.sqrt(disagree) + CHANCE * math.sqrt(disagree - difference**2)
    return math.ceil((spread / difference) ** 2)


def smallest_difference(rows: int, disagree: float = DISAGREE) -> float:
    """Return the smallest difference in accuracy that is found with so many rows: ``rows_for`` solved for δ.

    With so few rows that all disagreement would have to be on one side, more disagreement is assumed; 1 at most.

    >>> round(smallest_difference(31394), 5), round(smallest_difference(312), 3), smallest_difference(1)
    (0.005, 0.05, 1.0)
    """
    root = math.sqrt(max(0.0, rows - LEVEL**2 + CHANCE**2))
    found = math.sqrt(disagree) * (LEVEL * math.sqrt(rows) + CHANCE * root) / (rows + CHANCE**2)
    if found > disagree:  # ψ = δ
        found = _one_sided(rows)
    return min(1.0, found)


def half_width(rows: int) -> float:
    """Return half the width of the 95 % interval of a mean over so many rows, at least 2, in standard deviations.

    >>> round(half_width(4), 2), round(half_width(30), 2)
    (1.59, 0.37)
    """
    return float(stats.t.ppf(0.975, rows - 1)) / math.sqrt(rows)


def _one_sided(rows: int) -> float:
    """Return the difference that is found if one candidate is right wherever they disagree.

    Then √δ n = (z_level + z_chance √(1 - δ))² / √δ; solved by repetition, which converges from above.
    """
    found = 1.0
    for _ in range(100):
        found = min(1.0, (LEVEL + CHANCE * math.sqrt(1 - found)) ** 2 / rows)
    return found
