"""Rows of like label look alike under a label shift, however their numbers changed; else they do not."""

import numpy as np
import pandas as pd
import pytest

from retrain_core.shift.estimate import Estimate
from retrain_core.shift.labels import pair_labels
from retrain_core.shift.together import Together, check_together
from retrain_core.types import Task
from tests.benchmarks.shift_kinds import KINDS, TASKS, World
from tests.shift.test_features import pairs

TRIALS = 40
QUIET = 0.05 + 3 * np.sqrt(0.05 * 0.95 / TRIALS)


def checked(old: pd.DataFrame, new: pd.DataFrame, labels: tuple[str, ...], task: Task) -> Together:
    columns = [name for name in old if name not in labels]
    answers = [pair_labels(old[name], new[name], task) for name in labels]
    return check_together(pairs(old[columns], new[columns]), answers, (len(old), len(new)))


def given_label(old: pd.DataFrame, new: pd.DataFrame, task: Task, *labels: str) -> Estimate:
    found = checked(old, new, labels, task).labelled
    assert found is not None and found.given_label is not None and found.given_label.p is not None
    return found.given_label


def sides(seed: int, task: Task, kind: str, rows: tuple[int, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng, world = np.random.default_rng(seed), World(task, curved=True, rare=False, move=1.0, turn=1.5)
    return world.side(rng, rows[0], "none"), world.side(rng, rows[1], next(k for k in KINDS if k == kind))


def alarms(estimates: list[Estimate]) -> float:
    return float(np.mean([estimate.p < 0.05 for estimate in estimates]))


@pytest.mark.parametrize("task", TASKS)
def test_a_label_shift_leaves_rows_of_like_label_alike(task: Task) -> None:
    found = [given_label(*sides(seed, task, "label", (250, 200)), task, "y") for seed in range(TRIALS)]
    assert alarms(found) <= QUIET


def strong(rng: np.random.Generator, rows: int, move: float) -> pd.DataFrame:
    """Return columns that nearly give the label away, in a straight line and in a curve."""
    y = rng.normal(move, 1, rows)
    frame = pd.DataFrame({f"x{i}": y + rng.normal(0, 0.4, rows) for i in range(3)})
    return frame.assign(curve=y**2 + rng.normal(0, 1, rows), y=y)


def test_nor_does_it_where_tenths_of_a_number_are_wide_and_columns_follow_it_closely() -> None:
    found = []
    for seed in range(TRIALS):
        rng = np.random.default_rng(seed)
        found.append(given_label(strong(rng, 400, 0), strong(rng, 400, 1), "regression", "y"))
    assert alarms(found) <= QUIET


def tags(rng: np.random.Generator, rows: int, more: float, turn: float = 1.0) -> pd.DataFrame:
    """Return three labels that go together, and columns that follow them."""
    red = rng.random(rows) < 0.3 + more
    green = rng.random(rows) < np.where(red, 0.6, 0.3)
    blue = rng.random(rows) < 0.1 + more / 2
    frame = pd.DataFrame({"red": red, "green": green, "blue": blue}).astype(int)
    frame["x0"], frame["x1"] = (
        turn * red + rng.normal(0, 1, rows),
        green - red * 1.0 + rng.normal(0, 1, rows),
    )
    return frame


def test_nor_does_it_with_several_labels() -> None:
    found = []
    for seed in range(TRIALS):
        rng = np.random.default_rng(seed)
        found.append(
            given_label(tags(rng, 300, 0), tags(rng, 250, 0.2), "multilabel", "red", "green", "blue")
        )
    assert alarms(found) <= QUIET
    rng = np.random.default_rng(0)
    turned = given_label(
        tags(rng, 900, 0), tags(rng, 900, 0.2, turn=-1), "multilabel", "red", "green", "blue"
    )
    assert turned.p < 0.001


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", ["covariate", "concept", "mixed"])
def test_other_shifts_do_not(task: Task, kind: str) -> None:
    """Also where the label turns round and rows of all labels together stay as they were."""
    assert given_label(*sides(1, task, kind, (1_500, 1_500)), task, "y").p < 0.01


def test_labels_of_one_side_only_are_left_out() -> None:
    rng = np.random.default_rng(1)
    old, new = (
        pd.DataFrame({"x": rng.normal(0, 1, 400), "y": rng.choice(["a", "b"], 400)}) for _ in range(2)
    )
    new.loc[:199, "y"], new.loc[:199, "x"] = "c", 9.0
    assert given_label(old, new, "multiclass", "y").p > 0.01
    found = checked(old, new.assign(y="c"), ("y",), "multiclass").labelled
    assert found is not None and found.given_label is None


def test_a_row_without_a_label_is_left_out() -> None:
    rng = np.random.default_rng(2)
    old, new = (pd.DataFrame({"x": rng.normal(0, 1, 500), "y": rng.normal(0, 1, 500)}) for _ in range(2))
    new.loc[new.index % 2 == 0, ["x", "y"]] = [8.0, np.nan]
    found = checked(old, new, ("y",), "regression")
    assert found.domain is not None and found.domain.auc.p < 0.001
    assert found.labelled is not None and found.labelled.features.rows == (500, 250)
    assert found.labelled.given_label.p > 0.01 and found.concept.change.p > 0.01
