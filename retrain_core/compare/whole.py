"""The whole comparison: scores, differences and the recommendation, from the same evidence."""

from __future__ import annotations

from retrain_core.compare.evidence import Evidence
from retrain_core.compare.pairwise import differences
from retrain_core.compare.recommend import recommend
from retrain_core.compare.scores import candidate_scores
from retrain_core.types import CandidateScores, Comparison, Level, Metric, Wishes


def compare(
    evidence: Evidence, wishes: Wishes, level: Level | None = None, notes: tuple[str, ...] = ()
) -> Comparison:
    """Return every candidate on the same rows, and what to do.

    Without a score of keep there is no recommendation: every number is read against it.

    Args:
        evidence: All predictions.
        wishes: What the user wants; another wish takes no further run.
        level: How far the data has moved; ``None`` if that is not known.
        notes: To be shown beside the scores.
    """
    scores = _scores(evidence, old_seen=wishes.old_seen)
    scored = "keep" in scores and scores["keep"].new is not None
    return Comparison(
        schema=1,
        task=evidence.task,
        metric=Metric("mae", "min") if evidence.task == "regression" else Metric("accuracy", "max"),
        holdout=evidence.holdout,
        strategies=scores,
        recommendation=recommend(evidence, scores, wishes, level) if scored else None,
        notes=notes,
        differences=differences(evidence, wishes) if scored else (),
        wishes=wishes,
        loss_is_log_loss=evidence.loss_is_log_loss,
    )


def _scores(evidence: Evidence, *, old_seen: bool) -> dict[str, CandidateScores]:
    """Return the scores of each candidate, computed once for all wishes."""
    found = evidence.candidates
    for name in evidence.names:
        if (name, old_seen) not in found:
            found[name, old_seen] = candidate_scores(evidence, name, old_seen=old_seen)
    return {name: found[name, old_seen] for name in evidence.names}
