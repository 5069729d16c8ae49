"""The worker that measures: a folder with two files in, a report out, and a plain word if it cannot be done."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrain_core.data import read_table
from retrain_core.data.observed import Observed, save_observed
from retrain_core.runs.events import read_events
from retrain_core.runs.prepare import link_inputs
from retrain_core.runs.probes import known_shift, plan_shift, shift_of
from retrain_core.runs.store import Store
from retrain_core.samples import samples
from retrain_core.shift.frames import label_names
from retrain_core.shift.whole import measure_shift
from retrain_core.types import ExperimentSpec, Locked, RunResult, ShiftSettings, from_json
from retrain_core.workers.files import IMAGES
from retrain_core.workers.measuring import run
from tests.conftest import ROOT
from tests.make import experiment, question

Asked = tuple[Store, ExperimentSpec]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    store, spec = question(tmp_path_factory.mktemp("measuring"))
    store.add_beside(plan_shift(spec.id, ShiftSettings()))
    return store, spec


def observed(rows: int, seed: int) -> Observed:
    rng = np.random.default_rng(seed)
    chance = rng.random((rows, 1)).astype(np.float32)
    return Observed(
        rows=np.arange(rows),
        outputs=chance,
        features=rng.normal(0, 1, (rows, 4)).astype(np.float32),
        loss=(-np.log(chance[:, 0])).astype(np.float32),
        error=(chance[:, 0] < 0.3).astype(np.float32),
    )


def test_its_report_is_that_of_the_library(asked: Asked) -> None:
    store, spec = asked
    shift = plan_shift(spec.id, ShiftSettings())[0]
    folder = link_inputs(store, shift)
    result = run(folder, "measure", 1)
    assert (result.status, result.error) == ("finished", None) and result.peak_memory_mb > 0
    tables = [read_table(store.file_path(ref), ref.name) for ref in (spec.old, spec.new) if ref]
    expected = measure_shift(*tables, schema=spec.schema, labels=label_names(spec.schema), task="binary")
    assert shift_of(store, spec.id) == expected and expected.peers and expected.orders
    assert from_json((folder / "result.json").read_bytes(), RunResult) == result


def test_what_was_observed_joins_the_report(asked: Asked) -> None:
    store, spec = asked
    shift, observe, explain = plan_shift(spec.id, ShiftSettings())
    run(link_inputs(store, shift), "measure", 1)
    save_observed(
        store.run_folder(spec.id, observe.id) / "observed.npz",
        {"old": observed(600, 1), "new": observed(400, 2)},
        "second",
    )
    assert run(link_inputs(store, explain), "measure", 1).status == "finished"
    assert dict(known_shift(store, spec.id, ShiftSettings())).keys() == {shift.id, explain.id}
    report = shift_of(store, spec.id)
    assert report is not None and report.model is not None and report.model.layer == "second"
    loss = report.model.loss
    assert loss is not None
    assert sum(step.value for step in loss.steps) == pytest.approx(loss.new - loss.old, abs=1e-9)


def test_images_that_are_unusual_are_kept_for_the_page(tmp_path: Path) -> None:
    sample = next(sample for sample in samples() if sample.id == "garments_new_camera")
    store = Store(tmp_path / "store")
    spec = experiment(
        store, {role: sample.path(role) for role in ("model", "new", "old")}, label=sample.label
    )
    _, observe, explain = plan_shift(spec.id, ShiftSettings())
    store.add_beside([observe, explain])

    def seen(rows: int, seed: int) -> Observed:
        found = observed(rows, seed)
        return replace(
            found, outputs=np.random.default_rng(seed).dirichlet(np.ones(10), rows).astype(np.float32)
        )

    path = store.run_folder(spec.id, observe.id) / "observed.npz"
    save_observed(path, {"old": seen(300, 1), "new": seen(200, 2)}, "dense")
    folder = link_inputs(store, explain)
    assert run(folder, "measure", 1).error is None
    images = np.load(folder / IMAGES, allow_pickle=False)
    assert images.shape[0] == 12 and images.shape[1:] == read_table(sample.path("new")).arrays["x"].shape[1:]


def test_a_file_that_cannot_be_read_is_said_in_a_sentence(asked: Asked) -> None:
    store, spec = asked
    shift = plan_shift(spec.id, ShiftSettings())[0]
    folder = link_inputs(store, shift)
    (folder / "inputs" / "new.parquet").unlink()
    (folder / "inputs" / "new.parquet").write_bytes(b"PAR1 cut short")
    result = run(folder, "measure", 1)
    assert result.status == "failed" and result.error is not None
    assert (
        result.error.startswith("new.parquet cannot be read as Parquet.") and "Traceback" not in result.error
    )
    assert read_events(folder / "events.jsonl")[-1].kind == "failed"


def test_it_does_nothing_in_a_sandbox_that_is_weaker_than_asked_for(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    shift = plan_shift(spec.id, ShiftSettings())[0]
    folder = link_inputs(store, shift)
    monkeypatch.setenv("RETRAIN_LEAST_SANDBOX", "full")
    (folder / "shift_report.json").unlink(missing_ok=True)
    result = run(folder, "measure", 1, Locked("partial", {"landlock": "The kernel has none."}))
    assert result.status == "failed" and "Runs do not start here" in (result.error or "")
    started = read_events(folder / "events.jsonl")[0]
    assert started.values["sandbox"]["level"] == "partial"
    assert not (folder / "shift_report.json").exists()


def test_it_is_a_process_that_loads_no_tensorflow(asked: Asked) -> None:
    store, spec = asked
    shift = plan_shift(spec.id, ShiftSettings())[0]
    folder = link_inputs(store, shift)
    code = f"""
import sys
from pathlib import Path
from retrain_core.workers.measuring import run
assert run(Path({str(folder)!r}), "measure", 1).status == "finished"
print(*sorted({{name.split(".")[0] for name in sys.modules}}))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "streamlit"} & set(done.stdout.split())
