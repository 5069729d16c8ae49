"""Both sides of a column are read alike, whatever the file made of them."""

import datetime

import numpy as np
import pandas as pd
import pytest

from retrain_core.shift.columns import pair_columns


def pair(old, new, **options):
    return pair_columns(pd.Series(old, name="column"), pd.Series(new, name="column"), **options)


MANY = [n * n for n in range(100)]
KINDS = {
    "numbers": (np.linspace(0, 1, 50), "numeric"),
    "whole numbers of many values": (MANY, "numeric"),
    "codes": ([0, 1, 2] * 20, "categorical"),
    "codes as floats, for some are missing": ([0.0, 1.0, np.nan] * 20, "categorical"),
    "few rows of whole numbers": ([1, 2, 3], "numeric"),
    "text": (["a", "b"], "categorical"),
    "yes or no": ([True, False], "categorical"),
    "yes or no with gaps": (pd.array([True, None], dtype="boolean"), "categorical"),
    "nullable whole numbers": (pd.array([*MANY, None], dtype="Int64"), "numeric"),
    "categories": (pd.Categorical([1, 2, 3]), "categorical"),
    "dates": (pd.date_range("2026-01-01", periods=9), "numeric"),
    "dates of a zone": (pd.date_range("2026-01-01", periods=9, tz="Europe/Berlin"), "numeric"),
    "plain dates": ([datetime.date(2026, 1, 1), datetime.date(2026, 1, 2)], "numeric"),
    "months": (pd.period_range("2026-01", periods=9, freq="M"), "numeric"),
    "durations": (pd.to_timedelta(np.arange(9), "h"), "numeric"),
    "lists": ([[1], [2]], "categorical"),
    "complex numbers": (np.array([1 + 2j, 3]), "categorical"),
    "nothing": ([None, None], "numeric"),
}


@pytest.mark.parametrize("what", KINDS)
def test_kind(what):
    values, kind = KINDS[what]
    read = pair(values, values)
    assert read.kind == kind
    assert np.array_equal(read.old[:], read.new[:], equal_nan=kind == "numeric")


def test_the_user_decides_how_codes_are_read():
    assert pair([0, 1] * 20, [1, 1] * 20, kind="numeric").kind == "numeric"
    assert pair(MANY, MANY, kind="categorical").categories[:3] == ("0", "1", "4")


def test_text_cannot_be_read_as_numbers_even_if_asked():
    assert pair(["a", "b"], ["a", "c"], kind="numeric").kind == "categorical"


def test_one_and_one_point_zero_and_the_text_one_are_the_same_category():
    assert pair(["1", "2"], [1, 2] * 10, kind="categorical").categories == ("1", "2")
    assert pair([1, 2] * 10, [1.0, np.nan] * 10).categories == ("1", "2")


def test_numbers_that_arrive_as_text_are_numbers_and_the_change_is_told():
    read = pair(np.linspace(0, 1, 100), [*(str(x / 100) for x in range(98)), "n/a", "?"])
    assert read.kind == "numeric"
    assert read.missing == (0, 2)
    assert [(finding.what, finding.text) for finding in read.findings] == [
        ("type", "The type changed: numbers in the old data, text in the new."),
        ("reading", "2 values are not numbers and count as missing."),
    ]


def test_one_value_that_is_no_number_is_told_in_the_singular():
    read = pair(np.linspace(0, 1, 100), [*(str(x / 100) for x in range(99)), "?"])
    assert read.findings[1].text == "1 value is not a number and counts as missing."


def test_missing_and_infinite_values_are_counted_apart():
    read = pair([1.5, np.nan, np.inf], [np.nan, -np.inf, 1e300])
    assert (read.missing, read.infinite) == ((1, 1), (1, 2))
    assert [side.tolist() for side in read.values()] == [[1.5], []]


def test_dates_are_days():
    read = pair(pd.to_datetime(["1970-01-03"]), pd.to_datetime(["1970-01-01 12:00"]))
    assert read.dates and (read.old[:][0], read.new[:][0]) == (2, 0.5)
