"""Data: the old model and the files, what was read in them, and what the user overrules."""

import tempfile
import time
from pathlib import Path

import streamlit as st

from pages._ui import state
from pages._ui.text import help_for, label_list, literal, show_error, show_findings, split_labels
from retrain_core.data import check, infer_label, infer_schema
from retrain_core.errors import RetrainError
from retrain_core.types import ExperimentSpec, FileRef, ModelCard, Schema, Table

DATA = "CSV, Parquet or NPZ"
ROLES = {
    "model": ("Old model", ".keras or .h5", "The Keras model that is in use now."),
    "new": ("New data", DATA, "The rows that have arrived, with their labels. NPZ holds arrays `x` and `y`."),
    "old": (
        "Old data (optional)",
        DATA,
        "What the old model was trained on. Needed for shift and forgetting.",
    ),
    "holdout": (
        "Holdout (optional)",
        DATA,
        "Rows to score on. Without it, a fifth of the new data is held out.",
    ),
}
TASKS = {"binary": "two classes", "multiclass": "several classes", "regression": "a number"}
PREVIEW_ROWS = 8

st.title("Data")
spec = state.experiment()
draft = state.draft()
state.keep_draft_in_url()
if spec and state.store().runs(spec.id):
    st.info(
        "This experiment has been run. If you change something here, it becomes a new experiment.",
        icon=":material/info:",
    )


def slot(role: str) -> ModelCard | Table | None:
    """Draw the place of one file and return what was read in it.

    An upload goes into the store at once, by its content. Any file is let in, because a refusal of ours says why.
    """
    title, kinds, hint = ROLES[role]
    generation = st.session_state.setdefault(f"upload_generation_{role}", 0)
    file = st.file_uploader(f"{title}: {kinds}", help=hint, key=f"upload_{role}_{generation}")
    if file is not None:
        with tempfile.TemporaryDirectory(dir=state.store().root) as folder:
            path = Path(folder) / "upload"
            path.write_bytes(file.getbuffer())
            state.set_file(role, state.store().add_file(path, file.name))
        st.session_state[f"upload_generation_{role}"] = generation + 1  # an empty uploader drops the buffer
        st.rerun()
    ref = state.draft().files.get(role)
    if ref is None:
        return None
    found, refusal = read(role, ref)
    with st.container(horizontal=True, vertical_alignment="center", key=f"file_{role}"):
        icon = ":green[:material/check_circle:]" if found else ":red[:material/error:]"
        st.markdown(f"{icon} {literal(ref.name)}")
        if st.button("Remove", key=f"remove_{role}", type="tertiary", help=f"Take {title.lower()} away."):
            state.set_file(role, None)
            st.rerun()
    if refusal:
        show_error(refusal)
    return found


def read(role: str, ref: FileRef) -> tuple[ModelCard | Table | None, RetrainError | None]:
    """Return what the file holds, or why it cannot be read."""
    try:
        return (state.card if role == "model" else state.table)(ref.sha256, ref.name), None
    except RetrainError as error:
        return None, error


found: dict[str, ModelCard | Table | None] = {}
for row in (("model", "new"), ("old", "holdout")):
    for column, role in zip(st.columns(2), row, strict=True):
        with column:
            found[role] = slot(role)
model = found["model"] if isinstance(found["model"], ModelCard) else None
tables = {role: table for role, table in found.items() if isinstance(table, Table)}

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
        f"{len(model.inputs)} input{'s'[: len(model.inputs) > 1]} ({names}), {len(model.layers)} layers, "
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
        st.dataframe(rows, hide_index=True, key="layers")
        inputs = [{"input": i.name, "shape": str(i.shape), "type": i.dtype} for i in model.inputs]
        st.dataframe(inputs, hide_index=True, key="inputs")
        show_findings(model.findings)


if model:
    show_model(model)


