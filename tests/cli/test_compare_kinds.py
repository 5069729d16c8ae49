"""``compare`` from file to report on every kind of model and label."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import command_line

ALL = (
    "recalibrate,fine_tune,lp_ft,l2_sp,surgical,blend,incremental,replay,lwf,ewc,full_retrain,retrain_new,"
    "retrain_recent,shrink_perturb"
)
BUILD = """
import sys, keras, numpy as np
folder = sys.argv[1]
L = keras.layers

def save(name, inputs, outputs, loss=None, optimizer="adam"):
    model = keras.Model(inputs, outputs)
    if loss is not None:
        model.compile(optimizer, loss)
    model.save(f"{folder}/{name}.keras")

def row(units, activation):
    x = keras.Input((2,), name="row")
    return x, L.Dense(units, activation)(L.Dense(8, "relu")(x))

save("tags", *row(3, "sigmoid"), "binary_crossentropy")
save("values", *row(2, "linear"), "mse", keras.optimizers.SGD(0.01))
save("classes", *row(3, "softmax"), "sparse_categorical_crossentropy")
save("one_hot", *row(3, "softmax"), keras.losses.CategoricalCrossentropy(label_smoothing=0.1))
save("logits", *row(3, None), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
save("margin", *row(1, None), "hinge", keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 50)))
save("counts", *row(1, "exponential"), "poisson")
save("uncompiled", *row(1, "sigmoid"))
photo, facts = keras.Input((6, 6, 1), name="photo"), keras.Input((2,), name="facts")
seen = L.Flatten()(L.Conv2D(3, 3, activation="relu")(L.RandomFlip()(L.Rescaling(1 / 255)(photo))))
save("mixed", [photo, facts], L.Dense(1, "sigmoid")(L.Concatenate()([seen, L.Normalization(mean=0, variance=1)(facts)])),
     "binary_crossentropy")
steps = keras.Input((5, 2), name="steps")
hidden = L.GRU(4)(L.LayerNormalization()(L.MultiHeadAttention(1, 2)(steps, steps)))
save("sequence", steps, L.Dense(1)(hidden), keras.losses.Huber(0.5))
word, count = keras.Input((1,), name="word", dtype="string"), keras.Input((1,), name="count", dtype="int64")
known = L.StringLookup(vocabulary=["a", "b", "c"])(word)
text = L.Flatten()(L.Embedding(4, 3)(known))
numbers = L.CategoryEncoding(4, "one_hot")(L.IntegerLookup(vocabulary=[1, 2, 3])(count))
save("named", [word, count], L.Dense(2, "softmax")(L.Concatenate()([text, numbers])), "sparse_categorical_crossentropy")
keras.config.set_dtype_policy("mixed_float16")
x = keras.Input((2,), name="row")
save("half", x, L.Dense(1, "sigmoid", dtype="float32")(L.Dropout(0.2)(L.BatchNormalization()(L.Dense(8, "relu")(x)))),
     "binary_crossentropy")
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, keras_script) -> Path:
    folder = tmp_path_factory.mktemp("models")
    keras_script(BUILD, folder)
    return folder


def numbers(rows: int, seed: int) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(0, 1, (rows, 2)), columns=["a", "b"])


def save(folder: Path, make) -> str:
    """Write old and new data; return the ending of their names."""
    for name, rows, seed in (("old", 240, 1), ("new", 200, 2)):
        made = make(rows, seed)
        if isinstance(made, pd.DataFrame):
            made.to_csv(folder / f"{name}.csv", index=False)
        else:
            np.savez(folder / f"{name}.npz", **made)
    return "csv" if isinstance(made, pd.DataFrame) else "npz"


def compare(models: Path, folder: Path, model: str, make, label: str | None, strategies: str, *more: object):
    ending = save(folder, make)
    chosen = ["--label", label] if label else []
    return command_line(
        "compare", "--model", models / f"{model}.keras", "--old", folder / f"old.{ending}", "--new", folder / f"new.{ending}",
        *chosen, "--epochs", 1, "--strategies", f"keep,{strategies}", *more, "--out", folder / "out",
    )  # fmt: skip


def answer(done, folder: Path) -> dict:
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "out" / "comparison.json").read_text())


def finished(found: dict) -> dict:
    failed = {name: one["error"] for name, one in found["strategies"].items() if one["status"] != "finished"}
    assert not failed
    for one in found["strategies"].values():
        assert all(np.isfinite(value) for value in one["new"].values())
    return found["strategies"]


def labelled(rule):
    return lambda rows, seed: (frame := numbers(rows, seed)).assign(y=rule(frame))


def sign(frame: pd.DataFrame) -> pd.Series:
    return (frame["a"] > 0).astype(int)


def thirds(frame: pd.DataFrame) -> pd.Series:
    return pd.cut(frame["a"], [-9, -0.4, 0.4, 9], labels=["low", "mid", "top"])


def tags(rows: int, seed: int) -> pd.DataFrame:
    frame = numbers(rows, seed)
    return frame.assign(
        hot=frame["a"] > 0, wet=frame["b"] > 0, loud=frame["a"] + frame["b"] > 0
    ) * 1  # fmt: skip


