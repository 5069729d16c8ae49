"""Scores against their definitions, written out as loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import logit

from retrain_core.compare.calibration import bins, calibration_error
from retrain_core.compare.measures import (
    FEWEST_OF_A_CLASS,
    SCORES,
    deciding,
    has_interval,
    scores_of,
)
from retrain_core.compare.predicted import LEAST_CHANCE, Predicted
from retrain_core.types import Task
from tests.compare.made import predicted, rows_of

TASKS: tuple[Task, ...] = ("binary", "multiclass", "multilabel", "regression")


def make(task: Task, rows: int, seed: int, *, logits: bool = False, digits: int = 6) -> Predicted:
    """Return predictions that are somewhat right; few digits make ties."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        targets = rng.normal(size=(rows, 2))
        return predicted(task, targets, targets + rng.normal(size=(rows, 2)))
    if task == "multiclass":
        targets = rng.integers(0, 4, rows)
        outputs = np.round((targets[:, None] == np.arange(4)) + rng.normal(size=(rows, 4)), digits)
        shares = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
        return predicted(task, targets, outputs if logits else shares, from_logits=logits)
    targets = rng.integers(0, 2, rows if task == "binary" else (rows, 3))
    shares = np.round(np.clip(0.2 + 0.3 * targets + rng.uniform(0, 0.5, targets.shape), 0.01, 0.99), digits)
    return predicted(task, targets, logit(shares) if logits else shares, from_logits=logits)


# --- definitions ----------------------------------------------------------------------------------


def chances(one: Predicted) -> np.ndarray:
    """Return the probability of each class or label."""
    found = []
    for outputs in one.outputs:
        if one.task == "multilabel" or len(outputs) == 1:
            each = [1 / (1 + math.exp(-x)) if one.from_logits else x for x in outputs]
            found.append(each if one.task == "multilabel" else [1 - each[0], each[0]])
        else:
            powers = [math.exp(x) for x in outputs]
            found.append([x / sum(powers) for x in powers] if one.from_logits else list(outputs))
    return np.array(found)


def by_label(one: Predicted) -> list[tuple[list[float], list[bool]]]:
    """Return scores and whether the label is there: of the second class, of each class, or of each label."""
    np.testing.assert_allclose(one.chances, chances(one), rtol=1e-9)
    said = one.chances  # which of equal ones the last digit puts first is not told by a definition
    if one.task == "multilabel":
        return [(list(said[:, k]), list(one.targets[:, k] == 1)) for k in range(said.shape[1])]
    classes = [1] if one.task == "binary" else range(said.shape[1])
    return [(list(said[:, k]), list(one.targets == k)) for k in classes]


def mean_of_known(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def slow_auroc(one: Predicted) -> float:
    def of(scores: list[float], label: list[bool]) -> float:
        having = [score for score, there in zip(scores, label, strict=True) if there]
        other = [score for score, there in zip(scores, label, strict=True) if not there]
        wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in product(having, other)]
        return sum(wins) / len(wins) if wins else math.nan

    return mean_of_known([of(*pair) for pair in by_label(one)])


def slow_auprc(one: Predicted) -> float:
    def of(scores: list[float], label: list[bool]) -> float:
        if not any(label):
            return math.nan
        total, recall = 0.0, 0.0
        for threshold in sorted(set(scores), reverse=True):
            said = [there for score, there in zip(scores, label, strict=True) if score >= threshold]
            total += (sum(said) / sum(label) - recall) * sum(said) / len(said)
            recall = sum(said) / sum(label)
        return total

    return mean_of_known([of(*pair) for pair in by_label(one)])


def slow_f1(one: Predicted) -> float:
    said = chances(one)
    found = []
    for k, (scores, label) in enumerate(by_label(one)):
        if one.task == "multiclass":
            decided = [row.argmax() == k for row in said]
        else:
            decided = [score > 0.5 for score in scores]
        hits = sum(a and b for a, b in zip(decided, label, strict=True))
        both = sum(decided) + sum(label)
        found.append(2 * hits / both if both else math.nan)
    return mean_of_known(found)


def slow_balanced_accuracy(one: Predicted) -> float:
    said = chances(one).argmax(axis=1)
    found = []
    for k in set(one.targets.tolist()):
        of_class = [answer == k for answer, target in zip(said, one.targets, strict=True) if target == k]
        found.append(sum(of_class) / len(of_class))
    return mean_of_known(found)


