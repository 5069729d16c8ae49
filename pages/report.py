"""Report: take the answer away."""

from dataclasses import replace

import streamlit as st

from pages._ui import state, ways
from pages._ui.answers import certainty, current_answer, not_known
from pages._ui.downloads import download
from pages._ui.model_parts import models
from pages._ui.text import literal
from retrain_core.answer import commands_of
from retrain_core.report import render
from retrain_core.report.content import COMMANDS_WHERE, Commands, ReportContent
from retrain_core.report.tables import csv_text, flat_scores
from retrain_core.shift import shift_json
from retrain_core.types import ExperimentSpec, ShiftSettings, Wishes, to_json

st.title("Report")
spec = ways.require_experiment("Here you take the comparison away as one file.")
ways.require_runs(spec, "Run the strategies first, then there is something to report.")
content = current_answer(spec)
comparison = content.comparison
file_name = (
    "".join(letter if letter.isalnum() else "-" for letter in spec.name).strip("-").lower() or "experiment"
)


@st.cache_resource(max_entries=64, show_spinner=False)
def commands(
    spec: ExperimentSpec, settings: ShiftSettings, wishes: Wishes, _content: ReportContent
) -> Commands:
    """Return the commands that do the same, made once for all that is wished and each way to measure the shift."""
    refs = {"new": spec.new, "old": spec.old}
    tables = state.tables({role: ref for role, ref in refs.items() if ref})
    return commands_of(state.store(), _content, tables)


settings = state.store().shift_settings(spec.id)
content = replace(content, commands=commands(spec, settings, comparison.wishes, content))

if comparison.recommendation:
    st.markdown(f"#### {literal(comparison.recommendation.summary)}")
    certainty(comparison)

st.subheader("The report")
st.markdown(
    "One HTML file with the recommendation, all scores and charts. It opens offline and holds no raw rows."
)
download("Report (HTML)", lambda: render(content), f"{file_name}-report.html", "text/html", primary=True)

st.subheader("All numbers")
with st.container(horizontal=True):
    download("Scores (CSV)", lambda: csv_text(flat_scores(comparison)), f"{file_name}-scores.csv", "text/csv")
    download("Comparison (JSON)", lambda: to_json(comparison), "comparison.json", "application/json")
    if content.shift is not None:
        shift = content.shift
        download("Shift (JSON)", lambda: to_json(shift_json(shift)), "shift.json", "application/json")
    if content.sensitivities:
        found = content.sensitivities
        download("Sensitivity (JSON)", lambda: to_json(found), "sensitivity.json", "application/json")

not_known(content)

st.subheader("The models")
st.caption(
    "Each is a compiled .keras file: load it with keras.saving.load_model. With several seeds, the first seed's model."
)
models(content, file_name)

st.subheader("The same from the command line")
st.caption(COMMANDS_WHERE)
assert content.commands is not None
st.code("\n".join(content.commands.lines), language="bash", wrap_lines=True)
for sentence in content.commands.left_out:
    st.caption(literal(sentence))
