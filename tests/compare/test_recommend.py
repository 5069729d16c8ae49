"""What is recommended, and how sure."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from retrain_core.compare import compare
from retrain_core.compare.weighing import scores_weighed, weighing_of, weights
from retrain_core.errors import RunError
from retrain_core.strategies import STRATEGIES
from retrain_core.types import (
    Comparison,
    Level,
    Outcome,
    Recommendation,
    RunResult,
    RunSpec,
    Wishes,
    from_json,
    to_json,
)
from tests.make import error_rows, evidence_of, made_outcome, sure_rows

ROWS = 4000


def outcome(
    strategy: str,
    new: float,
    old: float,
    *,
    seconds: float = 1.0,
    seed: int = 0,
    rows: int = ROWS,
    sure: float = 0.8,
) -> Outcome:
    """Return a run that is right on the easiest rows: ``new`` and ``old`` are its accuracies, ``sure`` how sure it is."""
    arrays: dict[str, Any] = {}
    for side, share in (("new", new), ("old", old)):
        right = np.arange(rows) < round(share * rows)
        arrays |= sure_rows(side, np.where(right, sure, 1 - sure))
    return made_outcome(strategy, arrays, seed=seed, seconds=seconds)


def shuffled(run: Outcome, seed: int = 1) -> Outcome:
    """Return a run that is as good, on other rows."""
    rng, arrays = np.random.default_rng(seed), {}
    for side in ("new", "old"):
        chance = np.exp(-run.rows[f"{side}_loss"])
        arrays |= sure_rows(side, rng.permutation(chance))
    return replace(run, rows=arrays)


def ask(*outcomes: Outcome, level: Level | None = "major", **wishes: Any) -> Comparison:
    return compare(evidence_of(*outcomes), Wishes(**wishes), level)


def advice(*outcomes: Outcome, level: Level | None = "major", **wishes: Any) -> Recommendation:
    found = ask(*outcomes, level=level, **wishes).recommendation
    assert found is not None
    return found


def errors_of(strategy: str, new: float, *, seed: int = 0, rows: int = 400) -> Outcome:
    """Return a run on numbers whose absolute errors scatter widely around a mean."""
    rng = np.random.default_rng(zlib.crc32(strategy.encode()))
    arrays: dict[str, Any] = {}
    for side in ("new", "old"):
        arrays |= error_rows(side, new * rng.exponential(1, rows))
    return made_outcome(strategy, arrays, seed=seed, task="regression")


def number_advice(*outcomes: Outcome, level: Level | None = "major") -> Recommendation:
    found = compare(evidence_of(*outcomes, task="regression"), Wishes(old_weight=0.0), level).recommendation
    assert found is not None
    return found


def test_a_gain_far_beyond_chance_is_not_taken_for_luck_however_small_the_margin() -> None:
    """A mean error that falls by a third is 60 margins: more than is expected of any shift, and yet it is there."""
    for level in ("none", "minor", "major", None):
        found = number_advice(errors_of("keep", 30.0), errors_of("full_retrain", 20.0), level=level)
        told = found.weighed["full_retrain"]
        assert found.choice == "full_retrain" and told.interval is not None
        assert told.interval[0] < told.expected < told.worth


def test_a_second_seed_that_scatters_does_not_turn_the_choice_to_what_is_worse() -> None:
    runs = [errors_of("keep", 30.0)]
    for seed, (full, replay) in enumerate([(18.0, 21.0), (20.0, 21.4)]):
        runs += [errors_of("full_retrain", full, seed=seed), errors_of("replay", replay, seed=seed)]
    assert number_advice(*runs).choice == "full_retrain"


def test_times_that_differ_by_chance_do_not_decide() -> None:
    keep, better = outcome("keep", 0.6, 0.6), outcome("full_retrain", 0.7, 0.7, seconds=5.3)
    near = outcome("fine_tune", 0.6985, 0.6985, seconds=4.8)
    assert advice(keep, near, better).choice == "full_retrain"
    assert advice(keep, replace(near, result=replace(near.result, seconds=1.0)), better).choice == "fine_tune"


def test_time_that_a_run_waited_for_others_does_not_count() -> None:
    def waited(run: Outcome) -> Outcome:
        return replace(run, result=replace(run.result, seconds=40.0, cpu_seconds=1.2, shared=True))

    keep, dear = outcome("keep", 0.6, 0.6), outcome("full_retrain", 0.7, 0.7, seconds=20.0)
    cheap = waited(outcome("fine_tune", 0.6985, 0.6985))
    found = advice(keep, cheap, dear, most_seconds=30.0)
    assert found.choice == "fine_tune" and not found.weighed["fine_tune"].excluded
    assert any(
        "Training took 1.2 s of processor time (40.0 s beside other runs) on CPU" in one
        for one in found.reasons
    )


def test_clearly_behind_is_corrected_for_how_many_there_are() -> None:
    choice, near = outcome("full_retrain", 0.75, 0.75, rows=400), outcome("fine_tune", 0.735, 0.735, rows=400)
    keep = outcome("keep", 0.6, 0.6, rows=400)

    def said(*others: Outcome) -> str:
        found = advice(keep, choice, near, *others, old_weight=0.0)
        assert found.choice == "full_retrain"
        return next(reason for reason in found.reasons if reason.startswith("Fine-tune"))

    many = [shuffled(outcome(name, 0.745, 0.745, rows=400)) for name in ("lp_ft", "l2_sp", "lwf")]
    assert said().endswith("clearly behind.") and not said(*many).endswith("clearly behind.")


def test_a_much_better_candidate_is_taken_clearly() -> None:
    found = advice(outcome("keep", 0.6, 0.8), outcome("full_retrain", 0.75, 0.8))
    assert (found.choice, found.clear, found.stability) == ("full_retrain", True, 1.0)


def test_nothing_better_means_keep() -> None:
    runs = outcome("keep", 0.7, 0.8), outcome("fine_tune", 0.701, 0.8), outcome("full_retrain", 0.6, 0.7)
    found = advice(*runs)
    assert (found.choice, found.clear) == ("keep", True)
    assert found.summary == (
        "Keep the old model: no candidate is materially better; its accuracy on the held-out new rows is 70.0 %."
    )


def test_without_a_shift_a_gain_that_may_be_chance_replaces_nothing() -> None:
    runs = outcome("keep", 0.7, 0.7, rows=400), shuffled(outcome("fine_tune", 0.73, 0.72, rows=400))
    still = advice(*runs, level="none")
    assert still.choice == "keep" and not still.clear
    assert "the data has not moved" in still.summary
    assert (
        "The data has not moved, so only a gain far beyond chance would replace the old model."
        in still.reasons
    )
    moved = advice(*runs, level="major")
    assert moved.choice == "fine_tune" and not moved.clear and moved.stability < 0.99


@pytest.mark.parametrize("rows", [50, 400])
def test_without_a_shift_keep_is_hardly_ever_replaced_by_candidates_that_are_no_better(rows: int) -> None:
    rng = np.random.default_rng(rows)
    replaced = 0
    for _ in range(40):
        keep = rng.uniform(size=rows) < 0.7
        runs = []
        for name in ("keep", "fine_tune", "incremental", "full_retrain"):
            again = (rng.uniform(size=rows) < 0.1) & (name != "keep")  # a tenth of its answers are drawn anew
            right = np.where(again, rng.uniform(size=rows) < 0.7, keep)
            runs.append(made_outcome(name, sure_rows("new", np.where(right, 0.8, 0.2))))
        replaced += advice(*runs, level="none").choice != "keep"
    assert replaced <= 1


def test_of_two_that_are_equally_good_the_cheaper_is_taken_and_says_so() -> None:
    found = advice(
        outcome("keep", 0.6, 0.8),
        outcome("fine_tune", 0.7495, 0.8, seconds=2),
        outcome("full_retrain", 0.75, 0.8, seconds=90),
    )
    assert found.choice == "fine_tune" and found.clear
    assert any("that hardly matters, and fine-tune is cheaper" in reason for reason in found.reasons)


def test_the_weight_of_the_old_rows_moves_the_recommendation_and_where_is_told() -> None:
    runs = [outcome("keep", 0.6, 0.9), outcome("incremental", 0.8, 0.6), outcome("full_retrain", 0.72, 0.88)]
    found = {weight: advice(*runs, old_weight=weight) for weight in (0.0, 0.5, 1.0)}
    assert [one.choice for one in found.values()] == ["incremental", "full_retrain", "keep"]
    assert found[0.5].changes == (
        "If the old rows count 20 % or less, train incrementally.",
        "If the old rows count 85 % or more, keep the old model.",
    )


def test_a_limit_on_time_or_forgetting_leaves_candidates_out_and_says_what_it_costs() -> None:
    runs = [
        outcome("keep", 0.6, 0.9),
        outcome("incremental", 0.78, 0.8, seconds=2),
        outcome("full_retrain", 0.8, 0.9, seconds=90),
    ]
    assert advice(*runs).choice == "full_retrain"
    quick = advice(*runs, most_seconds=60)
    assert quick.choice == "incremental" and quick.weighed["full_retrain"].excluded
    assert "Without the limit on time, retrain in full." in quick.changes
    assert "Full retrain is out: it trains for 90 s, and the limit is 60 s." in quick.reasons
    neither = advice(*runs, most_seconds=60, most_forgetting=0.05)
    assert neither.choice == "keep"
    assert neither.summary.startswith(
        "Keep the old model: every other candidate breaks a limit; its accuracy"
    )
    assert neither.weighed["incremental"].excluded == (
        "it loses 10.0 points of accuracy on the old rows, and the limit is 5.0 points"
    )


def test_log_loss_decides_where_accuracy_does_not() -> None:
    runs = outcome("keep", 0.7, 0.7, sure=0.95), outcome("incremental", 0.7, 0.7, sure=0.75)
    found = advice(*runs)
    assert found.choice == "incremental" and found.clear
    assert (
        "on the held-out new rows accuracy stays at 70.0 % and log-loss goes from 0.9346 to 0.6173; on the held-out old rows accuracy"
        in found.summary
    )
    assert advice(*runs, score="accuracy").choice == "keep"


def test_where_one_label_is_rare_log_loss_alone_is_weighed() -> None:
    targets = (np.arange(2000) % 20 == 0).astype(int)

    def run(name: str, chance_if_rare: float) -> Outcome:
        second = np.where(targets == 1, chance_if_rare, 0.05)
        chance = np.where(targets == 1, second, 1 - second)
        rows = {
            "new_outputs": second[:, None],
            "new_metric": (chance > 0.5) * 1.0,
            "new_loss": -np.log(chance),
        }
        return made_outcome(name, rows)

    runs = run("keep", 0.05), run("full_retrain", 0.45), run("fine_tune", 0.05)
    evidence = evidence_of(*runs)
    evidence.held["new"].targets[:] = targets
    found = compare(evidence, Wishes(), "major").recommendation
    assert found is not None and found.choice == "full_retrain" and found.scores == ("log_loss",)
    assert any("accuracy alone would mislead" in reason for reason in found.reasons)
    assert (
        "Only 100 held-out new rows have another label than the commonest one; "
        "by its likeliest label full retrain gets 0 right, keep 0."
    ) in found.doubts
    assert found.nearest[0] == "full_retrain" and set(found.nearest) == {"full_retrain", "keep", "fine_tune"}


@pytest.mark.parametrize(("rows", "scores"), [(19, ("accuracy", "log_loss")), (20, ("log_loss",))])
def test_of_a_handful_of_rows_all_may_have_one_label_by_chance(rows: int, scores: tuple[str, ...]) -> None:
    evidence = evidence_of(outcome("keep", 0.6, 0.6, rows=rows), outcome("fine_tune", 0.7, 0.7, rows=rows))
    evidence.held["new"].targets[:] = 1
    assert scores_weighed(evidence, Wishes()) == scores


def test_numbers_are_weighed_by_their_absolute_error_in_shares_of_keeps() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 10, ROWS)
    runs = [
        made_outcome(name, error_rows("new", scale * noise), task="regression")
        for name, scale in (("keep", 1.0), ("fine_tune", 0.998), ("full_retrain", 0.9))
    ]
    found = compare(evidence_of(*runs, task="regression"), Wishes(), "minor").recommendation
    assert found is not None and found.choice == "full_retrain" and found.scores == ("mae",)
    assert found.weighed["fine_tune"].worth == pytest.approx(0.4)
    assert found.summary.startswith("Retrain in full: mean absolute error goes from 8.")


def test_old_rows_that_all_have_been_trained_on_are_weighed_instead_of_held_out_ones() -> None:
    flattered = outcome("keep", 0.7, 0.8), outcome("full_retrain", 0.7, 0.77)
    seen = [
        replace(
            run, rows={**run.rows, **sure_rows("trained", np.where(np.arange(ROWS) < share * ROWS, 0.8, 0.2))}
        )
        for run, share in zip(flattered, (0.8, 0.81), strict=True)
    ]
    assert advice(*seen, old_weight=1.0).choice == "full_retrain"
    assert advice(*seen, old_weight=1.0, old_seen=False).choice == "keep"
    assert advice(*seen).rows == {"new": ROWS, "old": ROWS}


def test_rows_that_told_when_to_stop_are_weighed_with_those_of_the_holdout() -> None:
    runs = [
        replace(
            run,
            rows={**run.rows, **sure_rows("validation", np.where(np.arange(ROWS) < share * ROWS, 0.8, 0.2))},
        )
        for run, share in (
            (outcome("keep", 0.7, 0.8), 0.7),
            (outcome("fine_tune", 0.71, 0.8), 0.75),
        )
    ]
    found = advice(*runs, old_weight=0.0)
    assert found.weighed["fine_tune"].gains["accuracy"] == pytest.approx(0.03)
    assert found.rows["new"] == 2 * ROWS


def test_rows_by_which_a_model_was_chosen_are_not_weighed() -> None:
    runs = [
        replace(run, rows={**run.rows, **sure_rows("validation", np.full(ROWS, 0.8))})
        for run in (outcome("keep", 0.7, 0.8), outcome("surgical", 0.71, 0.8))
    ]
    assert advice(*runs).rows["new"] == ROWS


@pytest.mark.parametrize("score", ["accuracy", "log_loss", "auroc"])
def test_worth_is_as_sure_as_the_difference(score: str) -> None:
    """In one score on one part they are the same thing."""
    runs = outcome("keep", 0.6, 0.8, rows=200), shuffled(outcome("fine_tune", 0.7, 0.8, rows=200))
    found = ask(*runs, score=score, old_weight=0.0)
    assert found.recommendation is not None
    low, high = found.recommendation.weighed["fine_tune"].interval
    (one,) = (each for each in found.differences if each.side == "new" and each.score == score)
    margin = Wishes().margin * (2 if score == "log_loss" else 1)
    assert (low * margin, high * margin) == pytest.approx(one.interval)


def test_the_worth_in_two_scores_is_as_sure_as_its_draws_tell() -> None:
    evidence = evidence_of(
        outcome("keep", 0.6, 0.8, rows=400), shuffled(outcome("fine_tune", 0.7, 0.8, rows=400))
    )
    found = weights(evidence, weighing_of(evidence, Wishes(old_weight=0.3)))
    drawn = found.draws["fine_tune"].mean(axis=0) - found.draws["keep"].mean(axis=0)
    assert found.gap("fine_tune", "keep").rows == pytest.approx(drawn.std(), rel=0.06)


@pytest.mark.parametrize("score", ["accuracy", None])
def test_too_few_rows_make_nothing_clear(score: str | None) -> None:
    one_row = outcome("keep", 0.0, 0.0, rows=1), outcome("fine_tune", 1.0, 1.0, rows=1)
    assert not advice(*one_row, score=score).clear
    alike = outcome("keep", 0.7, 0.7, rows=20), outcome("fine_tune", 0.7, 0.7, rows=20)
    low, high = advice(*alike, score="accuracy").weighed["fine_tune"].interval
    assert low < -1 and high > 1
    assert not advice(*alike, score="accuracy").clear


def test_rows_of_one_group_make_nothing_clear() -> None:
    evidence = evidence_of(outcome("keep", 0.6, 0.6, rows=60), outcome("fine_tune", 0.9, 0.9, rows=60))
    held = {side: replace(one, groups=np.zeros(60, np.intp)) for side, one in evidence.held.items()}
    found = compare(replace(evidence, held=held), Wishes(), "major").recommendation
    assert found is not None and not found.clear


def test_a_score_that_is_no_number_decides_nothing_and_is_left_out() -> None:
    evidence = evidence_of(outcome("keep", 0.6, 0.6), outcome("fine_tune", 0.9, 0.9))
    for held in evidence.held.values():
        held.targets[:] = 0
    found = compare(evidence, Wishes(score="auroc"), "major")
    assert found.recommendation is not None
    assert found.recommendation.choice == "keep" and not found.recommendation.clear
    new = found.strategies["keep"].new
    assert new is not None and "auroc" not in new and "accuracy" in new
    assert from_json(to_json(found), Comparison) == found


def test_forgetting_counts_in_shares_of_what_keep_does_on_the_old_rows() -> None:
    """Keep's error is ten times as large on the new rows; 40 % worse on the old ones is no small matter."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, 400)
    runs = [
        made_outcome(name, error_rows("new", new * noise) | error_rows("old", old * noise), task="regression")
        for name, new, old in (("keep", 10.0, 1.0), ("fine_tune", 5.0, 1.4))
    ]
    evidence = evidence_of(*runs, task="regression")
    found = compare(evidence, Wishes(most_forgetting=0.05), "major")
    assert found.recommendation is not None and found.recommendation.choice == "keep"
    assert "on the old rows" in found.recommendation.weighed["fine_tune"].excluded
    old = next(one for one in found.differences if one.side == "old")
    assert old.verdict == "worse"


