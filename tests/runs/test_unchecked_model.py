"""A model that nobody has checked, put in the place of the one that was rebuilt: a real worker does not run its code."""

from __future__ import annotations

from pathlib import Path

from retrain_core.runs.plan import plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import run_states
from tests.runs.conftest import Asked, until


def lambda_model(path: Path, trace: Path) -> None:
    """Save a model that takes what ours takes and whose code leaves a trace wherever it is run."""
    import keras

    where, inputs = str(trace), keras.Input((2,), name="row")
    hidden = keras.layers.Lambda(  # a lambda is kept as bytecode, a function by its name
        lambda values: (__import__("os").makedirs(where, exist_ok=True), values)[1],
        name="norm",
    )(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="last")(hidden))
    model.compile("adam", "binary_crossentropy")
    model.save(path)
    assert trace.exists()  # it does what it says
    trace.rmdir()


def test_its_code_is_not_run_though_the_check_was_passed_by(asked: Asked, runner: Runner) -> None:
    store, spec = asked
    folder = store.experiment_folder(spec.id)
    until(lambda: not runner.step())
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}))
    runner._preparing.begin(
        spec.id
    )  # as the runner does; then somebody who can write the store changes the file
    until(lambda: (folder / "data" / "model.keras").is_file())
    trace = store.run_folder(spec.id, "fine_tune-0") / "trace"  # where a worker may write
    lambda_model(folder / "data" / "model.keras", trace)
    until(lambda: all(state.done for state in run_states(store, spec.id)), runner)
    for state in run_states(store, spec.id):
        assert state.status == "failed", state
        assert "Keras cannot load the model" in (state.error or "")
    assert not list(folder.rglob("trace"))
