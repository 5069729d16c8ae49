"""Where the old model has become worse: rules of one or two conditions that a reader understands.

Rules are chosen on one half of the rows and measured on the other, so that what is shown is no luck of the search;
then the halves change places. What both halves chose is measured on all rows: each by the rule of the half it is not in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.shift import wording
from retrain_core.shift.columns import ColumnPair
from retrain_core.shift.conditions import Condition, conditions
from retrain_core.shift.estimate import Z95, Values
from retrain_core.types import Region, Thresholds

MOST = 3
LEAST_SHARE, FEWEST_ROWS = 0.05, 30  # of the new rows; a side: each in each half
MOST_CONDITIONS = 400  # whose pairs are tried
MOST_RANKED = 2_000  # pairs that are looked through for three that hardly overlap
SHARED = 1 / 3  # of the smaller region, at most, may lie in one that is shown already
MARGIN = 3.0  # standard errors taken off while choosing: the best of many rules is partly luck
BETTER = 1.15  # times the score of its better half, at least, is that of a rule of two conditions: else one is enough
ALIKE = 1 / 2  # of the new rows in either of two regions, at least, lie in both if they are the same one
MEASURED = 2 * (MOST + 1)  # at most: three rules of each half, and its best one of a single condition
Z_SHOWN = float(stats.norm.isf(Thresholds().alpha / 2 / MEASURED))
PRIOR_ROWS = (
    2.0  # as in the interval of Agresti and Caffo: a few rows without an error do not make its spread 0
)


@dataclass(frozen=True, eq=False)
class _Rule:
    """A rule as people write it, and in which rows it holds."""

    text: str
    holds: NDArray[np.bool_]


@dataclass(frozen=True)
class _Sums:
    """Rows, errors and squared errors of each rule on one side, and of all its rows."""

    rows: Values
    error: Values
    squares: Values
    total: tuple[float, float, float]


def worst_regions(
    pairs: Sequence[ColumnPair],
    error: Values,
    side: NDArray[np.int64],
    half: NDArray[np.int64],
    *,
    shares: bool,
    names: Collection[str] = (),
) -> tuple[Region, ...]:
    """Return up to three regions in which the error has grown, and more than elsewhere; the worst first.

    All rules ``column ≤ value``, ``column ≥ value`` and ``column = category``, and all pairs of them joined by
    "and", are tried on one half of the rows. A rule is scored by the rise of its error, or by how much more that rose
    than elsewhere if it is less, three standard errors taken off. The best three that hardly overlap, and the best one
    of a single condition, are measured on the other half, and shown if both are above 0 there, corrected for how many
    are measured. The same is done with the halves exchanged, and with all rows for what both halves chose; of rules
    that overlap, the one that rose more is shown.

    Args:
        pairs: The columns of the rows, labels left out.
        error: Of the old model on each row, shape ``(rows,)``, finite; old rows first.
        side: 0 for an old row, 1 for a new one, shape ``(rows,)``.
        half: 0 for rows that choose rules, 1 for rows that measure them, shape ``(rows,)``; duplicates in the same one.
        shares: Whether errors are shares of wrong answers, rather than distances in units of the label.
        names: Columns whose numbers are names of classes, so that more or less means nothing.

    Source: Atzmueller (2015), WIREs Data Mining and Knowledge Discovery 5(1), 35-49 (search for subgroups); Agresti and
        Caffo (2000), The American Statistician 54(4) (the interval).
    """
    scaled = error / (float(error.std()) or 1.0)  # the search computes in single precision
    chosen: list[list[_Rule]] = []
    for choose in (half == 0, half == 1):
        if not (_enough(side, choose) and _enough(side, ~choose)):
            return ()
        single = _strongest_conditions(pairs, scaled, side, choose, names)
        chosen.append([_rule(conditions) for conditions in _best_rules(single, scaled, side, choose)])
    found: list[tuple[Region, NDArray[np.bool_]]] = []
    for rule, measure in _to_measure(chosen, scaled, side, half):
        region = _measured(rule.text, rule.holds, error, side, measure, shares)
        if region is not None:
            found.append((region, rule.holds[side == 1]))
    found.sort(key=lambda pair: -pair[0].interval[0])
    shown: list[tuple[Region, NDArray[np.bool_]]] = []
    for region, inside in found:
        if not any(_overlap(inside, other) for _, other in shown):
            shown.append((region, inside))
    regions = [region for region, _ in shown[:MOST]]
    return tuple(sorted(regions, key=lambda region: region.old_error - region.new_error))


def _rule(conditions: Sequence[Condition]) -> _Rule:
    text = " and ".join(condition.text for condition in conditions)
    return _Rule(text, np.logical_and.reduce([condition.holds for condition in conditions]))


def _to_measure(
    chosen: Sequence[Sequence[_Rule]], error: Values, side: NDArray[np.int64], half: NDArray[np.int64]
) -> list[tuple[_Rule, NDArray[np.bool_]]]:
    """Return each rule with the rows that did not choose it; those that both halves chose are one, with all rows."""
    first, second = (list(rules) for rules in chosen)
    found: list[tuple[_Rule, NDArray[np.bool_]]] = []
    pairs = [(_alike(a.holds[side == 1], b.holds[side == 1]), a, b) for a in first for b in second]
    for alike, a, b in sorted(pairs, key=lambda pair: -pair[0]):
        if alike >= ALIKE and a in first and b in second:
            first.remove(a)
            second.remove(b)
            found.append((_joined(a, b, error, side, half), np.ones(len(side), dtype=np.bool_)))
    return [*found, *((rule, half == 1) for rule in first), *((rule, half == 0) for rule in second)]


def _joined(
    first: _Rule, second: _Rule, error: Values, side: NDArray[np.int64], half: NDArray[np.int64]
) -> _Rule:
    """Return two rules as one: each row by that of the half it is not in, named by the better one."""
    held = np.stack([first.holds, second.holds], axis=1).astype(np.float32)
    scores = _scores([_sums(held[side == s], error[side == s]) for s in (0, 1)])
    better = (first, second)[int(np.argmax(scores))]
    return _Rule(better.text, np.where(half == 1, first.holds, second.holds))


def _alike(rows: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((rows & other).sum() / max(1, (rows | other).sum()))


def _overlap(rows: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Return whether two regions share more than a part of the smaller one."""
    return bool((rows & other).sum() > SHARED * min(rows.sum(), other.sum()))


