"""When a better model pays: checked by hand, and with what is uncertain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retrain_core.compare import compare
from retrain_core.compare.cost import Payoff, break_even, front, in_focus, sensitivity
from retrain_core.compare.cost_words import payoff_words, swing_words
from retrain_core.compare.scores import candidate_scores
from retrain_core.types import Comparison, Outcome, Stakes, Wishes
from tests.make import error_rows, evidence_of, made_outcome, sure_rows

STAKES = Stakes(value=0.5, a_day=1000, days=90, an_hour=4.0)
PAYOFF = Payoff(0.1, (0.04, 0.16), 100.0, STAKES)  # 50 a day


def run(
    name: str, new: float, old: float | None = None, *, seconds: float = 3600.0, seed: int = 0
) -> Outcome:
    """Return a run that is right on the easiest rows."""
    rows: dict[str, np.ndarray] = {}
    for side, share in (("new", new), ("validation", new), ("old", old)):
        if share is not None:
            rows |= sure_rows(side, np.where(np.arange(1000) < round(1000 * share), 0.8, 0.2))
    return made_outcome(name, rows, seed=seed, seconds=seconds)


def compared(*outcomes: Outcome) -> Comparison:
    return compare(evidence_of(*outcomes), Wishes())


def paid(*outcomes: Outcome, stakes: Stakes = STAKES, task: str = "binary") -> dict[str, Payoff]:
    evidence = evidence_of(*outcomes, task=task)  # type: ignore[arg-type]
    return break_even(evidence, {name: candidate_scores(evidence, name) for name in evidence.names}, stakes)


# --- the front ------------------------------------------------------------------------------------


def test_a_candidate_that_another_beats_in_everything_is_not_on_the_front() -> None:
    found = compared(
        run("keep", 0.6, 0.8), run("fine_tune", 0.7, 0.7, seconds=5), run("lwf", 0.65, 0.7, seconds=9),
        run("full_retrain", 0.75, 0.7, seconds=60), run("replay", 0.65, 0.75, seconds=9),
    )  # fmt: skip
    assert front(found, "accuracy") == ("keep", "fine_tune", "full_retrain", "replay")


def test_keep_takes_no_time_though_it_was_loaded_and_a_failed_one_is_on_no_front() -> None:
    failed = replace(
        run("lwf", 0.9), rows={}, result=replace(run("lwf", 0.9).result, status="failed", new=None)
    )
    found = compared(run("keep", 0.6, seconds=50), run("fine_tune", 0.6, seconds=5), failed)
    assert front(found, "accuracy") == ("keep",)


def test_of_a_score_that_is_better_if_lower_the_lowest_is_on_the_front() -> None:
    found = compared(run("keep", 0.6), run("fine_tune", 0.7))
    assert front(found, "loss") == ("keep", "fine_tune")


# --- the break-even -------------------------------------------------------------------------------


def test_the_break_even_is_that_of_a_calculation_by_hand() -> None:
    found = paid(run("keep", 0.6), run("fine_tune", 0.7, seconds=1800))["fine_tune"]
    assert found.gain == pytest.approx(0.1) and found.cost == pytest.approx(2.0)
    assert found.net == pytest.approx(0.1 * 0.5 * 1000 * 90 - 2)
    assert found.days == pytest.approx(2 / 50)
    low, high = found.gain_interval
    assert found.interval == pytest.approx((low * 45_000 - 2, high * 45_000 - 2))
    assert found.days_interval == pytest.approx((2 / (high * 500), 2 / (low * 500)))


def test_rows_that_only_told_when_to_stop_count_too_and_old_rows_do_not() -> None:
    better = run("fine_tune", 0.7, 0.1)
    better = replace(better, rows={**better.rows, **sure_rows("validation", np.full(1000, 0.8))})
    found = paid(run("keep", 0.6, 0.8), better)["fine_tune"]
    assert found.gain == pytest.approx((0.1 + 0.4) / 2)


def test_of_numbers_the_gain_is_how_far_the_absolute_error_falls() -> None:
    runs = [
        made_outcome(name, error_rows("new", np.resize([error, -error], 400)), task="regression")
        for name, error in (("keep", 5.0), ("fine_tune", 3.0))
    ]
    assert paid(*runs, task="regression")["fine_tune"].gain == pytest.approx(2.0)


def test_several_seeds_cost_what_one_does_on_average() -> None:
    runs = [run("full_retrain", 0.7, seconds=seconds, seed=seed) for seed, seconds in enumerate((1800, 5400))]
    assert paid(run("keep", 0.6), *runs)["full_retrain"].cost == pytest.approx(4.0)


def test_a_candidate_that_is_no_better_never_pays_and_a_free_one_pays_at_once() -> None:
    never = paid(run("keep", 0.6), run("fine_tune", 0.5))["fine_tune"]
    assert never.days is None and never.net < 0 and never.days_interval == (None, None)
    free = paid(run("keep", 0.6), run("fine_tune", 0.7), stakes=replace(STAKES, an_hour=0))["fine_tune"]
    assert free.days == 0 and "pays back from the first day" in payoff_words("fine_tune", free)


def test_the_recommended_candidate_is_told_about_or_the_one_that_brings_most() -> None:
    found = {"fine_tune": PAYOFF, "lwf": replace(PAYOFF, gain=0.2)}
    assert in_focus(found, "fine_tune") == "fine_tune"
    assert in_focus(found, "keep") == in_focus(found, None) == "lwf"
    assert in_focus({}, "keep") is None


# --- sensitivity ----------------------------------------------------------------------------------


def test_each_factor_is_halved_and_doubled_and_the_widest_comes_first() -> None:
    swings = sensitivity(PAYOFF)
    found = {swing.factor: (swing.less, swing.more) for swing in swings}
    assert PAYOFF.net == pytest.approx(4400)
    for factor in ("value", "a_day", "days"):
        assert found[factor] == pytest.approx((2150, 8900))
    assert found["an_hour"] == pytest.approx((4450, 4300)) and found["gain"] == pytest.approx((1700, 7100))
    assert [swing.factor for swing in swings] == ["value", "a_day", "days", "gain", "an_hour"]


def test_what_turns_a_gain_into_a_loss_is_named() -> None:
    close = replace(PAYOFF, cost=3000.0)
    words = swing_words(sensitivity(close), close.net)
    assert words.startswith(
        "The value of a better prediction, the predictions a day and the days matter most; "
    )
    assert words.endswith(" or the price of an hour turns a gain into a loss.")
    loss = replace(PAYOFF, gain=-0.1, gain_interval=(-0.16, -0.04))
    assert "never turns a loss into a gain" in swing_words(sensitivity(loss), loss.net)


def test_a_gain_that_may_be_none_is_told_though_nothing_entered_turns_it() -> None:
    unsure = replace(PAYOFF, gain_interval=(-0.2, 0.4))
    words = swing_words(sensitivity(unsure), unsure.net)
    assert words == (
        "The gain matters most; half or twice as much of what you entered never turns a gain into a loss, but the gain may "
        "be smaller or larger than measured, and that does."
    )


def test_recalibrating_costs_the_time_it_took() -> None:
    recalibrated = run("recalibrate", 0.6, seconds=1800)
    assert front(compared(run("keep", 0.6), recalibrated), "accuracy") == ("keep",)
    assert paid(run("keep", 0.6), recalibrated)["recalibrate"].cost == pytest.approx(2.0)


# --- in words -------------------------------------------------------------------------------------


def test_what_it_is_worth_is_one_sentence() -> None:
    assert payoff_words("full_retrain", PAYOFF) == (
        "Full retrain pays back after about 2 days (95 %: 1.2 days to 5 days) and is worth about 4,400 over 90 days (95 %: 1,700 to 7,100)."
    )


def test_ends_that_read_alike_are_told_once() -> None:
    soon = replace(PAYOFF, cost=1.0, gain_interval=(0.05, 0.15))
    assert " pays back after less than a day (95 %: less than a day) and " in payoff_words("lwf", soon)


def test_one_day_is_one_day() -> None:
    one = replace(PAYOFF, stakes=replace(STAKES, a_day=90_000, days=1))
    assert "over 1 day (" in payoff_words("lwf", one)


def test_it_is_said_if_it_may_bring_less_than_it_costs_or_pays_too_late_or_never() -> None:
    unsure = replace(PAYOFF, gain_interval=(-0.05, 0.25))
    assert payoff_words("lwf", unsure).endswith("it may also bring less than it costs.")
    late = replace(PAYOFF, cost=9000.0)
    assert (
        "would pay back after about 180 days only (95 %: 112 days to 450 days); after 90 days its net benefit is −4,500 (95 %"
        in payoff_words("lwf", late)
    )
    assert "(95 %: 36 days to never)" in payoff_words("lwf", replace(late, gain_interval=(-0.05, 0.5)))
    never = replace(PAYOFF, gain=-0.1, gain_interval=(-0.2, 0.0))
    assert (
        "does not pay back: its net benefit over 90 days is −4,600 (95 %: −9,100 to −100)."
        in payoff_words("lwf", never)
    )
