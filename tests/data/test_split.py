"""The split: who may train on what."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrain_core.data import row_keys, split
from retrain_core.data.encode import fingerprint
from retrain_core.errors import DataError
from retrain_core.types import Binding, Dataset, Schema, SplitSettings

SCHEMA = Schema(
    "binary", ("y",), (Binding("row", ("a",), "float32", (1,)),), ("0", "1"), 1, False, "binary_crossentropy"
)


def data(values: np.ndarray, targets: np.ndarray | None = None) -> Dataset:
    inputs = {"row": values.astype(np.float32).reshape(-1, 1)}
    y = (np.arange(len(values)) % 2 if targets is None else targets).astype(np.int32)
    return Dataset(inputs, y, "binary", ("a",), fingerprint(inputs, y))


def values(source: Dataset, rows: np.ndarray) -> set[float]:
    return set(source.inputs["row"][rows, 0].tolist())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    new_rows=st.integers(60, 400),
    old_rows=st.integers(60, 400),
    distinct=st.integers(40, 500),
)
def test_no_row_of_the_holdout_has_a_copy_that_is_trained_on(
    seed: int, new_rows: int, old_rows: int, distinct: int
) -> None:
    rng = np.random.default_rng(seed)
    new, old = (data(rng.integers(0, distinct, rows)) for rows in (new_rows, old_rows))
    parts = split(SCHEMA, new, old, settings=SplitSettings(seed)).parts
    trained = values(new, parts["new_train"]) | values(old, parts["old_train"])
    held = values(new, parts["new_holdout"]) | values(old, parts["old_holdout"])
    assert not trained & held
    assert not trained & values(new, parts["new_validation"])
    for first, second in itertools.combinations(("new_train", "new_validation", "new_holdout"), 2):
        assert not set(parts[first]) & set(parts[second])


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    distinct=st.integers(2, 300),
    held_distinct=st.integers(1, 300),
    own_holdout=st.booleans(),
)
def test_no_row_of_validation_or_training_has_a_copy_in_a_holdout(
    seed: int, distinct: int, held_distinct: int, own_holdout: bool
) -> None:
    rng = np.random.default_rng(seed)
    new, old = data(rng.integers(0, distinct, 200)), data(rng.integers(0, 2 * distinct, 200))
    held = data(rng.integers(0, held_distinct, 50)) if own_holdout else None
    try:
        done = split(SCHEMA, new, old, held, settings=SplitSettings(seed))
    except DataError as error:
        assert "No row is left" in error.what and (own_holdout or distinct < 40)
        return
    parts = done.parts
    held_out = values(held or new, parts["new_holdout"]) | values(old, parts["old_holdout"])
    used = set().union(*(values(new, parts[name]) for name in ("new_train", "new_validation")))
    if own_holdout or not any("so alike" in note for note in done.summary.notes):
        assert not held_out & (used | values(old, parts["old_train"]))


def test_new_data_that_holds_all_old_rows_leaves_an_old_holdout_that_early_stopping_never_saw() -> None:
    old, new = data(np.arange(1000.0)), data(np.arange(1500.0))
    done = split(SCHEMA, new, old)
    assert values(old, done.parts["old_holdout"]) == values(new, done.parts["new_holdout"]) & set(range(1000))
    assert not values(new, done.parts["new_validation"]) & values(old, done.parts["old_holdout"])
    assert any("old rows are left out" in note for note in done.summary.notes)


def test_copies_of_a_holdout_file_are_left_out_however_few_rows_are_distinct() -> None:
    new, old, held = data(np.arange(200) % 10), data(np.arange(100)), data(np.array([0, 1, 2]))
    parts = split(SCHEMA, new, old, held).parts
    used = values(new, parts["new_train"]) | values(new, parts["new_validation"])
    assert used == set(range(3, 10))
    assert not (used | {0, 1, 2}) & values(old, parts["old_holdout"])
    with pytest.raises(DataError, match="No row is left for the part 'new train'"):
        split(SCHEMA, new, None, new)


def test_classes_of_a_row_or_two_are_shared_out_together() -> None:
    targets = np.arange(100) // 2
    new = data(np.arange(100.0), targets)
    schema = replace(SCHEMA, task="multiclass", classes=tuple(map(str, range(50))), units=50)
    rows = split(schema, new, None).summary.rows
    assert rows == {"new_train": 65, "new_validation": 15, "new_holdout": 20}


def test_equal_rows_have_equal_keys_however_they_are_stored() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert np.array_equal(row_keys({"x": images}), row_keys({"x": images / 1.0}))
    zero, minus_zero = (np.array([[value]], np.float32) for value in (0.0, -0.0))
    assert np.array_equal(row_keys({"x": zero}), row_keys({"x": minus_zero}))


def test_new_rows_are_split_whole_and_classes_keep_their_shares() -> None:
    targets = (np.arange(1000) % 10 == 0).astype(int)
    new = data(np.arange(1000.0), targets)
    parts = split(SCHEMA, new, None).parts
    assert [len(parts[name]) for name in ("new_train", "new_validation", "new_holdout")] == [650, 150, 200]
    assert [targets[parts[name]].sum() for name in ("new_train", "new_validation", "new_holdout")] == [
        65,
        15,
        20,
    ]
    assert np.all(np.diff(parts["new_train"]) > 0)  # the order of arrival


def several(targets: np.ndarray, task: str) -> tuple[Schema, Dataset]:
    """Return rows with a column of targets for each unit."""
    names = tuple("abcdefgh"[: targets.shape[1]])
    loss = "binary_crossentropy" if task == "multilabel" else "mean_squared_error"
    schema = replace(
        SCHEMA,
        task=task,
        labels=names,
        classes=names if task == "multilabel" else (),
        units=len(names),
        loss=loss,
    )
    inputs = {"row": np.arange(len(targets), dtype=np.float32).reshape(-1, 1)}
    return schema, Dataset(inputs, targets, task, ("a",), fingerprint(inputs, targets))  # type: ignore[arg-type]


def test_combinations_of_labels_keep_their_shares() -> None:
    labels = np.array([[0, 0], [1, 0], [1, 1]], np.int8)[np.repeat([0, 1, 2], [100, 60, 40])]
    schema, new = several(labels, "multilabel")
    done = split(schema, new, None)
    held = labels[done.parts["new_holdout"]]
    assert [int((held == row).all(axis=1).sum()) for row in ([0, 0], [1, 0], [1, 1])] == [20, 12, 8]
    assert done.summary.holdout.labels == {"new": {"a": 20, "b": 8}}


def test_a_rare_label_is_held_out_even_if_no_two_rows_have_the_same_labels() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random((256, 8)) < 0.5).astype(np.int8)
    labels[:, 0] = np.arange(256) < 6
    schema, new = several(labels, "multilabel")
    for seed in range(20):
        parts = split(schema, new, settings=SplitSettings(seed)).parts
        assert all(labels[parts[name], 0].any() for name in ("new_train", "new_holdout"))


def test_several_numbers_are_spread_over_the_parts_by_their_mean() -> None:
    rng = np.random.default_rng(0)
    size = rng.normal(0, 1, 400)
    targets = np.column_stack([1000 * size + rng.normal(0, 1, 400), size, np.ones(400)]).astype(np.float32)
    schema, new = several(targets, "regression")
    done = split(schema, new, None)
    held = size[done.parts["new_holdout"]]
    fifths = np.searchsorted(np.quantile(size, [0.2, 0.4, 0.6, 0.8]), held)
    assert np.bincount(fifths).tolist() == pytest.approx([16] * 5, abs=1)
    assert done.summary.holdout.labels == {}


def test_same_seed_same_split_other_seed_another() -> None:
    new = data(np.arange(200.0))
    hashes = [split(SCHEMA, new, settings=SplitSettings(seed)).summary.holdout.sha256 for seed in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_holdout_file_is_the_new_part_and_its_copies_are_not_trained_on() -> None:
    new, held = data(np.arange(200.0)), data(np.arange(100.0, 130.0))
    done = split(SCHEMA, new, None, held)
    assert done.summary.holdout.new_rows == 30
    assert not values(new, done.parts["new_train"]) & set(range(100, 130))
    assert any("30 new rows are copies" in note for note in done.summary.notes)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="19 usable rows"):
        split(SCHEMA, data(np.arange(19.0)), None)
