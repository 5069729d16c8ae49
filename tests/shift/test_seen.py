"""The shift as the old model sees it, from observed rows to JSON: made models of every task, and a real one."""

import json

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import infer_schema, read_table
from retrain_core.data.encode import encode
from retrain_core.data.observed import Observed
from retrain_core.models.card import read_card
from retrain_core.samples import FOLDER
from retrain_core.shift import feature_frame, image_features, model_json, model_shift
from retrain_core.shift.layer import layer_features
from retrain_core.shift.seen import rows_said
from retrain_core.shift.unusual import shrunken_covariance, unusual_rows
from retrain_core.types import ModelShift, Schema, ShiftSettings, Thresholds, from_json, to_json

MIX = np.random.default_rng(99).normal(0, 1, (6, 16))  # the made model's first layer
HEAD = np.random.default_rng(98).normal(0, 0.5, (16, 200))
CLASSES = {
    "binary": ("no", "yes"),
    "multiclass": ("a", "b", "c"),
    "multilabel": ("red", "blue"),
    "regression": (),
}
LOSSES = {
    "binary": "binary_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "multilabel": "binary_crossentropy",
    "regression": "mse",
}


def schema_of(task: str, units: int, from_logits: bool = False) -> Schema:
    classes = CLASSES[task] if units <= 3 else tuple(f"class {i}" for i in range(units))
    labels = {"multilabel": ("red", "blue")}.get(task, ("y",))
    return Schema(task, labels, (), classes, units, from_logits, LOSSES[task])


