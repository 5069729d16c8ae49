"""The card says what Keras itself says, without Keras."""

import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retrain_core.models.card import read_card
from retrain_core.models.compiled import Compiled, compile_findings, compiled, task_of
from retrain_core.types import LayerCard, ModelCard, TensorSpec, from_json, to_json
from tests.conftest import ROOT, command_line

BOTH = (
    *("sequential", "nested", "image", "recurrent", "attention", "uncompiled", "mixed", "called", "transfer"),
    *("pooled", "residual", "two_tower", "film"),
)
KERAS = (
    *BOTH,
    "functional",
    "text",
    "stateless",
    "one_batch_size",
    "lookup",
    "shared",
    "brain_float",
    "operations",
)
SAMPLES = ("credit_new_market", "flights_summer", "garments_new_camera")
FILES = [f"{name}.keras" for name in KERAS] + [f"{name}.h5" for name in BOTH] + list(SAMPLES)


def file_of(saved: Path, file: str) -> Path:
    return ROOT / "sample_data" / file / "model.keras" if file in SAMPLES else saved / file


@pytest.mark.parametrize("file", FILES)
def test_layers_and_parameters_are_those_of_keras(saved: Path, facts: dict[str, Any], file: str) -> None:
    card, fact = read_card(file_of(saved, file)), facts[file.split(".")[0]]
    assert [[layer.name, layer.class_name, layer.parameters] for layer in card.layers] == fact["layers"]
    assert [layer.name for layer in card.layers if layer.trainable] == fact["learns"]
    assert card.parameters == fact["parameters"]


@pytest.mark.parametrize("file", FILES)
def test_inputs_and_output_are_those_of_keras(saved: Path, facts: dict[str, Any], file: str) -> None:
    card, fact = read_card(file_of(saved, file)), facts[file.split(".")[0]]
    assert [[spec.name, list(spec.shape), spec.dtype] for spec in card.inputs] == fact["inputs"]
    assert [list(card.outputs[0].shape), card.outputs[0].dtype] == fact["output"]


@pytest.mark.parametrize("file", [file for file in FILES if file != "functional.keras"])
def test_optimizer_and_learning_rate_are_those_of_keras(
    saved: Path, facts: dict[str, Any], file: str
) -> None:
    card, fact = read_card(file_of(saved, file)), facts[file.split(".")[0]]
    assert card.optimizer == fact["optimizer"]
    assert card.learning_rate == (fact["learning_rate"] and pytest.approx(fact["learning_rate"]))


@pytest.mark.parametrize(
    ("name", "loss", "from_logits", "activation", "task"),
    [
        ("sequential", "binary_crossentropy", False, "sigmoid", "binary"),
        ("functional", "sparse_categorical_crossentropy", True, "linear", "multiclass"),
        ("nested", "mean_absolute_error", None, "linear", "regression"),
        ("image", "categorical_crossentropy", False, "softmax", "binary"),
        ("recurrent", "huber", None, "linear", "regression"),
        ("attention", None, None, "softmax", "multiclass"),
        ("text", None, None, "sigmoid", "binary"),
        ("transfer", None, None, "softmax", "multiclass"),
        ("uncompiled", None, None, "linear", None),
        ("residual", None, None, None, None),
        ("film", None, None, "softmax", "binary"),
        ("operations", None, None, "sigmoid", "binary"),
        ("mixed", "binary_crossentropy", False, "sigmoid", "binary"),
    ],
)
def test_loss_and_task_are_told(
    saved: Path,
    name: str,
    loss: str | None,
    from_logits: bool | None,
    activation: str | None,
    task: str | None,
) -> None:
    card = read_card(saved / f"{name}.keras")
    assert (card.loss, card.from_logits) == (loss, from_logits)
    assert (card.output_activation, card.task) == (activation, task)
    assert card.task_reason.endswith(".")


def test_a_learning_rate_is_shown_as_it_was_typed_and_a_schedule_is_not(saved: Path) -> None:
    assert read_card(saved / "sequential.keras").learning_rate == 0.01
    scheduled = read_card(saved / "functional.keras")
    assert (scheduled.optimizer, scheduled.learning_rate) == ("SGD", None)


@pytest.mark.parametrize("name", BOTH)
def test_h5_gives_the_same_card(saved: Path, name: str) -> None:
    keras, h5 = read_card(saved / f"{name}.keras"), read_card(saved / f"{name}.h5")
    assert (h5.format, h5.keras_version) == ("h5", keras.keras_version)
    for field in (
        "inputs",
        "outputs",
        "layers",
        "loss",
        "from_logits",
        "optimizer",
        "task",
        "output_activation",
    ):
        assert getattr(h5, field) == getattr(keras, field), field


@pytest.mark.parametrize(
    ("activation", "units", "loss", "task", "words"),
    [
        ("sigmoid", 1, None, "binary", "one sigmoid unit"),
        ("softmax", 2, None, "binary", "over 2 classes"),
        ("linear", 2, "sparse_categorical_crossentropy", "binary", "for 2 classes"),
        ("linear", 1, "mean_squared_error", "regression", "mean_squared_error"),
        ("sigmoid", 5, "binary_crossentropy", "multilabel", "several labels an example"),
        ("sigmoid", 5, None, "multilabel", "5 sigmoid units"),
        ("linear", 5, "binary_focal_crossentropy", "multilabel", "several labels an example"),
        ("softmax", 5, "binary_crossentropy", "multiclass", "for 5 classes"),
        ("linear", 3, "mean_squared_error", "regression", "for 3 values an example"),
        ("sigmoid", 1, "mean_squared_error", None, "the labels tell"),
        ("softmax", 4, "kl_divergence", None, "the labels tell"),
        ("linear", 3, "categorical_hinge", "multiclass", "for 3 classes"),
        ("sigmoid", 1, "dice", "binary", "one sigmoid unit"),
        ("softmax", 1, "categorical_crossentropy", None, "one output unit"),
        ("tanh", 1, "hinge", "binary", "hinge"),
        ("tanh", 1, "tversky", None, "regression or classification"),
        ("linear", 3, None, None, "a value or class scores"),
        (None, 1, None, None, "cannot be told"),
    ],
)
def test_the_task_follows_from_output_and_loss(
    activation: str | None, units: int, loss: str | None, task: str | None, words: str
) -> None:
    told, reason = task_of(activation, TensorSpec("y", (units,), "float32"), Compiled(loss))
    assert told == task
    assert words in reason


