"""Scores of every candidate on the same rows, with intervals and differences to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.intervals import Z95, mean_interval, paired_error, seed_half_width
from retrain_core.compare.recommend import recommend
from retrain_core.errors import RunError
from retrain_core.types import CandidateScores, Comparison, Delta, Holdout, Metric, Outcome, PartScores, Task

SIDES = ("new", "old")


def compare(outcomes: Sequence[Outcome], holdout: Holdout, task: Task, old_weight: float = 0.5) -> Comparison:
    """Return every strategy's scores on the holdout and the recommendation.

    Args:
        outcomes: Runs that have ended, of one experiment.
        holdout: The rows all were scored on.
        task: Kind of problem.
        old_weight: Weight of the old part in the score that the recommendation maximises, 0 to 1.

    Raises:
        RunError: If two runs were scored on different rows: then no order would be fair.
    """
    metric = Metric("mae", "min") if task == "regression" else Metric("accuracy", "max")
    names = list(dict.fromkeys(outcome.spec.strategy for outcome in outcomes))
    runs = {name: [outcome for outcome in outcomes if outcome.spec.strategy == name] for name in names}
    for outcome in outcomes:
        _check_rows(outcome, holdout)
    rows = {name: _rows(found) for name, found in runs.items()}
    strategies = {
        name: _candidate(found, rows[name], rows.get("keep", {}), metric) for name, found in runs.items()
    }
    scored = {name: values for name, values in rows.items() if values}
    weight = old_weight if holdout.old_rows else 0.0
    recommendation = recommend(scored, strategies, metric, weight) if "keep" in scored else None
    return Comparison(1, task, metric, holdout, strategies, recommendation, old_weight)


def _check_rows(outcome: Outcome, holdout: Holdout) -> None:
    for side, expected in (("new", holdout.new_rows), ("old", holdout.old_rows)):
        values = outcome.rows.get(f"{side}_loss")
        if values is not None and len(values) != expected:
            raise RunError(
                f"{outcome.spec.strategy} was scored on {len(values)} {side} rows, the holdout has {expected}.",
                "Candidates can only be ranked on the same rows.",
                "Start the runs again.",
            )


def _rows(outcomes: list[Outcome]) -> dict[str, NDArray[Any]]:
    """Return per-row scores of all seeds by name, each of shape ``(seeds, rows)``."""
    scored = [outcome.rows for outcome in outcomes if outcome.rows]
    names = [name for name in (scored[0] if scored else {}) if not name.endswith("_outputs")]
    return {name: np.stack([rows[name] for rows in scored]) for name in names}


def _candidate(
    outcomes: list[Outcome],
    rows: Mapping[str, NDArray[Any]],
    keep: Mapping[str, NDArray[Any]],
    metric: Metric,
) -> CandidateScores:
    results = [outcome.result for outcome in outcomes]
    errors = [result.error for result in results if result.error]
    scored = [result for result in results if result.new is not None]
    forecast = outcomes[0].spec.forecast
    energy = [result.energy_joules for result in scored if result.energy_joules is not None]
    prequential = [result.prequential for result in scored if result.prequential is not None]
    return CandidateScores(
        status=_status([result.status for result in results]),
        error=errors[0] if errors else None,
        new=_means(rows, "new", metric),
        old=_means(rows, "old", metric),
        interval={side: _intervals(rows, side, metric) for side in SIDES},
        per_seed=tuple(_seed(outcome, metric) for outcome in outcomes),
        seconds=_mean([result.seconds for result in scored or results]),
        peak_memory_mb=max(result.peak_memory_mb for result in results),
        device=results[0].device,
        model=next((f"models/{o.spec.strategy}.keras" for o in outcomes if o.result.model), None),
        rows_seen=round(_mean([result.rows_seen for result in scored or results])),
        options=outcomes[0].spec.options,
        delta={side: _deltas(rows, keep, side, metric) for side in SIDES},
        prequential=_mean(prequential) if prequential else None,
        steps=round(_mean([result.steps for result in scored or results])),
        way=results[0].way,
        shared=any(result.shared for result in results),
        forecast=forecast.seconds if forecast else None,
        cpu_seconds=_mean([result.cpu_seconds for result in scored or results]),
        energy_joules=_mean(energy) if energy else None,
    )


def _status(
    found: list[Literal["finished", "failed", "stopped"]],
) -> Literal["finished", "failed", "stopped"]:
    """Return ``finished`` if at least one seed is, else ``stopped`` if one is, else ``failed``."""
    order: tuple[Literal["finished", "failed", "stopped"], ...] = ("finished", "stopped", "failed")
    return next(status for status in order if status in found)


def _seed(outcome: Outcome, metric: Metric) -> dict[str, Any]:
    result = outcome.result
    return {
        "seed": outcome.spec.seed,
        "run": outcome.spec.id,
        "status": result.status,
        "error": result.error,
        "new": _part(result.new, metric),
        "old": _part(result.old, metric),
        "seconds": result.seconds,
    }


def _part(scores: PartScores | None, metric: Metric) -> dict[str, float | None] | None:
    return None if scores is None else {"loss": scores.loss, metric.name: getattr(scores, metric.name)}


def _named(rows: Mapping[str, NDArray[Any]], side: str, metric: Metric) -> dict[str, NDArray[Any]]:
    if f"{side}_loss" not in rows:
        return {}
    return {"loss": rows[f"{side}_loss"], metric.name: rows[f"{side}_metric"]}


def _means(rows: Mapping[str, NDArray[Any]], side: str, metric: Metric) -> dict[str, float] | None:
    return {name: float(values.mean()) for name, values in _named(rows, side, metric).items()} or None


def _intervals(
    rows: Mapping[str, NDArray[Any]], side: str, metric: Metric
) -> dict[str, tuple[float, float]] | None:
    found = _named(rows, side, metric).items()
    return {name: mean_interval(values, share=name == "accuracy") for name, values in found} or None


def _deltas(
    rows: Mapping[str, NDArray[Any]], keep: Mapping[str, NDArray[Any]], side: str, metric: Metric
) -> dict[str, Delta] | None:
    mine, base = _named(rows, side, metric), _named(keep, side, metric)
    if rows is keep:
        return dict.fromkeys(mine, Delta(0.0, (0.0, 0.0))) or None
    return {
        name: paired_delta(mine[name], base[name], share=name == "accuracy") for name in mine if name in base
    } or None


def paired_delta(candidate: NDArray[Any], base: NDArray[Any], *, share: bool) -> Delta:
    """Return the mean difference on the same rows and its 95 % interval; both of shape ``(seeds, rows)``."""
    rows = candidate.mean(axis=0) - base.mean(axis=0)
    seeds = np.hypot(seed_half_width(candidate.mean(axis=1)), seed_half_width(base.mean(axis=1)))
    half = float(np.hypot(Z95 * paired_error(rows, share=share), seeds))
    value = float(rows.mean())
    return Delta(value, (value - half, value + half))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
