"""Files that nobody should upload, one of each family, and the good ones beside them."""

from __future__ import annotations

import base64
import marshal
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from tests.cli.test_bad_arrays import FULL, npz, zipped
from tests.make import mlp, table
from tests.models.canaries import SECRET, Canaries
from tests.models.test_attacks import ATTACKS, Attack
from tests.models.test_corpus import REFUSED, Corpus

LABEL = "answer"  # stands before another column, so nobody guesses it
LAMBDA = "bytecode in a Lambda"
MODELS = (
    "truncated", "no weights", "weights of another shape", "PyTorch",
    LAMBDA, "a vocabulary by path", "zip-slip", "an external link",
)  # fmt: skip


class BadModels:
    """Makes models that are broken or attack, out of a good one.

    Args:
        folder: Where they are made.
        canaries: What they would open, write or reach.
    """

    def __init__(self, folder: Path, canaries: Canaries) -> None:
        path = mlp(folder / "sequential.keras", table(600, 1))
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        self.good = path.read_bytes()
        self.canaries = canaries
        self._corpus = Corpus(folder, members, folder / "broken.keras")
        self._attack = Attack(members, canaries, folder / "attack.keras")

    def make(self, name: str) -> tuple[bytes, str]:
        """Return a file, and what tells the cause."""
        if name == LAMBDA:
            return self._bytecode().read_bytes(), "Lambda layer, 'double'"
        if name in ATTACKS:
            attack, says = ATTACKS[name]
            return attack(self._attack).read_bytes(), says
        broken, says = REFUSED[name]
        says = says.replace("dense_1", "second")  # as this model calls its layer
        return broken(self._corpus).read_bytes(), says

    def _bytecode(self) -> Path:
        trace = f"{self.canaries.folder}/trace.txt"
        code = eval(f"lambda x: open({trace!r}, 'a')").__code__
        value = [base64.b64encode(marshal.dumps(code)).decode(), None, None]
        function = {"class_name": "__lambda__", "config": {"value": value}}
        return self._attack.layer("Lambda", "double", function=function)


def secrets(folder: Path) -> Path:
    """Make a folder that nobody may look into."""
    folder.mkdir()
    (folder / "secret.txt").write_bytes(SECRET)
    with h5py.File(folder / "secret.h5", "w") as file:
        file["x"] = np.ones((4, 8), "f4")
    return folder


def rows(number: int, seed: int) -> pd.DataFrame:
    """Return two numbers, and between them the label."""
    return table(number, seed).rename(columns={"y": LABEL})[["a", LABEL, "b"]]


def csv(number: int = 60, seed: int = 3, **columns: object) -> bytes:
    """Return such rows as CSV, with columns changed or added."""
    return rows(number, seed).assign(**columns).to_csv(index=False).encode()  # type: ignore[arg-type]


OBJECTS = np.array([{}] * 60, dtype=object)
WIDE = ",".join(f"c{n}" for n in range(20_001)).encode()
# What each is called, what it holds, and what tells the cause.
DATA: dict[str, tuple[str, bytes, str]] = {
    "empty": ("rows.csv", b"", "It has no bytes at all"),
    "header only": ("rows.csv", b"a,answer,b\n", "column names but no examples"),
    "ragged rows": ("rows.csv", csv() + b"1,2\n", "Line 62 has 2 fields, the header has 3"),
    "UTF-16 without a mark": ("rows.csv", csv().decode().encode("utf-16-le"), "UTF-16 without a mark"),
    "marks of two meanings": ("rows.csv", csv(a=[f"{n},500" for n in range(1, 61)]), "can be read in two ways"),
    "objects in an NPZ": ("rows.npz", npz(x=OBJECTS, y=np.zeros(60)), "It holds Python objects, which are not opened"),
    "a cut Parquet": ("rows.parquet", FULL[: len(FULL) // 2], "cut short or damaged"),
    "Excel by another name": ("rows.csv", zipped({"xl/workbook.xml": b""}), "It is an Excel file"),
    "no label": ("rows.csv", rows(60, 3)[["a", "b"]].to_csv(index=False).encode(), "It is needed as the label"),
    "too many columns": ("rows.csv", WIDE + b"\n" + WIDE, "RETRAIN_MOST_COLUMNS allows 20,000"),
}  # fmt: skip
# What each is called, and how it is shown.
NAMES = {
    "a path": ("../../x.csv", "../../x.csv"),
    "300 characters": ("o" * 296 + ".csv", "o" * 59 + "…" + "o" * 16 + ".csv"),
    "right to left": ("\u202evsc.exe.csv", r"\u202evsc.exe.csv"),
}
