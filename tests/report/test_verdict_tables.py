"""Tables behind the recommendation."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from retrain_core.compare.evidence import Evidence
from retrain_core.compare.whole import compare
from retrain_core.report.verdict_tables import (
    AGAINST,
    CANDIDATE,
    CHOSEN,
    EXPECTED,
    SAID,
    WHY_OUT,
    difference_columns,
    difference_table,
    forgetting_columns,
    forgetting_table,
    said,
    weighed_columns,
    weighed_table,
)
from retrain_core.types import Comparison, Difference, Task, Wishes
from tests.make import evidence_of
from tests.report.example import SHA, comparison, outcome

NAMES = ("keep", "fine_tune", "incremental", "full_retrain")


@pytest.fixture(scope="module", params=["binary", "regression"])
def found(request: pytest.FixtureRequest) -> Comparison:
    task: Task = request.param
    return comparison(task=task)


def weighed(found: Comparison) -> pd.DataFrame:
    assert found.recommendation is not None
    return weighed_table(found, found.recommendation)


def test_the_best_that_is_to_be_expected_comes_first_and_keep_has_no_gain_over_itself(
    found: Comparison,
) -> None:
    table = weighed(found)
    assert table[EXPECTED].is_monotonic_decreasing and table[CHOSEN].sum() == pytest.approx(100)
    keep = table.set_index(CANDIDATE).loc["Keep"]
    assert keep[EXPECTED] == 0 and keep.isna().sum() == len(keep) - 2
    assert WHY_OUT not in table


def test_gains_of_accuracy_are_in_points_and_whatever_is_better_is_above_nothing() -> None:
    told = comparison()
    assert told.recommendation is not None
    gain = told.recommendation.weighed["full_retrain"].gains
    row = weighed(told).set_index(CANDIDATE).loc["Full retrain"]
    assert (
        row["accuracy gain (points)"] == pytest.approx(100 * gain["accuracy"])
        and row["accuracy gain (points)"] > 5
    )
    assert 0 < row["log-loss gain"] == pytest.approx(gain["log_loss"])


def test_a_candidate_that_is_out_says_why() -> None:
    outcomes = [outcome(name, seed) for name in NAMES for seed in range(2)]
    told = compare(evidence_of(*outcomes, sha=SHA), Wishes(most_seconds=10.0))
    why = weighed(told).set_index(CANDIDATE)[WHY_OUT]
    assert why["Full retrain"] == "it trains for 31.6 s, and the limit is 10 s" and why["Fine-tune"] == ""


def test_differences_against_keep_come_first_then_those_of_the_others(found: Comparison) -> None:
    table = difference_table(found, "new", found.metric.name)
    assert list(table[AGAINST])[:3] == ["Keep"] * 3 and "Keep" not in list(table[AGAINST])[3:]
    assert len(table) == 6


def test_a_difference_is_that_of_the_means_in_points() -> None:
    told = comparison()
    row = difference_table(told, "new", "accuracy").iloc[0]
    gap = told.strategies["fine_tune"].new["accuracy"] - told.strategies["keep"].new["accuracy"]  # type: ignore[index]
    assert row["better by (points)"] == pytest.approx(100 * gap)


def test_what_can_be_said_is_said_with_the_rows_that_would_tell() -> None:
    one = Difference("a", "keep", "new", "accuracy", 0.01, (-0.01, 0.03), None, 0.3, 0.3, "cannot tell", 1200)
    assert said(one) == "cannot tell; about 1,200 more rows would tell"
    assert said(replace(one, more_rows=None)) == "cannot tell"
    assert said(replace(one, verdict="better", more_rows=None)) == "better"


def evidence(task: Task) -> Evidence:
    return evidence_of(
        *(outcome(name, seed, task=task) for name in NAMES for seed in range(3)), task=task, sha=SHA
    )


@pytest.mark.parametrize(
    ("task", "column", "factor"), [("binary", "lost (points)", 100), ("regression", "lost", -1)]
)
def test_what_is_forgotten_is_keeps_score_on_the_old_part_less_the_candidates(
    task: Task, column: str, factor: int
) -> None:
    told = comparison(task=task)
    table = forgetting_table(told, evidence(task)).set_index(CANDIDATE)
    score = told.metric.name
    lost = told.strategies["keep"].old[score] - told.strategies["incremental"].old[score]  # type: ignore[index]
    row = table.loc["Incremental"]
    assert row[column] == pytest.approx(factor * lost) and row[column] > 0 and row[SAID] == "worse"
    assert row["95 % from"] < row[column] < row["95 % to"]
    (one,) = [
        one
        for one in told.differences
        if (one.candidate, one.base, one.side, one.score) == ("incremental", "keep", "old", score)
    ]
    assert row["adjusted p"] == one.p_adjusted


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_every_column_of_numbers_says_what_it_holds(task: Task) -> None:
    told = comparison(task=task)
    assert told.recommendation is not None
    score = told.metric.name
    for table, columns in (
        (weighed(told), weighed_columns(told.recommendation)),
        (difference_table(told, "old", score), difference_columns(score)),
        (forgetting_table(told, evidence(task)), forgetting_columns(score)),
    ):
        assert set(table.select_dtypes("number")) <= set(columns)
        assert all(column.help.endswith(".") for column in columns.values())


def test_without_old_rows_nothing_is_forgotten() -> None:
    told = comparison(old=False)
    rows = [outcome(name, 0, old=False) for name in NAMES]
    assert forgetting_table(told, evidence_of(*rows, sha=SHA)).empty
