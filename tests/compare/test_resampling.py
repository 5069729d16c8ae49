"""Draws of the rows against SciPy's bootstrap, and against a plain loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from retrain_core.compare.measures import SCORES
from retrain_core.compare.resampling import draw_counts, draws_for, resample
from tests.compare.made import predicted, rows_of

DRAWS = 2_000
PARTS = (2.5, 25, 50, 75, 97.5)


def pair(rows: int = 150) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(4)
    targets = rng.integers(0, 2, rows)
    seen = 1.2 * targets + rng.normal(size=rows)
    first, second = (1 / (1 + np.exp(0.6 - seen - noise * rng.normal(size=rows))) for noise in (0.4, 1.0))
    return targets, first, second


def auroc(targets: Any, scores: Any) -> float:
    ranks, having = stats.rankdata(scores), targets == 1
    above = ranks[having].sum() - having.sum() * (having.sum() + 1) / 2
    return float(above / having.sum() / (~having).sum())


def brier(targets: Any, scores: Any) -> float:
    return float(np.square(scores - targets).mean())


def balanced_accuracy(targets: Any, scores: Any) -> float:
    right = (scores > 0.5) == (targets == 1)
    return float((right[targets == 1].mean() + right[targets == 0].mean()) / 2)


@pytest.mark.parametrize(
    ("score", "definition"),
    [("brier", brier), ("auroc", auroc), ("balanced_accuracy", balanced_accuracy)],
)
def test_differences_scatter_as_in_scipys_paired_bootstrap(
    score: str, definition: Callable[[Any, Any], float]
) -> None:
    targets, first, second = pair()
    candidates = {"a": [predicted("binary", targets, first)], "b": [predicted("binary", targets, second)]}
    found = resample(candidates, [score], seed=1, draws=DRAWS)[score]
    ours = (found["a"] - found["b"])[0]
    theirs = stats.bootstrap(
        (targets, first, second),
        lambda t, a, b: definition(t, a) - definition(t, b),
        paired=True, vectorized=False, n_resamples=DRAWS, method="percentile", rng=np.random.default_rng(2),
    )  # fmt: skip
    spread = theirs.standard_error
    by_chance = 4 * np.sqrt(2 / DRAWS)  # four standard errors of the difference of two such simulations
    assert np.std(ours, ddof=1) == pytest.approx(spread, rel=by_chance / np.sqrt(2))
    for part in PARTS:
        height = (
            stats.norm.pdf(stats.norm.ppf(part / 100)) / spread
        )  # of the density, by which a percentile scatters
        scatter = by_chance * np.sqrt(part / 100 * (1 - part / 100)) / height
        assert np.percentile(ours, part) == pytest.approx(
            np.percentile(theirs.bootstrap_distribution, part), abs=scatter
        )


def test_whole_groups_are_drawn_as_in_a_plain_loop() -> None:
    targets, first, _ = pair(60)
    groups = np.random.default_rng(0).integers(0, 15, 60)
    groups[:15] = np.arange(15)
    one = predicted("binary", targets, first)
    found = resample({"a": [one]}, ["auroc", "accuracy", "f1"], seed=3, draws=50, groups=groups)
    rng = np.random.default_rng(3)
    for draw in range(50):
        rows = np.concatenate([np.flatnonzero(groups == group) for group in rng.integers(0, 15, 15)])
        some = rows_of(one, rows)
        for score, each in found.items():
            expected = SCORES[score].of(some, np.ones((1, some.rows)))[0]
            assert each["a"][0, draw] == pytest.approx(expected, nan_ok=True), score


def test_every_candidate_and_seed_is_scored_on_the_same_draws() -> None:
    targets, first, second = pair()
    one, other = predicted("binary", targets, first), predicted("binary", targets, second)
    found = resample({"a": [one, other], "b": [one]}, ["auroc", "brier"], draws=30)
    for each in found.values():
        assert each["a"].shape == (2, 30)
        assert (each["a"][0] == each["b"][0]).all()
        assert (each["a"][0] != each["a"][1]).any()


@pytest.mark.parametrize("groups", [None, np.arange(700) // 7])
def test_as_many_rows_or_groups_are_drawn_as_there_are(groups: Any) -> None:
    counts = np.concatenate(list(draw_counts(700, 40, seed=1, groups=groups)))
    again = np.concatenate(list(draw_counts(700, 40, seed=1, groups=groups)))
    assert counts.shape == (40, 700)
    assert (counts == again).all() and (counts[0] != counts[1]).any()
    assert (counts.sum(axis=1) == 700).all()
    if groups is not None:
        assert (counts.reshape(40, 100, 7) == counts.reshape(40, 100, 7)[:, :, :1]).all()


def test_more_rows_are_drawn_less_often() -> None:
    assert [draws_for(rows) for rows in (0, 1_000, 200_000, 10_000_000)] == [1_000, 1_000, 500, 200]