def overrule(model: ModelCard, schema: Schema, new: Table) -> None:
    """Show what was inferred and let the user change it."""
    label_column, task_column, output_column = st.columns(3)
    labels = [str(name) for name in new.columns.columns]
    label = label_column.selectbox(
        "Label column",
        labels,
        index=labels.index(schema.label),
        help="The column that the model predicts.",
        key=f"label_{draft.version}",
    )
    task = task_column.selectbox(
        "The model predicts",
        list(TASKS),
        index=list(TASKS).index(schema.task),
        format_func=TASKS.__getitem__,
        key=f"task_{draft.version}",
    )
    changes: dict[str, object] = {}
    if label != schema.label:
        changes |= {"label": label, "classes": None, "columns": None}
    if task != schema.task:
        changes |= {"task": task, "classes": None, "from_logits": None}
    if schema.task != "regression":
        kinds = {False: "probabilities", True: "logits"}
        logits = output_column.selectbox(
            "Outputs are",
            [False, True],
            index=int(schema.from_logits),
            format_func=kinds.__getitem__,
            help=help_for("logits"),
            key=f"logits_{draft.version}",
        )
        if logits != schema.from_logits:
            changes |= {"from_logits": logits}
    changes |= _overrule_columns(schema, new)
    if changes:
        state.change_draft(**changes)
        st.rerun()


def _overrule_columns(schema: Schema, new: Table) -> dict[str, object]:
    changes: dict[str, object] = {}
    flat = len(schema.bindings) == 1 and bool(schema.bindings[0].columns)
    with st.expander("Order of columns and labels" if flat else "Order of labels"):
        if flat:
            available = [str(name) for name in new.columns.columns if str(name) != schema.label]
            chosen = st.multiselect(
                f"Columns of the input '{literal(schema.bindings[0].input)}', in the model's order",
                available,
                default=list(schema.bindings[0].columns),
                help="The model does not name its columns; they are matched by order.",
                key=f"columns_{draft.version}",
            )
            if tuple(chosen) != schema.bindings[0].columns:
                changes["columns"] = tuple(chosen)
        if schema.task == "regression":
            st.caption("The label is a number; there are no classes to order.")
            return changes
        text = st.text_input(
            "Labels in the order of the model's outputs, separated by commas",
            value=label_list(schema.classes),
            help="For one output unit: first the label it calls 0, then the one it calls 1.",
            key=f"classes_{draft.version}",
        )
        if text != label_list(schema.classes):
            changes["classes"] = split_labels(text)
    return changes


def mend(model: ModelCard, new: Table) -> None:
    """Let the user say what could not be inferred."""
    names = [str(name) for name in new.columns.columns]
    if not names:
        return
    guess = draft.label or guess_label(model, new)
    label_column, task_column, classes_column = st.columns(3)
    task = task_column.selectbox(
        "The model predicts",
        list(TASKS),
        index=list(TASKS).index(draft.task) if draft.task else None,
        format_func=TASKS.__getitem__,
        placeholder="as the model says",
        key=f"task_{draft.version}",
    )
    label = label_column.selectbox(
        "Label column",
        names,
        index=names.index(guess) if guess in names else None,
        placeholder="Choose the label column",
        key=f"label_{draft.version}",
    )
    text = classes_column.text_input(
        "Labels in the order of the model's outputs, separated by commas",
        value=label_list(draft.classes or ()),
        placeholder="only if they cannot be told from the data",
        key=f"classes_{draft.version}",
    )
    changes: dict[str, object] = {}
    if label and label != guess:
        changes |= {"label": label, "classes": None, "columns": None}
    if task != draft.task:
        changes |= {"task": task, "from_logits": None}
    if text != label_list(draft.classes or ()):
        changes |= {"classes": split_labels(text) or None}
    # A changed label changes what can be chosen below; so that comes first, and the choice with the next run.
    if not changes and len(model.inputs) == 1 and len(model.inputs[0].shape) == 1:
        available = [name for name in names if name != label]
        before = [name for name in draft.columns or available if name in available]
        chosen = st.multiselect(
            f"Columns of the input '{literal(model.inputs[0].name)}', in the model's order",
            available,
            default=before,
            key=f"columns_{draft.version}",
        )
        if chosen != before:
            changes |= {"columns": tuple(chosen), "label": label}
    if changes:
        state.change_draft(**changes)
        st.rerun()


