"""Real rows in which the truth is told by rows kept back: the samples, as they are and without their shift.

Of each side some rows are what the user has and the rest are the fresh ones; which is drawn anew for every seed. There are
far fewer fresh rows than in the made worlds, so what is truly best is less sure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SAMPLES = Path(__file__).parents[2] / "sample_data"
Rows = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class RealCase:
    """One sample.

    Args:
        name: Shown in the table.
        sample: Its folder.
        rows: Old and new rows that there are.
        moved: Whether new rows are those of the sample; else they are old ones that nobody has seen.
        task: Kind of problem.
        output: The old model's last layer.
        filters: Of its two convolutions, if rows are pictures.
    """

    name: str
    sample: str
    rows: tuple[int, int]
    moved: bool
    task: str = "binary"
    output: Literal["sigmoid", "softmax"] = "sigmoid"
    filters: tuple[int, int] = (8, 16)

    def save(self, folder: Path, seed: int) -> tuple[dict[str, Path], Mapping[str, Rows]]:
        """Draw the rows, train the old model and write all into ``folder``; return the files and the fresh rows."""
        rng = np.random.default_rng((seed, *self.name.encode()))
        old, new = _sides(self.sample)
        place, count = rng.permutation(len(old[1])), self.rows
        if self.moved:
            new_place = rng.permutation(len(new[1]))
        else:
            new, new_place, place = old, place[len(place) // 2 :], place[: len(place) // 2]
        parts = {
            "old": _take(old, place[: count[0]]),
            "new": _take(new, new_place[: count[1]]),
        }
        fresh = {"old": _take(old, place[count[0] :]), "new": _take(new, new_place[count[1] :])}
        files = {side: _write(folder / side, rows) for side, rows in parts.items()}
        files["model"] = _old_model(self, parts["old"], folder / "model.keras", seed)
        return files, fresh


REAL_CASES: Mapping[str, RealCase] = {
    case.name: case
    for case in (
        RealCase("credit", "credit_new_market", (6_000, 2_500), moved=True),
        RealCase("none, credit", "credit_new_market", (4_000, 2_500), moved=False),
        RealCase("flights", "flights_summer", (8_000, 4_000), moved=True),
        RealCase("none, flights", "flights_summer", (6_000, 3_000), moved=False),
        RealCase("garments", "garments_new_camera", (2_500, 800), moved=True, task="multiclass", output="softmax"),
        RealCase("none, garments", "garments_new_camera", (1_500, 600), moved=False, task="multiclass", output="softmax"),
    )
}  # fmt: skip


@cache
def _sides(sample: str) -> tuple[Rows, Rows]:
    """Return inputs and labels of old and new rows; text becomes a column a value, and columns get a like scale."""
    folder = SAMPLES / sample
    if (folder / "old.npz").is_file():
        sides = [np.load(folder / f"{side}.npz") for side in ("old", "new")]
        old, new = (
            ((file["x"] / 255.0).astype(np.float32)[..., None], file["y"].astype(np.int64)) for file in sides
        )
        return old, new
    frames = [pd.read_parquet(folder / f"{side}.parquet") for side in ("old", "new")]
    label = "late" if "late" in frames[0] else "default_next_month"
    both = pd.concat(frames)
    text = [name for name in both if not pd.api.types.is_numeric_dtype(both[name].dtype)]
    for name in text:
        both[name] = both[name].where(both[name].isin(both[name].value_counts().index[:12]), "other")
    inputs = pd.get_dummies(both.drop(columns=label), columns=text).to_numpy(np.float32)
    inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    labels, cut = both[label].to_numpy(np.int64), len(frames[0])
    return (inputs[:cut], labels[:cut]), (inputs[cut:], labels[cut:])


def _take(rows: Rows, place: NDArray[np.intp]) -> Rows:
    return rows[0][place], rows[1][place]


def _write(path: Path, rows: Rows) -> Path:
    np.savez(path.with_suffix(".npz"), x=rows[0], y=rows[1])
    return path.with_suffix(".npz")


def _old_model(case: RealCase, rows: Rows, path: Path, seed: int) -> Path:
    """Train the old model with ``fit`` and save it."""
    import keras

    keras.utils.set_random_seed(seed)
    x, y = rows
    inputs = keras.Input(x.shape[1:], name="row")
    if x.ndim > 2:
        first, second = case.filters
        hidden = keras.layers.Conv2D(first, 3, strides=2, activation="relu", name="first")(inputs)
        hidden = keras.layers.Conv2D(second, 3, strides=2, activation="relu", name="second")(hidden)
        hidden = keras.layers.Flatten(name="flat")(hidden)
    else:
        hidden = keras.layers.Dense(64, activation="relu", name="first")(inputs)
        hidden = keras.layers.Dropout(0.2, name="dropout")(hidden)
        hidden = keras.layers.Dense(32, activation="relu", name="second")(hidden)
    units, activation = (int(y.max()) + 1, "softmax") if case.output == "softmax" else (1, "sigmoid")
    model = keras.Model(inputs, keras.layers.Dense(units, activation=activation, name="last")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy" if units > 1 else "binary_crossentropy")
    model.fit(x, y, epochs=12, batch_size=64, verbose=0)
    model.save(path)
    return path
