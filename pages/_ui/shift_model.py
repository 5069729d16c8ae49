"""Sections of the Shift page on the old model: what it sees of the shift, and where it has become worse."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages._ui import state
from pages._ui.levels import badge
from pages._ui.text import chart, chart_of, help_for, literal
from retrain_core.figures import model_shift as model_figures
from retrain_core.figures import shift as figures
from retrain_core.runs import unusual_images
from retrain_core.shift.seen import rows_said
from retrain_core.shift.side_tables import INPUTS_FIRST, LABEL_FIRST, kinds_table
from retrain_core.shift.table import SHIFT_COLUMNS
from retrain_core.types import (
    ExperimentSpec,
    ShiftReport,
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
            chart_of(figures.column_distribution, label, key=f"label_{label.name}", alt=label.summary)
    if report.model is None:
        return
    if report.model.loss is not None:
        st.markdown(
            "**Where the change of the old model's loss comes from**", help=help_for("loss waterfall")
        )
        st.write(literal(report.model.loss.summary))
        chart_of(
            model_figures.loss_waterfall, report.model.loss, key="waterfall", alt=report.model.loss.summary
        )
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
