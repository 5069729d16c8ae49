"""How much the held-out old rows flatter what starts from the old model, which has been trained on them.

A model retrained on old and new rows has not seen the held-out ones, but the old model has. On rows that both have been
trained on neither is flattered more than the other. So the old model's head start is what its lead loses from the rows that
it alone has seen to those that both have.
"""

from __future__ import annotations

from retrain_core.compare.evidence import Evidence
from retrain_core.compare.measures import sign_of
from retrain_core.compare.predicted import Floats
from retrain_core.strategies import WITHOUT_OLD
from retrain_core.types import ScoredSide

REFERENCE = "full_retrain"  # trained on the old rows for training, with fresh weights


def head_start(evidence: Evidence, score: str) -> float:
    """Return by how much the old part flatters the old model in a score, at least 0; 0 where nothing tells it."""
    sides = [evidence.predicted.get(side, {}) for side in ("trained", "old")]
    if not all(REFERENCE in side and "keep" in side for side in sides):
        return 0.0
    alone, both = (_lead(evidence.values(side, score)) for side in ("old", "trained"))
    return max(0.0, sign_of(score) * (alone - both))


def lag(evidence: Evidence, name: str, side: ScoredSide, score: str) -> float:
    """Return by how much one part flatters the others against a candidate that has never been trained on its rows.

    Old training rows are compared as rows that all have been trained on; those that were retrained without old rows have not.
    """
    return head_start(evidence, score) if side == "trained" and name in WITHOUT_OLD else 0.0


def _lead(values: dict[str, Floats]) -> float:
    return float(values["keep"].mean() - values[REFERENCE].mean())
