"""Training and scoring mean what ``fit`` and ``evaluate`` mean: same seed, same order, same numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl
from keras.optimizers import schedules

from retrain_core.models.allowed import LOSSES, OPTIMIZERS
from retrain_core.strategies import make_strategy
from retrain_core.training import loop, memory, models
from retrain_core.training.loop import Loop
from retrain_core.training.objective import Objective
from retrain_core.training.rows import feed
from retrain_core.types import Dataset, Schema
from tests.training.build import ROWS, Recorded, mlp, output, rows_for, saved, schema, sequential

BATCH = 16  # of 90 rows: the last one is smaller
PLAIN, COMPILED, HALF = 1e-6, 2e-6, 2e-4  # largest difference of a weight
Build = Callable[[], keras.Model]


@dataclass(frozen=True)
class Trained:
    """What training and then scoring the same rows gave."""

    logs: dict[str, float]
    weights: list[np.ndarray]
    scores: dict[str, float]

    def agrees_with(self, other: Trained, within: float) -> None:
        assert self.logs == pytest.approx(other.logs, abs=within * 10, rel=1e-5)
        assert self.scores == pytest.approx(other.scores, abs=within * 10, rel=1e-5)
        for ours, theirs in zip(self.weights, other.weights, strict=True):
            if ours.dtype.kind == "f":  # not the vocabularies
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=within)


def by_us(
    path: Path,
    how: Schema,
    rows: Dataset,
    epochs: int,
    scored: bool,
    weights: np.ndarray | None,
    planned_steps: int = 0,
) -> Trained:
    keras.utils.set_random_seed(7)
    model, objective = models.load(path), Objective(path, how)
    steps = Loop(model, objective, planned_steps=planned_steps, rows=rows.rows)
    source = steps.source(rows, weights)
    order = np.arange(rows.rows, dtype=np.int32)
    for _ in range(epochs):
        *_, logs = steps.train(source, order, BATCH)
    steps.finalize()
    scores = steps.score(source) if scored else {}
    assert steps.way == ("compiled" if planned_steps else "plain")
    return Trained(
        {name: logs[name] for name in logs if name not in ("share", "rows")},
        model.get_weights(),
        scores,
    )


def by_keras(
    path: Path,
    how: Schema,
    rows: Dataset,
    epochs: int,
    scored: bool,
    loss_weights: list[float] | None = None,
    **options: Any,
) -> Trained:
    keras.utils.set_random_seed(7)
    model, objective = keras.saving.load_model(path), Objective(path, how)
    model.compile(model.optimizer, model.loss, loss_weights, metrics=[objective.metric()], jit_compile=False)
    x, y = feed(model, rows), objective.targets(rows.targets)
    history = model.fit(x, y, BATCH, epochs, shuffle=False, verbose=0, **options).history
    scores = {}
    if scored:  # penalties of activations depend on how many rows a batch has
        scores = model.evaluate(x, y, batch_size=memory.SCORE_BATCH, verbose=0, return_dict=True)
    return Trained({name: values[-1] for name, values in history.items()}, model.get_weights(), scores)


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Train the same model twice, and compare."""

    def run(
        build: Build,
        how: Schema | None = None,
        *,
        optimizer: Any = None,
        loss: Any = None,
        epochs: int = 1,
        scored: bool = True,
        weights: np.ndarray | None = None,
        compiled: bool = False,
        within: float | None = None,
        **options: Any,
    ) -> None:
        keras.utils.set_random_seed(1)
        model, how = build(), how or schema()
        rows = rows_for(model, how)
        path = saved(
            model, tmp_path / "model.keras", optimizer or keras.optimizers.Adam(0.01), loss or how.loss
        )
        if compiled:  # without trials, which would take hundreds of steps
            monkeypatch.setattr(loop, "WARM_STEPS", 1)
            monkeypatch.setattr(loop, "TRIAL_STEPS", 1)
            monkeypatch.setattr(loop, "LEAST_SECONDS", 0.0)
            monkeypatch.setattr(loop, "LEAST_GAIN", 0.0)
        if weights is not None and not options:
            options = {"sample_weight": weights}
        ours = by_us(path, how, rows, epochs, scored, weights, planned_steps=10_000 if compiled else 0)
        theirs = by_keras(path, how, rows, epochs, scored, **options)
        ours.agrees_with(theirs, within or (COMPILED if compiled else PLAIN))

    return run