def test_a_choice_that_hangs_on_luck_is_not_clear() -> None:
    """A gain of 0.6 margins is hardly worth the training: keep and fine-tune take turns, though neither may be much better."""
    runs = outcome("keep", 0.6, 0.7), outcome("fine_tune", 0.66, 0.7)
    found = advice(*runs, score="accuracy", old_weight=0.0, margin=0.1)
    assert found.stability < 0.8 and not found.clear
    assert any("None of the others may be materially better" in doubt for doubt in found.doubts)
    surer = advice(*runs, score="accuracy", old_weight=0.0, margin=0.2)
    assert surer.stability > 0.8 and surer.clear


def test_that_the_old_model_has_not_seen_the_old_rows_may_change_the_choice() -> None:
    flattered = outcome("keep", 0.7, 0.8), outcome("full_retrain", 0.7, 0.77)
    seen = [
        replace(
            run, rows={**run.rows, **sure_rows("trained", np.where(np.arange(ROWS) < share * ROWS, 0.8, 0.2))}
        )
        for run, share in zip(flattered, (0.8, 0.81), strict=True)
    ]
    found = advice(*seen, old_weight=1.0)
    assert "If the old model was not trained on the old rows, keep the old model." in found.changes
    assert any("On the held-out old rows accuracy is 3.0 points worse" in reason for reason in found.reasons)


