"""The worker as a process of its own, started cold as it is for a GPU."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrain_core.data.parts import load_dataset, save_dataset
from retrain_core.machine import LOGICAL_GPUS, EnergyMeter
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.types import Dataset, RunResult, RunSpec, Sensitivity, from_json, to_json
from tests.conftest import ROOT
from tests.make import question


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder of ``incremental``."""
    store, spec = question(tmp_path)
    prepare(store, spec)
    run = plan_runs(spec.id, {"incremental": {}})[1]
    store.add_runs([run])
    shutil.copytree(link_inputs(store, run), tmp_path / "run")
    return tmp_path / "run"


def work(folder: Path, device: str = "cpu") -> RunResult:
    done = subprocess.run(
        [sys.executable, "-m", "retrain_core.workers.locked", "retrain_core.training.worker", str(folder), device, "1"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return from_json((folder / "result.json").read_bytes(), RunResult)


def asked_for(folder: Path, **changes: object) -> Path:
    """Ask the run folder for something else."""
    spec = from_json((folder / "run.json").read_bytes(), RunSpec)
    (folder / "run.json").write_bytes(to_json(replace(spec, **changes)))
    return folder


def test_a_cold_worker_trains_and_scores(folder: Path) -> None:
    result = work(folder)
    assert result.status == "finished" and result.new is not None and result.old is not None
    assert (folder / "model.keras").is_file() and result.rows_seen > 0


def test_a_result_says_what_the_training_cost(folder: Path) -> None:
    result = work(folder)
    assert 0 < result.cpu_seconds < 60 and not result.shared
    assert (result.energy_joules is None) == (EnergyMeter().joules() is None)
    (folder / "shared").touch()
    assert work(folder).shared


def test_a_rehearsal_does_a_few_steps_and_leaves_nothing_but_its_result(folder: Path) -> None:
    whole = work(folder)
    for left in ("model.keras", "scores.npz"):
        (folder / left).unlink()
    result = work(asked_for(folder, work="rehearse"))
    assert result.status == "finished" and result.new is None and result.model is None
    assert result.rows_seen == 0 and result.estimate is not None
    assert result.estimate.rows_seen == (whole.rows_seen, whole.rows_seen)
    assert not (folder / "model.keras").exists() and not (folder / "scores.npz").exists()


def test_a_worker_does_other_work_than_training(folder: Path) -> None:
    seen = work(asked_for(folder, work="observe", strategy="keep"))
    assert seen.status == "finished" and seen.new is None and (folder / "observed.npz").is_file()
    disturbed = work(asked_for(folder, work="sensitivity"))
    assert disturbed.status == "finished" and disturbed.model is None and disturbed.peak_memory_mb > 0
    found = from_json((folder / "sensitivity.json").read_bytes(), Sensitivity)
    assert found.model == "keep" and 0 < found.robustness <= 1
    assert not (folder / "model.keras").exists() and not (folder / "scores.npz").exists()


def test_a_run_on_a_logical_gpu_gives_what_it_gives_on_the_cpu(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_cpu = work(folder)
    monkeypatch.setenv(LOGICAL_GPUS, "2")
    on_gpu = work(folder, "gpu:1")
    assert on_gpu.device == "gpu:1" and on_gpu.status == "finished"
    assert on_gpu.new == on_cpu.new and on_gpu.old == on_cpu.old


def test_a_loss_that_is_no_number_is_said_with_its_usual_causes(folder: Path) -> None:
    part = folder / "inputs" / "new_train"
    data = load_dataset(part)
    inputs = {name: np.array(values) for name, values in data.inputs.items()}
    shutil.rmtree(part)
    save_dataset(part, Dataset(inputs, np.full(data.rows, np.nan), data.task, data.names, "broken"))
    result = work(folder)
    assert result.status == "failed" and result.new is None
    assert "The loss is not a number any more, at training step 1. Usual causes:" in (result.error or "")


def test_a_device_that_is_not_there_is_said(folder: Path) -> None:
    result = work(folder, "gpu:7")
    assert result.status == "failed" and "gpu:7" in (result.error or "").lower()


def test_a_model_that_keras_cannot_load_is_said_without_a_traceback(folder: Path) -> None:
    (folder / "inputs" / "model.keras").unlink()
    (folder / "inputs" / "model.keras").write_bytes(b"PK\x03\x04broken")
    result = work(folder)
    assert result.status == "failed" and "Keras cannot load the model." in (result.error or "")
    assert "Traceback" not in (result.error or "")
