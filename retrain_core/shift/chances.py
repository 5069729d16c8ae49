"""How likely each row is to be a new one, given its values: what importance weights and overlap are made from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.estimate import Values
from retrain_core.shift.features import Features
from retrain_core.shift.ridge import cross_fit, each_fold

BINS, ROWS_PER_BIN = 25, 40  # of the calibration curve
LEAST_OVERLAP = 0.2  # below, there are too few like rows on both sides to compare
EDGE = 0.02  # chances of a side are kept this far from 0 and 1, relative to that side's share


def side_chances(features: Features, folds: NDArray[np.int64]) -> Values:
    """Return the chance that each row is a new one, by models that have not seen its fold.

    Args:
        features: Rows of both sides.
        folds: The fold of each row, shape ``(rows,)``.

    Returns:
        Shape ``(rows,)``, calibrated to the share of new rows among all, a little away from 0 and 1.
    """
    return calibrated(side_scores(features, folds), features.side, folds)


def side_scores(features: Features, folds: NDArray[np.int64]) -> Values:
    """Return how much each row looks like a new one, by models that have not seen its fold; not calibrated."""
    return cross_fit(features.matrix, features.side[:, None].astype(float), features.owner, folds)[:, 0]


def calibrated(scores: Values, side: NDArray[np.int64], folds: NDArray[np.int64]) -> Values:
    """Return scores as chances: the share of new rows among rows of like score, learned on the other folds."""
    chance, share = np.empty(len(scores)), side.mean()
    for train, held in each_fold(folds):
        order = train[np.argsort(scores[train], kind="stable")]
        parts = np.split(order, _cuts(scores[order]))
        middles = [scores[part].mean() for part in parts]
        shares = [side[part].mean() for part in parts]
        chance[held] = np.interp(scores[held], middles, shares)
    return np.clip(chance, EDGE * share, 1 - EDGE * (1 - share))


def _cuts(ordered: Values) -> list[int]:
    """Return where one bin ends and the next begins: bins hold about equally many rows, and never part equal scores.

    >>> _cuts(np.repeat([0.0, 1.0], [120, 40]))
    [120]
    """
    rows = len(ordered)
    bins = min(BINS, max(2, rows // ROWS_PER_BIN))
    at = ordered[np.arange(1, bins) * rows // bins]
    least, cuts = max(1, rows // bins // 2), [0]
    for cut in np.unique([np.searchsorted(ordered, at, edge) for edge in ("left", "right")]).tolist():
        if least <= cut - cuts[-1] and least <= rows - cut:
            cuts.append(cut)
    return cuts[1:]


def overlap_of(chance: Values, side: NDArray[np.int64]) -> float:
    """Return the share of rows that could be from either side: 1 if P(x) is the same, 0 if nothing is shared.

    Args:
        chance: Chance of being a new row, shape ``(rows,)``.
        side: 0 for an old row, 1 for a new one, shape ``(rows,)``.
    """
    share = side.mean()
    return float(min(1.0, np.mean(chance * (1 - chance)) / (share * (1 - share))))


def chance_if_equal(chance: Values, share: float) -> Values:
    """Return the chance of being a new row as it would be if both sides had equally many rows.

    Args:
        chance: Chance of being a new row, shape ``(rows,)``.
        share: Share of new rows among those the chance is for.

    >>> chance_if_equal(np.array([0.2, 0.5]), 0.2).tolist()
    [0.5, 0.8]
    """
    new, old = chance / share, (1 - chance) / (1 - share)
    return new / (new + old)


def effective_rows(weights: Values) -> float:
    """Return how many rows without weights are worth as much as these with theirs.

    Source: Kish (1965), Survey Sampling.

    >>> effective_rows(np.array([1.0, 1.0, 1.0])), effective_rows(np.array([1.0, 0.0, 0.0]))
    (3.0, 1.0)
    """
    return float(weights.sum() ** 2 / np.sum(weights**2))
