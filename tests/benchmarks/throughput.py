"""An epoch of training by our loop and by ``fit``."""

from __future__ import annotations

import time
from collections.abc import Callable

import keras
import numpy as np

from retrain_core.training.loop import Loop
from retrain_core.types import Binding, Dataset, Schema

ROWS, COLUMNS, BATCH = 100_000, 30, 32
SCHEMA = Schema(
    "binary", ("y",), (Binding("x", (), "float32", (COLUMNS,)),), ("0", "1"), 1, False, "binary_crossentropy"
)


def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = [keras.Input((COLUMNS,), name="x"), *(keras.layers.Dense(n, "relu") for n in (64, 32))]
    model = keras.Sequential([*layers, keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.BinaryAccuracy(name="accuracy")])
    return model


def ways() -> dict[str, Callable[[], float]]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.int32)
    loop = Loop(network(), Dataset({"x": x}, y, "binary", (), ""), SCHEMA)
    model = network()

    def ours() -> float:
        start = time.perf_counter()
        for _ in loop.train(rng.permutation(ROWS).astype(np.int32), BATCH):
            pass
        return time.perf_counter() - start

    def fit() -> float:
        start = time.perf_counter()
        model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
        return time.perf_counter() - start

    return {"loop": ours, "fit": fit}
