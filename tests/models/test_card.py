"""The card says what Keras itself says, without Keras."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from retrain_core.models import read_card
from retrain_core.types import ModelCard, from_json, to_json

KERAS = (
    *("sequential", "functional", "nested", "image", "recurrent", "attention", "text", "uncompiled", "mixed"),
    *("stateless", "stateful", "lookup"),
)
H5 = ("sequential", "nested", "image", "recurrent", "attention", "uncompiled", "mixed")
FILES = [f"{name}.keras" for name in KERAS] + [f"{name}.h5" for name in H5]


@pytest.mark.parametrize("file", FILES)
def test_layers_and_parameters_are_those_of_keras(saved: Path, facts: dict[str, Any], file: str) -> None:
    card, fact = read_card(saved / file), facts[file.split(".")[0]]
    assert [[layer.name, layer.class_name, layer.parameters] for layer in card.layers] == fact["layers"]
    assert [layer.name for layer in card.layers if layer.trainable] == fact["learns"]
    assert card.parameters == fact["parameters"]


@pytest.mark.parametrize("file", FILES)
def test_inputs_and_output_are_those_of_keras(saved: Path, facts: dict[str, Any], file: str) -> None:
    card, fact = read_card(saved / file), facts[file.split(".")[0]]
    assert [[spec.name, list(spec.shape), spec.dtype] for spec in card.inputs] == fact["inputs"]
    assert [list(card.outputs[0].shape), card.outputs[0].dtype] == fact["output"]


@pytest.mark.parametrize(
    ("name", "loss", "from_logits", "optimizer", "learning_rate", "activation", "task"),
    [
        ("sequential", "binary_crossentropy", False, "Adam", 0.01, "sigmoid", "binary"),
        ("functional", "sparse_categorical_crossentropy", True, "SGD", None, "linear", "multiclass"),
        ("nested", "mean_absolute_error", None, "AdamW", 0.001, "linear", "regression"),
        ("image", "categorical_crossentropy", False, "Adam", 0.001, "softmax", "binary"),
        ("recurrent", "huber", None, "RMSprop", 0.001, "linear", "regression"),
        ("attention", None, None, None, None, "softmax", "multiclass"),
        ("text", None, None, None, None, "sigmoid", "binary"),
        ("uncompiled", None, None, None, None, "linear", None),
        ("mixed", "binary_crossentropy", False, "Adam", 0.5, "sigmoid", "binary"),
    ],
)
def test_compilation_and_task(
    saved: Path,
    name: str,
    loss: str | None,
    from_logits: bool | None,
    optimizer: str | None,
    learning_rate: float | None,
    activation: str,
    task: str | None,
) -> None:
    card = read_card(saved / f"{name}.keras")
    assert (card.loss, card.from_logits, card.optimizer) == (loss, from_logits, optimizer)
    assert card.learning_rate == (learning_rate and pytest.approx(learning_rate))
    assert (card.output_activation, card.task) == (activation, task)
    assert card.task_reason.endswith(".")


@pytest.mark.parametrize("name", H5)
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


def test_the_question_is_asked_when_the_task_cannot_be_told(saved: Path) -> None:
    assert "logits" in read_card(saved / "uncompiled.keras").task_reason


def test_checks_are_listed(saved: Path) -> None:
    card = read_card(saved / "functional.keras")
    assert {finding.status for finding in card.findings} == {"ok"}
    titles = " ".join(finding.title for finding in card.findings)
    for word in ("built-in", "plain numbers", "fit the layers", "Vocabularies", "finite"):
        assert word in titles


def test_what_limits_the_use_is_listed(saved: Path) -> None:
    stateful = [finding.title for finding in read_card(saved / "stateful.keras").findings]
    assert "Fixed batch size" in stateful
    assert "Layer 'lstm' is stateful" in stateful
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
    assert any(finding.title == "No metadata" for finding in card.findings)


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
        "import sys; from pathlib import Path; from retrain_core.models import read_card; "
        "read_card(Path(sys.argv[1])); print({'keras', 'tensorflow', 'sklearn', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, saved / "sequential.keras"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    assert done.stdout.strip() == "set()"
