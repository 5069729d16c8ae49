"""A worker that loads whatever model lies in its run folder, with Keras' own protection switched off."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from retrain_core.files import write_atomic
from retrain_core.types import Locked, RunResult, to_json

# The code of a Lambda layer: every line of it is tried, and what came of it is written into the run folder.
BUILD = """
import sys
import keras

def payload(x):
    around = AROUND
    import json, os, signal, socket, subprocess, pathlib
    def link():
        os.symlink(around["canary"], around["room"] + "/link")
    def udp():
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", around["udp"]))
    def unix():
        socket.socket(socket.AF_UNIX).connect(around["unix"])
    def fork():
        if os.fork() == 0:
            os._exit(0)
        os.wait()
    tries = {
        "read": lambda: open(around["canary"]).read(),
        "write": lambda: open(around["outside"] + "/written", "w").close(),
        "empty": lambda: os.truncate(around["spare"], 0),
        "input": lambda: open(around["input"], "r+b").close(),
        "remove": lambda: os.unlink(around["canary"]),
        "tcp": lambda: socket.create_connection(("127.0.0.1", around["tcp"]), 5).close(),
        "udp": udp,
        "unix": unix,
        "program": lambda: subprocess.run(["/bin/sh", "-c", "touch " + around["outside"] + "/executed"], check=True),
        "fork": fork,
        "signal": lambda: os.kill(around["victim"], signal.SIGUSR1),
        "parent": lambda: os.kill(os.getppid(), 0),
        "link": link,
        "environment": lambda: open("/proc/%d/environ" % os.getppid()).read(),
    }
    found = {}
    for name, attempt in tries.items():
        try:
            attempt()
            found[name] = "done"
        except BaseException as error:
            found[name] = type(error).__name__
    found["secret"] = os.environ.get("CANARY_SECRET", "")
    with open(around["room"] + "/found.json", "w") as file:
        json.dump(found, file)
    return x

payload.__name__ = "<lambda>"  # so Keras writes its code into the file
model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(payload, output_shape=(2,)), keras.layers.Dense(1)])
model.save(sys.argv[1])
"""


def run(folder: Path, device: str, threads: int, locked: Locked | None = None) -> RunResult:
    """Load the model, call it, and train and save another one beside it."""
    model = keras.models.load_model(folder / "inputs" / "model.keras", safe_mode=False)
    model.predict(np.zeros((1, 2)), verbose=0)
    result = RunResult("finished", error=locked.level if locked else None)
    write_atomic(folder / "result.json", to_json(result))
    return result