# --- kinds of models ------------------------------------------------------------------------------


def pictures(*layers: Any) -> keras.Model:
    return sequential(*layers, kl.Flatten(), output(), shape=(8, 8, 3))


def tokens(*layers: Any) -> keras.Model:
    return sequential(*layers, output(), shape=(6,), dtype="int32")


def text(*layers: Any) -> keras.Model:
    return sequential(*layers, output(), shape=(1,), dtype="string")


def named_inputs() -> keras.Model:
    """Texts, whole numbers and fractions, each with its own preparation."""
    city = keras.Input((1,), dtype="string", name="city")
    age = keras.Input((1,), name="age")
    rooms = keras.Input((1,), dtype="int32", name="rooms")
    code = keras.Input((1,), dtype="int64", name="code")
    known, hashed = kl.StringLookup(vocabulary=["a", "b", "c"]), kl.Hashing(5)
    bins = kl.Discretization(bin_boundaries=[-1.0, 0.0, 1.0])
    parts = [
        kl.CategoryEncoding(4, output_mode="one_hot")(known(city)),
        kl.CategoryEncoding(5, output_mode="multi_hot")(hashed(city)),
        kl.Normalization(mean=[0.5], variance=[2.0])(age),
        kl.Flatten()(kl.Embedding(6, 2)(bins(age))),
        kl.Rescaling(0.5)(rooms),
        kl.Flatten()(kl.Embedding(4, 3)(kl.IntegerLookup(vocabulary=[1, 2, 3])(code))),
        kl.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")(city),
        kl.HashedCrossing(7, output_mode="one_hot")((city, code)),
    ]
    hidden = kl.Dense(8, activation="relu")(kl.Concatenate()(parts))
    return keras.Model({"city": city, "age": age, "rooms": rooms, "code": code}, output()(hidden))


def nested_twice() -> keras.Model:
    layers = [kl.Dense(6, activation="relu"), kl.BatchNormalization(), kl.Dropout(0.3)]
    inner = keras.Sequential([keras.Input((4,)), *layers])
    row = keras.Input((4,), name="row")
    return keras.Model(row, output()(kl.Add()([inner(row), inner(kl.Rescaling(2.0)(row))])))


def branches() -> keras.Model:
    """Branches that join again, one of them with a layer and its noise used twice."""
    layer, noise = kl.Dense(4, activation="relu"), kl.Dropout(0.2)
    row = keras.Input((4,), name="row")
    left, right = kl.Dense(4)(row), noise(layer(noise(layer(row))))
    return keras.Model(row, output()(kl.Concatenate()([kl.Add()([left, right]), right, row])))


def penalised() -> keras.Model:
    hidden = kl.Dense(
        8, activation="relu", kernel_regularizer="l2", activity_regularizer="l1", bias_constraint="non_neg"
    )
    return sequential(
        hidden,
        kl.BatchNormalization(),
        kl.ActivityRegularization(0.01),
        output(
            kernel_regularizer=keras.regularizers.OrthogonalRegularizer(0.1), kernel_constraint="unit_norm"
        ),
    )


def noisy() -> keras.Model:
    return sequential(
        kl.Dense(4),
        kl.SpatialDropout1D(0.4),
        kl.Flatten(),
        kl.Dropout(0.2),
        kl.GaussianNoise(0.4),
        kl.GaussianDropout(0.4),
        output(),
        shape=(5, 3),
    )


def attention() -> keras.Model:
    row = keras.Input((5, 4), name="row")
    hidden = kl.LayerNormalization()(row + kl.MultiHeadAttention(2, 3, dropout=0.2)(row, row))
    return keras.Model(row, output()(kl.GlobalAveragePooling1D()(hidden)))


