"""The scores as tables."""

import csv
import io
from dataclasses import replace

import pandas as pd
import pytest

from retrain_core.compare import compare
from retrain_core.compare.measures import scores_of
from retrain_core.report.answers import DIFFERENCE_HEAD, against_keep, all_scores, between, weighed
from retrain_core.report.costs import COST_COLUMNS, ENERGY, NO_ENERGY, SHARED, cost_notes, cost_table
from retrain_core.report.tables import SCORE_COLUMNS, TEXT_COLUMNS, csv_text, flat_scores, score_table
from retrain_core.types import Wishes
from tests.report.example import comparison, evidence

CASES = [{}, {"task": "regression"}, {"old": False, "seeds": 1}, {"broken": {"incremental": "It fell."}}]


@pytest.mark.parametrize("case", CASES, ids=["binary", "regression", "no old", "failed"])
def test_every_column_is_explained_and_numbers_have_a_format(case) -> None:
    table = score_table(comparison(**case))
    numbers = table.select_dtypes("number").columns
    assert set(numbers) <= set(SCORE_COLUMNS) and set(table.columns) - set(numbers) == set(TEXT_COLUMNS)
    assert all(SCORE_COLUMNS[name].help.endswith(".") and SCORE_COLUMNS[name].format for name in numbers)


def test_keep_is_first_and_has_no_difference_to_itself() -> None:
    table = score_table(comparison())
    assert list(table["strategy"]) == ["Keep", "Fine-tune", "Incremental", "Full retrain"]
    assert table.iloc[0].filter(like="Δ").isna().all()


def test_the_numbers_are_those_of_the_comparison() -> None:
    scores = comparison()
    row = score_table(scores).set_index("strategy").loc["Fine-tune"]
    found = scores.strategies["fine_tune"]
    assert row["new accuracy (%)"] == 100 * found.new["accuracy"]
    assert row["Δ old (points)"] == 100 * found.delta["old"]["accuracy"].value
    assert row["old loss"] == found.old["loss"] and row["Δ new loss"] == found.delta["new"]["loss"].value
    assert row["training (s)"] == found.seconds and row["memory (MB)"] == found.peak_memory_mb


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_best_on_each_part_is_named(task) -> None:
    table = score_table(comparison(task=task)).set_index("strategy")
    assert dict(table["best on"]) == {
        "Keep": "old",
        "Fine-tune": "",
        "Incremental": "",
        "Full retrain": "new",
    }


def test_without_old_rows_there_are_no_old_columns() -> None:
    table = score_table(comparison(old=False))
    assert not [name for name in table.columns if "old" in name]
    assert "old" not in set(flat_scores(comparison(old=False))["part"])


def test_a_failed_strategy_keeps_its_row_without_scores() -> None:
    row = score_table(comparison(broken={"incremental": "It fell."})).set_index("strategy").loc["Incremental"]
    assert row["status"] == "failed" and pd.isna(row["new accuracy (%)"]) and pd.isna(row["training (s)"])


def test_flat_scores_hold_every_seed_and_the_means_with_intervals() -> None:
    scores = comparison(seeds=3)
    flat = flat_scores(scores)
    one = flat[(flat.strategy == "full_retrain") & (flat.part == "old") & (flat.score == "accuracy")]
    found = scores.strategies["full_retrain"]

    assert list(one["seed"]) == ["mean", "0", "1", "2"]
    assert list(one["value"]) == [found.old["accuracy"], *(s["old"]["accuracy"] for s in found.per_seed)]
    mean = one.iloc[0]
    assert (mean["low_95"], mean["high_95"]) == found.interval["old"]["accuracy"]
    assert mean["difference_to_keep"] == found.delta["old"]["accuracy"].value
    assert (mean["unit"], mean["better"]) == ("share", "higher")