def test_of_held_out_old_rows_that_do_not_tell_the_score_nothing_is_said() -> None:
    runs = [
        replace(run, rows={**run.rows, **sure_rows("trained", np.full(ROWS, 0.8))})
        for run in (outcome("keep", 0.6, 0.8), outcome("full_retrain", 0.75, 0.8))
    ]
    evidence = evidence_of(*runs)
    zeros = np.zeros_like(evidence.held["old"].targets)
    single = {
        name: tuple(replace(one, targets=zeros) for one in seeds)
        for name, seeds in evidence.predicted["old"].items()
    }
    evidence = replace(evidence, predicted={**evidence.predicted, "old": single})
    found = compare(evidence, Wishes(score="auroc", old_weight=0.0), "major").recommendation
    assert found is not None and found.choice == "full_retrain"
    assert not any("held-out old rows" in reason for reason in found.reasons)


def test_seeds_that_disagree_make_the_lead_uncertain() -> None:
    one = [outcome("keep", 0.7, 0.7, seed=seed) for seed in range(3)]
    two = [outcome("fine_tune", share, 0.7, seed=seed) for seed, share in enumerate((0.62, 0.72, 0.82))]
    found = advice(*one, *two, old_weight=0.0)
    assert not found.clear and found.stability < 0.9


