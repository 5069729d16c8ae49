"""What candidates take in full, counted in rows trained on with the whole network, and what a quick look has taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from retrain_core.runs.store import Store
from retrain_core.strategies import make_strategy
from retrain_core.types import Limits, ModelCard, Part, QuickCandidate, QuickLook, from_json


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
