"""Every candidate on the same holdout rows, and what to do about it."""

from retrain_core.compare.recommend import MARGIN, recommend
from retrain_core.compare.scores import compare

__all__ = ["MARGIN", "compare", "recommend"]
