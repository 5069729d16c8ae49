"""The smaller question of a quick look: training rows alone, and nothing scored that was trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retrain_core.data.chosen import parted
from retrain_core.data.small import small_question
from retrain_core.types import Dataset, RunSpec

PARTS = {"new_train": 100, "new_validation": 20, "new_holdout": 30, "old_train": 200, "old_holdout": 50}


def parts() -> dict[str, Dataset]:
    """Return parts whose targets are numbers of their own."""
    found, start = {}, 0
    for name, rows in PARTS.items():
        numbers = np.arange(start, start + rows, dtype=np.int32)
        found[name] = Dataset({"row": numbers[:, None]}, numbers, "multiclass", (), name)
        start += rows
    return found


def run(spare: bool, new_rows: int | None = 40, old_rows: int | None = 60) -> RunSpec:
    return RunSpec(
        "quick_keep-0", "e", "keep", {}, 3, work="quick", new_rows=new_rows, old_rows=old_rows, spare=spare
    )


def rows(data: Dataset) -> set[int]:
    assert np.array_equal(np.asarray(data.inputs["row"])[:, 0], data.targets)
    return set(data.targets.tolist())


def test_no_row_of_the_holdout_is_in_any_part() -> None:
    whole = parts()
    held = rows(whole["new_holdout"]) | rows(whole["old_holdout"])
    for spare in (True, False):
        assert not any(rows(part) & held for part in small_question(whole, run(spare)).values())


def test_new_rows_that_are_not_trained_on_are_scored_if_they_may_be() -> None:
    whole = parts()
    small = small_question(whole, run(spare=True))
    trained, scored = rows(small["new_train"]), rows(small["new_holdout"])
    assert len(trained) == 40 and trained | scored == rows(whole["new_train"]) | rows(whole["new_validation"])
    assert not trained & scored
    assert rows(small_question(whole, run(spare=False))["new_holdout"]) == rows(whole["new_validation"])
    assert rows(small["new_validation"]) == rows(whole["new_validation"])


@pytest.mark.parametrize("seed", range(3))
def test_no_copy_of_a_row_that_is_trained_on_is_scored(seed: int) -> None:
    whole = parts()
    for name in ("new_train", "old_train"):
        numbers = np.sort(whole[name].targets // 4)
        whole[name] = replace(whole[name], inputs={"row": numbers[:, None]}, targets=numbers)
    whole["old_train"].targets[:4] = whole["new_train"].targets[-1]  # the inputs are the same array
    small = small_question(whole, replace(run(spare=True, old_rows=199), seed=seed))
    scored = small["new_holdout"].targets[PARTS["new_validation"] :]
    assert small["new_train"].rows == 40 and len(scored) in (56, 60)
    assert not set(scored.tolist()) & (rows(small["new_train"]) | rows(small["old_train"]))


def test_equal_rows_are_drawn_together_and_no_more_often_than_others() -> None:
    keys = np.concatenate([np.zeros(100), np.arange(1, 101)]).astype(np.uint64)
    first = [0 in keys[parted(keys, 20, seed)[0]] for seed in range(200)]
    assert 0.1 < np.mean(first) < 0.32  # 20 of 101 groups


def test_old_rows_are_drawn_alike_and_all_are_scored() -> None:
    whole = parts()
    small = small_question(whole, run(spare=True))
    assert len(rows(small["old_train"])) == 60 and rows(small["old_train"]) < rows(whole["old_train"])
    assert rows(small["old_holdout"]) == rows(whole["old_train"])
    more = small_question(whole, run(spare=True, new_rows=80, old_rows=120))
    assert rows(small["old_train"]) < rows(more["old_train"]) and rows(small["new_train"]) < rows(
        more["new_train"]
    )


def test_all_rows_and_no_old_ones() -> None:
    whole = parts()
    del whole["old_train"], whole["old_holdout"]
    small = small_question(whole, run(spare=True, new_rows=None))
    assert rows(small["new_train"]) == rows(whole["new_train"])
    assert rows(small["new_holdout"]) == rows(whole["new_validation"]) and "old_holdout" not in small
