"""Which columns or arrays feed which input of the model."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from retrain_core.data.encode import array_for, shape_text
from retrain_core.data.leave_out import LeftOut, leave_out_ids
from retrain_core.data.names import columns_are, listed, numbered
from retrain_core.errors import DataError
from retrain_core.types import Binding, ModelCard, Table, TensorSpec


def find_bindings(
    card: ModelCard,
    new: Table,
    old: Table | None,
    labels: tuple[str, ...],
    columns: Sequence[str] | None = None,
) -> tuple[Binding, ...]:
    """Return which columns feed each input; none if an array does.

    Args:
        card: The old model.
        new: The new data.
        old: The old data; gives the order of columns that are matched by order.
        labels: The label columns.
        columns: The columns of a single flat input, in order, if the user says so.

    Raises:
        DataError: If an input has no columns, or not as many as it takes.
    """
    if len(card.inputs) > 1:
        return _several(card.inputs, new, old, labels)
    (spec,) = card.inputs
    if new.arrays and not _is_flat(spec):
        return (_binding(spec, ()),)
    available = _for_input(spec, new, labels)
    before = _for_input(spec, old, labels) if old else []
    return (_binding(spec, _one_input(spec, new, available, before, columns)),)


def without_ids(card: ModelCard, new: Table, old: Table | None, labels: Sequence[str]) -> LeftOut | None:
    """Return which columns to leave out so that a single flat input has as many as it takes; ``None`` if nothing is likely.

    Args:
        card: The old model.
        new: The new data.
        old: The old data, if there is any.
        labels: The label columns.
    """
    (spec, *others) = card.inputs
    size = _size(spec)
    if others or not _is_flat(spec) or size is None:
        return None
    before = _for_input(spec, old, labels) if old else []
    return leave_out_ids(new, _for_input(spec, new, labels), before, size)


def beside(labels: Sequence[str], table: Table) -> list[str]:
    """Return the columns that are no label."""
    return [str(name) for name in table.columns.columns if str(name) not in labels]


def _binding(spec: TensorSpec, columns: tuple[str, ...]) -> Binding:
    return Binding(input=spec.name, columns=columns, dtype=spec.dtype, shape=spec.shape)


def _is_flat(spec: TensorSpec) -> bool:
    """Whether an example is one row of values, of which further axes of size 1 make nothing else."""
    return sum(size != 1 for size in spec.shape) <= 1


def _size(spec: TensorSpec) -> int | None:
    """Return how many values a flat input takes; ``None`` if that is open."""
    return next((size for size in spec.shape if size != 1), 1)


def _for_input(spec: TensorSpec, table: Table, labels: Sequence[str]) -> list[str]:
    """Return the columns that may feed a single input: of an NPZ file those of its array, else all but the labels."""
    arrays = [name for name in table.flattened if not set(table.flattened[name]) & set(labels)]
    own = next((name for name in (spec.name, "x") if name in arrays), arrays[0] if len(arrays) == 1 else None)
    return list(table.flattened[own]) if own else beside(labels, table)


def _one_input(
    spec: TensorSpec, new: Table, available: list[str], before: list[str], chosen: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the columns of a single flat input, in the order the model was trained with as far as can be told.

    Args:
        spec: The input.
        new: The new data, for messages.
        available: Its columns beside the label.
        before: Those of the old data, which the model was trained on; empty without old data.
        chosen: What the user says.
    """
    if not _is_flat(spec):
        shape = shape_text(spec.shape)
        raise DataError(
            f"{new.name} holds columns, the model takes arrays.",
            f"Each example of its input '{spec.name}' has shape {shape}.",
            f"Use an NPZ file whose `x` has shape rows x {shape}.",
        )
    size = _size(spec)
    if chosen is None and spec.name in available and size == 1:
        return (spec.name,)
    if chosen is None and size != 1 and (own := numbered(spec.name, available, size)):
        return own
    shared = [name for name in before if name in available]
    known = bool(shared) and size in (None, len(shared))
    columns = list(chosen) if chosen is not None else shared if known else available
    if size is not None and len(columns) != size:
        lacking = [name for name in before if name not in available] if len(before) == size else []
        left_out = leave_out_ids(new, columns, before, size) if chosen is None else None
        also = f", the old data {len(before)}" if before and len(before) != size else ""
        raise DataError(
            f"The model takes {size} value{'s'[: size > 1]} a row; {new.name} has {len(columns)} column{'s'[: len(columns) > 1]} beside the label{also}.",
            f"Unlike the old data, it has no column {', '.join(map(repr, lacking[:12]))}."
            if lacking
            else f"They are matched in order: {listed(columns, 12)}.",
            f"Choose the {size} columns in the model's order{_such_as(left_out)}, or another label.",
        )
    return tuple(columns)


