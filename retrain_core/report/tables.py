"""The scores as tables: one to read, one to calculate with, and CSV that no spreadsheet runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from retrain_core.compare.measures import SCORES, scores_of
from retrain_core.figures.style import keep_first, look_of, trains
from retrain_core.types import CandidateScores, Comparison
from retrain_core.types.text import spanned

PARTS = ("new", "old")
CANDIDATE = "candidate"
RISKY = tuple("=+-@\t\r\n＝＋－＠")  # a spreadsheet takes text that begins so for a formula


@dataclass(frozen=True)
class ScoreColumn:
    """How a column of numbers is shown.

    Args:
        help: What it holds and which way is better.
        format: Number format of Streamlit's ``NumberColumn`` (printf).
    """

    help: str
    format: str


def _score_columns() -> dict[str, ScoreColumn]:
    columns: dict[str, ScoreColumn] = {}
    for part in PARTS:
        where = f"on the {part} part of the holdout, mean over seeds"
        columns |= {
            f"{part} accuracy (%)": ScoreColumn(f"Share of right predictions {where}. Higher is better.", "%.1f"),
            f"Δ {part} (points)": ScoreColumn(
                f"Accuracy {where}, minus that of keep, in percentage points. Above 0 is better than keep.", "%+.1f"
            ),
            f"{part} MAE": ScoreColumn(
                f"Mean absolute error {where}, in units of the label. Lower is better.", "%.4g"
            ),
            f"Δ {part} MAE": ScoreColumn(
                f"Mean absolute error {where}, minus that of keep. Below 0 is better than keep.", "%+.3g"
            ),
            f"{part} loss": ScoreColumn(f"Loss {where}. Lower is better.", "%.4f"),
            f"Δ {part} loss": ScoreColumn(f"Loss {where}, minus that of keep. Below 0 is better than keep.", "%+.4f"),
        }  # fmt: skip
    return columns | {
        "training (s)": ScoreColumn("Seconds of training, mean over seeds.", "%.1f"),
        "steps": ScoreColumn("Training steps, mean over seeds.", "%.0f"),
        "memory (MB)": ScoreColumn("Largest memory of the training process, over seeds.", "%.0f"),
    }


SCORE_COLUMNS: dict[str, ScoreColumn] = _score_columns()

# The text columns of the same table and what they hold.
TEXT_COLUMNS: dict[str, str] = {
    CANDIDATE: "Keep changes nothing; every difference (Δ) is to it, on the same rows.",
    "best on": "The parts of the holdout on which it has the best mean accuracy or mean absolute error.",
    "forecast": "Training time that was forecast before the start, and whether it came true.",
    "device": "Where it ran. Shared: another run used it at the same time, so its times are longer.",
    "status": "How its runs ended.",
}


def score_table(comparison: Comparison) -> pd.DataFrame:
    """Return the scores as people read them: one row a candidate, keep first, the best ones named.

    Accuracies are in percent, their differences to keep in percentage points. What a candidate has no score for is
    missing (NaN); without old rows there are no old columns.

    Args:
        comparison: The candidates.
    """
    parts = parts_of(comparison)
    best = {part: best_on(comparison, part) for part in parts}
    rows = []
    for name in keep_first(comparison.strategies):
        candidate = comparison.strategies[name]
        row: dict[str, Any] = {
            CANDIDATE: look_of(name).title,
            "best on": ", ".join(part for part in parts if name in best[part]),
        }
        for score in (comparison.metric.name, "loss"):
            for part in parts:
                row |= _cells(candidate, part, score, is_keep=name == "keep")
        row |= {
            "training (s)": candidate.seconds if candidate.new and trains(name) else math.nan,
            "steps": candidate.steps if candidate.new and trains(name) else math.nan,
            "memory (MB)": candidate.peak_memory_mb or math.nan,
            "forecast": forecast_words(candidate),
            "device": candidate.device.upper() + (", shared" if candidate.shared else ""),
            "status": status_words(candidate),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def forecast_words(candidate: CandidateScores) -> str:
    """Return the time that was forecast, and whether the mean time lies in it; a dash if nobody asked."""
    if candidate.forecast is None or candidate.new is None:
        return "–"
    low, high = candidate.forecast
    held = "longer" if candidate.seconds > high else "shorter" if candidate.seconds < low else "as forecast"
    return f"{spanned(f'{low:,.1f}', f'{high:,.1f}')} s: {held}"


def flat_scores(comparison: Comparison) -> pd.DataFrame:
    """Return every score in a row of its own: strategy, seed, part, score, value, interval, difference to keep, unit.

    The rows with seed ``mean`` hold the means over seeds with their 95 % intervals; single seeds have the first two scores. Costs follow as scores of the part
    ``training``. Accuracies are shares from 0 to 1.

    Args:
        comparison: The candidates.
    """
    return pd.DataFrame(
        [row for name in keep_first(comparison.strategies) for row in _flat_rows(comparison, name)],
        columns=[
            "strategy", "seed", "status", "part", "score", "value", "low_95", "high_95",
            "difference_to_keep", "difference_low_95", "difference_high_95", "unit", "better",
        ],
    )  # fmt: skip


def csv_text(frame: pd.DataFrame) -> str:
    """Return ``frame`` as CSV in which no text begins like a formula; numbers stay as they are.

    >>> csv_text(pd.DataFrame({"name": ["=1+1", "b"], "Δ": [-0.5, 2.0]})).splitlines()
    ['name,Δ', "'=1+1,-0.5", 'b,2.0']
    """
    return harmless_table(frame).to_csv(index=False, lineterminator="\r\n")


def harmless_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which no text begins like a formula: also for one on the screen, whose menu offers it as CSV."""
    safe = frame.copy(deep=False)
    for at, dtype in enumerate(frame.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype):
            safe.isetitem(at, frame.iloc[:, at].map(harmless).array)
    return safe.set_axis([harmless(name) for name in frame.columns], axis=1)


