"""Fine-tuning the sample CNN with a frozen trunk for 20 epochs: ours, and ``fit`` with the same layers frozen.

Each side measures from the loaded model to the trained one, its own preparation included.
"""

from __future__ import annotations

import sys
import time
from itertools import pairwise

import numpy as np

from tests.benchmarks.side import Side, answer
from tests.benchmarks.throughput import CNN, GARMENTS, data

EPOCHS, SIZE = 20, 32


def sides() -> tuple[Side, Side]:
    return Side(__name__, "ours"), Side(__name__, "fit")


def ours() -> None:
    from retrain_core.training.devices import use_device

    use_device("cpu", 1)
    from retrain_core.training import models
    from retrain_core.training.loop import Loop
    from retrain_core.training.objective import Objective
    from retrain_core.types import Binding, Dataset, Schema

    x, y = data(CNN)
    schema = Schema(
        "multiclass", ("y",), (Binding("image", (), "float32", x.shape[1:]),), tuple("0123456789"), 10, False,
        "sparse_categorical_crossentropy",
    )  # fmt: skip
    rng = np.random.default_rng(0)

    def train() -> tuple[float, ...]:
        model = models.load(GARMENTS / "model.keras")
        start = time.perf_counter()
        models.freeze(model, all_but_last=1)
        loop = Loop(
            model,
            Objective(GARMENTS / "model.keras", schema),
            planned_steps=EPOCHS * len(y) // SIZE,
            rows=len(y),
        )
        source = loop.source(Dataset({"image": x}, y, "multiclass", (), ""))
        orders = [rng.permutation(len(y)).astype(np.int32) for _ in range(EPOCHS + 1)]
        for order, following in pairwise(orders):  # as the engine does
            *_, logs = loop.train(source, order, SIZE, following)
        return time.perf_counter() - start, logs["loss"]

    answer(train)


def fit() -> None:
    import keras

    x, y = data(CNN)

    def train() -> tuple[float, ...]:
        model = keras.models.load_model(GARMENTS / "model.keras")
        start = time.perf_counter()
        for layer in model.layers[:-1]:
            layer.trainable = False
        model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, batch_size=SIZE, epochs=EPOCHS, verbose=0).history
        return time.perf_counter() - start, history["loss"][-1]

    answer(train)


if __name__ == "__main__":
    {"ours": ours, "fit": fit}[sys.argv[1]]()
