"""Does the same row get another label now? A check of P(y given x) that needs labels on both sides but no model.

The question is whether label and side are independent given the columns. Both are predicted from the columns by
ridge regression; if the concept is the same, what is left of the label has nothing to do with what is left of the
side, however much the columns themselves moved. The check holds even if one of the two predictions is
poor, and rows that occur on one side only hardly count, so a moved P(x) alone does not set it off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.shift.chances import overlap_of, side_chances
from retrain_core.shift.estimate import Z95, Estimate, Values
from retrain_core.shift.features import FOLDS, Features, with_bends
from retrain_core.shift.ridge import (
    Expansion,
    choose_features,
    cross_fit,
    each_later_fold,
    fit_ridge,
    strongest_features,
)

FEWEST_ROWS = 100  # a side


@dataclass(frozen=True)
class ConceptCheck:
    """Whether P(y given x) changed where both sides have rows.

    Args:
        change: How far the expected label moved at the same x, root mean square, in standard deviations of what
            the columns leave unexplained; a lower bound on average, 0 if nothing changed.
        average: The same with its sign, averaged over rows, in units of the label, shape ``(outputs,)``.
        overlap: Share of rows that could be from either side: 1 if P(x) is the same, 0 if nothing is shared.
        drivers: Columns with which the change varies, and their share of it, largest first; "" is everywhere alike.
    """

    change: Estimate
    average: tuple[float, ...]
    overlap: float
    drivers: tuple[tuple[str, float], ...]


def concept_obstacle(features: Features, target: Values) -> str:
    """Return why the concept cannot be checked on these rows, as a clause; nothing if it can be."""
    if not features.matrix.shape[1]:
        return "no column holds values that rows can be compared by"
    if min(features.rows) < FEWEST_ROWS:
        old, new = features.rows
        return f"that takes {FEWEST_ROWS} labelled rows on each side, and there are {old:,} old and {new:,} new ones"
    if not np.ptp(target, axis=0).any():
        return "all labels are the same"
    if len(np.unique(features.folds())) < FOLDS:
        return "nearly all rows are copies of each other"
    return ""


def check_concept(features: Features, target: Values, chance: Values | None = None) -> ConceptCheck | None:
    """Return whether the label depends on the columns as before; ``None`` if there is an obstacle.

    Args:
        features: Rows of both sides, label left out.
        target: The label of those rows, shape ``(rows, outputs)``: one value, or one column a class.
        chance: Chance that each row is a new one, if :func:`side_chances` has been asked already.

    Source: Shah and Peters (2020), Annals of Statistics 48(3) (the test); Scheidegger, Hörrmann and Bühlmann (2022),
        JMLR 23(273) (weights learned on other rows); Nie and Wager (2021), Biometrika 108(2) (how they are learned).
    """
    if concept_obstacle(features, target):
        return None
    side, folds = features.side, features.folds()
    if chance is None:
        chance = side_chances(features, folds)
    surprise = (side - chance)[:, None]
    curved = with_bends(features)
    left = target - cross_fit(curved.matrix, target, curved.owner, folds)
    overlap = overlap_of(chance, side)
    weight = surprise[:, 0] ** 2
    average = np.sum(surprise * left, axis=0) / weight.sum()
    alone, joined = (_learned(features, surprise, left, products) for products in (False, True))
    size, drivers = min((alone, joined), key=lambda learned: (learned[0].p, -learned[0].value))
    size = replace(size, p=min(1.0, 2 * (size.p or 0.0)))
    return ConceptCheck(size, tuple(average.tolist()), overlap, drivers)


def _learned(
    features: Features, surprise: Values, left: Values, products: bool
) -> tuple[Estimate, tuple[tuple[str, float], ...]]:
    """Return the size of a change that is learned on earlier folds, and what it depends on.

    Args:
        features: Rows of both sides.
        surprise: What is left of the side, shape ``(rows, 1)``.
        left: What is left of the label, shape ``(rows, outputs)``.
        products: Whether the change may depend on products of two columns. Leaving them out finds a weak change of a
            slope sooner, taking them a change that no single column shows.
    """
    matrix, owner, folds = features.matrix, features.owner, features.folds()
    change, told = np.zeros_like(left), np.zeros(len(left), dtype=bool)
    parts: dict[str, float] = {}
    for train, held in each_later_fold(folds):
        agreeing = surprise[train] * left[train]
        if products:
            expand = choose_features(matrix[train], agreeing, owner)
        else:
            nothing = np.zeros(0, dtype=np.intp)
            expand = Expansion(strongest_features(matrix[train], agreeing), nothing, nothing)
        basis = np.column_stack([np.ones(len(left)), expand(matrix)])
        model = fit_ridge(basis[train] * surprise[train], left[train], intercept=False)
        change[held], told[held] = basis[held] @ model.weights, True
        shares = ((basis[held] * surprise[held]).T @ left[held] * model.weights).sum(axis=1)
        names = ["", *(features.title(owner[i], owner[j]) for i, j in expand.factors)]
        for name, share in zip(names, shares.tolist(), strict=True):
            parts[name] = parts.get(name, 0.0) + share
    products_of_rests, weight = surprise * left * change, surprise[:, 0] ** 2
    size = _size(products_of_rests[told], change[told], left[told], weight[told], features.group[told])
    return size, _drivers(parts)


def _size(
    products: Values, change: Values, left: Values, weight: Values, group: NDArray[np.int64]
) -> Estimate:
    """Return the size of the change from what the learned change and the data have in common."""
    agreement = products.sum(axis=1)
    learned = np.sqrt(np.mean(weight * (change**2).sum(axis=1)) * weight.mean())
    unexplained = np.sqrt(np.sum(weight * (left**2).sum(axis=1)) / weight.sum())
    together = np.bincount(
        group, weights=agreement - agreement.mean()
    )  # copies of a row are no further evidence
    error = float(np.sqrt(np.sum(together**2)) / len(agreement))
    if learned <= 0 or unexplained <= 0 or error <= 0:
        return Estimate(0.0, (0.0, 0.0), 1.0)
    value, margin = float(agreement.mean()), Z95 * error
    scale = learned * unexplained
    p = float(stats.norm.sf(value / error))
    interval = (float(max(0.0, (value - margin) / scale)), float(max(0.0, (value + margin) / scale)))
    return Estimate(float(max(0.0, value / scale)), interval, p)


def _drivers(parts: dict[str, float]) -> tuple[tuple[str, float], ...]:
    total = sum(max(0.0, part) for part in parts.values())
    if total <= 0:
        return ()
    return tuple(
        sorted(((name, part / total) for name, part in parts.items()), key=lambda driver: -driver[1])
    )