def harmless(cell: Any) -> Any:
    """Return a text cell with a quote before what a spreadsheet would take for a formula; anything else unchanged.

    Numbers written as text stay as they are.

    >>> [harmless(cell) for cell in ("=1+1", "-1", "-a", -1, "a")]
    ["'=1+1", '-1', "'-a", -1, 'a']
    """
    if not isinstance(cell, str) or not cell.startswith(RISKY):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def parts_of(comparison: Comparison) -> tuple[str, ...]:
    """Return the parts of the holdout that have rows."""
    return PARTS if comparison.holdout.old_rows else ("new",)


def scores_on(candidate: CandidateScores, part: str) -> dict[str, float]:
    """Return a candidate's scores on one part; empty if there are none."""
    return dict((candidate.new if part == "new" else candidate.old) or {})


def best_on(comparison: Comparison, part: str) -> frozenset[str]:
    """Return the strategies with the best mean score on one part; several if they are equal."""
    metric = comparison.metric
    found = {
        name: scores_on(candidate, part)[metric.name]
        for name, candidate in comparison.strategies.items()
        if metric.name in scores_on(candidate, part)
    }
    if not found:
        return frozenset()
    top = max(found.values()) if metric.direction == "max" else min(found.values())
    return frozenset(name for name, value in found.items() if value == top)


def status_words(candidate: CandidateScores) -> str:
    """Return how a strategy's runs ended, with the number of seeds if they ended differently.

    Args:
        candidate: The strategy.
    """
    done = sum(seed["status"] == candidate.status for seed in candidate.per_seed)
    total = len(candidate.per_seed)
    return candidate.status if done == total else f"{candidate.status} ({done} of {total} seeds)"


def _cells(candidate: CandidateScores, part: str, score: str, *, is_keep: bool) -> dict[str, float]:
    value = scores_on(candidate, part).get(score, math.nan)
    delta = (candidate.delta.get(part) or {}).get(score)
    change = math.nan if delta is None or is_keep else delta.value
    if score == "accuracy":
        points = 0.0 if abs(change) < 0.0005 else 100 * change  # never shown as "-0.0"
        return {f"{part} accuracy (%)": 100 * value, f"Δ {part} (points)": points}
    title = "MAE" if score == "mae" else score
    return {f"{part} {title}": value, f"Δ {part} {title}": change}


def _flat_rows(comparison: Comparison, name: str) -> Iterator[dict[str, Any]]:
    candidate = comparison.strategies[name]
    told = (comparison.metric.name, "loss")
    scores = dict.fromkeys((*told, *scores_of(comparison.task)))
    for part in parts_of(comparison):
        for score in scores:
            kind = {"part": part, "score": score, **_unit(score)}
            low, high = (candidate.interval.get(part) or {}).get(score, (None, None))
            delta = None if name == "keep" else (candidate.delta.get(part) or {}).get(score)
            yield {
                "strategy": name, "seed": "mean", "status": candidate.status, **kind,
                "value": scores_on(candidate, part).get(score), "low_95": low, "high_95": high,
                "difference_to_keep": delta.value if delta else None,
                "difference_low_95": delta.interval[0] if delta else None,
                "difference_high_95": delta.interval[1] if delta else None,
            }  # fmt: skip
            for seed in candidate.per_seed if score in told else ():
                value = (seed.get(part) or {}).get(score)
                yield {
                    "strategy": name,
                    "seed": str(seed["seed"]),
                    "status": seed["status"],
                    **kind,
                    "value": value,
                }
    costs = (
        ("seconds", candidate.seconds, "seconds"),
        ("peak_memory", candidate.peak_memory_mb, "MB"),
        ("rows_seen", candidate.rows_seen, "rows"),
        ("steps", candidate.steps, "steps"),
        ("processor_seconds", candidate.cpu_seconds, "seconds"),
        ("energy", candidate.energy_joules, "joules"),
    )
    for score, value, unit in costs:
        yield {
            "strategy": name, "seed": "mean", "status": candidate.status, "part": "training",
            "score": score, "value": value, "unit": unit, "better": "lower",
        }  # fmt: skip
    for seed in candidate.per_seed:
        yield {
            "strategy": name, "seed": str(seed["seed"]), "status": seed["status"], "part": "training",
            "score": "seconds", "value": seed["seconds"], "unit": "seconds", "better": "lower",
        }  # fmt: skip


def _unit(score: str) -> dict[str, str]:
    kind = SCORES[score]
    units = {"mae": "units of the label", "rmse": "units of the label", "loss": "loss", "log_loss": "loss"}
    unit = "share" if kind.share else units.get(score, "")
    return {"unit": unit, "better": "higher" if kind.direction == "max" else "lower"}
