"""How the data is read: inferred once for each choice, shown, and the user may overrule it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pages._ui import drafts, state
from pages._ui.few import long, working
from pages._ui.text import help_for, literal
from retrain_core.data import check, infer_labels, infer_schema, labels_wanted, without_ids
from retrain_core.data.losses import takes_scores
from retrain_core.data.marks import looks_like_id
from retrain_core.data.names import label_list, listed, split_labels
from retrain_core.data.time_order import looks_like_time, orders
from retrain_core.errors import RetrainError
from retrain_core.types import FileRef, Finding, ModelCard, Schema, SplitSettings, Table
from retrain_core.types.text import counted

TASKS = {
    "binary": "two classes",
    "multiclass": "several classes",
    "multilabel": "several labels a row",
    "regression": "a number, or several",
}

Files = dict[str, FileRef]


@st.cache_data(max_entries=24, show_spinner=False)
def read_schema(files: Files, apart: tuple[str, ...], **overruled: Any) -> Schema:
    """Return how the files are read, with what the user overruled; columns ``apart`` only if the model needs them."""
    tables = state.tables(files)
    return infer_schema(
        state.card(*_key(files["model"])), tables["new"], tables.get("old"), apart=apart, **overruled
    )


@long("checks")
@st.cache_data(max_entries=24, show_spinner="Checking the data ...")
def run_checks(files: Files, schema: Schema, split: SplitSettings) -> tuple[Finding, ...]:
    """Return what was checked, and how it came out."""
    card, tables = state.card(*_key(files["model"])), state.tables(files)
    with working("checks", files):
        return check(card, schema, tables, split)


def _key(ref: FileRef) -> tuple[str, str]:
    return ref.sha256, ref.name


def overrule(model: ModelCard, schema: Schema, new: Table) -> None:
    """Show what was inferred and let the user change it."""
    draft = drafts.draft()
    label_column, task_column, output_column = st.columns(3)
    with label_column:
        labels = choose_labels(new, schema.labels, several=len(schema.labels) > 1)
    task = task_column.selectbox(
        "The model predicts",
        list(TASKS),
        index=list(TASKS).index(schema.task),
        format_func=TASKS.__getitem__,
        key=f"task_{draft.version}",
    )
    changes: dict[str, object] = {}
    if labels != schema.labels:
        changes |= {"label": labels or None, "classes": None, "columns": None}
    if task != schema.task:
        changes |= {"task": task, "classes": None, "from_logits": None}
        changes |= {} if labels_wanted(model, task) == len(schema.labels) else {"label": None}
    if schema.task != "regression":
        logits = output_column.selectbox(
            "Outputs are",
            [False, True],
            index=int(schema.from_logits),
            format_func=outputs_words(schema).__getitem__,
            help=help_for("logits"),
            key=f"logits_{draft.version}",
        )
        if logits != schema.from_logits:
            changes |= {"from_logits": logits}
    changes |= _overrule_columns(schema, new)
    if changes:
        drafts.change_draft(**changes)
        st.rerun()


def read_as(schema: Schema) -> str:
    """Return how the data is read, where nobody may change it."""
    labels = ", ".join(literal(name) for name in schema.labels)
    return f"Label: {labels}. The model predicts {TASKS[schema.task]}."


def choose_labels(new: Table, chosen: tuple[str, ...], *, several: bool) -> tuple[str, ...]:
    """Let the user choose the label column, or several in the order of the output units."""
    names, key = [str(name) for name in new.columns.columns], f"label_{drafts.draft().version}"
    if several:
        help = "One for each output unit, in the model's order."
        default = [name for name in chosen if name in names]
        return tuple(st.multiselect("Label columns", names, default=default, help=help, key=key))
    label = st.selectbox(
        "Label column",
        names,
        index=names.index(chosen[0]) if chosen and chosen[0] in names else None,
        placeholder="Choose the label column",
        help="The column that the model predicts.",
        key=key,
    )
    return () if label is None else (label,)


def _overrule_columns(schema: Schema, new: Table) -> dict[str, object]:
    draft, changes = drafts.draft(), dict[str, object]()
    flat = len(schema.bindings) == 1 and bool(schema.bindings[0].columns)
    with st.expander("Order of columns and labels" if flat else "Order of labels"):
        if flat:
            available = [str(name) for name in new.columns.columns if str(name) not in schema.labels]
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
            help="For one output unit: first the label it calls 0, then the one it calls 1. If the file counts the "
            "labels from 0, names for them. Behind those of the model: labels that are new to it.",
            key=f"classes_{draft.version}",
        )
        if text != label_list(schema.classes):
            changes["classes"] = split_labels(text)
    return changes


def choose_split(labels: tuple[str, ...], tables: Mapping[str, Table]) -> None:
    """Let the user name the columns that say when a row came and whose it is; nothing is named by itself."""
    draft, new = drafts.draft(), tables["new"]
    names = [str(name) for name in new.columns if name not in labels]
    times = list(orders(tables.get("old", new), new, labels))
    with st.expander("How rows are held out", expanded=bool(draft.split.columns)):
        st.caption(
            "A fifth of the rows of each side is held out from all training, and 15 % of the new rows are kept for early "
            "stopping: drawn at random, unless you name a time column. Rows with equal inputs stay in one part."
        )
        time_column, id_column = st.columns(2)
        time = time_column.selectbox(
            "Time column",
            times,
            index=times.index(draft.split.time) if draft.split.time in times else None,
            placeholder="none",
            help="It says when a row came. The latest rows are held out, as the next ones will be later too.",
            key=f"split_time_{draft.version}",
        )
        id = id_column.selectbox(
            "Id column",
            names,
            index=names.index(draft.split.id) if draft.split.id in names else None,
            placeholder="none",
            help="It says whose a row is, such as a customer's. Nobody's rows are both trained on and held out.",
            key=f"split_id_{draft.version}",
        )
        for hint in _hints(draft.split, names, tables):
            st.caption(literal(hint))
    if (time, id) != (draft.split.time, draft.split.id):
        drafts.change_draft(split=replace(draft.split, time=time, id=id))
        st.rerun()


def _hints(split: SplitSettings, names: list[str], tables: Mapping[str, Table]) -> list[str]:
    """Say which columns look as if they ought to be named."""
    shared = [name for name in names if all(name in table.columns for table in tables.values())]
    dates = [name for name in shared if looks_like_time(tables["new"].columns[name])]
    ids = [name for name in shared if looks_like_id(name)]
    hints = []
    if dates and split.time is None:
        hints.append(f"{dates[0]} holds dates: name it if the model will be used on later rows than these.")
    if ids and split.id is None:
        hints.append(f"{ids[0]} may say whose a row is: name it if several rows are about the same.")
    return hints


def mend(model: ModelCard, new: Table, old: Table | None) -> None:
    """Let the user say what could not be inferred."""
    draft = drafts.draft()
    names = [str(name) for name in new.columns.columns]
    if not names:
        return
    guess = (draft.label,) if isinstance(draft.label, str) else draft.label or guess_labels(model, new, old)
    label_column, task_column, classes_column = st.columns(3)
    with label_column:
        labels = choose_labels(new, guess, several=max(len(guess), labels_wanted(model, draft.task)) > 1)
    task = task_column.selectbox(
        "The model predicts",
        list(TASKS),
        index=list(TASKS).index(draft.task) if draft.task else None,
        format_func=TASKS.__getitem__,
        placeholder="as the model says",
        key=f"task_{draft.version}",
    )
    text = classes_column.text_input(
        "Labels in the order of the model's outputs, separated by commas",
        value=label_list(draft.classes or ()),
        placeholder="only if they cannot be told from the data",
        key=f"classes_{draft.version}",
    )
    changes: dict[str, object] = {}
    if labels and labels != guess:
        changes |= {"label": labels, "classes": None, "columns": None}
    if task != draft.task:
        changes |= {"task": task, "from_logits": None}
        changes |= {} if labels_wanted(model, task) == len(guess) else {"label": None}
    if text != label_list(draft.classes or ()):
        changes |= {"classes": split_labels(text) or None}
    # A changed label changes what can be chosen below; so that comes first, and the choice with the next run.
    if not changes and len(model.inputs) == 1 and len(model.inputs[0].shape) == 1:
        available = [name for name in names if name not in labels]
        before = [name for name in draft.columns or available if name in available]
        chosen = st.multiselect(
            f"Columns of the input '{literal(model.inputs[0].name)}', in the model's order",
            available,
            default=before,
            key=f"columns_{draft.version}",
        )
        if chosen != before:
            changes |= {"columns": tuple(chosen), "label": labels or None}
    if changes:
        drafts.change_draft(**changes)
        st.rerun()


def offer_without_ids(model: ModelCard, files: Files) -> bool:
    """Offer to leave out what looks like an id, if the files can be read without it; return whether it was offered."""
    draft, tables = drafts.draft(), state.tables(files)
    new, old = tables["new"], tables.get("old")
    labels = draft.label or guess_labels(model, new, old)
    labels = (labels,) if isinstance(labels, str) else labels
    proposal = without_ids(model, new, old, labels)
    if proposal is None or draft.columns is not None:
        return False
    changes = {"label": labels, "columns": proposal.columns}
    try:
        read_schema(files, draft.split.columns, **(draft.overruled | changes))
    except RetrainError:
        return False
    more = counted(len(proposal.ids), "column")
    st.warning(
        f"**{literal(new.name)} has {more} more than the model takes.**  \n{literal(proposal.why)}",
        icon=":material/help:",
    )
    if st.button(f"Leave out {literal(listed(proposal.ids, 3))}", type="primary", key="leave_out"):
        drafts.change_draft(**changes)
        st.rerun()
    return True


def offer_undo(schema: Schema | None, files: Files) -> None:
    """Offer to go back to what is inferred, if anything was overruled.

    Args:
        schema: What came of the draft; ``None`` if nothing did.
        files: Those that can be read.
    """
    draft = drafts.draft()
    if all(value is None for value in draft.overruled.values()) or schema == inferred(files):
        return
    if st.button("Undo my changes", icon=":material/undo:"):
        drafts.change_draft(**dict.fromkeys(drafts.CHOICES))
        st.rerun()


def inferred(files: Files) -> Schema | None:
    """Return how the data would be read if nothing were overruled."""
    try:
        return read_schema(files, drafts.draft().split.columns)
    except RetrainError:
        return None


def guess_labels(model: ModelCard, new: Table, old: Table | None) -> tuple[str, ...]:
    """Return the columns that look like the labels; none if there is nothing left for them."""
    try:
        return infer_labels(model, new, drafts.draft().task, old)
    except RetrainError:
        return ()


def outputs_words(schema: Schema) -> dict[bool, str]:
    """Return what the outputs may be, by whether they are logits."""
    return {False: "probabilities", True: "scores" if takes_scores(schema.loss) else "logits"}