def test_candidates_scored_on_other_rows_are_not_ranked() -> None:
    with pytest.raises(RunError, match="same rows"):
        ask(outcome("keep", 0.6, 0.8), outcome("full_retrain", 0.75, 0.8, rows=ROWS - 1))


def test_without_keep_there_is_no_recommendation() -> None:
    failed = Outcome(RunSpec("keep-0", "e", "keep", {}, 0), RunResult("failed", error="It broke."))
    found = ask(failed, outcome("full_retrain", 0.75, 0.8))
    assert found.recommendation is None and found.differences == ()


def test_a_rival_that_may_be_better_is_named_in_the_sentence() -> None:
    runs = [
        outcome("keep", 0.6, 0.8),
        outcome("incremental", 0.75, 0.8, seconds=1),
        shuffled(outcome("full_retrain", 0.75, 0.8, seconds=9)),
    ]
    found = advice(*runs)
    assert found.choice == "incremental" and not found.clear
    assert found.summary == (
        "Train incrementally: accuracy goes from 60.0 % to 75.0 % on the held-out new rows and stays at 80.0 % on the held-out old ones; "
        "full retrain cannot be ruled out."
    )
    assert any(
        doubt.startswith(
            "Whether full retrain is better cannot be told from 4,000 new rows and 4,000 old rows; about "
        )
        and doubt.endswith(" more held-out rows would tell.")
        for doubt in found.doubts
    )


