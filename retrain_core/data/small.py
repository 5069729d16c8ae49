"""A smaller question inside a question: fewer rows to train on, and rows to score on that are none of the holdout."""

from __future__ import annotations

from collections.abc import Mapping

from retrain_core.data.chosen import draw, left_out
from retrain_core.data.parts import looked_at
from retrain_core.data.stacked import join
from retrain_core.types import Dataset, RunSpec


def small_question(parts: Mapping[str, Dataset], run: RunSpec) -> dict[str, Dataset]:
    """Return the parts of a question that is made of training and validation rows alone.

    In the place of the holdout stand, of the new rows, those that tell when to stop and those that are not trained on;
    of the old rows, the training rows: the old model has learnt them, so has a candidate that uses all of them.

    Args:
        parts: Of the whole question.
        run: Which says how many rows are trained on, and whether those that are not may be scored.
    """
    new, old = parts["new_train"], parts.get("old_train")
    rows = new.rows if run.new_rows is None else run.new_rows
    held = parts["new_validation"]
    if run.spare and rows < new.rows:
        held = join(held, left_out(new, rows, run.seed))
    small = {
        "new_train": draw(new, rows, run.seed),
        "new_validation": parts["new_validation"],
        "new_holdout": looked_at("validation", held),
    }
    if old is not None:
        small["old_train"] = draw(old, old.rows if run.old_rows is None else run.old_rows, run.seed)
        small["old_holdout"] = looked_at("trained", old)
    return small
