"""Model files that attack, through the command line: they are refused, and no canary is opened, written or reached."""

from __future__ import annotations

import base64
import io
import json
import pickle
import socket
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from retrain_core.__main__ import main
from tests.models.canaries import SECRET, Canaries
from tests.models.test_refused_archives import packed
from tests.models.test_refused_configs import layer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify watches the canaries")

# The function leaves a trace whenever it is called; Keras calls it when it builds the network.
LAMBDAS = """
import sys, keras
folder, canary = sys.argv[1:]
act = eval(f"lambda x: (open({canary + '/trace.txt'!r}, 'a').close(), x)[1]")
def model(*layers, shape=(2,)):
    return keras.Sequential([keras.Input(shape), *layers, keras.layers.Dense(1)])
lamb = lambda: keras.layers.Lambda(act, name="double", output_shape=(2,))
model(lamb()).save(f"{folder}/plain.keras")
model(lamb()).save(f"{folder}/plain.h5")
model(keras.layers.TimeDistributed(lamb()), keras.layers.Flatten(), shape=(3, 2)).save(f"{folder}/wrapped.keras")
model(keras.Sequential([keras.Input((2,)), lamb()], name="tower")).save(f"{folder}/nested.keras")
model(keras.layers.Lambda(keras.ops.relu, name="double", output_shape=(2,))).save(f"{folder}/named.keras")
"""
LOAD = """
import sys, keras, numpy as np
keras.saving.load_model(sys.argv[1], compile=False, safe_mode=False)(np.zeros((1, 2)))
"""


@pytest.fixture(scope="module")
def canary_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("canaries")
    (folder / "secret.txt").write_bytes(SECRET)
    with h5py.File(folder / "secret.h5", "w") as file:
        file["x"] = np.ones((4, 8), "f4")
    return folder


@pytest.fixture(scope="module")
def lambdas(
    tmp_path_factory: pytest.TempPathFactory,
    canary_folder: Path,
    keras_script: Callable[..., str],
) -> Path:
    folder = tmp_path_factory.mktemp("lambdas")
    keras_script(LAMBDAS, folder, canary_folder)
    return folder


@pytest.fixture
def canaries(canary_folder: Path, lambdas: Path) -> Iterator[Canaries]:
    watch = Canaries(canary_folder)
    yield watch
    watch.close()


@pytest.fixture
def attack(members: dict[str, bytes], canaries: Canaries, tmp_path: Path) -> Attack:
    return Attack(members, canaries, tmp_path / "churn.keras")


class Attack:
    """Makes files of the plain model with one thing changed."""

    def __init__(self, members: dict[str, bytes], canaries: Canaries, path: Path) -> None:
        self.members, self.path = members, path
        self.secret, self.secret_h5 = str(canaries.folder / "secret.txt"), str(canaries.folder / "secret.h5")
        self.folder, self.address = str(canaries.folder), canaries.address

    def config(self, change: Callable[[dict[str, Any]], Any]) -> Path:
        config = json.loads(self.members["config.json"])
        change(config)
        return packed(self.path, {**self.members, "config.json": json.dumps(config).encode()})

    def layer(self, class_name: str, name: str, module: str | None = "keras.layers", **options: Any) -> Path:
        """Add a layer."""
        entry = layer(class_name, name, module, **options)
        return self.config(lambda config: config["config"]["layers"].append(entry))

    def weights(self, change: Callable[[h5py.File], Any]) -> Path:
        data = io.BytesIO(self.members["model.weights.h5"])
        with h5py.File(data, "r+") as file:
            change(file)
        return packed(self.path, {**self.members, "model.weights.h5": data.getvalue()})

    def member(self, name: str, data: bytes = SECRET) -> Path:
        return packed(self.path, {**self.members, name: data})


