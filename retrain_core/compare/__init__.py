"""Every candidate on the same holdout rows, and what to do about it."""

from retrain_core.compare.whole import compare

__all__ = ["compare"]
