"""Shift: how the new data differs from the old."""

import streamlit as st

from pages._ui import shift_parts as parts
from pages._ui import state, ways
from pages._ui.probes import ask, failed, follow, not_asked
from pages._ui.shift_settings import thresholds_form
from retrain_core.runs import plan_shift

st.title("Shift")
spec = ways.require_experiment("Here you see how the new data differs from the old, column by column.")
if spec.old is None:
    st.info(
        "**Without old data, shift cannot be measured.** Add the data the old model was trained on, or go on without.",
        icon=":material/info:",
    )
    with st.container(horizontal=True):
        ways.page_link("data", "Add old data", ":material/upload_file:")
        ways.page_link("diagnosis", "Go on to Diagnosis")
    st.stop()

settings = state.store().shift_settings(spec.id)
probes = plan_shift(spec.id, settings)
found = ask(probes)
report = state.shift_report(spec, settings)
shift, *model = [found.get(probe.id) for probe in probes]
model = [one for one in model if one]
if report is None:
    if not_asked(probes[:1], found, "The shift"):
        st.stop()
    assert shift is not None
    if not failed([shift], "The shift", "shift"):
        follow([shift.spec], "how the data has moved", "shift")
    thresholds_form(spec, settings)
    st.stop()

parts.verdict(report, spec)
parts.aspects(report)
section = st.segmented_control(
    "Look at",
    list(parts.SECTIONS),
    default=next(iter(parts.SECTIONS)),
    required=True,
    key="section",
    bind="query-params",
)
if (
    section in (parts.MODEL, parts.LABELS)
    and report.model is None
    and not failed(model, "What the model sees", "model")
):
    waiting = [one.spec for one in model if not one.done]
    if waiting:
        follow(waiting, "what the old model sees", "model")
parts.SECTIONS[section](report, spec)
st.divider()
thresholds_form(spec, settings)
with st.container(horizontal=True):
    ways.page_link("diagnosis", "Go on to Diagnosis", ":material/troubleshoot:")
    ways.page_link("train", "Go on to Train")
