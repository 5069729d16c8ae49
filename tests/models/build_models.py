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
    for path in (Path(__file__).parents[2] / "sample_data").glob("*/model.keras"):
        facts[path.parent.name] = describe(keras.models.load_model(path))
    for name, formats, model in with_code_of_their_own(keras):
        for ending in formats:
            model.save(folder / f"{name}.{ending}")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save_weights(folder / "only.weights.h5")
    facts["missing"] = missing_names(keras)
    (folder / "facts.json").write_text(json.dumps(facts))


def describe(model):
    def spec(tensor):
        return [tensor._keras_history.operation.name, list(tensor.shape[1:]), tensor.dtype]

    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # mixed precision wraps it
    return {
        "layers": [[layer.name, type(layer).__name__, layer.count_params()] for layer in model.layers],
        "learns": [layer.name for layer in model.layers if layer.trainable_weights],
        "parameters": model.count_params(),
        "inputs": [spec(tensor) for tensor in model.inputs],
        "output": [list(model.outputs[0].shape[1:]), model.outputs[0].dtype],
        "optimizer": optimizer and type(optimizer).__name__,
        "learning_rate": optimizer and float(optimizer.learning_rate),
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


def with_code_of_their_own(keras):
    """Models that only their author's Python code can bring back."""
    register = keras.saving.register_keras_serializable("Mine")

    @register
    class Scale(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2.0

    @register
    class Miss(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.abs(y_true - y_pred)

    @register
    class Net(keras.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.last = keras.layers.Dense(1)

        def call(self, inputs):
            return self.last(inputs)

    @register
    def off(y_true, y_pred):
        return keras.ops.mean(y_true - y_pred)

    def model(*layers, **compiled):
        network = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])
        if compiled:
            network.compile("adam", **compiled)
        return network

    net = Net(name="net")
    net.build((None, 2))
    return (
        ("lambda", ("keras", "h5"), model(keras.layers.Lambda(lambda x: x * 2, name="double"))),
        ("custom_layer", ("keras", "h5"), model(Scale(name="scale"))),
        ("custom_loss", ("keras", "h5"), model(loss=Miss())),
        ("custom_metric", ("keras",), model(loss="mse", metrics=[off])),
        ("subclassed", ("keras",), net),
    )


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


def one_batch_size(keras, np):
    layers = keras.layers
    return keras.Sequential(
        [layers.Input(batch_shape=(2, 3, 1)), layers.LSTM(2), layers.Dense(1, trainable=False)]
    )


def called(keras, np):
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(1)])
    model(np.zeros((2, 4), "float32"))
    return model


def transfer(keras, np):
    layers = keras.layers
    picture = keras.Input((8, 8, 3))
    base = keras.Model(picture, layers.Conv2D(4, 3)(picture), name="base")
    base.trainable = False
    return keras.Sequential(
        [base, layers.GlobalAveragePooling2D(), layers.Dense(3), layers.Activation("softmax")]
    )


def pooled(keras, np):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(5, 3),
            layers.BatchNormalization(scale=False, center=False),
            layers.GlobalAveragePooling2D(),
            layers.Activation("softmax"),
        ]
    )


def residual(keras, np):
    layers = keras.layers
    row = keras.Input((4,), name="row", dtype="float16")
    x = layers.Attention(dtype="float16")([row, row])
    return keras.Model(row, layers.Add(dtype="float16")([layers.Dense(4, dtype="float16")(x), row]))


def operations(keras, np):
    row = keras.Input((4,), name="row")
    score = keras.ops.sigmoid(keras.layers.Dense(1)(keras.ops.log1p(row)))
    return keras.Model(row, keras.ops.squeeze(score, -1))


def film(keras, np):
    layers = keras.layers
    frames = keras.Input((4, 6, 6, 1), name="frames")
    x = layers.ConvLSTM2D(2, 3, return_sequences=True)(frames)
    x = layers.ConvLSTM2D(2, 2)(x)
    x = layers.Reshape((9, 2))(layers.Conv2DTranspose(2, 1)(x))
    x = layers.EinsumDense("abc,cd->abd", output_shape=(9, 3), bias_axes="d")(x)
    x = layers.AveragePooling1D(3)(layers.UpSampling1D(2)(x))
    head = keras.Sequential([layers.Input((6, 3)), layers.GRU(4, reset_after=False), layers.Reshape((2, 2))])
    end = keras.Sequential([layers.Input((2, 2)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    return keras.Model(frames, end(head(x)))


def two_tower(keras, np):
    layers = keras.layers
    user, item = keras.Input((4,), name="user"), keras.Input((3,), name="item")
    return keras.Model([user, item], layers.Dot(1)([layers.Dense(2)(user), layers.Dense(2)(item)]))


def shared(keras, np):
    layers = keras.layers
    common, inner, row = layers.Dense(3), keras.Input((3,)), keras.Input((3,))
    branch = keras.Model(inner, layers.Dense(2)(common(inner)), name="branch")
    return keras.Model(row, layers.Dense(1)(branch(common(row))))


def brain_float(keras, np):
    layers = keras.layers
    return keras.Sequential([layers.Input((3,), dtype="bfloat16"), layers.Dense(1, dtype="bfloat16")])


def outputs(keras, np):
    layers = keras.layers
    row = keras.Input((4,))
    return keras.Model(
        row, {"price": layers.Dense(1, name="price")(row), "sold": layers.Dense(1, name="sold")(row)}
    )


def picture(keras, np):
    layers = keras.layers
    return keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(1, 3, activation="sigmoid")])


def cut(keras, np):
    row = keras.Input((4,))
    return keras.Model(row, keras.layers.Dense(3, name="scores")(row)[:, :2])


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
    ("one_batch_size", ("keras",), one_batch_size),
    ("called", ("keras", "h5"), called),
    ("transfer", ("keras", "h5"), transfer),
    ("pooled", ("keras", "h5"), pooled),
    ("residual", ("keras", "h5"), residual),
    ("operations", ("keras",), operations),
    ("film", ("keras", "h5"), film),
    ("two_tower", ("keras", "h5"), two_tower),
    ("shared", ("keras",), shared),
    ("brain_float", ("keras",), brain_float),
    ("lookup", ("keras", "h5"), lookup),
    ("outputs", ("keras", "h5"), outputs),
    ("picture", ("keras", "h5"), picture),
    ("cut", ("keras",), cut),
)

if __name__ == "__main__":
    main(Path(sys.argv[1]))
