"""An epoch of training by our loop, as a worker runs it (one thread), and by ``fit`` as everyone writes it.

Run as a module it is one side: ``throughput ours|fit KIND``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.side import Side, answer

ROWS, COLUMNS = 100_000, 30
# kind: batch size, whether with BatchNormalization and Dropout, the bar
KINDS = {
    "Dense 64-32-1, batch 32": (32, False, 8.0),
    "the same with BatchNormalization and Dropout": (32, True, 5.0),
    "Dense 64-32-1, batch 256": (256, False, 5.0),
    "the sample CNN, batch 32": (32, False, 1.0),
}
CNN = "the sample CNN, batch 32"
GARMENTS = Path(__file__).parents[2] / "sample_data" / "garments_new_camera"


def sides(kind: str) -> tuple[Side, Side]:
    return (Side(__name__, "ours", kind), Side(__name__, "fit", kind))


def data(kind: str) -> tuple[np.ndarray, np.ndarray]:
    if kind == CNN:
        arrays = np.load(GARMENTS / "old.npz")
        return arrays["x"][..., np.newaxis], arrays["y"].astype(np.int32)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.int32)


def network(kind: str, seed: int):
    import keras

    keras.utils.set_random_seed(seed)
    if kind == CNN:
        return keras.models.load_model(GARMENTS / "model.keras")
    layers = [keras.Input((COLUMNS,), name="x")]
    for units in (64, 32):
        layers.append(keras.layers.Dense(units, "relu"))
        if KINDS[kind][1]:
            layers += [keras.layers.BatchNormalization(), keras.layers.Dropout(0.2)]
    model = keras.Sequential([*layers, keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.BinaryAccuracy(name="accuracy")])
    return model


def ours(kind: str) -> None:
    from retrain_core.training.devices import use_device

    use_device("cpu", 1)
    from retrain_core.training.loop import Loop
    from retrain_core.training.objective import Objective
    from retrain_core.types import Binding, Dataset, Schema

    x, y = data(kind)
    size = KINDS[kind][0]
    shape = tuple(x.shape[1:])
    schema = (
        Schema("multiclass", ("y",), (Binding("image", (), "float32", shape),), tuple("0123456789"), 10, False, "sparse_categorical_crossentropy")
        if kind == CNN
        else Schema("binary", ("y",), (Binding("x", (), "float32", shape),), ("0", "1"), 1, False, "binary_crossentropy")
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        network(kind, 0).save(path)
        objective = Objective(path, schema)
    rng = np.random.default_rng(0)
    loop = Loop(network(kind, 0), objective, planned_steps=20 * len(y) // size, rows=len(y))
    source = loop.source(Dataset({"x": x}, y, schema.task, (), ""))

    def epoch() -> tuple[float, ...]:
        start = time.perf_counter()
        *_, logs = loop.train(source, rng.permutation(len(y)).astype(np.int32), size)
        return time.perf_counter() - start, logs["loss"], float(loop.way == "compiled")

    answer(epoch)


def fit(kind: str) -> None:
    x, y = data(kind)
    size, model, seed = KINDS[kind][0], network(kind, 0), 0

    def epoch() -> tuple[float, ...]:
        start = time.perf_counter()
        history = model.fit(x, y, batch_size=size, epochs=1, verbose=0).history
        return time.perf_counter() - start, history["loss"][0], float(seed)

    answer(epoch)


if __name__ == "__main__":
    {"ours": ours, "fit": fit}[sys.argv[1]](sys.argv[2])
