"""Disturbed rows and what a model scores on them, against models whose answer is known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from retrain_core.data.parts import save_dataset
from retrain_core.diagnosis.disturb import DISTURBANCES
from retrain_core.diagnosis.sensitivity import importance
from retrain_core.errors import RunError
from retrain_core.training import sensitivity as module
from retrain_core.training.job import open_job
from retrain_core.training.sensitivity import measure_sensitivity
from retrain_core.types import (
    Binding,
    Dataset,
    Disturbed,
    RunResult,
    RunSpec,
    Schema,
    Sensitivity,
    from_json,
    to_json,
)
from tests.training.build import mlp, output, rows_for, saved, schema, sequential

ROWS = 300
Measured = tuple[RunResult, Sensitivity | None]


def asked(how: Schema, *bindings: Binding) -> Schema:
    return replace(how, labels=("y",), bindings=bindings)


def table(columns: int = 4, name: str = "row", dtype: str = "float32") -> Binding:
    return Binding(name, tuple(f"c{number}" for number in range(columns)), dtype, (columns,))


@pytest.fixture
def measured(tmp_path: Path) -> Callable[..., Measured]:
    """Measure a model on rows of its own, in this process."""

    def make(
        model: keras.Model, how: Schema, held: Dataset | None = None, *, old: Dataset | None = None,
        strategy: str = "keep", stop: bool = False,
    ) -> Measured:  # fmt: skip
        folder = tmp_path / strategy
        parts = {
            "new_holdout": held or rows_for(model, how, ROWS),
            "new_train": rows_for(model, how, ROWS, 1),
        }
        (folder / "inputs").mkdir(parents=True)
        for name, part in (parts | ({"old_train": old} if old else {})).items():
            save_dataset(folder / "inputs" / name, part)
        saved(model, folder / "inputs" / "model.keras", keras.optimizers.SGD(), how.loss)
        (folder / "inputs" / "schema.json").write_bytes(to_json(how))
        if stop:
            (folder / "stop").touch()
        spec = RunSpec("run", "experiment", strategy, {}, 0, work="sensitivity")
        result = measure_sensitivity(open_job(folder, spec, "cpu", lambda kind, values: None))
        path = folder / "sensitivity.json"
        return result, from_json(path.read_bytes(), Sensitivity) if path.is_file() else None

    return make


def points(found: Sensitivity | None, what: str, column: str = "") -> list[Disturbed]:
    assert found is not None
    return [point for point in found.points if point.what == what and point.column == column]


def logistic(weights: list[float], bias: float = 0.0) -> keras.Model:
    model = sequential(output(), shape=(len(weights),))
    model.set_weights([np.array(weights, np.float32).reshape(-1, 1), np.array([bias], np.float32)])
    return model


def answers_of(model: keras.Model, how: Schema, seed: int = 0) -> Dataset:
    """Return rows whose labels are what the model says, so it is right on all of them."""
    rows = rows_for(model, how, ROWS, seed)
    right = (model.predict(rows.inputs["row"], verbose=0)[:, 0] > 0.5).astype(np.int32)
    return replace(rows, targets=right)


HOW = asked(schema(), table())
WEIGHTS = [3.0, -1.0, 0.0, 0.5]


def test_columns_are_as_important_as_their_weights_and_an_unused_one_is_not(measured) -> None:
    model = logistic(WEIGHTS)
    result, found = measured(model, HOW, answers_of(model, HOW))
    assert result.status == "finished" and found is not None
    assert (found.model, found.rows, found.metric, found.metric_name) == ("keep", ROWS, 1.0, "accuracy")
    costs = importance(found)
    assert list(costs) == ["c0", "c1", "c3", "c2"]
    assert costs["c2"].metric == pytest.approx(0, abs=1e-6) and costs["c0"].metric < -0.2


def test_changes_have_intervals_on_the_same_rows_and_one_class_alone_is_counted(measured) -> None:
    model = logistic(WEIGHTS)
    rows = answers_of(model, HOW)
    _, found = measured(model, HOW, rows)
    assert found is not None
    assert all(p.interval and p.interval[0] <= p.metric - found.metric <= p.interval[1] for p in found.points)
    (weak, *_), needed = points(found, "noise"), importance(found)["c0"]
    assert weak.interval and weak.interval[1] - weak.interval[0] < 0.1  # fewer rows change than are wrong
    assert needed.interval and needed.interval[1] < 0
    assert found.commonest == np.bincount(rows.targets).max() / ROWS


def test_a_moved_column_costs_what_moving_it_by_hand_costs(measured) -> None:
    model = logistic(WEIGHTS)
    rows, old = answers_of(model, HOW), rows_for(model, HOW, ROWS, 5)
    _, found = measured(model, HOW, rows, old=old)
    x = np.array(rows.inputs["row"])
    for point in points(found, "moved", "c0"):
        moved = x + point.severity * np.array([old.inputs["row"][:, 0].std(), 0, 0, 0], np.float32)
        chance = model.predict(moved, verbose=0)[:, 0]
        assert point.metric == pytest.approx(np.mean((chance > 0.5) == rows.targets), abs=1e-6)
        loss = -np.log(np.where(rows.targets == 1, chance, 1 - chance))
        assert point.loss == pytest.approx(loss.mean(), rel=1e-4)


def test_noise_against_the_model_is_the_worst_of_its_size_for_a_linear_one(measured) -> None:
    model = logistic(WEIGHTS)
    rows, old = answers_of(model, HOW), rows_for(model, HOW, ROWS, 5)
    _, found = measured(model, HOW, rows, old=old)
    w, spread = np.array(WEIGHTS), old.inputs["row"].std(axis=0)
    sign = np.where(rows.targets == 1, 1, -1)
    for point in points(found, "fgsm"):
        margin = sign * (rows.inputs["row"] @ w) - point.severity * (np.abs(w) * spread).sum()
        assert point.loss == pytest.approx(np.logaddexp(0, -margin).mean(), rel=1e-4)
    random = {point.severity: point.loss for point in points(found, "noise")}
    against = {point.severity: point.loss for point in points(found, "fgsm")}
    assert all(against[severity] > random[severity] for severity in (0.1, 0.25))


def test_a_model_that_is_sure_of_itself_still_has_a_gradient(measured) -> None:
    model = logistic([300.0, 0.0, 0.0, 0.0])  # all its probabilities are 0 or 1
    _, found = measured(model, HOW, answers_of(model, HOW))
    last = points(found, "fgsm")[-1]
    assert last.metric < 0.9


def test_more_of_a_disturbance_costs_more(measured) -> None:
    model = logistic(WEIGHTS)
    _, found = measured(model, HOW, answers_of(model, HOW))
    for what in ("noise", "missing", "fgsm"):
        curve = points(found, what)
        assert tuple(point.severity for point in curve) == DISTURBANCES[what].severities
        assert all(a.metric > b.metric for a, b in pairwise(curve))
    assert found is not None and 0.5 < found.robustness < 1


def test_every_model_is_disturbed_alike_whichever_file_it_is_in(measured) -> None:
    model = logistic(WEIGHTS)
    rows = answers_of(model, HOW)
    _, old = measured(model, HOW, rows)
    _, same = measured(model, HOW, rows, strategy="fine_tune")
    _, worse = measured(logistic([0.5, -1.0, 3.0, 0.5]), HOW, rows, strategy="incremental")
    assert old is not None and same is not None and worse is not None
    assert same.model == "fine_tune" and same.points == old.points
    assert worse.metric < old.metric and worse.points != old.points


def test_a_column_that_feeds_two_inputs_is_permuted_in_both(measured) -> None:
    inputs = [keras.Input((1,), name="a"), keras.Input((1,), name="b")]
    apart = kl.Dense(1, use_bias=False)(kl.Subtract()(inputs))
    model = keras.Model(inputs, kl.Activation("sigmoid")(apart))
    how = asked(schema(), *(Binding(name, ("c",), "float32", (1,)) for name in "ab"))
    x = np.random.default_rng(0).normal(size=(ROWS, 1)).astype(np.float32)
    held = Dataset({"a": x, "b": x}, np.arange(ROWS, dtype=np.int32) % 2, "binary", (), "")
    _, found = measured(model, how, held)
    assert importance(found)["c"].metric == pytest.approx(0, abs=1e-6)


def test_codes_and_text_are_permuted_and_missing_but_no_noise_is_added(measured) -> None:
    code, word = keras.Input((2,), name="code", dtype="int32"), keras.Input((1,), name="word", dtype="string")
    places = kl.Flatten()(kl.Embedding(4, 3)(code))
    known = kl.StringLookup(vocabulary=["a", "b", "c"], output_mode="one_hot")(word)
    model = keras.Model([code, word], output()(kl.Concatenate()([places, known])))
    how = asked(schema(), table(2, "code", "int32"), Binding("word", ("w",), "string", (1,)))
    _, found = measured(model, how)
    assert found is not None
    assert {point.what for point in found.points} == {"missing", "permuted"}
    assert {point.column for point in found.points} == {"", "c0", "c1", "w"}
    assert found.notes == ("FGSM leaves code, word as it is: no gradient reaches it.",)


def test_images_are_disturbed_as_images(measured) -> None:
    keras.utils.set_random_seed(0)
    model = sequential(
        kl.Rescaling(1 / 255), kl.Conv2D(4, 3), kl.Flatten(), output(3, "softmax"), shape=(9, 9, 1)
    )
    how = asked(schema("multiclass", 3), Binding("row", (), "float32", (9, 9, 1)))
    rows = rows_for(model, how, ROWS)
    pixels = np.array(rows.inputs["row"]).astype(np.uint8)  # as such files are saved
    right = model.predict(pixels, verbose=0).argmax(axis=1).astype(np.int32)
    held = replace(rows, inputs={"row": pixels}, targets=right)
    _, found = measured(model, how, held)
    assert found is not None and found.metric == 1.0 and not importance(found)
    assert {point.what for point in found.points} == {
        "pixel_noise", "blur", "brightness", "rotation", "pixel_fgsm",
    }  # fmt: skip
    assert "Pixels are taken to reach from 0 to 255." in found.notes
    assert points(found, "pixel_fgsm")[-1].loss > points(found, "pixel_noise")[0].loss


def test_series_are_shuffled_in_time(measured) -> None:
    model = sequential(kl.LSTM(4), output(), shape=(8, 2))
    _, found = measured(model, asked(schema(), Binding("row", (), "float32", (8, 2))))
    assert found is not None
    assert {point.what for point in found.points} == {"noise", "missing", "shuffled", "fgsm"}


def test_a_regression_is_told_by_its_absolute_error(measured) -> None:
    model = mlp(activation=None)
    _, found = measured(model, asked(schema("regression"), table()))
    assert found is not None and found.metric_name == "mae" and 0 < found.robustness <= 1
    assert found.commonest is None and all(point.interval for point in found.points)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
@pytest.mark.parametrize("from_logits", [False, True])
def test_an_old_model_is_measured_on_classes_that_it_does_not_know(
    measured, loss: str, from_logits: bool
) -> None:
    model = mlp(units=3, activation=None if from_logits else "softmax")
    how = asked(schema("multiclass", 3, loss, from_logits=from_logits, classes=5), table())
    _, found = measured(model, how)
    assert found is not None and found.metric < 0.6 and len(points(found, "fgsm")) == 3


def test_many_columns_are_disturbed_together_and_some_one_by_one(
    measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_COLUMNS", 2)
    _, found = measured(logistic(WEIGHTS), HOW)
    assert found is not None and set(importance(found)) == {"c0", "c1"}
    assert found.notes == ("Only the first 2 of 4 columns are disturbed one by one.",)


def test_large_rows_are_few_and_read_a_few_at_a_time(measured, monkeypatch: pytest.MonkeyPatch) -> None:
    model = logistic(WEIGHTS)
    rows = answers_of(model, HOW)
    _, whole = measured(model, HOW, rows)
    monkeypatch.setattr(module, "CHUNK_BYTES", 16 * 110)
    _, pieces = measured(model, HOW, rows, strategy="pieces")
    assert whole is not None and pieces is not None
    assert [(p.loss, p.metric) for p in points(pieces, "fgsm")] == [
        (pytest.approx(p.loss, rel=1e-5), p.metric) for p in points(whole, "fgsm")
    ]
    monkeypatch.setattr(module, "ROWS_BYTES", 16 * 100)
    _, few = measured(model, HOW, rows, strategy="few")
    assert few is not None and few.rows == 100
    assert few.notes == ("The model or its inputs are large, so 100 rows are disturbed.",)


def test_a_stop_is_heeded_and_nothing_is_left(measured) -> None:
    result, found = measured(logistic(WEIGHTS), HOW, stop=True)
    assert result.status == "stopped" and found is None


def test_a_model_whose_loss_is_no_number_is_said(measured) -> None:
    with pytest.raises(RunError, match="The loss on the held-out new rows is not a number"):
        measured(logistic([np.nan, 0, 0, 0]), HOW)


def test_a_loss_that_is_no_number_on_disturbed_rows_alone_is_noted(measured) -> None:
    model = sequential(kl.Dense(1, activation="exponential", name="out"), shape=(4,))
    model.set_weights([np.full((4, 1), 12.0, np.float32), np.zeros(1, np.float32)])
    how = asked(schema("regression"), table())
    calm = rows_for(model, how, ROWS)
    calm = replace(calm, inputs={"row": np.zeros((ROWS, 4), np.float32)})
    wild = replace(calm, inputs={"row": np.random.default_rng(0).normal(0, 50, (ROWS, 4)).astype(np.float32)})
    _, found = measured(model, how, calm, old=wild)
    assert found is not None and any("not a number" in note for note in found.notes)
    assert found.robustness < 0.5
