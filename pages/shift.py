"""Shift: how the new data differs from the old."""

import streamlit as st

from pages._ui import state
from pages._ui.text import chart, help_for, literal, show_error
from retrain_core.errors import RetrainError
from retrain_core.figures import shift as figures
from retrain_core.shift import shift_report
from retrain_core.shift.frames import feature_frame, label_names
from retrain_core.shift.table import SHIFT_COLUMNS, shift_table
from retrain_core.types import Aspect, ExperimentSpec, ShiftReport

LEVELS = {"none": ("no shift", "green"), "minor": ("minor shift", "orange"), "major": ("major shift", "red")}
FINDING_ICONS = {"none": ":material/info:", "minor": ":material/warning:", "major": ":material/error:"}

st.title("Shift")
spec = state.require_experiment("Here you see how the new data differs from the old, column by column.")
if spec.old is None:
    st.info(
        "**Without old data, shift cannot be measured.** Add the data the old model was trained on, or go on without.",
        icon=":material/info:",
    )
    with st.container(horizontal=True):
        state.page_link("data", "Add old data", ":material/upload_file:")
        state.page_link("train", "Go on to Train")
    st.stop()


@st.cache_data(max_entries=24, show_spinner="Measuring the shift ...")
def measure(spec: ExperimentSpec) -> ShiftReport:
    """Return the shift of an experiment's files."""
    assert spec.old is not None
    old = feature_frame(state.table(spec.old.sha256, spec.old.name), spec.schema)
    new = feature_frame(state.table(spec.new.sha256, spec.new.name), spec.schema)
    return shift_report(old, new, label=label_names(spec.schema), task=spec.schema.task)


def show_aspect(title: str, aspect: Aspect, term: str) -> None:
    """Show one question about the whole table and its answer."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{title}**", help=help_for(term))
        if aspect.level:
            words, colour = LEVELS[aspect.level]
            st.badge(words, color=colour)  # type: ignore[arg-type]
        st.write(literal(aspect.summary))


try:
    report = measure(spec)
except RetrainError as error:
    show_error(error)
    st.stop()

words, colour = LEVELS[report.overall.level or "none"]
st.markdown(f"#### {literal(report.overall.summary)}")
with st.container(horizontal=True):
    st.badge(words, color=colour)  # type: ignore[arg-type]
    st.caption(f"{report.old_rows:,} old rows, {report.new_rows:,} new rows. {literal(spec.note)}")

for column, (title, aspect, term) in zip(
    st.columns(3),
    (
        ("Label", report.label, "label shift"),
        ("All columns together", report.multivariate, "covariate shift"),
        ("Label given the inputs", report.concept, "concept shift"),
    ),
    strict=True,
):
    with column:
        show_aspect(title, aspect, term)

st.subheader("Columns, most moved first")
if not all(binding.columns for binding in spec.schema.bindings):
    st.caption("The file holds arrays: what is measured of each example stands below as columns.")
st.caption(
    "Effect: how far a column has moved, in standard deviations of the old data. Bars are 95 % intervals."
)
chart(figures.column_effects(report), key="effects", alt=f"Effect of each column. {report.overall.summary}")

shifts = {shift.name: shift for shift in (*report.columns, *report.labels)}
chosen = st.selectbox("Look at a column", list(shifts), key="shift_column")
if chosen is not None:
    shift = shifts[chosen]
    st.write(literal(shift.summary))
    st.caption(f"Read as {shift.reading}. {literal(shift.reason)}")
    for finding in shift.findings:
        st.markdown(f":{LEVELS[finding.level][1]}[{FINDING_ICONS[finding.level]}] {literal(finding.text)}")
    chart(figures.column_distribution(shift), key="distribution", alt=shift.summary)

st.subheader("All measures")
st.dataframe(
    shift_table(report),
    hide_index=True,
    key="measures",
    placeholder="–",
    column_config={
        name: st.column_config.Column(help=text, pinned=name == "column")
        for name, text in SHIFT_COLUMNS.items()
    },
)
state.page_link("train", "Go on to Train")
