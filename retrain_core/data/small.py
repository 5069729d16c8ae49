"""A smaller question inside a question: fewer rows to train on, and rows to score on that are none of the holdout."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from retrain_core.data.chosen import choose, draw, parted
from retrain_core.data.encode import row_keys
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
    new, old, held = parts["new_train"], parts.get("old_train"), parts["new_validation"]
    rows = new.rows if run.new_rows is None else run.new_rows
    small = {"new_validation": held}
    if old is not None:
        small["old_train"] = draw(old, old.rows if run.old_rows is None else run.old_rows, run.seed)
        small["old_holdout"] = looked_at("trained", old)
    if run.spare and rows < new.rows:
        small["new_train"], spare = _spared(new, rows, run.seed, small.get("old_train"))
        held = join(held, spare)
    else:
        small["new_train"] = draw(new, rows, run.seed)
    return small | {"new_holdout": looked_at("validation", held)}


def _spared(new: Dataset, rows: int, seed: int, old: Dataset | None) -> tuple[Dataset, Dataset]:
    """Return so many new rows to train on, and those that have a copy neither among them nor among the old ones."""
    keys = row_keys(new.inputs)
    drawn, others = parted(keys, rows, seed)
    if old is not None:
        old_keys = row_keys({name: np.asarray(values) for name, values in old.inputs.items()})
        others = others[~np.isin(keys[others], old_keys)]
    return choose(new, drawn), choose(new, others)
