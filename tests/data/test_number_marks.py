"""Columns whose numbers can be read in two ways: text with a word about it, refused where they are used as numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from retrain_core.data import encode, infer_schema, read_table
from retrain_core.errors import DataError
from retrain_core.types import Table, TensorSpec
from tests.data.cards import SIGMOID, card

MARKED = [f'"{n},500"' for n in range(1, 41)]
PLAIN = [f"{n}.5" for n in range(1, 41)]
TEXT_AND_NUMBER = (TensorSpec("a", (1,), "string"), TensorSpec("b", (1,), "float32"))


def file(path: Path, **columns: list[str]) -> Table:
    """Return what is read in a file with two numbers and a label, of which some are written otherwise."""
    held = {"a": PLAIN, "b": PLAIN, "y": ["0", "1"] * 20} | columns
    lines = [",".join(held), *(",".join(row) for row in zip(*held.values(), strict=True))]
    path.write_text("\n".join(lines))
    return read_table(path)


def test_a_column_that_nobody_uses_is_text_and_a_note_says_why(tmp_path: Path) -> None:
    old, new = file(tmp_path / "old.csv"), file(tmp_path / "new.csv", size=MARKED)
    assert new.columns["size"].tolist()[:2] == ["1,500", "2,500"] and new.columns["a"].dtype == float
    assert new.notes == (
        "new.csv: size is read as text: in '1,500' the sign inside may be a decimal mark, or stand between thousands.",
    )
    assert infer_schema(SIGMOID, new, old).bindings[0].columns == ("a", "b")


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize("column", ["b", "y"])
def test_an_input_and_a_label_are_refused(tmp_path: Path, side: str, column: str) -> None:
    tables = {name: file(tmp_path / f"{name}.csv", **({column: MARKED} if name == side else {})) for name in ("old", "new")}  # fmt: skip
    with pytest.raises(
        DataError, match=f"{side}.csv: the numbers of {column} can be read in two ways"
    ) as caught:
        infer_schema(SIGMOID, tables["new"], tables["old"])
    assert "In '1,500' the sign inside" in caught.value.why and caught.value.next_step


def test_a_holdout_is_refused_too(tmp_path: Path) -> None:
    schema = infer_schema(SIGMOID, file(tmp_path / "new.csv"))
    with pytest.raises(DataError, match=r"held.csv: the numbers of a can be read in two ways"):
        encode(schema, file(tmp_path / "held.csv", a=MARKED))


def test_an_input_of_text_takes_them_as_they_are_written(tmp_path: Path) -> None:
    takes_text = replace(card(1, "sigmoid", "binary_crossentropy"), inputs=TEXT_AND_NUMBER)
    table = file(tmp_path / "new.csv", a=MARKED)
    data, _ = encode(infer_schema(takes_text, table), table)
    assert data.inputs["a"].ravel()[0] == "1,500"
