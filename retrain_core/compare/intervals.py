"""95 % intervals of means over holdout rows and seeds."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Z95 = 1.959963984540054


def mean_interval(
    per_seed: NDArray[np.floating[Any]], *, share: bool = False, positive: bool = False
) -> tuple[float, float]:
    """Return the 95 % interval of the mean over rows and seeds.

    Rows and seeds are two sources of chance: the half-widths of both are added in squares. For one seed, only the
    rows count.

    Args:
        per_seed: Shape ``(seeds, rows)``; the score of each row for each seed.
        share: Whether each row is a share from 0 to 1 (accuracy: right or wrong, or how many of its labels are
            right); then the rows' part is Wilson's interval for as many yes-or-no answers as the rows are worth.
        positive: Whether rows are never below 0, as losses: then it is symmetric on the scale of logarithms, which
            follows the long tail that losses have.

    Source: Student (1908), Biometrika 6; Wilson (1927), JASA 22; Bouthillier et al. (2021), MLSys (variance over seeds apart from rows).

    >>> low, high = mean_interval(np.array([[1.0] * 90 + [0.0] * 10]), share=True)
    >>> round(low, 4), round(high, 4)
    (0.8256, 0.9448)
    """
    rows = per_seed.mean(axis=0)
    center, n = float(rows.mean()), rows.size
    if share:
        low, high = wilson(center, n / design_effect(rows))
    else:
        half = float(stats.t.ppf(0.975, max(n - 1, 1))) * standard_error(rows)
        low, high = _around(center, half, logs=positive and rows.min() >= 0)
    seeds = seed_half_width(per_seed.mean(axis=1))
    return center - float(np.hypot(center - low, seeds)), center + float(np.hypot(high - center, seeds))


def drawn_interval(
    values: NDArray[np.floating[Any]],
    draws: NDArray[np.floating[Any]],
    *,
    share: bool,
    positive: bool = False,
    units: int | None = None,
) -> tuple[float, float]:
    """Return the 95 % interval of the mean over seeds of a score that is no mean over rows, from draws of the rows.

    Args:
        values: The score with each seed, shape ``(seeds,)``.
        draws: The score in each draw, shape ``(seeds, draws)``.
        share: Whether it lies between 0 and 1: then the interval is symmetric on the scale of log odds.
        positive: Whether it is never below 0: then on the scale of logarithms.
        units: How many rows, or groups of rows, were drawn from; by default very many.

    Source: Efron and Tibshirani (1993), chapters 6 and 13 (standard error, and a scale on which it is even).
    """
    value = float(values.mean())
    half = float(np.hypot(Z95 * drawn_error(draws.mean(axis=0), units), seed_half_width(values)))
    if share and 0 < value < 1:
        odds, width = special.logit(value), half / (value * (1 - value))
        return float(special.expit(odds - width)), float(special.expit(odds + width))
    low, high = _around(value, half, logs=positive and float(np.nanmin(draws)) > 0)
    return (max(low, 0.0), min(high, 1.0)) if share else (low, high)


def drawn_error(draws: NDArray[np.floating[Any]], units: int | None = None) -> float:
    """Return the standard error of a score from its draws, as wide as few rows or groups make it.

    Draws of few units scatter too little, and their scatter is itself uncertain; ``Z95`` times what is returned is
    the half-width of a 95 % interval by Student's t.

    Args:
        draws: Shape ``(draws,)``.
        units: How many rows, or groups of rows, were drawn from; by default very many.

    Source: Efron and Tibshirani (1993), section 5.3 (n - 1 for n); Cameron, Gelbach and Miller (2008), Review of
    Economics and Statistics 90 (t with as many degrees of freedom as groups less 1).

    >>> draws = np.random.default_rng(0).normal(size=1_000)
    >>> [round(drawn_error(draws, units) / drawn_error(draws), 2) for units in (12, 1_000)]
    [1.17, 1.0]
    """
    if np.isfinite(draws).sum() < 2:
        return float("inf")
    error = float(np.nanstd(draws, ddof=1))
    if units is None:
        return error
    return error * float(np.sqrt(units / (units - 1))) * by_few(units) if units > 1 else float("inf")


@lru_cache(maxsize=1_000)
def by_few(units: int) -> float:
    """Return how many times as wide an interval is by Student's t as by the normal distribution; infinite below 2 units.

    >>> [round(by_few(units), 2) for units in (1, 5, 60, 5_000)]
    [inf, 1.42, 1.02, 1.0]
    """
    return float(stats.t.ppf(0.975, units - 1)) / Z95 if units > 1 else float("inf")


def _around(center: float, half: float, *, logs: bool) -> tuple[float, float]:
    """Return both ends, as many times lower as higher if ``logs``."""
    if not logs or center <= 0:
        return center - half, center + half
    times = float(np.exp(half / center))
    return center / times, center * times


def design_effect(rows: NDArray[np.floating[Any]]) -> float:
    """Return the variance of shares relative to that of ones and zeros with the same mean; 1 for ones and zeros.

    A row with several labels, or the mean of several seeds, says more than one yes or no. As in Agresti and Coull's
    interval, two yes and two no are added to the mean; one row of that variance keeps the effect from being 0.

    Source: Kish (1965), Survey Sampling, section 8.2; Agresti and Coull (1998), American Statistician 52.

    >>> design_effect(np.array([0.0, 1.0, 1.0])), round(design_effect(np.array([0.4, 0.6] * 50)), 3)
    (1.0, 0.05)
    """
    n, mean = rows.size, float(rows.mean())
    padded = (n * mean + 2) / (n + 4)
    one_row = padded * (1 - padded)
    return (n * float(rows.var()) + one_row) / (n * mean * (1 - mean) + one_row)


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of ``n`` yes-or-no answers.

    Source: Wilson (1927), JASA 22, 209-212.
    """
    z2 = Z95**2 / n
    middle = (share + z2 / 2) / (1 + z2)
    half = Z95 * np.sqrt(share * (1 - share) / n + z2 / (4 * n)) / (1 + z2)
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


def standard_error(values: NDArray[np.floating[Any]]) -> float:
    """Return the standard error of the mean of ``values``, shape ``(rows,)``; infinite for a single row."""
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else float("inf")


def paired_error(rows: NDArray[np.floating[Any]], *, share: bool) -> float:
    """Return the standard error of the mean of differences on the same rows.

    For shares of ones, half a row is added to each of the four cells of the paired table, without which few
    differing rows look surer than they are. Where rows differ by less than 1, as with several labels a row, the
    rows that are added differ by as much as the others do.

    Args:
        rows: Difference of each row, shape ``(rows,)``.
        share: Whether each difference is one of shares from 0 to 1, such as right (1) and wrong (0).

    Source: Agresti and Min (2005), Statistics in Medicine 24, 729-740.

    >>> four_to_none = np.array([1.0] * 4 + [0.0] * 96)
    >>> round(0.04 / paired_error(four_to_none, share=True), 2)
    1.85
    """
    if not share:
        return standard_error(rows)
    n = rows.size + 2
    squares, differing = float(np.square(rows).sum()), int(np.count_nonzero(rows))
    added = squares / differing if differing else 1.0
    variance = (squares + added) / n - (float(rows.sum()) / n) ** 2
    return float(np.sqrt(variance / n))


def seed_half_width(means: NDArray[np.floating[Any]]) -> float:
    """Return the half-width of the 95 % interval over seeds (Student's t); 0 for one seed, where it is unknown."""
    if means.size < 2:
        return 0.0
    return float(stats.t.ppf(0.975, means.size - 1) * means.std(ddof=1) / np.sqrt(means.size))
