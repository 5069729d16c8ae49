"""What the old model makes of the rows: the right rows, the right numbers, and no rows of another file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from retrain_core.data.observed import Observed, load_observed
from retrain_core.data.parts import save_dataset
from retrain_core.errors import RunError
from retrain_core.runs.names import new_id
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.store import Store
from retrain_core.training import observe as module
from retrain_core.training.job import open_job
from retrain_core.training.observe import observe
from retrain_core.types import ExperimentSpec, RunResult, RunSpec, from_json, to_json
from tests.make import question, table
from tests.training.build import mlp, rows_for, saved, schema

NEW_ROWS, OLD_ROWS = 400, 600
Asked = tuple[Store, ExperimentSpec]


@pytest.fixture(scope="module")
def asked_once(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return question(tmp_path_factory.mktemp("observed"), new_rows=NEW_ROWS)


@pytest.fixture
def folder_of(asked_once: Asked) -> Callable[..., Path]:
    """Make a run folder, of the question or one that differs from it."""
    store, spec = asked_once

    def make(**changes: object) -> Path:
        other = replace(spec, id=new_id(), **changes)
        store.save_experiment(other)
        prepare(store, other)
        run = replace(plan_runs(other.id, {"incremental": {}})[0], strategy="keep", work="observe")
        store.add_runs([run])
        return link_inputs(store, run)

    return make


def observed(folder: Path, **changes: object) -> tuple[RunResult, dict[str, Observed], str]:
    """Observe in this process and return the result with what was written."""
    spec = replace(from_json((folder / "run.json").read_bytes(), RunSpec), **changes)
    result = observe(open_job(folder, spec, "cpu", lambda kind, values: None))
    sides, layer = load_observed(folder / "observed.npz") if result.status == "finished" else ({}, "")
    return result, sides, layer


def numbers(frame: pd.DataFrame) -> np.ndarray:
    return frame[["a", "b"]].to_numpy(np.float32)


def test_every_row_of_both_files_is_seen_once_as_the_model_sees_it(folder_of) -> None:
    folder = folder_of()
    result, sides, layer = observed(folder)
    assert result.status == "finished" and result.peak_memory_mb > 0 and layer == "second"
    model = keras.models.load_model(folder / "inputs" / "model.keras", compile=False)
    before_last = keras.Model(model.inputs, model.get_layer("second").output)
    for side, frame in (("old", table(OLD_ROWS, 1)), ("new", table(NEW_ROWS, 2, shift=0.8))):
        seen = sides[side]
        assert np.array_equal(seen.rows, np.arange(len(frame)))
        outputs = model.predict(numbers(frame), verbose=0)
        np.testing.assert_allclose(seen.outputs, outputs, rtol=1e-5)
        features = before_last.predict(numbers(frame), verbose=0)
        np.testing.assert_allclose(seen.features, features, rtol=1e-4, atol=1e-6)
        chance = np.where(frame["y"] == 1, outputs[:, 0], 1 - outputs[:, 0])
        np.testing.assert_allclose(seen.loss, -np.log(chance), rtol=1e-4, atol=1e-6)
        assert np.array_equal(seen.error, (outputs[:, 0] > 0.5) != frame["y"])


def test_of_many_rows_some_are_drawn_from_all_parts_by_the_seed(
    folder_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 200)
    folder = folder_of()
    _, sides, _ = observed(folder, seed=3)
    for seen in sides.values():
        assert len(seen.rows) == 200 and np.all(np.diff(seen.rows) > 0)
    (folder / "observed.npz").unlink()
    assert np.array_equal(observed(folder, seed=3)[1]["new"].rows, sides["new"].rows)
    assert not np.array_equal(observed(folder, seed=4)[1]["new"].rows, sides["new"].rows)


def test_rows_read_a_few_at_a_time_are_the_same(folder_of, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of()
    _, whole, _ = observed(folder)
    monkeypatch.setattr(module, "CHUNK_BYTES", 8 * 7)
    _, pieces, _ = observed(folder)
    np.testing.assert_allclose(pieces["new"].outputs, whole["new"].outputs, rtol=1e-5)


def test_a_holdout_file_is_no_part_of_the_new_file(asked_once, folder_of, tmp_path: Path) -> None:
    table(90, 7, shift=0.8).to_parquet(tmp_path / "held.parquet")
    folder = folder_of(holdout=asked_once[0].add_file(tmp_path / "held.parquet"))
    _, sides, _ = observed(folder)
    assert np.array_equal(sides["new"].rows, np.arange(NEW_ROWS))


def test_without_old_data_there_is_one_side(folder_of) -> None:
    _, sides, _ = observed(folder_of(old=None))
    assert set(sides) == {"new"}


def test_a_stop_is_heeded_and_nothing_is_left(folder_of) -> None:
    folder = folder_of()
    (folder / "stop").touch()
    result, _, _ = observed(folder)
    assert result.status == "stopped" and not (folder / "observed.npz").exists()


def test_outputs_that_are_no_numbers_are_said(folder_of) -> None:
    folder = folder_of()
    path = folder / "inputs" / "model.keras"
    model = keras.models.load_model(path, compile=False)
    model.get_layer("last").bias.assign([np.nan])
    path.unlink()  # a link to the file in the store
    model.save(path)
    with pytest.raises(RunError, match=r"The loss on the old rows is not a number\."):
        observed(folder)


def test_a_regression_is_wrong_by_its_absolute_error(tmp_path: Path) -> None:
    how = replace(schema("regression"), labels=("y",))
    model = mlp(activation=None)
    folder = tmp_path / "run"
    path = saved(model, tmp_path / "model.keras", None)
    rows = rows_for(model, how)
    (folder / "inputs").mkdir(parents=True)
    save_dataset(folder / "inputs" / "new_train", rows)
    np.save(folder / "inputs" / "new_train" / "rows.npy", np.arange(rows.rows))
    (folder / "inputs" / "schema.json").write_bytes(to_json(how))
    shutil.copy(path, folder / "inputs" / "model.keras")
    (folder / "run.json").write_bytes(to_json(RunSpec("r", "e", "keep", {}, 0, work="observe")))
    _, sides, _ = observed(folder)
    off = np.abs(model.predict(rows.inputs["row"], verbose=0)[:, 0] - rows.targets)
    np.testing.assert_allclose(sides["new"].error, off, rtol=1e-4, atol=1e-6)
