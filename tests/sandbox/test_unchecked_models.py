"""Every attacking model file, unchecked and not rebuilt, where a worker loads its model: the sandbox alone holds it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import h5py
import numpy as np
import pytest

from retrain_core.runs.launchers.local import _environment
from tests.conftest import ROOT
from tests.models.canaries import Canaries
from tests.models.test_attacks import ATTACKS, LAMBDAS, Attack, function
from tests.models.test_refused_configs import layer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify watches the canaries")
# A plain model, all kinds of Lambda for each folder of canaries, and graphs of TensorFlow's own operations.
MAKE = """
import sys
import keras
import tensorflow as tf

lambdas, folder, *canaries = sys.argv[1:]
for canary in canaries:
    sys.argv[1:] = [canary, canary]
    exec(lambdas, {})
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.save(f"{folder}/uploads/model.keras")

class Copy(tf.Module):
    def __init__(self, source, target):
        self.source, self.target = source, target

    @tf.function(autograph=False, input_signature=[tf.TensorSpec((None, 1))])
    def serve(self, x):
        tf.io.write_file(self.target, tf.io.read_file(self.source))
        return x

room, canaries = f"{folder}/room", f"{folder}/canaries"
tf.saved_model.save(Copy(f"{canaries}/a graph that reads/secret.txt", f"{room}/stolen"), f"{room}/reads")
tf.saved_model.save(Copy(f"{room}/writes/saved_model.pb", f"{canaries}/a graph that writes/trace.txt"), f"{room}/writes")
"""
LAMBDA_FILES = {
    "a Lambda": "plain.keras",
    "a Lambda in HDF5": "plain.h5",
    "a Lambda inside a layer": "wrapped.keras",
    "a Lambda inside a model": "nested.keras",
    "a Lambda of a function of Keras": "named.keras",
}
OWN = ("secret.txt", "secret.h5", "saved_model.pb")  # in each folder of canaries


def called(attack: Attack, entry: dict[str, Any], given: str, **arguments: str) -> Path:
    """Make a network that calls a function with something from the file as it is built."""
    step = layer("Lambda", "step", function=entry, arguments=arguments)
    step |= {"name": "step", "inbound_nodes": [{"args": [], "kwargs": {"inputs": given}}]}
    row = layer("InputLayer", "row", batch_shape=[None, 1], dtype="float32")
    row |= {"name": "row", "inbound_nodes": []}
    ends = {"input_layers": [["row", 0, 0]], "output_layers": [["row", 0, 0]]}
    network = layer("Functional", "network", "keras.src.models.functional", layers=[row, step], **ends)
    return attack.config(lambda config: (config.clear(), config.update(network)))


# What it takes somebody who knows that nothing is checked.
BOLDER: dict[str, Callable[[Attack], Path]] = {
    "a download": lambda a: called(
        a, function("keras.utils", "get_file"), "fetched", origin=a.address, cache_dir=a.folder
    ),
    "a program": lambda a: called(a, function("os", "system"), f"touch '{a.folder}/trace.txt'"),
    "a graph that reads": lambda a: a.layer("TFSMLayer", "graph", filepath=f"{a.folder}/../../room/reads"),
    "a graph that writes": lambda a: a.layer("TFSMLayer", "graph", filepath=f"{a.folder}/../../room/writes"),
}
MAKERS = {name: make for name, (make, _) in ATTACKS.items()} | BOLDER
NAMES = {*MAKERS, *LAMBDA_FILES}
# What each that still works reaches, where nothing holds it: with Keras 3.15.1 as it is, ...
STILL_WORK = {
    "a vocabulary by path": ["secret.txt"],
    "a saved model": ["saved_model.pb"],
    "a graph that reads": ["secret.txt"],
    "a graph that writes": ["trace.txt"],
    "a Lambda": ["trace.txt"],
    "a Lambda in HDF5": ["trace.txt"],
    "a Lambda inside a layer": ["trace.txt"],
    "a Lambda inside a model": ["trace.txt"],
}
# ... and without its own guards. The others aim at versions that differ in more, or at PyTorch, which is not there.
BARE = STILL_WORK | {
    "an external link": ["secret.h5"],
    "storage outside": ["secret.txt"],
    "a virtual array": ["secret.h5"],
    "a download": ["datasets", "the listener"],
    "a program": ["trace.txt"],
}
WORK = {"as it is": STILL_WORK, "bare": BARE}
SILENT = {
    "a virtual array",
    "a program",
}  # HDF5 takes zeros for what it cannot open; a program tells by a number


@dataclass
class Cases:
    """Files among the inputs of a worker's room, and by their names the canaries of each."""

    room: Path
    canaries: dict[str, Canaries]
    token: bytes  # what the canaries keep secret

    def touched(self) -> dict[str, list[str]]:
        """Return what each file has touched since the last call, if anything."""
        seen = {name: sorted(set(canaries.touched())) for name, canaries in self.canaries.items()}
        return {name: what for name, what in seen.items() if what}

    def leaks(self) -> set[str]:
        """Return the files in the room that give the secret away."""
        files = [path for path in self.room.rglob("*") if path.is_file()]
        return {path.name for path in files if self.token in path.read_bytes()}

    def said(self) -> dict[str, dict[str, str]]:
        """Return what stopped each file, by round."""
        said = json.loads((self.room / "said.json").read_text())
        assert all(set(each) == NAMES for each in said.values())
        return said


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, keras_script: Callable[..., str]) -> Iterator[Cases]:
    folder, token = tmp_path_factory.mktemp("unchecked"), token_hex().encode()
    (uploads := folder / "uploads").mkdir()
    (inputs := folder / "room" / "inputs").mkdir(parents=True)
    folders = {name: folder / "canaries" / name for name in NAMES}
    for canary in folders.values():
        canary.mkdir(parents=True)
        (canary / "secret.txt").write_bytes(token)
        (canary / "saved_model.pb").write_bytes(token)
        with h5py.File(canary / "secret.h5", "w") as file:
            file["x"] = np.ones((4, 8), "f4")
    keras_script(MAKE, LAMBDAS, folder, *(folders[name] for name in LAMBDA_FILES))
    for name, file in LAMBDA_FILES.items():
        (folders[name] / file).rename(uploads / f"{name}{Path(file).suffix}")
    tidy(folders.values())  # to build a Lambda calls it too
    cases = Cases(folder / "room", {name: Canaries(canary) for name, canary in folders.items()}, token)
    with zipfile.ZipFile(uploads / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (uploads / "model.keras").unlink()
    for name, make in MAKERS.items():
        make(Attack(members, cases.canaries[name], uploads / f"{name}.keras"))
    for path in uploads.iterdir():
        (inputs / path.name).symlink_to(path)
    yield cases
    for canaries in cases.canaries.values():
        canaries.close()


@pytest.fixture
def cases(made: Cases) -> Cases:
    """The same files, and nothing that an earlier test has left."""
    tidy([made.room, *(canaries.folder for canaries in made.canaries.values())])
    made.touched()
    return made


def tidy(folders: Iterable[Path]) -> None:
    for path in (path for folder in folders for path in folder.iterdir()):
        if path.is_file() and path.name not in OWN:
            path.unlink()


def test_the_sandbox_alone_holds_them_all(cases: Cases) -> None:
    room = str(cases.room)
    shutil.copy(ROOT / "tests" / "sandbox" / "unchecked.py", room)  # it is imported behind the walls
    command = [sys.executable, "-m", "retrain_core.workers.locked", "unchecked", room, "cpu", "1"]
    environment = _environment("cpu") | {"PYTHONPATH": f"{ROOT}{os.pathsep}{room}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert cases.touched() == {}
    assert cases.leaks() == set()
    assert {name for name, canaries in cases.canaries.items() if canaries.changed()} == set()
    assert json.loads((cases.room / "result.json").read_text())["error"] == "full"
    for round_, said in cases.said().items():  # they were stopped, so they did try
        assert {name for name in WORK[round_] if not said[name]} <= SILENT, said


@pytest.mark.parametrize("round_", WORK)
def test_where_nothing_holds_them_these_still_work(cases: Cases, round_: str) -> None:
    code = "import sys; from pathlib import Path; from tests.sandbox.unchecked import run; "
    code += "run(Path(sys.argv[1]), 'cpu', 1, rounds=sys.argv[2:])"
    command = [sys.executable, "-c", code, str(cases.room), round_]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert cases.touched() == WORK[round_], cases.said()
    assert cases.leaks() == {"stolen", "again a vocabulary by path.keras"}