def test_many_rivals_are_counted_instead_of_named() -> None:
    rivals = [
        shuffled(outcome(name, 0.75, 0.8, seconds=9), seed)
        for seed, name in enumerate(("full_retrain", "lp_ft", "surgical"))
    ]
    found = advice(outcome("keep", 0.6, 0.8), outcome("incremental", 0.75, 0.8, seconds=1), *rivals)
    assert found.summary.endswith("; 3 others cannot be ruled out.")


def test_many_candidates_do_not_make_a_long_answer() -> None:
    others = [name for name in STRATEGIES if name not in ("keep", "incremental")]
    runs = [outcome(name, 0.70 - 0.01 * place, 0.8) for place, name in enumerate(others)]
    best = outcome("keep", 0.6, 0.8), outcome("incremental", 0.75, 0.8)
    few, many = advice(*best, *runs[:5], old_weight=0.0), advice(*best, *runs, old_weight=0.0)
    assert len(many.reasons) == len(few.reasons)
    assert "2 others on the new rows: clearly behind." in few.reasons


def test_what_is_missing_is_a_doubt() -> None:
    stopped = outcome("fine_tune", 0.72, 0.8)
    stopped = replace(stopped, result=replace(stopped.result, status="stopped"))
    failed = Outcome(
        RunSpec("full_retrain-0", "e", "full_retrain", {}, 0), RunResult("failed", error="It broke.")
    )
    found = advice(outcome("keep", 0.7, 0.8), stopped, failed)
    assert "Stopped before the end, scored with what it had: fine-tune." in found.doubts
    assert "Without a score: full retrain." in found.doubts
    assert any(doubt.startswith("One seed a candidate") for doubt in found.doubts)


