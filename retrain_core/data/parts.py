"""Datasets on disk: plain ``.npy`` files, mapped rather than read, never pickled; and held-out rows as they came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from retrain_core.data.values import text_of
from retrain_core.types import Dataset, Part, ScoredSide, Table, Task, from_json, to_json

COLUMNS = "columns.parquet"
GROUPS = "groups.npy"
SCORED_PARTS: Mapping[ScoredSide, Part] = {
    "new": "new_holdout",
    "old": "old_holdout",
    "validation": "new_validation",
    "trained": "old_train",
}
PART_NAMES: Mapping[ScoredSide, str] = {
    "new": "new part of the holdout",
    "old": "old part of the holdout",
    "validation": "new rows that tell when to stop",
    "trained": "old rows that are trained on",
}
MOST_SCORED = 5_000  # of the rows beside the holdout: a sample says enough


@dataclass(frozen=True)
class _Index:
    task: Task
    inputs: tuple[str, ...]
    names: tuple[str, ...]
    fingerprint: str


def save_dataset(folder: Path, data: Dataset, rows: np.ndarray | None = None) -> None:
    """Write the chosen ``rows`` of ``data`` (all by default) into ``folder``, which is made in a folder that is there."""
    folder.mkdir(exist_ok=True)
    chosen = slice(None) if rows is None else rows
    for number, values in enumerate(data.inputs.values()):
        np.save(folder / f"input_{number}.npy", values[chosen], allow_pickle=False)
    np.save(folder / "targets.npy", data.targets[chosen], allow_pickle=False)
    index = _Index(data.task, tuple(data.inputs), data.names, data.fingerprint)
    (folder / "dataset.json").write_bytes(to_json(index))


def load_dataset(folder: Path) -> Dataset:
    """Return the dataset in ``folder``; its arrays are mapped from disk."""
    index = from_json((folder / "dataset.json").read_bytes(), _Index)
    inputs = {
        name: np.load(folder / f"input_{number}.npy", mmap_mode="r", allow_pickle=False)
        for number, name in enumerate(index.inputs)
    }
    targets = np.load(folder / "targets.npy", mmap_mode="r", allow_pickle=False)
    return Dataset(inputs, targets, index.task, index.names, index.fingerprint)


def load_parts(folder: Path) -> Mapping[str, Dataset]:
    """Return every part under ``folder`` by its name."""
    return {
        path.name: load_dataset(path)
        for path in sorted(folder.iterdir())
        if (path / "dataset.json").is_file()
    }


def save_columns(folder: Path, table: Table, rows: NDArray[np.intp]) -> None:
    """Write all columns of the chosen rows as they came, those that Parquet cannot hold as text; arrays are left out."""
    columns = {str(name): _storable(table.columns[name].iloc[rows]) for name in table.columns}
    pd.DataFrame(columns).to_parquet(folder / COLUMNS, index=False)


def load_columns(folder: Path) -> pd.DataFrame:
    """Return the columns of a held-out part as they came."""
    return pd.read_parquet(folder / COLUMNS)


def looked_at(side: ScoredSide, data: Dataset) -> Dataset:
    """Return the rows of a part that candidates are scored on: all of the holdout, else a sample in even steps."""
    if side in ("new", "old") or data.rows <= MOST_SCORED:
        return data
    rows = sample_of(data.rows)
    inputs = {name: values[rows] for name, values in data.inputs.items()}
    return Dataset(inputs, data.targets[rows], data.task, data.names, data.fingerprint)


def sample_of(rows: int) -> NDArray[np.intp]:
    """Return which of so many rows are looked at beside the holdout."""
    return np.linspace(0, rows - 1, min(rows, MOST_SCORED)).astype(np.intp)


def load_groups(folder: Path) -> NDArray[np.intp] | None:
    """Return whose each row of a part is, numbered from 0; ``None`` if no column of ids was named."""
    path = folder / GROUPS
    return np.load(path, allow_pickle=False) if path.is_file() else None


def _storable(column: pd.Series) -> pd.Series:
    column = column.reset_index(drop=True)
    try:
        pa.array(column, from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError):
        return pd.Series(text_of(column), dtype=object).where(column.notna())
    return column