def partly_frozen() -> keras.Model:
    model = sequential(
        kl.Normalization(mean=[0.1] * 4, variance=[2.0] * 4),
        kl.Dense(8, activation="relu", kernel_regularizer="l2"),
        kl.BatchNormalization(),
        kl.Dropout(0.3),
        kl.Dense(6, activation="relu"),
        output(),
    )
    for layer in model.layers[:3]:
        layer.trainable = False
    return model


def operations() -> keras.Model:
    image = keras.Input((8, 8, 3), name="row", dtype="uint8")
    hidden = kl.Conv2D(3, 3)(keras.ops.cast(image, "float32") / 255.0)
    return keras.Model(image, output()(kl.Flatten()(hidden)))


LAYERS: dict[str, Build] = {
    "dense": mlp,
    "penalties and constraints": penalised,
    "normalisations": lambda: mlp(
        kl.LayerNormalization(), kl.GroupNormalization(2), kl.RMSNormalization(), kl.UnitNormalization()
    ),
    "noise": noisy,
    "spatial dropout 2D": lambda: pictures(kl.Rescaling(1 / 255), kl.Dense(4), kl.SpatialDropout2D(0.4)),
    "alpha dropout": lambda: mlp(kl.AlphaDropout(0.4), kl.PReLU()),
    "named inputs": named_inputs,
    "nested, used twice": nested_twice,
    "branches and shared layers": branches,
    "attention": attention,
    "partly frozen": partly_frozen,
    "operations": operations,
    "convolution 1D": lambda: sequential(
        kl.Conv1D(4, 2, activation="relu"),
        kl.MaxPooling1D(),
        kl.GlobalAveragePooling1D(),
        output(),
        shape=(6, 3),
    ),
    "convolution 2D": lambda: pictures(
        kl.Rescaling(1 / 255),
        kl.Conv2D(4, 3, activation="relu"),
        kl.AveragePooling2D(2),
        kl.DepthwiseConv2D(2),
    ),
    "embedding, GRU with dropout": lambda: tokens(
        kl.Embedding(10, 4), kl.GRU(3, dropout=0.2, recurrent_dropout=0.2)
    ),
    "bidirectional with mask": lambda: tokens(
        kl.Embedding(10, 4, mask_zero=True),
        kl.Dropout(0.2),
        kl.Bidirectional(kl.LSTM(3, return_sequences=True)),
        kl.GlobalAveragePooling1D(),
    ),
    "time distributed": lambda: sequential(
        kl.TimeDistributed(kl.BatchNormalization()),
        kl.TimeDistributed(kl.Dense(3)),
        kl.Flatten(),
        output(),
        shape=(5, 4),
    ),
    "spectral normalisation": lambda: sequential(kl.SpectralNormalization(kl.Dense(6)), output()),
    "augmentation": lambda: pictures(
        kl.RandomFlip(), kl.RandomRotation(0.2), kl.RandomContrast(0.3), kl.RandomHue(0.3), kl.Dense(2)
    ),
    "augmentation in a pipeline": lambda: pictures(
        kl.Pipeline([kl.Rescaling(1.0), kl.Equalization((0, 255))]), kl.CutMix(), kl.RandomGrayscale(0.5)
    ),
    "text, padded to the longest of a batch": lambda: text(
        kl.TextVectorization(vocabulary=["a", "b", "c"]), kl.Embedding(5, 3), kl.GlobalAveragePooling1D()
    ),
    "text, counted": lambda: text(kl.TextVectorization(vocabulary=["a", "b"], output_mode="count")),
    "text, sparse": lambda: text(
        kl.StringLookup(vocabulary=["a", "b"], output_mode="multi_hot", sparse=True), kl.Dense(3)
    ),
    "hashed": lambda: text(kl.Hashing(4, output_mode="one_hot"), kl.Flatten()),
}
# XLA may do these; not convolutions, which are slow, nor numbers drawn inside a layer, nor text.
FOR_XLA = (
    "penalties and constraints",
    "noise",
    "named inputs",
    "branches and shared layers",
    "partly frozen",
)


