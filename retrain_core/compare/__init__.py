"""Every candidate on the same holdout rows, and what to do about it."""
