"""New rows that look least like the old ones to the model: farthest away in the values of its layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.estimate import Values
from retrain_core.shift.layer import finite, projected

MOST = 12
FEWEST_OF_A_CLASS = 20  # old rows that a class needs for a centre of its own
FEWEST_ROWS = 20


def unusual_rows(
    old: NDArray[Any], new: NDArray[Any], predicted: NDArray[np.int64] | None = None, most: int = MOST
) -> NDArray[np.intp]:
    """Return the positions of the new rows farthest from the old ones, farthest first; of equal rows the first.

    A row's distance is that to the nearest centre of a class as predicted for the old rows, in standard deviations of
    the old rows around their centres along every direction (Mahalanobis).

    Args:
        old: The layer's values of the old rows, shape ``(n, units)``.
        new: Of the new rows, shape ``(m, units)``.
        predicted: The class predicted for each old row, shape ``(n,)``; without it there is one centre.
        most: How many to return.

    Source: Lee, Lee, Lee and Shin (2018), NeurIPS, arXiv 1807.03888.

    >>> unusual_rows(np.random.default_rng(0).normal(0, 1, (50, 2)), np.array([[0.0, 1.0], [9.0, 9.0]]), most=1).tolist()
    [1]
    """
    if len(old) < FEWEST_ROWS or not len(new):
        return np.zeros(0, dtype=np.intp)
    classes = np.zeros(len(old), dtype=np.int64) if predicted is None else predicted
    distance, place = _distances(old, new, classes)
    chosen: list[int] = []
    for row in np.argsort(-distance, kind="stable").tolist():
        if not any(np.allclose(place[row], place[other], rtol=1e-3, atol=1e-3) for other in chosen):
            chosen.append(row)
        if len(chosen) == most:
            break
    return np.array(chosen, dtype=np.intp)


def _distances(old: NDArray[Any], new: NDArray[Any], classes: NDArray[np.int64]) -> tuple[Values, Values]:
    """Return each new row's squared distance to the nearest centre, and where it lies in units of the old spread."""
    both = finite(np.vstack([old, new]))
    centre, spread = both[: len(old)].mean(axis=0), both[: len(old)].std(axis=0)
    # A unit that was silent on all old rows is news if it speaks now; its own scale is not known.
    usual = float(np.median(spread[spread > 0])) if (spread > 0).any() else 1.0
    scaled = projected((both - centre) / np.where(spread > 1e-6 * usual, spread, usual))
    before, after = scaled[: len(old)], scaled[len(old) :]
    names, code, size = np.unique(classes, return_inverse=True, return_counts=True)
    code = np.where(size[code] >= FEWEST_OF_A_CLASS, code, len(names))  # the rare ones share a centre
    centres = {group: before[code == group].mean(axis=0) for group in np.unique(code).tolist()}
    around = before - np.stack([centres[group] for group in code.tolist()])
    whiten = _inverse_root(shrunken_covariance(around))
    place = after @ whiten
    ways = [((place - middle @ whiten) ** 2).sum(axis=1) for middle in centres.values()]
    return np.min(ways, axis=0), place


def shrunken_covariance(centred: Values) -> Values:
    """Return the covariance, shrunk towards a multiple of the identity as much as its own error asks for.

    Args:
        centred: Shape ``(rows, units)``, mean 0.

    Source: Ledoit and Wolf (2004), Journal of Multivariate Analysis 88(2), 365-411.

    >>> shrunken_covariance(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    rows, units = centred.shape
    sample = centred.T @ centred / rows
    size = float(np.trace(sample)) / units
    distance = float(np.sum(sample**2)) - units * size**2
    error = (float(np.sum(np.sum(centred**2, axis=1) ** 2)) / rows - float(np.sum(sample**2))) / rows
    shrink = min(1.0, max(0.0, error / distance)) if distance > 1e-12 * size**2 else 1.0
    return np.asarray((1 - shrink) * sample + shrink * size * np.eye(units))


def _inverse_root(covariance: Values) -> Values:
    values, vectors = np.linalg.eigh(covariance)
    floor = 1e-6 * max(float(values.max(initial=0.0)), 1e-12)
    return np.asarray(vectors / np.sqrt(np.maximum(values, floor)))
