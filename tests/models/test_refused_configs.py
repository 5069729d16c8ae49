"""Configs that are refused: code, unknown names, paths, absurd sizes; the layer is always named."""

import copy
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retrain_core.errors import ModelError
from retrain_core.models import graph
from retrain_core.models.card import read_card

Json = dict[str, Any]
LAMBDA = {"class_name": "__lambda__", "config": {"value": ["4wEAAA==", None, None]}}


def layer(class_name: str, name: str, module: str | None = "keras.layers", **config: Any) -> Json:
    return {
        "module": module,
        "class_name": class_name,
        "config": {"name": name, **config},
        "registered_name": None,
    }


@pytest.fixture
def refused(members: dict[str, bytes], tmp_path: Path) -> Callable[..., str]:
    """Pack the plain model with its config changed, and return the message that refuses it."""

    def attempt(change: Callable[[Json], Any] | None = None, text: bytes | None = None) -> str:
        config = json.loads(members["config.json"])
        if change is not None:
            config = change(config) or config
        path = tmp_path / "model.keras"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("config.json", json.dumps(config) if text is None else text)
            file.writestr("metadata.json", members["metadata.json"])
            file.writestr("model.weights.h5", members["model.weights.h5"])
        with pytest.raises(ModelError) as caught:
            read_card(path)
        assert caught.value.why and caught.value.next_step
        return str(caught.value)

    return attempt


def layers_of(config: Json) -> list[Json]:
    return config["config"]["layers"]


def wrapped(name: str, inner: Json) -> Json:
    return layer("TimeDistributed", name, layer=inner)


def test_a_lambda_layer_is_named(refused: Callable[..., str]) -> None:
    message = refused(lambda c: layers_of(c).append(layer("Lambda", "lambda_1", function=LAMBDA)))
    assert "The model has a Lambda layer, 'lambda_1'." in message
    assert "It can run any code" in message
    assert "Replace it with a built-in Keras layer and save the model again." in message


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            wrapped("steps", layer("Lambda", "hidden", function=LAMBDA)),
            ("Lambda layer, 'hidden', inside 'steps'",),
        ),
        (
            layer("Sequential", "tower", "keras", layers=[layer("Lambda", "deep", function="relu")]),
            ("Lambda layer, 'deep', inside 'tower'",),
        ),
        (layer("Activation", "act", activation=LAMBDA), ("Python code", "'act'")),
        (layer("TFSMLayer", "export", filepath="/tmp/x"), ("TFSMLayer", "'export'")),
        (layer("TorchModuleWrapper", "torch", module="x"), ("TorchModuleWrapper",)),
        (layer("FlaxLayer", "flax"), ("FlaxLayer",)),
        (layer("JaxLayer", "jax"), ("JaxLayer",)),
        (layer("system", "shell", "os"), ("'system' from 'os'", "'shell'")),
        (layer("get_file", "fetch", "keras.utils"), ("'get_file'", "'fetch'")),
        (layer("Dense", "mine", "my_package.layers"), ("'Dense' from 'my_package.layers'", "'mine'")),
        (layer("MyLayer", "mine", None), ("'MyLayer'", "'mine'", "custom class")),
        (layer("Dense", "mine") | {"registered_name": "evil>Dense"}, ("'evil>Dense'", "'mine'")),
        (
            layer("Dense", "d", activation={"module": "os", "class_name": "function", "config": "system"}),
            ("'system'", "'d'"),
        ),
        (layer("Dense", "d", activation="my_activation"), ("'my_activation'", "'d'")),
        (layer("Dense", "d", kernel_initializer="my_start"), ("'my_start'", "'d'")),
        (
            layer("Dense", "d", kernel_initializer=layer("Evil", "e", "keras.initializers")),
            ("'Evil'", "inside 'd'"),
        ),
        (layer("StringLookup", "words", vocabulary="/etc/passwd"), ("'words'", "path or address of a file")),
        (layer("IntegerLookup", "ids", vocabulary="http://x/y"), ("'ids'", "path or address of a file")),
        (layer("TextVectorization", "t", idf_weights="/x"), ("'t'", "path or address")),
        (layer("TextVectorization", "t", vocabulary=["a"], standardize="mine"), ("'mine'",)),
        (layer("Dense", "../../x", units=1), ("'../../x'", "unusable name")),
        (layer("Dense", "a/b", units=1), ("'a/b'",)),
        (layer("Dense", "a\0b", units=1), (r"'a\x00b'",)),
        (layer("Dense", "x" * 500, units=1), ("at most 200",)),
        ({"class_name": "__typespec__", "module": "os", "config": []}, ("module named in the file",)),
        ({"class_name": "__numpy__", "config": {"value": [1], "dtype": "object"}}, ("dtype 'object'",)),
        ({"module": "os", "registered_name": "x"}, ("names a module without a class",)),
        (layer("Dense", "d", units=10**9), ("'d'", "too large", "1000000000")),
        (layer("Dense", "d", units=10**30), ("'d'", "too large")),
        (layer("Embedding", "e", input_dim=9_000_000, output_dim=9_000_000), ("'e'", "parameters")),
        (layer("LSTM", "l", units=100_000), ("'l'", "parameters")),
        (layer("Conv2D", "c", filters=9_000_000, kernel_size=[99, 99]), ("'c'", "parameters")),
        (layer("MultiHeadAttention", "m", num_heads=9_999_999, key_dim=9_999_999), ("'m'", "parameters")),
        (layer("EinsumDense", "z", output_shape=[None, 90_000_000] * 3), ("'z'", "too large")),
        (layer("Reshape", "r", target_shape=[9_999_999, 9_999_999]), ("'r'", "too large")),
        (layer("TimeDistributed", "steps"), ("not as Keras writes it", "'layer'")),
        (layer("Dense", "extra", units=3), ("'extra'", "found no weights")),
    ],
)
def test_a_layer_is_refused(refused: Callable[..., str], entry: Json, words: tuple[str, ...]) -> None:
    message = refused(lambda c: layers_of(c).append(entry))
    for word in words:
        assert word in message


