"""Questions in which a recommendation is easily wrong, through the command line, judged on fresh rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.decisions import ACCURACY_BAR, LOSS_BAR, score_rows
from tests.benchmarks.families import FAMILIES
from tests.conftest import command_line

USUAL = "keep,fine_tune,incremental,full_retrain"
SEED = 11  # none of those that the rule of choice was tried on


def compared(
    folder: Path, family: str, strategies: str, weight: float
) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """Return the comparison, and each candidate's weighted accuracy and log-loss (or errors) on fresh rows."""
    files, fresh = FAMILIES[family].save(folder, SEED)
    done = command_line(
        "compare", "--model", files["model"], "--new", files["new"], "--old", files["old"], "--label", "y",
        "--strategies", strategies, "--old-weight", weight, "--seed", SEED, "--out", folder / "out", timeout=290,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    truth: dict[str, dict[str, float]] = {}
    for name in strategies.split(","):
        sides = {
            side: score_rows(FAMILIES[family], folder / "out" / "models" / f"{name}.keras", *rows)
            for side, rows in fresh.items()
        }
        truth[name] = {
            score: (1 - weight) * float(sides["new"][score].mean())
            + weight * float(sides["old"][score].mean())
            for score in ("metric", "loss")
        }
    return json.loads((folder / "out" / "comparison.json").read_text()), truth


@pytest.mark.parametrize(
    ("family", "weight"),
    [
        ("minority", 0.2),
        ("logits", 0.2),
        ("imbalance", 0.2),
        ("constant", 0.2),
        ("regression", 0.2),
        ("none", 0.5),
    ],
)
def test_the_choice_is_as_good_as_the_best_on_fresh_rows(family: str, weight: float, tmp_path: Path) -> None:
    comparison, truth = compared(tmp_path, family, USUAL, weight)
    choice, regression = comparison["recommendation"]["choice"], FAMILIES[family].task == "regression"
    if regression:
        best = min(one["metric"] for one in truth.values())
        assert truth[choice]["metric"] - best <= ACCURACY_BAR * truth["keep"]["metric"]
    else:
        accuracy = max(one["metric"] for one in truth.values()) - truth[choice]["metric"]
        loss = truth[choice]["loss"] - min(one["loss"] for one in truth.values())
        assert accuracy <= ACCURACY_BAR or loss <= LOSS_BAR
    if family == "none":
        assert choice == "keep"
    if family == "imbalance":
        assert comparison["recommendation"]["scores"] == ["log_loss"]


def test_an_old_part_that_retraining_on_new_rows_destroys_is_kept(tmp_path: Path) -> None:
    """Old rows of a segment that the new ones lack; what has never seen it is worse on it, and is not taken."""
    comparison, truth = compared(tmp_path, "segment", "keep,fine_tune,full_retrain,retrain_new", 0.5)
    choice = comparison["recommendation"]["choice"]
    assert choice != "retrain_new"
    assert truth[choice]["loss"] - min(one["loss"] for one in truth.values()) <= LOSS_BAR
    (told,) = [
        one
        for one in comparison["differences"]
        if (one["candidate"], one["base"], one["side"], one["score"])
        == ("retrain_new", "keep", "old", "log_loss")
    ]
    assert told["verdict"] == "worse"
    assert np.isfinite(told["value"])