def values(rows: int, seed: int) -> pd.DataFrame:
    frame = numbers(rows, seed)
    return frame.assign(p=frame["a"] * 2, q=frame["b"] - 1)


def mixed(rows: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    photo = rng.integers(0, 255, (rows, 6, 6, 1)).astype(np.uint8)
    return {
        "photo": photo,
        "facts": rng.normal(size=(rows, 2)),
        "y": (photo.mean((1, 2, 3)) > 127).astype(int),
    }


def sequence(rows: int, seed: int) -> dict[str, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=(rows, 5, 2)).astype(np.float32)
    return {"x": x, "y": x.sum((1, 2))}


def named(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    word, count = rng.choice(list("abcz"), rows), rng.integers(1, 5, rows)
    return pd.DataFrame({"word": word, "count": count, "y": np.where(word == "a", "yes", "no")})


EVERY_DAY = "fine_tune,incremental,full_retrain"
KINDS = {
    "one_hot": (labelled(thirds), "y", EVERY_DAY),
    "logits": (labelled(thirds), "y", EVERY_DAY),
    "margin": (labelled(sign), "y", "fine_tune,lwf,full_retrain"),
    "counts": (labelled(lambda frame: np.exp(frame["a"]).round()), "y", EVERY_DAY),
    "uncompiled": (labelled(sign), "y", EVERY_DAY),
    "mixed": (mixed, None, "fine_tune,replay,full_retrain"),
    "sequence": (sequence, None, "fine_tune,replay,full_retrain,l2_sp"),
    "named": (named, "y", "fine_tune,replay,full_retrain,surgical"),
    "half": (labelled(sign), "y", EVERY_DAY),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_this_kind_is_compared(kind: str, models: Path, tmp_path: Path) -> None:
    make, label, strategies = KINDS[kind]
    assert len(finished(answer(compare(models, tmp_path, kind, make, label, strategies), tmp_path))) > 3


def test_every_strategy_on_several_labels_a_row(models: Path, tmp_path: Path) -> None:
    found = answer(compare(models, tmp_path, "tags", tags, "hot,wet,loud", ALL), tmp_path)
    assert found["task"] == "multilabel" and found["metric"]["name"] == "accuracy"
    assert len(finished(found)) == 15


def test_every_strategy_on_several_numbers_a_row_but_recalibration(models: Path, tmp_path: Path) -> None:
    found = answer(compare(models, tmp_path, "values", values, "p,q", ALL), tmp_path)
    refused = found["strategies"].pop("recalibrate")
    assert refused["status"] == "failed" and refused["error"].startswith(
        "Only probabilities can be recalibrated."
    )
    assert found["metric"]["name"] == "mae" and len(finished(found)) == 14


def test_every_strategy_that_trains_learns_a_new_class(models: Path, tmp_path: Path) -> None:
    def make(rows: int, seed: int) -> pd.DataFrame:
        frame = numbers(rows, seed)
        fresh = (frame["b"] > 0.8) & (rows == 200)
        return frame.assign(y=np.where(fresh, "new", thirds(frame).astype(str)))

    found = answer(compare(models, tmp_path, "classes", make, "y", ALL, "--seeds", 1), tmp_path)
    refused = found["strategies"].pop("recalibrate")
    assert refused["status"] == "failed" and "cannot teach new classes" in refused["error"]
    assert len(finished(found)) == 14
    import keras

    grown = keras.saving.load_model(tmp_path / "out" / "models" / "incremental.keras")
    kept = keras.saving.load_model(tmp_path / "out" / "models" / "keep.keras")
    assert (grown.output_shape[-1], kept.output_shape[-1]) == (4, 3)


def test_options_of_one_strategy_a_step_budget_and_class_weights(models: Path, tmp_path: Path) -> None:
    done = compare(
        models, tmp_path, "uncompiled", labelled(sign), "y", "fine_tune,ewc", "--steps", 12, "--balanced",
        "--set", "fine_tune.trainable_layers=2", "--set", "ewc.strength=5", "--set", "ewc.device=cpu",
    )  # fmt: skip
    found = finished(answer(done, tmp_path))
    assert found["fine_tune"]["steps"] == found["ewc"]["steps"] == 12
    assert found["fine_tune"]["options"]["trainable_layers"] == 2 and found["ewc"]["options"]["balanced"]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("fine_tune.colour=red", "has no option 'colour'"),
        ("fine_tune.rate=fast", "has to be a number"),
        ("surgical.rate=1", "'surgical' is not run"),
        ("rate=1", "has the form NAME.OPTION=VALUE"),
        ("fine_tune.device=tpu", "no device 'tpu'"),
    ],
)
def test_a_setting_that_cannot_be_read_exits_2(
    setting: str, words: str, models: Path, tmp_path: Path
) -> None:
    done = compare(models, tmp_path, "uncompiled", labelled(sign), "y", "fine_tune", "--set", setting)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
