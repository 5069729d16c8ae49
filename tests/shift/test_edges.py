"""No column, however odd, stops the report; each says what is odd about it."""

import datetime
import decimal
import json
from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from retrain_core.errors import DataError
from retrain_core.figures.shift import column_distribution, column_effects
from retrain_core.shift import shift_json, shift_report, shift_table, threads
from retrain_core.shift.column_evidence import column_evidence
from retrain_core.shift.columns import is_usable, pair_columns
from retrain_core.shift.others import others_said
from retrain_core.shift.peers import peer_verdicts
from retrain_core.shift.time import time_shift
from retrain_core.types import Reading, ShiftReport, ShiftSettings, from_json, to_json

N = 120
RNG = np.random.default_rng(0)
NORMAL = RNG.normal(0, 1, N)
DAYS = pd.Series(pd.date_range("2026-01-01", periods=N))
NAMES = [f"customer {i}" for i in range(N)]

# What the column is: old side, new side, level, a part of its summary or findings.
ODD = {
    "the same": (NORMAL, NORMAL, "none", ""),
    "empty on both sides": ([None] * N, [None] * N, "none", "neither side has a usable value"),
    "empty in the new data": (NORMAL, [np.nan] * N, "major", "the new side has no usable value"),
    "empty in the old data": ([None] * N, ["a"] * N, "major", "the old side has no usable value"),
    "only infinite": ([np.inf] * N, [-np.inf] * N, "none", "neither side has a usable value"),
    "constant": (np.ones(N), np.ones(N), "none", ""),
    "constant, then another constant": (np.full(N, 0.1), np.full(N, 0.2), "major", "The old values were all the same"),
    "constant, then not": (np.full(N, 0.1), NORMAL, "major", "The old values were all the same"),
    "constant text": (["a"] * N, ["a"] * N, "none", ""),
    "some infinite": (NORMAL, np.where(NORMAL > 0, np.inf, NORMAL), "major", "Infinite values: 0 %"),
    "some missing": (NORMAL, np.where(np.arange(N) % 2, np.nan, NORMAL), "major", "Missing values: 0 % of the old"),
    "huge": (np.abs(NORMAL) * 1e300, NORMAL * 1e307, "none", "Infinite values"),
    "large": (NORMAL * 1e29, NORMAL * 1e29 + 1e29, "major", ""),
    "tiny": (NORMAL * 1e-300, NORMAL * 1e-300, "none", ""),
    "far from zero": (1e15 + NORMAL, 1e15 + NORMAL, "none", ""),
    "yes or no": ([True] * N, [True, False] * (N // 2), "major", "Share of"),
    "yes or no, then codes": ([True, False] * (N // 2), [1, 0] * (N // 2), "none", "The type changed"),
    "numbers, then text": (NORMAL, ["high", "low"] * (N // 2), "major", "The type changed"),
    "dates": (DAYS, DAYS + pd.Timedelta(days=N), "none", "Old rows are from 2026-01-01 to 2026-04-30, new rows from 2026-05-01"),
    "dates that are not all later": (DAYS, DAYS + pd.Timedelta(days=N // 2), "major", "Median 2026-03-01"),
    "text": (["a", "b"] * (N // 2), ["a", "c"] * (N // 2), "major", "New category: c (50 % of the new values)."),
    "vanished": (["a", "b"] * (N // 2), ["a"] * N, "major", "Vanished category: b (50 % of the old values)."),
    "names": (NAMES, NAMES[::-1], "none", "120 of the new values occur in the old data too"),
    "other names": (NAMES, [name.upper() for name in NAMES], "none", "0 of the new values occur in the old data too"),
    "lists": ([[1]] * N, [[1], [2]] * (N // 2), "major", "New category: [2]"),
    "hostile text": (["<script>alert(1)</script>\n\0"] * N, ["<b>"] * N, "major", "<script>"),
}  # fmt: skip


# Of any type that a file or a program may bring: values of one side; the other has the last two thirds.
HOURS = pd.Series(pd.date_range("2026-01-01", periods=N, freq="h"))
TYPES = {
    "whole numbers": np.arange(N, dtype=np.int16) ** 2 % 97,
    "whole numbers that may be missing": pd.array([*range(N - 1), None], dtype="Int64"),
    "unsigned": np.arange(N, dtype=np.uint64) + np.uint64(2**63),
    "single precision": NORMAL.astype(np.float32),
    "half precision": NORMAL.astype(np.float16),
    "numbers that may be missing": pd.array([*NORMAL[1:], None], dtype="Float64"),
    "Arrow numbers": pd.array([*NORMAL[1:], None], dtype="float64[pyarrow]"),
    "truth": np.arange(N) % 2 == 0,
    "truth that may be missing": pd.array([True, False, None] * (N // 3), dtype="boolean"),
    "truth as objects": [True, None] * (N // 2),
    "text": pd.array(["a", "b", None] * (N // 3), dtype="string"),
    "text as objects": np.array(["a", "b", None] * (N // 3), dtype=object),
    "categories": pd.Categorical(["a", "b", None] * (N // 3)),
    "categories that nobody has": pd.Categorical(["a"] * N, categories=["a", "b", "c"]),
    "ordered numbers": pd.Categorical([3, 1, 2] * (N // 3), ordered=True),
    "categories of dates": pd.Categorical(DAYS.astype("datetime64[s]")),
    "days in seconds": DAYS.astype("datetime64[s]"),
    "days in nanoseconds": DAYS.astype("datetime64[ns]"),
    "days of a zone": DAYS.dt.tz_localize("Europe/Berlin"),
    "some days": DAYS.where(np.arange(N) % 5 > 0),
    "far days": pd.Series(["0001-01-01", "9999-12-31"] * (N // 2)).astype("datetime64[s]"),
    "date objects": [datetime.date(2026, 1, 1) + datetime.timedelta(days=i) for i in range(N)],
    "time objects": [datetime.time(i % 24) for i in range(N)],
    "moments as objects": [datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), None] * (N // 2),
    "ISO days": DAYS.astype(str),
    "ISO moments": HOURS.dt.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    "ISO days and others": [*DAYS.astype(str)[5:], *["soon"] * 5],
    "months": pd.period_range("2000-01", periods=N, freq="M"),
    "months as objects": pd.Series(pd.period_range("2000-01", periods=N, freq="M")).astype(object),
    "durations": pd.to_timedelta(np.arange(N), "min"),
    "intervals": pd.interval_range(0, N),
    "mixed": [1, "a", None, 2.5, True, b"x"] * (N // 6),
    "numbers and text": [1, "1", 1.0, "one"] * (N // 4),
    "decimals": [decimal.Decimal(i) / 7 for i in range(N)],
    "huge whole numbers": [10**30 + i for i in range(N)],
    "bytes": [b"a", b"\xff", None] * (N // 3),
    "complex": NORMAL + 1j,
    "lists": [[i % 3, [i % 2]] for i in range(N)],
    "dictionaries": [{"a": i % 3} for i in range(N)],
    "sets": [{i % 3} for i in range(N)],
    "arrays": [np.arange(i % 3) for i in range(N)],
    "blank text": ["", " ", "\n"] * (N // 3),
    "long text": ["x" * 10_000, "y"] * (N // 2),
    "text like NaN": ["nan", "NaN", "None", "inf", "-inf", "1"] * (N // 6),
    "sparse": pd.arrays.SparseArray(np.arange(N) % 7.0),
}  # fmt: skip


@pytest.mark.parametrize("what", TYPES)
def test_a_column_of_any_type(what):
    side = pd.Series(TYPES[what], name="odd").reset_index(drop=True)
    old, new = (pd.DataFrame({"odd": part.array}) for part in (side, side[N // 3 :]))
    report = shift_report(old, new, label=None)
    _holds_together(report)
    assert column_distribution(report.columns[0]).to_json() and column_effects(report).to_json()
    assert report == shift_report(old, new, label=None)
    _holds_together(shift_report(old, new, label="odd"))
    _holds_together(shift_report(old, new.assign(odd=[str(value) for value in new["odd"]]), label=None))


@pytest.mark.parametrize("what", TYPES)
def test_a_column_of_any_type_read_in_any_way(what):
    side = pd.Series(TYPES[what], name="odd").reset_index(drop=True)
    frames = [
        pd.DataFrame({f"odd {reading}": part.array for reading in get_args(Reading)})
        for part in (side, side[N // 3 :])
    ]
    settings = ShiftSettings(readings={f"odd {reading}": reading for reading in get_args(Reading)})
    report = shift_report(*frames, label=None, settings=settings)
    _holds_together(report)
    for column in report.columns:  # as it was asked for, or it is said that it cannot be
        refused = any(finding.what == "reading" for finding in column.findings)
        assert column.reading == column.name.removeprefix("odd ") or refused


@pytest.mark.parametrize("reading", [None, "numeric", "categorical"])
@pytest.mark.parametrize("what", TYPES)
def test_rows_read_one_by_one_are_those_that_were_counted(what, reading):
    side = pd.Series(TYPES[what], name="odd").reset_index(drop=True)
    pair = pair_columns(side, side[N // 3 :], reading=reading)
    if pair.reading in ("id", "free text") and reading != pair.reading and pair.kind == "categorical":
        return  # names are counted, not listed
    rows = np.array([3, 5, 70])
    for read, held in zip(
        (pair.old, pair.new), pair.counts() if pair.categories else pair.values(), strict=True
    ):
        found = read[:]
        assert np.array_equal(read[rows], found[rows], equal_nan=pair.kind == "numeric")
        if pair.kind == "numeric":
            assert np.array_equal(np.sort(found[is_usable(found)]), held)
            assert np.isnan(found).sum() == read.missing
        else:
            assert np.array_equal(np.bincount(found[found >= 0], minlength=len(held)), held)
            assert (found < 0).sum() == read.missing


def _holds_together(report: ShiftReport) -> None:
    """Check that a report can be written, read and listed, and speaks in sentences."""
    assert from_json(to_json(report), ShiftReport) == report
    json.loads(to_json(shift_json(report)))
    assert len(shift_table(report)) == len(report.columns)
    for shift in (*report.columns, *report.labels):
        for sentence in (shift.summary, shift.reason, *(finding.text for finding in shift.findings)):
            assert sentence.endswith(".") and ".." not in sentence and "  " not in sentence
        assert np.isfinite(shift.effect)
        if shift.distribution is not None:
            sides = (shift.distribution.old, shift.distribution.new)
            for shares, beyond in zip(sides, shift.distribution.outside, strict=True):
                assert sum(shares) + beyond == pytest.approx(1, abs=1e-3) or not any(shares)


@pytest.mark.parametrize(
    "index", [[0] * N, np.arange(N)[::-1], pd.date_range("2026-01-01", periods=N), list("ab") * (N // 2)]
)
def test_the_index_of_a_table_does_not_matter(index):
    names = {"x": NORMAL, "word": ["a", "b"] * (N // 2), "id": np.arange(N), "day": DAYS.array}
    plain, odd = pd.DataFrame(names), pd.DataFrame(names).set_axis(index)
    assert shift_report(odd, odd[::2], label="word") == shift_report(plain, plain[::2], label="word")


def test_columns_measured_in_threads_are_measured_alike(monkeypatch):
    rng = np.random.default_rng(0)
    old, new = (
        pd.DataFrame(
            {"x": rng.normal(0, 1, 30_000), "word": rng.choice(["a", "b"], 30_000), "n": np.arange(30_000)}
        )
        for _ in range(2)
    )

    def measured():
        return shift_report(old, new, label="word"), peer_verdicts(old, new), time_shift(old, new, "n")

    beside = measured()
    monkeypatch.setattr(threads, "FEWEST_ROWS", 10**9)
    assert measured() == beside


def test_many_columns_of_few_rows():
    rng = np.random.default_rng(0)
    old, new = (pd.DataFrame(rng.normal(0, 1, (12, 400)).round(3)).add_prefix("x") for _ in range(2))
    for frame in (old, new):
        frame["t"] = list("abc") * 4
    report = shift_report(old, new, label=None)
    assert len(report.columns) == 401 and report.overall.level == "none"
    assert all(len(shift.distribution.old) <= 42 for shift in report.columns)


@pytest.mark.parametrize("what", ODD)
def test_an_odd_column(what):
    old, new, level, words = ODD[what]
    frames = [pd.DataFrame({"steady": NORMAL, "odd": side}) for side in (old, new)]
    report = shift_report(*frames, label=None)
    column = next(column for column in report.columns if column.name == "odd")
    assert column.level == level
    assert words in " ".join([column.summary, *(finding.text for finding in column.findings)])
    assert column.summary.endswith(".") and np.isfinite(column.effect)
    assert "nan" not in column.summary.lower()


@pytest.mark.parametrize("what", ODD)
def test_an_odd_label(what):
    old, new, _, _ = ODD[what]
    frames = [pd.DataFrame({"steady": NORMAL, "odd": side}) for side in (old, new)]
    report = shift_report(*frames, label="odd")
    assert [column.name for column in report.columns] == ["steady"]
    assert report.label.summary.endswith(".") and "nan" not in report.label.summary.lower()
    assert from_json(to_json(report), ShiftReport) == report
    json.loads(to_json(shift_json(report)))


def test_all_odd_columns_at_once():
    old = pd.DataFrame({what: pd.Series(sides[0]) for what, sides in ODD.items()})
    new = pd.DataFrame({what: pd.Series(sides[1]) for what, sides in ODD.items()})
    report = shift_report(old, new, label="text")
    assert len(report.columns) == len(ODD) - 1
    assert report == shift_report(old, new, label="text")


@pytest.mark.parametrize("rows", [(1, 1), (1, 50), (50, 1), (2, 3)])
def test_a_handful_of_rows_is_too_few_to_tell(rows):
    old, new = (pd.DataFrame({"x": np.arange(n) * 1.0, "y": ["a"] * n}) for n in rows)
    report = shift_report(old, new, label="y")
    assert report.overall.level == "none"
    assert report.overall.summary.endswith("shifts of 3 or more standard deviations would be seen.")
    assert report.multivariate.level is None and report.concept.level is None


def test_a_column_that_one_side_lacks_is_named_and_is_a_shift():
    old = pd.DataFrame({"x": NORMAL, "gone": NORMAL, "lost": NORMAL})
    new = pd.DataFrame({"x": NORMAL, "fresh": NORMAL})
    report = shift_report(old, new, label=None)
    assert report.overall.level == "minor"
    assert report.overall.summary.endswith(
        "Only the old data has gone and lost. Only the new data has fresh."
    )


def test_no_column_in_common():
    report = shift_report(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), label=None)
    assert report.overall.summary.startswith("Old and new data have no input column in common.")
    assert report.columns == ()


def test_no_column_in_common_but_the_label():
    old, new = (pd.DataFrame({name: NORMAL, "y": NORMAL + i}) for i, name in enumerate("ab"))
    said = shift_report(old, new, label="y").overall.summary
    assert said.startswith("Old and new data have no input column in common; the label's mean moved")


def test_how_little_few_rows_can_show_is_said_though_something_else_was_found():
    old = pd.DataFrame({"x": NORMAL, "z": NORMAL})
    said = shift_report(old, old[:2].assign(fresh=1), label=None).overall.summary
    assert said == (
        "None of the 2 columns moved enough to matter; with 2 new rows, at best shifts of 3 or more standard deviations "
        "would be seen. Only the new data has fresh."
    )
    many = pd.concat([old] * 9)
    assert "would be seen" not in shift_report(many, many + 100, label=None).overall.summary
    moved = shift_report(old[:30], old + 100, label=None).overall.summary
    assert (
        moved.startswith("All 2 columns moved; ")
        and "with 30 old rows, only shifts of 0.83 standard" in moved
    )


def test_where_values_went_missing_that_is_what_moved():
    old = pd.DataFrame({"x": NORMAL, "income": NORMAL})
    report = shift_report(old, old.assign(income=old["income"].where(old.index % 2 == 0)), label=None)
    assert report.overall.summary.startswith(
        "1 of 2 columns moved: the share of missing values of income (1.3"
    )
    moved = replace(report, others=report.columns)
    assert "most the share of missing values of income (1.3" in others_said(moved)


@pytest.mark.parametrize("side", ["old", "new"])
def test_labels_on_one_side_only(side):
    frames = {"old": pd.DataFrame({"x": NORMAL, "y": 1}), "new": pd.DataFrame({"x": NORMAL, "y": 1})}
    frames[side] = frames[side].drop(columns="y")
    report = shift_report(frames["old"], frames["new"], label="y")
    assert report.label.level is None
    assert report.label.summary == f"It cannot be told: the {side} data has no column y."
    assert report.concept.level is None
    assert report.overall.level == "none"  # a missing label is no movement


def test_a_label_that_neither_side_has_is_the_users_mistake():
    with pytest.raises(
        DataError, match=r"Neither the old nor the new data has a column 'z'\..*The columns .* are: x\."
    ):
        shift_report(pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [1]}), label="z")


def test_sides_without_rows_are_refused():
    with pytest.raises(DataError, match="The new data has no rows"):
        shift_report(pd.DataFrame({"x": [1]}), pd.DataFrame({"x": []}), label=None)


def test_two_columns_of_one_name_are_refused():
    twice = pd.DataFrame([[1, 2]], columns=["x", "x"])
    with pytest.raises(DataError, match="columns of the same name: x"):
        shift_report(twice, twice, label=None)


def test_columns_called_by_numbers_or_like_parts_of_the_report():
    frame = pd.DataFrame({0: NORMAL, "label": NORMAL, "concept": NORMAL, "multivariate": NORMAL})
    report = shift_report(frame, frame.assign(label=NORMAL + 3), label=None)
    assert {column.name: column.level for column in report.columns} == {
        "label": "major",
        "0": "none",
        "concept": "none",
        "multivariate": "none",
    }


def test_hundreds_of_columns():
    rng = np.random.default_rng(1)
    old, new = (pd.DataFrame(rng.normal(0, 1, (150, 300))).add_prefix("x") for _ in range(2))
    new["x7"] += 2
    new["y"], old["y"] = rng.integers(0, 2, 150), rng.integers(0, 2, 150)
    report = shift_report(old, new, label="y")
    assert report.columns[0].name == "x7" and report.columns[0].level == "major"
    assert sum(column.level != "none" for column in report.columns) <= 5


@pytest.mark.parametrize("rows", [(1_000, 20), (30, 30), (30, 20_000)])
def test_values_outside_the_old_range_are_no_finding_by_chance(rows):
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(300):
        old, new = (pd.Series(rng.normal(0, 1, n), name="x") for n in rows)
        found += any(remark.what == "range" for remark in column_evidence(pair_columns(old, new)).findings)
    assert found <= 3


def test_what_can_be_found_in_a_column_is_said_alike_wherever_it_stands():
    rng = np.random.default_rng(0)
    old, new = (pd.DataFrame(rng.normal(0, 1, (400, 4))).add_prefix("x") for _ in range(2))
    for frame in (old, new):
        frame["y"] = rng.normal(0, 1, 400)
        frame.loc[:9, "x0"] = np.nan
    report = shift_report(old, new, label="y")
    for shift in (*report.columns, *report.labels):
        assert shift.detectable == shift.measures["effect_size"].detectable


def test_a_label_that_moved_too_little_to_matter_says_so():
    rng = np.random.default_rng(0)
    old, new = (pd.DataFrame({"x": rng.normal(0, 1, 200_000)}) for _ in range(2))
    old["y"], new["y"] = (rng.random(200_000) < share for share in (0.5, 0.515))
    (label,) = shift_report(old, new, label="y").labels
    assert label.level == "none" and label.summary.endswith("Real, but negligible.")


def test_a_rate_that_moved_stands_with_its_own_interval_and_p():
    rng = np.random.default_rng(1)
    old, new = (pd.DataFrame({"x": rng.normal(0, 1, 5_000)}) for _ in range(2))
    old.loc[:49, "x"], new.loc[:174, "x"] = np.inf, np.inf
    report = shift_report(old, new, label=None)
    (column,), row = report.columns, shift_table(report).iloc[0]
    rate = column.measures["infinite_rate"]
    assert column.effect == rate.d > column.measures["effect_size"].value
    assert row["95 % from"] < row["effect (sd)"] < row["95 % to"] < 0.1
    assert row["adjusted p"] == "< 0.001" and column.measures["ks"].p_adjusted > 0.05
    assert "Real" not in column.summary  # the values are as they were; a finding tells of the rate
    assert "Infinite values: 1 % of the old rows, 3.5 % of the new." in [f.text for f in column.findings]
