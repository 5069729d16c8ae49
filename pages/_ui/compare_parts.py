"""Sections of the Compare page that look behind the scores: errors, slices, and rows that have flipped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pages._ui.text import chart, decimals, literal
from retrain_core.compare.curves import confusion, precision_recall, reliability, roc
from retrain_core.compare.evidence import SIDES, Evidence, Side
from retrain_core.compare.flips import (
    ERROR_BEFORE,
    ERROR_NOW,
    FLIP_COLUMNS,
    SURE,
    flipped_rows,
    flips,
    matching,
)
from retrain_core.compare.measures import SCORES
from retrain_core.compare.one_label import against_rest
from retrain_core.compare.predicted import Floats, Predicted
from retrain_core.compare.residuals import error_edges, residuals
from retrain_core.compare.slice_scores import SliceScores, by_class, slice_scores
from retrain_core.compare.slices import default_columns, slices_of
from retrain_core.compare.weighing import margin_of
from retrain_core.data.values import text_of
from retrain_core.figures import errors as figures
from retrain_core.figures.slices import flips_bars, slice_dots
from retrain_core.figures.style import keep_first, look_of
from retrain_core.report import error_words
from retrain_core.report.tables import csv_text, harmless
from retrain_core.types import Reading, ShiftReport, Wishes

MOST_MODELS = 4  # on one chart, unless more are asked for
MOST_ROWS = 300  # of a table, so that a page stays small; the download has all
MOST_VALUES = 50  # of a filter
FEW_NUMBERS = 8  # different ones of a column, up to which each can be chosen
SIDE_NAMES = {"new": "new part", "old": "old part"}
Columns = Mapping[Side, pd.DataFrame]
NO_COLUMNS = "The held-out rows were not kept as they came when this experiment was prepared: there are no columns to look at."


def show_errors(
    evidence: Evidence, classes: Sequence[str], labels: Sequence[str] = (), choice: str = "keep"
) -> None:
    """Show which classes are mixed up, thresholds and reliability; of numbers how errors are spread.

    Args:
        evidence: What all candidates predict.
        classes: Names of the classes or labels; empty for numbers.
        labels: Names of the numbers to predict.
        choice: The candidate that is recommended; with many, it is shown at first.
    """
    side = _side(evidence, "errors")
    names = _models(evidence, side, "errors_models", choice)
    models = {name: evidence.predicted[side][name][0] for name in names}
    if any(len(evidence.predicted[side][name]) > 1 for name in names):
        st.caption("Of several seeds, the charts show the first one's model: it is the one that is saved.")
    if evidence.task == "regression":
        _show_residuals(models, labels)
        return
    label = len(classes) - 1
    if len(classes) > 2 or evidence.task == "multilabel":
        chosen = st.selectbox("Label", list(classes), key="errors_label", persist_state="session")
        label = list(classes).index(chosen)
    _show_confusion(models, classes, label, side)
    left, right = st.columns(2)
    with left:
        _heading(error_words.roc_words(classes[label]))
        curves = {name: roc(one, label) for name, one in models.items()}
        chart(figures.roc_chart(curves, classes[label]), key="roc", alt=f"ROC curves for {classes[label]}.")
    with right:
        _heading(error_words.precision_recall_words(classes[label]))
        curves = {name: precision_recall(one, label) for name, one in models.items()}
        figure = figures.precision_recall_chart(curves, classes[label])
        chart(figure, key="precision_recall", alt=f"Precision against recall for {classes[label]}.")
    _heading(error_words.RELIABILITY)
    found = {name: reliability(against_rest(one, label)) for name, one in models.items()}
    chart(
        figures.reliability_chart(found, classes[label]),
        key="reliability",
        alt="How often it came as each candidate said.",
    )


def _heading(words: error_words.Words) -> None:
    title, sentence = words
    st.markdown(f"**{literal(title)}**")
    st.caption(literal(sentence))


def _show_confusion(models: Mapping[str, Predicted], classes: Sequence[str], label: int, side: Side) -> None:
    """Show a table of each candidate, two beside each other; with several labels that of the chosen one."""
    several = next(iter(models.values())).task == "multilabel"
    names = (f"not {classes[label]}", classes[label]) if several else classes
    for start in range(0, len(models), 2):
        for column, name in zip(st.columns(2), list(models)[start : start + 2], strict=False):
            one = against_rest(models[name], label) if several else models[name]
            with column:
                counts, title = confusion(one, len(names)), look_of(name).title
                right = int(np.trace(counts))
                _heading(error_words.confusion_words(title, right, int(counts.sum()), side))
                figure = figures.confusion_chart(counts, names, name)
                chart(figure, key=f"confusion_{name}", alt=f"What {title} takes each class for.")


def _show_residuals(models: Mapping[str, Predicted], labels: Sequence[str]) -> None:
    unit = 0
    if len(labels) > 1:
        chosen = st.selectbox("Label", list(labels), key="errors_number", persist_state="session")
        unit = list(labels).index(chosen)
    edges = error_edges(list(models.values()), unit)
    found = {name: residuals(one, edges, unit) for name, one in models.items()}
    left, right = st.columns(2)
    with left:
        _heading(error_words.ALONG)
        chart(figures.residual_lines(found), key="residual_lines", alt="Errors along the prediction.")
    with right:
        _heading(error_words.SPREAD)
        chart(figures.residual_histogram(found), key="residual_histogram", alt="How errors are spread.")


# --- slices ---------------------------------------------------------------------------------------


def show_slices(
    evidence: Evidence,
    columns: Columns,
    classes: Sequence[str],
    shift: ShiftReport | None = None,
    wishes: Wishes | None = None,
    choice: str = "keep",
) -> None:
    """Show the scores by class, and by slices of chosen columns.

    Args:
        evidence: What all candidates predict.
        columns: The held-out rows as they came, by part; a part without them is not there.
        classes: Names of the classes or labels; empty for numbers.
        shift: How the data moved: the columns that moved most are chosen at first.
        wishes: The smallest difference that matters, and whether the old model has seen the old rows.
        choice: As for :func:`show_errors`.
    """
    side, wishes = _side(evidence, "slices"), wishes or Wishes()
    if side == "old" and wishes.old_seen:
        st.caption("The old model has probably been trained on these rows, which flatters it.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        score = st.selectbox(
            "Score",
            evidence.scores,
            index=evidence.scores.index(evidence.metric),
            format_func=lambda name: SCORES[name].title,
            key="slices_score",
            persist_state="session",
            width=260,
        )
        names = _models(evidence, side, "slices_models", choice)
    least = (
        margin_of(evidence, score, wishes.margin, {side: 1.0}) if "keep" in evidence.predicted["new"] else 0.0
    )
    made_of = _made_of(evidence)
    if classes:
        st.markdown(f"**By {'label' if evidence.task == 'multilabel' else 'class'}**")
        found = _by_class(evidence, made_of, side, tuple(classes), score, least)
        chart(slice_dots(found, names), key="by_class", alt=f"{SCORES[score].title} of each class.")
        _caption(found.note)
    st.markdown("**By column**")
    frame = columns.get(side)
    if frame is None:
        st.caption(NO_COLUMNS)
        return
    readings = {one.name: one.reading for one in (*shift.columns, *shift.others)} if shift else {}
    chosen = st.multiselect(
        "Columns",
        list(frame),
        default=default_columns(shift, frame),
        max_selections=6,
        key="slices_columns",
        persist_state="session",
        help="Rows are grouped by each of them: by category, or into ranges of about equally many rows.",
    )
    read_as = tuple((name, readings.get(name)) for name in chosen)
    if read_as:
        found = _slice_scores(evidence, frame, made_of, side, read_as, score, least)
        chart(slice_dots(found, names), key="slices", alt=f"{SCORES[score].title} of each group.")
        _caption(found.note)


def _made_of(evidence: Evidence) -> tuple[str, ...]:
    """Return a name for the evidence: runs never change, nor do the rows of an experiment that has been run."""
    runs = (f"{outcome.spec.experiment}/{outcome.spec.id}" for outcome in evidence.outcomes)
    return (evidence.holdout.sha256, *runs)


@st.cache_resource(max_entries=64, show_spinner="Scoring the classes ...")
def _by_class(
    _evidence: Evidence,
    made_of: tuple[str, ...],
    side: Side,
    classes: tuple[str, ...],
    score: str,
    margin: float,
) -> SliceScores:
    return by_class(_evidence, side, classes, score, margin)


@st.cache_resource(max_entries=64, show_spinner="Scoring the groups ...")
def _slice_scores(
    _evidence: Evidence,
    _frame: pd.DataFrame,
    made_of: tuple[str, ...],
    side: Side,
    read_as: tuple[tuple[str, Reading | None], ...],
    score: str,
    margin: float,
) -> SliceScores:
    slices = [one for name, reading in read_as for one in slices_of(_frame, name, reading)]
    return slice_scores(_evidence, side, slices, score, margin)


# --- flips ----------------------------------------------------------------------------------------


def show_flips(evidence: Evidence, columns: Columns, classes: Sequence[str], choice: str = "keep") -> None:
    """Show how many rows each candidate made worse and better, and the rows it made worse.

    Args:
        evidence: What all candidates predict.
        columns: The held-out rows as they came, by part; a part without them is not there.
        classes: Names of the classes or labels; empty for numbers.
        choice: The candidate that is recommended: its rows are shown at first.
    """
    side = _side(evidence, "flips")
    found = flips(evidence, side)
    numbers = evidence.task == "regression"
    if numbers:
        st.caption("Much: by more than keep's mean absolute error.")
    chart(flips_bars(found, numbers=numbers), key="flips", alt="Rows that got worse and better.")
    if not found:
        return
    candidate = st.selectbox(
        "Rows that were right before and are wrong now, of"
        if not numbers
        else "Rows whose error has grown most, of",
        list(found),
        index=list(found).index(choice) if choice in found else 0,
        format_func=lambda name: look_of(name).title,
        key="flips_candidate",
        persist_state="session",
        width=360,
    )
    if found[candidate].seeds > 1:
        st.caption(
            "The chart is the mean over seeds; these are the rows of the first one's model, which is saved."
        )
    rows = flipped_rows(evidence, side, candidate, columns.get(side), classes)
    if side not in columns:
        st.caption(NO_COLUMNS)
    else:
        rows = rows[matching(rows, _wanted(rows, f"flips_filter_{side}_{candidate}"))]
    _table(rows)


def _table(rows: pd.DataFrame) -> None:
    formats = {SURE: "%.1f"} | {
        name: decimals(rows[name]) for name in (ERROR_BEFORE, ERROR_NOW) if name in rows
    }
    shown = rows.head(MOST_ROWS).map(_safe).rename(columns=harmless)  # its menu offers a download too
    st.dataframe(
        shown,
        hide_index=True,
        key="flipped_rows",
        placeholder="–",
        column_config={
            name: st.column_config.NumberColumn(format=format) for name, format in formats.items()
        },
    )
    more = (
        f"The first {MOST_ROWS} of {len(rows):,} rows." if len(rows) > MOST_ROWS else f"{len(rows):,} rows."
    )
    st.caption(f"{more} Rows are counted from 1 in this part of the holdout.")
    if len(rows):
        st.download_button(
            "All of them as CSV", csv_text(rows), "rows.csv", "text/csv", icon=":material/download:"
        )


def _safe(cell: Any) -> Any:
    """Return a cell that no spreadsheet runs; numbers written as text, such as the class -1, stay as they are."""
    try:
        float(cell)
    except (TypeError, ValueError):
        return harmless(cell)
    return cell


def _wanted(rows: pd.DataFrame, key: str) -> dict[str, Any]:
    """Let the user choose which rows to see: values of a column, or a range of its numbers; at first all."""
    names = [name for name in rows if name not in FLIP_COLUMNS and rows[name].nunique(dropna=False) > 1]
    chosen = st.multiselect("Only rows with", names, key=key, persist_state="session")
    wanted = {name: _filter(rows[name], f"{key}_{name}") for name in chosen}
    return {name: values for name, values in wanted.items() if values}


def _filter(column: pd.Series, key: str) -> Any:
    """Return the wanted values of a column, or the ends of the wanted range; nothing if all are wanted."""
    name, count = str(column.name), column.nunique()
    if pd.api.types.is_numeric_dtype(column.dtype) and count > FEW_NUMBERS:
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        return _range(name, numbers[np.isfinite(numbers)], key)
    values = pd.Series(text_of(column)).value_counts().index[:MOST_VALUES].tolist()
    return st.multiselect(
        literal(name)
        + (f" (the {MOST_VALUES} most frequent of {count:,} values)" if count > MOST_VALUES else ""),
        values,
        placeholder="all",
        format_func=lambda value: value or "missing",
        key=key,
        persist_state="session",
    )


def _range(name: str, numbers: Floats, key: str) -> tuple[float, float] | None:
    """Return the ends of the wanted range; an end that was not touched is open, so that infinite values lie within."""
    ends = float(numbers.min()), float(numbers.max())
    step = (ends[1] - ends[0]) / 200
    low, high = st.slider(
        literal(name), *ends, ends, step, format="%.4g", key=key, persist_state="session",
        help="Once it is moved, rows without a number are left out.",
    )  # fmt: skip
    low = -math.inf if low < ends[0] + step / 2 else low
    high = math.inf if high > ends[1] - step / 2 else high
    return None if (low, high) == (-math.inf, math.inf) else (low, high)


# --- what the sections share ----------------------------------------------------------------------


def _side(evidence: Evidence, section: str) -> Side:
    """Let the user choose the part, if there are two."""
    sides = [side for side in SIDES if evidence.predicted.get(side)]
    if len(sides) == 1:
        return sides[0]
    return st.segmented_control(
        "Rows",
        sides,
        default=sides[0],
        required=True,
        key=f"{section}_side",
        persist_state="session",
        format_func=SIDE_NAMES.__getitem__,
    )


def _models(evidence: Evidence, side: Side, key: str, choice: str) -> list[str]:
    """Let the user choose candidates, if there are many; keep and ``choice`` are among the first."""
    names = keep_first(evidence.predicted[side])
    if len(names) <= MOST_MODELS:
        return names
    first = sorted(names, key=lambda name: name not in ("keep", choice))[:MOST_MODELS]
    chosen = st.multiselect(
        "Candidates", names, default=[name for name in names if name in first], key=key, persist_state="session",
        format_func=lambda name: look_of(name).title,
    )  # fmt: skip
    return chosen or names[:1]


def _caption(text: str) -> None:
    if text:
        st.caption(literal(text))