@pytest.mark.parametrize("kind", LAYERS)
def test_every_kind_of_layer_trains_and_scores_as_in_fit(check, kind: str) -> None:
    check(LAYERS[kind])


@pytest.mark.parametrize("kind", FOR_XLA)
def test_compiled_steps_train_and_score_as_in_fit(check, kind: str) -> None:
    check(LAYERS[kind], compiled=True)


# --- optimisers -----------------------------------------------------------------------------------

OPTIONS: dict[str, Callable[[], keras.optimizers.Optimizer]] = {
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "exponential decay": lambda: keras.optimizers.Adam(schedules.ExponentialDecay(0.02, 3, 0.5)),
    "cosine decay": lambda: keras.optimizers.Adam(
        schedules.CosineDecay(0.02, 8, warmup_target=0.05, warmup_steps=2)
    ),
    "piecewise constant": lambda: keras.optimizers.SGD(
        schedules.PiecewiseConstantDecay([2, 5], [0.1, 0.05, 0.01])
    ),
    "norm clipped": lambda: keras.optimizers.Adam(0.01, clipnorm=0.01),
    "values clipped": lambda: keras.optimizers.SGD(0.1, clipvalue=0.01),
    "norm of all clipped": lambda: keras.optimizers.SGD(0.1, global_clipnorm=0.05),
    "averaged": lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.8),
    "averaged now and then": lambda: keras.optimizers.Adam(
        0.01, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=4
    ),
    "accumulated": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=4, clipnorm=0.1),
    "scaled loss": lambda: keras.optimizers.Adam(0.01, loss_scale_factor=16.0),
}


def one_layer() -> keras.Model:
    return sequential(output())


def three_layers() -> keras.Model:
    return mlp(kl.Dense(6))  # Muon treats the first and the last otherwise


def half_precision() -> keras.Model:
    half = keras.dtype_policies.DTypePolicy("mixed_float16")
    return sequential(
        kl.Dense(8, activation="relu", dtype=half), kl.Dropout(0.2, dtype=half), output(dtype="float32")
    )


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "LossScaleOptimizer"])
def test_every_optimiser_steps_as_in_fit(check, name: str) -> None:
    build = three_layers if name == "Muon" else one_layer
    check(build, optimizer=getattr(keras.optimizers, name)(0.05), epochs=2, scored=False)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_setting_of_an_optimiser_means_what_it_does_in_fit(check, name: str) -> None:
    check(one_layer, optimizer=OPTIONS[name](), epochs=2, scored=False)


def test_compiled_steps_keep_the_settings_of_an_optimiser(check) -> None:
    decay = schedules.ExponentialDecay(0.02, 3, 0.5)
    optimizer = keras.optimizers.Adam(decay, gradient_accumulation_steps=4, clipnorm=0.1)
    check(one_layer, optimizer=optimizer, epochs=2, scored=False, compiled=True)


@pytest.mark.parametrize("scale", [2.0**15, 2.0**40])
def test_half_precision_scales_the_loss_and_skips_steps_as_in_fit(check, scale: float) -> None:
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, momentum=0.9), scale, 2)
    check(half_precision, optimizer=optimizer, epochs=2)


def test_compiled_steps_scale_the_loss_of_half_precision_too(check) -> None:
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), 2.0**15, 2)
    check(half_precision, optimizer=optimizer, epochs=2, compiled=True, within=HALF)


# --- losses, classes and weights ------------------------------------------------------------------

OF_UNITS = ("binary_crossentropy", "binary_focal_crossentropy", "hinge", "squared_hinge", "dice", "tversky")


def made_for(loss: str) -> tuple[Schema, str]:
    """Return what ``loss`` is made for, and the activation that goes with it."""
    if loss in OF_UNITS:
        return schema("binary", 1, loss), "sigmoid"
    if "categorical" in loss or loss == "kl_divergence":
        return schema("multiclass", 3, loss), "softmax"
    return schema("regression", 2, loss), "softplus"


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_trains_as_in_fit(check, name: str) -> None:
    how, activation = made_for(LOSSES[name])
    loss = getattr(keras.losses, name)()
    check(lambda: sequential(output(how.units, activation)), how, loss=loss, scored=False)


