"""Runs on some of the new rows, for learning curves: the same validation rows, the same holdout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.training.job import open_job
from retrain_core.training.worker import train
from retrain_core.types import RunResult
from tests.make import question


def test_only_so_many_rows_are_trained_on_and_all_are_scored(tmp_path: Path) -> None:
    store, spec = question(tmp_path)
    prepare(store, spec)
    run = plan_runs(spec.id, {"incremental": {}})[1]
    store.add_runs([run])

    def trained(new_rows: int | None) -> tuple[RunResult, dict[str, np.ndarray]]:
        folder = link_inputs(store, run)
        job = open_job(folder, replace(run, new_rows=new_rows), "cpu", lambda kind, values: None)
        return train(job), dict(np.load(folder / "scores.npz"))

    (some, scores), (whole, all_scores) = trained(50), trained(None)
    assert whole.rows_seen > some.rows_seen == 50  # incremental sees each row once
    assert {name: rows.shape for name, rows in scores.items()} == {
        name: rows.shape for name, rows in all_scores.items()
    }
    assert not np.array_equal(scores["new_loss"], all_scores["new_loss"])