def test_scores_are_means_over_seeds_and_each_seed_is_kept() -> None:
    runs = [
        outcome("keep", 0.6, 0.8),
        *(outcome("fine_tune", share, 0.8, seed=seed) for seed, share in enumerate((0.7, 0.8))),
    ]
    candidate = ask(*runs).strategies["fine_tune"]
    assert candidate.new is not None and candidate.new["accuracy"] == pytest.approx(0.75)
    assert [seed["new"]["accuracy"] for seed in candidate.per_seed] == pytest.approx([0.7, 0.8])
    delta = candidate.delta["new"]
    assert delta is not None and delta["accuracy"].value == pytest.approx(0.15)


# --- how stable it is -----------------------------------------------------------------------------


def test_what_can_be_gained_is_decided_anew_in_each_resample() -> None:
    """Without old data a gain counts once it is proven: here just not, so it is in many resamples."""
    runs = outcome("keep", 0.7, 0.7, rows=400), shuffled(outcome("fine_tune", 0.735, 0.7, rows=400))
    found = advice(*runs, level=None, old_weight=0.0)
    assert found.choice == "keep" and found.stability < 0.8 and not found.clear


def test_a_limit_on_forgetting_is_held_against_each_resample() -> None:
    lossy = shuffled(outcome("full_retrain", 0.9, 0.76, rows=400))
    runs = outcome("keep", 0.6, 0.8, rows=400), outcome("fine_tune", 0.75, 0.8, rows=400), lossy
    wishes = {"old_weight": 0.2, "old_seen": False}
    near = advice(*runs, most_forgetting=0.041, **wishes)
    assert near.choice == "full_retrain" and 0.3 < near.stability < 0.7 and not near.clear
    assert near.weighed["fine_tune"].share > 0.3
    far = advice(*runs, most_forgetting=0.5, **wishes)
    assert far.choice == "full_retrain" and far.stability == 1.0
    assert advice(*runs, most_forgetting=0.0, **wishes).weighed["full_retrain"].share < 0.2


def test_a_limit_on_time_leaves_out_in_each_resample() -> None:
    runs = outcome("keep", 0.6, 0.8), outcome("full_retrain", 0.9, 0.8, seconds=90)
    assert advice(*runs, most_seconds=60).weighed["full_retrain"].share == 0.0
