"""The scores as tables."""

import csv
import io
from dataclasses import replace

import pandas as pd
import pytest

from retrain_core.compare import compare
from retrain_core.compare.evidence import Evidence
from retrain_core.compare.measures import scores_of
from retrain_core.compare.score_words import score_text
from retrain_core.report.answers import all_scores, differences, forgotten, stability, weighed
from retrain_core.report.costs import COST_COLUMNS, ENERGY, NO_ENERGY, SHARED, cost_notes, cost_table, costs
from retrain_core.report.tables import SCORE_COLUMNS, TEXT_COLUMNS, csv_text, flat_scores, score_table
from retrain_core.report.words import score_cell
from retrain_core.types import Wishes
from tests.make import evidence_of
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
    assert list(table["candidate"]) == ["Keep", "Fine-tune", "Incremental", "Full retrain"]
    assert table.iloc[0].filter(like="Δ").isna().all()


def test_the_numbers_are_those_of_the_comparison() -> None:
    scores = comparison()
    row = score_table(scores).set_index("candidate").loc["Fine-tune"]
    found = scores.strategies["fine_tune"]
    assert row["new accuracy (%)"] == 100 * found.new["accuracy"]
    assert row["Δ old (points)"] == 100 * found.delta["old"]["accuracy"].value
    assert row["old loss"] == found.old["loss"] and row["Δ new loss"] == found.delta["new"]["loss"].value
    assert row["training (s)"] == found.seconds and row["memory (MB)"] == found.peak_memory_mb


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_best_on_each_part_is_named(task) -> None:
    table = score_table(comparison(task=task)).set_index("candidate")
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
    row = (
        score_table(comparison(broken={"incremental": "It fell."})).set_index("candidate").loc["Incremental"]
    )
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
    table = cost_table(scores).set_index("candidate")
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
    made = weighed(comparison())
    assert "why it is out" not in made.head
    assert [row[0] for row in made.rows] == ["Full retrain", "Fine-tune", "Incremental", "Keep"]
    chosen, expected, gain = (
        made.head.index(name) for name in ("chosen (%)", "expected (margins)", "accuracy gain (points)")
    )
    assert made.rows[0][chosen] == "100" and made.rows[3][expected] == "+0.0" and made.rows[3][gain] == "–"
    limited = weighed(compare(evidence(), Wishes(most_seconds=10.0)))
    assert limited.head[-1] == "why it is out" and len(limited.head) - 1 not in limited.numbers
    assert "the limit is 10 s" in limited.rows[0][-1] and limited.rows[1][-1] == "–"


def test_differences_are_told_by_part_and_score_as_the_pages_show_them() -> None:
    scores = comparison()
    found = differences(scores, None)
    assert [one.title for one in found] == [
        "Accuracy, new holdout rows", "Log-loss, new holdout rows", "Accuracy, old holdout rows", "Log-loss, old holdout rows",
    ]  # fmt: skip
    told = found[0].against_keep
    first = next(
        one for one in scores.differences if (one.side, one.score, one.base) == ("new", "accuracy", "keep")
    )
    row = dict(zip(told.head, told.rows[0], strict=True))
    assert (row["candidate"], row["against"]) == ("Fine-tune", "Keep")
    assert (
        row["better by (points)"] == f"{100 * first.value:+.1f}" and row["what can be said"] == first.verdict
    )
    assert [row[:2] for row in found[0].between.rows] == [
        ("Fine-tune", "Incremental"), ("Fine-tune", "Full retrain"), ("Incremental", "Full retrain"),
    ]  # fmt: skip


@pytest.mark.parametrize("weighed_on", [True, False])
def test_old_rows_that_were_trained_on_are_called_so(weighed_on: bool) -> None:
    made = trained_too()
    scores = compare(made, Wishes(old_seen=weighed_on))
    titles = [one.title for one in differences(scores, made)]
    assert ("Accuracy, old training rows" in titles) == weighed_on
    assert ("Accuracy, old holdout rows" in titles) != weighed_on