def slow_accuracy(one: Predicted) -> float:
    said = chances(one)
    right = (said > 0.5) == (one.targets == 1) if one.task == "multilabel" else said.argmax(1) == one.targets
    return float(np.mean(right))


def slow_log_loss(one: Predicted) -> float:
    said = chances(one)
    if one.task == "multilabel":
        each = [p if t else 1 - p for p, t in zip(said.ravel(), one.targets.ravel(), strict=True)]
    else:
        each = [row[target] for row, target in zip(said, one.targets, strict=True)]
    within = [min(max(p, LEAST_CHANCE), 1 - LEAST_CHANCE) for p in each]
    return -sum(math.log(p) for p in within) / len(within)


def slow_brier(one: Predicted) -> float:
    found = [(p - t) ** 2 for scores, label in by_label(one) for p, t in zip(scores, label, strict=True)]
    return sum(found) / len(one.targets) / (one.targets.shape[1] if one.task == "multilabel" else 1)


def slow_rmse(one: Predicted) -> float:
    errors = (one.outputs - one.targets.reshape(one.outputs.shape)).ravel()
    return math.sqrt(sum(error**2 for error in errors) / len(errors))


def slow_r2(one: Predicted) -> float:
    targets = one.targets.reshape(one.outputs.shape)
    found = []
    for k in range(targets.shape[1]):
        left = sum((a - b) ** 2 for a, b in zip(one.outputs[:, k], targets[:, k], strict=True))
        all_of_it = sum((b - targets[:, k].mean()) ** 2 for b in targets[:, k])
        found.append(1 - left / all_of_it)
    return mean_of_known(found)


def slow_mae(one: Predicted) -> float:
    return float(np.abs(one.outputs - one.targets.reshape(one.outputs.shape)).mean())


def slow_ece(one: Predicted) -> float:
    found = []
    for label in range(one.chances.shape[1]):
        said, came = one.chances[:, label], one.labels[:, label].astype(float)
        if one.task == "multiclass":
            said, came = one.chances.max(axis=1), np.asarray(one.metric)
        if one.task != "binary" or label == 1:
            bin_of = bins(said)
            found.append(
                sum(abs((came - said)[bin_of == place].sum()) for place in set(bin_of.tolist())) / one.rows
            )
    return float(np.mean(found))


SLOW: dict[str, Callable[[Predicted], float]] = {
    "accuracy": slow_accuracy,
    "mae": slow_mae,
    "balanced_accuracy": slow_balanced_accuracy,
    "auroc": slow_auroc,
    "auprc": slow_auprc,
    "f1": slow_f1,
    "log_loss": slow_log_loss,
    "brier": slow_brier,
    "ece": slow_ece,
    "rmse": slow_rmse,
    "r2": slow_r2,
}  # all but the loss, which the workers find, and the calibration error


BINNED = {"ece", "calibration_error"}  # in the bins of the rows before they are drawn


def check(one: Predicted) -> None:
    for name in scores_of(one.task):
        if name in SLOW:
            found = SCORES[name].of(one, np.ones((1, one.rows)))
            assert found == pytest.approx([SLOW[name](one)], rel=1e-6, nan_ok=True), name


# --- tests ----------------------------------------------------------------------------------------


@settings(deadline=None)
@example("multiclass", 51, 1, True, 1)
@example("binary", 2, 249, False, 1)
@given(
    st.sampled_from(TASKS), st.integers(2, 60), st.integers(0, 10_000), st.booleans(), st.sampled_from([1, 6])
)
def test_every_score_is_what_its_definition_says(
    task: Task, rows: int, seed: int, logits: bool, digits: int
) -> None:
    check(make(task, rows, seed, logits=logits, digits=digits))


def test_two_outputs_for_two_classes_score_as_one() -> None:
    one = make("binary", 40, 3)
    two = predicted("binary", one.targets, one.chances)
    for name in scores_of("binary"):
        ones = np.ones((1, 40))
        assert SCORES[name].of(two, ones) == pytest.approx(SCORES[name].of(one, ones)), name


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("kept", [(0,), (1,), (1, 3)])
def test_classes_that_do_not_come(task: Task, kept: tuple[int, ...]) -> None:
    """No row of a class, or rows of one class alone: what cannot be told is NaN, or left out of a mean."""
    one = make(task, 60, 5)
    targets = one.targets if one.targets.ndim == 1 else one.targets[:, 0]
    some = rows_of(one, np.flatnonzero(np.isin(targets, kept)))
    check(some)
    if task == "binary":
        assert np.isnan(SCORES["auroc"].of(some, np.ones((1, some.rows))))


