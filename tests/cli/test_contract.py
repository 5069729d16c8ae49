"""``comparison.json``: what other programs read stays as it was, and what was added can be read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retrain_core.types import Comparison, Stakes, from_json, to_json
from tests.report.example import ABILITY, comparison

STAKES = Stakes(value=0.5, a_day=1000.0, days=90.0, an_hour=4.0)
CASES: dict[str, dict[str, Any]] = {
    "three seeds": {},
    "one seed": {"seeds": 1},
    "regression": {"task": "regression"},
    "several labels": {"task": "multilabel"},
    "no old rows": {"old": False},
    "one failed": {"broken": {"fine_tune": "It fell."}},
}
VERDICTS = {"better", "worse", "no material difference", "cannot tell"}


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def made(request: pytest.FixtureRequest) -> Comparison:
    return comparison(stakes=STAKES, **request.param)


@pytest.fixture(scope="module")
def found(made: Comparison) -> dict[str, Any]:
    return json.loads(to_json(made))


def test_it_reads_back_as_the_same(made: Comparison) -> None:
    assert to_json(from_json(to_json(made), Comparison)) == to_json(made)


def test_what_was_promised_is_there(made: Comparison, found: dict[str, Any]) -> None:
    assert set(found) >= {"schema", "task", "metric", "holdout", "strategies", "recommendation"}
    metric = {"name": "mae", "direction": "min"}
    assert found["schema"] == 1 and found["task"] == made.task
    assert found["metric"] == (
        metric if made.task == "regression" else {"name": "accuracy", "direction": "max"}
    )
    holdout = found["holdout"]
    assert isinstance(holdout["sha256"], str) and isinstance(holdout["new_rows"], int)
    assert (holdout["old_rows"] > 0) == (made.strategies["keep"].old is not None)
    assert list(found["strategies"]) == list(ABILITY)


def test_what_was_promised_of_each_strategy_is_there(found: dict[str, Any]) -> None:
    scores = {"loss", found["metric"]["name"]}
    for name, candidate in found["strategies"].items():
        assert isinstance(candidate["seconds"], float) and isinstance(candidate["peak_memory_mb"], float)
        assert isinstance(candidate["device"], str) and len(candidate["per_seed"]) in (1, 3)
        if candidate["status"] == "failed":
            assert candidate["error"] == "It fell." and candidate["new"] is candidate["model"] is None
            continue
        assert (candidate["status"], candidate["error"], candidate["model"]) == (
            "finished",
            None,
            f"models/{name}.keras",
        )
        for part in ("new", "old") if found["holdout"]["old_rows"] else ("new",):
            assert set(candidate[part]) >= scores
            low, high = candidate["interval"][part][found["metric"]["name"]]
            assert low <= candidate[part][found["metric"]["name"]] <= high


def test_a_loss_that_is_the_log_loss_stays_in_the_file(made: Comparison, found: dict[str, Any]) -> None:
    assert found["loss_is_log_loss"] == (made.task != "regression")
    keep = found["strategies"]["keep"]["new"]
    assert made.task == "regression" or keep["loss"] == pytest.approx(keep["log_loss"])


def test_what_was_promised_of_the_recommendation_is_there(found: dict[str, Any]) -> None:
    answer = found["recommendation"]
    assert answer["choice"] in ABILITY and isinstance(answer["clear"], bool)
    assert answer["summary"].endswith(".") and all(isinstance(reason, str) for reason in answer["reasons"])


def test_the_recommendation_says_how_sure_it_is_and_what_would_change_it(found: dict[str, Any]) -> None:
    answer = found["recommendation"]
    scored = [name for name, candidate in found["strategies"].items() if candidate["new"]]
    assert 0 <= answer["stability"] <= 1
    assert all(isinstance(text, str) for text in (*answer["changes"], *answer["doubts"]))
    assert set(answer["weighed"]) == set(scored)
    for one in answer["weighed"].values():
        assert set(one["gains"]) == set(answer["scores"]) and len(one["interval"]) == 2
    assert sum(one["share"] for one in answer["weighed"].values()) == pytest.approx(1)
    assert answer["weighed"][answer["choice"]]["share"] == answer["stability"]


def test_every_pair_has_its_difference(found: dict[str, Any]) -> None:
    scored = [name for name, candidate in found["strategies"].items() if candidate["new"]]
    sides = 2 if found["holdout"]["old_rows"] else 1
    pairs = {(one["candidate"], one["base"]) for one in found["differences"]}
    assert len(pairs) == len(scored) * (len(scored) - 1) // 2
    assert len({one["side"] for one in found["differences"]}) == sides
    for one in found["differences"]:
        low, high = one["interval"]
        assert low <= one["value"] <= high and one["p"] <= one["p_adjusted"] <= 1
        assert one["verdict"] in VERDICTS


def test_the_wishes_are_in_it(found: dict[str, Any]) -> None:
    wishes = found["wishes"]
    assert wishes["old_weight"] == 0.5 and wishes["margin"] == 0.005 and wishes["most_seconds"] is None
    assert wishes["stakes"] == {"value": 0.5, "a_day": 1000.0, "days": 90.0, "an_hour": 4.0}
