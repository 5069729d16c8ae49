"""What the store promises about names, ids and half-written files."""

from __future__ import annotations

from pathlib import Path

import pytest

from retrain_core.errors import DataError, StoreError
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.state import read_events
from retrain_core.runs.store import Store, new_id


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
