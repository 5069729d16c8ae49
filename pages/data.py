"""Data: the old model and the files, what was read in them, and what the user overrules."""

import time
from pathlib import Path

import pandas as pd
import streamlit as st

from pages._ui import drafts, state, ways
from pages._ui.files import ROLES, preview, slot
from pages._ui.gap_parts import choose_gaps
from pages._ui.reading import (
    choose_split,
    mend,
    offer_undo,
    offer_without_ids,
    overrule,
    read_as,
    read_schema,
    run_checks,
)
from pages._ui.text import literal, show_error, show_findings
from retrain_core.errors import RetrainError
from retrain_core.report.tables import harmless_table
from retrain_core.types import ExperimentSpec, ModelCard, Table

st.title("Data")
spec = state.experiment()
draft = drafts.draft()
drafts.keep_draft_in_url()
if spec and state.store().count_runs(spec.id) and not state.read_only():
    st.info(
        "This experiment has been run. If you change something here, it becomes a new experiment.",
        icon=":material/info:",
    )


found: dict[str, ModelCard | Table | None] = {}
for row in (("model", "new"), ("old", "holdout")):
    for column, role in zip(st.columns(2), row, strict=True):
        with column:
            found[role] = slot(role)
model = found["model"] if isinstance(found["model"], ModelCard) else None
tables = {role: table for role, table in found.items() if isinstance(table, Table)}
readable = {role: ref for role, ref in draft.files.items() if found[role] is not None}

if not draft.files and state.read_only():
    st.info("Open an experiment on the start page to see its data.", icon=":material/lock:")
    st.stop()
if not draft.files:
    st.info(
        "Choose an old model and the new data, or take a sample from the start page.", icon=":material/info:"
    )
    st.page_link("pages/start.py", label="Try a sample", icon=":material/play_arrow:")
    st.stop()


def show_model(model: ModelCard) -> None:
    """Say what the model file says about itself."""
    st.subheader("The old model")
    names = ", ".join(literal(spec.name) for spec in model.inputs[:6]) + (
        " ..." if len(model.inputs) > 6 else ""
    )
    st.markdown(
        f"{len(model.inputs)} input{'s'[: len(model.inputs) > 1]} ({names}), "
        f"{model.depth} layer{'s'[: model.depth != 1]} beside the input, "
        f"{model.parameters:,} parameters. {literal(model.task_reason)}"
    )
    with st.expander("Layers, inputs and what was checked"):
        rows = [
            {
                "layer": layer.name,
                "kind": layer.class_name,
                "parameters": layer.parameters,
                "trainable": layer.trainable,
                "options": layer.summary,
            }
            for layer in model.layers
        ]
        st.dataframe(harmless_table(pd.DataFrame(rows)), hide_index=True, key="layers")
        inputs = [{"input": i.name, "shape": str(i.shape), "type": i.dtype} for i in model.inputs]
        st.dataframe(harmless_table(pd.DataFrame(inputs)), hide_index=True, key="inputs")
        show_findings(model.findings)


if model:
    show_model(model)


schema = None
if model and "new" in tables:
    st.subheader("How the data is read")
    try:
        schema = read_schema(readable, draft.split.columns, **draft.overruled)
    except RetrainError as error:
        if state.read_only() or not offer_without_ids(model, readable):
            show_error(error)
        if state.read_only():
            st.stop()
        mend(model, tables["new"], tables.get("old"))
        choose_split((), tables)
        offer_undo(None, readable)
    else:
        if state.read_only():
            st.markdown(read_as(schema))
        else:
            overrule(model, schema, tables["new"])
            choose_gaps(schema, readable)
            choose_split(schema.labels, tables)
            offer_undo(schema, readable)
if tables:
    preview(tables)

missing = [ROLES[role][0].lower() for role in ("model", "new") if role not in readable]
if missing:
    st.info(f"Still needed: the {' and the '.join(missing)}.", icon=":material/info:")
    st.stop()
if schema is None or model is None or len(tables) < len(draft.files) - 1:
    st.stop()

st.subheader("Checks")
findings = run_checks(readable, schema, draft.split)
show_findings(findings)
blocked = any(finding.status == "error" for finding in findings)
if state.read_only():
    st.stop()


def save() -> None:
    """Save the draft as an experiment and show the shift."""
    assert schema is not None
    files = draft.files
    spec = ExperimentSpec(
        id=drafts.fresh_id(),
        name=name.strip() or default_name,
        created=time.time(),
        model=files["model"],
        new=files["new"],
        old=files.get("old"),
        holdout=files.get("holdout"),
        schema=schema,
        split=draft.split,
        note=draft.note,
    )
    state.store().save_experiment(spec)
    state.open_experiment(spec.id)


default_name = draft.name or ", ".join(Path(draft.files[role].name).stem for role in ("model", "new"))[:80]
name = st.text_input("Name of the experiment", value=default_name, max_chars=80)
if blocked:
    st.caption("The errors above have to be mended first.")
if st.button("Use this data", type="primary", icon=":material/arrow_forward:", disabled=blocked):
    try:
        save()
    except RetrainError as error:
        show_error(error)
    else:
        ways.go_to("shift" if "old" in draft.files else "train")
