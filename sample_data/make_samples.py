"""Make the sample data and train the old models: three real questions to try at once.

    python sample_data/make_samples.py --source DIR [--only credit_new_market] [--out DIR]

``DIR`` holds ``credit_default.parquet``, ``flights.parquet`` and ``fashion_mnist_20k.npz`` (see README.md for where
they come from). Everything is seeded: with the pinned packages the data files come out the same byte for byte, and on
x86-64 with AVX2 the models' weights bit for bit; in a ``.keras`` file only the date and the object numbers that
Keras writes beside them differ. ``data.sha256`` records the hashes of the data files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before TensorFlow is imported, which reads them once. Left alone, it takes the fastest instructions that it finds,
# and those add up in another order: the weights then differ from one kind of processor to the next.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray
from scipy import ndimage

SEED = 2013
HERE = Path(__file__).resolve().parent

Images = dict[str, NDArray[np.uint8]]
Rows = pd.DataFrame | Images


# --- credit: customers with high limits, then the low-limit market ---------------------------------

CREDIT_LABEL = "default_next_month"
OLD_MARKET_ABOVE = 140_000
NEW_MARKET_UP_TO = 50_000


def split_credit(file: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the customers of the old and of the new market, in the source's order."""
    customers = pd.read_parquet(file)
    limit = customers["LIMIT_BAL"]
    return customers[limit > OLD_MARKET_ABOVE], customers[limit <= NEW_MARKET_UP_TO]


def credit_arrays(customers: pd.DataFrame) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return one flat row of numbers a customer, in column order, and the label."""
    features = customers.drop(columns=CREDIT_LABEL)
    return features.to_numpy("float32"), customers[CREDIT_LABEL].to_numpy("float32")


def build_credit(x: NDArray[np.float32]) -> keras.Model:
    """Return a small network over one flat input; its Normalization has seen ``x``."""
    normalize = layers.Normalization(name="normalize")
    normalize.adapt(x)
    inputs = keras.Input(shape=x.shape[1:], name="customer")
    hidden = layers.Dense(64, activation="relu", name="hidden_1")(normalize(inputs))
    hidden = layers.Dense(32, activation="relu", name="hidden_2")(hidden)
    outputs = layers.Dense(1, activation="sigmoid", name="default")(hidden)
    model = keras.Model(inputs, outputs, name="credit_default")
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy", metrics=["accuracy"])
    return model


# --- flights: winter and spring, then summer ------------------------------------------------------

FLIGHTS_LABEL = "late"
# Not month: the old period has 1 to 4 and the new 6 and 7, so it names the period instead of describing a flight,
# and a network scaled on the one would have to guess far outside it for the other. Not day: it would only let the
# network learn single stormy days by heart.
FLIGHTS_NUMBERS = ("weekday", "sched_dep_minute", "sched_arr_minute", "distance")
FLIGHTS_STRINGS = ("carrier", "origin", "dest")
# From noon on: before, most flights are on time in either season, and their number would hide what changes.
NOON = 12 * 60
OLD_MONTHS, OLD_FLIGHTS = (1, 2, 3, 4), 20_000
NEW_MONTHS, NEW_FLIGHTS = (6, 7), 12_000


def split_flights(file: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a sample of flights after noon of the old and of the new months, each in order of departure."""
    flights = pd.read_parquet(file)
    flights = flights[flights["sched_dep_minute"] >= NOON]
    flights = flights.sort_values(["month", "day", "sched_dep_minute"], kind="stable")
    rng = np.random.default_rng(SEED)
    old = sample_months(flights, OLD_MONTHS, OLD_FLIGHTS, rng)
    new = sample_months(flights, NEW_MONTHS, NEW_FLIGHTS, rng)
    return old, new


