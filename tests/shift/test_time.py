"""Drift in time: sudden, gradual, none; and columns of times of every kind."""

import re

import numpy as np
import pandas as pd
import pytest

from retrain_core.data.time_order import ROW_ORDER, orders
from retrain_core.errors import DataError
from retrain_core.shift.time import ALL_COLUMNS, MOST_LINES, time_shift
from retrain_core.shift.whole import measure_shift
from retrain_core.types import ShiftSettings, Table, TimeShift, from_json, to_json
from tests.benchmarks.time_alarms import alarms, out_of_band
from tests.shift.test_peers import SIDES


def table(rows: int, seed: int, start: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "step": np.arange(start, start + rows),
            "level": rng.normal(0, 1, rows),
            "tails": rng.standard_t(2, rows),
            "kind": rng.choice(["a", "b", "c"], rows),
            "town": rng.choice([f"town {i}" for i in range(200)], rows),
        }
    )


def line(found: TimeShift, name: str):
    return next(line for line in found.lines if line.name == name)


def test_a_sudden_change_is_seen_from_its_chunk_on():
    old, new = table(4_000, 0), table(4_000, 1, start=4_000)
    new.loc[2_000:, "level"] += 1.0
    found = time_shift(old, new, "step")
    assert found.lines[0].name == "level"
    assert out_of_band(found)[0].tolist() == [False] * 15 + [True] * 5
    assert np.mean(found.lines[0].values[15:]) == pytest.approx(1.0, abs=0.15)
    assert found.summary.startswith("From 6000 on, level left its band; most: level from ")
    assert [chunk.side for chunk in found.chunks] == ["old"] * 10 + ["new"] * 10
    assert found.chunks[15].start == "6000" and found.chunks[15].rows == 400


def by_rows(old: pd.DataFrame, new: pd.DataFrame) -> str:
    """Return what is said of the drift in the order of the file."""
    tables = (Table("old.csv", "", old), Table("new.csv", "", new))
    return measure_shift(*tables, schema=None, labels=(), settings=ShiftSettings(time=ROW_ORDER)).time.summary


def test_the_order_of_the_file_is_told_in_rows_that_count_from_one():
    old, new = (table(4_000, seed).drop(columns="step") for seed in (0, 1))
    new.loc[2_000:, "level"] += 1.0
    assert re.fullmatch(
        r"From row 2,001 of the new file on, level left its band; most: level in rows [23],\d01 to [234],\d00, "
        r"(\d\.\d\d) standard deviations where 0\.\d\d are to be expected at most\.",
        by_rows(old, new),
    )
    new.loc[2_000:, "level"] -= 1.0
    old.loc[1_200:1_599, "level"] += 2.0
    assert by_rows(old, new).endswith("among the old ones level did, first from row 1,201 of the old file.")


def test_all_columns_are_named_where_they_left_their_band_more_often_than_any_column():
    rng = np.random.default_rng(0)

    def side(move: float) -> pd.DataFrame:
        return pd.DataFrame(rng.normal(move, 1, (4_000, 12))).add_prefix("x").assign(step=range(4_000))

    old, new = side(0), side(0.12)
    new.loc[3_600:, "x0"] += 1.0
    found = time_shift(old, new, "step")
    assert re.search(
        r"\. All columns taken together left their band in (\d+) of 10 new chunks\.$", found.summary
    )
    new["x0"] += 1.0
    assert "taken together" not in time_shift(old, new, "step").summary


def test_only_what_could_be_an_order_is_offered_likely_ones_first():
    def side(year: str) -> Table:
        rng = np.random.default_rng(0)
        frame = pd.DataFrame(
            {
                "y": range(90),
                "height": rng.normal(0, 1, 90),
                "flag": rng.integers(0, 2, 90),
                "switch": rng.random(90) < 0.5,
                "town": rng.choice(["Ulm", "Bonn"], 90),
                "number": range(90),
                "day": pd.date_range(f"{year}-01-01", periods=90).astype(str),
            }
        )
        return Table(f"{year}.csv", "", frame)

    assert orders(side("2025"), side("2026"), ("y",)) == ("day", "number", "height", ROW_ORDER)


def test_a_gradual_drift_grows_and_leaves_the_band():
    old, new = table(6_000, 2), table(6_000, 3, start=6_000)
    new["level"] += np.linspace(0, 1.5, 6_000)
    values = line(time_shift(old, new, "step"), "level").values[10:]
    assert np.corrcoef(values, np.arange(10))[0, 1] > 0.95
    assert values[-1] == pytest.approx(1.43, abs=0.2)


def test_a_change_of_shares_is_seen():
    old, new = table(4_000, 4), table(4_000, 5, start=4_000)
    new.loc[3_200:, "kind"] = "a"
    found = time_shift(old, new, "step")
    assert found.lines[0].name == "kind" and out_of_band(found)[0].tolist() == [False] * 18 + [True] * 2


@pytest.mark.parametrize(("old_rows", "new_rows"), [(300, 200), (2_000, 500), (400, 1_500)])
def test_without_a_shift_the_band_holds(old_rows, new_rows):
    pages, chunks = alarms(old_rows, new_rows, trials=12)
    assert chunks < 0.005
    assert (
        pages <= 0.25
    )  # 3 of 12 tables: more would be rare if 5 % were the truth, which a benchmark measures


