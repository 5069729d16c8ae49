"""What is loaded when: the interface comes up in seconds because it never imports TensorFlow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

CORE = """
import importlib, pkgutil, sys
import retrain_core
for module in pkgutil.walk_packages(retrain_core.__path__, "retrain_core."):
    if not module.name.startswith("retrain_core.training") and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
import retrain_core.__main__
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""

PAGES = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=60).run()
assert not app.exception, app.exception
for page in ("start", "data", "shift", "diagnosis", "train", "compare", "report"):
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, app.exception
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""
HEAVY = {"tensorflow", "keras", "sklearn"}


def modules_after(code: str, **environment: str) -> set[str]:
    import os

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return set(done.stdout.splitlines()[-1].split())


def test_the_core_loads_neither_tensorflow_nor_streamlit() -> None:
    loaded = modules_after(CORE)
    assert {"retrain_core", "pandas", "plotly"} <= loaded
    assert not loaded & {*HEAVY, "streamlit"}


def test_no_page_loads_tensorflow(tmp_path: Path) -> None:
    loaded = modules_after(PAGES, RETRAIN_STORE=str(tmp_path / "store"))
    assert {"streamlit", "retrain_core"} <= loaded
    assert not loaded & {*HEAVY, "h5py"}  # model files are read in a process of their own
