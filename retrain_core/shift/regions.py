"""Where the old model has become worse: rules of one or two conditions that a reader understands.

Rules are chosen on one half of the rows and measured on the other, so that what is shown is no luck of the search;
then the halves change places.
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
from retrain_core.shift.estimate import Values
from retrain_core.shift.levels import ALPHA
from retrain_core.types import Region

MOST = 3
LEAST_SHARE, FEWEST_ROWS = 0.05, 30  # of the new rows; a side: each in each half
MOST_CONDITIONS = 400  # whose pairs are tried
SHARED = 1 / 3  # of the smaller region, at most, may lie in one that is shown already
MARGIN = 3.0  # standard errors taken off while choosing: the best of many rules is partly luck
Z95 = 1.96
Z_SHOWN = float(stats.norm.isf(ALPHA / 2 / (2 * MOST)))  # three rules of each half are measured
PRIOR_ROWS = (
    2.0  # as in the interval of Agresti and Caffo: a few rows without an error do not make its spread 0
)


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

    All rules ``column <= value``, ``column >= value`` and ``column == category``, and all pairs of them joined by
    "and", are tried on one half of the rows. A rule is scored by the rise of its error, or by how much more that rose
    than elsewhere if it is less, three standard errors taken off. The best three that hardly overlap are measured on
    the other half, and shown if both are above 0 there, corrected for how many are measured. The same is done with the
    halves exchanged; of rules that overlap, the one that rose more is shown.

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
    rows = np.arange(int((side == 0).sum())), np.arange(int((side == 1).sum()))
    single = [
        condition
        for place, pair in enumerate(pairs)
        for condition in conditions(pair, place, rows, ordered=pair.name not in names)
    ]
    found: list[tuple[Region, NDArray[np.bool_]]] = []
    for choose in (half == 0, half == 1):
        if not (_enough(side, choose) and _enough(side, ~choose)):
            return ()
        for rule in _best_rules(single, error, side, choose):
            holds = np.logical_and.reduce([condition.holds for condition in rule])
            text = " and ".join(condition.text for condition in rule)
            region = _measured(text, holds, error, side, ~choose, shares)
            if region is not None:
                found.append((region, holds[side == 1]))
    found.sort(key=lambda pair: -pair[0].interval[0])
    shown: list[tuple[Region, NDArray[np.bool_]]] = []
    for region, inside in found:
        if not any(_overlap(inside, other) for _, other in shown):
            shown.append((region, inside))
    regions = [region for region, _ in shown[:MOST]]
    return tuple(sorted(regions, key=lambda region: region.old_error - region.new_error))


def _overlap(rows: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Return whether two regions share more than a part of the smaller one."""
    return bool((rows & other).sum() > SHARED * min(rows.sum(), other.sum()))


def _enough(side: NDArray[np.int64], rows: NDArray[np.bool_]) -> bool:
    return min(int((side[rows] == which).sum()) for which in (0, 1)) >= FEWEST_ROWS


def _usable(found: list[Condition], side: NDArray[np.int64], choose: NDArray[np.bool_]) -> list[Condition]:
    """Return the conditions that hold in enough rows of both sides, and not in all but a few."""
    kept = []
    for condition in found:
        shares = [condition.holds[choose & (side == which)] for which in (0, 1)]
        if min(int(part.sum()) for part in shares) < FEWEST_ROWS or shares[1].mean() < LEAST_SHARE:
            continue
        if shares[1].mean() <= 1 - LEAST_SHARE:
            kept.append(condition)
    return kept


def _best_rules(
    single: list[Condition], error: Values, side: NDArray[np.int64], choose: NDArray[np.bool_]
) -> list[tuple[Condition, ...]]:
    """Return the rules with the highest scores that hardly overlap, best first."""
    single = _usable(single, side, choose)
    if not single:
        return []
    held = np.stack([condition.holds[choose] for condition in single], axis=1).astype(np.float32)
    errors, sides = error[choose], side[choose]
    errors = errors / (float(errors.std()) or 1.0)
    alone = _scores([_single_sums(held[sides == s], errors[sides == s]) for s in (0, 1)])
    if len(single) > MOST_CONDITIONS:
        best = np.sort(np.argsort(-alone, kind="stable")[:MOST_CONDITIONS])
        single, held, alone = [single[i] for i in best], held[:, best], alone[best]
    count = len(single)
    both = _scores([_pair_sums(held[sides == s], errors[sides == s]) for s in (0, 1)])
    columns = np.array([condition.column for condition in single])
    signs = np.array([condition.sign for condition in single])
    same = (columns[:, None] == columns) & (signs[:, None] == signs)
    both[same | np.tri(count, dtype=bool)] = -np.inf
    ranked = [(float(score), (i,)) for i, score in enumerate(alone.tolist()) if score > -np.inf]
    flat = both.ravel()
    top = np.argpartition(-flat, min(len(flat) - 1, 2_000))[:2_000]
    top = top[flat[top] > -np.inf]
    rules = [(float(flat[i]), (int(i) // count, int(i) % count)) for i in top]
    new = sides == 1
    chosen: list[tuple[Condition, ...]] = []
    taken: list[NDArray[np.bool_]] = []
    for _, rule in sorted([*ranked, *rules], key=lambda scored: (-scored[0], len(scored[1]))):
        rows = held[new][:, list(rule)].all(axis=1)
        if not any(_overlap(rows, other) for other in taken):
            chosen.append(tuple(single[i] for i in rule))
            taken.append(rows)
        if len(chosen) == MOST:
            break
    return chosen


def _single_sums(held: NDArray[np.float32], error: Values) -> _Sums:
    table = np.column_stack([np.ones_like(error), error, error**2]).astype(np.float32)
    rows, errors, squares = (held.T @ table).astype(np.float64).T
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
        _single_sums(holds[measure & (side == s), None].astype(np.float32), error[measure & (side == s)])
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
    show = wording.percent if shares else wording.number
    what = "error" if shares else "mean absolute error"
    summary = f"{text}: {what} {show(before)} → {show(after)} ({wording.percent(share)} of the new rows)."
    return Region(text, before, after, interval, share, summary)
