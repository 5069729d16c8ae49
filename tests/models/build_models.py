"""Save one model of every kind with Keras, and what Keras itself says about each; run as a script."""

import json
import os
import sys
from pathlib import Path


def main(folder: Path) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import keras
    import numpy as np

    facts = {}
    for name, formats, make in MODELS:
        keras.utils.set_random_seed(0)
        keras.backend.clear_session()
        model = make(keras, np)
        for ending in formats:
            model.save(folder / f"{name}.{ending}")
        facts[name] = describe(model)
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save_weights(folder / "only.weights.h5")
    facts["missing"] = missing_names(keras)
    (folder / "facts.json").write_text(json.dumps(facts))


def describe(model):
    def spec(tensor):
        return [tensor._keras_history.operation.name, list(tensor.shape[1:]), tensor.dtype]

    return {
        "layers": [[layer.name, type(layer).__name__, layer.count_params()] for layer in model.layers],
        "learns": [layer.name for layer in model.layers if layer.trainable_weights],
        "parameters": model.count_params(),
        "inputs": [spec(tensor) for tensor in model.inputs],
        "output": [list(model.outputs[0].shape[1:]), model.outputs[0].dtype],
    }


def missing_names(keras):
    """Names on the allow-list that this Keras does not have."""
    from importlib import import_module

    from retrain_core.models import ALLOWED

    missing = []
    for module, name in ALLOWED:
        if (module, name) in (("keras", "Functional"), ("keras.models", "Functional")):
            continue  # spelt so by other versions
        owner = import_module(module) if module.startswith("keras.src") else keras
        for part in module.split(".")[1:] if owner is keras else ():
            owner = getattr(owner, part, None)
        if not hasattr(owner, name):
            missing.append([module, name])
    return missing


def sequential(keras, np):
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(8, activation="relu"),
            layers.Dropout(0.2),
            layers.BatchNormalization(),
            layers.Dense(8, kernel_regularizer="l2"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC()]
    )
    model.optimizer.build(model.trainable_variables)
    return model


def functional(keras, np):
    layers = keras.layers
    age, city, code = (
        keras.Input((2,), name="age"),
        keras.Input((1,), name="city", dtype="string"),
        keras.Input((1,), name="code", dtype="int64"),
    )
    normalization, cities, codes = (
        layers.Normalization(),
        layers.StringLookup(),
        layers.IntegerLookup(vocabulary=[7, 9]),
    )
    normalization.adapt(np.arange(12.0).reshape(6, 2))
    cities.adapt(np.array([["Bern"], ["Zürich"]]))
    x = layers.Concatenate()(
        [
            normalization(age) * 2.0,
            layers.Flatten()(layers.Embedding(4, 3)(cities(city))),
            layers.CategoryEncoding(3, output_mode="one_hot")(codes(code)),
        ]
    )
    model = keras.Model({"city": city, "age": age, "code": code}, layers.Dense(3, name="score")(x))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model.compile(
        keras.optimizers.SGD(schedule), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    return model


def nested(keras, np):
    layers = keras.layers
    tower = keras.Sequential([layers.Input((4,)), layers.Dense(5), layers.Dense(3)], name="tower")
    frozen = keras.Sequential([layers.Input((3,)), layers.Dense(2)], name="frozen")
    frozen.trainable = False
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    x = layers.Subtract()([tower(left), tower(right)])
    model = keras.Model([left, right], {"price": layers.Dense(1, name="head")(frozen(x))})
    model.compile("adamw", {"price": "mae"})
    return model


def image(keras, np):
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.RandomFlip(),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Conv2D(4, 3, groups=2),
            layers.SeparableConv2D(4, 2),
            layers.DepthwiseConv2D(2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
            layers.Softmax(),
        ]
    )
    model.compile("adam", keras.losses.CategoricalCrossentropy())
    return model


def recurrent(keras, np):
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((5, 2)),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True, dropout=0.1)),
            layers.TimeDistributed(layers.Dense(2)),
            layers.GRU(3, return_sequences=True),
            layers.SimpleRNN(2),
            layers.Dense(1),
        ]
    )
    model.compile("rmsprop", keras.losses.Huber())
    return model


def attention(keras, np):
    layers = keras.layers
    sequence = keras.Input((6, 4), name="sequence")
    x = layers.LayerNormalization()(layers.MultiHeadAttention(2, 3)(sequence, sequence))
    x = layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)], return_sequences=True)(x)
    x = layers.SpectralNormalization(layers.Conv1D(3, 2))(x)
    x = layers.PReLU()(layers.Flatten()(x))
    x = layers.Dense(4, activation=layers.LeakyReLU(0.1))(x)
    return keras.Model(sequence, layers.Dense(4, activation="softmax")(x))


def text(keras, np):
    layers = keras.layers
    vectorize = layers.TextVectorization(output_sequence_length=4)
    vectorize.adapt(["good value", "bad value"])
    review = keras.Input((), name="review", dtype="string")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(6, 2)(vectorize(review)))
    return keras.Model(review, layers.Dense(1, activation="sigmoid")(x))


def uncompiled(keras, np):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])


def mixed(keras, np):
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((3,)),
            layers.Dense(2, dtype="mixed_float16"),
            layers.Dense(1, activation="sigmoid", dtype="float32"),
        ]
    )
    model.compile(
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.5)), keras.losses.binary_crossentropy
    )
    return model


def stateless(keras, np):
    layers = keras.layers
    return keras.Sequential([layers.Input((3,)), layers.Rescaling(2.0), layers.Flatten()])


def stateful(keras, np):
    layers = keras.layers
    return keras.Sequential(
        [layers.Input(batch_shape=(2, 3, 1)), layers.LSTM(2, stateful=True), layers.Dense(1, trainable=False)]
    )


def lookup(keras, np):
    layers = keras.layers
    words = layers.StringLookup()
    words.adapt(np.array([["a"], ["b"]]))
    word = keras.Input((1,), name="word", dtype="string")
    return keras.Model(word, layers.Dense(1)(layers.Flatten()(layers.Embedding(3, 2)(words(word)))))


MODELS = (
    ("sequential", ("keras", "h5"), sequential),
    ("functional", ("keras", "h5"), functional),
    ("nested", ("keras", "h5"), nested),
    ("image", ("keras", "h5"), image),
    ("recurrent", ("keras", "h5"), recurrent),
    ("attention", ("keras", "h5"), attention),
    ("text", ("keras",), text),
    ("uncompiled", ("keras", "h5"), uncompiled),
    ("mixed", ("keras", "h5"), mixed),
    ("stateless", ("keras",), stateless),
    ("stateful", ("keras",), stateful),
    ("lookup", ("keras", "h5"), lookup),
)

if __name__ == "__main__":
    main(Path(sys.argv[1]))
