"""Every candidate against keep, and against every other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from retrain_core.compare import compare
from retrain_core.compare.differences import mcnemar
from retrain_core.compare.head_start import head_start
from retrain_core.compare.scores import candidate_scores
from retrain_core.types import Difference, Outcome, Wishes
from tests.compare.test_recommend import outcome, shuffled
from tests.make import evidence_of, made_outcome, sure_rows


def found(*runs: Outcome, **wishes: Any) -> dict[tuple[str, str, str, str], Difference]:
    """Return the differences by candidate, base, part and score."""
    made = compare(evidence_of(*runs), Wishes(**wishes), "major").differences
    return {(one.candidate, one.base, one.side, one.score): one for one in made}


def test_each_candidate_is_held_against_keep_and_each_pair_once() -> None:
    runs = outcome("keep", 0.6, 0.8), outcome("fine_tune", 0.7, 0.8), outcome("full_retrain", 0.75, 0.8)
    keys = set(found(*runs))
    pairs = {("fine_tune", "keep"), ("full_retrain", "keep"), ("fine_tune", "full_retrain")}
    assert keys == {
        (*pair, side, score)
        for pair in pairs
        for side in ("new", "old")
        for score in ("accuracy", "log_loss")
    }


def test_positive_is_better_whichever_way_a_score_runs_and_the_verdict_says_so() -> None:
    made = found(outcome("keep", 0.6, 0.8), outcome("fine_tune", 0.7, 0.7))
    for score in ("accuracy", "log_loss"):
        new, old = (made["fine_tune", "keep", side, score] for side in ("new", "old"))
        assert new.value > 0 and new.interval[0] > 0 and new.verdict == "better"
        assert old.value < 0 and old.interval[1] < 0 and old.verdict == "worse"
    assert made["fine_tune", "keep", "new", "accuracy"].value == pytest.approx(0.1)


def test_accuracy_with_one_seed_is_tested_by_mcnemar_and_adjusted_over_the_candidates() -> None:
    keep, rows = outcome("keep", 0.7, 0.7, rows=500), {}
    runs = [
        shuffled(outcome(name, 0.72, 0.72, rows=500), seed)
        for seed, name in enumerate(("fine_tune", "incremental"))
    ]
    made = found(keep, *runs)
    for run in runs:
        one = made[run.spec.strategy, "keep", "new", "accuracy"]
        assert one.p == mcnemar(run.rows["new_metric"] == 1, keep.rows["new_metric"] == 1)
        rows[run.spec.strategy] = one
    smaller, larger = sorted(rows.values(), key=lambda one: one.p)
    assert smaller.p_adjusted == pytest.approx(min(1, 2 * smaller.p))
    assert larger.p_adjusted == pytest.approx(max(larger.p, smaller.p_adjusted))


def test_what_cannot_be_told_says_how_many_more_rows_would_do() -> None:
    made = found(outcome("keep", 0.7, 0.7, rows=300), shuffled(outcome("fine_tune", 0.72, 0.7, rows=300)))
    one = made["fine_tune", "keep", "new", "accuracy"]
    assert one.verdict == "cannot tell" and one.more_rows is not None and one.more_rows > 300
    many = found(outcome("keep", 0.7, 0.7), outcome("fine_tune", 0.7, 0.7))
    assert many["fine_tune", "keep", "new", "accuracy"].verdict == "no material difference"


def test_the_spread_over_seeds_stands_apart() -> None:
    seeds = [outcome("fine_tune", share, 0.7, seed=seed) for seed, share in enumerate((0.65, 0.7, 0.75))]
    made = found(outcome("keep", 0.7, 0.7), *seeds)
    assert made["fine_tune", "keep", "new", "accuracy"].seeds == pytest.approx(0.05)
    assert found(outcome("keep", 0.7, 0.7), seeds[0])["fine_tune", "keep", "new", "accuracy"].seeds is None
    keeps = [outcome("keep", 0.7, 0.7, seed=seed) for seed in range(2)]
    assert found(*keeps, seeds[0])["fine_tune", "keep", "new", "accuracy"].seeds is None
    one = found(outcome("keep", 0.7, 0.7), outcome("incremental", 0.7, 0.7), *seeds)
    assert one["incremental", "fine_tune", "new", "accuracy"].seeds == pytest.approx(0.05)
    assert one["incremental", "fine_tune", "new", "accuracy"].more_rows is None, "more seeds would tell"


def test_nobody_is_asked_for_old_training_rows() -> None:
    runs = [
        trained(outcome("keep", 0.7, 0.8, rows=300), 0.8),
        replace(
            shuffled(one := trained(outcome("fine_tune", 0.7, 0.8, rows=300), 0.8)),
            rows=shuffled_trained(one),
        ),
    ]
    evidence = evidence_of(*runs)

    def told(*, old_seen: bool) -> Difference:
        made = compare(evidence, Wishes(score="log_loss", old_seen=old_seen), "major").differences
        return next(one for one in made if (one.base, one.side, one.score) == ("keep", "old", "log_loss"))

    training, held_out = told(old_seen=True), told(old_seen=False)
    assert (training.verdict, training.rows, training.more_rows) == ("cannot tell", "trained", None)
    assert held_out.rows == "old"


def test_shares_differ_by_one_at_most() -> None:
    one = found(outcome("keep", 0.0, 0.0, rows=4), outcome("fine_tune", 1.0, 1.0, rows=4))
    told = one["fine_tune", "keep", "new", "accuracy"]
    assert told.value == 1 and told.interval[1] == 1 and told.interval[0] < 0.9


def shuffled_trained(run: Outcome) -> dict[str, Any]:
    """Return a run's rows with those of the trained part in another order."""
    chance = np.exp(-run.rows["trained_loss"])
    return {**run.rows, **sure_rows("trained", np.random.default_rng(1).permutation(chance))}


