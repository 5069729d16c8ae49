"""The same checks on every strategy: a new one is covered by its line in the table."""

from __future__ import annotations

import dataclasses
import functools
import shutil
from pathlib import Path

import numpy as np
import pytest

from retrain_core.data.parts import load_dataset, save_dataset
from retrain_core.errors import DataError, RunError
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.strategies import STRATEGIES, make_strategy, options_of
from retrain_core.types import Dataset, RunSpec, from_json, to_json
from tests.make import question

NAMES = list(STRATEGIES)
LEARNING = [name for name in NAMES if name != "keep"]
BOUNDED = [name for name in NAMES if any(option.low is not None for option in options_of(STRATEGIES[name]))]
QUICK = {"epochs": 2, "trial_epochs": 1, "batch_size": 64}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory):
    store, spec = question(tmp_path_factory.mktemp("question"))
    prepare(store, spec)
    return store, spec


def run_folder(prepared, name: str, to: Path, seed: int = 0) -> Path:
    """Return a fresh run folder with copies of its inputs, free to be changed."""
    store, spec = prepared
    known = {option.name for option in options_of(STRATEGIES[name])}
    options = {key: value for key, value in QUICK.items() if key in known}
    (run,) = [r for r in plan_runs(spec.id, {name: options}, seeds=[seed]) if r.strategy == name]
    if not store.run_folder(spec.id, run.id).exists():
        store.add_runs([run])
    shutil.copytree(link_inputs(store, run), to)
    return to


def weights_after(folder: Path) -> list[np.ndarray]:
    """Do the run in this process, and return the weights of the model it saved."""
    import keras

    from retrain_core.training.job import open_job
    from retrain_core.training.worker import train

    spec = from_json((folder / "run.json").read_bytes(), RunSpec)
    result = train(open_job(folder, spec, "cpu", lambda kind, values: None))
    assert result.status == "finished"
    return keras.saving.load_model(folder / "model.keras").get_weights()


def change(folder: Path, part: str) -> None:
    """Replace every value of a part by another."""
    data = load_dataset(folder / "inputs" / part)
    inputs = {name: np.asarray(values) * -3 + 7 for name, values in data.inputs.items()}
    changed = Dataset(inputs, 1 - np.asarray(data.targets), data.task, data.names, "changed")
    shutil.rmtree(folder / "inputs" / part)
    save_dataset(folder / "inputs" / part, changed)


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_options_survive_json(name: str) -> None:
    strategy = STRATEGIES[name]()
    assert from_json(to_json(strategy), type(strategy)) == strategy


@pytest.mark.parametrize("name", NAMES)
def test_is_documented_for_the_form(name: str) -> None:
    strategy = STRATEGIES[name]
    assert strategy.name == name
    assert "Source: " in (strategy.__doc__ or "")
    for option in options_of(strategy):
        assert option.label and option.help.endswith(".")
        assert type(option.default) is option.kind


@pytest.mark.parametrize("name", BOUNDED)
def test_an_option_out_of_bounds_is_refused(name: str) -> None:
    bounded = next(option for option in options_of(STRATEGIES[name]) if option.low is not None)
    with pytest.raises(DataError, match=r"at least|between"):
        make_strategy(name, {bounded.name: bounded.low - 1})


@pytest.mark.parametrize("name", NAMES)
def test_options_are_frozen(name: str) -> None:
    strategy = STRATEGIES[name]()
    with pytest.raises(dataclasses.FrozenInstanceError):
        strategy.epochs = 3  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def undisturbed(prepared, tmp_path_factory: pytest.TempPathFactory):
    """Return what a run of a strategy gives when nothing is changed; it is done once."""

    @functools.cache
    def run(name: str) -> list[np.ndarray]:
        return weights_after(run_folder(prepared, name, tmp_path_factory.mktemp(name) / "run"))

    return run


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_weights_and_no_holdout_row_reaches_them(
    name: str, prepared, undisturbed, tmp_path: Path
) -> None:
    folder = run_folder(prepared, name, tmp_path / "changed")
    change(folder, "new_holdout")
    change(folder, "old_holdout")
    assert same(undisturbed(name), weights_after(folder))


@pytest.mark.parametrize("name", LEARNING)
def test_training_rows_do_reach_them(name: str, prepared, undisturbed, tmp_path: Path) -> None:
    """Shows that the test above can fail."""
    folder = run_folder(prepared, name, tmp_path / "changed")
    change(folder, "new_train")
    assert not same(undisturbed(name), weights_after(folder))


@pytest.mark.parametrize("name", ["fine_tune", "full_retrain"])
def test_another_seed_gives_other_weights(name: str, prepared, undisturbed, tmp_path: Path) -> None:
    folder = run_folder(prepared, name, tmp_path / "other", seed=1)
    assert not same(undisturbed(name), weights_after(folder))


@pytest.mark.parametrize("name", [name for name in NAMES if STRATEGIES[name].needs_old])
def test_without_the_old_rows_that_it_needs_it_says_so(name: str, prepared, tmp_path: Path) -> None:
    folder = run_folder(prepared, name, tmp_path / "run")
    shutil.rmtree(folder / "inputs" / "old_train")
    with pytest.raises(RunError, match="needs old data, and there is none"):
        weights_after(folder)


@pytest.mark.parametrize("name", [name for name in NAMES if STRATEGIES[name].without_old])
def test_what_is_different_without_old_rows_is_a_sentence(name: str) -> None:
    assert STRATEGIES[name].without_old.endswith(".")
