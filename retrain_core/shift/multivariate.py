"""Do all columns together tell old rows from new ones? Sees a changed correlation that no column shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.shift.estimate import Estimate, Values
from retrain_core.shift.features import Features
from retrain_core.shift.ridge import choose_features, each_later_fold, fit_ridge

FOLDS = 5
FEWEST_ROWS = 20  # a side


@dataclass(frozen=True)
class DomainCheck:
    """How well a classifier tells new rows from old ones, and by which columns.

    Args:
        auc: Held-out area under the ROC curve.
        drivers: Columns, or pairs of columns joined by ×, and their share of the separation, largest first.
    """

    auc: Estimate
    drivers: tuple[tuple[str, float], ...]


def domain_auc(scores: Values, side: NDArray[np.int64], folds: NDArray[np.int64]) -> Estimate:
    """Return the chance that a new row scores above an old one, compared within each fold.

    Args:
        scores: Held-out scores, shape ``(rows,)``; higher means more like the new data.
        side: 0 for old, 1 for new, shape ``(rows,)``.
        folds: The fold each row was held out in, shape ``(rows,)``.

    Returns:
        0.5 means that old and new cannot be told apart; p is one-sided.

    Raises:
        ValueError: If no fold holds rows of both sides.

    Source: Hanley and McNeil (1982), Radiology 143, 29-36; Lopez-Paz and Oquab (2017), arXiv 1610.06545.

    >>> domain_auc(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]), np.zeros(4, dtype=int)).value
    1.0
    """
    won, pairs, old, new = 0.0, 0, 0, 0
    for fold in np.unique(folds):
        rows = folds == fold
        n1 = int(side[rows].sum())
        n0 = int(rows.sum()) - n1
        if n0 and n1:
            ranks = stats.rankdata(scores[rows])
            won += float(ranks[side[rows] == 1].sum()) - n1 * (n1 + 1) / 2
            pairs, old, new = pairs + n0 * n1, old + n0, new + n1
    if not pairs:
        raise ValueError("No fold holds rows of both sides.")
    auc, error = won / pairs, np.sqrt((old + new + 1) / (12 * old * new))
    p = float(stats.norm.sf((auc - 0.5) / error))
    return Estimate(auc, (float(max(0.0, auc - 1.96 * error)), float(min(1.0, auc + 1.96 * error))), p)


def check_domain(features: Features) -> DomainCheck | None:
    """Return how well held-out rows can be told apart; ``None`` if there is too little to tell.

    A ridge regression of the side on standardised features and their products scores each fold after learning
    on the folds before it; exact duplicates share a fold.

    Args:
        features: Rows of both sides.
    """
    side, matrix = features.side, features.matrix
    if not matrix.shape[1] or min(int((side == 0).sum()), int((side == 1).sum())) < FEWEST_ROWS:
        return None
    folds = features.folds(FOLDS)
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
        auc = domain_auc(scores[scored], side[scored], folds[scored])
    except ValueError:
        return None
    return DomainCheck(auc, _drivers(shares, features.names))


def _drivers(shares: dict[tuple[int, int], float], names: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    total = sum(max(0.0, share) for share in shares.values())
    if total <= 0:
        return ()
    named = [
        (names[i] if i == j else f"{names[i]} × {names[j]}", share / total)
        for (i, j), share in shares.items()
    ]
    return tuple(sorted(named, key=lambda driver: -driver[1]))
