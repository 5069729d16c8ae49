"""HDF5 data that is refused or flagged: links, bombs, objects, weights that do not fit, NaN."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from retrain_core.errors import FileError, ModelError
from retrain_core.models import weights
from retrain_core.models.card import read_card
from tests.models.keras_2 import save_keras_2

Change = Callable[[h5py.File], Any]


@pytest.fixture
def with_weights(members: dict[str, bytes], tmp_path: Path) -> Callable[[Change], Path]:
    """Return the plain model with its weights file changed."""

    def pack(change: Change) -> Path:
        data = io.BytesIO(members["model.weights.h5"])
        with h5py.File(data, "r+") as weights:
            change(weights)
        path = tmp_path / "model.keras"
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("config.json", "metadata.json"):
                archive.writestr(name, members[name])
            archive.writestr("model.weights.h5", data.getvalue())
        return path

    return pack


def virtual(weights: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(4,))
    weights.create_virtual_dataset("layers/x", layout)


def bomb(weights: h5py.File) -> None:
    weights.create_dataset(
        "layers/x", shape=(10**5, 10**4), dtype="f4", chunks=(100, 100), compression="gzip"
    )


def replace(weights: h5py.File, path: str, values: Any) -> None:
    del weights[path]
    weights[path] = values


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.__setitem__("layers/x", h5py.ExternalLink("/etc/passwd", "/")), "link to another place"),
        (lambda w: w.__setitem__("layers/x", h5py.SoftLink("/vars")), "link to another place"),
        (lambda w: w.__setitem__("layers/dense/loop", w["layers"]), "linked twice, or contains itself"),
        (lambda w: w.__setitem__("layers/x", w["layers/dense/vars/0"]), "linked twice"),
        (lambda w: w.__setitem__("layers/x", w["/"]), "contains itself"),
        (virtual, "kept in another file"),
        (
            lambda w: w.create_dataset("layers/x", (4,), "f4", external=[("/etc/passwd", 0, 16)]),
            "kept in another file",
        ),
        (lambda w: w.create_dataset("layers/x", data="text"), "not numbers"),
        (lambda w: w.create_dataset("layers/x", data=np.void(b"abcdef")), "not numbers"),
        (lambda w: w.__setitem__("layers/x", np.dtype("f4")), "neither a group nor an array"),
        (lambda w: w.create_dataset("layers/x", data=h5py.Empty("f4")), "no shape"),
        (bomb, "stores next to nothing"),
        (
            lambda w: replace(w, "layers/dense/vars/0", np.zeros((5, 8))),
            "'dense'.*Expected 4 × 8, 8; found 5 × 8, 8",
        ),
        (lambda w: replace(w, "layers/dense_2/vars/1", np.zeros(9)), "'dense_2'"),
        (lambda w: w.__delitem__("layers/dense_1"), "'dense_1'.*found no weights"),
        (lambda w: w.__delitem__("layers/batch_normalization/vars/3"), "'batch_normalization'"),
        (lambda w: w.__delitem__("layers"), "found no weights"),
    ],
)
def test_weights_are_refused(with_weights: Callable[[Change], Path], change: Change, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        read_card(with_weights(change))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_flagged(with_weights: Callable[[Change], Path], bad: float) -> None:
    card = read_card(with_weights(lambda w: w["layers/dense_1/vars/0"].__setitem__((0, 0), bad)))
    (warning,) = [finding for finding in card.findings if finding.status == "warning"]
    assert "'dense_1'" in warning.title


def test_optimizer_state_and_seeds_are_not_counted(with_weights: Callable[[Change], Path]) -> None:
    def add(weights: h5py.File) -> None:
        weights["layers/dropout/seed_generator/vars/0"] = np.zeros(2, "uint32")
        weights["optimizer/vars/99"] = np.full(1000, np.nan)

    card = read_card(with_weights(add))
    assert card.parameters == 153
    assert all(finding.status == "ok" for finding in card.findings)


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [("MAX_BYTES", 100, "declare more than 100 bytes"), ("MAX_OBJECTS", 3, "more than 3 objects")],
)
def test_weights_are_limited(
    saved: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, words: str
) -> None:
    monkeypatch.setattr(weights, limit, value)
    with pytest.raises(ModelError, match=words):
        read_card(saved / "sequential.keras")


def test_it_is_said_when_not_all_weights_were_searched_for_nan(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "MAX_BYTES_SEARCHED", 100)
    (warning,) = [each for each in read_card(saved / "sequential.keras").findings if each.status == "warning"]
    assert warning.title == "Not all weights read"


def test_nan_in_bfloat16_is_flagged(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(saved / "brain_float.keras") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = io.BytesIO(source.read(name))
            if name == "model.weights.h5":
                with h5py.File(data, "r+") as file:
                    file["layers/dense/vars/1"][...] = np.array([0x7FC0], "<u2").view("V2")
            target.writestr(name, data.getvalue())
    assert any("'dense' has weights that are no numbers" in each.title for each in read_card(path).findings)


def test_damaged_weights_inside_an_archive(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", members["config.json"])
        archive.writestr("model.weights.h5", members["model.weights.h5"][:3000])
    with pytest.raises(FileError, match="weights cannot be read"):
        read_card(path)


# --- .h5 ------------------------------------------------------------------------------------------


@pytest.fixture
def h5(saved: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return the plain ``.h5`` model with its config or its weights changed."""

    def change(config: Callable[[dict[str, Any]], Any] | None = None, weights: Change | None = None) -> Path:
        path = tmp_path / "model.h5"
        shutil.copy(saved / "sequential.h5", path)
        with h5py.File(path, "r+") as file:
            if config:
                value = json.loads(file.attrs["model_config"])
                config(value)
                file.attrs["model_config"] = json.dumps(value)
            if weights:
                weights(file)
        return path

    return change


