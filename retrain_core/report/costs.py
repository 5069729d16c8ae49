"""What candidates cost and when they pay, as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from retrain_core.compare.cost import Payoff
from retrain_core.compare.cost_words import money, paid_words
from retrain_core.compare.score_words import gain_text, range_text
from retrain_core.figures.style import keep_first, look_of, trains
from retrain_core.report.tables import CANDIDATE, ScoreColumn
from retrain_core.report.text_table import TextTable, text_table
from retrain_core.types import Comparison, Stakes, Task
from retrain_core.types.text import counted, spanned

ENERGY = "energy (J)"
COST_COLUMNS: dict[str, ScoreColumn] = {
    "training (s)": ScoreColumn("Seconds of training, mean over seeds.", "%.1f"),
    "processor (s)": ScoreColumn("Seconds of processor time, all cores together, mean over seeds.", "%.1f"),
    "peak memory (MB)": ScoreColumn("Largest memory of the training process, over seeds.", "%.0f"),
    "rows seen": ScoreColumn("Training rows, counted each time one is used, mean over seeds.", "%.0f"),
    "steps": ScoreColumn("Training steps, mean over seeds.", "%.0f"),
    ENERGY: ScoreColumn("Energy of the whole machine while it trained, in joules, mean over seeds.", "%.0f"),
}
DEVICE_HELP = "Where it ran. Shared: another run used it at the same time, so its times are longer."
NO_ENERGY = "This machine does not tell how much energy a training takes."
SHARED = "Where runs shared a device, times are longer than they would be alone: candidates are judged by the processor time."
PAYOFF_HEAD = [
    "candidate",
    "gain a prediction",
    "95 % interval",
    "cost of a training",
    "pays after",
    "net benefit",
    "its 95 % interval",
]


def cost_table(comparison: Comparison) -> pd.DataFrame:
    """Return what each candidate cost, one row each, keep first; what is not known is missing (NaN).

    Energy has a column only if it is known of one.

    Args:
        comparison: The candidates.
    """
    rows = []
    for name in keep_first(comparison.strategies):
        one = comparison.strategies[name]
        trained = trains(name) and one.new is not None
        costs = (
            one.seconds,
            one.cpu_seconds or math.nan,
            one.rows_seen,
            one.steps,
            math.nan if one.energy_joules is None else one.energy_joules,
        )
        seconds, processor, seen, steps, energy = costs if trained else (math.nan,) * len(costs)
        memory = one.peak_memory_mb or math.nan
        values = (seconds, processor, memory, seen, steps, energy)
        rows.append({
            CANDIDATE: look_of(name).title,
            **dict(zip(COST_COLUMNS, values, strict=True)),
            "device": one.device.upper() + (", shared" if one.shared else ""),
        })  # fmt: skip
    table = pd.DataFrame(rows)
    return table if table[ENERGY].notna().any() else table.drop(columns=ENERGY)


def cost_notes(comparison: Comparison) -> list[str]:
    """Return what is to be known of the costs."""
    candidates = comparison.strategies.values()
    notes = [SHARED] if any(one.shared for one in candidates) else []
    return notes if any(one.energy_joules is not None for one in candidates) else [*notes, NO_ENERGY]


def costs(comparison: Comparison) -> TextTable:
    """Return :func:`cost_table` as text."""
    return text_table(cost_table(comparison), COST_COLUMNS, {"device": DEVICE_HELP})


def stakes_words(stakes: Stakes, task: Task) -> str:
    """Return what was entered, in a sentence.

    >>> stakes_words(Stakes(0.5, 1000, 90, 4.0), "binary")
    'As entered: a prediction that is right instead of wrong is worth 0.5; 1,000 predictions a day; 90 days; 4 an hour of training.'
    """
    better = (
        "an absolute error smaller by 1"
        if task == "regression"
        else "a prediction that is right instead of wrong"
    )
    return (
        f"As entered: {better} is worth {stakes.value:,.10g}; {counted(stakes.a_day, 'prediction')} a day; "
        f"{counted(stakes.days, 'day')}; {stakes.an_hour:,.10g} an hour of training."
    )


def payoff_rows(task: Task, payoffs: Mapping[str, Payoff]) -> list[list[str]]:
    """Return what each candidate brings over keep, a row each under ``PAYOFF_HEAD``.

    Args:
        task: Kind of problem.
        payoffs: By candidate.
    """
    score = "mae" if task == "regression" else "accuracy"
    return [
        [
            look_of(name).title,
            gain_text(score, payoff.gain),
            range_text(score, *payoff.gain_interval).removesuffix(" points"),
            money(payoff.cost),
            paid_words(payoff),
            money(payoff.net),
            spanned(*map(money, payoff.interval)),
        ]
        for name, payoff in payoffs.items()
    ]
