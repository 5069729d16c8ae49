"""The one split: made before anything trains, the same for every strategy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain_core.data.encode import row_keys
from retrain_core.errors import DataError
from retrain_core.types import Dataset, Holdout, Part, Schema, SplitSummary

HOLDOUT_SHARE = 0.2
VALIDATION_SHARE = 0.15  # of the new rows; for early stopping, never for scores
LEAST_NEW_ROWS = 20
LEAST_GROUPS = 20  # with fewer distinct rows than this, copies cannot be kept together

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Row numbers of each part; in the order of arrival, so that ``incremental`` can follow it."""

    parts: Mapping[Part, Rows]
    summary: SplitSummary


def split(
    schema: Schema, new: Dataset, old: Dataset | None, holdout: Dataset | None = None, *, seed: int = 0
) -> Split:
    """Split new and old rows into train, validation and holdout.

    Rows with equal inputs, on either side, go to the same part, and classes keep their shares. With a
    ``holdout`` of the user's own, it is the new part: its rows are all held out, and copies of them are
    taken out of the training rows.

    Args:
        schema: Names the classes.
        new: Rows seen now.
        old: Rows the old model was trained on.
        holdout: The user's own held-out rows.
        seed: Same seed, same split.

    Raises:
        DataError: If there are too few rows to train, validate and hold out.
    """
    if new.rows < LEAST_NEW_ROWS:
        raise DataError(
            f"The new data has {new.rows} usable rows.",
            f"At least {LEAST_NEW_ROWS} are needed to train, validate and hold out.",
            "Wait for more rows, or add a file.",
        )
    rng = np.random.default_rng(seed)
    notes: list[str] = []
    new_keys = row_keys(new.inputs)
    old_keys = row_keys(old.inputs) if old else np.empty(0, np.uint64)
    held_keys = row_keys(holdout.inputs) if holdout else np.empty(0, np.uint64)
    if len(np.unique(new_keys)) < LEAST_GROUPS:
        notes.append("The new rows are so alike that copies of one row stand in more than one part.")
        new_keys, old_keys = (
            np.arange(new.rows, dtype=np.uint64),
            np.arange(len(old_keys), dtype=np.uint64) + np.uint64(new.rows),
        )

    new_part = _assign(new_keys, _strata(new), 0.0 if holdout else HOLDOUT_SHARE, VALIDATION_SHARE, rng)
    if holdout:
        copies = np.isin(new_keys, held_keys)
        new_part[copies] = DROPPED
        if copies.any():
            notes.append(f"{copies.sum():,} new rows are copies of holdout rows and are not trained on.")
    parts: dict[Part, Rows] = {
        "new_train": np.flatnonzero(new_part == TRAIN),
        "new_validation": np.flatnonzero(new_part == VALIDATION),
        "new_holdout": np.arange(holdout.rows) if holdout else np.flatnonzero(new_part == HOLDOUT),
    }
    if old:
        old_part = _assign(old_keys, _strata(old), HOLDOUT_SHARE, 0.0, rng)
        _follow(old_part, old_keys, new_keys, new_part)
        old_part[np.isin(old_keys, held_keys)] = DROPPED
        left_out = int((old_part == DROPPED).sum())
        if left_out:
            notes.append(f"{left_out:,} old rows are copies of held-back new rows and are not trained on.")
        parts |= {
            "old_train": np.flatnonzero(old_part == TRAIN),
            "old_holdout": np.flatnonzero(old_part == HOLDOUT),
        }
    repeated = new.rows - len(np.unique(new_keys))
    if repeated:
        notes.append(f"{repeated:,} new rows have the same inputs as another; such rows stay in one part.")
    for name, rows in parts.items():
        if not len(rows):
            raise DataError(
                f"No row is left for the part '{name.replace('_', ' ')}'.",
                "There are too few distinct rows, or all are copies of holdout rows.",
                "Add rows, or leave the holdout file out.",
            )
    return Split(parts, _summary(schema, new, old, holdout, parts, notes))


TRAIN, VALIDATION, HOLDOUT, DROPPED = range(4)


def _strata(data: Dataset) -> NDArray[np.int64]:
    """Return the stratum of each row: its class, or the fifth of the targets it lies in."""
    if data.task != "regression":
        return data.targets.astype(np.int64)
    return np.searchsorted(np.quantile(data.targets, [0.2, 0.4, 0.6, 0.8]), data.targets).astype(np.int64)


def _assign(
    keys: NDArray[np.uint64],
    strata: NDArray[np.int64],
    held: float,
    validation: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return TRAIN, VALIDATION or HOLDOUT for each row, equal for equal keys, in the same shares in every stratum."""
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    part = np.full(len(first), TRAIN)
    for stratum in np.unique(strata[first]):
        members = rng.permutation(np.flatnonzero(strata[first] == stratum))
        ends = np.round(np.array([held, held + validation]) * len(members)).astype(int)
        part[members[: ends[0]]] = HOLDOUT
        part[members[ends[0] : ends[1]]] = VALIDATION
    return part[group]


def _follow(
    old_part: NDArray[np.int64],
    old_keys: NDArray[np.uint64],
    new_keys: NDArray[np.uint64],
    new_part: NDArray[np.int64],
) -> None:
    """Keep copies across the two sides apart from what is trained on: the new side decides."""
    held = np.isin(old_keys, new_keys[new_part != TRAIN])
    old_part[held & (old_part == TRAIN)] = DROPPED
    trained = np.isin(old_keys, new_keys[new_part == TRAIN])
    old_part[trained & (old_part == HOLDOUT)] = TRAIN


def _summary(
    schema: Schema,
    new: Dataset,
    old: Dataset | None,
    holdout: Dataset | None,
    parts: Mapping[Part, Rows],
    notes: list[str],
) -> SplitSummary:
    digest = hashlib.sha256()
    held_new = holdout or new
    for data, name in ((held_new, "new_holdout"), (old, "old_holdout")):
        if data is not None:
            rows = parts[name]  # type: ignore[index]
            for values in [*data.inputs.values(), data.targets]:
                digest.update(np.ascontiguousarray(values[rows]).tobytes())
    counts: dict[str, int] = {}
    if schema.task != "regression":
        numbers = np.bincount(held_new.targets[parts["new_holdout"]], minlength=len(schema.classes))
        counts = {label: int(n) for label, n in zip(schema.classes, numbers, strict=False)}
    sizes = {name: len(rows) for name, rows in parts.items()}
    return SplitSummary(
        rows=sizes,
        holdout=Holdout(digest.hexdigest(), sizes["new_holdout"], sizes.get("old_holdout", 0)),
        notes=tuple(notes),
        new_classes=counts,
    )
