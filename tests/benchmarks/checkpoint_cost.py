"""What checkpoints cost: the same run of a worker with them and without, each side a process, runs taking turns.

Run as a module it is one side: ``checkpoint_cost with|without KIND``.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pandas as pd

from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.store import Store
from retrain_core.types import Estimate, ExperimentSpec
from tests.benchmarks.side import Side, answer
from tests.benchmarks.throughput import CNN, GARMENTS, data, network
from tests.make import experiment

DENSE = "Dense 64-32-1, batch 32"
WAYS = {DENSE: "compiled", CNN: "plain"}
EPOCHS = {DENSE: 60, CNN: 20}  # some twenty seconds, and so some checkpoints: one every five seconds at most


def sides(kind: str) -> tuple[Side, Side]:
    return Side(__name__, "with", kind), Side(__name__, "without", kind)


def question(folder: Path, kind: str) -> tuple[Store, ExperimentSpec]:
    """Return a store with a question of this kind."""
    if kind == CNN:
        files = {"model": GARMENTS / "model.keras", "new": GARMENTS / "new.npz", "old": GARMENTS / "old.npz"}
        return (store := Store(folder / "store")), experiment(store, files)
    x, y = data(kind)
    network(kind, 0).save(folder / "model.keras")
    columns = [f"x{number}" for number in range(x.shape[1])]
    for side, rows in (("old", slice(0, None, 2)), ("new", slice(1, None, 2))):
        pd.DataFrame(x[rows], columns=columns).assign(y=y[rows]).to_parquet(folder / f"{side}.parquet")
    files = {name: folder / f"{name}.parquet" for name in ("old", "new")} | {"model": folder / "model.keras"}
    return (store := Store(folder / "store")), experiment(store, files, label="y", columns=tuple(columns))


def measure(kind: str, *, keeps: bool) -> None:
    """Answer with the seconds of training, those of writing checkpoints, and how many were written."""
    from retrain_core.training import worker
    from retrain_core.training.devices import use_device
    from retrain_core.workers.keeper import Keeper

    use_device("cpu", 1)  # before anything is computed
    written: list[float] = []
    write, due = Keeper._write, Keeper._due

    def counted(self: Keeper, moments: object) -> None:
        before = self.seconds
        write(self, moments)  # type: ignore[arg-type]
        written.append(self.seconds - before)

    Keeper._write = counted  # type: ignore[assignment]
    Keeper._due = lambda self, size: keeps and due(self, size)  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as name:
        store, spec = question(Path(name), kind)
        prepare(store, spec)
        run = next(
            run
            for run in plan_runs(
                spec.id, {"full_retrain": {"patience": 0}}, device="cpu", shared={"epochs": EPOCHS[kind]}
            )
            if run.strategy == "full_retrain"
        )
        run = replace(run, forecast=Estimate((0.0, 0.0), 0.0, (0, 0), ways=(WAYS[kind],)))  # no trial
        store.add_runs([run])
        linked = link_inputs(store, run)
        worker.use_device = lambda *arguments: nullcontext()  # type: ignore[assignment]  # it is in use already

        def once() -> tuple[float, ...]:
            folder = Path(name) / "run"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(linked, folder)
            written.clear()
            result = worker.run(folder, "cpu", 1)
            assert result.status == "finished", result.error
            return result.seconds, sum(written), len(written)

        answer(once)


if __name__ == "__main__":
    measure(sys.argv[2], keeps=sys.argv[1] == "with")
