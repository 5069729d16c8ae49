"""What all candidates made of the held-out rows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.make import evidence_of, made_outcome, sure_rows

ROWS = 40
CHANCES = np.linspace(0.1, 0.9, ROWS)


@pytest.mark.parametrize(
    ("strategy", "side", "off", "same"),
    [
        ("keep", "new", 0.0, True),
        ("keep", "new", 0.00005, True),
        ("keep", "new", 0.001, False),
        ("fine_tune", "new", 0.001, False),
        ("fine_tune", "old", 0.001, False),
    ],
)
def test_a_loss_is_named_unless_it_is_the_log_loss_of_every_row(strategy, side, off, same) -> None:
    outcomes = []
    for name in ("keep", "fine_tune"):
        rows = {key: each for part in ("new", "old") for key, each in sure_rows(part, CHANCES).items()}
        if name == strategy:
            rows[f"{side}_loss"] = rows[f"{side}_loss"] + off * (np.arange(ROWS) == 3)
        outcomes.append(made_outcome(name, rows))
    evidence = evidence_of(*outcomes)
    assert evidence.loss_is_log_loss == same
    assert ("loss" not in evidence.scores) == same and "log_loss" in evidence.scores


def test_numbers_keep_their_loss() -> None:
    rows = {"new_loss": np.ones(ROWS), "new_metric": np.ones(ROWS), "new_outputs": np.ones((ROWS, 1))}
    assert "loss" in evidence_of(made_outcome("keep", rows), task="regression").scores
