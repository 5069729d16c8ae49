"""What candidates take in full and what a quick look has taken: in rows trained on with the whole network, and in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from retrain_core.runs.store import Store
from retrain_core.strategies import make_strategy
from retrain_core.types import Limits, ModelCard, Part, QuickCandidate, QuickLook, from_json

LOAD_SECONDS = 1.0  # of a run that do not grow with it: to load and to trace the model
START_SECONDS = 1.0  # to begin a run; figures in ``tests/benchmarks/results.md`` ("Quick look")


def epochs_of(candidate: QuickCandidate) -> int | None:
    """Return how many epochs a run in full makes at most; ``None`` for a strategy without epochs."""
    return getattr(make_strategy(candidate.strategy, candidate.options), "epochs", None)


def steps_of(candidate: QuickCandidate, limits: Limits) -> int | None:
    """Return how many steps of a budget a run in full does; ``None`` without a budget, or if it does none."""
    return (
        limits.steps if hasattr(make_strategy(candidate.strategy, candidate.options), "batch_size") else None
    )


def planned_compute(store: Store, experiment: str, look: QuickLook) -> dict[str, float]:
    """Return what a run in full of each candidate takes: as its tries tell, before them as its options do."""
    card = _card(store, experiment)
    split = store.split(experiment)
    assert split is not None
    told = {one.candidate: one for rung in look.rungs for one in rung.tries}
    compute = {}
    for candidate in look.candidates:
        rows = _most_rows(candidate, look.limits, split.rows)
        result = store.result(experiment, told[candidate.name].run) if candidate.name in told else None
        if result is not None and result.new is not None:
            rows = result.rows_seen / told[candidate.name].size
        compute[candidate.name] = rows * learning_share(candidate, card)
    return compute


def used_compute(store: Store, experiment: str, look: QuickLook) -> float:
    """Return what all tries so far have taken."""
    card = _card(store, experiment)
    tries = [one for rung in look.rungs for one in rung.tries]
    results = [(one, store.result(experiment, one.run)) for one in tries]
    return sum(
        result.rows_seen * learning_share(look.candidate(one.candidate), card)
        for one, result in results
        if result is not None
    )


def seconds_of(store: Store, experiment: str, look: QuickLook, seeds: int) -> tuple[float, float]:
    """Return how long all tries have taken one after the other, and how long all runs in full with so many seeds would.

    Stopping early is left out: no try can know where a run in full stops.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    for one in (one for rung in look.rungs for one in rung.tries):
        if (result := store.result(experiment, one.run)) is not None:
            points.setdefault(one.candidate, []).append((one.size, result.seconds))
    took = sum(START_SECONDS + seconds for each in points.values() for _, seconds in each)
    return took, seeds * sum(START_SECONDS + _in_full(each) for each in points.values())


def _in_full(points: Sequence[tuple[float, float]]) -> float:
    """Return the seconds of a run in full, from sizes and seconds of tries: a fixed part, and one that grows with the size.

    >>> _in_full([(0.1, 2.0)]), round(_in_full([(0.1, 2.0), (0.5, 4.0)]), 6), _in_full([(0.1, 2.0), (0.5, 1.0)])
    (11.0, 6.5, 1.0)
    """
    (size, seconds), before = points[-1], points[:-1]
    if not before:
        fixed = min(seconds, LOAD_SECONDS)
        return fixed + (seconds - fixed) / size
    was_size, was = before[-1]
    slope = max(0.0, seconds - was) / (size - was_size) if size > was_size else 0.0
    return seconds + slope * (1 - size)


def learning_share(candidate: QuickCandidate, card: ModelCard) -> float:
    """Return the share of the network's weights that a candidate trains."""
    layers = getattr(make_strategy(candidate.strategy, candidate.options), "trainable_layers", None)
    counts = [layer.parameters for layer in card.layers if layer.parameters and layer.trainable]
    return 1.0 if layers is None or not counts else sum(counts[-layers:]) / sum(counts)


def _most_rows(candidate: QuickCandidate, limits: Limits, rows: Mapping[Part, int]) -> float:
    """Return about how many rows a run in full trains on, each counted as often as it is used.

    Strategies that say what they do without old data, and have epochs, pass over old and new rows.
    """
    strategy = cast(Any, make_strategy(candidate.strategy, candidate.options))
    if steps := steps_of(candidate, limits):
        return float(steps * strategy.batch_size)
    if hasattr(strategy, "epochs"):
        old = rows.get("old_train", 0) if strategy.without_old else 0
        return float(strategy.epochs * (rows["new_train"] + old))
    return float(
        getattr(strategy, "passes", 0) * rows["new_train"] * (1 + getattr(strategy, "replay_ratio", 0))
    )


def _card(store: Store, experiment: str) -> ModelCard:
    path = store.experiment_folder(experiment) / "data" / "card.json"
    return from_json(path.read_bytes(), ModelCard)
