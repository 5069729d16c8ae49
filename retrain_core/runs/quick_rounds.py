"""What the runner does for a quick look: when all tries of a round have ended, decide who goes on, and begin the next."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from retrain_core.compare import halving
from retrain_core.runs import looks
from retrain_core.runs.names import QUICK
from retrain_core.runs.quick import KEEP, ranking
from retrain_core.runs.quick_compute import epochs_of, planned_compute, steps_of, used_compute
from retrain_core.runs.quick_standing import Standing, Told, standing
from retrain_core.runs.store import Store
from retrain_core.types import Limits, QuickCandidate, QuickLook, QuickRung, QuickTry, RunSpec, to_json

FEWEST_ROWS = 32  # of the new training rows in a round
KEEP_FAILED = "The old model could not be scored."


def advance(store: Store, experiment: str) -> list[RunSpec]:
    """Bring a quick look as far as the tries that have ended allow, and return those that are to be done.

    It is safe to be cut off anywhere: what is done again gives the same.
    """
    look = looks.read(store, experiment)
    if look is None or look.status != "running" or store.split(experiment) is None:
        return []
    if looks.stop_asked(store, experiment):
        looks.save(store, experiment, replace(look, status="stopped"))
        return []
    if look.rungs:
        due = [
            run for run in _runs(store, experiment, look.rungs[-1]) if not store.result(experiment, run.id)
        ]
        if due:
            return due
        look = _decided(look, standing(store, experiment, look, look.rungs[-1]))
    return _begin(store, experiment, look)


def fail(store: Store, experiment: str, error: str) -> None:
    """End a quick look that cannot go on."""
    look = looks.read(store, experiment)
    if look is not None and look.status == "running":
        looks.save(store, experiment, replace(look, status="failed", error=error))


def _runs(store: Store, experiment: str, rung: QuickRung) -> list[RunSpec]:
    return [store.run(experiment, one.run) for one in rung.tries]


# --- who goes on ----------------------------------------------------------------------------------


def _decided(look: QuickLook, found: Standing) -> QuickLook:
    """Return the look with what the last round has told."""
    tries = [_told(one, found.get(one.candidate)) for one in look.rungs[-1].tries]
    gains = {one.candidate: one.gain for one in tries if one.gain is not None and one.candidate != KEEP}
    going_on = halving.stay(gains, {name: look.candidate(name).strategy for name in gains})
    tries = [replace(one, stays=one.candidate == KEEP or one.candidate in going_on) for one in tries]
    look = replace(look, rungs=(*look.rungs[:-1], replace(look.rungs[-1], tries=tuple(tries))))
    return replace(look, best=next(iter(ranking(look)), ""))


def _told(one: QuickTry, found: Told | None) -> QuickTry:
    return one if found is None else replace(one, gain=found.gain, error=found.error, expected=found.expected)


# --- the next round -------------------------------------------------------------------------------


def _begin(store: Store, experiment: str, look: QuickLook) -> list[RunSpec]:
    """Begin the next round with those that are left, or end the look; return its tries."""
    names, rounds = _left(look), halving.rounds(_most_options(look))
    number = len(look.rungs)
    if number and not look.best:
        looks.save(store, experiment, replace(look, status="failed", error=KEEP_FAILED))
        return []
    compute = planned_compute(store, experiment, look)
    share, until = rounds[min(number, len(rounds) - 1)]
    budget = until * sum(compute.values()) - used_compute(store, experiment, look)
    if number >= len(rounds) or (number and (len(names) <= 2 or budget <= 0)):
        looks.save(store, experiment, replace(look, status="finished"))
        return []
    rung, runs = _round(store, experiment, look, {name: compute[name] for name in names}, share, budget)
    store.add_beside(runs)
    looks.save(store, experiment, replace(look, rungs=(*look.rungs, rung)))
    return runs


def _most_options(look: QuickLook) -> int:
    return max(Counter(one.strategy for one in look.candidates).values())


def _left(look: QuickLook) -> list[str]:
    if not look.rungs:
        return [one.name for one in look.candidates]
    return [one.candidate for one in look.rungs[-1].tries if one.stays]


def _round(
    store: Store, experiment: str, look: QuickLook, compute: Mapping[str, float], share: float, budget: float
) -> tuple[QuickRung, list[RunSpec]]:
    """Return a round of the candidates whose compute in full is given, and its runs."""
    split, settings = store.split(experiment), store.experiment(experiment).split
    assert split is not None
    candidates = [look.candidate(name) for name in compute]
    passes = {one.name: steps_of(one, look.limits) or epochs_of(one) or 1 for one in candidates}
    share, each = halving.shares(compute, passes, share, budget)
    new, old = split.rows["new_train"], split.rows.get("old_train", 0)
    new_rows = min(new, max(FEWEST_ROWS, round(share * new)))
    old_rows = max(1, round(new_rows / new * old)) if old else 0
    frame = RunSpec(
        id="",
        experiment=experiment,
        strategy=KEEP,
        options={},
        seed=look.seed,
        work="quick",
        new_rows=new_rows,
        old_rows=old_rows,
        spare=settings.id is None
        and settings.time is None,  # no id on both sides, none before those trained on
    )
    tries, runs = [], []
    for place, one in enumerate(candidates):
        size, epochs, limits = _part(one, look.limits, new_rows / new, each[one.name])
        run = _run(replace(frame, order=place, limits=limits), one, epochs, len(look.rungs))
        tries.append(QuickTry(one.name, run.id, size, epochs))
        runs.append(run)
    return QuickRung(new_rows, old_rows, tuple(tries)), runs


def _part(
    candidate: QuickCandidate, limits: Limits, rows: float, share: float
) -> tuple[float, int | None, Limits]:
    """Return how large a try is beside a run in full, its epochs if they count, and what it may use.

    Args:
        candidate: Who is tried.
        limits: What a run in full may use.
        rows: Share of the rows.
        share: Share of the passes over them.
    """
    if whole := steps_of(candidate, limits):
        steps = max(1, int(rows * share * whole))
        return steps / whole, None, replace(limits, steps=steps)
    if whole := epochs_of(candidate):
        epochs = max(1, int(share * whole))
        return rows * epochs / whole, epochs, limits
    return rows, None, limits


def _run(frame: RunSpec, candidate: QuickCandidate, epochs: int | None, number: int) -> RunSpec:
    """Return a candidate's run of a round; its id is the same for the same work, so that a round can be begun again."""
    options = {**candidate.options, **({"epochs": epochs} if epochs else {})}
    text = to_json(
        [number, candidate.name, sorted(options.items()), frame.new_rows, frame.seed, frame.limits]
    )
    return replace(
        frame,
        id=f"{QUICK}{candidate.strategy}-{int.from_bytes(hashlib.sha256(text).digest()[:6])}",
        strategy=candidate.strategy,
        options=options,
        device=candidate.device,
    )
