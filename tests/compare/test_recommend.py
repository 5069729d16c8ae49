"""What is recommended, and how sure."""

from __future__ import annotations

import numpy as np
import pytest

from retrain_core.compare import compare
from retrain_core.errors import RunError
from retrain_core.strategies import STRATEGIES
from retrain_core.types import Comparison, Holdout, Outcome, PartScores, RunResult, RunSpec

ROWS = 4000
HOLDOUT = Holdout("0" * 64, ROWS, ROWS)


def outcome(
    strategy: str, new: float, old: float, *, seconds: float = 1.0, seed: int = 0, rows: int = ROWS
) -> Outcome:
    """Return a run that is right on the easiest rows: ``new`` and ``old`` are its accuracies."""
    arrays: dict[str, np.ndarray] = {}
    for side, share in (("new", new), ("old", old)):
        right = (np.arange(rows) < round(share * rows)).astype(float)
        arrays |= {f"{side}_metric": right, f"{side}_loss": 1 - right}
    scores = {
        side: PartScores(float(arrays[f"{side}_loss"].mean()), rows, float(arrays[f"{side}_metric"].mean()))
        for side in ("new", "old")
    }
    result = RunResult("finished", scores["new"], scores["old"], seconds=seconds, model="model.keras")
    return Outcome(RunSpec(f"{strategy}-{seed}", "e", strategy, {}, seed), result, arrays)


def ask(*outcomes: Outcome, old_weight: float = 0.5) -> Comparison:
    return compare(outcomes, HOLDOUT, "binary", old_weight)


def choice(*outcomes: Outcome, old_weight: float = 0.5) -> tuple[str, bool]:
    found = ask(*outcomes, old_weight=old_weight).recommendation
    assert found is not None
    return found.choice, found.clear


def test_a_much_better_candidate_is_taken_clearly() -> None:
    assert choice(outcome("keep", 0.6, 0.8), outcome("full_retrain", 0.75, 0.8)) == ("full_retrain", True)


def test_nothing_better_means_keep() -> None:
    assert choice(
        outcome("keep", 0.7, 0.8), outcome("fine_tune", 0.702, 0.8), outcome("full_retrain", 0.6, 0.7)
    ) == ("keep", True)


def test_a_gain_within_chance_does_not_replace_the_old_model_for_sure() -> None:
    rng = np.random.default_rng(0)
    keep, lucky = outcome("keep", 0.7, 0.7, rows=100), outcome("fine_tune", 0.7, 0.7, rows=100)
    rows = {name: rng.permutation(values) for name, values in lucky.rows.items()}
    found = compare(
        [keep, Outcome(lucky.spec, lucky.result, rows)], Holdout("0" * 64, 100, 100), "binary", 0.0
    )
    assert found.recommendation is not None and found.recommendation.choice == "keep"


def test_of_two_that_are_equally_good_the_cheaper_is_taken_and_that_is_not_called_clear_against_neither() -> (
    None
):
    runs = [
        outcome("keep", 0.6, 0.8),
        outcome("fine_tune", 0.748, 0.8, seconds=2),
        outcome("full_retrain", 0.75, 0.8, seconds=90),
    ]
    recommendation = ask(*runs).recommendation
    assert recommendation is not None and recommendation.choice == "fine_tune" and recommendation.clear
    assert any("cheaper" in reason for reason in recommendation.reasons)


def test_the_weight_of_the_old_rows_moves_the_recommendation() -> None:
    runs = [outcome("keep", 0.6, 0.9), outcome("incremental", 0.8, 0.6), outcome("full_retrain", 0.72, 0.88)]
    assert [choice(*runs, old_weight=weight)[0] for weight in (0.0, 0.5, 1.0)] == [
        "incremental",
        "full_retrain",
        "keep",
    ]


def test_the_sentence_names_the_scores_before_and_after() -> None:
    recommendation = ask(outcome("keep", 0.6, 0.8), outcome("full_retrain", 0.75, 0.79)).recommendation
    assert recommendation is not None
    assert recommendation.summary == (
        "Retrain in full: accuracy goes from 60.0 % to 75.0 % on the new rows and from 80.0 % to 79.0 % on the old."
    )


def test_seeds_that_disagree_make_the_lead_uncertain() -> None:
    one = [outcome("keep", 0.7, 0.7, seed=seed) for seed in range(3)]
    two = [outcome("fine_tune", share, 0.7, seed=seed) for seed, share in enumerate((0.62, 0.72, 0.82))]
    name, clear = choice(*one, *two, old_weight=0.0)
    assert not clear or name == "keep"


def test_candidates_scored_on_other_rows_are_not_ranked() -> None:
    with pytest.raises(RunError, match="same rows"):
        ask(outcome("keep", 0.6, 0.8), outcome("full_retrain", 0.75, 0.8, rows=ROWS - 1))


