"""Ridge regression in closed form on features and their products, fitted and applied on different rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.estimate import Values

MOST_SINGLES = 200
MOST_PRODUCTS = 100
ROWS_PER_PRODUCT = 10


@dataclass(frozen=True)
class Expansion:
    """Which features and products of two features a model takes."""

    singles: NDArray[np.intp]
    left: NDArray[np.intp]
    right: NDArray[np.intp]

    @property
    def factors(self) -> list[tuple[int, int]]:
        """The two features behind each column of the result; twice the same for a single feature."""
        pairs = zip(self.left.tolist(), self.right.tolist(), strict=True)
        return [*zip(self.singles.tolist(), self.singles.tolist(), strict=True), *pairs]

    def __call__(self, matrix: Values) -> Values:
        """Return shape ``(rows, singles + products)``."""
        return np.hstack([matrix[:, self.singles], matrix[:, self.left] * matrix[:, self.right]])


def strongest_features(matrix: Values, target: Values) -> NDArray[np.intp]:
    """Return the positions of the ``MOST_SINGLES`` features, or one a row, that go with the target most."""
    return np.sort(_strongest(np.abs(matrix.T @ target).max(axis=1), min(MOST_SINGLES, len(matrix))))


def choose_features(matrix: Values, target: Values, owner: NDArray[np.intp]) -> Expansion:
    """Return the features and products of two that go with the target most, up to 200 and 100.

    Args:
        matrix: Standardised features of the training rows, shape ``(rows, features)``.
        target: Centred targets, shape ``(rows, outputs)``.
        owner: The column of each feature; products within one column other than squares are left out.
    """
    keep = strongest_features(matrix, target)
    chosen = matrix[:, keep].astype(np.float32)
    strength = np.max([np.abs((chosen * y[:, None]).T @ chosen) for y in target.T.astype(np.float32)], axis=0)
    same = (owner[keep][:, None] == owner[keep]) & ~np.eye(len(keep), dtype=bool)
    some = chosen[:: max(1, len(chosen) // 500)]
    binary = np.array([len(np.unique(column)) <= 2 for column in some.T], dtype=bool)
    square_of_two = np.diag(binary)
    strength[same | square_of_two | np.tri(len(keep), k=-1, dtype=bool)] = -1
    flat = strength.ravel()
    best = _strongest(flat, min(MOST_PRODUCTS, len(matrix) // ROWS_PER_PRODUCT))
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
    """Return the ridge regression with a penalty of features by rows.

    That suits a signal about as strong as the noise. A search for the best penalty found shifts no more often,
    and took far longer where other work keeps the cores busy, for LAPACK's threads wait for each other.

    Args:
        design: Shape ``(rows, features)``.
        target: Shape ``(rows, outputs)``.
        intercept: Whether to fit one, unpenalised.

    Source: Hoerl, Kennard and Baldwin (1975), Communications in Statistics 4(2), 105-123.
    """
    rows = len(design)
    centre = design.mean(axis=0) if intercept else np.zeros(design.shape[1])
    offset = target.mean(axis=0) if intercept else np.zeros(target.shape[1])
    x, y = design - centre, target - offset
    scale = np.sqrt((x**2).mean(axis=0))
    x = (x / np.where(scale > 1e-12, scale, 1)).astype(np.float32)  # half the time, and the penalty forgives
    gram, products = (x.T @ x / rows).astype(float), (x.T @ y.astype(np.float32)).astype(float) / rows
    penalty = max(1, len(gram)) / rows
    weights = np.linalg.solve(gram + penalty * np.eye(len(gram)), products)
    weights /= np.where(scale > 1e-12, scale, np.inf)[:, None]
    return Ridge(centre, offset, weights)


def each_fold(folds: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the training rows and the held-out rows of each fold."""
    for fold in np.unique(folds):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def each_later_fold(folds: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the rows of all earlier folds and the rows of each fold but the first.

    What is learned on the one and measured on the other is a fair game at every step, so the results of all
    steps can be pooled and tested as if they were independent. Those of :func:`each_fold` cannot: there every
    row is also learned from, and without a shift the pooled result strays 1.4 times as far as one would think.

    Source: Dawid (1984), Journal of the Royal Statistical Society A 147(2), 278-292.
    """
    for fold in np.unique(folds)[1:]:
        yield np.flatnonzero(folds < fold), np.flatnonzero(folds == fold)


def cross_fit(matrix: Values, target: Values, owner: NDArray[np.intp], folds: NDArray[np.int64]) -> Values:
    """Return predictions for each row by a model that has not seen its fold, shape ``(rows, outputs)``."""
    predictions = np.empty_like(target, dtype=float)
    for train, held in each_fold(folds):
        centred = target[train] - target[train].mean(axis=0)
        expand = choose_features(matrix[train], centred, owner)
        model = fit_ridge(expand(matrix[train]), target[train])
        predictions[held] = model.predict(expand(matrix[held]))
    return predictions
