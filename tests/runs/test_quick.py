"""A quick look: worked off round by round beside the runs, by whichever runner there is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from retrain_core.cli.quick import best_by_quick_look
from retrain_core.data.parts import load_parts
from retrain_core.data.small import small_question
from retrain_core.runs import experiment_status, looks, quick_in_full, runs_done, try_states
from retrain_core.runs.names import QUICK, RUN_PATTERN
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.quick import has_chosen, plan_quick_look, quick_title, quick_verdict, stop_quick_look
from retrain_core.runs.quick_compute import used_compute
from retrain_core.runs.runner import Runner
from retrain_core.types import (
    Limits,
    PartScores,
    QuickCandidate,
    QuickLook,
    QuickRung,
    QuickTry,
    RunEvent,
    RunResult,
    RunSpec,
    SplitSettings,
    Wishes,
)
from tests.runs.conftest import Asked, Idle, rows, until

THREE = {"fine_tune": {}, "incremental": {}, "full_retrain": {}}


@pytest.fixture(autouse=True)
def no_other_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain_core.runs.quick.ensure_runner", lambda store: None)


@pytest.fixture
def runner(asked: Asked, idle: Idle) -> Iterator[Runner]:
    runner = Runner(asked[0], cpu_lanes=2)
    yield runner
    runner.close()


def ask(asked: Asked, **plan: bool) -> None:
    store, spec = asked
    looks.add(store, spec.id, plan_quick_look(plan_runs(spec.id, THREE, device="cpu"), Wishes(), **plan))


def look(asked: Asked) -> QuickLook:
    found = looks.read(asked[0], asked[1].id)
    assert found is not None
    return found


def score(asked: Asked, idle: Idle, run: RunSpec, right: float) -> None:
    """End a try as its worker would, with this share of right rows."""
    store, spec = asked
    small = small_question(load_parts(store.experiment_folder(spec.id) / "data"), run)
    arrays = {}
    for side in ("new", "old"):
        targets = np.asarray(small[f"{side}_holdout"].targets)
        known = np.arange(len(targets)) < right * len(targets)
        chance = np.where(known == (targets == 1), 0.8, 0.2)
        arrays |= {f"{side}_outputs": chance[:, None], f"{side}_metric": known * 1.0}
        arrays[f"{side}_loss"] = -np.log(np.where(targets == 1, chance, 1 - chance))
    folder, buffer = store.run_folder(spec.id, run.id), io.BytesIO()
    np.savez(buffer, **arrays)
    (folder / "scores.npz").write_bytes(buffer.getvalue())
    seen = (run.new_rows or 0) * int(run.options.get("epochs") or 1)
    store.save_result(spec.id, run.id, RunResult("finished", new=PartScores(0.5, 1), rows_seen=seen))
    idle.over.append((folder, 0))


def work_off(asked: Asked, idle: Idle, runner: Runner, right: dict[str, float], rounds: int) -> None:
    """End tries as they start, until so many rounds are decided."""
    store, spec = asked

    def some() -> bool:
        for folder in list(idle.started):
            run = store.run(spec.id, folder.name)
            del idle.started[folder]
            score(asked, idle, run, right[run.strategy])
        return sum(rung.decided for rung in look(asked).rungs) == rounds

    until(some, runner)


def test_a_real_quick_look_outlives_its_runner_and_ends_with_a_winner(asked: Asked) -> None:
    store, spec = asked
    ask(asked, vary=True)
    first = Runner(store)
    until(lambda: len(look(asked).rungs) == 2, first, seconds=200)
    told = look(asked).rungs[0]
    first.close()
    second = Runner(store)
    until(lambda: look(asked).status != "running", second, seconds=200)
    second.close()
    found = look(asked)
    assert found.status == "finished" and len(found.rungs) == 3 and found.rungs[0] == told
    assert found.best in {one.name for one in found.candidates}
    chosen = quick_in_full(found)
    assert chosen is not None and chosen.strategy in THREE
    assert all(one.gain is not None and one.expected is not None for one in found.rungs[2].tries)
    assert any(one.expected > one.gain for one in found.rungs[2].tries), (
        "fresh weights, with some of the epochs"
    )
    assert found.rungs[2].new_rows > found.rungs[1].new_rows > found.rungs[0].new_rows
    for one in found.rungs[2].tries:
        result = store.result(spec.id, one.run)
        small = small_question(
            load_parts(store.experiment_folder(spec.id) / "data"), store.run(spec.id, one.run)
        )
        assert result is not None and result.new is not None and result.new.rows == small["new_holdout"].rows
    assert used_compute(store, spec.id, found) > 0


def test_it_is_none_of_the_runs_and_leaves_the_question_open(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    ask(asked)
    until(lambda: bool(idle.started), runner)
    assert store.runs(spec.id) == [] and runs_done(store, spec.id) == (0, 0) and store.probes(spec.id) == []
    assert experiment_status(store, spec.id) == ("draft", None)
    assert all(RUN_PATTERN.fullmatch(run.id) for run in store.tries(spec.id))
    store.save_experiment(replace(spec, split=SplitSettings(seed=5)))
    assert looks.read(store, spec.id) is None and store.tries(spec.id) == []
    until(lambda: not rows(asked), runner)
    assert len(idle.killed) == 2  # those that were at work


@pytest.mark.parametrize("named", [SplitSettings(), SplitSettings(time="a"), SplitSettings(id="a")])
def test_rows_that_are_not_trained_on_are_scored_unless_they_came_earlier_or_hang_together(
    asked: Asked, idle: Idle, runner: Runner, named: SplitSettings
) -> None:
    store, spec = asked
    store.save_experiment(replace(spec, split=named))
    ask(asked)
    until(lambda: bool(idle.started), runner)
    assert {run.spare for run in store.tries(spec.id)} == {named == SplitSettings()}


def test_a_budget_of_steps_is_cut_with_the_rows_and_the_time_limit_holds(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    runs = plan_runs(spec.id, THREE, device="cpu", limits=Limits(seconds=60.0, steps=50))
    looks.add(store, spec.id, plan_quick_look(runs))
    until(lambda: bool(idle.started), runner)
    (rung,) = look(asked).rungs
    for one in rung.tries:
        limits = store.run(spec.id, one.run).limits
        assert one.epochs is None and limits.seconds == 60
        if one.candidate != "keep":
            assert limits.steps is not None and 1 <= limits.steps <= 30
            assert one.size == limits.steps / 50


def test_a_real_quick_look_does_as_many_steps_as_it_may(asked: Asked) -> None:
    store, spec = asked
    looks.add(store, spec.id, plan_quick_look(plan_runs(spec.id, {"fine_tune": {}}, limits=Limits(steps=60))))
    runner = Runner(store)
    until(lambda: look(asked).status != "running", runner, seconds=200)
    runner.close()
    for rung in look(asked).rungs:
        (one,) = (one for one in rung.tries if one.candidate != "keep")
        result = store.result(spec.id, one.run)
        assert result is not None and result.steps == store.run(spec.id, one.run).limits.steps < 60


@pytest.mark.parametrize(("seeds", "useless"), [(1, True), (3, False)])
def test_it_is_said_if_all_runs_in_full_would_take_less(
    asked: Asked,
    idle: Idle,
    runner: Runner,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seeds: int,
    useless: bool,
) -> None:
    store, spec = asked
    step = runner.step

    def end_all() -> None:
        for folder in list(idle.started):
            del idle.started[folder]
            score(asked, idle, store.run(spec.id, folder.name), 0.6)
        step()

    monkeypatch.setattr(runner, "step", end_all)
    runs = plan_runs(spec.id, THREE, seeds=range(seeds), device="cpu")
    assert len(best_by_quick_look(store, runs, runner, Wishes(), vary=False)) == 2 * seeds
    said = capsys.readouterr().err
    assert ("note: " in said) == useless
    assert (
        "The quick look took about 4 s, and all runs in full would take about 4 s: here compare" in said
    ) == useless


def test_others_take_turns_with_it(asked: Asked, idle: Idle, runner: Runner) -> None:
    store, spec = asked
    ask(asked, vary=True)
    until(lambda: len(idle.started) == 2, runner)
    other = replace(spec, id="20260101-000000-aaaa")
    store.save_experiment(other)
    store.add_runs(plan_runs(other.id, {}, device="cpu"))
    until(lambda: bool(store.split(other.id)), runner)
    until(lambda: _waits(asked, other.id), runner)
    run = store.run(spec.id, next(iter(idle.started)).name)
    del idle.started[store.run_folder(spec.id, run.id)]
    score(asked, idle, run, 0.6)
    until(lambda: any(folder.parts[-3] == other.id for folder in idle.started), runner)
    assert sum(state.status != "queued" for state in try_states(store, spec.id).values()) == 2


def _waits(asked: Asked, experiment: str) -> bool:
    from retrain_core.runs.index import read_runs

    return bool(read_runs(asked[0].root / "index.sqlite", experiment)[0])


def test_the_better_goes_on_and_wins(asked: Asked, idle: Idle, runner: Runner) -> None:
    ask(asked, vary=True)
    right = {"keep": 0.6, "fine_tune": 0.65, "incremental": 0.8, "full_retrain": 0.5}
    work_off(asked, idle, runner, right, rounds=3)
    found = look(asked)
    assert found.status == "finished" and found.candidate(found.best).strategy == "incremental"
    assert len(found.candidates) == 1 + 4 + 3 + 3
    second, third = (
        {found.candidate(one.candidate).strategy for one in rung.tries} for rung in found.rungs[1:]
    )
    assert second == third == {"keep", *THREE}
    assert [len(rung.tries) for rung in found.rungs] == sorted(
        (len(rung.tries) for rung in found.rungs), reverse=True
    )


def test_keep_wins_if_nothing_is_better_and_the_closest_is_told(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    ask(asked)
    right = {"keep": 0.8, "fine_tune": 0.75, "incremental": 0.6, "full_retrain": 0.5}
    work_off(asked, idle, runner, right, rounds=1)
    chosen = quick_in_full(look(asked))
    assert look(asked).best == "keep" and chosen is not None and chosen.name == "fine_tune"


def test_a_try_whose_curve_has_no_loss_is_judged_by_what_it_scored(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    ask(asked)
    until(lambda: bool(idle.started), runner)
    for run in store.tries(spec.id):
        point = RunEvent(run.id, 0, 1.0, "epoch", {"rows_seen": 40})
        (store.run_folder(spec.id, run.id) / "events.jsonl").write_bytes(msgspec.json.encode(point) + b"\n")
    right = {"keep": 0.6, "fine_tune": 0.65, "incremental": 0.8, "full_retrain": 0.5}
    work_off(asked, idle, runner, right, rounds=1)
    assert look(asked).status == "finished"
    assert all(one.expected == one.gain for one in look(asked).rungs[-1].tries)


def test_a_look_that_has_begun_with_more_rounds_than_there_are_now_ends_with_the_one_that_goes_on(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    ask(asked)
    until(lambda: bool(idle.started), runner)
    (rung,) = look(asked).rungs
    second = replace(rung, tries=tuple(replace(one, size=0.25) for one in rung.tries))  # budget is left
    first = QuickRung(40, 40, (QuickTry("fine_tune", f"{QUICK}fine_tune-1", 0.1, 1, 1.0, 0.1, stays=True),))
    looks.save(store, spec.id, replace(look(asked), rungs=(first, second)))
    right = {"keep": 0.6, "fine_tune": 0.7, "incremental": 0.6, "full_retrain": 0.5}
    work_off(asked, idle, runner, right, rounds=2)
    assert look(asked).status == "finished" and len(look(asked).rungs) == 2


def test_what_is_less_than_a_margin_apart_is_not_told_apart() -> None:
    candidates = tuple(QuickCandidate(name, name, {}) for name in ("keep", "fine_tune", "incremental", "ewc"))

    def said(*expected: float) -> str:
        tries = tuple(
            QuickTry(one.name, "r", 0.6, None, value, 0.3, value, stays=True)
            for one, value in zip(candidates, (0.0, *expected), strict=True)
        )
        return quick_verdict(QuickLook(candidates, rungs=(QuickRung(100, 0, tries),), status="finished"))

    assert (
        said(0.9, 0.2, -3)
        == "Nothing that was tried promises to be materially better than keep. Fine-tune comes closest."
    )
    assert said(2.0, 5.3, 4.4) == (
        "Best: Incremental. Run it in full: it should then be 5.3 margins better than keep. "
        f"Hardly behind it: {quick_title(candidates[3])}."
    )
    assert "Hardly" not in said(1.0, 3.0, 7.0)
    assert quick_verdict(QuickLook(candidates)) == ""


def test_a_look_that_was_stopped_says_what_its_last_whole_round_told() -> None:
    candidates = tuple(QuickCandidate(name, name, {}) for name in ("keep", "fine_tune"))
    told = tuple(
        QuickTry(one.name, "r", 0.2, None, gain, 0.3, gain, stays=True)
        for one, gain in zip(candidates, (0.0, 4.0), strict=True)
    )
    cut_off = tuple(QuickTry(one.name, "s", 0.6) for one in candidates)
    look = QuickLook(candidates, rungs=(QuickRung(50, 0, told), QuickRung(100, 0, cut_off)), status="stopped")
    assert quick_verdict(look).startswith("Best: Fine-tune.") and "4.0 margins" in quick_verdict(look)


def test_it_has_chosen_only_if_something_that_it_tried_is_not_run_in_full(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    everything = plan_runs(spec.id, THREE, seeds=(0, 1), device="cpu")
    assert not has_chosen(store, spec.id, [])
    ask(asked)
    assert not has_chosen(store, spec.id, []), "it has tried nothing yet"
    until(lambda: bool(idle.started), runner)
    assert not has_chosen(store, spec.id, everything)
    assert has_chosen(store, spec.id, [run for run in everything if run.strategy != "incremental"])
    (store.experiment_folder(spec.id) / "quick" / "look.json").write_text("{}")
    assert has_chosen(store, spec.id, everything)


def test_a_stop_ends_it_with_what_it_knows(asked: Asked, idle: Idle, runner: Runner) -> None:
    store, spec = asked
    ask(asked, vary=True)
    right = {"keep": 0.6, "fine_tune": 0.7, "incremental": 0.6, "full_retrain": 0.5}
    work_off(asked, idle, runner, right, rounds=1)
    stop_quick_look(store, spec.id)
    until(lambda: look(asked).status == "stopped", runner)
    assert look(asked).candidate(look(asked).best).strategy == "fine_tune"
    assert not any(row.status == "queued" for row in rows(asked).values())


def test_a_candidate_that_fails_is_out_and_without_keep_nothing_can_be_told(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    for broken, status in (("incremental", "running"), ("keep", "failed")):
        ask(asked, vary=True)
        until(lambda: bool(idle.started), runner)
        while not look(asked).rungs[0].decided and look(asked).status == "running":
            for folder in list(idle.started):
                run = store.run(spec.id, folder.name)
                del idle.started[folder]
                if run.strategy == broken:
                    store.save_result(spec.id, run.id, RunResult("failed", error="It broke."))
                    idle.over.append((folder, 0))
                else:
                    score(asked, idle, run, 0.6)
            runner.step()
        assert look(asked).status == status
        if status == "running":
            tries = look(asked).rungs[0].tries
            assert {one.candidate.split()[0] for one in tries if not one.stays} == {"incremental"}
            assert all(one.stays is (one.gain is not None) for one in tries)
        idle.started.clear()
    assert look(asked).error == "The old model could not be scored."


def test_data_that_cannot_be_prepared_ends_it(asked: Asked, idle: Idle, runner: Runner) -> None:
    store, spec = asked
    store.file_path(spec.new).write_bytes(b"nothing")
    ask(asked)
    until(lambda: look(asked).status == "failed", runner)
    assert look(asked).error


def test_options_that_are_tried_lie_within_their_bounds_and_have_names_of_their_own(asked: Asked) -> None:
    runs = plan_runs(asked[1].id, {"fine_tune": {"rate": 50.0}, "recalibrate": {}})
    candidates = plan_quick_look(runs, vary=True).candidates
    names = [one.name for one in candidates]
    assert len(names) == len(set(names)) and names[0] == "keep"
    assert {one.options.get("rate") for one in candidates if one.strategy == "fine_tune"} == {15.0, 50.0}
    assert {one.options.get("trainable_layers") for one in candidates} >= {2}