def _enough(side: NDArray[np.int64], rows: NDArray[np.bool_]) -> bool:
    return min(int((side[rows] == which).sum()) for which in (0, 1)) >= FEWEST_ROWS


def _strongest_conditions(
    pairs: Sequence[ColumnPair],
    error: Values,
    side: NDArray[np.int64],
    choose: NDArray[np.bool_],
    names: Collection[str],
) -> list[Condition]:
    """Return the conditions with the highest scores on the chosen rows, however many columns there are."""
    rows = np.arange(int((side == 0).sum())), np.arange(int((side == 1).sum()))
    kept: list[tuple[float, Condition]] = []
    for place, pair in enumerate(pairs):
        found = conditions(pair, place, rows, ordered=pair.name not in names)
        usable = [condition for condition in found if _usable(condition, side, choose)]
        if usable:
            sums = [_sums(_held(usable, choose & (side == s)), error[choose & (side == s)]) for s in (0, 1)]
            kept += zip(_scores(sums).tolist(), usable, strict=True)
        if len(kept) > 2 * MOST_CONDITIONS:
            kept = _highest(kept)
    return [condition for _, condition in _highest(kept)]


def _usable(condition: Condition, side: NDArray[np.int64], choose: NDArray[np.bool_]) -> bool:
    """Return whether a condition holds in enough rows of both sides, and not in all but a few."""
    old, new = (condition.holds[choose & (side == which)] for which in (0, 1))
    enough = min(int(old.sum()), int(new.sum())) >= FEWEST_ROWS
    return bool(enough and LEAST_SHARE <= new.mean() <= 1 - LEAST_SHARE)


def _highest(scored: list[tuple[float, Condition]]) -> list[tuple[float, Condition]]:
    """Return the ``MOST_CONDITIONS`` with the highest scores, in their order."""
    best = sorted(range(len(scored)), key=lambda i: -scored[i][0])[:MOST_CONDITIONS]
    return [scored[i] for i in sorted(best)]


def _best_rules(
    single: list[Condition], error: Values, side: NDArray[np.int64], choose: NDArray[np.bool_]
) -> list[tuple[Condition, ...]]:
    """Return the rules with the highest scores that hardly overlap, best first, and the best of a single condition."""
    if not single:
        return []
    rows = [choose & (side == which) for which in (0, 1)]
    held = [_held(single, part) for part in rows]
    alone = _scores([_sums(part, error[which]) for part, which in zip(held, rows, strict=True)])
    both = _scores([_pair_sums(part, error[which]) for part, which in zip(held, rows, strict=True)])
    count = len(single)
    columns = np.array([condition.column for condition in single])
    signs = np.array([condition.sign for condition in single])
    same = (columns[:, None] == columns) & (signs[:, None] == signs)
    better = both > BETTER * np.maximum(0.0, np.maximum(alone, alone[:, None]))
    both[same | ~better & (both > 0) | np.tri(count, dtype=bool)] = -np.inf
    flat = both.ravel()
    top = np.argsort(-flat, kind="stable")[:MOST_RANKED]
    ranked: list[tuple[float, tuple[int, ...]]] = [(float(s), (i,)) for i, s in enumerate(alone.tolist())]
    ranked += [(float(flat[i]), divmod(int(i), count)) for i in top]
    chosen: list[tuple[Condition, ...]] = []
    taken: list[NDArray[np.bool_]] = []
    for score, rule in sorted(ranked, key=lambda scored: (-scored[0], len(scored[1]))):
        inside = np.asarray(held[1][:, list(rule)].all(axis=1), dtype=np.bool_)
        if score > -np.inf and not any(_overlap(inside, other) for other in taken):
            chosen.append(tuple(single[i] for i in rule))
            taken.append(inside)
        if len(chosen) == MOST:
            break
    best = int(np.argmax(alone))
    if np.isfinite(alone[best]) and not any(len(rule) == 1 for rule in chosen):
        chosen.append((single[best],))
    return chosen


