"""Sections of the Shift page column by column: how far each has moved, and what other tools say of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pandas as pd
import streamlit as st

from pages._ui import state
from pages._ui.levels import LEVELS, badge
from pages._ui.shift_settings import change
from pages._ui.text import chart_of, decimals, help_for, literal
from retrain_core.figures import shift as figures
from retrain_core.report.tables import harmless_table
from retrain_core.shift.others import others_said
from retrain_core.shift.side_tables import peer_table
from retrain_core.shift.table import CAPPED, SHIFT_COLUMNS, shift_table
from retrain_core.shift.wording import at_least
from retrain_core.types import (
    ColumnShift,
    ExperimentSpec,
    Reading,
    ShiftReport,
)

MOST_ROWS = 300  # of a table; the rest is in shift.json, so that a page stays small


def columns(report: ShiftReport, spec: ExperimentSpec) -> None:
    """Show every column: how far it moved, one of them in full, all measures."""
    if not all(binding.columns for binding in spec.schema.bindings):
        st.caption("The file holds arrays: what is measured of each example stands below as columns.")
    st.caption(
        "Effect: as large as a shift of a normal variable by so many standard deviations (d). Bars are 95 % intervals. "
        f"{CAPPED}"
    )
    chart_of(
        figures.column_effects, report, key="effects", alt=f"Effect of each column. {report.overall.summary}"
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
    shown = harmless_table(table.head(MOST_ROWS))
    st.dataframe(shown, hide_index=True, key=key, placeholder="–", column_config=columns)
    if len(table) > MOST_ROWS:
        st.caption(f"The {MOST_ROWS} that moved most, of {len(table):,}.")


def _column(shift: ColumnShift, spec: ExperimentSpec) -> None:
    badge(shift.level)
    st.write(literal(shift.summary))
    for finding in shift.findings:
        colour = "gray" if finding.level == "none" else LEVELS[finding.level][1]
        st.markdown(f":{colour}[:material/warning:] {literal(finding.text)}")
    if shift.distribution is not None:
        chart_of(figures.column_distribution, shift, key="distribution", alt=shift.summary)
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
        disabled=state.read_only(),
    )
    if picked != current:
        readings = {name: kind for name, kind in settings.readings.items() if name != shift.name}
        if picked != automatic:
            readings[shift.name] = picked
        change(spec, replace(settings, readings=readings))


def others(report: ShiftReport, spec: ExperimentSpec) -> None:
    """Show the verdicts of other tools' default rules beside ours."""
    st.caption(
        "What the default rules of other tools say about the same rows, so that results can be reconciled. They do not "
        "correct for the number of columns, and judge by p-value or by size, not by both. NannyML judges ten chunks of "
        "the new rows one by one; 'drift' means that at least one alarms."
    )
    _table(peer_table(report), "peers", {"column": st.column_config.Column(pinned=True)})
