"""How the candidates of a round stand against keep, on rows that none of them trained on and that are none of the holdout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from retrain_core.compare.evidence import Evidence, Held, gather
from retrain_core.compare.weighing import weighing_of, weights
from retrain_core.data.parts import load_parts
from retrain_core.data.small import small_question
from retrain_core.runs.outcomes import outcome_of
from retrain_core.runs.store import Store
from retrain_core.types import Holdout, Outcome, QuickLook, QuickRung, ScoredSide

Standing = dict[str, tuple[float, float]]  # gain over keep in margins and its standard error, by candidate


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
    gaps = {name: worth.gap(name, "keep") for name in evidence.names}
    return {name: (gap.value, gap.error) for name, gap in gaps.items()}


def _evidence(store: Store, experiment: str, outcomes: list[Outcome]) -> Evidence:
    parts = load_parts(store.experiment_folder(experiment) / "data")
    small = small_question(parts, outcomes[0].spec)
    sides: dict[ScoredSide, str] = {"new": "new_holdout", "old": "old_holdout"}
    held = {side: Held(np.asarray(small[part].targets)) for side, part in sides.items() if part in small}
    holdout = Holdout("", len(held["new"].targets), len(held["old"].targets) if "old" in held else 0)
    return gather(outcomes, holdout, store.experiment(experiment).schema, held)