def offer_undo(overruled: dict[str, object], schema: Schema | None) -> None:
    """Offer to go back to what is inferred, if anything was overruled.

    Args:
        overruled: What the draft says.
        schema: What came of it; ``None`` if nothing did.
    """
    if all(value is None for value in overruled.values()) or schema == inferred():
        return
    if st.button("Undo my changes", icon=":material/undo:"):
        state.change_draft(label=None, task=None, from_logits=None, classes=None, columns=None)
        st.rerun()


def inferred() -> Schema | None:
    """Return how the data would be read if nothing were overruled."""
    assert model is not None
    try:
        return infer_schema(model, tables["new"], tables.get("old"))
    except RetrainError:
        return None


def guess_label(model: ModelCard, new: Table) -> str | None:
    """Return the column that looks like the label, if one is left for it."""
    try:
        return infer_label(model, new)
    except RetrainError:
        return None


def preview(tables: dict[str, Table]) -> None:
    """Show the first rows of each file."""
    st.subheader("The data")
    role = st.segmented_control(
        "Show", list(tables), default="new" if "new" in tables else None, required=True, key="preview"
    )
    table = tables.get(role or "")
    if table is None:
        return
    for note in table.notes:
        st.caption(literal(note))
    if table.array is not None:
        st.caption(
            f"{table.rows:,} examples of shape {' x '.join(map(str, table.array.shape[1:]))}; the first {PREVIEW_ROWS}:"
        )
        show_images(table)
        return
    st.caption(f"{table.rows:,} rows, {len(table.columns.columns)} columns; the first {PREVIEW_ROWS}:")
    st.dataframe(table.columns.head(PREVIEW_ROWS), hide_index=True, key=f"preview_{role}")


def show_images(table: Table) -> None:
    """Show the first examples of an image file."""
    assert table.array is not None
    first = table.array[:PREVIEW_ROWS]
    if first.ndim == 4 and first.shape[-1] == 1:
        first = first[..., 0]
    if first.ndim != 3 and not (first.ndim == 4 and first.shape[-1] in (3, 4)):
        return
    low, high = float(first.min()), float(first.max())
    grey = ((first - low) / max(high - low, 1e-9) * 255).astype("uint8")
    with st.container(horizontal=True):
        for number, image in enumerate(grey):
            label = table.columns.iloc[number, 0] if len(table.columns.columns) else number
            st.image(image, width=84, caption=literal(label))


schema = None
if model and "new" in tables:
    st.subheader("How the data is read")
    overruled = {
        name: getattr(draft, name) for name in ("label", "task", "from_logits", "classes", "columns")
    }
    try:
        schema = infer_schema(model, tables["new"], tables.get("old"), **overruled)
    except RetrainError as error:
        show_error(error)
        mend(model, tables["new"])
        offer_undo(overruled, None)
    else:
        overrule(model, schema, tables["new"])
        offer_undo(overruled, schema)
if tables:
    preview(tables)

missing = [ROLES[role][0].lower() for role in ("model", "new") if role not in draft.files]
if missing:
    st.info(f"Still needed: the {' and the '.join(missing)}.", icon=":material/info:")
    st.stop()
if schema is None or model is None or len(tables) < len(draft.files) - 1:
    st.stop()

st.subheader("Checks")
findings = check(model, schema, tables)
show_findings(findings)
blocked = any(finding.status == "error" for finding in findings)


def save() -> None:
    """Save the draft as an experiment and show the shift."""
    assert schema is not None
    files = draft.files
    spec = ExperimentSpec(
        id=state.fresh_id(),
        name=name.strip() or default_name,
        created=time.time(),
        model=files["model"],
        new=files["new"],
        old=files.get("old"),
        holdout=files.get("holdout"),
        schema=schema,
        note=draft.note,
    )
    state.store().save_experiment(spec)
    state.open_experiment(spec.id)


default_name = draft.name or Path(draft.files["new"].name).stem
name = st.text_input("Name of the experiment", value=default_name, max_chars=80)
if blocked:
    st.caption("The errors above have to be mended first.")
if st.button("Use this data", type="primary", icon=":material/arrow_forward:", disabled=blocked):
    try:
        save()
    except RetrainError as error:
        show_error(error)
    else:
        state.go_to("shift" if "old" in draft.files else "train")
