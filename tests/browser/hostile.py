"""A model and files whose every name and value is meant to do harm when it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

LABEL = "=cmd|' /C calc'!A0"
INPUTS = (
    "<img id=evil src=x onerror=alert(1)>",
    "[evil](javascript:alert(2))",
    "$x$ :red[evil] **evil** `evil`",
)
LAYER = "<b id=evil>![x](javascript:alert(3))"


@dataclass(frozen=True)
class Hostile:
    """Where they are, and the names in them.

    Args:
        model: Its inputs have hostile names.
        strange: A layer of it has one too; it can be looked at, but TensorFlow does not run it.
        new: The new rows, as CSV.
        old: The old rows.
        columns: Names of columns that the model does not take.
        classes: The two labels.
    """

    model: Path
    strange: Path
    new: bytes
    old: bytes
    columns: tuple[str, ...]
    classes: tuple[str, str]


def make_hostile(folder: Path, port: int) -> Hostile:
    """Write a model and rows; whoever follows a name comes to ``port`` of this machine."""
    address = f"http://127.0.0.1:{port}"
    columns = (
        "<script id=evil>alert(4)</script>",
        f"![evil]({address}/picture)",
        f"<img id=evil src={address}/image>",
        ":material/home: :rocket: evil",
        "../../evil",
        "CON",
        "two\nlines",
        "\u202eright to left",
        "long" * 75,
    )
    classes = (f"<b id=evil>no</b> ![n]({address}/no)", "+yes [evil](javascript:alert(5))")
    model, strange = _model(folder / "model.keras"), _model(folder / "strange.keras", LAYER)
    new, old = (_rows(seed, shift, columns, classes) for seed, shift in ((2, 0.8), (1, 0.0)))
    return Hostile(model, strange, new, old, columns, classes)


def _model(path: Path, layer: str = "hidden") -> Path:
    import keras

    keras.utils.set_random_seed(1)
    inputs = [keras.Input((1,), name=name) for name in INPUTS]
    joined = keras.layers.Concatenate(name="joined")(inputs)
    hidden = keras.layers.Dense(4, activation="relu", name=layer)(joined)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="last")(hidden))
    model.compile("adam", "binary_crossentropy")
    model.save(path)
    return path


def _rows(seed: int, shift: float, columns: tuple[str, ...], classes: tuple[str, str]) -> bytes:
    draw, rows = np.random.default_rng(seed), 240
    numbers = {name: draw.normal(shift, 1, rows).round(4) for name in INPUTS}
    yes = numbers[INPUTS[0]] + draw.normal(0, 0.5, rows) > shift / 2
    values = np.array([classes[0], "=1+1", "@evil", "$y$", "plain"])
    others = {name: values[draw.integers(0, len(values), rows)] for name in columns}
    frame = pd.DataFrame({**numbers, **others, LABEL: np.where(yes, classes[1], classes[0])})
    return frame.to_csv(index=False).encode()