def test_a_lambda_in_h5_is_refused(h5: Callable[..., Path]) -> None:
    entry = {
        "class_name": "Lambda",
        "config": {"name": "lam", "function": ["4wE=", None, None], "module": "os"},
    }
    with pytest.raises(ModelError, match="Lambda layer, 'lam'"):
        read_card(h5(lambda c: c["config"]["layers"].append(entry)))


def test_an_unknown_class_in_h5_is_refused(h5: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match="'MyLayer', named 'mine'"):
        read_card(
            h5(lambda c: c["config"]["layers"].append({"class_name": "MyLayer", "config": {"name": "mine"}}))
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: replace(f, "model_weights/dense/sequential/dense/kernel", np.zeros((4, 9))), "'dense'"),
        (lambda f: f.__delitem__("model_weights/dense/sequential/dense/bias"), "'dense' are incomplete"),
        (lambda f: f.__delitem__("model_weights"), "holds no weights"),
        (lambda f: f.attrs.__delitem__("model_config"), "weights only"),
        (lambda f: f.__setitem__("model_weights/x", h5py.ExternalLink("/etc/passwd", "/")), "link"),
        (lambda f: f.attrs.__setitem__("training_config", '{"loss": "mine"}'), "'mine'"),
    ],
)
def test_h5_weights_are_refused(h5: Callable[..., Path], change: Change, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        read_card(h5(weights=change))


def test_weights_only_files_are_refused(saved: Path) -> None:
    with pytest.raises(ModelError, match="weights only"):
        read_card(saved / "only.weights.h5")


def test_other_hdf5_files_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(ModelError, match="not a Keras model"):
        read_card(tmp_path / "data.h5")


def test_h5_loses_learned_vocabularies(saved: Path) -> None:
    with pytest.raises(ModelError, match="vocabulary of the StringLookup layer 'string_lookup'") as caught:
        read_card(saved / "lookup.h5")
    assert "model.keras" in caught.value.next_step


def test_h5_loses_operations(saved: Path) -> None:
    with pytest.raises(ModelError, match="operation"):
        read_card(saved / "functional.h5")


@pytest.mark.parametrize(("vocabulary", "words"), [(None, "is missing"), (b"\xff\xfe", "is not text")])
def test_a_lost_vocabulary_is_named(
    saved: Path, tmp_path: Path, vocabulary: bytes | None, words: str
) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(saved / "lookup.keras") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = vocabulary if name.startswith("assets/") else source.read(name)
            if data is not None:
                target.writestr(name, data)
    with pytest.raises(ModelError, match=f"vocabulary of the StringLookup layer 'string_lookup' {words}"):
        read_card(path)


def test_a_keras_2_sequential_model_keeps_its_input_shape_in_its_first_layer(
    h5: Callable[..., Path],
) -> None:
    def as_keras_2(config: dict[str, Any]) -> None:
        config["config"].pop("build_input_shape")
        config["config"]["layers"].pop(0)
        config["config"]["layers"][0]["config"]["batch_input_shape"] = [None, 4]

    (only,) = read_card(h5(as_keras_2)).inputs
    assert (only.name, only.shape, only.dtype) == ("dense_input", (4,), "float32")


def test_keras_2_h5_is_read(tmp_path: Path) -> None:
    card = read_card(save_keras_2(tmp_path / "old.h5"))
    assert [(layer.name, layer.parameters) for layer in card.layers] == [
        ("input_1", 0),
        ("hidden", 15),
        ("norm", 12),
        ("out", 4),
    ]
    assert (card.inputs[0].shape, card.outputs[0].shape, card.task) == ((4,), (1,), "binary")
    assert (card.optimizer, card.learning_rate) == ("Adam", 0.25)
    assert any("Keras 2.12.0" in finding.title for finding in card.findings)


def test_keras_2_h5_without_its_list_of_layers_is_refused(tmp_path: Path) -> None:
    path = save_keras_2(tmp_path / "old.h5")
    with h5py.File(path, "r+") as file:
        del file["model_weights"].attrs["layer_names"]
    with pytest.raises(ModelError, match=r"'hidden' would not be read.*list of layers"):
        read_card(path)
