"""Do all columns together tell old rows from new ones? Sees a changed correlation that no column shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.shift.estimate import Z95, Estimate, Values
from retrain_core.shift.features import Features
from retrain_core.shift.ridge import choose_features, each_later_fold, fit_ridge

FEWEST_ROWS = 20  # a side


@dataclass(frozen=True)
class DomainCheck:
    """How well a classifier tells new rows from old ones, and by which columns.

    Args:
        auc: Held-out area under the ROC curve.
        drivers: Columns, or pairs of columns joined by ×, and their share of the separation, largest first.
        columns: The columns behind the drivers, each once, in the same order.
        taken: How many columns were taken, and of how many; ``None`` if all.
    """

    auc: Estimate
    drivers: tuple[tuple[str, float], ...]
    columns: tuple[str, ...] = ()
    taken: tuple[int, int] | None = None


def domain_auc(
    scores: Values,
    side: NDArray[np.int64],
    blocks: NDArray[np.int64],
    group: NDArray[np.int64] | None = None,
) -> Estimate:
    """Return the chance that a new row scores above an old one, compared within each block.

    Copies of a row count as one where they would make the answer look surer than it is.

    Args:
        scores: Held-out scores, shape ``(rows,)``; higher means more like the new data.
        side: 0 for old, 1 for new, shape ``(rows,)``.
        blocks: Rows are compared with those of the same number, such as that of the fold, shape ``(rows,)``.
        group: Equal for copies of a row, shape ``(rows,)``; by default no row is a copy.

    Returns:
        0.5 means that old and new cannot be told apart; p is one-sided.

    Raises:
        ValueError: If no block holds rows of both sides.

    Source: Hanley and McNeil (1982), Radiology 143, 29-36; Obuchowski (1997), Biometrics 53(2) (copies);
        Lopez-Paz and Oquab (2017), arXiv 1610.06545.

    >>> domain_auc(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]), np.zeros(4, dtype=int)).value
    1.0
    """
    won, pairs, variance = 0.0, 0, 0.0
    beaten = np.zeros(len(scores))  # rows of the other side that a new row beats, or that beat an old one
    met = np.zeros(len(scores))  # how many of them it was compared with
    for block in np.unique(blocks):
        rows = np.flatnonzero(blocks == block)
        new = side[rows] == 1
        n1 = int(new.sum())
        n0 = len(rows) - n1
        if not n0 or not n1:
            continue
        ranks = stats.rankdata(scores[rows])
        beaten[rows[new]] = ranks[new] - stats.rankdata(scores[rows[new]])
        beaten[rows[~new]] = n1 - (ranks[~new] - stats.rankdata(scores[rows[~new]]))
        met[rows[new]], met[rows[~new]] = n0, n1
        won += float(beaten[rows[new]].sum())
        pairs += n0 * n1
        variance += n0 * n1 * (n0 + n1 + 1) / 12
    if not pairs:
        raise ValueError("No block holds rows of both sides.")
    auc = won / pairs
    if group is not None:
        together = np.bincount(group, weights=beaten - auc * met)
        variance = max(variance, float(np.sum(together**2)))
    error = np.sqrt(variance) / pairs
    p = float(stats.norm.sf((auc - 0.5) / error))
    return Estimate(auc, (float(max(0.0, auc - Z95 * error)), float(min(1.0, auc + Z95 * error))), p)


def check_domain(features: Features) -> DomainCheck | None:
    """Return how well held-out rows can be told apart; ``None`` if there is too little to tell.

    A ridge regression of the side on standardised features and their products scores each fold after learning
    on the folds before it; exact duplicates share a fold.

    Args:
        features: Rows of both sides.
    """
    side, matrix = features.side, features.matrix
    if not matrix.shape[1] or min(features.rows) < FEWEST_ROWS:
        return None
    folds = features.folds()
    scores, scored = np.zeros(len(side)), np.zeros(len(side), dtype=bool)
    shares: dict[tuple[int, int], float] = {}
    for train, held in each_later_fold(folds):
        target = side[train, None] - side[train].mean()
        expand = choose_features(matrix[train], target, features.owner)
        model = fit_ridge(expand(matrix[train]), target)
        design = expand(matrix[held])
        scores[held], scored[held] = model.predict(design)[:, 0], True
        if 0 < side[held].mean() < 1:
            moved = design[side[held] == 1].mean(axis=0) - design[side[held] == 0].mean(axis=0)
            for (i, j), part in zip(expand.factors, moved * model.weights[:, 0], strict=True):
                key = min(features.owner[i], features.owner[j]), max(features.owner[i], features.owner[j])
                shares[key] = shares.get(key, 0.0) + float(part)
    try:
        auc = domain_auc(scores[scored], side[scored], folds[scored], features.group[scored])
    except ValueError:
        return None
    return _check(auc, shares, features)


def _check(auc: Estimate, shares: dict[tuple[int, int], float], features: Features) -> DomainCheck:
    names, total = features.names, sum(max(0.0, share) for share in shares.values())
    taken = None if features.offered is None else (len(names), features.offered)
    if total <= 0:
        return DomainCheck(auc, (), (), taken)
    in_order = sorted(shares, key=lambda pair: -shares[pair])
    drivers = tuple((features.title(i, j), shares[i, j] / total) for i, j in in_order)
    columns = tuple(dict.fromkeys(names[i] for pair in in_order for i in pair))
    return DomainCheck(auc, drivers, columns, taken)
