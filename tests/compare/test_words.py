"""The recommendation in words: what it says is what was measured."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from retrain_core.compare import compare
from retrain_core.compare.decision import decide
from retrain_core.compare.evidence import Evidence, Held
from retrain_core.compare.words import Context, doubts, reasons
from retrain_core.types import Level, Outcome, RunResult, RunSpec, Wishes
from tests.compare.test_recommend import advice, ask, outcome, shuffled
from tests.make import evidence_of, sure_rows


def context(evidence: Evidence, level: Level | None = "major", **wished: Any) -> Context:
    wishes = Wishes(**wished)
    scores = compare(evidence, wishes, level).strategies
    return Context(evidence, scores, wishes, level, decide(evidence, scores, wishes, level), ())


def without_score(strategy: str, seed: int, status: Literal["failed", "stopped"] = "failed") -> Outcome:
    return Outcome(
        RunSpec(f"{strategy}-{seed}", "e", strategy, {}, seed), RunResult(status, error="It fell.")
    )


def also_on(side: str, run: Outcome, share: float, rows: int = 400) -> Outcome:
    """Return a run that was scored on a further part too."""
    chance = np.where(np.arange(rows) < share * rows, 0.8, 0.2)
    return replace(run, rows={**run.rows, **sure_rows(side, chance)})


# --- against other candidates ---------------------------------------------------------------------


def test_what_was_measured_clearly_worse_is_clearly_behind_though_little_is_expected_of_either() -> None:
    found = advice(
        outcome("keep", 0.7, 0.7, rows=400), shuffled(outcome("incremental", 0.6, 0.6, rows=400)),
        level="none", old_weight=0.0,
    )  # fmt: skip
    assert found.choice == "keep" and found.weighed["incremental"].interval[1] < 0
    assert found.weighed["incremental"].expected == pytest.approx(0, abs=0.1)
    assert (
        "Incremental: accuracy 10.0 points worse, log-loss 0.139 worse on the new rows; clearly behind."
        in (found.reasons)
    )


def test_others_that_are_ahead_are_counted_apart_from_those_behind() -> None:
    names = ("fine_tune", "lp_ft", "l2_sp", "incremental", "replay", "surgical")
    shares = (0.75, 0.745, 0.74, 0.72, 0.71, 0.6)
    runs = [
        shuffled(outcome(name, share, 0.7, rows=400), seed)
        for seed, (name, share) in enumerate(zip(names, shares, strict=True))
    ]
    found = advice(outcome("keep", 0.7, 0.7, rows=400), *runs, level="none", old_weight=0.0)
    assert found.choice == "keep"
    assert "3 others on the new rows: 2 as good or better as measured; 1 clearly behind." in found.reasons


def test_a_gain_that_is_proven_but_discounted_is_told_so_and_no_row_is_asked_for() -> None:
    runs = outcome("keep", 0.7, 0.7, rows=400), outcome("fine_tune", 0.7125, 0.7, rows=400)
    comparison = ask(*runs, level="none", old_weight=0.0)
    found = comparison.recommendation
    assert found is not None and found.choice == "keep"
    told = {one.score: one.verdict for one in comparison.differences if one.side == "new"}
    assert told["log_loss"] == "better"
    assert found.summary == (
        "Keep the old model for now: fine-tune looks 1.3 points better, but where the data has not moved such a gain is "
        "usually luck; its accuracy on the held-out new rows is 70.0 %."
    )
    assert any(
        reason.startswith("Fine-tune") and "clearly ahead on these rows" in reason for reason in found.reasons
    )
    assert not any("do not tell" in doubt for doubt in found.doubts)


def test_where_rows_would_not_help_none_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain_core.compare.weighing.more_rows", lambda *_: None)
    runs = outcome("keep", 0.7, 0.7, rows=400), shuffled(outcome("fine_tune", 0.71, 0.7, rows=400))
    found = advice(*runs, old_weight=0.0)
    rival = "keep" if found.choice == "fine_tune" else "fine-tune"
    assert f"Whether {rival} is better cannot be told from 400 new rows." in found.doubts


def test_only_new_rows_are_asked_for_where_old_training_rows_are_weighed_too() -> None:
    runs = outcome("keep", 0.7, 0.7, rows=400), shuffled(outcome("fine_tune", 0.73, 0.7, rows=400))
    runs = runs[0], replace(runs[1], rows={**runs[1].rows, **shuffled(also_on("old", runs[1], 0.7)).rows})
    trained = [also_on("trained", run, 0.7, rows=2_000) for run in runs]

    def said(old_weight: float) -> str:
        doubts = advice(*trained, old_weight=old_weight).doubts
        return next((one for one in doubts if one.startswith("Whether")), "")

    both = re.fullmatch(
        r"Whether .* cannot be told from 400 new rows and 2,000 old training rows; about ([\d,]+) more new rows would tell\.",
        said(0.2),
    )
    assert both is not None
    assert "more" not in said(1.0)


# --- scores without an interval -------------------------------------------------------------------


def few_old_rows(strategy: str, new: float, old: float) -> Outcome:
    few = outcome(strategy, new, old, rows=30)
    old_rows = {name: rows for name, rows in few.rows.items() if name.startswith("old")}
    run = outcome(strategy, new, old)
    return replace(run, rows={**run.rows, **old_rows})


def test_too_few_rows_for_an_interval_are_said_instead_of_an_infinite_one() -> None:
    runs = few_old_rows("keep", 0.6, 0.6), few_old_rows("full_retrain", 0.75, 0.8)
    found = advice(*runs, score="auroc", old_weight=0.0)
    told = next(reason for reason in found.reasons if reason.startswith("Against keep on 30 old rows"))
    assert told.endswith("better (too few rows for an interval).")
    assert not any("inf" in reason for reason in found.reasons)
    assert not any("to weigh by" in doubt for doubt in found.doubts)  # old rows do not count
    weighed = advice(*runs, score="auroc", old_weight=0.5)
    assert "The old rows have too few of one class to weigh by AUROC." in weighed.doubts


def test_rows_of_one_group_tell_no_interval() -> None:
    made = evidence_of(outcome("keep", 0.7, 0.7, rows=400), outcome("fine_tune", 0.75, 0.7, rows=400))
    held = {"new": Held(made.held["new"].targets, np.zeros(400, np.intp)), "old": made.held["old"]}
    found = context(replace(made, held=held), score="accuracy", old_weight=0.0)
    assert "The new rows are of too few groups to tell how sure a difference in accuracy is." in doubts(found)


# --- seeds ----------------------------------------------------------------------------------------


def test_seeds_that_failed_or_were_stopped_are_counted() -> None:
    runs = [
        *(outcome("keep", 0.6, 0.8, seed=seed) for seed in range(5)),
        outcome("fine_tune", 0.75, 0.8),
        *(without_score("fine_tune", seed) for seed in range(1, 5)),
        shuffled(outcome("incremental", 0.75, 0.8)),
        *(without_score("incremental", seed, "stopped") for seed in range(1, 5)),
        *(outcome("full_retrain", 0.7, 0.8, seed=seed) for seed in range(5)),
    ]
    found = advice(*runs)
    assert found.choice in ("fine_tune", "incremental")
    assert "4 of 5 seeds of fine-tune failed." in found.doubts
    assert "4 of 5 seeds of incremental were stopped." in found.doubts
    once = advice(*runs[:5], outcome("incremental", 0.75, 0.8), without_score("incremental", 1, "stopped"))
    assert "1 of 2 seeds of incremental was stopped." in once.doubts
    (single,) = (doubt for doubt in found.doubts if doubt.startswith("One seed with a score: "))
    assert "fine-tune" in single and "incremental" in single and "full retrain" not in single


def test_several_seeds_that_all_have_a_score_are_no_doubt() -> None:
    runs = [
        outcome(name, share, 0.8, seed=seed)
        for name, share in (("keep", 0.6), ("fine_tune", 0.75))
        for seed in range(2)
    ]
    assert not any("seed" in doubt for doubt in advice(*runs).doubts)


def test_a_choice_that_changes_with_the_rows_is_a_doubt() -> None:
    found = context(evidence_of(outcome("keep", 0.7, 0.7), outcome("fine_tune", 0.71, 0.7)))
    told = "The choice hangs on luck: it is the same in only 71 % of resamples of the rows."
    assert told in doubts(replace(found, stability=0.712, rivals=["fine_tune"]))
    others = f"{told} None of the others may be materially better, though."
    assert others in doubts(replace(found, stability=0.712, rivals=[]))
    assert not any("hangs on luck" in doubt for doubt in doubts(replace(found, stability=0.8)))


def test_seeds_are_resampled_where_there_are_several() -> None:
    runs = [outcome("fine_tune", 0.71, 0.7, seed=seed) for seed in range(2)]
    found = context(evidence_of(outcome("keep", 0.7, 0.7), *runs))
    assert any("resamples of the rows and seeds" in doubt for doubt in doubts(replace(found, stability=0.7)))


# --- which rows -----------------------------------------------------------------------------------

FLATTERED = "The old model has probably been trained on the old rows of the holdout, which flatters it there"


@pytest.mark.parametrize("retrained", [True, False])
def test_old_rows_that_were_trained_on_are_called_so_and_without_a_full_retrain_a_doubt_stays(
    retrained: bool,
) -> None:
    runs = [
        also_on("trained", outcome("keep", 0.6, 0.8), 0.8),
        also_on("trained", outcome("fine_tune", 0.75, 0.8), 0.8),
    ]
    runs += [also_on("trained", outcome("full_retrain", 0.65, 0.8), 0.8)] if retrained else []
    found = advice(*runs)
    assert found.choice == "fine_tune"
    assert any(reason.startswith("Against keep on 400 old training rows: ") for reason in found.reasons)
    assert f"{FLATTERED}; old training rows are weighed instead." in found.doubts
    unknown = "Without a score of full retrain, how much the old model is flattered is not known."
    assert (unknown in found.doubts) != retrained
    unseen = advice(*runs, old_seen=False)
    assert not any("flatter" in doubt for doubt in unseen.doubts)
    assert any(reason.startswith("Against keep on 4,000 old rows: ") for reason in unseen.reasons)


def test_validation_rows_that_are_weighed_are_named() -> None:
    runs = [
        also_on("validation", outcome(name, share, 0.8), share)
        for name, share in (("keep", 0.6), ("fine_tune", 0.75))
    ]
    told = reasons(context(evidence_of(*runs)))
    assert told[0].startswith("Against keep on 4,400 new rows (the holdout and the validation rows): ")
