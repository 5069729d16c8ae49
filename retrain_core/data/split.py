"""The one split: made before anything trains, the same for every strategy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain_core.data.encode import row_keys
from retrain_core.data.targets import label_counts
from retrain_core.errors import DataError
from retrain_core.types import Dataset, Holdout, Part, Schema, SplitSummary

HOLDOUT_SHARE = 0.2
VALIDATION_SHARE = 0.15  # of the new rows; for early stopping, never for scores
LEAST_NEW_ROWS = 20
LEAST_GROUPS = 20  # with fewer distinct rows than this, copies cannot be kept together
LEAST_IN_STRATUM = 5  # smaller classes are split as one: a fifth of each would be no row

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

    Rows with equal inputs, on either side, go to the same part, and labels keep their shares. With a
    ``holdout`` of the user's own, it is the new part: its rows are all held out, and copies of them are
    left out everywhere else. Fewer than ``LEAST_GROUPS`` distinct new rows are split row by row, and a note
    says so; copies of the user's holdout are left out even then.

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
    free = np.flatnonzero(~np.isin(new_keys, held_keys))
    if len(free) < new.rows:
        notes.append(f"{new.rows - len(free):,} new rows are copies of holdout rows and are not trained on.")
    repeated = len(free) - len(np.unique(new_keys[free]))
    alike = len(free) - repeated < LEAST_GROUPS
    if alike:
        notes.append("The new rows are so alike that copies of one row stand in more than one part.")
    elif repeated:
        notes.append(f"{repeated:,} new rows have the same inputs as another; such rows stay in one part.")

    new_part = np.full(new.rows, DROPPED)
    groups = np.arange(len(free), dtype=np.uint64) if alike else new_keys[free]
    held_share = 0.0 if holdout else HOLDOUT_SHARE
    new_part[free] = _assign(groups, _strata(new)[free], held_share, VALIDATION_SHARE, rng)
    parts: dict[Part, Rows] = {
        "new_train": np.flatnonzero(new_part == TRAIN),
        "new_validation": np.flatnonzero(new_part == VALIDATION),
        "new_holdout": np.arange(holdout.rows) if holdout else np.flatnonzero(new_part == HOLDOUT),
    }
    if old:
        apart = bool(holdout) or not alike
        old_groups = old_keys if apart else np.arange(old.rows, dtype=np.uint64)
        old_part = _assign(old_groups, _strata(old), HOLDOUT_SHARE, 0.0, rng)
        if apart:
            _follow(old_part, old_keys, new_keys, new_part)
            old_part[np.isin(old_keys, held_keys)] = DROPPED
        left_out = int((old_part == DROPPED).sum())
        if left_out:
            notes.append(
                f"{left_out:,} old rows are left out: they are copies of new rows kept for early stopping"
                f"{' or of holdout rows' if holdout else ''}."
            )
        parts |= {
            "old_train": np.flatnonzero(old_part == TRAIN),
            "old_holdout": np.flatnonzero(old_part == HOLDOUT),
        }
    for name, rows in parts.items():
        if not len(rows):
            raise DataError(
                f"No row is left for the part '{name.replace('_', ' ')}'.",
                "There are too few distinct rows, or all are copies of rows in other parts.",
                f"Add rows{', or leave the holdout file out' if holdout else ''}.",
            )
    return Split(parts, _summary(schema, new, old, holdout, parts, notes))


TRAIN, VALIDATION, HOLDOUT, DROPPED = range(4)


def _strata(data: Dataset) -> NDArray[np.int64]:
    """Return the stratum of each row: its class, its labels together, or the fifth that its number lies in."""
    if data.task == "multilabel":
        return _combinations(np.asarray(data.targets))
    if data.task != "regression":
        return data.targets.astype(np.int64)
    values = np.asarray(data.targets)
    if values.ndim > 1:  # several numbers: the mean of them all, each on its own scale
        spread = values.std(axis=0)
        values = ((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)).mean(axis=1)
    return np.searchsorted(np.quantile(values, [0.2, 0.4, 0.6, 0.8]), values).astype(np.int64)


def _combinations(labels: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the same number for rows with the same labels; rare combinations go by their rarest label.

    With many labels most combinations are rare, and a label that few rows have must not miss a part by chance.

    Source: Sechidis, Tsoumakas and Vlahavas (2011), ECML PKDD (what labels ask of a split).
    """
    _, combination, sizes = np.unique(labels, axis=0, return_inverse=True, return_counts=True)
    frequency = np.where(labels == 1, labels.sum(axis=0, dtype=np.int64), len(labels) + 1)
    rarest = len(sizes) + frequency.argmin(axis=1)
    return np.where(sizes[combination] < LEAST_IN_STRATUM, rarest, combination).astype(np.int64)


def _assign(
    keys: NDArray[np.uint64],
    strata: NDArray[np.int64],
    held: float,
    validation: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return TRAIN, VALIDATION or HOLDOUT for each row, equal for equal keys, in the same shares in every stratum.

    Strata too small to share out are taken together.
    """
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    part = np.full(len(first), TRAIN)
    _, stratum_of, sizes = np.unique(strata[first], return_inverse=True, return_counts=True)
    stratum_of[sizes[stratum_of] < LEAST_IN_STRATUM] = -1
    for stratum in np.unique(stratum_of):
        members = rng.permutation(np.flatnonzero(stratum_of == stratum))
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
    """Put copies across the two sides in the same part; the new side decides.

    A copy of a new validation row is left out: trained on, it would hide overfitting from early stopping; held
    out, early stopping would have seen it.
    """
    for part, becomes in ((HOLDOUT, HOLDOUT), (VALIDATION, DROPPED), (TRAIN, TRAIN)):
        old_part[np.isin(old_keys, new_keys[new_part == part])] = becomes


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
        held = np.asarray(held_new.targets[parts["new_holdout"]])
        numbers = label_counts(held, len(schema.classes))
        counts = {label: int(n) for label, n in zip(schema.classes, numbers, strict=True)}
    sizes = {name: len(rows) for name, rows in parts.items()}
    return SplitSummary(
        rows=sizes,
        holdout=Holdout(digest.hexdigest(), sizes["new_holdout"], sizes.get("old_holdout", 0)),
        notes=tuple(notes),
        held_labels=counts,
    )
