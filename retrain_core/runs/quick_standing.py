"""How the candidates of a round stand against keep, on rows that none of them trained on and that are none of the holdout."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from retrain_core.compare.evidence import Evidence, Held, gather
from retrain_core.compare.halving import still_to_fall
from retrain_core.compare.weighing import margin_of, weighing_of, weights
from retrain_core.data.parts import load_parts
from retrain_core.data.small import small_question
from retrain_core.runs.events import read_events
from retrain_core.runs.outcomes import outcome_of
from retrain_core.runs.store import Store
from retrain_core.types import Holdout, Outcome, QuickLook, QuickRung, QuickTry, ScoredSide


@dataclass(frozen=True)
class Told:
    """What a round tells of a candidate, in margins over keep.

    Args:
        gain: Measured.
        error: Its standard error.
        expected: The gain to be expected of a run in full.
    """

    gain: float
    error: float
    expected: float


Standing = dict[str, Told]  # by candidate


def standing(store: Store, experiment: str, look: QuickLook, rung: QuickRung) -> Standing:
    """Return the gain over keep of each candidate with a score; empty if keep has none."""
    outcomes = [
        replace(outcome, spec=replace(outcome.spec, strategy=one.candidate))
        for one in rung.tries
        if (outcome := outcome_of(store, store.run(experiment, one.run))) is not None
    ]
    scored = [outcome for outcome in outcomes if outcome.rows]
    if not scored or scored[0].spec.strategy != "keep":
        return {}
    evidence = _evidence(store, experiment, scored)
    wishes = replace(look.wishes, old_seen=False)  # what stands for the old part are rows that were seen
    worth = weights(evidence, weighing_of(evidence, wishes))
    loss = "log_loss" if evidence.loss_is_log_loss else "loss"
    margin = margin_of(evidence, loss, wishes.margin)
    share = _share(store, experiment, rung)
    found = {}
    for one in (one for one in rung.tries if one.candidate in evidence.names):
        gap = worth.gap(one.candidate, "keep")
        rise = _still_to_fall(store, experiment, one, share) / margin
        found[one.candidate] = Told(gap.value, gap.error, gap.value + rise)
    return found


def _share(store: Store, experiment: str, rung: QuickRung) -> float:
    split = store.split(experiment)
    assert split is not None
    return rung.new_rows / split.rows["new_train"]


def _still_to_fall(store: Store, experiment: str, one: QuickTry, share: float) -> float:
    """Return by how much the loss of a try that makes only some of its passes has still to fall in full."""
    if one.size > share * (1 - 1e-9):
        return 0.0
    events = read_events(store.run_folder(experiment, one.run) / "events.jsonl")
    points = [event.values for event in events if event.kind == "epoch" and event.values["rows_seen"]]
    told = [(point["rows_seen"], point.get("validation_loss")) for point in points]
    losses = [
        (rows, loss) for rows, loss in told if loss is not None
    ]  # one that is no number is told as none
    if not losses:
        return 0.0
    planned = losses[0][0] * one.epochs if one.epochs else losses[-1][0]
    return still_to_fall(losses, planned / one.size)


def _evidence(store: Store, experiment: str, outcomes: list[Outcome]) -> Evidence:
    parts = load_parts(store.experiment_folder(experiment) / "data")
    small = small_question(parts, outcomes[0].spec)
    sides: dict[ScoredSide, str] = {"new": "new_holdout", "old": "old_holdout"}
    held = {side: Held(np.asarray(small[part].targets)) for side, part in sides.items() if part in small}
    holdout = Holdout("", len(held["new"].targets), len(held["old"].targets) if "old" in held else 0)
    return gather(outcomes, holdout, store.experiment(experiment).schema, held)
