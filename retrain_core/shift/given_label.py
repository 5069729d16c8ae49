"""Do rows with the same label look different now? A check of P(x given y): under a pure label shift they do not.

A classifier learns to tell new rows from old ones by what the label does not explain of their values, and is then scored
on pairs of an old and a new row with the same label. How often each label occurs on either side has no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.estimate import Estimate, Values
from retrain_core.shift.features import Features
from retrain_core.shift.multivariate import domain_auc
from retrain_core.shift.ridge import choose_features, each_later_fold, fit_ridge

BINS = 10  # of a numeric label
FEWEST_ROWS = 50  # a side, with a label that both sides have
FEWEST_OF_A_LABEL = 5  # a side
MOST_INTERACTIONS = 50  # products of a feature and a label


@dataclass(frozen=True)
class Strata:
    """Rows of like label.

    Args:
        number: Equal for rows that may be compared, shape ``(rows,)``; -1 for a row without its like on the other side.
        within: What still varies among them, shape ``(rows,)``; ``None`` if their labels are equal.
    """

    number: NDArray[np.int64]
    within: Values | None


def label_strata(labels: Features, classes: NDArray[np.int64] | None) -> Strata:
    """Return rows of like label: equal classes, tenths of a number, or tenths of what several labels tell about the side.

    Rows in which several labels are equally telling about the side may be compared, for what is left of the labels then
    has nothing to do with the side.

    Args:
        labels: The labels as features, of rows that have them.
        classes: The class of each of these rows if there is one label and it is a class.

    Source: Rosenbaum and Rubin (1983), Biometrika 70(1), 41-55.
    """
    matrix, side = labels.matrix, labels.side
    if classes is not None:
        return Strata(_comparable(classes, side), None)
    if not matrix.shape[1]:
        return Strata(np.zeros(len(side), dtype=np.int64), None)
    within = matrix[:, 0]
    if len(labels.names) > 1:
        within = fit_ridge(matrix, side[:, None].astype(float)).predict(matrix)[:, 0]
    cuts = np.unique(np.quantile(within, np.linspace(0, 1, BINS + 1)[1:-1]))
    return Strata(_comparable(np.searchsorted(cuts, within, side="right"), side), within)


def _comparable(number: NDArray[np.int64], side: NDArray[np.int64]) -> NDArray[np.int64]:
    counts = np.array([np.bincount(number[side == which], minlength=number.max() + 1) for which in (0, 1)])
    return np.where((counts.min(axis=0) >= FEWEST_OF_A_LABEL)[number], number, -1)


def check_given_label(features: Features, labels: Features, strata: Strata) -> Estimate | None:
    """Return how well held-out rows of like label can be told apart; ``None`` if there are too few.

    Args:
        features: Rows of both sides, labels left out.
        labels: The labels of the same rows as features.
        strata: Which of these rows have like labels.

    Returns:
        The area under the ROC curve as :func:`domain_auc` gives it.
    """
    kept = np.flatnonzero(strata.number >= 0)
    side = features.side[kept]
    if not features.matrix.shape[1] or min(int(side.sum()), len(side) - int(side.sum())) < FEWEST_ROWS:
        return None
    number = np.unique(strata.number[kept], return_inverse=True)[1]
    within = None if strata.within is None else strata.within[kept]
    explained = _explained_by(number, within)
    matrix, label, folds = features.matrix[kept], labels.matrix[kept], features.folds()[kept]
    scores: Values = np.zeros(len(side))
    scored = np.zeros(len(side), dtype=bool)
    for train, held in each_later_fold(folds):
        basis = explained[train]
        left = side[train, None] - fit_ridge(basis, side[train, None].astype(float)).predict(basis)
        rest = matrix - fit_ridge(basis, matrix[train]).predict(explained)
        feature, which = _interactions(rest[train] * left, label[train])
        design = np.hstack([rest, rest[:, feature] * label[:, which]])
        owner = np.concatenate([features.owner, features.owner[feature]])
        expand = choose_features(design[train], left, owner)
        model = fit_ridge(expand(design[train]), left)
        scores[held], scored[held] = model.predict(expand(design[held]))[:, 0], True
    blocks = folds * (number.max() + 1) + number
    if within is not None:
        scores = _without_trend(scores, within, blocks)
    try:
        return domain_auc(scores[scored], side[scored], blocks[scored], features.group[kept][scored])
    except ValueError:
        return None


def _explained_by(number: NDArray[np.int64], within: Values | None) -> Values:
    """Return what stands for the label in a regression: one column a stratum, and a slope in each if labels vary there."""
    strata = (number[:, None] == np.arange(number.max() + 1)).astype(float)
    return strata if within is None else np.hstack([strata, strata * within[:, None]])


def _interactions(agreement: Values, label: Values) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the features and labels whose products go with the side most."""
    strength = np.abs(agreement.T @ label).ravel()
    best = np.argsort(-strength, kind="stable")[: min(MOST_INTERACTIONS, len(agreement) // 20)]
    return np.divmod(best, max(label.shape[1], 1))


def _without_trend(scores: Values, within: Values, blocks: NDArray[np.int64]) -> Values:
    """Return what a straight line over the label leaves of the scores in each block.

    Labels are alike there, not equal: a side whose labels are a little higher in each block would else seem to look different.
    """
    place = np.unique(blocks, return_inverse=True)[1]
    size = np.bincount(place)

    def centred(values: Values) -> Values:
        return values - (np.bincount(place, weights=values) / size)[place]

    x, y = centred(within), centred(scores)
    spread = np.bincount(place, weights=x**2)
    slope = np.divide(
        np.bincount(place, weights=x * y), spread, out=np.zeros(len(size)), where=spread > 1e-12
    )
    return y - slope[place] * x
