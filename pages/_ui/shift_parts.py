"""The parts of the Shift page. Each draws what the report holds; nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from pages._ui import state
from pages._ui.levels import badge
from pages._ui.shift_columns import columns, others
from pages._ui.shift_model import labels_and_concept, seen_by_model
from pages._ui.shift_settings import change
from pages._ui.text import chart, help_for, literal
from retrain_core.figures import model_shift as model_figures
from retrain_core.figures.time_shift import time_lines
from retrain_core.report.tables import harmless_table
from retrain_core.shift.side_tables import newest_table
from retrain_core.shift.wording import percent
from retrain_core.types import (
    Aspect,
    ExperimentSpec,
    ShiftReport,
)


def verdict(report: ShiftReport, spec: ExperimentSpec) -> None:
    """Say in one sentence how the data has moved."""
    st.markdown(f"#### {literal(report.overall.summary)}")
    with st.container(horizontal=True):
        badge(report.overall.level or "none")
        st.caption(f"{report.old_rows:,} old rows, {report.new_rows:,} new rows. {literal(spec.note)}")


def aspects(report: ShiftReport) -> None:
    """Show the answers to the questions about the whole table, side by side."""
    questions: list[tuple[str, Aspect, str]] = [
        ("Label", report.label, "label shift"),
        ("All columns together", report.multivariate, "covariate shift"),
        ("Label given the inputs", report.concept, "concept shift"),
    ]
    for column, (title, aspect, term) in zip(st.columns(3), questions, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{title}**", help=help_for(term))
            badge(aspect.level)
            st.write(literal(aspect.summary))


def together(report: ShiftReport, spec: ExperimentSpec) -> None:
    """Show what tells new rows from old when all columns are taken together."""
    badge(report.multivariate.level)
    st.write(literal(report.multivariate.summary))
    joint = report.joint
    if joint is None:
        return
    if joint.drivers:
        chart(
            model_figures.drivers_chart(joint.drivers),
            key="drivers",
            alt="Columns that tell new rows from old.",
        )
    if report.old_rows:
        st.caption(
            f"Weighted to look like the new rows, the {report.old_rows:,} old rows are worth about "
            f"{joint.effective_old_rows:,.0f} ({percent(joint.effective_old_rows / report.old_rows)}).",
            help=help_for("effective old rows"),
        )
    if joint.newest:
        st.markdown("**New rows least like the old ones**")
        st.dataframe(
            harmless_table(newest_table(joint)),
            hide_index=True,
            key="newest",
            column_config={
                "row": st.column_config.NumberColumn(format="%d"),
                "like an old row (%)": st.column_config.NumberColumn(
                    format="%.1f", help=help_for("likeness")
                ),
            },
        )


def in_time(report: ShiftReport, spec: ExperimentSpec) -> None:
    """Show the drift over chunks of rows in order of time."""
    settings = state.store().shift_settings(spec.id)
    nothing = "no column"
    options = [nothing, *report.orders]
    current = settings.time if settings.time in report.orders else nothing
    picked = st.selectbox(
        "Which column says when a row came?",
        options,
        index=options.index(current),
        key="time_column",
        help="It need not be one that the model takes.",
        width=360,
        disabled=state.read_only(),
    )
    if picked != current:
        change(spec, replace(settings, time=None if picked == nothing else picked))
    if report.time is None:
        st.info("Choose a column, then the drift is shown chunk by chunk.", icon=":material/schedule:")
        return
    st.write(literal(report.time.summary))
    if not report.time.lines:
        return
    names = [line.name for line in report.time.lines]
    shown = st.multiselect("Show", names, default=names[:3], key="time_lines", max_selections=6)
    st.caption(
        "Each chunk of rows against all old rows, in standard deviations (d). Grey: the band it would stay in by chance.",
        help=help_for("band"),
    )
    chart(time_lines(report.time, shown), key="time", alt=report.time.summary)


MODEL, LABELS = "Seen by the model", "Labels and concept"
SECTIONS: dict[str, Callable[[ShiftReport, ExperimentSpec], None]] = {
    "Columns": columns,
    "All columns together": together,
    MODEL: seen_by_model,
    LABELS: labels_and_concept,
    "In time": in_time,
    "What others say": others,
}