def test_flat_scores_say_unit_and_direction_of_everything() -> None:
    flat = flat_scores(comparison(task="regression"))
    assert dict(zip(flat["score"], flat["unit"], strict=True)) == {
        "mae": "units of the label", "loss": "loss", "rmse": "units of the label", "r2": "", "seconds": "seconds",
        "peak_memory": "MB", "rows_seen": "rows", "steps": "steps", "processor_seconds": "seconds", "energy": "joules",
    }  # fmt: skip
    assert set(flat[flat["better"] == "higher"]["score"]) == {"r2"}


def test_flat_scores_hold_every_score_of_the_task() -> None:
    scores = comparison()
    flat = flat_scores(scores)
    found = flat[(flat.strategy == "fine_tune") & (flat.part == "new") & (flat.seed == "mean")]
    assert dict(zip(found["score"], found["value"], strict=True)) == scores.strategies["fine_tune"].new


def test_costs_have_a_column_for_energy_only_where_it_is_known() -> None:
    scores = comparison()
    table = cost_table(scores).set_index("strategy")
    assert set(table.columns) == {*COST_COLUMNS, "device"}
    row, found = table.loc["Fine-tune"], scores.strategies["fine_tune"]
    assert (row["training (s)"], row["processor (s)"], row[ENERGY]) == (
        found.seconds, found.cpu_seconds, found.energy_joules,
    )  # fmt: skip
    assert table.loc["Keep"].drop(["peak memory (MB)", "device"]).isna().all()
    assert cost_notes(scores) == []
    unknown = {name: replace(one, energy_joules=None, shared=True) for name, one in scores.strategies.items()}
    without = replace(scores, strategies=unknown)
    assert ENERGY not in cost_table(without) and cost_notes(without) == [SHARED, NO_ENERGY]


def test_what_is_weighed_has_a_row_each_and_names_the_limit_that_is_broken() -> None:
    head, rows = weighed(comparison())
    assert "why it is out" not in head
    assert [row[0] for row in rows] == ["Full retrain", "Fine-tune", "Incremental", "Keep"]
    assert rows[0][-1] == "100 %" and rows[3][1] == "–"
    limited = compare(evidence(), Wishes(most_seconds=10.0))
    head, rows = weighed(limited)
    assert head[-1] == "why it is out" and "the limit is 10 s" in rows[0][-1] and rows[1][-1] == "–"


def test_differences_tell_the_candidate_the_verdict_and_how_many_more_rows_would_tell() -> None:
    scores = comparison()
    rows = against_keep(scores)
    assert len(rows) == 3 * 2 * 2 and all(len(row) == len(DIFFERENCE_HEAD) for row in rows)
    assert {row[-1].split(";")[0] for row in rows} <= {
        "better",
        "worse",
        "no material difference",
        "cannot tell",
    }
    assert any("more rows would do" in row[-1] for row in rows)
    pairs = between(scores)
    assert len(pairs) == 3 * 2 and pairs[0][0] == "Fine-tune against Incremental"


def test_all_scores_are_those_of_the_task() -> None:
    head, rows = all_scores(comparison(broken={"incremental": "It fell."}))
    assert len(head) == 6 and len(rows) == 3 * len(scores_of("binary"))
    assert rows[0][0] == "Accuracy (higher is better)" and rows[0][3] == "–" and "(" in rows[1][3]
    assert len(all_scores(comparison(old=False))[0]) == 4


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_a_spreadsheet_would_run_is_quoted(start) -> None:
    text = csv_text(pd.DataFrame({f"{start}head": [f"{start}1+1"], "number": [-1.5]}))
    head, row = csv.reader(io.StringIO(text, newline=""))
    assert head == [f"'{start}head", "number"]
    assert row == [f"'{start}1+1", "-1.5"]


def test_the_csv_reads_back_as_the_same_numbers() -> None:
    flat = flat_scores(comparison())
    again = pd.read_csv(io.StringIO(csv_text(flat)))
    pd.testing.assert_series_equal(again["value"], flat["value"])
    pd.testing.assert_series_equal(again["difference_to_keep"], flat["difference_to_keep"])
