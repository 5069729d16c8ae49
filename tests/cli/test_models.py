"""Models as people bring them: other tasks, other containers, other ways to say the loss."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import command_line

# Each case builds a model for two columns and says how its label is made.
MODELS = {
    "regression": ("linear", 1, "mean_squared_error"),
    "logits": ("linear", 1, "keras.losses.BinaryCrossentropy(from_logits=True)"),
    "two units": ("softmax", 2, "sparse_categorical_crossentropy"),
    "one-hot": ("softmax", 3, "categorical_crossentropy"),
    "never compiled": ("sigmoid", 1, None),
    "h5": ("sigmoid", 1, "binary_crossentropy"),
    "several outputs": ("linear", 2, "mean_squared_error"),
    "mixed precision": ("sigmoid", 1, "binary_crossentropy"),
    "no trainable layers": ("sigmoid", 1, "binary_crossentropy"),
    "one batch size": ("sigmoid", 1, "binary_crossentropy"),
}
BUILD = """
import sys, keras, numpy as np, pandas as pd
kind, activation, units, loss, path, data = sys.argv[1:]
keras.utils.set_random_seed(0)
frame = pd.read_csv(data)
x, labels = frame[["a", "b"]].to_numpy("float32"), frame["y"]
y = labels.to_numpy("float32") if kind == "regression" else labels.astype("category").cat.codes.to_numpy()
half = "mixed_float16" if kind == "mixed precision" else None
first, last = keras.layers.Dense(8, "relu", dtype=half), keras.layers.Dense(int(units), activation)
one_size = {"batch_size": 50} if kind == "one batch size" else {}
model = keras.Sequential([keras.Input((2,), **one_size), first, last])
if loss != "None":
    made = eval(loss) if loss.startswith("keras") else loss
    model.compile(keras.optimizers.Adam(0.02), made, metrics=["mae" if kind == "regression" else "accuracy"])
    if kind != "several outputs":
        model.fit(x, np.eye(int(units))[y] if "categorical_" in loss and not loss.startswith("sparse") else y, epochs=10, verbose=0, **one_size)
model.trainable = kind != "no trainable layers"
model.save(path)
"""


def rows(kind: str, seed: int, shift: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(shift, 1, 300), rng.normal(0, 1, 300)
    if kind in ("regression", "several outputs"):
        return pd.DataFrame({"a": a, "b": b, "y": 3 * a - b + rng.normal(0, 0.3, 300)})
    if kind == "one-hot":
        return pd.DataFrame({"a": a, "b": b, "y": np.where(a > 1, "high", np.where(a > 0, "middle", "low"))})
    return pd.DataFrame({"a": a, "b": b, "y": np.where(a + b > 0, "yes", "no")})


@pytest.fixture(params=MODELS)
def brought(request: pytest.FixtureRequest, tmp_path: Path, keras_script) -> tuple[str, Path]:
    kind = request.param
    activation, units, loss = MODELS[kind]
    rows(kind, 1, 0.0).to_csv(tmp_path / "old.csv", index=False)
    rows(kind, 2, 0.7).to_csv(tmp_path / "new.csv", index=False)
    model = tmp_path / ("model.h5" if kind == "h5" else "model.keras")
    keras_script(BUILD, kind, activation, units, loss, model, tmp_path / "old.csv")
    return kind, model


def test_every_model_is_compared_or_refused_with_the_reason(brought: tuple[str, Path]) -> None:
    kind, model = brought
    folder, out = model.parent, model.parent / "out"
    done = command_line(
        "compare", "--model", model, "--old", folder / "old.csv", "--new", folder / "new.csv", "--label", "y",
        "--epochs", 3, "--out", out,
    )  # fmt: skip
    if kind == "several outputs":
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert "predicts 2 numbers a row" in done.stderr
        return
    assert done.returncode == 0, done.stderr[-2000:]
    comparison = json.loads((out / "comparison.json").read_text())
    failed = {name: each["error"] for name, each in comparison["strategies"].items() if each["error"]}
    if kind == "no trainable layers":  # fresh weights learn all the same
        assert set(failed) == {"fine_tune", "incremental"}
        assert all("are frozen" in error or "were saved as frozen" in error for error in failed.values())
    else:
        assert failed == {}
    retrained = comparison["strategies"]["full_retrain"]["new"]
    if kind == "regression":
        assert comparison["task"] == "regression" and comparison["metric"] == {
            "name": "mae",
            "direction": "min",
        }
        assert {"loss", "mae", "rmse", "r2"} == set(retrained)
    else:
        assert comparison["task"] == ("multiclass" if kind == "one-hot" else "binary")
        if kind != "never compiled":  # that one was never trained either
            assert comparison["strategies"]["keep"]["old"]["accuracy"] > 0.8  # labels are not crossed
