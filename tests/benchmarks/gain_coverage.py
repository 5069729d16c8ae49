"""How often the interval of a learning curve's gain covers the true gain, on made power laws.

python -m tests.benchmarks.gain_coverage [TRIALS]
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from retrain_core.diagnosis import learning_curve, subsample_sizes
from retrain_core.types import CurvePoint

KINDS = tuple((seeds, noise) for seeds in (1, 2, 3, 5) for noise in (0.002, 0.006, 0.015))


def coverage(seeds: int, noise: float, trials: int) -> float:
    """Return the share of curves whose true gain is inside; exponents are from 0.2 to 1, rows from 600 to 10 000."""
    rng = np.random.default_rng(seeds)
    hits = 0
    for trial in range(trials):
        c, rows = rng.uniform(0.2, 1.0), int(rng.choice([600, 2_000, 10_000]))
        a, b = rng.uniform(0.7, 0.95), rng.uniform(0.05, 0.3) * (rows / 16) ** c

        def curve(n: float, a: float = a, b: float = b, c: float = c) -> float:
            return float(a - b * n**-c)

        found = learning_curve(
            points(curve, rows, seeds=seeds, noise=noise, seed=trial),
            strategy="fine_tune", metric="accuracy", rows_now=rows,
        )  # fmt: skip
        truth = curve(rows + found.further_rows) - curve(rows)
        hits += found.gain is not None and found.gain[1] <= truth <= found.gain[2]
    return hits / trials


def points(
    curve: Callable[[float], float], rows: int = 1_000, *, seeds: int = 3, noise: float = 0.0, seed: int = 0
) -> list[CurvePoint]:
    """Return runs on parts of ``rows``; those on few rows scatter a little more."""
    rng = np.random.default_rng(seed)
    return [
        CurvePoint(size, i, 0.0, curve(size) + noise * (rows / size) ** 0.15 * float(rng.normal()))
        for size in subsample_sizes(rows)
        for i in range(seeds)
    ]


def main(trials: int = 1_000, tell: Callable[[str], None] = print) -> None:
    """Tell the coverage of each number of seeds and scatter."""
    for seeds, noise in KINDS:
        tell(f"- {seeds} seeds, scatter {noise}: {coverage(seeds, noise, trials):.1%} of {trials} trials")


if __name__ == "__main__":
    main()
