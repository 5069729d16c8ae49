"""What a comparison rests on, in words: which rows, how many seeds, and what is drawn anew."""

from __future__ import annotations

from collections.abc import Mapping

from retrain_core.compare.evidence import Evidence, Side
from retrain_core.compare.weighing import new_sides, old_side
from retrain_core.types import CandidateScores, Recommendation, Wishes

FIRST_SEED = "Of several seeds, this is the first one's model: the one that is saved."


def weighed_rows(evidence: Evidence, wishes: Wishes) -> dict[Side, str]:
    """Return which rows candidates are weighed on, by side."""
    several = len(new_sides(evidence)) > 1
    new = "new rows (the holdout and the validation rows)" if several else "new rows"
    return {"new": new, "old": old_rows(evidence, wishes)}


def old_rows(evidence: Evidence, wishes: Wishes) -> str:
    """Return which old rows candidates are weighed and told apart on."""
    return "old training rows" if old_side(evidence, wishes) == "trained" else "old rows"


def told_rows(evidence: Evidence | None, wishes: Wishes) -> dict[Side, str]:
    """Return which rows differences are told on, by side; without evidence they are taken for the holdout's."""
    known = evidence is not None and old_side(evidence, wishes) == "trained"
    return {"new": "new holdout rows", "old": "old training rows" if known else "old holdout rows"}


def seeds_scored(candidate: CandidateScores) -> int:
    """Return how many seeds of a candidate have a score."""
    return sum(seed["new"] is not None for seed in candidate.per_seed)


def several_seeds(scores: Mapping[str, CandidateScores]) -> bool:
    """Return whether a candidate that trains has a score of more than one seed."""
    return any(seeds_scored(one) > 1 for name, one in scores.items() if name != "keep")


def no_rival(recommendation: Recommendation) -> str:
    """Return what to say if there is nothing to choose among; empty if there is."""
    others = [one for name, one in recommendation.weighed.items() if name != recommendation.choice]
    if any(not one.excluded for one in others):
        return ""
    return "There is no other candidate to choose." if others else "Nothing to choose among yet."


def resamples(scores: Mapping[str, CandidateScores]) -> str:
    """Return what is drawn anew to see whether the choice stays the same."""
    return f"resamples of the rows{' and seeds' if several_seeds(scores) else ''}"