def sample_months(
    flights: pd.DataFrame, months: tuple[int, ...], rows: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return ``rows`` flights of ``months`` drawn at random, their order kept."""
    chosen = flights[flights["month"].isin(months)]
    places = np.sort(rng.choice(len(chosen), size=rows, replace=False))
    return chosen.iloc[places][[*FLIGHTS_NUMBERS, *FLIGHTS_STRINGS, FLIGHTS_LABEL]]


def flights_arrays(flights: pd.DataFrame) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32]]:
    """Return one array of shape ``(rows, 1)`` a column, by the column's name, and the label."""
    x = {name: flights[[name]].to_numpy("float32") for name in FLIGHTS_NUMBERS}
    x |= {name: flights[[name]].to_numpy("object") for name in FLIGHTS_STRINGS}
    return x, flights[FLIGHTS_LABEL].to_numpy("float32")


def build_flights(x: dict[str, NDArray[Any]]) -> keras.Model:
    """Return a network with one named input a column; its preprocessing layers have seen ``x``."""
    numbers = {name: keras.Input(shape=(1,), name=name, dtype="float32") for name in FLIGHTS_NUMBERS}
    strings = {name: keras.Input(shape=(1,), name=name, dtype="string") for name in FLIGHTS_STRINGS}
    encoded = [encode_number(name, tensor, x[name]) for name, tensor in numbers.items()]
    encoded += [encode_string(name, tensor, x[name]) for name, tensor in strings.items()]
    hidden = layers.Concatenate(name="features")(encoded)
    hidden = layers.Dense(64, activation="relu", name="hidden_1")(hidden)
    hidden = layers.Dense(32, activation="relu", name="hidden_2")(hidden)
    outputs = layers.Dense(1, activation="sigmoid", name="late")(hidden)
    model = keras.Model(numbers | strings, outputs, name="flight_late")
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def encode_number(name: str, tensor: keras.KerasTensor, values: NDArray[np.float32]) -> keras.KerasTensor:
    """Scale a numeric column to mean 0 and variance 1."""
    normalize = layers.Normalization(name=f"{name}_normalize")
    normalize.adapt(values)
    return normalize(tensor)


def encode_string(name: str, tensor: keras.KerasTensor, values: NDArray[np.object_]) -> keras.KerasTensor:
    """Look a string up among those seen; one-hot while they are few, else a learned embedding."""
    few = len(np.unique(values)) <= 20
    lookup = layers.StringLookup(output_mode="one_hot" if few else "int", name=f"{name}_lookup")
    lookup.adapt(tf.constant(values))
    if few:
        return lookup(tensor)
    embedded = layers.Embedding(lookup.vocabulary_size(), 8, name=f"{name}_embedding")(lookup(tensor))
    return layers.Flatten(name=f"{name}_flat")(embedded)


# --- garments: one camera, then another -----------------------------------------------------------

OLD_IMAGES, NEW_IMAGES = 5_000, 3_000
TILT_DEGREES, TILT_SPREAD = 12.0, 3.0
BRIGHTNESS = 0.6
NOISE = 10.0


def split_garments(file: Path) -> tuple[Images, Images]:
    """Return images as they are, and other images as another camera might have taken them."""
    with np.load(file) as source:
        x, y = source["x"], source["y"]
    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(len(x))[: OLD_IMAGES + NEW_IMAGES]
    old, new = chosen[:OLD_IMAGES], chosen[OLD_IMAGES:]
    return {"x": x[old], "y": y[old]}, {"x": photograph(x[new], rng), "y": y[new]}


def photograph(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return ``images`` as a made camera sees them: mounted at a tilt, darker, with a noisy sensor."""
    tilts = rng.normal(TILT_DEGREES, TILT_SPREAD, size=len(images))
    tilted = np.stack(
        [
            ndimage.rotate(image.astype("float64"), tilt, reshape=False, order=1)
            for image, tilt in zip(images, tilts, strict=True)
        ]
    )
    seen = BRIGHTNESS * tilted + rng.normal(0.0, NOISE, size=images.shape)
    return np.clip(np.rint(seen), 0, 255).astype("uint8")


def garments_arrays(images: Images) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the images with a channel axis, and the class numbers."""
    return images["x"][..., np.newaxis], images["y"]


def build_garments(x: NDArray[np.uint8]) -> keras.Model:
    """Return a small convolutional network for images like ``x``."""
    inputs = keras.Input(shape=x.shape[1:], name="image")
    hidden = layers.Rescaling(1 / 255, name="rescale")(inputs)
    hidden = layers.Conv2D(16, 3, strides=2, activation="relu", name="edges")(hidden)
    hidden = layers.BatchNormalization(momentum=0.9, name="batch_norm")(hidden)
    hidden = layers.Conv2D(32, 3, strides=2, activation="relu", name="parts")(hidden)
    hidden = layers.Flatten(name="flat")(hidden)
    hidden = layers.Dropout(0.3, seed=SEED, name="dropout")(hidden)
    hidden = layers.Dense(64, activation="relu", name="hidden")(hidden)
    outputs = layers.Dense(10, activation="softmax", name="garment")(hidden)
    model = keras.Model(inputs, outputs, name="garments")
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


# --- the samples ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """How one sample is made.

    Args:
        source: Name of the source file.
        split: Reads it and returns the old and the new rows.
        arrays: Turns rows into what the model takes: inputs and targets.
        build: Returns the compiled, untrained model, its preprocessing adapted to the old inputs.
    """

    source: str
    split: Callable[[Path], tuple[Any, Any]]
    arrays: Callable[[Any], tuple[Any, NDArray[Any]]]
    build: Callable[[Any], keras.Model]


SAMPLES = {
    "credit_new_market": Sample("credit_default.parquet", split_credit, credit_arrays, build_credit),
    "flights_summer": Sample("flights.parquet", split_flights, flights_arrays, build_flights),
    "garments_new_camera": Sample("fashion_mnist_20k.npz", split_garments, garments_arrays, build_garments),
}


def make(name: str, source: Path, out: Path) -> None:
    """Write one sample's old and new rows and its old model into ``out/name``."""
    sample = SAMPLES[name]
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    old, new = sample.split(source / sample.source)
    write_rows(old, folder / "old")
    write_rows(new, folder / "new")
    keras.backend.clear_session()
    keras.utils.set_random_seed(SEED)
    x, y = sample.arrays(old)
    model = train(sample.build(x), x, y)
    model.save(folder / "model.keras")


def write_rows(rows: Rows, stem: Path) -> None:
    """Write a table as Parquet or images as NPZ."""
    if isinstance(rows, pd.DataFrame):
        rows.to_parquet(stem.with_suffix(".parquet"), index=False, compression="zstd")
    else:
        np.savez_compressed(stem.with_suffix(".npz"), **rows)


def train(model: keras.Model, x: Any, y: NDArray[Any]) -> keras.Model:
    """Fit ``model`` to all old rows but a tenth, which says when to stop."""
    order = np.random.default_rng(SEED).permutation(len(y))
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    model.fit(
        take(x, order),
        y[order],
        batch_size=64,
        epochs=20,
        validation_split=0.1,
        callbacks=[stop],
        verbose=2,
    )
    return model


def take(x: Any, rows: NDArray[np.intp]) -> Any:
    """Return ``rows`` of every input."""
    if isinstance(x, dict):
        return {name: tf.constant(values[rows]) for name, values in x.items()}
    return x[rows]


def make_training_repeatable() -> None:
    """Let TensorFlow add up in the same order every time: one thread, deterministic operations."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def write_checksums(out: Path) -> None:
    """Record the SHA-256 of every data file under ``out``, in the format of ``sha256sum --check``."""
    files = sorted([*out.glob("*/*.parquet"), *out.glob("*/*.npz")])
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(out).as_posix()}\n"
        for file in files
    ]
    (out / "data.sha256").write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Read the command line and make what it names."""
    parser = argparse.ArgumentParser(description="Make the sample data and train the old models.")
    parser.add_argument("--source", type=Path, required=True, help="folder with the three source files")
    parser.add_argument("--only", choices=SAMPLES, help="make one sample instead of all")
    parser.add_argument("--out", type=Path, default=HERE, help="where the sample folders go (default: here)")
    options = parser.parse_args()
    make_training_repeatable()
    for name in [options.only] if options.only else SAMPLES:
        print(name)
        make(name, options.source, options.out)
    write_checksums(options.out)


if __name__ == "__main__":
    main()