WIDE = layer("InputLayer", "in", batch_shape=[None, 90_000_000])
STEPS = layer("InputLayer", "in", batch_shape=[None, 9, 9_000_000])
TALL = layer("InputLayer", "in", batch_shape=[None, 9_000, 9_000, 1])
DENSE = layer("Dense", "wide", units=1000)


@pytest.mark.parametrize(
    "found",
    [
        [WIDE, DENSE],
        [WIDE, layer("Dropout", "drop", rate=0.5), layer("Sequential", "tower", "keras", layers=[DENSE])],
        [TALL, layer("Flatten", "flat"), DENSE],
        [STEPS, wrapped("steps", DENSE)],
        [STEPS, layer("Bidirectional", "both", layer=layer("LSTM", "wide", units=100))],
        [STEPS, layer("MultiHeadAttention", "wide", num_heads=10, key_dim=10)],
    ],
)
def test_a_layer_too_large_for_what_it_is_given_is_refused_though_it_says_no_shape(
    refused: Callable[..., str], found: list[Json]
) -> None:
    assert "'wide'" in (message := refused(lambda _: layer("Sequential", "m", "keras", layers=found)))
    assert "By its config the model would have at least" in message


def test_code_in_a_nested_compile_config_is_refused(refused: Callable[..., str]) -> None:
    assert "'__lambda__'" in refused(lambda c: c["compile_config"].update(loss=LAMBDA))


