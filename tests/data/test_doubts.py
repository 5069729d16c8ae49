"""What makes scores doubtful: columns that give the label away, copies, too few rows; and no false alarm."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrain_core.data import encode, infer_schema, read_table, split
from retrain_core.data.doubts import SEEN
from retrain_core.data.encode import fingerprint
from retrain_core.data.leaks import leaks, near_copies
from retrain_core.data.marks import Marks
from retrain_core.data.power import rows_for, smallest_difference
from retrain_core.models.card import read_card
from retrain_core.samples import Sample, samples
from retrain_core.types import Binding, Dataset, Finding, Schema, SplitSettings, Task
from tests.data.test_split import SCHEMA, data

ROWS = 2_000


def told(task: Task = "binary", *, classes: int = 2, targets: np.ndarray, **columns: np.ndarray) -> list[str]:
    """Return the titles of what is found in columns, each an input of its own."""
    names = tuple(columns)
    bindings = tuple(
        Binding(name, (name,), "string" if values.dtype.kind == "U" else "float32", (1,))
        for name, values in columns.items()
    )
    labels = tuple(f"y{place}" for place in range(targets.shape[1])) if targets.ndim > 1 else ("y",)
    schema = Schema(
        task,
        labels,
        bindings,
        () if task == "regression" else tuple(map(str, range(classes))),
        classes,
        False,
        "",
    )
    inputs = {name: values.reshape(-1, 1) for name, values in columns.items()}
    rows = Dataset(inputs, targets, task, names, fingerprint(inputs, targets))
    return [found.title for found in leaks(schema, rows, np.arange(rows.rows))]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_a_number_beyond_a_threshold_gives_the_label_away(rng: np.random.Generator) -> None:
    x = rng.normal(0, 1, ROWS)
    y = (x > 0.3).astype(int)
    wrong = rng.random(ROWS) < 0.005
    (title,) = told(targets=np.where(wrong, 1 - y, y), leaking=x, other=rng.normal(0, 1, ROWS))
    assert "'leaking' alone tells the label of 99." in title


def test_numbers_and_texts_that_stand_for_classes_give_them_away(rng: np.random.Generator) -> None:
    y = rng.integers(0, 5, ROWS)
    found = told(
        "multiclass", classes=5, targets=y, code=(y * 7) % 5 + 0.0, word=np.array(list("qwert"))[y],
        noise=rng.normal(0, 1, ROWS),
    )  # fmt: skip
    assert [title.split("'")[1] for title in found] == ["code", "word"]


def test_one_of_several_labels_is_named(rng: np.random.Generator) -> None:
    y = rng.integers(0, 2, (ROWS, 2)).astype(np.int8)
    (title,) = told("multilabel", targets=y, copy=y[:, 1] + 0.5)
    assert title.startswith("'copy' alone tells the label '1' of 100.0 %")


@pytest.mark.parametrize("heavy", [False, True])
def test_a_number_that_gives_a_number_away(rng: np.random.Generator, heavy: bool) -> None:
    x = rng.lognormal(0, 1.5, ROWS) if heavy else rng.uniform(0, 1, ROWS)
    y = (3 * x + 1 + 0.02 * rng.normal(0, 1, ROWS)).astype(np.float32)
    word = np.array(["low", "high"])[(x > 1).astype(int)]
    assert [title.split("'")[1] for title in told("regression", targets=y, x=x, word=word)] == ["x"]
    assert not told("regression", targets=y + rng.normal(0, y.std() / 3, ROWS), x=x)


def test_rare_labels_are_not_given_away_by_what_is_nearly_always_the_same(rng: np.random.Generator) -> None:
    y = (np.arange(ROWS) < 12).astype(int)  # 99.4 % are 0
    assert not told(
        targets=y,
        noise=rng.normal(0, 1, ROWS),
        constant=np.ones(ROWS),
        some=np.append(y[:6], np.zeros(ROWS - 6)),
    )
    assert len(told(targets=y, exact=y + 0.0)) == 1


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(20, 600),
    classes=st.integers(2, 12),
    share=st.floats(0.5, 0.99),
)
def test_random_columns_and_ids_give_nothing_away(seed: int, rows: int, classes: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(rows) < share, 0, rng.integers(0, classes, rows))
    columns = {
        "normal": rng.normal(0, 1, rows),
        "few": rng.integers(0, 4, rows) + 0.0,
        "many": rng.integers(0, rows, rows) + 0.0,
        "order": np.arange(rows) + 0.0,
        "id": np.array([f"c{row}" for row in range(rows)]),
        "twice": np.array([f"c{row // 2}" for row in range(rows)]),
        "constant": np.ones(rows),
    }
    assert not told("multiclass", classes=classes, targets=y, **columns)
    numbers = np.sort(rng.normal(0, 1, rows)).astype(np.float32)  # a file in order of its label
    del columns["order"]
    assert not told(
        "regression",
        targets=numbers,
        **{name: rng.permutation(v) for name, v in columns.items()},
        c=np.zeros(rows),
    )


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.id)
def test_nothing_is_given_away_in_the_samples(sample: Sample) -> None:
    tables = {role: read_table(sample.path(role)) for role in ("new", "old")}
    schema = infer_schema(read_card(sample.path("model")), **tables, label=sample.label, task=sample.task)
    new, old = (encode(schema, tables[role])[0] for role in ("new", "old"))
    found = split(schema, new, old).summary.warnings
    assert found == (SEEN,)
    assert not near_copies(new, [(old, np.arange(old.rows))])
    assert not near_copies(old, [(new, np.arange(new.rows))])


def test_looking_for_leaks_takes_no_second(rng: np.random.Generator) -> None:
    inputs = {"row": rng.normal(0, 1, (100_000, 50)).astype(np.float32)}
    names = tuple(f"c{place}" for place in range(50))
    y = rng.integers(0, 2, 100_000).astype(np.int32)
    schema = Schema("binary", ("y",), (Binding("row", names, "float32", (50,)),), ("0", "1"), 1, False, "")
    rows = Dataset(inputs, y, "binary", names, "")
    start = time.process_time()
    assert not leaks(schema, rows, np.arange(100_000))
    assert time.process_time() - start < 2  # about half a second; a busy machine is given time


# --- near copies ----------------------------------------------------------------------------------


def wide(values: np.ndarray) -> Dataset:
    inputs = {"row": values.astype(np.float32)}
    y = np.zeros(len(values), np.int32)
    return Dataset(inputs, y, "binary", ("a",), fingerprint(inputs, y))


def test_rows_of_a_holdout_file_that_were_rounded_are_found(rng: np.random.Generator) -> None:
    trained = rng.normal(0, 100, (500, 4))
    held = np.concatenate([rng.normal(0, 100, (50, 4)), np.round(trained[:30], 2)])
    whole = [(wide(trained), np.arange(500))]
    assert not near_copies(wide(held[:50]), whole)
    rounded = [[float(f"{x:.4g}") for x in row] for row in trained[:30]]
    (found,) = near_copies(wide(np.concatenate([held[:50], rounded])), whole)
    assert found.title.startswith("30 of 80 holdout rows equal a training row")


def test_coarse_numbers_are_no_copies(rng: np.random.Generator) -> None:
    trained, held = rng.normal(0, 1, (20_000, 1)), rng.normal(0, 1, (2_000, 1))
    assert not near_copies(wide(held), [(wide(trained), np.arange(20_000))])


# --- too few rows ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "disagree"), [(300, 0.1), (1_500, 0.1), (600, 0.25)])
def test_the_smallest_difference_is_found_in_four_of_five_cases(rows: int, disagree: float) -> None:
    rng = np.random.default_rng(rows)
    difference = smallest_difference(rows, disagree)
    assert rows_for(difference, disagree) == pytest.approx(rows, abs=1)
    better, worse = (disagree + difference) / 2, (disagree - difference) / 2
    counts = rng.multinomial(rows, [better, worse, 1 - disagree], 20_000)
    z = (counts[:, 0] - counts[:, 1]) / np.sqrt(counts[:, 0] + counts[:, 1])  # McNemar
    assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.8, abs=0.03)


def test_more_rows_tell_smaller_differences() -> None:
    found = [smallest_difference(rows) for rows in range(1, 3_000)]
    assert all(np.diff(found) <= 0) and found[0] == 1


def test_too_few_rows_are_said_with_the_number_that_would_do() -> None:
    (found,) = split(SCHEMA, data(np.arange(1000.0))).summary.warnings
    assert found.title == "200 held-out new rows tell differences in accuracy from 6.2 points on"
    assert "For 5 points, about 310 would do, of 1,600 new rows" in found.detail
    assert not split(SCHEMA, data(np.arange(2000.0))).summary.warnings


def test_rows_of_one_id_count_once() -> None:
    new = data(np.arange(3000.0))
    ids = np.array([f"c{row // 100}" for row in range(3000)])
    (found,) = split(
        SCHEMA, new, settings=SplitSettings(id="c"), marks=Marks(ids={"new": ids})
    ).summary.warnings
    assert found.title.startswith("6 held-out ids tell differences in accuracy from ")
    assert "For 5 points, about 310 would do, of 1,600 ids in all" in found.detail
    one_each = Marks(ids={"new": np.arange(3000).astype(str)})
    assert not split(SCHEMA, new, settings=SplitSettings(id="c"), marks=one_each).summary.warnings


@pytest.mark.parametrize("task", ["regression", "multilabel"])
def test_a_mean_over_few_rows_is_hardly_known(task: Task, rng: np.random.Generator) -> None:
    schema = replace(SCHEMA, task=task, classes=() if task == "regression" else ("0", "1"))

    def found(rows: int, holdout: int | None = None) -> tuple[Finding, ...]:
        made = [data(rng.normal(0, 1, count)) for count in (rows, holdout) if count]
        labels = [
            rng.normal(0, 1, each.rows) if task == "regression" else rng.integers(0, 2, (each.rows, 2))
            for each in made
        ]
        made = [
            replace(each, targets=y.astype(np.float32 if task == "regression" else np.int8), task=task)
            for each, y in zip(made, labels, strict=True)
        ]
        return split(schema, made[0], None, *made[1:]).summary.warnings

    (few,) = found(20)
    assert few.title == "Few new rows are held out: 4"
    assert few.detail == (
        "The 95 % interval of a mean over them is ±1.6 standard deviations wide; 30 would make it ±0.37, of 150 new rows in all."
    )
    (own,) = found(100, holdout=1)
    assert own.title == "Few new rows are held out: 1" and own.detail == (
        "The 95 % interval of a mean over them is not known; 30 would make it ±0.37."
    )
    assert not found(200)


def test_the_old_rows_were_seen_by_the_old_model() -> None:
    new, old = data(np.arange(2000.0)), data(np.arange(2000.0, 2100.0))
    assert split(SCHEMA, new, old).summary.warnings == (SEEN,)
    assert not split(SCHEMA, new).summary.warnings


def test_held_out_new_rows_that_are_old_rows_too_are_counted() -> None:
    new, old = data(np.arange(2000.0)), data(np.arange(100.0, 5000.0))
    first, *_ = split(SCHEMA, new, old).summary.warnings
    assert first.title == "384 of 400 held-out new rows have the same inputs as an old row"
    own = split(SCHEMA, new, old, data(np.arange(4000.0, 6000.0))).summary.warnings
    assert own[0].title == "1,000 of 2,000 held-out new rows have the same inputs as an old row"


def test_they_are_counted_too_where_the_old_file_has_all_its_rows_twice() -> None:
    old = data(np.concatenate([np.arange(5000.0), np.arange(5000.0)]))
    first, *_ = split(SCHEMA, data(np.arange(2000.0)), old).summary.warnings
    assert first.title == "400 of 400 held-out new rows have the same inputs as an old row"


def test_coarse_rows_that_meet_by_chance_are_no_old_rows(rng: np.random.Generator) -> None:
    new, old = (data(rng.integers(0, 9_000, 3_000) + 0.0) for _ in range(2))
    assert split(SCHEMA, new, old).summary.warnings == (SEEN,)