def world(rng, rows: int, task: str, units: int, *, move: float = 0.0, concept: float = 0.0):
    """Return a frame with its labels, and what the made model makes of it, all rows observed."""
    x = rng.normal(0, 1, (rows, 6))
    x[:, 0] += move
    features = np.tanh(x @ MIX / 2)
    score = features @ HEAD[:, :units]
    frame = pd.DataFrame(x).add_prefix("x")
    if task == "regression":
        y = score + rng.normal(0, 0.3, score.shape) + concept
        outputs, loss = score, ((y - score) ** 2).mean(axis=1)
        error, labels = np.abs(y - score).mean(axis=1), {"y": y[:, 0]}
    elif task == "multiclass" or (task == "binary" and units == 2):
        outputs = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
        drawn = (outputs.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
        y = np.where(rng.random(rows) < concept, rng.integers(0, units, rows), drawn)
        loss, error = -np.log(outputs[np.arange(rows), y]), outputs.argmax(axis=1) != y
        labels = {"y": y}
    else:
        outputs = 1 / (1 + np.exp(-score))
        y = rng.random(outputs.shape) < outputs
        y ^= rng.random(y.shape) < concept
        loss = -np.log(np.where(y, outputs, 1 - outputs)).mean(axis=1)
        error = ((outputs > 0.5) != y).mean(axis=1)
        labels = {"y": y[:, 0]} if task == "binary" else {"red": y[:, 0], "blue": y[:, 1]}
    observed = Observed(
        np.arange(rows),
        outputs.astype(np.float32),
        features.astype(np.float32),
        loss.astype(np.float32),
        error.astype(np.float32),
    )
    return frame.assign(**labels), observed


def shift(seed: int, task: str = "binary", units: int = 1, rows=(600, 500), **change: float) -> ModelShift:
    rng = np.random.default_rng(seed)
    (old, before), (new, after) = (
        world(rng, rows[0], task, units),
        world(rng, rows[1], task, units, **change),
    )
    return model_shift(old, new, {"old": before, "new": after}, "dense", schema_of(task, units))


KINDS = [
    ("binary", 1),
    ("binary", 2),
    ("multiclass", 3),
    ("multiclass", 40),
    ("multilabel", 2),
    ("regression", 1),
]


@pytest.mark.parametrize(("task", "units"), KINDS)
def test_moved_inputs_are_seen_and_said(task, units):
    model = shift(0, task, units, move=1.5)
    assert model.predictions.level in ("minor", "major")
    assert model.features.level == "major" and "layer dense" in model.features.summary
    assert model.rows == (600, 500)
    words = {"regression": "The mean of predicted y is now", "multilabel": "The model now gives "}
    assert model.predictions.summary.startswith(words.get(task, "The model now predicts y = "))
    changed = next(step for step in model.loss.steps if step.name == "changed labels")
    assert changed.interval[0] <= 0 <= changed.interval[1]


@pytest.mark.parametrize(("task", "units"), KINDS)
def test_all_of_it_goes_through_json(task, units):
    model = shift(1, task, units, move=0.5, concept=0.2)
    assert from_json(to_json(model), ModelShift) == model
    plain = json.loads(json.dumps(model_json(model), allow_nan=False))
    assert plain["rows"] == {"old": 600, "new": 500}
    assert set(plain["outputs"]) == {output.name for output in model.outputs}
    assert len(model.outputs) <= 11  # ten units and the predicted class


@pytest.mark.parametrize(("task", "units"), KINDS)
def test_sentences_are_whole(task, units):
    for model in (shift(2, task, units), shift(2, task, units, move=1.0, concept=0.3)):
        said = [model.predictions.summary, model.features.summary, model.loss.summary, *model.notes]
        said += [region.summary for region in model.regions] + [output.summary for output in model.outputs]
        for sentence in said:
            assert sentence.endswith(".") and ".." not in sentence and "nan" not in sentence.split()
        assert all(sentence[0].isupper() for sentence in said[:3])


def test_no_shift_no_alarm():
    models = [shift(seed, "multiclass", 3, rows=(300, 200)) for seed in range(60)]
    loud = [m.predictions.level != "none" or m.features.level != "none" or bool(m.regions) for m in models]
    assert np.mean(loud) <= 0.1  # 0.05, and less than two standard errors of 60 draws


def test_a_changed_concept_moves_the_loss_and_not_the_predictions():
    model = shift(3, "multiclass", 3, rows=(1_500, 1_500), concept=0.5)
    assert model.predictions.level == "none" and model.features.level == "none"
    assert "did not move enough to matter" in model.predictions.summary
    changed = next(step for step in model.loss.steps if step.name == "changed labels")
    assert changed.interval[0] > 0
    assert changed.value == pytest.approx(model.loss.new - model.loss.old, rel=0.15)
    assert any("knew them" in note for note in model.notes)


def test_only_the_observed_rows_count_and_labels_are_no_inputs():
    rng = np.random.default_rng(4)
    (old, before), (new, after) = world(rng, 600, "binary", 1), world(rng, 500, "binary", 1, concept=0.3)
    spread = pd.concat([old, old * np.nan]).iloc[np.argsort(np.tile(np.arange(600), 2), kind="stable")]
    thinned = Observed(np.arange(0, 1_200, 2), *(getattr(before, name) for name in FIELDS))
    schema = schema_of("binary", 1)
    whole = model_shift(old, new, {"old": before, "new": after}, "dense", schema)
    assert model_shift(spread, new, {"old": thinned, "new": after}, "dense", schema) == whole
    assert not any("y " in region.rule for region in whole.regions)


FIELDS = ("outputs", "features", "loss", "error")


def test_thresholds_are_heeded_and_outputs_can_be_drawn():
    rng = np.random.default_rng(17)
    (old, before), (new, after) = world(rng, 600, "binary", 1), world(rng, 500, "binary", 1, move=1.5)
    sides, schema = {"old": before, "new": after}, schema_of("binary", 1)
    strict = ShiftSettings(thresholds=Thresholds(minor=2.5, major=2.9))
    assert model_shift(old, new, sides, "dense", schema).predictions.level != "none"
    model = model_shift(old, new, sides, "dense", schema, strict)
    assert model.predictions.level == model.features.level == "none"
    assert all(output.distribution is not None for output in model.outputs)


def test_images_are_judged_by_the_layer_and_told_by_what_can_be_measured():
    rng = np.random.default_rng(5)
    (_, before), (_, after) = world(rng, 1_500, "multiclass", 3), world(rng, 1_500, "multiclass", 3)
    images = [rng.random((1_500, 8, 8)) * rng.random((1_500, 1, 1)) for _ in "ab"]
    frames = [image_features(side).assign(y=0) for side in images]
    dark = frames[1]["brightness"] < 0.1
    error = np.where(dark & (rng.random(1_500) < 0.8), 1, after.error).astype(np.float32)
    after = Observed(after.rows, after.outputs, after.features, after.loss, error)
    model = model_shift(
        frames[0], frames[1], {"old": before, "new": after}, "dense", schema_of("multiclass", 3)
    )
    assert any("judged by the values of layer dense" in note for note in model.notes)
    assert model.regions and any(name in model.regions[0].rule for name in ("brightness ≤ ", "contrast ≤ "))


def test_free_text_is_judged_by_the_layer():
    rng = np.random.default_rng(6)
    (_, before), (_, after) = world(rng, 300, "binary", 1), world(rng, 300, "binary", 1)
    frames = [
        pd.DataFrame({"review": [f"text number {side} {i}" for i in range(300)], "y": 0}) for side in "ab"
    ]
    model = model_shift(frames[0], frames[1], {"old": before, "new": after}, "dense", schema_of("binary", 1))
    assert any("judged by the values of layer dense" in note for note in model.notes)
    assert model.loss is not None and not any("review" in region.rule for region in model.regions)


def test_how_a_column_is_read_is_heeded():
    rng = np.random.default_rng(7)
    (old, before), (new, after) = world(rng, 1_500, "binary", 1), world(rng, 1_500, "binary", 1)
    old["code"], new["code"] = rng.integers(0, 3, 1_500), rng.integers(0, 3, 1_500)
    error = np.where(new["code"] == 1, 1, after.error).astype(np.float32)
    after = Observed(after.rows, after.outputs, after.features, after.loss, error)
    rules = []
    for reading in ("integer code", "numeric"):
        settings = ShiftSettings(readings={"code": reading})
        model = model_shift(
            old, new, {"old": before, "new": after}, "dense", schema_of("binary", 1), settings
        )
        rules.append(model.regions[0].rule)
    assert rules[0] == "code = 1" and "code =" not in rules[1]


def test_dead_and_many_units_do_no_harm():
    rng = np.random.default_rng(8)
    old, new = rng.normal(0, 1, (200, 700)), rng.normal(0, 1, (150, 700))
    old[:, :300], new[:, :300] = 0, 0
    new[:, 300:340] += 1
    features = layer_features(old, new)
    assert features.matrix.shape == (350, 200)
    assert np.allclose(features.matrix.mean(axis=0), 0) and np.allclose(features.matrix.std(axis=0), 1)
    assert layer_features(np.zeros((9, 4)), np.zeros((8, 4))).matrix.shape == (17, 0)


def test_the_same_row_computed_in_another_batch_is_a_copy():
    rows = np.random.default_rng(9).normal(0, 1, (100, 8))
    features = layer_features(rows, rows * (1 + 1e-7))
    assert np.mean(features.group[:100] == features.group[100:]) > 0.95


def test_planted_outliers_come_first():
    rng = np.random.default_rng(10)
    spread = np.linalg.qr(rng.normal(0, 1, (64, 64)))[0] * np.geomspace(0.3, 3, 64)
    old, new = (rng.normal(0, 1, (rows, 64)) @ spread.T for rows in (800, 500))
    planted = rng.choice(500, 6, replace=False)
    # Far along directions in which old rows hardly differ, so that no single unit looks odd.
    new[planted] += rng.choice([-5, 5], (6, 8)) @ spread[:, :8].T
    assert np.abs(new[planted]).max() < np.abs(new).max()
    assert set(unusual_rows(old, new, most=6).tolist()) == set(planted.tolist())


def test_a_row_between_the_classes_is_unusual_and_one_of_a_far_class_is_not():
    rng = np.random.default_rng(11)
    classes = np.repeat([0, 1, 2], 200)
    centres = np.array([[20.0, 0.0], [-20.0, 0.0], [0.0, 35.0]])
    old = centres[classes] + rng.normal(0, 1, (600, 2))
    new = np.vstack([centres[2] + rng.normal(0, 1, (50, 2)), [[0.0, 10.0]]])
    assert unusual_rows(old, new, classes, most=1).tolist() == [50]


def test_copies_of_an_unusual_row_are_shown_once():
    rng = np.random.default_rng(12)
    old = rng.normal(0, 1, (200, 3))
    new = np.vstack([np.full((5, 3), 30.0), np.full((1, 3), -20.0), rng.normal(0, 1, (50, 3))])
    assert unusual_rows(old, new, most=2).tolist() == [0, 5]


def test_the_covariance_is_shrunk_more_where_rows_are_few():
    rng = np.random.default_rng(13)
    true = np.diag(np.linspace(0.5, 2, 30))
    for rows, best in ((20, True), (5_000, False)):
        x = rng.normal(0, 1, (rows, 30)) * np.sqrt(np.diag(true))
        x -= x.mean(axis=0)
        errors = [np.sum((found - true) ** 2) for found in (shrunken_covariance(x), x.T @ x / rows)]
        assert errors[0] <= 1.01 * errors[1]
        assert (errors[0] < 0.3 * errors[1]) == best
    assert np.linalg.eigvalsh(shrunken_covariance(rng.normal(0, 1, (5, 30)))).min() > 0


def test_a_side_that_was_not_observed_is_refused():
    rng = np.random.default_rng(14)
    (old, before), (new, after) = world(rng, 60, "binary", 1), world(rng, 60, "binary", 1)
    with pytest.raises(ValueError, match="No new row was observed"):
        model_shift(old, new, {"old": before}, "dense", schema_of("binary", 1))
    with pytest.raises(ValueError, match="another file"):
        model_shift(old[:10], new, {"old": before, "new": after}, "dense", schema_of("binary", 1))


@pytest.mark.parametrize("rows", [1, 10, 30])
def test_few_rows_are_told_apart_from_no_shift(rows):
    model = shift(15, rows=(rows, rows))
    assert model.loss is None and model.regions == ()
    assert any("cannot be told" in note for note in model.notes)
    assert json.dumps(model_json(model), allow_nan=False)


def test_a_model_that_always_says_the_same_breaks_nothing():
    rng = np.random.default_rng(16)
    (old, before), (new, after) = world(rng, 200, "binary", 1), world(rng, 200, "binary", 1)
    same = [
        Observed(side.rows, side.outputs * 0, side.features * 0, side.loss, side.error)
        for side in (before, after)
    ]
    model = model_shift(old, new, {"old": same[0], "new": same[1]}, "dense", schema_of("binary", 1))
    assert model.predictions.level in (None, "none") and model.features.level is None
    assert json.dumps(model_json(model), allow_nan=False)


SCRIPT = """
import sys
import keras, numpy as np
model, rows, out = sys.argv[1:]
model = keras.models.load_model(model)
below = keras.Model(model.inputs, model.layers[-1].input)
inputs = np.load(rows)
found = {}
for side in ("old", "new"):
    found[side + "_outputs"] = model.predict(inputs[side], verbose=0, batch_size=512)
    found[side + "_features"] = below.predict(inputs[side], verbose=0, batch_size=512)
np.savez(out, **found)
"""


def test_a_real_model_on_a_sample(keras_script, tmp_path):
    folder = FOLDER / "credit_new_market"
    tables = {side: read_table(folder / f"{side}.parquet") for side in ("old", "new")}
    schema = infer_schema(
        read_card(folder / "model.keras"), tables["new"], tables["old"], label="default_next_month"
    )
    chosen, inputs, targets = {}, {}, {}
    for side, table in tables.items():
        data, usable = encode(schema, table)
        some = np.sort(np.random.default_rng(0).choice(data.rows, 2_000, replace=False))
        chosen[side], targets[side] = usable[some], np.asarray(data.targets)[some]
        inputs[side] = next(iter(data.inputs.values()))[some]
    np.savez(tmp_path / "inputs.npz", **inputs)
    keras_script(SCRIPT, folder / "model.keras", tmp_path / "inputs.npz", tmp_path / "found.npz")
    observed = {}
    with np.load(tmp_path / "found.npz") as found:
        for side in ("old", "new"):
            chance, y = found[f"{side}_outputs"][:, 0], targets[side]
            loss = -np.log(np.clip(np.where(y == 1, chance, 1 - chance), 1e-7, 1))
            wrong = ((chance > 0.5) != y).astype(np.float32)
            observed[side] = Observed(
                chosen[side],
                found[f"{side}_outputs"],
                found[f"{side}_features"],
                loss.astype(np.float32),
                wrong,
            )
    frames = [feature_frame(tables[side], schema) for side in ("old", "new")]
    model = model_shift(*frames, observed, "hidden_2", schema)
    assert model.predictions.level == "major"
    assert model.predictions.summary.startswith("The model now predicts default_next_month = 1 for 2")
    assert model.features.level == "major"
    assert model.loss.new - model.loss.old > 0.1 and model.loss.interval[0] > 0
    moved = {step.name: step for step in model.loss.steps}
    assert moved["unseen inputs"].interval[0] > 0  # the new market was chosen by its inputs alone
    assert moved["changed labels"].interval[0] <= 0 <= moved["changed labels"].interval[1]
    assert set(model.unusual) <= set(chosen["new"].tolist()) and len(model.unusual) == 12
    assert from_json(to_json(model), ModelShift) == model


def test_rows_are_called_drawn_only_where_they_were():
    assert rows_said((900, 700), (900, 700)) == ""
    assert rows_said((899, 700), (900, 700)) == "By 899 old and 700 new rows: all that can be used."
    both = rows_said((5_000, 5_000), (9_000, 5_001))
    assert both == "By 5,000 old and 5,000 new rows: drawn at random from those that can be used."
    one = rows_said((5_000, 700), (9_000, 701))
    assert one == (
        "By 5,000 old rows (drawn at random from those that can be used) and 700 new ones (all that can be used)."
    )
