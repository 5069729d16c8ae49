"""Whether a step fits in memory, told before the first one."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path

import keras
import pytest
from keras import layers as kl

from retrain_core.errors import RunError
from retrain_core.training import worker
from retrain_core.training.memory import (
    SCORE_BATCH,
    SCORE_BYTES,
    advise,
    check_batch,
    fixed_bytes,
    row_bytes,
    score_batch,
)
from retrain_core.types import RunSpec, to_json
from tests.training.build import mlp, output, sequential

MB = 1024**2


def pictures() -> keras.Model:
    """Return a model whose rows are much larger than its weights."""
    return sequential(kl.Conv2D(8, 3, padding="same"), kl.Flatten(), output(), shape=(64, 64, 3))


def repeated() -> keras.Model:
    """Return a model that repeats each row two thousand million times."""
    return sequential(kl.RepeatVector(2 * 10**9), kl.GlobalAveragePooling1D(), output())


def test_large_rows_are_scored_few_at_a_time() -> None:
    large = sequential(kl.Conv2D(64, 3, padding="same"), kl.Flatten(), output(), shape=(256, 256, 3))
    assert score_batch(mlp()) == SCORE_BATCH
    assert 1 < score_batch(large) < 32 and score_batch(large) * row_bytes(large) <= SCORE_BYTES


def test_a_step_that_fits_needs_no_advice() -> None:
    assert advise(pictures(), 32, available_mb=1000) is None


@pytest.mark.parametrize("available_mb", [20, 33, 64, 100])
def test_the_batch_size_that_is_advised_fits_and_twice_of_it_does_not(available_mb: float) -> None:
    why, advice = advise(pictures(), 4096, available_mb)
    size = int(re.search(r"batch size of ([\d,]+)", advice)[1].replace(",", ""))
    assert re.match(r"A step of 4,096 rows needs about \d+\.\d GB", why)
    assert advise(pictures(), size, available_mb) is None
    assert advise(pictures(), 2 * size, available_mb) is not None


def test_a_model_that_does_not_fit_with_a_single_row_needs_another_machine() -> None:
    _, advice = advise(repeated(), 1, available_mb=1000)
    assert advice == "Use a machine with more memory, or a smaller model."


def test_a_row_is_what_all_layers_give_for_it() -> None:
    numbers = 4 + 8 + 1  # of the input, of the hidden layer and of the output
    assert row_bytes(mlp()) == pytest.approx(2.5 * 4 * numbers)


def test_layers_inside_nested_models_count_at_each_of_their_calls() -> None:
    inner = sequential(kl.Dense(8), kl.Dense(6))
    row = keras.Input((4,))
    once = keras.Model(row, kl.Dense(1)(inner(row)))
    twice = keras.Model(row, kl.Dense(1)(kl.Add()([inner(row), inner(2 * row)])))
    assert row_bytes(once) == 2.5 * 4 * (4 + 8 + 6 + 1)
    assert row_bytes(twice) == 2.5 * 4 * (4 + 4 + 2 * (8 + 6) + 6 + 1)


def test_frozen_weights_need_neither_gradients_nor_optimiser_state() -> None:
    model = mlp()
    before = fixed_bytes(model)
    model.get_layer("hidden").trainable = False
    assert before - fixed_bytes(model) == 4 * 4 * (4 * 8 + 8)


def test_a_batch_that_cannot_fit_is_refused_with_its_reason() -> None:
    with pytest.raises(RunError, match=r"does not fit in memory\. A step of 32 rows needs about [\d.]+ GB"):
        check_batch(repeated(), 32)


def test_a_run_that_runs_out_of_memory_says_so_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(worker, "use_device", lambda *arguments: nullcontext())
    monkeypatch.setattr(worker, "open_job", exhausted)
    (tmp_path / "run.json").write_bytes(to_json(RunSpec("run", "experiment", "keep", {}, seed=0)))
    result = worker.run(tmp_path, "cpu", 1)
    assert result.status == "failed"
    assert result.error.startswith("The run needs more memory than there is. Try a smaller batch")
