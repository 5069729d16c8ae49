"""How often the 95 % intervals of shift measures hold the true value, and how wide they are, on made data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from retrain_core.shift.column_evidence import pool_rare
from retrain_core.shift.equivalence import d_from_overlap, overlap_at
from retrain_core.shift.measures import measure_categories, measure_numbers
from retrain_core.shift.sorted_pair import TAIL, SortedPair

SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "normal": lambda z: z,
    "skewed": lambda z: -stats.norm.logsf(z),  # exponential
    "heavy tails": lambda z: stats.t.ppf(stats.norm.cdf(z), 3),
}
SHIFTS = (0.0, 0.1, 0.3, 1.0)
SIZES = ((200, 200), (2_000, 2_000), (5_000, 200), (200, 3_000))
CATEGORIES = (2, 10, 50, 200)
PATTERNS = ("half rise", "a new one")
NUMERIC = ("effect_size", "ks", "wasserstein", "psi", "js")
CATEGORICAL = ("effect_size", "cramers_v", "total_variation", "js")


@dataclass(frozen=True)
class Covered:
    """What became of one measure's interval over all trials of one case.

    Args:
        case: What was drawn.
        measure: By name, as in ``MEASURES``.
        truth: The value of the populations.
        coverage: Share of trials whose interval held it.
        width: Mean width, in widths of an interval that knows how far the value varies (3.92 standard deviations).
        bias: Of the corrected value, and of the plain one.
    """

    case: str
    measure: str
    truth: float
    coverage: float
    width: float
    bias: tuple[float, float]


def numeric(shape: str, d: float, rows: tuple[int, int], trials: int) -> list[Covered]:
    """Return the coverage of the measures of a numeric column; the new side is moved before it is shaped."""
    rng, curve = np.random.default_rng(7), SHAPES[shape]

    def draw() -> SortedPair:
        return SortedPair.of(curve(rng.normal(0, 1, rows[0])), curve(rng.normal(d, 1, rows[1])))

    found = [measure_numbers(draw()) for _ in range(trials)]
    truth = numeric_truth(curve, d)
    return [summed_up(f"{shape}, d = {d}, {rows}", name, truth[name], found) for name in NUMERIC]


def numeric_truth(curve: Callable[[np.ndarray], np.ndarray], d: float) -> dict[str, float]:
    """Return the measures of the populations, by quadrature."""
    z = stats.norm.ppf((np.arange(400_000) + 0.5) / 400_000)
    old, new = curve(z), curve(z + d)
    end = stats.norm.isf(TAIL)
    low, high = curve(np.array([min(-end, d - end), max(end, d + end)]))
    clipped = old.clip(low, high), new.clip(low, high)
    p, q = np.full(10, 0.1), np.diff(stats.norm.cdf(stats.norm.ppf(np.linspace(0, 1, 11)) - d))
    return {
        "effect_size": max(d, float(np.mean(np.abs(clipped[0] - clipped[1])) / np.std(clipped[0]))),
        "ks": overlap_at(d),
        "wasserstein": float(np.mean(np.abs(old - new)) / np.std(old)),
        "psi": float(np.sum((q - p) * np.log(q / p))),
        "js": jensen_shannon(p, q),
    }


def categorical(
    size: int, pattern: str, d: float, rows: tuple[int, int], trials: int, name: str = ""
) -> list[Covered]:
    """Return the coverage of the measures of a categorical column of unequal shares, rare categories pooled."""
    rng = np.random.default_rng(7)
    p = 1 / np.arange(2.0, size + 2)
    p /= p.sum()
    moved = overlap_at(d)
    if pattern == "half rise":
        rising = np.arange(size) % 2 == 1
        factor = moved / min(p[rising].sum(), p[~rising].sum())
        factor = min(factor, 0.99)
        q = np.where(rising, p * (1 + factor * p[~rising].sum() / max(p[rising].sum(), p[~rising].sum())), p)
        q[~rising] *= 1 - (q[rising].sum() - p[rising].sum()) / p[~rising].sum()
    else:
        q = (1 - moved) * p
        q[-1] += moved
    found, truths = [], []
    for _ in range(trials):
        counts = rng.multinomial(rows[0], p), rng.multinomial(rows[1], q)
        names, *pooled = pool_rare(tuple(map(str, range(size))), *counts)
        kept = np.array([int(name) for name in names if name != "other"])
        shares = [
            side if len(kept) == size else np.append(side[kept], 1 - side[kept].sum()) for side in (p, q)
        ]
        found.append(measure_categories(*pooled))
        truths.append(categorical_truth(*shares, rows))
    case = f"{size} categories, {pattern}, d = {d}, {rows}"
    return [summed_up(case, name, np.array([t[name] for t in truths]), found) for name in CATEGORICAL]


def categorical_truth(p: np.ndarray, q: np.ndarray, rows: tuple[int, int]) -> dict[str, float]:
    """Return the measures of the populations."""
    w = rows[0] / sum(rows)
    mixed = w * p + (1 - w) * q
    used = mixed > 0
    p, q, mixed = p[used], q[used], mixed[used]
    variation = float(np.abs(p - q).sum() / 2)
    return {
        "effect_size": d_from_overlap(variation),
        "cramers_v": float(np.sqrt(w * (1 - w) * np.sum((p - q) ** 2 / mixed))),
        "total_variation": variation,
        "js": jensen_shannon(p, q),
    }


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """Return the Jensen-Shannon distance (base 2) of two sets of shares."""
    middle = (p + q) / 2
    return float(np.sqrt(max(0.0, (stats.entropy(p, middle, base=2) + stats.entropy(q, middle, base=2)) / 2)))


def summed_up(case: str, name: str, truth, found: list) -> Covered:
    estimates = [measured[name] for measured in found]
    truth = np.broadcast_to(truth, len(found))
    low, high = np.array([e.interval for e in estimates]).T
    values, corrected = np.array([(e.value, e.corrected) for e in estimates]).T
    held = (low <= truth + 1e-12) & (truth <= high + 1e-12)
    ideal = 2 * 1.96 * np.std(values - truth)
    width = float(np.mean(high - low) / ideal) if ideal > 0 else 0.0
    bias = float(np.mean(corrected - truth)), float(np.mean(values - truth))
    return Covered(case, name, float(truth.mean()), float(held.mean()), width, bias)


def coverage(trials: int = 1_000) -> Iterator[Covered]:
    """Go through all cases."""
    for rows in SIZES:
        for d in SHIFTS:
            for shape in SHAPES:
                yield from numeric(shape, d, rows, trials)
            for size in CATEGORIES:
                for pattern in PATTERNS[: 1 if size == 2 else 2]:
                    yield from categorical(size, pattern, d, rows, trials)


if __name__ == "__main__":
    import sys

    for item in coverage(int(sys.argv[1])):
        flag = "LOW" if item.coverage < 0.93 else "WIDE" if item.width > 2.5 else ""
        if flag or len(sys.argv) > 2:
            print(
                f"{item.case:50} {item.measure:16} truth {item.truth:.3f} cover {item.coverage:.3f} "
                f"width {item.width:.2f} bias {item.bias[0]:+.3f} ({item.bias[1]:+.3f}) {flag}",
                flush=True,
            )
