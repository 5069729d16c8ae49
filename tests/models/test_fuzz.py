"""Model files with changed bytes: read, or refused with an error of ours, in bounded time and memory."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from retrain_core.errors import InputError
from retrain_core.models import checked_card
from tests.conftest import ROOT
from tests.models.mutate_models import mutated

FILES = (
    *("sequential.keras", "functional.keras", "recurrent.keras", "text.keras", "brain_float.keras"),
    *("nested.keras", "sequential.h5", "recurrent.h5", "nested.h5"),
)
CHANGES = 300


@pytest.mark.skipif(sys.platform == "win32", reason="each file is read in a fork")
def test_changed_files_meet_with_our_errors_alone(saved: Path, tmp_path: Path) -> None:
    script = Path(__file__).with_name("mutate_models.py")
    files = [str(saved / file) for file in FILES]
    done = subprocess.run(
        [sys.executable, script, tmp_path, str(CHANGES), "0", *files],
        capture_output=True,
        text=True,
        timeout=280,
        env={"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["slowest"] < 30  # on a busy machine; a hundredth of it on a quiet one
    assert found["largest_kb"] < 500_000
    assert 0.05 * CHANGES < found["read"] < 0.5 * CHANGES  # changes neither all seen nor all without effect


@pytest.mark.parametrize("number", range(8))
def test_so_does_the_process_that_reads_them(saved: Path, tmp_path: Path, number: int) -> None:
    file = FILES[number]
    path = tmp_path / file
    path.write_bytes(mutated((saved / file).read_bytes(), random.Random(number)))
    try:
        assert checked_card(path, rebuild_in=tmp_path).layers
    except InputError as error:
        assert error.what.startswith(f"{file}: ") and error.why and error.next_step
