"""The parts of the Shift page. Each draws what the report holds; nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd
import streamlit as st

from pages._ui import state
from pages._ui.text import chart, decimals, help_for, literal
from retrain_core.figures import model_shift as model_figures
from retrain_core.figures import shift as figures
from retrain_core.figures.time_shift import time_lines
from retrain_core.runs import unusual_images
from retrain_core.shift.others import others_said
from retrain_core.shift.seen import rows_said
from retrain_core.shift.side_tables import INPUTS_FIRST, LABEL_FIRST, kinds_table, newest_table, peer_table
from retrain_core.shift.table import CAPPED, SHIFT_COLUMNS, shift_table
from retrain_core.shift.wording import at_least, percent
from retrain_core.types import (
    Aspect,
    ColumnShift,
    ExperimentSpec,
    Reading,
    ShiftReport,
    ShiftSettings,
    Thresholds,
)

LEVELS = {"none": ("no shift", "green"), "minor": ("minor shift", "orange"), "major": ("major shift", "red")}
MOST_ROWS = 300  # of a table; the rest is in shift.json, so that a page stays small


def badge(level: str | None) -> None:
    """Show a level; nothing if it cannot be told."""
    if level:
        words, colour = LEVELS[level]
        st.badge(words, color=colour)  # type: ignore[arg-type]


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


# --- sections -------------------------------------------------------------------------------------


def columns(report: ShiftReport, spec: ExperimentSpec) -> None:
    """Show every column: how far it moved, one of them in full, all measures."""
    if not all(binding.columns for binding in spec.schema.bindings):
        st.caption("The file holds arrays: what is measured of each example stands below as columns.")
    st.caption(
        "Effect: as large as a shift of a normal variable by so many standard deviations (d). Bars are 95 % intervals. "
        f"{CAPPED}"
    )
    chart(
        figures.column_effects(report), key="effects", alt=f"Effect of each column. {report.overall.summary}"
    )
    if report.others:
        st.caption(literal(others_said(report)))
    shifts = {shift.name: shift for shift in (*report.columns, *report.labels, *report.others)}
    unused = {shift.name for shift in report.others}
    chosen = st.selectbox(
        "Look at a column",
        list(shifts),
        key="shift_column",
        persist_state="session",
        format_func=lambda name: f"{name} (not taken by the model)" if name in unused else name,
    )
    if chosen is not None:
        _column(shifts[chosen], spec)
    st.markdown("**All measures**")
    table = shift_table(report)
    texts = {
        name: st.column_config.Column(help=text, pinned=name == "column")
        for name, text in SHIFT_COLUMNS.items()
        if name in table
    }
    numbers = {
        name: st.column_config.NumberColumn(help=SHIFT_COLUMNS.get(name), format=decimals(table[name]))
        for name in table.select_dtypes("number")
    }
    _table(table, "measures", texts | numbers)


def _table(table: pd.DataFrame, key: str, columns: dict[str, Any]) -> None:
    """Show the first rows of a table, those of the columns that moved most, so that a page stays small."""
    st.dataframe(table.head(MOST_ROWS), hide_index=True, key=key, placeholder="–", column_config=columns)
    if len(table) > MOST_ROWS:
        st.caption(f"The {MOST_ROWS} that moved most, of {len(table):,}.")


def _column(shift: ColumnShift, spec: ExperimentSpec) -> None:
    badge(shift.level)
    st.write(literal(shift.summary))
    for finding in shift.findings:
        colour = "gray" if finding.level == "none" else LEVELS[finding.level][1]
        st.markdown(f":{colour}[:material/warning:] {literal(finding.text)}")
    if shift.distribution is not None:
        chart(figures.column_distribution(shift), key="distribution", alt=shift.summary)
    detectable = (
        f" A movement of {at_least(shift.detectable)} would be found here with a chance of 80 %."
        if shift.detectable is not None
        else ""
    )
    st.caption(
        f"Read as {shift.reading}. {literal(shift.reason)}{detectable}", help=help_for("detectable effect")
    )
    settings = state.store().shift_settings(spec.id)
    automatic = "as it looks"
    options = [automatic, *get_args(Reading)]
    current = settings.readings.get(shift.name, automatic)
    picked = st.selectbox(
        "Read it as",
        options,
        index=options.index(current),
        key=f"reading_{shift.name}",
        help="Which measures are taken depends on what the column is. The shift is measured again.",
        width=260,
    )
    if picked != current:
        readings = {name: kind for name, kind in settings.readings.items() if name != shift.name}
        if picked != automatic:
            readings[shift.name] = picked
        change(spec, replace(settings, readings=readings))


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
            newest_table(joint),
            hide_index=True,
            key="newest",
            column_config={
                "row": st.column_config.NumberColumn(format="%d"),
                "like an old row (%)": st.column_config.NumberColumn(
                    format="%.1f", help=help_for("likeness")
                ),
            },
        )


def seen_by_model(report: ShiftReport, spec: ExperimentSpec) -> None:
    """Show what the old model makes of the shift."""
    model = report.model
    if model is None:
        return
    left, right = st.columns(2)
    for column, title, aspect in (
        (left, "Its predictions", model.predictions),
        (right, f"Its layer '{model.layer}'" if model.layer else "Its last hidden layer", model.features),
    ):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{literal(title)}**")
            badge(aspect.level)
            st.write(literal(aspect.summary))
    for note in model.notes:
        st.caption(literal(note))
    outputs = {output.name: output for output in model.outputs if output.distribution is not None}
    if outputs:
        chosen = st.selectbox("Look at an output", list(outputs), key="output")
        chart(
            figures.column_distribution(outputs[chosen]),
            key="output_distribution",
            alt=outputs[chosen].summary,
        )
    images = unusual_images(state.store(), spec)
    if images is not None and len(images):
        st.markdown("**New images least like the old ones**")
        titles = [f"row {row + 1:,}" for row in model.unusual[: len(images)]]
        chart(model_figures.image_grid(np.asarray(images), titles), key="unusual", alt="Unusual new images.")
    elif model.unusual:
        rows = ", ".join(str(row + 1) for row in model.unusual)
        st.caption(
            f"Rows of the new file, counted from 1, that are least like the old ones to the model: {rows}."
        )
    if said := rows_said(model.rows, (report.old_rows, report.new_rows)):
        st.caption(said)


def labels_and_concept(report: ShiftReport, spec: ExperimentSpec) -> None:
    """Show which kind of shift it is, and where the old model's loss comes from."""
    if report.kinds is not None:
        st.markdown(f"**{literal(report.kinds.summary)}**")
        if report.kinds.tests:
            table = kinds_table(report.kinds)
            st.dataframe(
                table,
                hide_index=True,
                key="kinds",
                placeholder="–",
                column_config={
                    name: st.column_config.NumberColumn(format="%.2f", help=SHIFT_COLUMNS[name])
                    for name in ("effect (sd)", "95 % from", "95 % to")
                }
                | {
                    name: st.column_config.NumberColumn(format="%.0f", help=help_for("share of the shift"))
                    for name in (INPUTS_FIRST, LABEL_FIRST)
                },
            )
            if INPUTS_FIRST in table:
                st.caption("The shift can be taken apart in two ways; the shares of each add up to 100 %.")
    for label in report.labels:
        if label.distribution is not None:
            chart(figures.column_distribution(label), key=f"label_{label.name}", alt=label.summary)
    if report.model is None:
        return
    if report.model.loss is not None:
        st.markdown(
            "**Where the change of the old model's loss comes from**", help=help_for("loss waterfall")
        )
        st.write(literal(report.model.loss.summary))
        chart(model_figures.loss_waterfall(report.model.loss), key="waterfall", alt=report.model.loss.summary)
    st.markdown("**Where the old model has become worse**")
    if not report.model.regions:
        old, new = report.model.rows
        st.caption(f"No group of rows could be told from chance with {old:,} old and {new:,} new rows.")
        return
    for region in report.model.regions:
        st.markdown(f"- {literal(region.summary)}")
    chart(
        model_figures.regions_chart(report.model.regions, shares=spec.schema.task != "regression"),
        key="regions",
        alt=report.model.regions[0].summary,
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


def others(report: ShiftReport, spec: ExperimentSpec) -> None:
    """Show the verdicts of other tools' default rules beside ours."""
    st.caption(
        "What the default rules of other tools say about the same rows, so that results can be reconciled. They do not "
        "correct for the number of columns, and judge by p-value or by size, not by both. NannyML judges ten chunks of "
        "the new rows one by one; 'drift' means that at least one alarms."
    )
    _table(peer_table(report), "peers", {"column": st.column_config.Column(pinned=True)})


MODEL, LABELS = "Seen by the model", "Labels and concept"
SECTIONS: dict[str, Callable[[ShiftReport, ExperimentSpec], None]] = {
    "Columns": columns,
    "All columns together": together,
    MODEL: seen_by_model,
    LABELS: labels_and_concept,
    "In time": in_time,
    "What others say": others,
}

# --- settings -------------------------------------------------------------------------------------


def thresholds_form(spec: ExperimentSpec, settings: ShiftSettings) -> None:
    """Let the user say when a movement counts."""
    now = settings.thresholds
    is_open = st.session_state.get("thresholds_open", False)  # once they were changed, to see what they did
    with st.expander("When does a movement count?", icon=":material/tune:", expanded=is_open):
        st.caption("It has to be real (adjusted p-value) and large enough to matter (effect).")
        with st.form("thresholds", border=False):
            first, second, third = st.columns(3)
            alpha = first.number_input(
                "Adjusted p below",
                0.0001,
                0.5,
                now.alpha,
                0.01,
                format="%g",
                help=help_for("adjusted p-value"),
            )
            minor = second.number_input(
                "Minor from (sd)", 0.0, 3.0, now.minor, 0.05, format="%g", help=help_for("movement")
            )
            major = third.number_input("Major from (sd)", 0.0, 3.0, now.major, 0.05, format="%g")
            with st.container(horizontal=True):
                use = st.form_submit_button("Use these")
                reset = st.form_submit_button("Back to the usual ones", disabled=now == Thresholds())
        if major < minor:
            st.error("Major has to be at least minor.", icon=":material/error:")
        elif use and (alpha, minor, major) != (now.alpha, now.minor, now.major):
            st.session_state["thresholds_open"] = True
            change(spec, replace(settings, thresholds=Thresholds(alpha, minor, major)))
        if reset:
            st.session_state["thresholds_open"] = True
            change(spec, replace(settings, thresholds=Thresholds()))


def change(spec: ExperimentSpec, settings: ShiftSettings) -> None:
    """Keep changed settings; the page measures again."""
    state.store().save_shift_settings(spec.id, settings)
    st.rerun()
