"""The split where the user names a column: of times, of ids, or both."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrain_core.data import split
from retrain_core.data.by_time import in_order
from retrain_core.data.groups import groups, tied, ties_of
from retrain_core.data.marks import Marks, marks_of
from retrain_core.data.part_of import ALIKE
from retrain_core.data.time_order import ROW_ORDER
from retrain_core.errors import DataError
from retrain_core.types import SplitSettings, Table
from tests.data.test_split import SCHEMA, data, values

TIMED, OF_ONE, BOTH = SplitSettings(time="day"), SplitSettings(id="who"), SplitSettings(time="day", id="who")
HELD = ("new_holdout", "old_holdout")
USED = ("new_train", "new_validation", "old_train")


def ids(numbers: np.ndarray) -> np.ndarray:
    return numbers.astype(str)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    people=st.integers(1, 400),
    distinct=st.integers(2, 2_000),
    named=st.sampled_from([TIMED, OF_ONE, BOTH]),
    own=st.booleans(),
)
def test_no_group_straddles_and_no_part_is_empty(
    seed: int, people: int, distinct: int, named: SplitSettings, own: bool
) -> None:
    rng = np.random.default_rng(seed)
    rows = {"new": 200, "old": 240} | ({"holdout": 30} if own else {})
    found = {side: data(rng.integers(0, distinct, count)) for side, count in rows.items()}
    marks = Marks(
        {side: rng.integers(0, 50, rows[side]).astype(float) for side in ("new", "old")}
        if named.time
        else {},
        {side: ids(rng.integers(0, people, count)) for side, count in rows.items()} if named.id else {},
    )
    try:
        done = split(SCHEMA, **found, settings=named, marks=marks)
    except DataError as error:
        assert "No row is left" in error.what and (own or named.id or distinct < 60)
        return
    ties = ties_of(found, marks.ids)
    parts = {
        name: ties["holdout" if own and name == "new_holdout" else name.split("_")[0]][chosen]
        for name, chosen in done.parts.items()
    }
    assert all(len(chosen) for chosen in parts.values())
    first = 0 if ALIKE not in done.summary.notes else 1  # copies may stand apart then, rows of one id never
    apart = [*itertools.product(USED, HELD), ("new_train", "new_validation"), ("old_train", "new_validation")]
    for one, other in apart:
        assert not tied(parts[one][:, first:], parts[other][:, first:]).any()
    if own:
        assert not any(tied(parts[name], parts["new_holdout"]).any() for name in USED)


def test_the_latest_rows_are_held_out_and_those_before_them_validate() -> None:
    new, old = data(np.arange(200.0)), data(np.arange(1000.0, 1100.0))
    times = {"new": np.arange(200.0)[::-1].copy(), "old": np.arange(100.0)}
    done = split(SCHEMA, new, old, settings=TIMED, marks=Marks(times))
    sizes = {"new_train": 130, "new_validation": 30, "new_holdout": 40, "old_train": 80, "old_holdout": 20}
    assert done.summary.rows == sizes
    order = [times["new"][done.parts[name]] for name in ("new_train", "new_validation", "new_holdout")]
    assert np.concatenate(order).tolist() == list(range(200))  # in order of time, which incremental follows
    assert times["old"][done.parts["old_holdout"]].tolist() == list(range(80, 100))
    assert "'day'" in done.summary.notes[0]


def test_the_seed_changes_nothing_in_a_split_by_time() -> None:
    new, times = data(np.arange(200.0)), {"new": np.arange(200.0) % 17}
    hashes = {
        split(SCHEMA, new, settings=SplitSettings(seed, "day"), marks=Marks(times)).summary.holdout.sha256
        for seed in range(3)
    }
    assert len(hashes) == 1


@settings(max_examples=100, deadline=None)
@given(times=st.lists(st.integers(0, 12), min_size=20, max_size=120))
def test_rows_of_one_time_are_torn_apart_only_if_a_part_would_be_far_too_small_or_large(
    times: list[int],
) -> None:
    moments = np.array(times, dtype=float)
    part, torn = in_order(moments, 0.2, 0.15)
    assert set(part) == {0, 1, 2}
    for earlier, later in ((0, 1), (1, 2)):
        assert moments[part == earlier].max() <= moments[part == later].min()
    shared = any(len(set(part[moments == moment])) > 1 for moment in set(times))
    assert shared == torn
    if not torn:
        assert 0.1 <= (part == 2).mean() <= 0.4


def test_days_stay_whole() -> None:
    days = np.repeat(np.arange(10.0), [25, 15, 20, 20, 20, 22, 18, 23, 17, 20])
    part, torn = in_order(days, 0.2, 0.15)
    assert not torn and all(len(set(part[days == day])) == 1 for day in range(10))


def test_a_customer_who_comes_again_is_not_trained_on() -> None:
    new = data(np.arange(200.0))
    who = np.arange(200)
    who[:5] = who[-5:]  # the first five rows are of the last five customers
    done = split(SCHEMA, new, settings=BOTH, marks=Marks({"new": np.arange(200.0)}, {"new": ids(who)}))
    assert done.parts["new_train"].min() == 5 and done.summary.rows["new_holdout"] == 40
    assert any(note.startswith("5 rows are left out") and "'who'" in note for note in done.summary.notes)


def test_copies_are_let_be_if_hardly_a_row_comes_once() -> None:
    new = data(np.arange(200) % 25)
    done = split(SCHEMA, new, settings=TIMED, marks=Marks({"new": np.arange(200.0)}))
    assert ALIKE in done.summary.notes and done.summary.rows["new_train"] == 130


def test_rows_of_one_id_are_refused_rather_than_torn_apart() -> None:
    new, who = data(np.arange(200.0)), Marks(ids={"new": ids(np.arange(200) % 2)})
    with pytest.raises(DataError, match="or have the 'who' of one"):
        split(SCHEMA, new, settings=OF_ONE, marks=who)


def test_large_groups_leave_the_parts_their_shares() -> None:
    rng = np.random.default_rng(0)
    who = np.concatenate([np.zeros(300, int), (120 * rng.random(700) ** 3).astype(int) + 1])
    new = data(np.arange(1000.0))
    for seed in range(10):
        rows = split(
            SCHEMA, new, settings=SplitSettings(seed, id="who"), marks=Marks(ids={"new": ids(who)})
        ).summary.rows
        assert 150 <= rows["new_holdout"] <= 250 and 100 <= rows["new_validation"] <= 200


def test_ids_of_the_old_data_follow_those_of_the_new() -> None:
    new, old = data(np.arange(200.0)), data(np.arange(1000.0, 1200.0))
    marks = Marks(ids={"new": ids(np.arange(200)), "old": ids(np.arange(100, 300))})
    parts = split(SCHEMA, new, old, settings=OF_ONE, marks=marks).parts
    held = set(parts["new_holdout"])
    assert {row + 100 for row in parts["old_holdout"] if row < 100} == {row for row in held if row >= 100}


def test_ids_of_a_holdout_file_are_not_trained_on() -> None:
    new, held = data(np.arange(200.0)), data(np.arange(500.0, 520.0))
    marks = Marks(ids={"new": ids(np.arange(200)), "holdout": ids(np.arange(190, 210))})
    done = split(SCHEMA, new, None, held, settings=OF_ONE, marks=marks)
    assert not {*done.parts["new_train"], *done.parts["new_validation"]} & set(range(190, 200))
    assert any(
        "10 new rows are copies of holdout rows or have the 'who' of one" in n for n in done.summary.notes
    )


def test_ids_of_which_each_stands_once_change_nothing() -> None:
    new, old = data(np.arange(300.0)), data(np.arange(200.0, 500.0))
    marks = Marks(ids={"new": ids(np.arange(300)), "old": ids(np.arange(300, 600))})
    named = split(SCHEMA, new, old, settings=SplitSettings(4, id="who"), marks=marks)
    assert named.summary.holdout == split(SCHEMA, new, old, settings=SplitSettings(4)).summary.holdout


def test_without_a_named_column_the_split_is_what_it_always_was() -> None:
    rng = np.random.default_rng(3)
    new, old = data(rng.integers(0, 300, 400)), data(rng.integers(0, 300, 500))
    held = data(rng.integers(250, 320, 40))
    found = [split(SCHEMA, new, old, own, settings=SplitSettings(7)) for own in (None, held)]
    assert [done.summary.holdout.sha256[:16] for done in found] == ["36eb723c0d263848", "cc08d98cb265854d"]
    assert [[int(rows.sum()) for rows in done.parts.values()] for done in found] == [
        [50539, 11150, 18111, 86165, 26636],
        [66673, 8100, 780, 96294, 5911],
    ]


def test_groups_reach_over_both_sides_and_a_missing_id_ties_nothing() -> None:
    found = {"new": data(np.array([1.0, 2.0, 3.0])), "old": data(np.array([2.0, 4.0, 5.0]))}
    ties = ties_of(found, {"new": np.array(["a", "a", ""]), "old": np.array(["b", "b", ""])})
    keys = groups(ties)
    assert (
        len(set(keys["new"][:2]) | set(keys["old"][:2])) == 1
    )  # 1 and 2 by a, 2 and 2 by inputs, 2 and 4 by b
    assert len({keys["new"][0], keys["new"][2], keys["old"][2]}) == 3


# --- what the columns say -------------------------------------------------------------------------


def marked(named: SplitSettings, **columns: object) -> Marks:
    table = Table("new.csv", "", pd.DataFrame(columns))
    return marks_of(named, {"new": table}, {"new": np.arange(table.rows)})


def test_dates_numbers_and_the_order_in_the_file_put_rows_in_order() -> None:
    dates = marked(TIMED, day=["2024-01-02", "2024-01-01"] * 10).times["new"]
    assert dates[1] < dates[0]
    assert marked(TIMED, day=[3, 1]).times["new"].tolist() == [3, 1]
    assert marked(SplitSettings(time=ROW_ORDER), x=[5, 5, 5]).times["new"].tolist() == [0, 1, 2]


def test_ids_are_alike_however_they_are_written() -> None:
    assert marked(OF_ONE, who=[10.0, 11.0, None]).ids["new"].tolist() == ["10", "11", ""]


def test_what_is_in_no_order_or_not_there_is_refused() -> None:
    with pytest.raises(DataError, match=r"does not put the rows in order of time.*In 20 of 20 rows"):
        marked(TIMED, day=["monday", "tuesday"] * 10)
    for named in (TIMED, OF_ONE):
        with pytest.raises(DataError, match="has no column"):
            marked(named, x=[1])


@pytest.mark.parametrize("named", [SplitSettings(time="y"), SplitSettings(id="y")])
def test_the_label_says_neither_when_nor_whose(named: SplitSettings) -> None:
    with pytest.raises(DataError, match="'y' is the label"):
        split(SCHEMA, data(np.arange(200.0)), settings=named)


def test_rows_without_a_time_are_left_out_and_told() -> None:
    times = np.arange(200.0)
    times[[3, 199]] = np.nan
    done = split(SCHEMA, data(np.arange(200.0)), settings=TIMED, marks=Marks({"new": times}))
    assert not {3, 199} & set(np.concatenate(list(done.parts.values())))
    assert any(note.startswith("2 rows without a time in 'day'") for note in done.summary.notes)


def test_a_holdout_file_leaves_all_new_rows_in_order_to_training_and_early_stopping() -> None:
    new, held = data(np.arange(200.0)), data(np.arange(190.0, 210.0))
    done = split(SCHEMA, new, None, held, settings=TIMED, marks=Marks({"new": np.arange(200.0)}))
    assert done.summary.rows == {"new_train": 162, "new_validation": 28, "new_holdout": 20}
    assert values(new, done.parts["new_validation"]) == set(range(162, 190))
    assert "the latest new rows are kept for early stopping" in done.summary.notes[0]
