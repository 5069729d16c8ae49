"""Ridge regression in closed form on features and their products, fitted and applied on different rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.estimate import Values

MOST_SINGLES = 200
MOST_PRODUCTS = 100
PENALTIES = 10.0 ** np.arange(-4, 2)  # as a share of the rows


@dataclass(frozen=True)
class Expansion:
    """Which features and products of two features a model takes."""

    singles: NDArray[np.intp]
    left: NDArray[np.intp]
    right: NDArray[np.intp]

    def __call__(self, matrix: Values) -> Values:
        """Return shape ``(rows, singles + products)``."""
        return np.hstack([matrix[:, self.singles], matrix[:, self.left] * matrix[:, self.right]])


def choose_features(
    matrix: Values,
    target: Values,
    owner: NDArray[np.intp],
    singles: int = MOST_SINGLES,
    products: int = MOST_PRODUCTS,
) -> Expansion:
    """Return the features and products that go with the target most.

    Args:
        matrix: Standardised features of the training rows, shape ``(rows, features)``.
        target: Centred targets, shape ``(rows, outputs)``.
        owner: The column of each feature; products within one column other than squares are left out.
        singles: How many features at most.
        products: How many products at most.
    """
    keep = np.sort(_strongest(np.abs(matrix.T @ target).max(axis=1), singles))
    chosen = matrix[:, keep].astype(np.float32)
    strength = np.max([np.abs((chosen * y[:, None]).T @ chosen) for y in target.T.astype(np.float32)], axis=0)
    same = (owner[keep][:, None] == owner[keep]) & ~np.eye(len(keep), dtype=bool)
    some = chosen[:: max(1, len(chosen) // 500)]
    binary = np.array([len(np.unique(column)) <= 2 for column in some.T], dtype=bool)
    square_of_two = np.diag(binary)
    strength[same | square_of_two | np.tri(len(keep), k=-1, dtype=bool)] = -1
    flat = strength.ravel()
    best = _strongest(flat, products)
    left, right = np.divmod(best[flat[best] >= 0], max(len(keep), 1))
    return Expansion(keep, keep[left], keep[right])


def _strongest(strength: Values, most: int) -> NDArray[np.intp]:
    return np.argsort(-strength, kind="stable")[:most]


@dataclass(frozen=True)
class Ridge:
    """A fitted ridge regression: ``predict(x) = offset + (x - centre) @ weights``."""

    centre: Values
    offset: Values
    weights: Values

    def predict(self, design: Values) -> Values:
        """Return shape ``(rows, outputs)``."""
        return self.offset + (design - self.centre) @ self.weights


def fit_ridge(design: Values, target: Values, intercept: bool = True) -> Ridge:
    """Return the ridge regression whose penalty has the least generalised cross-validation error.

    Args:
        design: Shape ``(rows, features)``.
        target: Shape ``(rows, outputs)``.
        intercept: Whether to fit one, unpenalised.

    Source: Golub, Heath and Wahba (1979), Technometrics 21(2), 215-223.
    """
    rows = len(design)
    centre = design.mean(axis=0) if intercept else np.zeros(design.shape[1])
    offset = target.mean(axis=0) if intercept else np.zeros(target.shape[1])
    x, y = design - centre, target - offset
    scale = np.sqrt((x**2).mean(axis=0))
    x = (x / np.where(scale > 1e-12, scale, 1)).astype(np.float32)  # half the time, and the penalty forgives
    values, vectors = np.linalg.eigh((x.T @ x / rows).astype(float))
    values, projected = np.maximum(values, 0), vectors.T @ (x.T @ y.astype(np.float32)).astype(float) / rows
    power = float((y**2).mean(axis=0).sum())
    best, chosen = np.inf, projected * 0
    for penalty in PENALTIES:
        shrunk = projected / (values + penalty)[:, None]
        error = power - 2 * float((shrunk * projected).sum()) + float((shrunk**2 * values[:, None]).sum())
        freedom = float((values / (values + penalty)).sum()) + intercept
        score = error / max(1 - freedom / rows, 1e-3) ** 2
        if score < best:
            best, chosen = score, shrunk
    weights = (vectors @ chosen) / np.where(scale > 1e-12, scale, np.inf)[:, None]
    return Ridge(centre, offset, weights)


def each_fold(folds: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the training rows and the held-out rows of each fold."""
    for fold in np.unique(folds):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def cross_fit(matrix: Values, target: Values, owner: NDArray[np.intp], folds: NDArray[np.int64]) -> Values:
    """Return predictions for each row by a model that has not seen its fold, shape ``(rows, outputs)``."""
    predictions = np.empty_like(target, dtype=float)
    for train, held in each_fold(folds):
        centred = target[train] - target[train].mean(axis=0)
        expand = choose_features(matrix[train], centred, owner)
        model = fit_ridge(expand(matrix[train]), target[train])
        predictions[held] = model.predict(expand(matrix[held]))
    return predictions
