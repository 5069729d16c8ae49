"""The three strategies on the credit sample as they are written in a notebook: one ``fit`` after the other.

Run as a module it measures from the first line after the imports to the last score, each time a line comes in.
"""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from tests.benchmarks.side import answer

FOLDER = Path(__file__).parents[2] / "sample_data" / "credit_new_market"
EPOCHS, BATCH, ARRIVAL = 10, 32, 256


def halves(frame: pd.DataFrame, shares: tuple[float, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    shuffled = frame.sample(frac=1, random_state=0)
    borders = np.cumsum([0, *(round(share * len(frame)) for share in shares)])
    return [
        (
            part.drop(columns=frame.columns[-1]).to_numpy(np.float32),
            part[frame.columns[-1]].to_numpy(np.float32),
        )
        for part in (shuffled.iloc[a:b] for a, b in pairwise(borders))
    ]


def compiled(model: keras.Model, rate: float = 1e-3) -> keras.Model:
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def notebook() -> tuple[float, ...]:
    start = time.perf_counter()
    new, old = pd.read_parquet(FOLDER / "new.parquet"), pd.read_parquet(FOLDER / "old.parquet")
    train, validation, holdout = halves(new, (0.65, 0.15, 0.2))
    old_train, old_holdout = halves(old, (0.8, 0.2))

    fine_tuned = keras.models.load_model(FOLDER / "model.keras")
    for layer in fine_tuned.layers[:-1]:
        layer.trainable = False
    compiled(fine_tuned).fit(*train, batch_size=BATCH, epochs=EPOCHS, validation_data=validation, verbose=0)

    incremental = compiled(keras.models.load_model(FOLDER / "model.keras"), 5e-4)
    for begin in range(0, len(train[0]), ARRIVAL):
        arrived = slice(begin, begin + ARRIVAL)
        incremental.fit(
            train[0][arrived], train[1][arrived], batch_size=BATCH, epochs=1, shuffle=False, verbose=0
        )

    retrained = keras.models.clone_model(keras.models.load_model(FOLDER / "model.keras"))
    x, y = np.concatenate([old_train[0], train[0]]), np.concatenate([old_train[1], train[1]])
    for layer in retrained.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.adapt(x)
    compiled(retrained).fit(x, y, batch_size=BATCH, epochs=EPOCHS, validation_data=validation, verbose=0)

    scores = [
        model.evaluate(*part, verbose=0)[1]
        for model in (fine_tuned, incremental, retrained)
        for part in (holdout, old_holdout)
    ]
    return time.perf_counter() - start, *scores


if __name__ == "__main__":
    answer(notebook)
