"""What more new rows would bring: a curve through runs on parts of those there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from retrain_core.strategies.naming import noun
from retrain_core.types import CurveBand, CurvePoint, LearningCurve
from retrain_core.types.text import spanned

Values = NDArray[np.floating[Any]]

PARTS = (16, 8, 4, 2, 1)  # of the new training rows, for the runs
FEWEST_ROWS = 32  # of a part
FEWEST_SIZES = 3
EXPONENTS = np.linspace(0.1, 1.5, 141)
DRAWS = 4_000
COVERAGE = (0.025, 0.5, 0.975)
REACH = 3  # the band goes to so many times the rows there are
POINTS = 25  # of the band
PRIOR_SEEDS = (
    4  # the scatter of one size is known from few seeds, so that of all sizes counts as so many more
)
TREND = 0.05  # chance of a rise as clear without any


def subsample_sizes(rows: int) -> tuple[int, ...]:
    """Return how many of the new training rows the runs of a learning curve get, fewest first.

    >>> subsample_sizes(1_000), subsample_sizes(100), subsample_sizes(20)
    ((62, 125, 250, 500, 1000), (50, 100), (20,))
    """
    sizes = {rows // part for part in PARTS if rows // part >= FEWEST_ROWS}
    return tuple(sorted(sizes | {rows}))


@dataclass(frozen=True)
class _Curves:
    """Curves that the points allow: ``score = now + way * (rows ** -c - largest ** -c)``, one a draw."""

    now: Values
    way: Values
    exponent: Values
    largest: float
    ends: tuple[float, float]

    def at(self, rows: float) -> Values:
        """Return the score at a number of rows, of each draw."""
        return np.clip(
            self.now + self.way * (rows**-self.exponent - self.largest**-self.exponent), *self.ends
        )


def learning_curve(
    points: Sequence[CurvePoint], *, strategy: str, metric: str, rows_now: int
) -> LearningCurve:
    """Return what more new rows would bring, from runs on parts of those there are.

    The score is taken to be ``a + b rows**-c`` with c from 0.1 to 1.5, and never to become worse with more rows. All such
    curves count by how well they fit (the posterior over a grid of c, flat in the score now and in the gain so far),
    so that the interval holds what is unknown of the curve as well as the scatter of the runs.

    Args:
        points: What was measured, several seeds a size if there are; scores of size and seed scatter alike.
        strategy: Which strategy was run.
        metric: ``accuracy`` (0 to 1, higher is better) or ``mae``.
        rows_now: How many new rows there are for training.

    Source: Hestness et al. (2017), arXiv 1712.00409 (power law); Viering and Loog (2023), IEEE TPAMI 45(6).

    >>> points = [CurvePoint(n, 0, 0.0, 0.9 - n**-0.5) for n in (62, 125, 250, 500, 1_000)]
    >>> learning_curve(points, strategy="full_retrain", metric="accuracy", rows_now=1_000).summary
    'A further 1,000 new rows would change the accuracy of full retrain by about +0.9 points (95 %: +0.9).'
    """
    points = tuple(sorted(points, key=lambda point: (point.rows, point.seed)))
    further = round_number(rows_now)
    sizes = {point.rows for point in points}
    name = noun(strategy)
    if len(sizes) < FEWEST_SIZES:
        text = f"It cannot be told what more new rows would bring: that takes runs of {name} on three or more sizes."
        return LearningCurve(strategy, metric, points, (), further, None, text, rows_now)
    rows = np.array([point.rows for point in points], dtype=float)
    scores = np.array([point.metric for point in points])
    sign = 1.0 if metric == "accuracy" else -1.0
    curves = _fit(rows, scores, sign, (0.0, 1.0 if metric == "accuracy" else np.inf))
    ends = float(rows.min()), float(REACH * max(rows_now, rows.max()))
    band = tuple(
        CurveBand(int(at), *map(float, np.quantile(curves.at(float(at)), COVERAGE)))
        for at in np.unique(np.geomspace(*ends, POINTS).round())
    )
    low, middle, high = np.quantile(curves.at(rows_now + further) - curves.at(rows_now), COVERAGE)
    gain = float(middle), float(low), float(high)
    rises = _rises(rows, sign * scores)
    text = _summary(gain, further, metric, name, rises=rises)
    return LearningCurve(strategy, metric, points, band if rises else (), further, gain, text, rows_now)


def round_number(rows: int) -> int:
    """Return the number nearest to ``rows`` that is 1, 2 or 5 times a power of ten.

    >>> round_number(1_300), round_number(3_300), round_number(45)
    (1000, 5000, 50)
    """
    power = 10 ** int(np.floor(np.log10(max(rows, 1))))
    return int(min((step * power for step in (1, 2, 5, 10)), key=lambda at: abs(np.log(at / max(rows, 1)))))


def _weights(rows: Values, scores: Values) -> Values:
    """Return the weight of each point: how little its size's seeds scatter, drawn towards the scatter of all.

    Source: Smyth (2004), Statistical Applications in Genetics and Molecular Biology 3(1) (moderated variances).
    """
    where = np.unique(rows, return_inverse=True)[1]
    freedom = np.bincount(where) - 1.0
    means = np.bincount(where, scores) / np.bincount(where)
    squares = np.bincount(where, (scores - means[where]) ** 2)
    if not freedom.sum() or not squares.sum():
        return np.ones(len(rows))
    pooled = squares.sum() / freedom.sum()
    return np.asarray((pooled * (PRIOR_SEEDS + freedom) / (PRIOR_SEEDS * pooled + squares))[where])


def _fit(rows: Values, scores: Values, sign: float, ends: tuple[float, float]) -> _Curves:
    """Draw curves from the posterior; for each exponent it is a linear regression with known formulas."""
    rng = np.random.default_rng(0)
    weights, freedom = _weights(rows, scores), len(rows) - 2
    fits, chances = [], []
    for exponent in EXPONENTS:
        low, high = rows.min() ** -exponent, rows.max() ** -exponent
        design = np.column_stack([np.ones(len(rows)), (rows**-exponent - high) / (low - high)])
        covariance = np.linalg.inv(design.T @ (weights[:, None] * design))
        best = covariance @ (design.T @ (weights * scores))
        left = float(np.sum(weights * (scores - design @ best) ** 2))
        left = max(left, 1e-12 * max(float(np.mean(scores**2)), 1e-300))  # points on a curve leave nothing
        error = np.sqrt(left / freedom * covariance[1, 1])
        rising = float(stats.t.cdf(-sign * best[1] / error, freedom))
        fits.append((best, covariance, left, low - high))
        chances.append(
            np.log(max(rising, 1e-300)) + np.log(np.linalg.det(covariance)) / 2 - freedom / 2 * np.log(left)
        )
    chance = np.exp(np.array(chances) - max(chances))
    which = rng.choice(len(EXPONENTS), DRAWS, p=chance / chance.sum())
    bests, covariances, lefts, spans = (np.array(part)[which] for part in zip(*fits, strict=True))
    noise = lefts / rng.chisquare(freedom, DRAWS)
    error = np.sqrt(noise * covariances[:, 1, 1])
    way = bests[:, 1] + error * _one_sided(rng.random(DRAWS), -bests[:, 1] / error, -sign)
    slope = covariances[:, 0, 1] / covariances[:, 1, 1]
    spread = np.sqrt(np.maximum(0, noise * (covariances[:, 0, 0] - slope * covariances[:, 0, 1])))
    now = bests[:, 0] + slope * (way - bests[:, 1]) + spread * rng.standard_normal(DRAWS)
    return _Curves(now, way / spans, EXPONENTS[which], float(rows.max()), ends)


def _one_sided(chance: Values, border: Values, side: float) -> Values:
    """Return standard normal draws beyond a border, above it (``side`` 1) or below it (-1)."""
    border = side * border
    beyond = special.ndtr(-border)
    return np.asarray(side * np.maximum(border, -special.ndtri(np.maximum(chance * beyond, 1e-300))))


def _rises(rows: Values, scores: Values) -> bool:
    """Whether the score rises with the rows by more than the runs scatter."""
    if np.ptp(scores) == 0:
        return False
    found = stats.linregress(np.log(rows), scores, alternative="greater")
    return bool(found.pvalue < TREND)


# --- words ----------------------------------------------------------------------------------------


def _summary(gain: tuple[float, float, float], further: int, metric: str, name: str, *, rises: bool) -> str:
    if not rises:
        word = "rises" if metric == "accuracy" else "falls"
        return f"It cannot be told what more new rows would bring: the runs of {name} scatter more than their score {word}."
    middle, low, high = (_change(value, metric) for value in gain)
    what = "accuracy" if metric == "accuracy" else "mean absolute error"
    unit = " points" if metric == "accuracy" else ""
    return (
        f"A further {further:,} new rows would change the {what} of {name} by about {middle}{unit} "
        f"(95 %: {spanned(low, high)})."
    )


def _change(value: float, metric: str) -> str:
    text = f"{100 * value:+.1f}" if metric == "accuracy" else f"{value:+.3g}"
    return "0" if float(text) == 0 else text.replace("-", "−")