def trained_too() -> Evidence:
    """Return what was scored on old training rows as well."""
    runs = [
        replace(one, rows={**one.rows, **{f"trained{name[3:]}": rows for name, rows in one.rows.items() if name[:3] == "old"}})
        for one in evidence().outcomes
    ]  # fmt: skip
    return evidence_of(*runs)


def test_what_is_forgotten_is_told_with_what_it_is_read_by() -> None:
    made = forgotten(comparison(), evidence())
    assert made is not None and [row[0] for row in made.rows] == ["Fine-tune", "Incremental", "Full retrain"]
    assert made.head[1] == "lost (points)" and made.rows[1][1].startswith("+") and made.rows[1][-1] == "worse"
    assert set(made.helps) == set(made.head) - {"candidate"}
    assert forgotten(comparison(old=False), evidence(old=False)) is None


def test_costs_are_those_of_the_table_and_keep_has_none() -> None:
    made = costs(comparison())
    rows = {row[0]: row for row in made.rows}
    assert rows["Keep"][1] == "–" and rows["Full retrain"][1] == "31.6"
    assert rows["Full retrain"][made.head.index("rows seen")] == "24,000"


def test_the_same_choice_is_counted_in_resamples_of_the_rows_and_of_seeds_if_there_are_several() -> None:
    assert stability(comparison(seeds=1)) == "The same choice in 100 % of resamples of the rows."
    assert stability(comparison(seeds=3)) == "The same choice in 100 % of resamples of the rows and seeds."


def test_all_scores_are_those_of_the_task() -> None:
    scores = comparison(broken={"incremental": "It fell."})
    head, rows = all_scores(scores)
    assert head == [
        "score",
        "candidate",
        "new part",
        "change from keep, new",
        "old part",
        "change from keep, old",
    ]
    assert len(rows) == 3 * len([name for name in scores_of("binary") if name != "loss"])
    keep, tuned = (scores.strategies[name] for name in ("keep", "fine_tune"))
    ends = {
        part: "{:.1f} to {:.1f} %".format(*(100 * end for end in keep.interval[part]["accuracy"]))
        for part in ("new", "old")
    }
    assert rows[0] == [
        "Accuracy (higher is better)", "Keep",
        f"{score_text('accuracy', keep.new['accuracy'])} ({ends['new']})", "–",
        f"{score_text('accuracy', keep.old['accuracy'])} ({ends['old']})", "–",
    ]  # fmt: skip
    delta = tuned.delta["new"]["log_loss"]
    (row,) = (row for row in rows if row[0].startswith("Log-loss") and row[1] == "Fine-tune")
    told = "{:+.3g} ({:+.3g} to {:+.3g})".format(delta.value, *delta.interval)
    assert row[3] == told.replace("-", "−")
    assert len(all_scores(comparison(old=False))[0]) == 4


@pytest.mark.parametrize("same", [True, False])
def test_a_loss_that_is_the_log_loss_is_told_once(same: bool) -> None:
    _, rows = all_scores(replace(comparison(), loss_is_log_loss=same))
    titles = dict.fromkeys(row[0] for row in rows)
    losses = [title for title in titles if "loss" in title.lower()]
    assert losses == (
        ["Log-loss, here the loss (lower is better)"]
        if same
        else ["Loss (lower is better)", "Log-loss (lower is better)"]
    )


def test_a_score_without_an_interval_stands_alone() -> None:
    scores = comparison()
    _, rows = all_scores(scores)
    (row,) = (row for row in rows if row[0].startswith("ECE") and row[1] == "Keep")
    assert row[2:] == [score_text("ece", scores.strategies["keep"].new["ece"]), "–",
                       score_text("ece", scores.strategies["keep"].old["ece"]), "–"]  # fmt: skip
    assert score_cell(scores, "keep", "new", "ece").interval == ""


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