@settings(deadline=None)
@given(st.sampled_from(TASKS), st.integers(5, 60), st.integers(0, 10_000), st.sampled_from([1, 6]))
def test_rows_that_count_more_often_score_as_if_they_were_repeated(
    task: Task, rows: int, seed: int, digits: int
) -> None:
    one = make(task, rows, seed, digits=digits)
    counts = np.random.default_rng(seed).integers(0, 4, (3, rows)).astype(float)
    counts[:, 0] = 1
    for name in set(scores_of(task)) - BINNED:
        found = SCORES[name].of(one, counts)
        for value, times in zip(found, counts, strict=True):
            repeated = rows_of(one, np.repeat(np.arange(rows), times.astype(int)))
            if name == "r2" and repeated.rows == 1:
                continue
            expected = SCORES[name].of(repeated, np.ones((1, repeated.rows)))[0]
            assert value == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True), name


def test_draws_of_many_different_scores_are_stepped_closely_enough() -> None:
    one = make("binary", 3_000, 1)
    for name in ("auroc", "auprc"):
        exact = SCORES[name].of(one, np.ones((1, 3_000)))[0]
        assert SCORES[name].of(one, np.ones((2, 3_000))) == pytest.approx([exact] * 2, abs=1e-3)


def slow_calibration(one: Predicted, times: Any) -> float:
    """Return the debiased mean of squared gaps of repeated rows, in the bins of the rows."""
    said, came = one.outputs[:, 0], one.targets
    bin_of = bins(said).tolist()
    squares, inside, used, total = 0.0, 0.0, 0, int(times.sum())
    for place in set(bin_of):
        rows = [i for i in range(one.rows) if bin_of[i] == place for _ in range(times[i])]
        if rows:
            gaps = [came[i] - said[i] for i in rows]
            mean = sum(gaps) / len(gaps)
            squares += len(rows) * mean**2
            inside += sum((gap - mean) ** 2 for gap in gaps)
            used += 1
    return (squares - used * inside / (total - used)) / total


@settings(deadline=None)
@given(st.integers(20, 60), st.integers(0, 10_000), st.sampled_from([1, 6]))
def test_calibration_error_is_what_its_definition_says(rows: int, seed: int, digits: int) -> None:
    one = make("binary", rows, seed, digits=digits)
    times = np.random.default_rng(seed).integers(1, 4, (2, rows))
    expected = [slow_calibration(one, each) for each in times]
    assert calibration_error(one, times.astype(float)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("rows", [60, 1_000])
@pytest.mark.parametrize("off", [0.0, 0.1])
def test_calibration_error_is_right_on_average(rows: int, off: float) -> None:
    """However few the rows are; the plain mean of squared gaps is too high by 0.01 or more with 60."""
    rng = np.random.default_rng(rows)
    found = []
    for _ in range(2_000):
        said = rng.uniform(0.2, 0.7, rows)
        came = (rng.uniform(size=rows) < said + off).astype(int)
        found.append(calibration_error(predicted("binary", came, said), np.ones((1, rows)))[0])
    assert np.mean(found) == pytest.approx(off**2, abs=4 * np.std(found) / np.sqrt(2_000))


def test_a_rare_class_leaves_no_interval_for_scores_that_weigh_classes() -> None:
    targets = np.arange(200) < FEWEST_OF_A_CLASS - 1
    few = predicted("binary", targets.astype(int), np.full(200, 0.3))
    assert [name for name in scores_of("binary") if not has_interval(name, few)] == [
        "balanced_accuracy", "auroc", "auprc", "f1", "ece",
    ]  # fmt: skip
    enough = predicted("binary", (np.arange(200) < FEWEST_OF_A_CLASS).astype(int), np.full(200, 0.3))
    assert [name for name in scores_of("binary") if not has_interval(name, enough)] == ["ece"]
    assert "ece" not in deciding("binary")


@pytest.mark.parametrize("task", TASKS)
def test_every_score_has_a_direction_and_a_definition(task: Task) -> None:
    assert set(scores_of(task)) <= {*SLOW, "loss", "calibration_error"}
