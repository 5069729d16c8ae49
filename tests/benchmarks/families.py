"""Made worlds in which the best strategy can be known: an old model, old and new rows, and as many fresh rows as wanted.

Each family is a pair of worlds, old and new, of which one thing is told apart from the other families: what has moved.
Rows are drawn anew for every seed; the rule behind the label is the same for all seeds of a family and a variant.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Output = Literal["sigmoid", "logit", "softmax", "linear"]
Rows = tuple[NDArray[Any], NDArray[Any]]
COLUMNS = 8
FRESH_ROWS = 20_000


@dataclass(frozen=True)
class World:
    """A distribution of rows and labels.

    Args:
        move: Shift of the mean of each column, in standard deviations.
        turn: What the columns' parts in the rule are multiplied by.
        prior: Log odds added to each class.
        segment: Chance that a row belongs to the second segment, whose rule is another.
        turn_class: A class whose rule is another (its score falls as the others' would rise), ``None`` for none.
        constant: A column that does not vary, ``None`` for none.
        noise: Spread of what the rule cannot know.
    """

    move: tuple[float, ...] = (0.0,) * COLUMNS
    turn: tuple[float, ...] = (1.0,) * COLUMNS
    prior: tuple[float, ...] = ()
    segment: float = 0.5
    turn_class: int | None = None
    constant: int | None = None
    noise: float = 1.0


@dataclass(frozen=True)
class Family:
    """Two worlds and the sizes of what is known of each.

    Args:
        name: What has moved.
        old: Where the old model was trained.
        new: Where it is to work.
        rows: Old and new rows that there are.
        classes: How many; 0 for regression.
        output: The old model's last layer.
        units: Of its hidden layers.
        epochs: It was trained for.
    """

    name: str
    old: World
    new: World
    rows: tuple[int, int]
    classes: int = 2
    output: Output = "sigmoid"
    units: tuple[int, ...] = (32, 16)
    epochs: int = 10

    @property
    def task(self) -> str:
        """Kind of problem."""
        return "regression" if self.output == "linear" else "binary" if self.classes == 2 else "multiclass"

    def save(self, folder: Path, seed: int) -> tuple[dict[str, Path], Mapping[str, Rows]]:
        """Draw the rows, train the old model and write all into ``folder``; return the files and the fresh rows."""
        rng = np.random.default_rng((seed, *self.name.encode()))
        sides = {"old": (self.old, self.rows[0]), "new": (self.new, self.rows[1])}
        parts = {side: draw(self, world, rows, rng) for side, (world, rows) in sides.items()}
        for side, frame in parts.items():
            frame.to_parquet(folder / f"{side}.parquet")
        files = {side: folder / f"{side}.parquet" for side in parts}
        files["model"] = old_model(self, parts["old"], folder / "model.keras", seed)
        fresh = {side: draw(self, world, FRESH_ROWS, rng) for side, (world, _) in reversed(sides.items())}
        return files, {
            side: (frame.drop(columns="y").to_numpy(np.float32), frame["y"].to_numpy())
            for side, frame in fresh.items()
        }


def _vector(**parts: float) -> tuple[float, ...]:
    """Return a tuple of ones (or of what ``rest`` says) with some places set, such as ``x0=-1``."""
    rest = parts.pop("rest", 1.0)
    return tuple(parts.get(f"x{place}", rest) for place in range(COLUMNS))


NONE = World()
IMBALANCED = World(prior=(7.3, 0.0))
MINORITY = World(prior=(0.8, 0.8, 0.8, -1.2))
FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family("none", NONE, NONE, (4_000, 1_500)),
        Family("none, few new rows", NONE, NONE, (2_000, 300)),
        Family("none, four classes", NONE, NONE, (4_000, 1_500), classes=4, output="softmax"),
        Family("none, regression", NONE, NONE, (4_000, 1_500), classes=0, output="linear"),
        Family("inputs", NONE, World(move=_vector(x0=1.5, x3=-1.0, rest=0)), (4_000, 1_500)),
        Family("inputs, a little", NONE, World(move=_vector(x0=0.4, rest=0)), (4_000, 1_500)),
        Family("rule", NONE, World(turn=_vector(x0=-1, x1=-0.5)), (4_000, 1_500)),
        Family("rule, a little", NONE, World(turn=_vector(x0=0)), (4_000, 1_500)),
        Family("rule, few new rows", NONE, World(turn=_vector(x0=-1, x1=-0.5)), (4_000, 300)),
        Family("rule, many new rows", NONE, World(turn=_vector(x0=-1, x1=-0.5)), (2_000, 6_000)),
        Family("labels", NONE, World(prior=(0.0, 1.6)), (4_000, 1_500)),
        Family("logits", NONE, World(turn=_vector(x0=-1, x1=-0.5)), (4_000, 1_500), output="logit"),
        Family("segment", World(segment=0.6), World(segment=0.0, move=_vector(x0=0.8, rest=0)), (4_000, 1_000)),
        Family("imbalance", IMBALANCED, replace(IMBALANCED, turn=_vector(x0=-1, x2=0.2)), (6_000, 3_000)),
        Family("minority", MINORITY, replace(MINORITY, turn_class=3), (4_000, 2_000), classes=4, output="softmax"),
        Family("constant", World(constant=2), World(move=_vector(x2=0.5, rest=0)), (4_000, 1_500)),
        Family("regression", NONE, World(turn=_vector(x0=-0.5, x1=0.5)), (4_000, 1_500), classes=0, output="linear"),
        Family("mixed", NONE, World(move=_vector(x0=1, rest=0), turn=_vector(x1=0.2), prior=(0.0, 0.7)), (4_000, 1_500)),
    )
}  # fmt: skip


def draw(family: Family, world: World, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return ``rows`` rows of one of the family's worlds, with the label ``y``."""
    rule = np.random.default_rng(zlib.crc32(family.name.encode()))  # the same for all seeds
    classes = max(family.classes, 1)
    weights = rule.normal(0, 1, (COLUMNS, classes)) * 0.9
    other = rule.normal(0, 1, (COLUMNS, classes)) * 0.9
    pairs = rule.normal(0, 0.7, (3, classes))
    common = rng.normal(0, 1, (rows, 1))
    x = 0.5 * common + np.sqrt(0.75) * rng.normal(0, 1, (rows, COLUMNS)) + np.array(world.move)
    if world.constant is not None:
        x[:, world.constant] = 0.0
    second = rng.random(rows) < world.segment
    turned = x * np.array(world.turn)
    score = np.where(second[:, None], turned @ (0.6 * weights + 0.4 * other), turned @ weights)
    score += (turned[:, [0, 1, 2]] * turned[:, [3, 4, 5]]) @ pairs
    if world.turn_class is not None:
        score[:, world.turn_class] *= -1
    if world.prior:
        score += np.array(world.prior)
    frame = pd.DataFrame(x.astype(np.float32), columns=[f"x{place}" for place in range(COLUMNS)])
    frame["second"] = second.astype(np.float32)
    if family.task == "regression":
        frame["y"] = score[:, 0] + rng.normal(0, world.noise, rows)
    else:
        frame["y"] = (score + world.noise * rng.gumbel(0, 1, score.shape)).argmax(axis=1)
    return frame


def old_model(family: Family, frame: pd.DataFrame, path: Path, seed: int) -> Path:
    """Train the old model with ``fit`` on old rows and save it."""
    import keras

    keras.utils.set_random_seed(seed)
    x = frame.drop(columns="y").to_numpy(np.float32)
    inputs = keras.Input((x.shape[1],), name="row")
    norm = keras.layers.Normalization(name="norm")
    norm.adapt(x)
    hidden = norm(inputs)
    for place, units in enumerate(family.units):
        hidden = keras.layers.Dense(units, activation="relu", name=f"hidden_{place}")(hidden)
    units = family.classes if family.output == "softmax" else 1
    activation = {"sigmoid": "sigmoid", "softmax": "softmax"}.get(family.output)
    outputs = keras.layers.Dense(units, activation=activation, name="last")(hidden)
    model = keras.Model(inputs, outputs)
    losses = {
        "sigmoid": "binary_crossentropy",
        "softmax": "sparse_categorical_crossentropy",
        "linear": "mse",
        "logit": keras.losses.BinaryCrossentropy(from_logits=True),
    }
    model.compile("adam", losses[family.output])
    model.fit(x, frame["y"].to_numpy(), epochs=family.epochs, batch_size=32, verbose=0)
    model.save(path)
    return path
