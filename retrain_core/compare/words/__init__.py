"""The recommendation in words: one sentence, the reasons by weight, what would change it, and what is doubtful."""

from retrain_core.compare.words.context import Context
from retrain_core.compare.words.doubtful import doubts
from retrain_core.compare.words.otherwise import changes
from retrain_core.compare.words.sentence import summary
from retrain_core.compare.words.why import reasons

__all__ = ["Context", "changes", "doubts", "reasons", "summary"]