class Opens:
    """Opens a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path, "a")


def link_to(attack: Attack) -> Path:
    path = packed(attack.path, {k: v for k, v in attack.members.items() if k != "metadata.json"})
    with zipfile.ZipFile(path, "a") as file:
        link = zipfile.ZipInfo("metadata.json")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        file.writestr(link, attack.secret)
    return path


def virtual(attack: Attack) -> Path:
    def change(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(shape=(4, 8), dtype="f4")
        layout[:] = h5py.VirtualSource(attack.secret_h5, "x", shape=(4, 8))
        del file["layers/dense/vars/0"]
        file.create_virtual_dataset("layers/dense/vars/0", layout)

    return attack.weights(change)


def linked(attack: Attack, link: Any) -> Path:
    def change(file: h5py.File) -> None:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = link

    return attack.weights(change)


def stored_outside(attack: Attack) -> Path:
    def change(file: h5py.File) -> None:
        del file["layers/dense/vars/1"]
        file.create_dataset("layers/dense/vars/1", (6,), "u1", external=[(attack.secret, 0, 6)])

    return attack.weights(change)


def pickled(attack: Attack) -> Path:
    opens = base64.b64encode(pickle.dumps(Opens(f"{attack.folder}/trace.txt"))).decode()
    entry = layer("TorchModuleWrapper", "torch")
    entry["config"]["module"] = {"class_name": "__torch__", "config": {"value": opens}}
    return attack.config(lambda config: config["config"]["layers"].append(entry))


def function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


ATTACKS: dict[str, tuple[Callable[[Attack], Path], str]] = {
    "a module": (
        lambda a: a.layer("system", "shell", "os", command=f"touch {a.folder}/trace.txt"),
        "'system' from 'os'",
    ),
    "a function of Keras that fetches": (
        lambda a: a.layer(
            "get_file", "fetch", "keras.utils", fname="x", origin=a.address, cache_dir=a.folder
        ),
        "'get_file' from 'keras.utils'",
    ),
    "a function of Keras that turns safety off": (
        lambda a: a.layer("enable_unsafe_deserialization", "off", "keras.config"),
        "'enable_unsafe_deserialization'",
    ),
    "a function by module": (
        lambda a: a.layer("Dense", "d", units=1, activation=function("os", "system")),
        "'system', inside 'd'",
    ),
    "a function of Keras as activation": (
        lambda a: a.layer("Dense", "d", units=1, activation=function("keras.utils", "get_file")),
        "'get_file', inside 'd'",
    ),
    "a lambda in how it was compiled": (
        lambda a: a.config(
            lambda c: c["compile_config"].update(loss={"class_name": "__lambda__", "config": {}})
        ),
        "Python code",
    ),
    "a vocabulary by path": (
        lambda a: a.layer("StringLookup", "words", vocabulary=a.secret),
        "vocabulary of layer 'words' is not a list",
    ),
    "a vocabulary by address": (
        lambda a: a.layer("StringLookup", "words", vocabulary=a.address),
        "vocabulary of layer 'words' is not a list",
    ),
    "a saved model": (lambda a: a.layer("TFSMLayer", "export", filepath=a.folder), "TFSMLayer, 'export'"),
    "a pickle of PyTorch": (pickled, "TorchModuleWrapper layer, 'torch'"),
    "a layer named as a path": (
        lambda a: a.layer("Dense", f"../../../../../..{a.folder}/trace", units=1),
        "unusable name",
    ),
    "a module of a type": (
        lambda a: a.layer("Dense", "d", units={"class_name": "__typespec__", "module": "os", "config": []}),
        "import a module named in the file",
    ),
    "zip-slip": (
        lambda a: a.member(f"assets/../../../../../..{a.folder}/trace.txt"),
        "no part of a Keras model",
    ),
    "an absolute member": (lambda a: a.member(f"{a.folder}/trace.txt"), "no part of a Keras model"),
    "a member that is a link": (link_to, "symbolic link"),
    "an external link": (
        lambda a: linked(a, h5py.ExternalLink(a.secret_h5, "/x")),
        "link to another place or file",
    ),
    "a soft link": (lambda a: linked(a, h5py.SoftLink("/layers/dense_1/vars/0")), "link to another place"),
    "storage outside": (stored_outside, "kept in another file"),
    "a virtual array": (virtual, "kept in another file"),
}


def refused(capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that has to refuse, and return its message: one line, without traceback."""
    capfd.readouterr()
    assert main([str(each) for each in arguments]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1 and "Traceback" not in err
    return err


def assert_untouched(canaries: Canaries) -> None:
    assert canaries.touched() == []
    assert not canaries.changed()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_and_reaches_nothing(
    attack: Attack, canaries: Canaries, name: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    make, words = ATTACKS[name]
    path = make(attack)
    canaries.touched()  # to make the file may have
    message = refused(capfd, "inspect", path)
    assert words in message and "churn.keras: " in message and str(tmp_path) not in message
    assert_untouched(canaries)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("plain.keras", "Lambda layer, 'double'."),
        ("plain.h5", "Lambda layer, 'double'."),
        ("wrapped.keras", "Lambda layer, 'double', inside 'time_distributed'"),
        ("nested.keras", "Lambda layer, 'double', inside 'tower'"),
        ("named.keras", "Lambda layer, 'double'."),
    ],
)
def test_a_lambda_is_refused_and_does_not_run(
    lambdas: Path, canaries: Canaries, capfd: pytest.CaptureFixture[str], file: str, words: str
) -> None:
    assert words in refused(capfd, "inspect", lambdas / file)
    assert_untouched(canaries)


@pytest.mark.parametrize("name", ["plain.h5", "a module", "an external link"])
def test_neither_does_it_when_models_are_compared(
    lambdas: Path,
    attack: Attack,
    canaries: Canaries,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    path = lambdas / name if name in ("plain.h5",) else ATTACKS[name][0](attack)
    pd.DataFrame({"a": [1.0, 2.0] * 50, "y": [0, 1] * 50}).to_csv(tmp_path / "new.csv", index=False)
    canaries.touched()
    refused(
        capfd,
        "compare",
        "--model",
        path,
        "--new",
        tmp_path / "new.csv",
        "--label",
        "y",
        "--out",
        tmp_path / "o",
    )
    assert_untouched(canaries)


def test_the_canaries_notice(
    lambdas: Path, canaries: Canaries, canary_folder: Path, keras_script: Callable[..., str]
) -> None:
    """The other tests would fail if a file were opened, written or the port reached: here all of it happens."""
    assert canaries.touched() == []
    keras_script(LOAD, lambdas / "plain.keras")
    assert "trace.txt" in canaries.touched()
    (canary_folder / "secret.txt").read_bytes()
    assert canaries.touched() == ["secret.txt"]
    host, port = canaries.address.removeprefix("http://").split("/")[0].split(":")
    socket.create_connection((host, int(port))).close()
    assert canaries.touched() == ["the listener"]
    (canary_folder / "new.txt").write_bytes(b"")
    assert canaries.changed()
    (canary_folder / "new.txt").unlink()
