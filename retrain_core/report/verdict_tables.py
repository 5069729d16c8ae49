"""Tables behind the recommendation: what each candidate is worth, every difference, and what is forgotten."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from retrain_core.compare.cost import main_score
from retrain_core.compare.evidence import Evidence, Side
from retrain_core.compare.measures import sign_of
from retrain_core.compare.score_words import IN_PERCENT, name_of
from retrain_core.compare.weighing import old_side
from retrain_core.figures.style import look_of, trains
from retrain_core.report.tables import CANDIDATE, ScoreColumn
from retrain_core.types import Comparison, Difference, Recommendation
from retrain_core.types.text import counted

AGAINST, SAID, WHY_OUT = "against", "what can be said", "why it is out"
EXPECTED, MEASURED, LOW, HIGH = "expected (margins)", "measured", "95 % from", "95 % to"
CHOSEN, SECONDS, P = "chosen (%)", "time alone (s)", "adjusted p"
MARGIN = "One margin is the smallest difference that matters."
WEIGHED_COLUMNS: dict[str, ScoreColumn] = {
    EXPECTED: ScoreColumn(
        f"How much better than keep it is expected to be on other rows, over all scores. {MARGIN} It is smaller than what was "
        "measured, as part of a measured gain is luck. The choice is made by it.",
        "%+.1f",
    ),
    MEASURED: ScoreColumn("How much better than keep it was on the rows that are weighed, in margins.", "%+.1f"),
    LOW: ScoreColumn("Where the 95 % interval of what was measured begins, in margins.", "%+.1f"),
    HIGH: ScoreColumn("Where the 95 % interval of what was measured ends, in margins.", "%+.1f"),
    CHOSEN: ScoreColumn(
        "In how many of 100 resamples of the rows, and of the seeds if there are several, it is chosen. Near 100 %: the choice "
        "does not hang on luck.", "%.0f"
    ),
    SECONDS: ScoreColumn(
        "Seconds of training, mean over seeds; where runs shared the CPU, of processor time. Of candidates that are nearly as good, a cheap one is chosen.", "%.1f"
    ),
}  # fmt: skip
WEIGHED_TEXTS: dict[str, str] = {
    CANDIDATE: "The best that is to be expected comes first.",
    WHY_OUT: "Which limit it breaks.",
}
DIFFERENCE_TEXTS: dict[str, str] = {
    CANDIDATE: "Whose score.",
    AGAINST: "Against whose, on the same rows.",
    SAID: "At the 95 % level. 'Cannot tell' is no proof that there is no difference.",
}
FORGOTTEN_TEXTS: dict[str, str] = {SAID: "At the 95 % level."}
ON_TRAINING = "lost on old training rows"


@dataclass(frozen=True)
class Unit:
    """How differences of a score are shown.

    Args:
        factor: What they are multiplied by.
        words: Behind the name of a column.
        format: Printf.
    """

    factor: float
    words: str
    format: str

    def show(self, value: float) -> float:
        """Return a difference in this unit, never as minus nothing."""
        shown = self.factor * value
        return 0.0 if self.factor > 1 and abs(shown) < 0.05 else shown


def unit_of(score: str) -> Unit:
    """Return how differences of ``score`` are shown.

    >>> unit_of("accuracy").words, unit_of("log_loss").words
    (' (points)', '')
    """
    return Unit(100.0, " (points)", "%+.1f") if score in IN_PERCENT else Unit(1.0, "", "%+.4f")


def gain_column(score: str) -> str:
    """Return the name of the column that holds the gains in ``score``."""
    return f"{name_of(score)} gain{unit_of(score).words}"


def weighed_table(comparison: Comparison, recommendation: Recommendation) -> pd.DataFrame:
    """Return what each candidate is worth against keep, the best that is to be expected first.

    Args:
        comparison: The candidates.
        recommendation: What they were weighed by, and the choice.
    """
    weighed = sorted(recommendation.weighed.items(), key=lambda item: -item[1].expected)
    rows = []
    for name, one in weighed:
        keep = name == "keep"
        gains = {
            gain_column(score): math.nan if keep else unit_of(score).show(gain)
            for score, gain in one.gains.items()
        }
        rows.append(
            {CANDIDATE: look_of(name).title}
            | gains
            | {
                EXPECTED: one.expected,
                MEASURED: math.nan if keep else one.worth,
                LOW: math.nan if keep or not one.interval else one.interval[0],
                HIGH: math.nan if keep or not one.interval else one.interval[1],
                CHOSEN: 100 * one.share,
                SECONDS: comparison.strategies[name].own_seconds if trains(name) else math.nan,
                WHY_OUT: one.excluded,
            }
        )
    table = pd.DataFrame(rows)
    return table if table[WHY_OUT].any() else table.drop(columns=WHY_OUT)


def weighed_columns(recommendation: Recommendation) -> dict[str, ScoreColumn]:
    """Return how the columns of numbers of :func:`weighed_table` are shown."""
    gains = {
        gain_column(score): ScoreColumn(
            f"How much better than keep it is in {name_of(score)}, over new and old rows as they count. Above 0 is better.",
            unit_of(score).format,
        )
        for score in recommendation.scores
    }  # fmt: skip
    return gains | WEIGHED_COLUMNS


# --- differences ----------------------------------------------------------------------------------


def said(difference: Difference) -> str:
    """Return what can be said of a difference, in words."""
    if difference.more_rows is None:
        return difference.verdict
    return f"{difference.verdict}; about {counted(difference.more_rows, 'more row')} would tell"


def difference_table(comparison: Comparison, side: Side, score: str) -> pd.DataFrame:
    """Return every difference of one score on one part: against keep first, then between the candidates."""
    unit = unit_of(score)
    found = [one for one in comparison.differences if (one.side, one.score) == (side, score)]
    rows = [
        {
            CANDIDATE: look_of(one.candidate).title,
            AGAINST: look_of(one.base).title,
            f"better by{unit.words}": unit.show(one.value),
            LOW: unit.show(one.interval[0]),
            HIGH: unit.show(one.interval[1]),
            P: one.p_adjusted,
            SAID: said(one),
            f"over seeds{unit.words}": math.nan if one.seeds is None else unit.factor * one.seeds,
        }
        for one in sorted(found, key=lambda one: one.base != "keep")
    ]
    table = pd.DataFrame(rows)
    return table.dropna(axis="columns", how="all")


ADJUSTED = ScoreColumn(
    "Chance of a difference this large if there were none, corrected for how many candidates are compared; what can be said "
    "goes by it, so it may be less than an interval alone would tell. 0.000: below 0.0005.",
    "%.3f",
)


def difference_columns(score: str) -> dict[str, ScoreColumn]:
    """Return how the columns of numbers of :func:`difference_table` are shown."""
    unit, name = unit_of(score), name_of(score)
    return {
        f"better by{unit.words}": ScoreColumn(
            f"How much better the first is than the second in {name}. Above 0 is better, whichever way the score runs.",
            unit.format,
        ),
        LOW: ScoreColumn("Where the 95 % interval of the difference begins.", unit.format),
        HIGH: ScoreColumn("Where the 95 % interval of the difference ends.", unit.format),
        f"over seeds{unit.words}": ScoreColumn(
            "Standard deviation of the difference over seeds, of those that have several.", unit.format.replace("+", "")
        ),
        P: ADJUSTED,
    }  # fmt: skip


# --- forgetting -----------------------------------------------------------------------------------


def forgetting_table(comparison: Comparison, evidence: Evidence) -> pd.DataFrame:
    """Return what each candidate has forgotten: keep's score on old rows less its own, and what can be said of it.

    Where the old model knows the rows of the holdout, also what is lost on old training rows: there it can be told, there is
    its interval, and the limit on forgetting is held against it.
    """
    score = main_score(comparison)
    unit, sign = unit_of(score), sign_of(score)
    known = old_side(evidence, comparison.wishes) == "trained"
    rows = []
    for one in comparison.differences:
        delta = (comparison.strategies[one.candidate].delta.get("old") or {}).get(score)
        if (one.side, one.score, one.base) != ("old", score, "keep") or delta is None:
            continue
        low, high = sorted(-end for end in one.interval)
        row = {CANDIDATE: look_of(one.candidate).title, f"lost{unit.words}": unit.show(-sign * delta.value)}
        if known:
            row[f"{ON_TRAINING}{unit.words}"] = unit.show(-one.value)
        rows.append(row | {LOW: unit.show(low), HIGH: unit.show(high), P: one.p_adjusted, SAID: said(one)})
    return pd.DataFrame(rows)


def forgetting_columns(score: str) -> dict[str, ScoreColumn]:
    """Return how the columns of numbers of :func:`forgetting_table` are shown."""
    unit, name = unit_of(score), name_of(score)
    return {
        f"lost{unit.words}": ScoreColumn(
            f"How much worse than keep it is in {name} on the old part of the holdout. Below 0 it has become better there.",
            unit.format,
        ),
        f"{ON_TRAINING}{unit.words}": ScoreColumn(
            "The same on old training rows. The interval is of these, what can be said is said of these, and the limit on "
            "forgetting is held against them.",
            unit.format,
        ),
        LOW: ScoreColumn("Where the 95 % interval of what is lost begins.", unit.format),
        HIGH: ScoreColumn("Where the 95 % interval of what is lost ends.", unit.format),
        P: ADJUSTED,
    }  # fmt: skip
