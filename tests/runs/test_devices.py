"""Where runs go: each GPU takes one at a time, and what shares a device is marked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from retrain_core.errors import DataError
from retrain_core.machine import LOGICAL_GPUS
from retrain_core.runs.events import read_events
from retrain_core.runs.launchers import local
from retrain_core.runs.outcomes import crashed
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import run_states
from retrain_core.types import Device, RunResult, to_json
from tests.runs.conftest import Asked, Idle, rows, until

CPU, GPUS = Device("cpu", "CPU", 2), (Device("gpu:0", "GPU 0", 1), Device("gpu:1", "GPU 1", 1))
ALL = {"fine_tune": {}, "incremental": {}, "full_retrain": {}}
QUICK = {"epochs": 2}


@pytest.fixture
def idle_runner(asked: Asked, idle: Idle) -> Iterator[Runner]:
    """A runner of two CPU lanes and two GPUs, whose workers end when the test says so."""
    (asked[0].root / "devices.json").write_bytes(to_json((CPU, *GPUS)))
    runner = Runner(asked[0], cpu_lanes=2)
    yield runner
    runner.close()


def ask_for(asked: Asked, *strategies: str, device: str = "auto", **devices: str) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {name: {} for name in strategies}, device=device, devices=devices))


def where(asked: Asked) -> dict[str, str]:
    """Return the device of each run that is at work."""
    return {id: row.device for id, row in rows(asked).items() if row.status == "running"}


def end(asked: Asked, idle: Idle, run: str) -> None:
    store, spec = asked
    store.save_result(spec.id, run, RunResult("finished"))
    idle.over.append((store.run_folder(spec.id, run), 0))


def shared(asked: Asked) -> set[str]:
    store, spec = asked
    return {run.id for run in store.runs(spec.id) if (store.run_folder(spec.id, run.id) / "shared").exists()}


@pytest.mark.parametrize("device", ["auto", "gpu"])
def test_runs_spread_over_all_gpus_one_run_a_gpu(
    asked: Asked, idle: Idle, idle_runner: Runner, device: str
) -> None:
    ask_for(asked, *ALL, device=device)
    until(lambda: len(idle.started) == 2, idle_runner)
    assert where(asked) == {"keep-0": "gpu:0", "full_retrain-0": "gpu:1"}
    idle_runner.step()
    assert rows(asked)["incremental-0"].device == device  # not chosen before it starts
    end(asked, idle, "full_retrain-0")
    idle_runner.step()
    assert where(asked) == {"keep-0": "gpu:0", "incremental-0": "gpu:1"}


def test_a_fixed_gpu_is_waited_for_while_later_runs_take_the_other(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    ask_for(asked, "fine_tune", "incremental", device="gpu:1", fine_tune="auto")
    until(lambda: len(idle.started) == 2, idle_runner)
    assert where(asked) == {"keep-0": "gpu:1", "fine_tune-0": "gpu:0"}
    end(asked, idle, "fine_tune-0")
    idle_runner.step()
    assert rows(asked)["incremental-0"].status == "queued"
    end(asked, idle, "keep-0")
    idle_runner.step()
    assert where(asked) == {"incremental-0": "gpu:1"}


def test_cpu_and_gpu_can_be_chosen_for_each_strategy(asked: Asked, idle: Idle, idle_runner: Runner) -> None:
    ask_for(asked, "fine_tune", "full_retrain", device="cpu", full_retrain="gpu")
    until(lambda: len(idle.started) == 3, idle_runner)
    assert where(asked) == {"keep-0": "cpu", "fine_tune-0": "cpu", "full_retrain-0": "gpu:0"}


def test_auto_waits_for_the_search_for_devices_and_cpu_does_not(asked: Asked, idle: Idle) -> None:
    devices = asked[0].root / "devices.json"
    devices.write_bytes(to_json((CPU,)))  # from the runner's last start
    idle.devices_known.clear()
    runner = Runner(asked[0])
    ask_for(asked, "fine_tune", device="auto", fine_tune="cpu")
    until(lambda: bool(idle.started), runner)
    runner.step()
    assert where(asked) == {"fine_tune-0": "cpu"}
    devices.write_bytes(to_json((CPU, *GPUS)))
    idle.devices_known.set()
    runner.step()
    assert where(asked) == {"fine_tune-0": "cpu", "keep-0": "gpu:0"}
    runner.close()


def test_without_a_gpu_auto_is_the_cpu_and_gpu_fails_with_the_reason(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    store, spec = asked
    (store.root / "devices.json").write_bytes(to_json((CPU,)))
    ask_for(asked, "fine_tune", fine_tune="gpu")
    until(
        lambda: rows(asked).get("fine_tune-0", rows).status == "failed" if rows(asked) else False, idle_runner
    )
    assert where(asked) == {"keep-0": "cpu"}
    assert rows(asked)["fine_tune-0"].error == (
        "There is no device 'gpu'. TensorFlow finds no GPU on this machine. Choose the CPU, or 'auto'."
    )
    assert not crashed(store, spec.id, "fine_tune-0")  # it is what was asked for that is at fault


def test_a_run_that_was_cut_off_may_start_on_another_gpu(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    ask_for(asked, device="gpu")
    until(lambda: bool(idle.started), idle_runner)
    (asked[0].root / "devices.json").write_bytes(to_json((CPU, GPUS[1])))
    second = Runner(asked[0])
    second.step()
    assert where(asked) == {"keep-0": "gpu:1"}
    second.close()


def test_runs_on_the_cpu_at_the_same_time_are_marked_and_those_on_a_gpu_are_not(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    ask_for(asked, *ALL, device="cpu", incremental="gpu", full_retrain="gpu")
    until(lambda: len(idle.started) == 4, idle_runner)
    assert shared(asked) == {"keep-0", "fine_tune-0"}


def test_the_mark_of_an_earlier_attempt_is_taken_away(asked: Asked, idle: Idle, idle_runner: Runner) -> None:
    store, spec = asked
    ask_for(asked, "fine_tune", device="cpu", fine_tune="gpu:1")
    (store.run_folder(spec.id, "keep-0") / "shared").touch()
    until(lambda: len(idle.started) == 2, idle_runner)
    assert shared(asked) == set()


@pytest.mark.parametrize("device", ["gpu:01", "7", "gpu:x", "gpu:", "GPU"])
def test_a_device_is_called_by_one_name_only(device: str) -> None:
    with pytest.raises(DataError, match="There is no device"):
        plan_runs("e", {"fine_tune": {}}, devices={"fine_tune": device})


def test_a_device_for_a_strategy_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match="no strategy 'fine_tuna'"):
        plan_runs("e", {"fine_tune": {}}, devices={"fine_tuna": "cpu"})


# --- with real workers on logical GPUs ------------------------------------------------------------


def test_real_workers_spread_over_gpus_and_compute_one_run_a_gpu(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LOGICAL_GPUS, "2")
    monkeypatch.setattr(local, "SEARCH_SECONDS", 170.0)  # it imports TensorFlow while the fork servers do
    store, spec = asked
    runner = Runner(store, cpu_lanes=2)
    try:
        devices = {"keep": "gpu:1", "fine_tune": "gpu", "full_retrain": "cpu"}
        store.add_runs(plan_runs(spec.id, ALL, devices=devices, shared=QUICK))
        until(lambda: bool(rows(asked)) and all(row.finished for row in rows(asked).values()), runner, 180)
    finally:
        runner.close()
    ended = {state.spec.strategy: state for state in run_states(store, spec.id)}
    assert {state.status for state in ended.values()} == {"finished"}
    assert ended["keep"].device == "gpu:1" and ended["full_retrain"].device == "cpu"
    assert {ended["fine_tune"].device, ended["incremental"].device} <= {"gpu:0", "gpu:1"}
    spans: dict[str, list[tuple[float, float]]] = {}
    for name, state in ended.items():
        events = read_events(store.run_folder(spec.id, f"{name}-0") / "events.jsonl")
        assert state.result is not None and state.result.device == state.device
        assert events[0].values["device"] == state.device and not state.result.shared
        spans.setdefault(state.device, []).append((events[0].time, events[-1].time))
    assert {"gpu:0", "gpu:1", "cpu"} == set(spans)
    for found in map(sorted, spans.values()):
        assert all(end <= start for (_, end), (start, _) in pairwise(found))


def test_real_runs_that_share_the_cpu_say_so_in_their_results(asked: Asked) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=2)
    try:
        store.add_runs(plan_runs(spec.id, {"fine_tune": {}, "full_retrain": {}}, device="cpu", shared=QUICK))
        until(lambda: bool(rows(asked)) and all(row.finished for row in rows(asked).values()), runner)
    finally:
        runner.close()
    results = [store.result(spec.id, run.id) for run in store.runs(spec.id)]
    assert any(result is not None and result.shared for result in results)
    assert all(result is not None and result.cpu_seconds > 0 for result in results)