def test_ordinary_ups_and_downs_of_the_old_data_widen_the_band():
    old, new = table(4_000, 6), table(4_000, 7, start=4_000)
    steady = line(time_shift(old, new, "step"), "level").band
    for side in (old, new):
        side["level"] += np.tile(np.repeat([0.5, -0.5], 400), 5)
    found = time_shift(old, new, "step")
    assert not out_of_band(found).any()
    assert min(line(found, "level").band) > 2 * max(steady)


def test_one_old_chunk_unlike_the_others_is_seen():
    old, new = table(4_000, 8), table(4_000, 9, start=4_000)
    old.loc[1_200:1_599, "level"] += 2.0
    found = time_shift(old, new, "step")
    assert np.flatnonzero(out_of_band(found)[0]).tolist() == [3]
    assert found.summary == "No new chunk left its band; among the old ones level did, first from 1200."


@pytest.mark.parametrize("shuffled", [False, True])
def test_rows_are_put_in_order(shuffled):
    old, new = table(1_000, 10), table(1_000, 11, start=1_000)
    new.loc[500:, "level"] += 2.0
    if shuffled:
        old, new = old.sample(frac=1, random_state=0), new.sample(frac=1, random_state=1)
    assert time_shift(old, new, "step").summary.startswith("From 1500 on, level left its band")


@pytest.mark.parametrize(
    "times",
    [
        lambda steps: pd.Timestamp("2013-01-01") + pd.to_timedelta(steps // 10, "D"),
        lambda steps: (pd.Timestamp("2013-01-01") + pd.to_timedelta(steps // 10, "D")).strftime("%Y-%m-%d"),
        lambda steps: pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(steps // 10, "D"),
        lambda steps: pd.PeriodIndex(
            pd.Timestamp("2013-01-01") + pd.to_timedelta(steps // 10, "D"), freq="D"
        ),
    ],
)
def test_dates_of_every_type_are_read(times):
    old, new = table(1_000, 12), table(1_000, 13, start=1_000)
    new.loc[500:, "level"] += 2.0
    old["step"], new["step"] = times(old["step"].to_numpy()), times(new["step"].to_numpy())
    assert time_shift(old, new, "step").summary.startswith("From 2013-05-31 on, level left its band")


def test_numbers_as_text_are_in_the_order_of_numbers():
    old, new = table(1_000, 14), table(1_000, 15, start=1_000)
    found = time_shift(
        old.assign(step=old["step"].astype(str)), new.assign(step=new["step"].astype(str)), "step"
    )
    assert [chunk.start for chunk in found.chunks[:3]] == ["0", "100", "200"]


def test_missing_times_are_left_out_and_told():
    old, new = table(500, 16), table(500, 17, start=500)
    old["step"] = old["step"].astype(float)
    old.loc[:9, "step"] = np.nan
    found = time_shift(old, new, "step")
    assert found.summary.endswith(" 10 old rows without a time are left out.")
    assert sum(chunk.rows for chunk in found.chunks if chunk.side == "old") == 490


def test_without_any_time_there_is_no_order():
    old, new = table(100, 18), table(100, 19)
    found = time_shift(old, new.assign(step=np.nan), "step")
    assert not found.chunks and not found.lines
    assert found.summary == "There is no order of time: step has no readable value in the new data."
    both = time_shift(old.assign(step="soon"), new.assign(step="late"), "step")
    assert "no readable value in the old and new data" in both.summary


def test_constant_times_leave_the_order_of_the_file():
    found = time_shift(table(300, 20).assign(step=7), table(300, 21).assign(step=7), "step")
    assert found.summary.endswith("All times of a side are the same, so the order of the file counts.")
    assert len(found.chunks) == 20


def test_lines_are_few_and_all_columns_is_among_them():
    rng = np.random.default_rng(0)
    wide = [
        pd.DataFrame(rng.normal(0, 1, (400, 30))).rename(columns=str).assign(t=range(400)) for _ in range(2)
    ]
    names = [one.name for one in time_shift(*wide, "t").lines]
    assert len(names) == MOST_LINES and ALL_COLUMNS in names


def test_a_chosen_reading_counts():
    old, new = table(400, 22), table(400, 23)
    found = time_shift(old, new, "step", settings=ShiftSettings(readings={"level": "id", "tails": "id"}))
    assert {one.name for one in found.lines} == {"kind", "town", ALL_COLUMNS}


def test_columns_without_values_or_spread_break_nothing():
    old, new = table(300, 24), table(300, 25)
    for frame in (old, new):
        frame["none"], frame["same"], frame["far"] = np.nan, 3.0, np.inf
        frame["switch"] = frame["level"] > 0
        frame["gaps"] = frame["level"].where(frame.index < 35)  # later chunks have none
    found = time_shift(old, new, "step")
    assert {"none", "far"}.isdisjoint(one.name for one in found.lines)
    assert line(found, "gaps").values[5] is None
    assert from_json(to_json(found), TimeShift) == found


def test_few_rows_make_few_chunks():
    found = time_shift(table(75, 26), table(5, 27), "step")
    assert [chunk.side for chunk in found.chunks] == ["old", "old", "new"]


def test_a_column_that_is_not_there_is_an_error():
    with pytest.raises(DataError, match="The new data has no column 'step'"):
        time_shift(table(50, 28), table(50, 29).drop(columns="step"), "step")


@pytest.mark.parametrize("old", SIDES)
def test_no_column_breaks_the_page(old):
    for new in SIDES.values():
        sides = [pd.DataFrame({"odd": side, "steady": np.arange(30.0)}) for side in (SIDES[old], new)]
        assert time_shift(*sides, "steady").chunks  # the odd column is measured
        assert time_shift(*sides, "odd").summary  # the odd column is the time
