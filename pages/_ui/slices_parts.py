"""The groups section of the Compare page: scores by class, and by slices of the columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd
import streamlit as st

from pages._ui.choosing import NO_COLUMNS, Columns, choose_models, choose_side
from pages._ui.few import long, working
from pages._ui.text import chart, literal
from retrain_core.compare.evidence import Evidence, Side
from retrain_core.compare.measures import SCORES
from retrain_core.compare.slice_scores import SliceScores, by_class, slice_scores
from retrain_core.compare.slices import default_columns, slices_of
from retrain_core.compare.weighing import margin_of
from retrain_core.figures.slices import slice_dots
from retrain_core.types import Reading, ShiftReport, Wishes


def show_slices(
    evidence: Evidence,
    columns: Columns,
    classes: Sequence[str],
    shift: ShiftReport | None = None,
    wishes: Wishes | None = None,
    nearest: Sequence[str] = (),
    left_out: Collection[str] = (),
    score: str = "",
) -> None:
    """Show the scores by class, and by slices of chosen columns.

    Args:
        evidence: What all candidates predict.
        columns: The held-out rows as they came, by part; a part without them is not there.
        classes: Names of the classes or labels; empty for numbers.
        shift: How the data moved: the columns that moved most are chosen at first; else the first ones.
        wishes: The smallest difference that matters, and whether the old model has seen the old rows.
        nearest: Candidates, the likeliest to be chosen first; of many, these are shown at first.
        left_out: Columns that are not chosen at first.
        score: The score that is shown at first; by default accuracy, or the mean absolute error.
    """
    side, wishes = choose_side(evidence, "slices"), wishes or Wishes()
    if side == "old" and wishes.old_seen:
        st.caption("The old model has probably been trained on these rows, which flatters it.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        score = st.selectbox(
            "Score",
            evidence.scores,
            index=evidence.scores.index(score or evidence.metric),
            format_func=lambda name: SCORES[name].title,
            key="slices_score",
            persist_state="session",
            width=260,
        )
        names = choose_models(evidence.predicted[side], "slices_models", nearest)
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
        default=default_columns(shift, frame, left_out),
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


@long("classes", at=1)
@st.cache_resource(max_entries=64, show_spinner="Scoring the classes ...")
def _by_class(
    _evidence: Evidence,
    made_of: tuple[str, ...],
    side: Side,
    classes: tuple[str, ...],
    score: str,
    margin: float,
) -> SliceScores:
    with working("classes", made_of):
        return by_class(_evidence, side, classes, score, margin)


@long("groups", at=2)
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
    with working("groups", made_of):
        slices = [one for name, reading in read_as for one in slices_of(_frame, name, reading)]
        return slice_scores(_evidence, side, slices, score, margin)


def _caption(text: str) -> None:
    if text:
        st.caption(literal(text))
