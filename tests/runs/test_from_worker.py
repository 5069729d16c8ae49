"""Whatever a worker leaves where its results should be costs that run, with one clear error, and nothing else."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retrain_core.errors import ModelError, StoreError
from retrain_core.files import remove_tree
from retrain_core.runs.endings import MOST_REASON, reason_of
from retrain_core.runs.events import MOST_LINE, MOST_LINES, MOST_NOTICE, MOST_TOLD, read_events
from retrain_core.runs.from_worker import (
    MOST_EVENTS,
    MOST_RESULT,
    copy_plain,
    read_array,
    read_arrays,
    read_begin,
    read_plain,
)
from retrain_core.runs.outcomes import crashed, load_outcomes
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import run_states
from retrain_core.runs.store import Store
from retrain_core.runs.sweep import sweep
from retrain_core.runs.usage import taken
from retrain_core.types import PartScores, RunResult, to_json
from retrain_core.workers.locked import TEMPORARY, linked
from tests.runs.conftest import Asked, Idle, rows, until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no pipes, and links need rights")


def link(path: Path) -> None:
    secret = path.with_name("secret")
    secret.write_bytes(to_json(RunResult("finished")))
    path.symlink_to(secret)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 1024**3)


def folder(path: Path) -> None:
    path.mkdir()


def deep(path: Path) -> None:
    path.write_text("[" * 100_000)


def noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


LEFT = (link, pipe, huge, folder, deep, noise)


@pytest.mark.parametrize("leave", LEFT)
def test_a_result_that_is_none_fails_its_run_and_no_other(
    asked: Asked, idle: Idle, leave: Callable[[Path], None]
) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=2)
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}, device="cpu"))
    until(lambda: len(idle.started) == 2, runner)
    bad, good = (store.run_folder(spec.id, run) for run in ("keep-0", "fine_tune-0"))
    leave(bad / "result.json")
    (good / "result.json").write_bytes(to_json(RunResult("finished")))
    idle.over += [(bad, 0), (good, 0)]
    runner.step()
    assert {id: row.status for id, row in rows(asked).items()} == {
        "keep-0": "failed",
        "fine_tune-0": "finished",
    }
    error = rows(asked)["keep-0"].error or ""
    assert "cannot be read" in error and "Start" in error and "Traceback" not in error
    assert next(state.error for state in run_states(store, spec.id)) == error
    runner.close()


def scored(store: Store, experiment: str, run: str) -> Path:
    result = RunResult("finished", new=PartScores(0.5, 80), old=PartScores(0.5, 120))
    store.save_result(experiment, run, result)
    return store.run_folder(experiment, run) / "scores.npz"


def scores(store: Store, experiment: str) -> dict[str, np.ndarray]:
    split = store.split(experiment)
    assert split is not None
    sides = {
        "new": "new_holdout",
        "old": "old_holdout",
        "validation": "new_validation",
        "trained": "old_train",
    }
    found = {}
    for side, part in sides.items():
        count = split.rows[part]
        found |= {f"{side}_outputs": np.full((count, 1), 0.5, np.float32)}
        found |= {f"{side}_loss": np.full(count, 0.7), f"{side}_metric": np.ones(count)}
    return found


def with_pickle(path: Path, right: dict[str, np.ndarray]) -> None:
    np.savez(path, **right | {"new_loss": np.array([os.system], dtype=object)}, allow_pickle=True)


def packed(path: Path, right: dict[str, np.ndarray]) -> None:
    np.savez_compressed(path, **right, more=np.zeros(10_000_000))


def lying(path: Path, right: dict[str, np.ndarray]) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    np.savez(path, **right)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.npy", header.getvalue())


def other_rows(path: Path, right: dict[str, np.ndarray]) -> None:
    np.savez(path, **right | {"new_loss": right["new_loss"][:-1]})


def other_columns(path: Path, right: dict[str, np.ndarray]) -> None:
    np.savez(path, **right | {"new_outputs": np.repeat(right["new_outputs"], 3, axis=1)})


def no_numbers(path: Path, right: dict[str, np.ndarray]) -> None:
    np.savez(path, **right | {"new_loss": np.full(len(right["new_loss"]), np.nan)})


def words(path: Path, right: dict[str, np.ndarray]) -> None:
    np.savez(path, **right | {"new_metric": np.full(len(right["new_metric"]), "one")})


def missing(path: Path, right: dict[str, np.ndarray]) -> None:
    np.savez(path, **{name: values for name, values in right.items() if name != "old_metric"})


@pytest.mark.parametrize(
    "leave",
    [*LEFT, with_pickle, packed, lying, other_rows, other_columns, no_numbers, words, missing],
)
def test_scores_that_are_none_fail_their_run_and_the_others_count(
    asked: Asked, leave: Callable[..., None]
) -> None:
    store, spec = asked
    prepare(store, spec)
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}))
    right = scores(store, spec.id)
    np.savez(scored(store, spec.id, "fine_tune-0"), **right)
    leave(scored(store, spec.id, "keep-0"), *([] if leave in LEFT else [right]))
    outcomes = {outcome.spec.strategy: outcome for outcome in load_outcomes(store, spec.id)}
    assert outcomes["keep"].result.status == "failed" and not outcomes["keep"].rows
    assert "scores.npz" in (outcomes["keep"].result.error or "")
    assert outcomes["fine_tune"].result.status == "finished"
    assert set(outcomes["fine_tune"].rows) == set(right)


@pytest.mark.parametrize("leave", LEFT)
def test_events_and_a_log_that_are_none_tell_nothing(asked: Asked, leave: Callable[[Path], None]) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {}))
    folder = store.run_folder(spec.id, "keep-0")
    leave(folder / "events.jsonl")
    leave(folder / "worker.log") if leave is not link else None
    assert read_events(folder / "events.jsonl") == []
    assert crashed(store, spec.id, "keep-0")


def test_events_are_read_up_to_a_limit_and_only_if_they_make_sense(tmp_path: Path) -> None:
    def line(kind: str, values: str) -> str:
        return f'{{"run":"keep-0","number":1,"time":1.0,"kind":"{kind}","values":{values}}}\n'

    path = tmp_path / "events.jsonl"
    nonsense = [
        line("progress", '{"progress":"much"}'), line("progress", '{"progress":7}'), line("progress", f'{{"label":"{"x" * 9999}"}}'),
        line("epoch", '{"rows_seen":"many"}'), line("epoch", "{}"), line("epoch", '{"rows_seen":[1]}'), line("notice", '{"text":[]}'),
        "[" * 10_000 + "\n",
    ]  # fmt: skip
    made_up = ['"low"', "NaN", "1e400", "1e300", "1" + "0" * 400, "true", "[0.5]", '{"loss":0.5}']
    nonsense += [line("epoch", f'{{"rows_seen":8,"validation_loss":{value}}}') for value in made_up]
    nonsense += [line("epoch", f'{{"rows_seen":{rows},"validation_loss":0.5}}') for rows in ("null", "-8")]
    sense = [
        line("progress", '{"progress":0.5,"label":"epoch 1"}'),
        line("epoch", '{"rows_seen":8,"validation_loss":null}'),
        line("epoch", '{"rows_seen":16,"validation_loss":3e38}'),
    ]
    path.write_text("".join(nonsense + sense))
    assert [event.kind for event in read_events(path)] == ["progress", "epoch", "epoch"]
    with path.open("ab") as file:
        file.truncate(2 * MOST_EVENTS)
    assert [event.kind for event in read_events(path)] == ["progress", "epoch", "epoch"]


def test_of_progress_the_latest_is_read_and_of_all_else_only_so_much(tmp_path: Path) -> None:
    def line(number: int, kind: str, values: str) -> str:
        return f'{{"run":"keep-0","number":{number},"time":1.0,"kind":"{kind}","values":{values}}}\n'

    path = tmp_path / "events.jsonl"
    start = [
        line(0, "started", "{}"),
        line(1, "progress", '{"progress":0.1}'),
        line(2, "notice", '{"text":"a"}'),
    ]
    later = [
        line(3, "progress", '{"progress":0.2}'),
        line(4, "progress", '{"progress":7}'),
        line(5, "failed", "{}"),
    ]
    path.write_text("".join(start + later))
    assert [event.number for event in read_events(path)] == [0, 2, 3, 5]
    long = line(6, "notice", f'{{"text":"{"x" * (MOST_NOTICE + 1)}"}}') + line(
        7, "scored", f'{{"a":"{"x" * MOST_LINE}"}}'
    )
    path.write_text("".join(start + later) + long)
    assert [event.number for event in read_events(path)] == [0, 2, 3, 5]
    path.write_text("".join(line(number, "epoch", '{"rows_seen":8}') for number in range(MOST_TOLD + 10)))
    assert len(read_events(path)) == MOST_TOLD
    path.write_text("\n" * MOST_LINES + start[0])
    assert read_events(path) == []


@pytest.mark.parametrize("leave", [link, pipe, huge, folder])
def test_nothing_but_a_plain_file_of_the_right_size_is_read(
    tmp_path: Path, leave: Callable[[Path], None]
) -> None:
    path = tmp_path / "left"
    leave(path)
    for read in (
        lambda: read_plain(path, MOST_RESULT),
        lambda: read_array(path, MOST_RESULT),
        lambda: read_arrays(path, MOST_RESULT),
        lambda: copy_plain(path, tmp_path / "copy"),
    ):
        with pytest.raises(StoreError, match="left of") as error:
            read()
        assert error.value.why and error.value.next_step
    if leave is not huge:
        assert read_begin(path, 10) == b""


def test_what_another_worker_has_left_as_a_link_is_no_input(asked: Asked, tmp_path: Path) -> None:
    """Its target would be readable for the next worker."""
    from retrain_core.runs.probes import plan_sensitivity

    store, spec = asked
    prepare(store, spec)
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}))
    (tmp_path / "secret").write_text("secret")
    (store.run_folder(spec.id, "fine_tune-0") / "model.keras").symlink_to(tmp_path / "secret")
    probe = next(one for one in plan_sensitivity(store, spec.id) if one.after)
    store.add_beside([probe])
    with pytest.raises(ModelError, match="It is a link"):
        link_inputs(store, probe)


def test_inputs_are_links_that_only_lead_to_what_the_run_may_read(asked: Asked) -> None:
    store, spec = asked
    prepare(store, spec)
    store.add_runs(plan_runs(spec.id, {}))
    run = store.run_folder(spec.id, "keep-0")
    (run / TEMPORARY).mkdir()
    (run / TEMPORARY / "left").write_text("x")
    (run / "trap").symlink_to("/etc/passwd")
    os.mkfifo(run / "worker.log")
    inputs = link_inputs(store, store.run(spec.id, "keep-0")) / "inputs"
    assert (
        not (run / TEMPORARY).exists()
        and not os.path.lexists(run / "trap")
        and not (run / "worker.log").exists()
    )
    files = [path for path in inputs.rglob("*") if not path.is_dir()]
    targets = set(linked(inputs))
    assert all(path.is_symlink() or path.name == "schema.json" for path in files)
    data = store.experiment_folder(spec.id) / "data"
    assert data / "model.keras" in targets  # as it was rebuilt, not as it was uploaded
    assert all(target.is_relative_to(data) for target in targets)
    assert not any(target.name == "columns.parquet" for target in targets)


def test_a_model_is_replaced_in_the_run_and_stays_in_the_store(asked: Asked) -> None:
    store, spec = asked
    prepare(store, spec)
    store.add_runs(plan_runs(spec.id, {}))
    inputs = link_inputs(store, store.run(spec.id, "keep-0")) / "inputs"
    before = store.file_path(spec.model).read_bytes()
    (inputs / "model.keras").unlink()
    (inputs / "model.keras").write_bytes(b"other")
    remove_tree(inputs)
    assert store.file_path(spec.model).read_bytes() == before and not inputs.exists()


def test_a_tree_is_removed_however_deep_and_whatever_is_in_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    top = tmp_path / "top"
    top.mkdir()
    here = os.getcwd()
    try:
        os.chdir(top)
        for _ in range(
            3000
        ):  # a path of more than 4096 letters, and more folders than Python calls within calls
            os.mkdir("deep")
            os.chdir("deep")
        Path("file").write_text("x")
    finally:
        os.chdir(here)
    (top / "link").symlink_to(outside)
    os.mkfifo(top / "pipe")
    (top / "closed").mkdir()
    (top / "closed" / "inner").mkdir(mode=0)
    (top / "closed").chmod(0)
    remove_tree(top)
    assert not top.exists() and (outside / "kept").is_file()


def test_what_libraries_wrote_while_the_run_lasted_goes_with_it(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    runner = Runner(store)
    store.add_runs(plan_runs(spec.id, {}, device="cpu"))
    until(lambda: len(idle.started) == 1, runner)
    (run,) = idle.started
    (run / TEMPORARY / "cache").mkdir(parents=True)
    store.save_result(spec.id, "keep-0", RunResult("finished"))
    idle.over.append((run, 0))
    runner.step()
    assert rows(asked)["keep-0"].status == "finished" and not (run / TEMPORARY).exists()
    runner.close()


@pytest.mark.parametrize("left", ["no text", "a pipe", "a link", "nine gigabytes", "a folder"])
def test_whatever_stands_in_the_place_of_a_wish_to_stop_is_read_with_care(tmp_path: Path, left: str) -> None:
    path = tmp_path / "stop"
    if left == "no text":
        path.write_bytes(b"\xff\xfe")
    elif left == "a pipe":
        os.mkfifo(path)
    elif left == "a link":
        path.symlink_to("/etc/passwd")
    elif left == "a folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(9 * 1024**3)
    assert len(reason_of(tmp_path)) <= MOST_REASON and "root" not in reason_of(tmp_path)


def test_a_deep_tree_is_counted_and_swept(asked: Asked) -> None:
    store, spec = asked
    run = store.experiment_folder(spec.id) / "runs" / "keep-0"
    deep = run / ".x.removed"
    deep.mkdir(parents=True)
    handle = os.open(deep, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    assert taken(store.root) > 0
    assert deep in sweep(store) and not deep.exists()
