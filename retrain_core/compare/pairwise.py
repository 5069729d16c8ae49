"""Every candidate against keep, and against every other, on the held-out rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from retrain_core.compare.differences import Gap, ends_of, holm, mcnemar, more_rows, paired, verdict
from retrain_core.compare.evidence import SIDES, Evidence, Side
from retrain_core.compare.measures import sign_of
from retrain_core.compare.weighing import margin_of, old_side, scores_weighed
from retrain_core.types import Difference, ScoredSide, Wishes

Pair = tuple[str, str]


def differences(evidence: Evidence, wishes: Wishes) -> tuple[Difference, ...]:
    """Return what can be said of each pair, by the main score and those that candidates are weighed by.

    Old rows are those that are weighed: where the old model knows the held-out ones, rows that retraining knows as well.
    P-values are adjusted (Holm) over the candidates that are held against keep, and over the pairs of the others.
    """
    scores = dict.fromkeys((evidence.metric, *scores_weighed(evidence, wishes)))
    found: list[Difference] = []
    for side in (side for side in SIDES if side in evidence.predicted):
        others = [name for name in evidence.predicted[side] if name != "keep"]
        rows: ScoredSide = old_side(evidence, wishes) if side == "old" else side
        against_keep = [(name, "keep") for name in others]
        for score in scores:
            margin = margin_of(evidence, score, wishes.margin, {rows: 1.0})
            for pairs in (against_keep, list(combinations(others, 2))):
                found += _differences(evidence, pairs, side, rows, score, margin)
    return tuple(found)


def _differences(
    evidence: Evidence, pairs: Sequence[Pair], side: Side, rows: ScoredSide, score: str, margin: float
) -> list[Difference]:
    sign, count = sign_of(score), evidence.units(rows)
    told = {pair: paired(evidence, *pair, {rows: 1.0}, score) for pair in pairs}
    told = {pair: gap for pair, gap in told.items() if gap.known}
    p_values = [_p(evidence, pair, rows, score, gap) for pair, gap in told.items()]
    found = []
    for (name, base), gap, p, adjusted in zip(told, told.values(), p_values, holm(p_values), strict=True):
        value, ends = sign * gap.value, sorted(sign * end for end in ends_of(gap, score))
        said = verdict(value, gap.error, adjusted, margin)
        more = None
        if said == "cannot tell" and rows in SIDES:  # nobody can collect more old training rows
            more = more_rows(gap, count, margin, p=p, adjusted=adjusted)
        seeds = _over_seeds(evidence, (name, base), rows, score)
        found.append(
            Difference(
                name, base, side, score, value, (ends[0], ends[1]), seeds, p, adjusted, said, more, rows
            )
        )
    return found


def _p(evidence: Evidence, pair: Pair, side: ScoredSide, score: str, gap: Gap) -> float:
    models = [evidence.predicted[side][name] for name in pair]
    single = all(len(seeds) == 1 or name == "keep" for name, seeds in zip(pair, models, strict=True))
    if (
        score == "accuracy"
        and single
        and evidence.task != "multilabel"
        and evidence.held[side].groups is None
    ):
        mine, theirs = (np.equal(seeds[0].metric, 1) for seeds in models)
        return mcnemar(mine, theirs)
    return gap.p


def _over_seeds(evidence: Evidence, pair: Pair, side: ScoredSide, score: str) -> float | None:
    """Return by how much the difference scatters over seeds alone, ``None`` if none that trains has several."""
    trained = [evidence.values(side, score)[name] for name in pair if name != "keep"]
    spreads = [float(seeds.std(ddof=1)) for seeds in trained if len(seeds) > 1]
    return math.hypot(*spreads) if spreads else None