@pytest.mark.parametrize(
    ("how", "activation", "loss"),
    [
        (schema("binary", from_logits=True), None, keras.losses.BinaryCrossentropy(from_logits=True)),
        (schema(), "sigmoid", keras.losses.BinaryCrossentropy(label_smoothing=0.2)),
        (
            schema("binary", 2, "sparse_categorical_crossentropy"),
            "softmax",
            "sparse_categorical_crossentropy",
        ),
        (schema("binary", 2, "categorical_crossentropy"), "softmax", "categorical_crossentropy"),
        (schema("binary", 1, "hinge", from_logits=True), "tanh", "hinge"),
        (
            schema("multiclass", 3, from_logits=True),
            None,
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        ),
        (schema("multiclass", 3, "mean_squared_error"), "softmax", "mean_squared_error"),
        (schema("multilabel", 3), "sigmoid", "binary_crossentropy"),
        (schema("regression", 1, "huber"), None, keras.losses.Huber(delta=0.3)),
    ],
    ids=[
        "logits",
        "smoothed",
        "two units",
        "one-hot",
        "hinge",
        "softmax logits",
        "squares of classes",
        "several labels",
        "delta",
    ],
)
def test_every_way_to_give_labels_and_outputs(check, how: Schema, activation: str, loss: Any) -> None:
    check(lambda: sequential(output(how.units, activation)), how, loss=loss, scored=False)


@pytest.mark.parametrize("factor", [[3.0], {"out": 3.0}])
def test_the_factor_of_a_loss_is_kept(tmp_path: Path, factor: Any) -> None:
    how, model, path = schema(), mlp(), tmp_path / "model.keras"
    model.compile(keras.optimizers.SGD(0.1), how.loss, loss_weights=factor)
    model.optimizer.build(model.trainable_variables)
    model.save(path)
    rows = rows_for(model, how)
    ours = by_us(path, how, rows, 1, True, None)
    theirs = by_keras(path, how, rows, 1, True, loss_weights=[3.0])
    ours.agrees_with(theirs, PLAIN)
    without = by_keras(path, how, rows, 1, True, loss_weights=[1.0])
    with pytest.raises(AssertionError):  # the factor makes a difference, so that it can be told
        ours.agrees_with(without, PLAIN)


@pytest.mark.parametrize("compiled", [False, True])
def test_row_weights_are_sample_weights(check, compiled: bool) -> None:
    weights = np.random.default_rng(3).uniform(0.1, 2.0, 90).astype(np.float32)
    check(one_layer, weights=weights, compiled=compiled)


def test_balanced_classes_are_the_class_weights_of_fit(check, tmp_path: Path) -> None:
    build, how = (lambda: sequential(output(3, "softmax"))), schema("multiclass", 3)
    targets = rows_for(build(), how).targets
    counts = np.bincount(targets)
    path = saved(build(), tmp_path / "unused.keras", None)
    engine = Recorded(path, how, rows_for(build(), how))
    weights = engine.course.row_weights(rows_for(build(), how), None, balanced=True)
    check(build, how, weights=weights, class_weight=dict(enumerate(len(targets) / (3 * counts))))


def test_an_incremental_run_over_one_arrival_is_an_epoch_of_fit(tmp_path: Path) -> None:
    model, how = mlp(kl.Dropout(0.2)), schema()
    rows = rows_for(model, how)
    path = saved(model, tmp_path / "model.keras", OPTIONS["averaged"](), how.loss)
    strategy = make_strategy("incremental", {"rate": 1.0, "arrival_rows": ROWS, "batch_size": BATCH})
    ours = strategy.train(None, rows, Recorded(path, how, rows, seed=7))
    theirs = by_keras(path, how, rows, 1, scored=False)
    for mine, other in zip(ours.get_weights(), theirs.weights, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=PLAIN)