def _held(single: Sequence[Condition], rows: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return in which of the rows each condition holds, shape ``(rows, conditions)``."""
    return np.stack([condition.holds[rows] for condition in single], axis=1).astype(np.float32)


def _sums(held: NDArray[np.float32], error: Values) -> _Sums:
    table = np.column_stack([np.ones_like(error), error, error**2])
    rows, errors, squares = (held.T.astype(np.float64) @ table).T
    return _Sums(rows, errors, squares, _totals(error))


def _pair_sums(held: NDArray[np.float32], error: Values) -> _Sums:
    weights = (np.ones_like(error), error, error**2)
    products = [((held * w.astype(np.float32)[:, None]).T @ held).astype(np.float64) for w in weights]
    return _Sums(products[0], products[1], products[2], _totals(error))


def _totals(error: Values) -> tuple[float, float, float]:
    return float(len(error)), float(error.sum()), float((error**2).sum())


def _scores(sides: list[_Sums]) -> Values:
    """Return the score of each rule; minus infinity if it holds in too few rows."""
    rise, rise_error, excess, excess_error = _rises(sides)
    score = np.minimum(rise - MARGIN * rise_error, excess - MARGIN * excess_error)
    old, new = sides
    few = (np.minimum(old.rows, new.rows) < FEWEST_ROWS) | (new.rows < LEAST_SHARE * new.total[0])
    return np.where(few | ~np.isfinite(score), -np.inf, score)


def _rises(sides: list[_Sums]) -> tuple[Values, Values, Values, Values]:
    """Return how much the error rose inside, how much more than outside, each with its standard error behind it."""
    means, variances = [], []
    for part in sides:
        rows, error, squares = part.total
        inside = _mean_and_variance(part.rows, part.error, part.squares, part.total)
        outside = _mean_and_variance(rows - part.rows, error - part.error, squares - part.squares, part.total)
        means.append((inside[0], outside[0]))
        variances.append((inside[1], outside[1]))
    rise, other = (means[1][i] - means[0][i] for i in (0, 1))
    variance, other_variance = (variances[0][i] + variances[1][i] for i in (0, 1))
    return rise, np.sqrt(variance), rise - other, np.sqrt(variance + other_variance)


def _mean_and_variance(
    rows: Values, error: Values, squares: Values, total: tuple[float, float, float]
) -> tuple[Values, Values]:
    """Return the mean error and the variance of that mean, a few rows like all the others added."""
    usual, usual_square = total[1] / total[0], total[2] / total[0]
    count = rows + PRIOR_ROWS
    middle = (error + PRIOR_ROWS * usual) / count
    spread = np.maximum(0.0, (squares + PRIOR_ROWS * usual_square) / count - middle**2)
    return error / np.maximum(rows, 1.0), spread / count


def _measured(
    text: str,
    holds: NDArray[np.bool_],
    error: Values,
    side: NDArray[np.int64],
    measure: NDArray[np.bool_],
    shares: bool,
) -> Region | None:
    """Return the region as rows that did not choose it see it; ``None`` if they do not confirm it."""
    sides = [
        _sums(holds[measure & (side == s), None].astype(np.float32), error[measure & (side == s)])
        for s in (0, 1)
    ]
    old, new = sides
    share = float(holds[side == 1].mean())
    if min(old.rows[0], new.rows[0]) < FEWEST_ROWS or new.rows[0] < LEAST_SHARE * new.total[0]:
        return None
    rise, rise_error, excess, excess_error = (float(part[0]) for part in _rises(sides))
    if rise - Z_SHOWN * rise_error <= 0 or excess - Z_SHOWN * excess_error <= 0:
        return None
    before, after = float(old.error[0] / old.rows[0]), float(new.error[0] / new.rows[0])
    interval = rise - Z95 * rise_error, rise + Z95 * rise_error
    what = "error" if shares else "mean absolute error"
    ends = [f"{100 * at:.1f} %" if shares else wording.number(at) for at in (before, after)]
    summary = f"{text}: {what} {' → '.join(ends)} ({wording.percent(share)} of the new rows)."
    all_rise = new.total[1] / new.total[0] - old.total[1] / old.total[0]
    explained = min(1.0, share * rise / all_rise) if all_rise > 0 else 1.0  # elsewhere it fell
    return Region(text, before, after, interval, share, summary, explained)
