"""Model files as people bring them, good and bad, through ``inspect``: each is read or refused as it should be.

Files that attack are in ``test_attacks``; files of Keras' own making, read one by one, in ``test_card``.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from retrain_core.__main__ import main
from tests.models.keras_2 import save_keras_2
from tests.models.test_attacks import refused
from tests.models.test_refused_archives import ONNX, packed, write
from tests.models.test_refused_configs import layer


class Corpus:
    """Makes files out of those that Keras has saved.

    Args:
        saved: The folder of those.
        members: The members of a plain one.
        path: The file to write.
    """

    def __init__(self, saved: Path, members: dict[str, bytes], path: Path) -> None:
        self.saved, self.members, self.path = saved, members, path

    def data(self, data: bytes) -> Path:
        return write(self.path, data)

    def whole(self) -> bytes:
        return (self.saved / "sequential.keras").read_bytes()

    def zip(self, *without: str, **changed: bytes) -> Path:
        names = {"config": "config.json", "metadata": "metadata.json", "weights": "model.weights.h5"}
        members = self.members | {names[key]: data for key, data in changed.items()}
        return packed(self.path, {name: data for name, data in members.items() if name not in without})

    def config(self, change: Callable[[dict[str, Any]], Any]) -> Path:
        config = json.loads(self.members["config.json"])
        change(config)
        return self.zip(config=json.dumps(config).encode())

    def layer(self, class_name: str, name: str, module: str = "keras.layers", **options: Any) -> Path:
        """Add a layer before the last one."""
        entry = layer(class_name, name, module, **options)
        return self.config(lambda config: config["config"]["layers"].insert(-1, entry))

    def weights(self, change: Callable[[h5py.File], Any]) -> Path:
        data = io.BytesIO(self.members["model.weights.h5"])
        with h5py.File(data, "r+") as file:
            change(file)
        return self.zip(weights=data.getvalue())

    def kind(self, name: str) -> Path:
        return self.saved / name


def cycle(file: h5py.File) -> None:
    file["layers/dense/again"] = file["layers"]


def shape_bomb(file: h5py.File) -> None:
    """4.0 GB declared, nothing stored: just under the limit from which Keras looks (4 GiB)."""
    file.create_dataset("layers/dense/vars/2", (10**5, 10**4), "f4", chunks=(100, 100), compression="gzip")


def small_bombs(file: h5py.File) -> None:
    """3.6 GB in arrays that are too small to be told one by one."""
    for number in range(60):
        file.create_dataset(f"layers/dense/vars/x{number}", (15_000_000,), "f4", chunks=(1_000_000,))


def misfit(file: h5py.File) -> None:
    del file["layers/dense_1/vars/0"]
    file["layers/dense_1/vars/0"] = np.zeros((8, 9), "f4")


def zip_bomb(corpus: Corpus) -> Path:
    return packed(
        corpus.path, {**corpus.members, "model.weights.h5": bytes(200_000_000)}, zipfile.ZIP_DEFLATED
    )


def encrypted(corpus: Corpus) -> Path:
    data = bytearray(packed(corpus.path, corpus.members).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    return corpus.data(bytes(data))


def duplicate(corpus: Corpus) -> Path:
    path = packed(corpus.path, corpus.members)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("config.json", b"{}")
    return path


REFUSED: dict[str, tuple[Callable[[Corpus], Path], str]] = {
    "zero bytes": (lambda c: c.data(b""), "empty"),
    "truncated": (lambda c: c.data(c.whole()[:-9000]), "damaged"),
    "random bytes": (lambda c: c.data(np.random.default_rng(0).bytes(5000)), "not a Keras model"),
    "no config": (lambda c: c.zip("config.json"), "no config.json"),
    "no weights": (lambda c: c.zip("model.weights.h5"), "Without weights the model would answer at random"),
    "weights of another shape": (lambda c: c.weights(misfit), "layer 'dense_1' (Dense) do not fit"),
    "broken JSON": (lambda c: c.zip(config=c.members["config.json"][:-5]), "not valid JSON"),
    "deep JSON": (lambda c: c.zip(config=b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "more than 100 levels"),
    "broken metadata": (lambda c: c.zip(metadata=b"{"), "metadata.json is not valid JSON"),
    "a duplicate member": (duplicate, "more than one member 'config.json'"),
    "an encrypted member": (encrypted, "encrypted"),
    "a bomb in the archive": (zip_bomb, "unpacks to more than 100 times its stored size"),
    "a bomb by shape": (lambda c: c.weights(shape_bomb), "stores next to nothing"),
    "many small bombs": (lambda c: c.weights(small_bombs), "the arrays declare 3600.0 MB and store"),
    "an unknown class": (lambda c: c.kind("custom_layer.keras"), "'Mine>Scale', named 'scale'"),
    "a subclassed model": (lambda c: c.kind("subclassed.keras"), "subclassed"),
    "a layer too large": (lambda c: c.layer("Dense", "wide", units=10**9), "'wide', is too large"),
    "a cycle": (lambda c: c.weights(cycle), "contains itself"),
    "weights only": (lambda c: c.kind("only.weights.h5"), "weights only"),
    "a SavedModel": (lambda c: packed(c.path, {"saved_model.pb": b"x"}), "zipped TensorFlow SavedModel"),
    "TensorFlow Lite": (lambda c: c.data(b"\x1c\0\0\0TFL3" + bytes(60)), "TensorFlow Lite"),
    "ONNX": (lambda c: c.data(ONNX), "ONNX"),
    "PyTorch": (lambda c: packed(c.path, {"archive/data.pkl": b"x"}), "PyTorch model"),
    "a pickle": (lambda c: c.data(pickle.dumps([1])), "Python pickle"),
    "stateful": (lambda c: c.kind("stateful.keras"), "The layer 'lstm' is stateful"),
    "several outputs": (lambda c: c.kind("outputs.keras"), "2 outputs: 'price', 'sold'"),
    "an optimizer of its own": (
        lambda c: c.config(lambda config: config["compile_config"].update(optimizer="mine")),
        "the optimizer 'mine'",
    ),
}


def nan(file: h5py.File) -> None:
    file["layers/dense_1/vars/0"][0, 0] = np.nan


def logits(config: dict[str, Any]) -> None:
    loss = layer("BinaryCrossentropy", "loss", "keras.losses", from_logits=True)
    config["compile_config"]["loss"] = loss


# What is read, and the notice that stands in its findings; none if there is nothing to say.
READ: dict[str, tuple[Callable[[Corpus], Path], str | None]] = {
    "as saved": (lambda c: c.kind("sequential.keras"), None),
    "no metadata": (lambda c: c.zip("metadata.json"), "Keras version unknown"),
    "Keras 2": (lambda c: save_keras_2(c.path), "Written by Keras 2.12.0"),
    "uncompiled": (lambda c: c.kind("uncompiled.keras"), "Saved without a loss"),
    "no optimiser state": (lambda c: c.weights(lambda file: file.pop("optimizer")), None),
    "no trainable layers": (lambda c: c.kind("stateless.keras"), "only keep can be used"),
    "several inputs": (lambda c: c.kind("functional.keras"), None),
    "of one batch size": (lambda c: c.kind("one_batch_size.keras"), "Saved without a loss"),
    "mixed precision": (lambda c: c.kind("mixed.keras"), None),
    "NaN in the weights": (lambda c: c.weights(nan), "'dense_1' has weights that are no numbers"),
    "logits from a sigmoid": (lambda c: c.config(logits), "Loss expects logits, output is a probability"),
}


@pytest.fixture
def corpus(saved: Path, members: dict[str, bytes], tmp_path: Path) -> Corpus:
    return Corpus(saved, members, tmp_path / "churn.keras")


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_the_reason(
    corpus: Corpus, name: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    make, words = REFUSED[name]
    path = make(corpus)
    message = refused(capfd, "inspect", path)
    assert message.startswith(f"error: {path.name}: ") and words in message
    assert str(tmp_path) not in message and str(corpus.saved) not in message


@pytest.mark.parametrize("name", READ)
def test_it_is_read_with_a_notice_if_there_is_one_to_give(
    corpus: Corpus, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    make, notice = READ[name]
    assert main(["inspect", str(make(corpus))]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    warnings = [
        f"{each['title']} {each['detail']}" for each in json.loads(out)["findings"] if each["status"] != "ok"
    ]
    assert any(notice in warning for warning in warnings) if notice else warnings == []


def test_a_file_that_is_not_there_is_named_without_its_path(
    corpus: Corpus, capfd: pytest.CaptureFixture[str]
) -> None:
    missing = corpus.path.with_name("gone.keras")
    assert refused(capfd, "inspect", missing) == (
        "error: gone.keras: The file cannot be read. No such file or directory. Choose another file.\n"
    )