def _such_as(left_out: LeftOut | None) -> str:
    return f", such as {listed(left_out.columns)} ({left_out.why.removesuffix('.')})" if left_out else ""


def _several(
    inputs: Sequence[TensorSpec], new: Table, old: Table | None, labels: Sequence[str]
) -> tuple[Binding, ...]:
    """Return the columns of each of several inputs: by name; what is left goes to the one input without, in order."""
    available = beside(labels, new)
    alone = sum(not _is_flat(spec) for spec in inputs) == 1
    found = {
        spec.name: own
        for spec in inputs
        if (own := _own_columns(spec, new, available, alone=alone)) is not None
    }
    lacking = [spec for spec in inputs if spec.name not in found]
    used = {name for own in found.values() for name in own}
    left = _left_over([name for name in available if name not in used], old)
    if len(lacking) == 1 and _takes(lacking[0], left):
        found[lacking[0].name] = tuple(left)
    elif lacking:
        raise _lacks(lacking, len(inputs), new, available)
    return tuple(_binding(spec, found[spec.name]) for spec in inputs)


def _own_columns(
    spec: TensorSpec, table: Table, available: list[str], *, alone: bool
) -> tuple[str, ...] | None:
    """Return the columns that an input has by its name, none if an array feeds it; ``None`` if there is neither.

    Args:
        spec: The input.
        table: The new data.
        available: Its columns beside the labels.
        alone: Whether it is the only input that takes arrays; then the array may have another name.
    """
    if not _is_flat(spec):
        return () if array_for(spec.name, table, alone=alone) else None
    size = _size(spec)
    in_array = table.flattened.get(spec.name, ())
    if in_array and size in (None, len(in_array)):
        return in_array
    if spec.name in available and size in (None, 1):
        return (spec.name,)
    return numbered(spec.name, available, size) or None


def _takes(spec: TensorSpec, left: list[str]) -> bool:
    """Whether columns without a name in common may feed an input; a single one would be a guess."""
    size = _size(spec)
    return _is_flat(spec) and size != 1 and bool(left) and size in (None, len(left))


def _left_over(left: list[str], old: Table | None) -> list[str]:
    """Return the columns in the order of the old data, which the model was trained on, if it has the same ones."""
    before = [str(name) for name in old.columns.columns if str(name) in left] if old else []
    return before if len(before) == len(left) else left


def _lacks(lacking: list[TensorSpec], inputs: int, new: Table, available: list[str]) -> DataError:
    hints = []
    for spec in lacking:
        match = difflib.get_close_matches(spec.name, [*available, *new.arrays], 1, 0.6)
        if not _is_flat(spec):
            hints.append(f"'{spec.name}' (an array of shape {shape_text(spec.shape)})")
        elif (size := _size(spec)) not in (None, 1):
            hints.append(
                f"'{spec.name}' ({size} columns, such as '{spec.name}_0' to '{spec.name}_{(size or 1) - 1}')"
            )
        else:
            hints.append(f"'{spec.name}' (is it '{match[0]}'?)" if match else f"'{spec.name}'")
    arrays = f" Its arrays are: {listed(list(new.arrays))}." if new.arrays else ""
    return DataError(
        f"{new.name} lacks columns for {len(lacking)} of the model's {inputs} inputs: {', '.join(hints[:8])}.",
        " ".join([f"Inputs are matched to columns by name. {columns_are(new)}{arrays}", *new.notes]),
        "Rename the columns, or choose the file that belongs to this model.",
    )
