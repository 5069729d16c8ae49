"""What makes the choice doubtful."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrain_core.compare.basis_words import resamples, seeds_scored
from retrain_core.compare.differences import paired
from retrain_core.compare.evidence import Evidence
from retrain_core.compare.head_start import REFERENCE
from retrain_core.compare.measures import has_interval
from retrain_core.compare.score_words import name_of
from retrain_core.compare.weighing import new_sides, old_side, one_sided
from retrain_core.compare.words.context import Context
from retrain_core.strategies.naming import noun
from retrain_core.types import CandidateScores, ScoredSide
from retrain_core.types.text import counted

UNSTABLE = 0.8  # share of resamples below which the choice is told to hang on luck
SIDE_NAMES: dict[ScoredSide, str] = {
    "new": "new rows",
    "validation": "validation rows",
    "old": "old rows",
    "trained": "old training rows",
}


def doubts(context: Context) -> tuple[str, ...]:
    """Return what makes the choice doubtful."""
    return tuple([
        *_too_few(context),
        *_unstable(context),
        *_no_interval(context),
        *_rare(context),
        *_seen(context),
        *_one_seed(context),
        *_incomplete(context),
    ])  # fmt: skip


def _too_few(context: Context) -> list[str]:
    """Say how many more rows would settle it, if it is open whether a rival is better."""
    choice, found = context.choice, context.decision.found
    rival = next((name for name in context.rivals if name != choice and not context.ahead(name)), None)
    if rival is None:
        return []
    gap, more = found.gap(rival, choice), found.more_rows(rival, choice)
    would = "" if more is None else f"; about {more:,} more {_to_collect(context)} would tell"
    if gap.known and gap.seeds > gap.rows:
        would = "; more seeds would tell more than more rows"
    return [f"Whether {noun(rival)} is better cannot be told from {_rows(context)}{would}."]


def _to_collect(context: Context) -> str:
    """Return which rows there can be more of, of those that are weighed."""
    return "held-out rows" if "old" in context.decision.weighing.weights else "new rows"


def _rows(context: Context) -> str:
    """Return how many rows of each part are weighed."""
    evidence, weights = context.evidence, context.decision.weighing.weights
    new = sum(len(evidence.held[side].targets) for side in new_sides(evidence) if side in weights)
    old = sum(len(evidence.held[side].targets) for side in weights if side in ("old", "trained"))
    told = [counted(new, "new row")] if new else []
    kind = "old training row" if "trained" in weights else "old row"
    return " and ".join([*told, *([counted(old, kind)] if old else [])])


def _unstable(context: Context) -> list[str]:
    if context.stability >= UNSTABLE:
        return []
    safe = "" if context.rivals else " None of the others may be materially better, though."
    return [
        f"The choice hangs on luck: it is the same in only {100 * context.stability:.0f} % of {resamples(context.scores)}.{safe}"
    ]


def _no_interval(context: Context) -> list[str]:
    """Say which rows tell no interval of a score that candidates are weighed by."""
    evidence, weighing = context.evidence, context.decision.weighing
    other = next((name for name in context.decision.names if name != context.choice), None)
    if other is None:
        return []
    return [
        f"The {SIDE_NAMES[side]} {_why_none(evidence, side, score)}."
        for side in weighing.weights
        for score in weighing.margins
        if not paired(evidence, context.choice, other, {side: 1.0}, score).known
    ]


def _why_none(evidence: Evidence, side: ScoredSide, score: str) -> str:
    one = evidence.predicted[side]["keep"][0]
    if not has_interval(score, one):
        kind = "label" if one.task == "multilabel" else "class"
        return f"have too few of one {kind} to weigh by {name_of(score)}"
    few = "are too few" if evidence.held[side].groups is None else "are of too few groups"
    return f"{few} to tell how sure a difference in {name_of(score)} is"


def _rare(context: Context) -> list[str]:
    """Say how many rows have another label than nearly all, and how many of them are told right."""
    if not one_sided(context.evidence):
        return []
    seeds = context.evidence.predicted["new"]
    targets = np.asarray(seeds["keep"][0].targets, np.intp)
    rare = targets != np.bincount(targets).argmax()
    told = {
        name: np.mean([np.sum(one.metric[rare]) for one in seeds[name]]) for name in (context.choice, "keep")
    }
    keep = f", keep {told['keep']:.3g}" if context.choice != "keep" else ""
    others = int(rare.sum())
    have = "has" if others == 1 else "have"
    return [
        f"Only {counted(others, 'held-out new row')} {have} another label than the commonest one; "
        f"by its likeliest label {noun(context.choice)} gets {told[context.choice]:.3g} right{keep}."
    ]


def _seen(context: Context) -> list[str]:
    """Say what the old rows that the old model knows make doubtful."""
    evidence, wishes = context.evidence, context.wishes
    if "old" not in evidence.predicted or not wishes.old_seen:
        return []
    seen = "The old model has probably been trained on the old rows of the holdout, which flatters it there"
    if old_side(evidence, wishes) == "trained":
        seen += "; old training rows are weighed instead"
    if REFERENCE in evidence.predicted["old"]:
        return [f"{seen}."]
    return [
        f"{seen}.",
        f"Without a score of {noun(REFERENCE)}, how much the old model is flattered is not known.",
    ]


# --- seeds ----------------------------------------------------------------------------------------


def _one_seed(context: Context) -> list[str]:
    """Say where the luck of the seed is not known: of all, or of the choice and of what may be better."""
    trained = {name: seeds_scored(one) for name, one in context.scores.items() if name != "keep"}
    if max(trained.values(), default=1) <= 1:
        return ["One seed a candidate: how much luck of the seed matters is not known; five would tell."]
    single = [noun(name) for name in (context.choice, *context.rivals) if trained.get(name) == 1]
    if not single:
        return []
    return [
        f"One seed with a score: {', '.join(single)}. How much its luck matters is not known; five would tell."
    ]


def _incomplete(context: Context) -> list[str]:
    """Say which runs have failed or were stopped."""
    scores = context.scores
    stopped = [noun(name) for name, one in scores.items() if _all_stopped(one) and one.new]
    failed = [noun(name) for name, one in scores.items() if one.new is None]
    found = [f"Stopped before the end, scored with what it had: {', '.join(stopped)}."] if stopped else []
    found += [f"Without a score: {', '.join(failed)}."] if failed else []
    return [*found, *(line for name, one in scores.items() if one.new for line in _partly(name, one))]


def _all_stopped(one: CandidateScores) -> bool:
    return all(seed["status"] == "stopped" for seed in one.per_seed)


def _partly(name: str, one: CandidateScores) -> Sequence[str]:
    """Return how many seeds of a candidate with a score have failed or were stopped, where that is not said of all."""
    if _all_stopped(one):
        return []
    statuses = [seed["status"] for seed in one.per_seed]
    failed, stopped = (statuses.count(status) for status in ("failed", "stopped"))
    told = {"failed": failed, "was stopped" if stopped == 1 else "were stopped": stopped}
    return [
        f"{count} of {len(statuses)} seeds of {noun(name)} {words}." for words, count in told.items() if count
    ]
