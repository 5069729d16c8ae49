"""Report: take the answer away."""

import shlex

import streamlit as st

from pages._ui import state
from pages._ui.answers import DEFAULT_OLD_WEIGHT, certainty, current_answer
from pages._ui.text import literal
from retrain_core.answer import model_path
from retrain_core.figures.style import look_of
from retrain_core.report import render
from retrain_core.report.content import ReportContent
from retrain_core.report.tables import csv_text, flat_scores
from retrain_core.runs.settings import write_settings
from retrain_core.shift import shift_json
from retrain_core.strategies import SHARED_OPTIONS
from retrain_core.types import to_json

st.title("Report")
spec = state.require_experiment("Here you take the comparison away as one file.")
state.require_runs(spec, "Run the strategies first, then there is something to report.")
content = current_answer(
    spec, float(st.session_state.get("old_weight", DEFAULT_OLD_WEIGHT)) if spec.old else 0.0
)
comparison = content.comparison
file_name = (
    "".join(letter if letter.isalnum() else "-" for letter in spec.name).strip("-").lower() or "experiment"
)


def command(content: ReportContent) -> str:
    """Return the command that does the same without the app."""
    spec, runs = content.spec, state.store().runs(content.spec.id)
    seeds = sorted({run.seed for run in runs})
    parts = ["python", "-m", "retrain_core", "compare", "--model", spec.model.name, "--new", spec.new.name]
    for option, ref in (("--old", spec.old), ("--holdout", spec.holdout)):
        parts += [option, ref.name] if ref else []
    if content.shift is not None and content.shift.left_out and len(spec.schema.bindings) == 1:
        parts += ["--columns", ",".join(spec.schema.bindings[0].columns)]
    parts += ["--label", spec.schema.label, "--strategies", ",".join(content.comparison.strategies)]
    shared = {
        name: next((run.options[name] for run in runs if name in run.options), None)
        for name in SHARED_OPTIONS
    }
    for option in ("epochs", "batch_size"):
        parts += [] if shared[option] is None else [f"--{option.replace('_', '-')}", str(shared[option])]
    parts += ["--balanced"] if shared["balanced"] else []
    steps = runs[0].limits.steps
    parts += ["--steps", str(steps)] if steps else []
    for text in write_settings(runs, {name: value for name, value in shared.items() if value is not None}):
        parts += ["--set", text]
    parts += [
        "--seed",
        str(seeds[0]),
        "--seeds",
        str(len(seeds)),
        "--old-weight",
        f"{content.comparison.old_weight:g}",
    ]
    return shlex.join([*parts, "--out", "result"])


if comparison.recommendation:
    st.markdown(f"#### {literal(comparison.recommendation.summary)}")
    certainty(comparison)

st.subheader("The report")
st.markdown(
    "One HTML file with the recommendation, all scores and charts. It opens offline and holds no raw rows."
)
st.download_button(
    "Report (HTML)",
    data=lambda: render(content),
    file_name=f"{file_name}-report.html",
    mime="text/html",
    type="primary",
    icon=":material/download:",
    on_click="ignore",
)

st.subheader("All numbers")
with st.container(horizontal=True):
    st.download_button(
        "Scores (CSV)",
        data=lambda: csv_text(flat_scores(comparison)),
        file_name=f"{file_name}-scores.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    st.download_button(
        "Comparison (JSON)",
        data=lambda: to_json(comparison),
        file_name="comparison.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
    )
    if content.shift is not None:
        shift = content.shift
        st.download_button(
            "Shift (JSON)",
            data=lambda: to_json(shift_json(shift)),
            file_name="shift.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
        )
    if content.sensitivities:
        st.download_button(
            "Sensitivity (JSON)",
            data=lambda: to_json(content.sensitivities),
            file_name="sensitivity.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
        )

st.subheader("The models")
st.caption(
    "Each is a compiled .keras file: load it with keras.saving.load_model. With several seeds, the first seed's model."
)
with st.container(horizontal=True):
    for name, candidate in comparison.strategies.items():
        if candidate.model is None:
            continue
        path = model_path(state.store(), content, name)
        st.download_button(
            f"{look_of(name).title} (.keras)",
            data=path.read_bytes,
            file_name=f"{file_name}-{name}.keras",
            mime="application/octet-stream",
            key=f"model_{name}",
            icon=":material/download:",
            on_click="ignore",
        )

st.subheader("The same from the command line")
st.caption(
    "A time limit, what else was overruled on the Data page, and how the Shift page was set cannot be said there yet."
)
st.code(command(content), language="bash", wrap_lines=True)
