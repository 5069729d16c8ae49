"""Successive halving: who goes on to more rows and more epochs, and how much compute each gets.

In each round the candidates that are left share a budget, each the same compute, at most what a run in full takes. Small
rounds are unfair to whoever starts from fresh weights, who learns late. So rounds halve the options of each strategy, and
strategies are held against each other in the last one alone, which has most of the budget. Who makes only some of its
epochs there is judged by where its own validation loss leads.

Source: Karnin, Koren and Somekh (2013), ICML (halving on a budget); Jamieson and Talwalkar (2016), AISTATS (of models in
training); Provost, Jensen and Oates (1999), KDD (growing samples); Viering and Loog (2023), IEEE TPAMI 45 (curves of
learning as powers); figures in ``tests/benchmarks/results.md`` ("Quick
look").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from retrain_core.compare.predicted import Floats

ROWS = 0.6  # share of the rows in the last round; the rest of the new ones are scored
BUDGET = 0.3  # of what all candidates take in full as planned; below the 40 % aimed at, as some stop early
BEFORE = ((0.2, 0.06), (0.35, 0.13))  # the same of the rounds before
TIE = 1.0  # margins: who is that close to the best goes on


def rounds(options: int) -> tuple[tuple[float, float], ...]:
    """Return which share of the rows each round uses, and which share of all runs in full all up to it may take.

    Args:
        options: The most that are tried of one strategy; with one there is nothing to halve.

    >>> rounds(1), rounds(2), len(rounds(9))
    (((0.6, 0.3),), ((0.2, 0.06), (0.6, 0.3)), 3)
    """
    halvings = min(len(BEFORE), (options - 1).bit_length())
    return (*BEFORE[:halvings], (ROWS, BUDGET))


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


def still_to_fall(losses: Sequence[tuple[float, float]], whole: float) -> float:
    """Return by how much a validation loss has still to fall in a run in full, if it falls as ``a + b / n``.

    Args:
        losses: Rows trained on and the loss after each epoch; with fewer than two nothing can be told.
        whole: Rows that a run in full trains on.

    >>> round(still_to_fall([(100, 0.6), (200, 0.5)], 1000), 6), still_to_fall([(100, 0.6), (200, 0.7)], 1000)
    (0.08, 0.0)
    """
    if len(losses) < 2:
        return 0.0
    rows, values = np.asarray(losses, np.float64).T
    slope = float(np.polyfit(1 / rows, values, 1)[0])
    return max(0.0, slope * (1 / float(rows[-1]) - 1 / whole))


def stay(gains: Mapping[str, float], strategies: Mapping[str, str]) -> set[str]:
    """Return the candidates that go on: of each strategy's the better half, and who ties with its best.

    Args:
        gains: Gain of each candidate in this round.
        strategies: The strategy of each candidate.

    >>> sorted(stay({"a": 0.0, "b": 5.0, "c": -9.0, "d": 4.5}, {"a": "x", "b": "x", "c": "y", "d": "x"}))
    ['b', 'c', 'd']
    """
    of: dict[str, dict[str, float]] = {}
    for name, strategy in strategies.items():
        of.setdefault(strategy, {})[name] = gains[name]
    return set().union(*(_better_half(each) for each in of.values()))


def _better_half(gains: Mapping[str, float]) -> set[str]:
    ordered = sorted(gains.values(), reverse=True)
    last = ordered[(len(ordered) - 1) // 2]
    return {name for name, gain in gains.items() if gain >= min(last, ordered[0] - TIE)}