def test_without_keep_there_is_no_recommendation() -> None:
    failed = Outcome(RunSpec("keep-0", "e", "keep", {}, 0), RunResult("failed", error="It broke."))
    assert ask(failed, outcome("full_retrain", 0.75, 0.8)).recommendation is None


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


def with_loss(run: Outcome, loss: float) -> Outcome:
    """Return the same decisions with other probabilities."""
    noise = np.random.default_rng(0).normal(0, 0.1, ROWS)
    rows = {**run.rows, "new_loss": loss + noise, "old_loss": loss + noise}
    return Outcome(run.spec, run.result, rows)


def test_a_rival_that_may_be_better_is_named_in_the_sentence() -> None:
    rng = np.random.default_rng(1)
    runs = [
        outcome("keep", 0.6, 0.8),
        outcome("incremental", 0.75, 0.8, seconds=1),
        outcome("full_retrain", 0.75, 0.8, seconds=9),
    ]
    shuffled = {name: rng.permutation(values) for name, values in runs[2].rows.items()}
    recommendation = ask(*runs[:2], Outcome(runs[2].spec, runs[2].result, shuffled)).recommendation
    assert recommendation is not None and recommendation.choice == "incremental" and not recommendation.clear
    assert recommendation.summary.endswith("; full retrain cannot be ruled out.")


def test_many_rivals_are_counted_instead_of_named() -> None:
    rng = np.random.default_rng(1)
    runs = [outcome("keep", 0.6, 0.8), outcome("incremental", 0.75, 0.8, seconds=1)]
    for name in ("full_retrain", "lp_ft", "surgical"):
        rival = outcome(name, 0.75, 0.8, seconds=9)
        shuffled = {key: rng.permutation(values) for key, values in rival.rows.items()}
        runs.append(Outcome(rival.spec, rival.result, shuffled))
    recommendation = ask(*runs).recommendation
    assert recommendation is not None
    assert recommendation.summary.endswith("; 3 others cannot be ruled out.")


def test_many_candidates_do_not_make_a_long_answer() -> None:
    others = [name for name in STRATEGIES if name not in ("keep", "incremental")]
    runs = [outcome(name, 0.70 - 0.01 * place, 0.8) for place, name in enumerate(others)]
    few = ask(outcome("keep", 0.6, 0.8), outcome("incremental", 0.75, 0.8), *runs[:5], old_weight=0.0)
    many = ask(outcome("keep", 0.6, 0.8), outcome("incremental", 0.75, 0.8), *runs, old_weight=0.0)
    assert few.recommendation is not None and many.recommendation is not None
    assert len(many.recommendation.reasons) == len(few.recommendation.reasons)
    assert (
        "2 others are 8.0 points to 9.0 points worse on the new rows, clearly." in few.recommendation.reasons
    )
    assert (
        "10 others are 8.0 points to 17.0 points worse on the new rows, clearly."
        in many.recommendation.reasons
    )


def test_a_loss_that_prefers_another_is_a_reason() -> None:
    runs = [with_loss(outcome("keep", 0.7, 0.8), 0.72), with_loss(outcome("incremental", 0.7, 0.8), 0.66)]
    recommendation = ask(*runs).recommendation
    assert recommendation is not None and recommendation.choice == "keep"
    assert any(
        reason.startswith("By loss, incremental is clearly better") for reason in recommendation.reasons
    )
    same = ask(runs[0], with_loss(outcome("incremental", 0.7, 0.8), 0.72)).recommendation
    assert same is not None and not any("By loss" in reason for reason in same.reasons)


@pytest.mark.parametrize("rows", [50, 100, 400])
def test_keep_is_hardly_ever_replaced_by_candidates_that_are_no_better(rows: int) -> None:
    rng = np.random.default_rng(rows)
    replaced = 0
    for _ in range(400):
        keep = rng.uniform(size=rows) < 0.7
        runs = []
        for name in ("keep", "fine_tune", "incremental", "full_retrain"):
            again = (rng.uniform(size=rows) < 0.1) & (name != "keep")  # a tenth of its answers are drawn anew
            right = np.where(again, rng.uniform(size=rows) < 0.7, keep).astype(float)
            arrays = {"new_metric": right, "new_loss": 1 - right}
            scores = PartScores(1 - right.mean(), rows, right.mean())
            runs.append(
                Outcome(RunSpec(f"{name}-0", "e", name, {}, 0), RunResult("finished", scores), arrays)
            )
        found = compare(runs, Holdout("0" * 64, rows, 0), "binary", 0.0).recommendation
        replaced += found is not None and found.choice != "keep"
    assert replaced <= 16  # 4 %