@pytest.mark.parametrize(
    ("activation", "units", "how", "title"),
    [
        ("sigmoid", 1, Compiled("binary_crossentropy", True), "Loss expects logits, output is a probability"),
        ("linear", 1, Compiled("binary_crossentropy", False), "Loss expects probabilities, output is linear"),
        ("linear", 1, Compiled("huber"), "The delta of the Huber loss is 1"),
        ("linear", 1, Compiled(), "Saved without a loss"),
    ],
)
def test_loss_and_output_at_odds_are_a_warning(
    activation: str, units: int, how: Compiled, title: str
) -> None:
    (finding,) = compile_findings(activation, TensorSpec("y", (units,), "float32"), how)
    assert (finding.status, finding.title) == ("warning", title)


@pytest.mark.parametrize(
    ("activation", "how", "title"),
    [
        ("linear", Compiled("mean_squared_error"), "3 values an example"),
        ("sigmoid", Compiled("binary_crossentropy", False), "3 labels an example"),
    ],
)
def test_several_labels_or_values_an_example_are_said(activation: str, how: Compiled, title: str) -> None:
    (finding,) = compile_findings(activation, TensorSpec("y", (3,), "float32"), how)
    assert (finding.status, finding.title) == ("ok", title)


@pytest.mark.parametrize(
    ("loss", "from_logits"),
    [
        ("mse", None),
        ("bce", False),
        ({"class_name": "Hinge", "config": {"name": "hinge"}}, None),
        ({"class_name": "BinaryFocalCrossentropy", "config": {"gamma": 3.0, "from_logits": True}}, True),
        ({"class_name": "CategoricalFocalCrossentropy", "config": {"alpha": [0.1, 0.9]}}, False),
        ({"class_name": "CategoricalGeneralizedCrossEntropy", "config": {"q": 0.7}}, None),
    ],
)
def test_whether_a_loss_takes_logits_is_told_where_it_can_say_it(
    loss: object, from_logits: bool | None
) -> None:
    assert compiled({"loss": loss, "optimizer": "adam"}).from_logits == from_logits


def test_the_question_is_asked_when_the_task_cannot_be_told(saved: Path) -> None:
    assert "logits" in read_card(saved / "uncompiled.keras").task_reason


def test_checks_are_listed(saved: Path) -> None:
    card = read_card(saved / "functional.keras")
    assert {finding.status for finding in card.findings} == {"ok"}
    said = " ".join(f"{finding.title} {finding.detail}" for finding in card.findings)
    assert re.search(r"\d+ layers?\b", said) is None  # the card alone says how many there are
    titles = " ".join(finding.title for finding in card.findings)
    for word in ("built-in", "plain numbers", "fit the layers", "Vocabularies", "finite"):
        assert word in titles


def test_what_limits_the_use_is_listed(saved: Path) -> None:
    stateless = [
        finding for finding in read_card(saved / "stateless.keras").findings if finding.status == "warning"
    ]
    assert any("only keep" in finding.detail for finding in stateless)


def test_card_survives_json(saved: Path) -> None:
    card = read_card(saved / "functional.keras")
    assert from_json(to_json(card), ModelCard) == card


def test_missing_metadata_is_a_finding(saved: Path, members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("config.json", "model.weights.h5"):
            archive.writestr(name, members[name])
    card = read_card(path)
    assert card.keras_version == "unknown"
    assert any(finding.title == "Keras version unknown" for finding in card.findings)


def test_a_compressed_archive_is_read(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert read_card(path).task == "binary"


def test_every_allowed_name_exists_in_keras(facts: dict[str, Any]) -> None:
    assert facts["missing"] == []


def test_reading_a_card_loads_neither_keras_nor_tensorflow(saved: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from retrain_core.models.card import read_card; "
        "read_card(Path(sys.argv[1])); print({'keras', 'tensorflow', 'sklearn', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, saved / "sequential.keras"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("sample", SAMPLES)
def test_inspect_prints_the_card(sample: str) -> None:
    path = ROOT / "sample_data" / sample / "model.keras"
    done = command_line("inspect", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert from_json(done.stdout, ModelCard) == read_card(path)


def test_inspect_refuses_with_exit_2_and_one_message(saved: Path) -> None:
    done = command_line("inspect", saved / "outputs.keras")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: outputs.keras: The model has 2 outputs: 'price', 'sold'. Several outputs are not supported yet: each "
        "would need labels and a score of its own. Save a model with the one output you want to decide on: "
        "keras.Model(model.inputs, one_output).\n"
    )


def test_a_model_has_as_many_layers_however_it_was_built(saved: Path) -> None:
    """Keras lists the input layer of a functional model, and not that of a sequential one."""
    card = read_card(saved / "sequential.keras")
    functional = replace(card, layers=(LayerCard("input", "InputLayer", 0, True), *card.layers))
    assert functional.depth == card.depth == len(card.layers)
