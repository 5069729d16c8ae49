"""What the store promises about names, ids and half-written files."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retrain_core.data.parts import COLUMNS, load_columns, save_columns
from retrain_core.errors import DataError, StoreError
from retrain_core.runs.events import read_events
from retrain_core.runs.lock import RunnerLock, runner_is_alive
from retrain_core.runs.names import new_id
from retrain_core.runs.outcomes import crashed, load_outcomes
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.store import Store
from retrain_core.types import (
    Binding,
    ExperimentSpec,
    FileRef,
    PartScores,
    RunResult,
    RunSpec,
    Schema,
    SplitSettings,
    Table,
    from_json,
)
from tests.make import experiment, mlp, table
from tests.runs.conftest import Asked

WRITTEN_BY_0_1_0 = """{
 "id": "ID",
 "name": "Credit, new market",
 "created": 1795500000.5,
 "model": {"sha256": "abababababababababababababababababababababababababababababababab", "name": "model.keras"},
 "new": {"sha256": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd", "name": "new.parquet"},
 "schema": {
  "task": "binary",
  "label": "y",
  "bindings": [{"input": "row", "columns": ["a", "b"], "dtype": "float32", "shape": [2]}],
  "classes": ["0", "1"],
  "units": 1,
  "from_logits": false,
  "loss": "binary_crossentropy"
 },
 "old": null,
 "holdout": null,
 "split_seed": 4,
 "note": "The shift is made."
}"""


@pytest.mark.parametrize(
    "id", ["..", "../..", "/etc", "20260101-000000-ab", "20260101-000000-abcd/x", "", "x" * 999]
)
def test_an_id_that_is_none_opens_nothing(tmp_path: Path, id: str) -> None:
    with pytest.raises(StoreError, match="no such experiment"):
        Store(tmp_path).experiment(id)


def test_an_unknown_id_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such experiment"):
        Store(tmp_path).experiment(new_id())


def test_a_file_is_kept_once_by_its_content_and_never_by_its_name(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "b.csv").write_text("a\n1\n")
    first = store.add_file(tmp_path / "a.csv", "../../evil.csv")
    second = store.add_file(tmp_path / "b.csv")
    assert store.file_path(first) == store.file_path(second)
    assert store.file_path(first).parent == store.root / "files"


def test_a_line_that_is_still_being_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    whole = '{"run":"r-0","number":0,"time":1.0,"kind":"started","values":{}}'
    (tmp_path / "events.jsonl").write_text(f"{whole}\n{whole[:30]}")
    assert [event.number for event in read_events(tmp_path / "events.jsonl")] == [0]


def test_keep_is_always_run() -> None:
    runs = plan_runs("e", {"fine_tune": {}}, seeds=(3, 4))
    assert [(run.strategy, run.seed) for run in runs if run.strategy == "keep"]
    assert {run.id for run in runs} >= {"fine_tune-3", "fine_tune-4"}


@pytest.mark.parametrize("device", ["tpu", "gpu:x", ""])
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(DataError, match="device"):
        plan_runs("e", {"fine_tune": {}}, device=device)


def test_an_unknown_strategy_is_refused_with_those_there_are() -> None:
    with pytest.raises(DataError, match="full_retrain"):
        plan_runs("e", {"distil": {}})


@pytest.fixture
def started(tmp_path: Path) -> tuple[Store, RunSpec]:
    """A store with one run that nobody works on."""
    store, (keep,) = Store(tmp_path), plan_runs(new_id(), {})
    (tmp_path / "experiments" / keep.experiment).mkdir()
    store.add_runs([keep])
    return store, keep


@pytest.mark.parametrize("text", ['{"status":"finished","new":{"loss":null,"rows":3}}', '{"stat', "", "\xff"])
def test_a_result_that_cannot_be_read_is_a_failed_run(started: tuple[Store, RunSpec], text: str) -> None:
    store, run = started
    (store.run_folder(run.experiment, run.id) / "result.json").write_text(text, encoding="latin-1")
    result = store.result(run.experiment, run.id)
    assert result is not None and result.status == "failed"
    assert "result.json of 'keep-0' cannot be read." in (result.error or "")


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04cut off"])
def test_row_scores_that_cannot_be_read_are_a_failed_run(
    started: tuple[Store, RunSpec], content: bytes | None
) -> None:
    store, run = started
    store.save_result(run.experiment, run.id, RunResult("finished", new=PartScores(0.5, 3)))
    if content is not None:
        (store.run_folder(run.experiment, run.id) / "scores.npz").write_bytes(content)
    (outcome,) = load_outcomes(store, run.experiment)
    assert outcome.result.status == "failed" and "scores.npz" in (outcome.result.error or "")


def test_an_experiment_that_was_started_is_not_started_again(started: tuple[Store, RunSpec]) -> None:
    store, run = started
    with pytest.raises(StoreError, match=r"started already.*fixed once it has runs.*new experiment"):
        store.add_runs(plan_runs(run.experiment, {"fine_tune": {"epochs": 99}}))
    assert store.runs(run.experiment) == [run]


def test_runs_that_cannot_all_be_written_are_not_added(tmp_path: Path) -> None:
    store, runs = Store(tmp_path), plan_runs(new_id(), {"fine_tune": {}})
    (tmp_path / "experiments" / runs[0].experiment).mkdir()
    (tmp_path / "inbox").rmdir()
    (tmp_path / "inbox").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        store.add_runs(runs)
    assert store.runs(runs[0].experiment) == []


def test_a_run_whose_description_is_damaged_is_still_listed(started: tuple[Store, RunSpec]) -> None:
    store, run = started
    (store.run_folder(run.experiment, run.id) / "run.json").write_text("{}")
    (found,) = store.runs(run.experiment)
    assert (found.id, found.strategy, found.seed) == ("keep-0", "keep", 0)
    with pytest.raises(StoreError, match="cannot be read"):
        store.run(run.experiment, run.id)


def spec_of(folder: Path) -> ExperimentSpec:
    """Write an experiment as version 0.1.0 did into a folder, and return what it means now."""
    folder.mkdir(parents=True)
    (folder / "experiment.json").write_text(WRITTEN_BY_0_1_0.replace("ID", folder.name))
    return ExperimentSpec(
        id=folder.name,
        name="Credit, new market",
        created=1795500000.5,
        model=FileRef("ab" * 32, "model.keras"),
        new=FileRef("cd" * 32, "new.parquet"),
        schema=Schema(
            "binary", ("y",), (Binding("row", ("a", "b"), "float32", (2,)),), ("0", "1"), 1, False, "binary_crossentropy"
        ),
        split=SplitSettings(seed=4),
        note="The shift is made.",
    )  # fmt: skip


def test_an_experiment_of_version_0_1_0_opens_with_its_one_label_and_its_seed(tmp_path: Path) -> None:
    store, id = Store(tmp_path), new_id()
    expected = spec_of(tmp_path / "experiments" / id)
    assert store.experiment(id) == expected
    assert store.experiments() == ([expected], {})


def test_held_out_rows_are_kept_as_they_came_and_no_worker_gets_them(tmp_path: Path) -> None:
    frames = {"new": table(200, 2), "old": table(300, 1)}
    for side, frame in frames.items():
        frame["day"] = pd.date_range("2026-01-01", periods=len(frame)).astype(str)
        frame.to_csv(tmp_path / f"{side}.csv", index=False)
    files = {"model": mlp(tmp_path / "model.keras", frames["old"])}
    files |= {side: tmp_path / f"{side}.csv" for side in frames}
    store = Store(tmp_path / "store")
    spec = experiment(store, files, label="y", apart=("day",), split=SplitSettings(time="day"))
    prepare(store, spec)
    data = store.experiment_folder(spec.id) / "data"
    for side, frame in frames.items():
        kept, rows = load_columns(data / f"{side}_holdout"), np.load(data / f"{side}_holdout" / "rows.npy")
        assert kept["day"].tolist() == frame["day"].iloc[rows].tolist() and list(kept) == [
            "a",
            "b",
            "y",
            "day",
        ]
        assert len(rows) == len(frame) // 5 and rows.min() == len(frame) - len(rows)
    store.add_runs(plan_runs(spec.id, {}))
    inputs = link_inputs(store, store.runs(spec.id)[0]) / "inputs"
    assert (inputs / "new_holdout" / "rows.npy").is_file() and not list(inputs.rglob(COLUMNS))


def test_columns_that_parquet_cannot_hold_are_kept_as_text(tmp_path: Path) -> None:
    columns = pd.DataFrame(
        {"mixed": pd.Series([1, "two", None, 2.5], dtype=object), "c": [1 + 1j, 2, 3, 4], "n": range(4)}
    )
    save_columns(tmp_path, Table("t", "", columns, {"x": np.zeros((4, 2, 2))}), np.array([3, 0, 1, 2]))
    kept = load_columns(tmp_path)
    assert kept["mixed"].fillna("-").tolist() == ["2.5", "1", "two", "-"]
    assert kept["n"].tolist() == [3, 0, 1, 2] and len(kept["c"].unique()) == 4


def test_an_experiment_of_version_0_1_0_can_be_changed_and_run_like_any_other(tmp_path: Path) -> None:
    store, id = Store(tmp_path), new_id()
    spec = spec_of(tmp_path / "experiments" / id)
    store.save_experiment(replace(spec, name="another"))
    store.add_runs(plan_runs(id, {}))
    assert store.experiment(id).name == "another" and store.experiment(id).schema.labels == ("y",)
    with pytest.raises(StoreError, match="started already"):
        store.save_experiment(replace(spec, split=SplitSettings(1)))


DAMAGE = {
    "empty": ("{}", "missing required field"),
    "cut off": ('{"id": "2026', "truncated"),
    "no object": ("[]", "Expected `object`"),
    "no text": ("\xff\xfe", "malformed|invalid"),
    "a label that is none": ('{"schema": {"label": 7}}', "missing required field|Expected `str`"),
    "a schema that is none": ('{"schema": null}', "missing required field|Expected `object`"),
    "gone": (None, "No such file"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_an_experiment_that_cannot_be_read_is_told_and_hides_no_other(tmp_path: Path, how: str) -> None:
    store = Store(tmp_path)
    whole = spec_of(tmp_path / "experiments" / "20260101-000000-aaaa")
    damaged = tmp_path / "experiments" / "20260101-000000-bbbb"
    damaged.mkdir()
    text, why = DAMAGE[how]
    if text is not None:
        (damaged / "experiment.json").write_text(text, encoding="latin-1")
    found, unreadable = store.experiments()
    assert found == [whole] and list(unreadable) == [damaged.name]
    assert (
        re.search(why, unreadable[damaged.name].why)
        and "new experiment" in unreadable[damaged.name].next_step
    )


def test_a_folder_that_was_copied_or_renamed_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    whole = spec_of(tmp_path / "experiments" / "20260101-000000-aaaa")
    for name in ("copy of mine", "20260101-000000-bbbb"):
        shutil.copytree(tmp_path / "experiments" / whole.id, tmp_path / "experiments" / name)
    (tmp_path / "experiments" / "notes.txt").touch()
    (tmp_path / "experiments" / ".trash").mkdir()
    found, unreadable = store.experiments()
    assert found == [whole] and set(unreadable) == {"copy of mine", "20260101-000000-bbbb"}
    assert "written for experiment 20260101-000000-aaaa" in unreadable["20260101-000000-bbbb"].why


def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    whole = '{"run":"r-0","number":1,"time":1.0,"kind":"started","values":{}}'
    (tmp_path / "events.jsonl").write_text(f'{{"run":"r-0","num\n{whole}\n')
    assert [event.number for event in read_events(tmp_path / "events.jsonl")] == [1]


@pytest.mark.parametrize(
    ("last_word", "log", "expected"),
    [
        ("started", "", True),
        ("failed", "", False),
        ("failed", "Traceback (most recent call last):\n  File ...", True),
    ],
)
def test_a_crash_is_told_from_a_run_that_says_why_it_failed(
    started: tuple[Store, RunSpec], last_word: str, log: str, expected: bool
) -> None:
    store, run = started
    folder = store.run_folder(run.experiment, run.id)
    (folder / "events.jsonl").write_text(f'{{"run":"keep-0","number":0,"time":1.0,"kind":"{last_word}"}}\n')
    (folder / "worker.log").write_text(log)
    assert crashed(store, run.experiment, run.id) is expected


def test_a_runner_that_starts_outwaits_whoever_holds_the_lock_for_a_moment(tmp_path: Path) -> None:
    holder = RunnerLock(tmp_path)
    assert holder.acquire() and runner_is_alive(tmp_path)
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(lambda: RunnerLock(tmp_path, patience=10).acquire())
        with pytest.raises(TimeoutError):
            starting.result(timeout=0.2)
        holder.release()
        assert starting.result()


def test_asking_whether_a_runner_is_alive_leaves_the_lock_free(tmp_path: Path) -> None:
    lock = RunnerLock(tmp_path)
    assert not runner_is_alive(tmp_path)
    assert lock.acquire()


def test_a_worker_reads_the_question_in_todays_form_whichever_version_prepared_the_data(asked: Asked) -> None:
    store, spec = asked
    prepare(store, spec)
    data = store.experiment_folder(spec.id) / "data"
    (data / "question").unlink()
    (data / "schema.json").write_text('{"label": "y"}')
    store.add_runs(plan_runs(spec.id, {}))
    inputs = link_inputs(store, store.run(spec.id, "keep-0")) / "inputs"
    assert from_json((inputs / "schema.json").read_bytes(), Schema) == spec.schema
    assert (data / "schema.json").read_text() == '{"label": "y"}'