def trained(run: Outcome, share: float) -> Outcome:
    """Return a run with its scores on old rows for training."""
    rows = len(run.rows["old_loss"])
    return replace(
        run, rows={**run.rows, **sure_rows("trained", np.where(np.arange(rows) < share * rows, 0.8, 0.2))}
    )


def test_the_head_start_is_what_the_lead_loses_where_both_have_been_trained() -> None:
    keep, full = trained(outcome("keep", 0.7, 0.80), 0.80), trained(outcome("full_retrain", 0.7, 0.76), 0.79)
    evidence = evidence_of(keep, full)
    assert head_start(evidence, "accuracy") == pytest.approx(0.03)
    assert head_start(evidence, "log_loss") == pytest.approx(0.03 * np.log(0.8 / 0.2))
    assert head_start(evidence_of(keep, trained(outcome("fine_tune", 0.7, 0.8), 0.8)), "accuracy") == 0.0
    assert (
        head_start(evidence_of(outcome("keep", 0.7, 0.8), outcome("full_retrain", 0.7, 0.7)), "accuracy")
        == 0.0
    )


def test_intervals_on_the_old_part_reach_as_much_further_as_the_head_start_for_what_has_it() -> None:
    evidence = evidence_of(
        trained(outcome("keep", 0.7, 0.80), 0.80), trained(outcome("full_retrain", 0.7, 0.76), 0.79)
    )
    for name, score, end in (("keep", "accuracy", 0), ("keep", "log_loss", 1)):
        seen, unseen = (candidate_scores(evidence, name, old_seen=old) for old in (True, False))
        assert seen.interval["new"] == unseen.interval["new"] and seen.old == unseen.old
        longer, plain = seen.interval["old"], unseen.interval["old"]
        assert longer and plain and longer[score][1 - end] == plain[score][1 - end]
        sign = -1 if end == 0 else 1
        assert longer[score][end] - plain[score][end] == pytest.approx(sign * head_start(evidence, score))
    full = [candidate_scores(evidence, "full_retrain", old_seen=old) for old in (True, False)]
    assert full[0].interval == full[1].interval
    reach = [one.delta["old"]["accuracy"].interval for one in full]  # type: ignore[index]
    assert reach[0][0] == reach[1][0] and reach[0][1] - reach[1][1] == pytest.approx(0.03)


def test_differences_on_old_rows_are_taken_where_both_have_been_trained() -> None:
    runs = trained(outcome("keep", 0.7, 0.80), 0.80), trained(outcome("full_retrain", 0.7, 0.76), 0.79)
    assert found(*runs)["full_retrain", "keep", "old", "accuracy"].value == pytest.approx(-0.01)
    assert found(*runs, old_seen=False)["full_retrain", "keep", "old", "accuracy"].value == pytest.approx(
        -0.04
    )


def beside_keep(name: str, share: float) -> list[Outcome]:
    """Return keep, full retrain, and one more with this accuracy on the old training rows."""
    return [
        trained(outcome("keep", 0.7, 0.80), 0.80),
        trained(outcome("full_retrain", 0.7, 0.76), 0.79),
        trained(outcome(name, 0.7, 0.76), share),
    ]


def test_what_was_retrained_on_new_rows_alone_is_not_behind_for_old_rows_that_others_know() -> None:
    runs = beside_keep("retrain_new", 0.76)
    made = compare(evidence_of(*runs), Wishes(old_weight=1.0, score="accuracy"), "major").recommendation
    assert made is not None
    assert made.weighed["retrain_new"].worth == pytest.approx((-0.04 + 0.03) / 0.005)
    assert made.weighed["full_retrain"].worth == pytest.approx(-0.01 / 0.005)


def test_what_was_retrained_with_old_rows_gets_nothing_for_them() -> None:
    runs = beside_keep("retrain_recent", 0.79)
    made = compare(evidence_of(*runs), Wishes(old_weight=1.0, score="accuracy"), "major").recommendation
    assert made is not None and made.choice == "keep"
    assert made.weighed["retrain_recent"].worth == pytest.approx(-0.01 / 0.005)


def test_what_flatters_the_others_is_taken_off_everywhere() -> None:
    """The worth, the difference and the limit on forgetting tell the same of it."""
    runs = beside_keep("retrain_new", 0.76)
    wishes = Wishes(old_weight=1.0, score="accuracy", most_forgetting=0.02)
    made = compare(evidence_of(*runs), wishes, "major")
    assert made.recommendation is not None and not made.recommendation.weighed["retrain_new"].excluded
    assert made.recommendation.weighed["retrain_new"].gains["accuracy"] == pytest.approx(-0.01)
    one = next(
        one
        for one in made.differences
        if (one.candidate, one.base, one.side) == ("retrain_new", "keep", "old")
    )
    assert one.value == pytest.approx(-0.01)


def test_without_old_data_a_proven_gain_says_that_something_has_moved() -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(size=400) < 0.7

    def run(name: str, share: float) -> Outcome:
        right = base | (rng.uniform(size=400) < share)
        return made_outcome(name, sure_rows("new", np.where(right, 0.8, 0.2)))

    keep = made_outcome("keep", sure_rows("new", np.where(base, 0.8, 0.2)))
    for share, choice in ((0.02, "keep"), (0.3, "fine_tune")):
        made = compare(evidence_of(keep, run("fine_tune", share)), Wishes(), None).recommendation
        assert made is not None and made.choice == choice, share
