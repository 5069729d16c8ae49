"""Scores of every candidate on the same rows, with intervals and differences to keep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from retrain_core.compare.differences import paired, possible
from retrain_core.compare.evidence import SIDES, Evidence, Side
from retrain_core.compare.head_start import head_start
from retrain_core.compare.intervals import drawn_interval, mean_interval
from retrain_core.compare.measures import SCORES, has_interval, scores_of, sign_of
from retrain_core.strategies import AFRESH
from retrain_core.types import CandidateScores, Delta, Outcome, PartScores


def candidate_scores(evidence: Evidence, name: str, *, old_seen: bool = True) -> CandidateScores:
    """Return the scores of one strategy over its seeds.

    Args:
        evidence: All predictions.
        name: The strategy.
        old_seen: Whether the old model was trained on the old rows: then intervals on the old part reach as much further
            as that may flatter it.
    """
    outcomes = [outcome for outcome in evidence.outcomes if outcome.spec.strategy == name]
    results = [outcome.result for outcome in outcomes]
    errors = [result.error for result in results if result.error]
    scored = [result for result in results if result.new is not None]
    forecast = outcomes[0].spec.forecast
    energy = [result.energy_joules for result in scored if result.energy_joules is not None]
    prequential = [result.prequential for result in scored if result.prequential is not None]
    return CandidateScores(
        status=_status([result.status for result in results]),
        error=errors[0] if errors else None,
        new=_means(evidence, name, "new"),
        old=_means(evidence, name, "old"),
        interval={side: _intervals(evidence, name, side, old_seen=old_seen) for side in SIDES},
        per_seed=tuple(_seed(evidence, outcome) for outcome in outcomes),
        seconds=_mean([result.seconds for result in scored or results]),
        peak_memory_mb=max(result.peak_memory_mb for result in results),
        device=results[0].device,
        model=next((f"models/{o.spec.strategy}.keras" for o in outcomes if o.result.model), None),
        rows_seen=round(_mean([result.rows_seen for result in scored or results])),
        options=outcomes[0].spec.options,
        delta={side: _deltas(evidence, name, side, old_seen=old_seen) for side in SIDES},
        prequential=_mean(prequential) if prequential else None,
        steps=round(_mean([result.steps for result in scored or results])),
        way=results[0].way,
        shared=any(result.shared for result in results),
        forecast=forecast.seconds if forecast else None,
        cpu_seconds=_mean([result.cpu_seconds for result in scored or results]),
        own_seconds=_mean([result.own_seconds for result in scored or results]),
        energy_joules=_mean(energy) if energy else None,
    )


def _status(
    found: list[Literal["finished", "failed", "stopped"]],
) -> Literal["finished", "failed", "stopped"]:
    """Return ``finished`` if at least one seed is, else ``stopped`` if one is, else ``failed``."""
    order: tuple[Literal["finished", "failed", "stopped"], ...] = ("finished", "stopped", "failed")
    return next(status for status in order if status in found)


def _seed(evidence: Evidence, outcome: Outcome) -> dict[str, Any]:
    result = outcome.result
    return {
        "seed": outcome.spec.seed,
        "run": outcome.spec.id,
        "status": result.status,
        "error": result.error,
        "new": _part(evidence, outcome, "new", result.new),
        "old": _part(evidence, outcome, "old", result.old),
        "seconds": result.seconds,
    }


def _part(
    evidence: Evidence, outcome: Outcome, side: Side, told: PartScores | None
) -> dict[str, float | None] | None:
    """Return the scores of one run on one part; what the run itself told of them stands as it is."""
    if told is None:
        return None
    scored = [
        one.spec.id
        for one in evidence.outcomes
        if one.spec.strategy == outcome.spec.strategy and f"{side}_loss" in one.rows
    ]
    found: dict[str, float | None] = {}
    if outcome.spec.id in scored:
        place, name = scored.index(outcome.spec.id), outcome.spec.strategy
        values = {
            score: float(evidence.values(side, score)[name][place]) for score in scores_of(evidence.task)
        }
        found = {score: value for score, value in values.items() if math.isfinite(value)}
    return found | {"loss": told.loss, evidence.metric: getattr(told, evidence.metric)}


def _means(evidence: Evidence, name: str, side: Side) -> dict[str, float] | None:
    if name not in evidence.predicted.get(side, {}):
        return None
    means = {score: float(evidence.values(side, score)[name].mean()) for score in scores_of(evidence.task)}
    return {score: value for score, value in means.items() if math.isfinite(value)}


def _intervals(
    evidence: Evidence, name: str, side: Side, *, old_seen: bool
) -> dict[str, tuple[float, float]] | None:
    if name not in evidence.predicted.get(side, {}):
        return None
    ends = {score: score_interval(evidence, name, side, score) for score in scores_of(evidence.task)}
    found = {score: interval for score, interval in ends.items() if interval and np.isfinite(interval).all()}
    if side == "new" or not old_seen or name in AFRESH:
        return found
    return {score: _reaching(score, ends, -head_start(evidence, score)) for score, ends in found.items()}


def _reaching(score: str, ends: tuple[float, float], gain: float) -> tuple[float, float]:
    """Return an interval that reaches as much further as the score may be better (or worse, if negative)."""
    low, high = ends
    change = sign_of(score) * gain
    return (low, high + change) if change > 0 else (low + change, high)


def score_interval(evidence: Evidence, name: str, side: Side, score: str) -> tuple[float, float] | None:
    """Return the 95 % interval of a candidate's score on one part; ``None`` if there are too few rows for one."""
    kind, groups, predicted = SCORES[score], evidence.held[side].groups, evidence.predicted[side][name]
    if not has_interval(score, predicted[0]):
        return None
    if kind.by_row is not None and groups is None:
        rows = np.stack([kind.by_row(one) for one in predicted])
        return mean_interval(rows, share=kind.share, positive=kind.positive)
    values, draws = evidence.values(side, score)[name], evidence.draws(side, score)[name]
    units = evidence.units(side)
    return drawn_interval(values, draws, share=kind.share, positive=kind.positive, units=units)


def _deltas(evidence: Evidence, name: str, side: Side, *, old_seen: bool) -> dict[str, Delta] | None:
    predicted = evidence.predicted.get(side, {})
    if name not in predicted or "keep" not in predicted:
        return None
    found = {}
    for score in scores_of(evidence.task):
        gap = paired(evidence, name, "keep", {side: 1.0}, score)
        if not gap.known:
            continue
        behind = side == "old" and old_seen and name in AFRESH
        ends = _reaching(score, gap.interval, head_start(evidence, score)) if behind else gap.interval
        found[score] = Delta(gap.value, possible(score, ends))
    return found


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
