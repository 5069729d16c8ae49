"""Which candidate to take: the one that is expected to be worth most, or a simpler one that is hardly worth less.

What was measured on the holdout is a gain over keep with an error. A small holdout makes large gains by luck, so a gain
is expected to be smaller than it looks, the more so the larger its error is against what gains can be expected at all:
little where the data has not moved, much where it has.

Source: Efron and Morris (1973), JASA 68 (shrinking what was measured towards what is expected).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.differences import paired
from retrain_core.compare.evidence import Evidence, Side
from retrain_core.compare.measures import SCORES
from retrain_core.compare.predicted import Floats


@dataclass(frozen=True)
class Scales:
    """What candidates are weighed by, and what is known before any is scored.

    Args:
        score: Name in ``SCORES``.
        weights: Of the parts that count; together 1.
        margin: The smallest difference that matters, in the score's unit.
        expected: Standard deviation of the gains to be expected, in the score's unit.
    """

    score: str
    weights: Mapping[Side, float]
    margin: float
    expected: float

    @property
    def sign(self) -> float:
        """1 if a higher score is better, else -1."""
        return 1.0 if SCORES[self.score].direction == "max" else -1.0


def gains(evidence: Evidence, names: Sequence[str], scales: Scales) -> tuple[Floats, Floats]:
    """Return each candidate's gain over keep in the weighted score, and its standard error; shape ``(names,)``."""
    gaps = [paired(evidence, name, "keep", scales.weights, scales.score) for name in names]
    return scales.sign * np.array([gap.value for gap in gaps]), np.array([gap.error for gap in gaps])


def expected_gains(found: Floats, errors: Floats, expected: float) -> Floats:
    """Return what gains are to be expected of fresh rows, given those that were found.

    Args:
        found: Gains over keep, shape ``(..., names)``.
        errors: Their standard errors, shape ``(names,)``.
        expected: Standard deviation of gains before anything was measured.
    """
    return found * expected**2 / (expected**2 + np.square(errors))


def choose(worth: Floats, effort: Sequence[float], margin: float) -> NDArray[np.intp]:
    """Return the place of the candidate to take: of those within the margin of the best, the one of least effort.

    Args:
        worth: Expected gains, shape ``(..., names)``.
        effort: What each takes to make; keep nothing.
        margin: The smallest difference that matters.
    """
    near = worth >= worth.max(axis=-1, keepdims=True) - margin
    return np.asarray(np.where(near, np.asarray(effort), np.inf).argmin(axis=-1))


def drawn_gains(evidence: Evidence, names: Sequence[str], scales: Scales, seed: int = 0) -> Floats:
    """Return gains over keep in draws of the rows, each candidate with a seed drawn at random; ``(draws, names)``."""
    rng = np.random.default_rng(seed)
    drawn = {side: evidence.draws(side, scales.score) for side in scales.weights}
    count = min(draws[names[0]].shape[1] for draws in drawn.values())
    columns = []
    for name in names:
        picks = rng.integers(0, len(next(iter(drawn.values()))[name]), count), np.arange(count)
        columns.append(sum(weight * drawn[side][name][picks] for side, weight in scales.weights.items()))
    table = np.column_stack(columns)
    keep = list(names).index("keep")
    return np.asarray(scales.sign * (table - table[:, [keep]]))
