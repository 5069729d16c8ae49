"""A model that attacks as soon as it is called, with the static check and Keras' safe mode left out on purpose."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from retrain_core.runs.launchers.local import _environment
from retrain_core.runs.launchers.warm import WarmServer
from tests.conftest import ROOT
from tests.sandbox.hostile import BUILD
from tests.sandbox.world import World, made_world

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no sandbox to test")
MODULE = "tests.sandbox.hostile"


@pytest.fixture
def world(tmp_path: Path, keras_script, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose room is a run folder, with the hostile model as a link among its inputs."""
    monkeypatch.setenv("CANARY_SECRET", "of the server")
    with made_world(tmp_path) as made:
        room = Path(made.around.room)
        model = tmp_path / "upload.keras"
        keras_script(BUILD.replace("AROUND", repr(asdict(made.around) | {"input": str(model)})), model)
        Path(made.around.room, "found.json").unlink(missing_ok=True)  # building the model calls it too
        for name in Path(made.around.outside).iterdir():
            name.unlink()
        Path(made.around.canary).write_text("canary")
        Path(made.around.spare).write_text("spare")
        (room / "link").unlink(missing_ok=True)
        (room / "inputs").mkdir()
        (room / "inputs" / "model.keras").symlink_to(model)
        made.seen()  # what was heard while it was built
        made.before = made.seen()
        yield made


def found(world: World) -> dict[str, str]:
    assert (Path(world.around.room) / "result.json").is_file(), (
        Path(world.around.room) / "worker.log"
    ).read_text()
    return json.loads((Path(world.around.room) / "found.json").read_text())


def test_it_does_all_that_it_wants_where_nothing_holds_it(world: World) -> None:
    code = "import sys; from pathlib import Path; from tests.sandbox.hostile import run; run(Path(sys.argv[1]), 'cpu', 1)"
    subprocess.run([sys.executable, "-c", code, world.around.room], cwd=ROOT, check=True, capture_output=True)
    said = found(world)
    assert said.pop("secret") == "of the server"
    assert set(said.values()) == {"done"} and not world.untouched()


def test_it_gets_nowhere_in_a_warm_worker(world: World) -> None:
    room = Path(world.around.room)
    server = WarmServer(MODULE, _environment("cpu") | {"PYTHONPATH": str(ROOT)})
    with contextlib.closing(server):
        server.start(room, "cpu", 1)
        deadline = time.monotonic() + 120
        while not (ended := server.ended()[0]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert ended == [(room, 0)]
    got_nowhere(world)


def test_it_gets_nowhere_in_a_fresh_worker(world: World) -> None:
    room = world.around.room
    shutil.copy(ROOT / "tests" / "sandbox" / "hostile.py", room)  # it is imported behind the walls
    command = [sys.executable, "-m", "retrain_core.workers.locked", "hostile", room, "cpu", "1"]
    environment = _environment("cpu") | {"PYTHONPATH": f"{ROOT}{os.pathsep}{room}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    got_nowhere(world)


def got_nowhere(world: World) -> None:
    said = found(world)
    assert said.pop("secret") == ""  # workers see no more of the environment than they need
    assert "done" not in said.values(), said
    assert world.untouched()
    assert not (Path(world.around.room) / "link").is_symlink()
    assert json.loads((Path(world.around.room) / "result.json").read_text())["error"] == "full"
