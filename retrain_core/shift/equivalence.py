"""What a measure's value means as d: the shift of a normal's mean, in standard deviations, that would give it.

So measures on different scales, and thresholds that other tools put on them, can be compared.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import special, stats

from retrain_core.shift.estimate import Values
from retrain_core.shift.levels import LARGEST_D

STEPS = np.linspace(0, LARGEST_D, 61)  # of d, between which tables are interpolated
POINTS = np.linspace(-8, 8 + LARGEST_D, 2_000)  # where densities are summed up


def d_from_overlap(distance: float) -> float:
    """Return the d at which two normals have this KS or total variation distance, at most 3.

    Source: Cohen (1988), Statistical Power Analysis, section 2.2.

    >>> round(d_from_overlap(0.1), 4)
    0.2513
    """
    return float(d_from_overlaps(np.asarray(distance)))


def d_from_overlaps(distances: Values) -> Values:
    """Return :func:`d_from_overlap` of many distances, of any shape."""
    held = np.clip(distances, 0.0, 1.0)
    return np.asarray(np.minimum(LARGEST_D, 2 * special.ndtri((1 + held) / 2)))


def overlap_at(d: float) -> float:
    """Return the KS or total variation distance of two normals d apart.

    >>> round(overlap_at(0.2513), 4)
    0.1
    """
    return float(2 * stats.norm.cdf(d / 2) - 1)


def d_from_auc(auc: float) -> float:
    """Return the d at which a random new value exceeds a random old one with this probability.

    >>> round(d_from_auc(0.638), 2)
    0.5
    """
    return float(np.clip(np.sqrt(2) * stats.norm.ppf(auc), -LARGEST_D, LARGEST_D))


def auc_at(d: float) -> float:
    """Return the chance that a value exceeds one from a normal d below.

    >>> round(auc_at(0.5), 3)
    0.638
    """
    return float(stats.norm.cdf(d / np.sqrt(2)))


def d_from_psi(psi: float) -> float:
    """Return the d at which two normals have this symmetric Kullback-Leibler divergence (in nats).

    >>> round(d_from_psi(0.25), 2)
    0.5
    """
    return float(np.sqrt(max(0.0, psi)))


def psi_at(d: float) -> float:
    """Return the symmetric Kullback-Leibler divergence of two normals d apart, in nats."""
    return d**2


def d_from_js(distance: float) -> float:
    """Return the d at which two normals have this Jensen-Shannon distance (base 2), at most 3.

    >>> round(d_from_js(0.1), 3)
    0.236
    """
    return float(np.interp(distance, _js_table(), STEPS))


def js_at(d: float) -> float:
    """Return the Jensen-Shannon distance (base 2) of two normals d apart.

    >>> round(js_at(0.236), 3)
    0.1
    """
    return float(np.interp(d, STEPS, _js_table()))


def d_from_cramers_v(v: float, rows: tuple[float, float]) -> float:
    """Return the d at which two normals have this association of side and value, at most 3.

    Args:
        v: Cramer's V, 0 to 1.
        rows: Rows of the old and the new side: V is smaller the more unequal they are.

    >>> round(d_from_cramers_v(0.1, (500, 500)), 2), round(d_from_cramers_v(0.1, (900, 100)), 2)
    (0.2, 0.33)
    """
    return float(np.interp(v, _v_table(_old_share(rows)), STEPS))


def cramers_v_at(d: float, rows: tuple[float, float]) -> float:
    """Return Cramer's V of two normals d apart; fewer than :func:`d_from_cramers_v` takes it back.

    >>> round(cramers_v_at(0.2, (500, 500)), 2)
    0.1
    """
    return float(np.interp(d, STEPS, _v_table(_old_share(rows))))


def _old_share(rows: tuple[float, float]) -> float:
    return round(min(max(rows[0] / (rows[0] + rows[1]), 0.001), 0.999), 3)


def _densities() -> tuple[Values, Values]:
    """Return the density of a standard normal, and those of normals d above it, one a row."""
    return stats.norm.pdf(POINTS)[None, :], stats.norm.pdf(POINTS - STEPS[:, None])


@cache
def _js_table() -> Values:
    p, q = _densities()
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = sum(np.where(side > 0, side * np.log2(side / middle), 0.0) for side in (p, q))
    return np.asarray(np.sqrt(np.maximum(np.sum(terms, axis=1) * (POINTS[1] - POINTS[0]) / 2, 0)))


@cache
def _v_table(old_share: float) -> Values:
    p, q = _densities()
    mixed = old_share * p + (1 - old_share) * q
    terms = (p - q) ** 2 / np.where(mixed > 0, mixed, 1)
    return np.asarray(np.sqrt(old_share * (1 - old_share) * np.sum(terms, axis=1) * (POINTS[1] - POINTS[0])))
