"""Rows as numbers: what goes in, what stays out, and copies in one fold."""

import numpy as np
import pandas as pd

from retrain_core.shift.columns import ColumnPair, pair_columns
from retrain_core.shift.features import (
    MOST_COLUMNS,
    MOST_ROWS,
    Features,
    build_features,
    keep_rows,
    sample_rows,
    with_bends,
)
from retrain_core.shift.multivariate import check_domain
from retrain_core.shift.ridge import cross_fit


def pairs(old: pd.DataFrame, new: pd.DataFrame, **readings: str) -> list[ColumnPair]:
    """Return the columns of both sides, some of them read as is said."""
    return [pair_columns(old[name], new[name], reading=readings.get(name)) for name in old]


def features(old: pd.DataFrame, new: pd.DataFrame, **readings: str) -> Features:
    return build_features(pairs(old, new, **readings), sample_rows(len(old), len(new)))


def normal(seed: int, rows: int, columns: int) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(0, 1, (rows, columns))).add_prefix("x")


def test_columns_that_number_or_date_the_rows_stay_out():
    old, new = normal(0, 200, 2), normal(1, 150, 2)
    for side, start in ((old, 0), (new, 10_000)):
        side["number"] = start + np.arange(len(side))
        side["day"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(side["number"], unit="D")
    assert check_domain(features(old, new, number="numeric")).auc.value > 0.95
    told = features(old, new)
    assert told.names == ("x0", "x1") and check_domain(told).auc.p > 0.05


def test_of_free_text_the_frequent_words_go_in():
    rng = np.random.default_rng(2)

    def texts(rows: int, word: str) -> pd.DataFrame:
        return pd.DataFrame(
            {"said": [f"No {i}: the {rng.choice(['room', word])} was {i % 7}" for i in range(rows)]}
        )

    old, new = texts(300, "view"), texts(200, "food")
    told = features(old, new)
    assert check_domain(told).drivers[0][0].startswith("said") and check_domain(told).auc.p < 0.001
    assert check_domain(features(old, texts(200, "view"))).auc.p > 0.01


def test_copies_of_a_row_share_a_fold_on_both_sides_and_when_rows_are_left_out():
    frame = normal(3, 80, 3)
    told = features(pd.concat([frame, frame]), frame)
    assert len(np.unique(told.group)) == 80
    for part in (told, keep_rows(told, np.arange(0, 240, 3))):
        folds = part.folds()
        assert all(len(set(folds[part.group == group])) == 1 for group in np.unique(part.group))
    assert (keep_rows(told, np.arange(0, 240, 3)).folds() == told.folds()[::3]).all()


def test_rows_that_are_alike_because_there_is_little_to_differ_in_are_no_copies():
    rng = np.random.default_rng(6)

    def side(rows: int, share: float) -> pd.DataFrame:
        first = np.where(rng.random(rows) < share, "a", "b")
        return pd.DataFrame(
            {"kind": first, "size": rng.choice(["s", "m", "l"], rows), "flag": rng.random(rows) < 0.5}
        )

    told = features(side(400, 0.5), side(300, 0.8))
    assert len(np.unique(told.group)) == 700
    assert check_domain(told).auc.p < 0.001


def test_bends_let_a_model_follow_a_curve_and_leave_what_is_yes_or_no_alone():
    frame = normal(8, 1_000, 1).assign(flag=np.arange(1_000) % 2)
    told = features(frame, frame[:50])
    bent = with_bends(told)
    assert bent.matrix.shape[1] == told.matrix.shape[1] + 3 and set(bent.owner[-3:]) == {0}
    curve = np.sin(2 * told.matrix[:, :1])
    missed = [
        float(np.mean((curve - cross_fit(some.matrix, curve, some.owner, some.folds())) ** 2))
        for some in (told, bent)
    ]
    assert missed[1] < missed[0] / 2


def test_no_more_rows_are_looked_at_than_are_needed():
    frame = pd.DataFrame({"x": np.arange(3.0 * MOST_ROWS)})
    told = features(frame, frame[:40])
    assert told.rows == (MOST_ROWS, 40)


def test_of_a_wide_table_the_columns_that_moved_go_in():
    old, new = normal(4, 400, 3 * MOST_COLUMNS), normal(5, 300, 3 * MOST_COLUMNS)
    new["x500"] += 1
    told = features(old, new)
    assert len(told.names) == MOST_COLUMNS and told.offered == 3 * MOST_COLUMNS and "x500" in told.names
    check = check_domain(told)
    assert (
        check.drivers[0][0] == "x500"
        and check.auc.p < 0.001
        and check.taken == (MOST_COLUMNS, 3 * MOST_COLUMNS)
    )


def test_choosing_columns_that_moved_makes_no_shift_out_of_chance():
    p = [
        check_domain(features(normal(2 * seed, 150, 250), normal(2 * seed + 1, 150, 250))).auc.p
        for seed in range(20)
    ]
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 20)