def test_a_custom_loss_is_refused_with_the_way_out(refused: Callable[..., str]) -> None:
    custom = {
        "module": "builtins",
        "class_name": "function",
        "config": "my_loss",
        "registered_name": "function",
    }
    message = refused(lambda c: c["compile_config"].update(loss=custom))
    assert "'my_loss', inside 'compile_config'" in message and "model.compile(" in message
    assert "'other'" in refused(lambda c: c["compile_config"].update(loss="other"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[" * 100_000, "nests more than 100 levels"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nests more than 100 levels"),
        (b'{"class_name": "Sequential"', "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "no class_name"),
        (b'{"class_name": "Sequential", "class_name": "Lambda"}', "same key twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"class_name": []}', "not on the list"),
        (
            b'{"module": "keras", "class_name": "Sequential", "config": []}',
            "config of 'Sequential' is missing",
        ),
        (b'{"module": "keras", "class_name": "Sequential", "config": {}}', "does not list its layers"),
        (
            b'{"module": "keras", "class_name": "Sequential", "config": {"layers": [1]}}',
            "does not list its layers",
        ),
        (b'{"module": "keras.layers", "class_name": "Dense", "config": {"name": "d"}}', "not a model"),
    ],
)
def test_a_broken_config_is_refused(refused: Callable[..., str], text: bytes, words: str) -> None:
    assert words in refused(text=text)


def test_an_endless_string_is_scanned_in_one_pass(refused: Callable[..., str]) -> None:
    start = time.process_time()
    assert "not valid JSON" in refused(text=b'{"a": ' + b'"\\' * 2_000_000)
    assert time.process_time() - start < 5


def test_a_subclassed_model_is_refused(refused: Callable[..., str]) -> None:
    def subclass(config: Json) -> Json:
        return {"module": None, "class_name": "Churn", "config": {}, "registered_name": "Churn"}

    message = refused(subclass)
    assert "'Churn'" in message and "subclassed" in message


def test_a_model_that_was_never_built_is_refused(refused: Callable[..., str]) -> None:
    def unbuild(config: Json) -> None:
        layers_of(config).pop(0)
        config["config"].pop("build_input_shape")

    assert "before its input shape was known" in refused(unbuild)


def test_two_layers_of_one_name_are_refused(refused: Callable[..., str]) -> None:
    def twice(config: Json) -> None:
        layers_of(config).append(copy.deepcopy(layers_of(config)[-1]))

    assert "Two layers are named 'dense_2'" in refused(twice)


def test_keras_2_archives_are_explained(refused: Callable[..., str]) -> None:
    message = refused(lambda c: c.update(module="keras.src.engine.sequential"))
    assert "saved by Keras 2" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sparse": True}, "'input_layer' is sparse or ragged"),
        ({"batch_shape": None}, "'input_layer' has no known shape"),
    ],
)
def test_an_input_that_cannot_be_fed_is_refused(
    refused: Callable[..., str], change: Json, words: str
) -> None:
    assert words in refused(lambda c: layers_of(c)[0]["config"].update(change))


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ({"input_layers": []}, "no inputs"),
        ({"input_layers": ["dense", 0, 0]}, "'dense' is not an Input layer"),
        ({"output_layers": 7}, "inputs or outputs are not as Keras writes them"),
        ({"output_layers": ["gone", 0, 0]}, "output layer 'gone' is missing"),
        ({"output_layers": []}, "0 outputs"),
    ],
)
def test_a_graph_with_loose_ends_is_refused(refused: Callable[..., str], ends: Json, words: str) -> None:
    def joined(config: Json) -> Json:
        ended = {"input_layers": ["input_layer", 0, 0], "output_layers": ["dense_2", 0, 0]} | ends
        return layer("Functional", "graph", "keras", layers=layers_of(config), **ended)

    assert words in refused(joined)


def test_a_model_of_very_many_layers_is_refused(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "MAX_LAYERS", 5)
    assert "At most 5 layers are read" in refused(lambda config: None)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("lambda.keras", "Lambda layer, 'double'.*Replace it"),
        ("lambda.h5", "Lambda layer, 'double'.*Replace it"),
        ("custom_layer.keras", "'Mine>Scale', named 'scale'.*Replace it"),
        ("custom_layer.h5", "'Mine>Scale', named 'scale'.*Replace it"),
        ("custom_loss.keras", "'Mine>Miss'.*, inside 'compile_config'.*Compile the model"),
        ("custom_loss.h5", "'Mine>Miss'.*Compile the model"),
        ("custom_metric.keras", "'Mine>off', inside 'compile_config'.*Compile the model"),
        ("subclassed.keras", "'Mine>Net'.*subclassed"),
    ],
)
def test_code_of_its_own_is_refused_as_keras_saves_it(saved: Path, file: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        read_card(saved / file)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("outputs.keras", "2 outputs: 'price', 'sold'.*not supported yet"),
        ("outputs.h5", "2 outputs: 'price', 'sold'.*not supported yet"),
        ("picture.keras", r"answers each example with an array \(any × any × 1\)"),
        ("picture.h5", r"answers each example with an array \(any × any × 1\)"),
        ("cut.keras", r"ends with 'get_item' \(GetItem\), whose shape is not in the file"),
    ],
)
def test_outputs_that_cannot_be_compared_are_refused(saved: Path, file: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        read_card(saved / file)


def test_an_unknown_dtype_is_refused(refused: Callable[..., str]) -> None:
    message = refused(lambda c: layers_of(c)[0]["config"].update(dtype="float7"))
    assert "'input_layer' has the dtype 'float7'" in message


def test_a_long_learning_rate_schedule_is_no_size(members: dict[str, bytes], tmp_path: Path) -> None:
    config = json.loads(members["config.json"])
    decay = {"initial_learning_rate": 0.1, "decay_steps": 10**9, "decay_rate": 0.5, "staircase": False}
    schedule = layer("ExponentialDecay", "decay", "keras.optimizers.schedules", **decay)
    config["compile_config"]["optimizer"]["config"]["learning_rate"] = schedule
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in (members | {"config.json": json.dumps(config).encode()}).items():
            file.writestr(name, data)
    assert read_card(path).learning_rate is None
