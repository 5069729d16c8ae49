"""Which candidate to take, how sure that is, and what would change it. Keep is a candidate like the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from retrain_core.compare import words
from retrain_core.compare.decision import Decision, decide, effort, forgetting, too_long
from retrain_core.compare.differences import paired
from retrain_core.compare.evidence import Evidence
from retrain_core.compare.intervals import Z95
from retrain_core.compare.measures import sign_of
from retrain_core.compare.weighing import choose, drawn_gains, expected_gains, new_sides, old_side
from retrain_core.types import CandidateScores, Level, Recommendation, Weighed, Wishes

WEIGHTS_TRIED = tuple(step / 20 for step in range(21))  # of the old rows, to tell where the choice changes


def recommend(
    evidence: Evidence, scores: Mapping[str, CandidateScores], wishes: Wishes, level: Level | None
) -> Recommendation:
    """Return what to do: the best weighted score that is to be expected, or a cheaper one that is hardly worse.

    It is called clear if no rival may be materially better: if for each the 95 % interval of its gain over the choice,
    as measured, ends below the smallest difference that matters; and if the choice does not hang on luck.

    Args:
        evidence: All predictions; keep has a score.
        scores: By strategy, for costs and words.
        wishes: What the user wants.
        level: How far the data has moved; ``None`` if that is not known.
    """
    decision = decide(evidence, scores, wishes, level)
    shares = _shares(evidence, scores, wishes, level, decision)
    rivals = _rivals(decision)
    context = words.Context(evidence, scores, wishes, level, decision, rivals, shares[decision.choice])
    return Recommendation(
        choice=decision.choice,
        clear=not rivals and shares[decision.choice] >= words.UNSTABLE,
        summary=words.summary(context),
        reasons=words.reasons(context),
        changes=words.changes(
            context,
            _by_weight(evidence, scores, wishes, level),
            _unlimited(evidence, scores, wishes, level),
            decide(evidence, scores, replace(wishes, old_seen=not wishes.old_seen), level).choice,
        ),
        doubts=words.doubts(context),
        stability=shares[decision.choice],
        scores=tuple(decision.weighing.margins),
        rows=_rows(evidence, wishes),
        weighed={name: _weighed(evidence, decision, name, shares[name]) for name in decision.names},
    )  # fmt: skip


def _shares(
    evidence: Evidence,
    scores: Mapping[str, CandidateScores],
    wishes: Wishes,
    level: Level | None,
    decision: Decision,
) -> dict[str, float]:
    """Return in which share of draws of the rows and seeds each candidate is chosen, if all is decided anew in each.

    Only how large errors are, how far the data has moved and how long training takes is not drawn anew.
    """
    names, forgotten = decision.names, forgetting(evidence, wishes, decision.names)
    sources = [decision.found.draws, *([forgotten.draws] if forgotten else [])]
    count = min(draws.shape[1] for source in sources for draws in source.values())
    drawn = [drawn_gains({name: source[name][:, :count] for name in names}, names) for source in sources]
    expected = expected_gains(level, drawn[0], decision.errors)
    expected[:, [bool(too_long(scores[name], wishes)) and name != "keep" for name in names]] = -np.inf
    if forgotten:
        expected[-drawn[1] > forgotten.most] = -np.inf
    chosen = choose(expected, effort(scores, names))
    return {name: float(np.mean(chosen == place)) for place, name in enumerate(names)}


def _rivals(decision: Decision) -> list[str]:
    """Return candidates that may be materially better than the choice, the likeliest first."""
    others = [name for name in decision.names if name not in (decision.choice, *decision.excluded)]
    gaps = {name: decision.found.gap(name, decision.choice) for name in others}
    may = [name for name, gap in gaps.items() if gap.value + Z95 * gap.error >= 1]
    return sorted(may, key=lambda name: -gaps[name].value)


def _weighed(evidence: Evidence, decision: Decision, name: str, share: float) -> Weighed:
    weighing, gap = decision.weighing, decision.gaps[name]
    gains = {
        score: sign_of(score) * paired(evidence, name, "keep", weighing.weights, score).value
        for score in weighing.margins
    }
    interval = gap.interval if gap.known else None
    return Weighed(
        gains, gap.value, interval, decision.expected[name], share, decision.excluded.get(name, "")
    )


def _rows(evidence: Evidence, wishes: Wishes) -> dict[str, int]:
    rows = {"new": sum(len(evidence.held[side].targets) for side in new_sides(evidence))}
    if "old" in evidence.predicted:
        rows["old"] = len(evidence.held[old_side(evidence, wishes)].targets)
    return rows


# --- what would change the choice -----------------------------------------------------------------


def _by_weight(
    evidence: Evidence, scores: Mapping[str, CandidateScores], wishes: Wishes, level: Level | None
) -> dict[float, str]:
    """Return the choice at each weight of the old rows; empty without old rows."""
    if "old" not in evidence.predicted:
        return {}
    return {
        weight: decide(evidence, scores, replace(wishes, old_weight=weight), level).choice
        for weight in WEIGHTS_TRIED
    }


def _unlimited(
    evidence: Evidence, scores: Mapping[str, CandidateScores], wishes: Wishes, level: Level | None
) -> dict[str, str]:
    """Return the choice without each limit, by the limit's field, where there is one."""
    without = {
        "most_seconds": replace(wishes, most_seconds=None),
        "most_forgetting": replace(wishes, most_forgetting=None),
    }
    return {
        limit: decide(evidence, scores, other, level).choice
        for limit, other in without.items()
        if other != wishes
    }
