"""Successive halving: who goes on to more rows and more epochs, and how much compute each gets.

In each round the candidates that are left share a budget, each the same compute, at most what a run in full takes. Small
rounds are unfair to whoever starts from fresh weights, who learns late. So between strategies nothing is decided before
two rounds have told how each one rises; then all are judged by where their curve leads.

Source: Karnin, Koren and Somekh (2013), ICML (halving on a budget); Jamieson and Talwalkar (2016), AISTATS (of models in
training); Provost, Jensen and Oates (1999), KDD (growing samples); Viering and Loog (2023), IEEE TPAMI 45 (power laws of
learning curves); figures in ``tests/benchmarks/results.md`` ("Quick look").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from retrain_core.compare.predicted import Floats

BUDGET = 0.3  # of what all candidates take in full as planned; below the 40 % aimed at, as some stop early
FIRST = 0.07  # the part of it that the first round may take
FEW = 4  # candidates beside keep that need no round between the first and the last
ROWS = (0.2, 0.35, 0.6)  # share of the rows in each round; the rest of the new ones are scored
POWER = 0.6  # gains approach that of a run in full as size to minus this
TIE = 1.0  # margins: who is that close to the best goes on


def rounds(candidates: int) -> tuple[tuple[float, float], ...]:
    """Return which share of the rows each round uses, and which share of all runs in full all up to it may take.

    >>> rounds(3), len(rounds(9))
    (((0.2, 0.07), (0.6, 0.3)), 3)
    """
    if candidates <= FEW:
        return (ROWS[0], FIRST), (ROWS[-1], BUDGET)
    return tuple(zip(ROWS, (FIRST, FIRST + (BUDGET - FIRST) / 3, BUDGET), strict=True))


def shares(
    compute: Mapping[str, float], passes: Mapping[str, int], rows: float, budget: float
) -> tuple[float, dict[str, float]]:
    """Return which share of the rows a round can use, and which share of its passes over them each candidate gets.

    Args:
        compute: What a run in full of each candidate takes.
        passes: How many passes over the rows that is; one that makes a single pass cannot make less.
        rows: Which share of the rows it is to use; less, if not everybody could pass over them once.
        budget: What the round may take.

    >>> rows, each = shares({"cheap": 10, "dear": 1000}, {"cheap": 10, "dear": 10}, 0.5, 260)
    >>> rows, each["cheap"], round(rows * each["dear"], 3)
    (0.5, 1.0, 0.255)
    """
    names = [name for name in compute if compute[name] > 0]
    found = dict.fromkeys(compute, 1.0)
    if not names:
        return rows, found
    whole, one_pass = (
        np.array([compute[name] for name in names]),
        np.array([1 / passes[name] for name in names]),
    )
    rows = min(rows, budget / float(whole @ one_pass))
    level = _level(rows * whole * one_pass, rows * whole, budget)
    return rows, found | dict(
        zip(names, np.clip(level / (rows * whole), one_pass, 1.0).tolist(), strict=True)
    )


def _level(least: Floats, most: Floats, budget: float) -> float:
    """Return what to give each, within its bounds, so that together they take the budget."""
    levels = np.unique(np.concatenate([least, most]))
    together = [np.clip(level, least, most).sum() for level in levels]
    return float(np.interp(budget, together, levels))


def in_full(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the gain to be expected of a run in full, ``None`` if one point cannot tell.

    Args:
        points: Size and gain of each try, the smallest first.

    >>> round(in_full([(0.05, 0.0), (0.25, 8.0)]), 1), in_full([(0.1, 3.0)]), in_full([(0.3, 2.0), (1.0, 4.0)])
    (10.8, None, 4.0)
    """
    if points[-1][0] >= 1:
        return points[-1][1]
    if len(points) < 2:
        return None
    (before, was), (size, gain) = points[-2:]
    if size <= before:
        return gain
    rise = (gain - was) / (before**-POWER - size**-POWER)
    return float(gain + rise * (size**-POWER - 1))


def stay(
    expected: Mapping[str, float | None], gains: Mapping[str, float], strategies: Mapping[str, str]
) -> set[str]:
    """Return the candidates that go on: the better half, and who ties with the best.

    Where the gain in full is not known yet, halves are those of each strategy's options.

    Args:
        expected: Gain in full of each candidate, as far as it is known.
        gains: Gain in this round.
        strategies: The strategy of each candidate.

    >>> sorted(stay({"a": 9.0, "b": 1.0, "c": 8.5, "d": 8.2}, {}, {}))
    ['a', 'c', 'd']
    >>> sorted(stay({"a": None, "b": None, "c": None}, {"a": 0.0, "b": 5.0, "c": -9.0}, {"a": "x", "b": "x", "c": "y"}))
    ['b', 'c']
    """
    known = {name: value for name, value in expected.items() if value is not None}
    if len(known) == len(expected):
        return _better_half(known)
    of: dict[str, dict[str, float]] = {}
    for name, strategy in strategies.items():
        of.setdefault(strategy, {})[name] = gains[name]
    return set().union(*(_better_half(each) for each in of.values()))


def _better_half(gains: Mapping[str, float]) -> set[str]:
    if not gains:
        return set()
    ordered = sorted(gains, key=lambda name: -gains[name])
    last = gains[ordered[(len(ordered) + 1) // 2 - 1]]
    best = gains[ordered[0]]
    return {name for name in ordered if gains[name] >= min(last, best - TIE)}
