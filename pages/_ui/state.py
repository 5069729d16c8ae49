"""What outlives a click: the experiment's id is in the URL, everything else is in the store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import streamlit as st

from pages._ui.text import literal, show_error
from pages._ui.wishes import UNTOLD, keep_wishes
from retrain_core.data import chosen_labels, read_table
from retrain_core.data.time_order import ROW_ORDER
from retrain_core.errors import RetrainError
from retrain_core.models import read_card
from retrain_core.runs import Store, ensure_runner, experiment_status, known_shift, new_id, shift_of
from retrain_core.types import (
    ExperimentSpec,
    FileRef,
    ModelCard,
    ShiftReport,
    ShiftSettings,
    SplitSettings,
    Table,
    Task,
    from_json,
    to_json,
)

ROOT = Path(__file__).parents[2]
ICON = Path(__file__).with_name(
    "icon.svg"
)  # a file of our own: a material icon would be fetched from the net
EXPERIMENT = "experiment"
DRAFT = "draft"


@dataclass(frozen=True)
class Draft:
    """What the Data page holds before it is an experiment: files by role, what the user overruled, and the split.

    ``version`` counts changes. It is part of the widgets' keys, so that after a change each shows what is inferred
    now, not what it held before.
    """

    files: dict[str, FileRef]
    name: str = ""
    note: str = ""
    label: str | tuple[str, ...] | None = None
    task: Task | None = None
    from_logits: bool | None = None
    classes: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    split: SplitSettings = SplitSettings()
    version: int = 0
    id: str = ""

    @property
    def overruled(self) -> dict[str, Any]:
        """What the user overruled, by argument of ``infer_schema``; ``None`` where nothing was."""
        return {name: getattr(self, name) for name in ("label", "task", "from_logits", "classes", "columns")}


@st.cache_resource
def store() -> Store:
    """Return the store of this server."""
    return Store(Path(os.environ.get("RETRAIN_STORE", ROOT / "store")))


@st.cache_resource(max_entries=24, show_spinner="Reading the file ...")
def table(sha256: str, name: str) -> Table:
    """Return a data file of the store, read once; nobody may change it."""
    ref = FileRef(sha256, name)
    return read_table(store().file_path(ref), name)


def tables(files: dict[str, FileRef]) -> dict[str, Table]:
    """Return every data file by its role."""
    return {role: table(ref.sha256, ref.name) for role, ref in files.items() if role != "model"}


@st.cache_resource(max_entries=24, show_spinner="Reading the model ...")
def card(sha256: str, name: str) -> ModelCard:
    """Return the card of a model file of the store, read once."""
    return read_card(store().file_path(FileRef(sha256, name)), name)


# --- the experiment -------------------------------------------------------------------------------


def experiment_id() -> str | None:
    """Return the experiment this browser tab is about, from the URL or from the page before."""
    id = st.query_params.get(EXPERIMENT) or st.session_state.get(EXPERIMENT)
    if id:
        open_experiment(id)
    return id


def open_experiment(id: str) -> None:
    """Make ``id`` the experiment of this tab; a refresh or a shared link comes back to it."""
    if st.session_state.get(EXPERIMENT) != id:
        st.session_state.pop(DRAFT, None)
    st.session_state[EXPERIMENT] = id
    if st.query_params.get(EXPERIMENT) != id:
        st.query_params[EXPERIMENT] = id


def experiment() -> ExperimentSpec | None:
    """Return the experiment of this tab, if there is one."""
    id = experiment_id()
    if id is None:
        return None
    try:
        return store().experiment(id)
    except RetrainError as error:
        forget_experiment()
        show_error(error)
        return None


def forget_experiment() -> None:
    """Start afresh in this tab; the experiment stays in the store."""
    for key in (EXPERIMENT, DRAFT, *UNTOLD):
        st.session_state.pop(key, None)
        st.query_params.pop(key, None)


def require_experiment(why: str) -> ExperimentSpec:
    """Return the experiment of this tab, with its wishes in the link, or say what is missing and stop the page.

    Args:
        why: What this page would show.
    """
    spec = experiment()
    if spec is None:
        if draft().files:
            st.info(
                f"**The Data page is not finished.** Press 'Use this data' there. {why}",
                icon=":material/info:",
            )
            st.page_link("pages/data.py", label="Finish the Data page", icon=":material/table:")
            st.stop()
        st.info(f"**There is no data yet.** {why}", icon=":material/info:")
        with st.container(horizontal=True):
            st.page_link("pages/start.py", label="Try a sample", icon=":material/play_arrow:")
            st.page_link("pages/data.py", label="Choose your files", icon=":material/upload_file:")
        st.stop()
    keep_wishes(spec)
    return spec


def require_runs(spec: ExperimentSpec, why: str) -> None:
    """Say what is missing and stop the page unless the experiment has been run."""
    if not store().runs(spec.id):
        st.info(f"**Nothing has been trained yet.** {why}", icon=":material/info:")
        page_link("train", "Go to Train")
        st.stop()


def page_link(
    page: str, label: str, icon: str = ":material/arrow_forward:", query: Mapping[str, str] | None = None
) -> None:
    """Link to a page of the same experiment and wishes, whose widgets may be set by a query."""
    id = st.session_state.get(EXPERIMENT)
    told = {name: st.query_params[name] for name in UNTOLD if name in st.query_params}
    params = {**({EXPERIMENT: id} if id else {}), **told, **(query or {})}
    st.page_link(f"pages/{page}.py", label=label, icon=icon, query_params=params or None)


def go_to(page: str) -> None:
    """Switch to a page of the same experiment."""
    id = st.session_state.get(EXPERIMENT)
    st.switch_page(f"pages/{page}.py", query_params={EXPERIMENT: id} if id else None)


def sidebar() -> None:
    """Show which experiment this tab is about, on every page, and keep a runner ready."""
    keep_runner()
    spec = experiment()
    if spec is None:
        return
    with st.sidebar:
        st.caption("Experiment")
        st.markdown(f"**{literal(spec.name)}**")
        status, _ = experiment_status(store(), spec.id)
        if status != "draft":
            st.caption(f"{spec.id}")
        if st.button("New experiment", icon=":material/add:", width="stretch"):
            forget_experiment()
            st.switch_page("pages/start.py")


def keep_runner() -> None:
    """Start a runner if there is none, such as after an idle hour or a crash."""
    try:
        ensure_runner(store())
    except (RetrainError, OSError) as error:
        st.error(f"The runner cannot start: {literal(error)}", icon=":material/error:")


# --- what was measured ----------------------------------------------------------------------------


def shift_report(spec: ExperimentSpec, settings: ShiftSettings) -> ShiftReport | None:
    """Return how the data has moved as far as it is known; read once for each state of knowledge."""
    known = known_shift(store(), spec.id, settings)
    return _shift_report(spec.id, settings, known) if known else None


@st.cache_resource(max_entries=24, show_spinner=False)
def _shift_report(id: str, _settings: ShiftSettings, known: tuple[str, ...]) -> ShiftReport | None:
    return shift_of(store(), id, _settings)


# --- the draft ------------------------------------------------------------------------------------


def draft() -> Draft:
    """Return what the Data page holds: what a refresh left, else that of the open experiment, else nothing."""
    if DRAFT not in st.session_state:
        spec = experiment()
        st.session_state[DRAFT] = _saved_draft() or (_draft_of(spec) if spec else Draft(files={}))
    return st.session_state[DRAFT]


def change_draft(**changes: object) -> None:
    """Change what the Data page holds, and keep it for a refresh."""
    before = draft()
    now = replace(before, id=before.id or new_id(), version=before.version + 1, **changes)  # type: ignore[arg-type]
    st.session_state[DRAFT] = now
    store().save_draft(now.id, to_json(now))


def keep_draft_in_url() -> None:
    """Let a refresh of the Data page come back to what was entered."""
    if draft().id:
        st.query_params[DRAFT] = draft().id


def _saved_draft() -> Draft | None:
    saved = store().draft(st.query_params.get(DRAFT, ""))
    return None if saved is None else from_json(saved, Draft)


def set_file(role: str, ref: FileRef | None) -> None:
    """Set or take away a file of the draft; choices that hang on it and do not fit it are inferred again."""
    files = {**draft().files, role: ref}
    changes: dict[str, object] = {"files": {key: value for key, value in files.items() if value}}
    if role == "model" or (role == "new" and ref):
        changes |= {"label": None, "task": None, "from_logits": None, "classes": None, "columns": None}
    if role == "new" and ref:
        changes |= _still_there(ref)
    if role != "model" and draft().split.columns:
        changes |= {"split": _split_still_there(files.get("new"))}
    change_draft(**changes)


def _still_there(ref: FileRef) -> dict[str, object]:
    """Return the choices of label and columns that new data has too."""
    now = draft()
    try:
        found = table(ref.sha256, ref.name)
        label = chosen_labels(found, now.label) if now.label else None
    except RetrainError:
        return {}
    columns = now.columns if now.columns and set(now.columns) <= set(found.columns.columns) else None
    return {"label": label, "columns": columns}


def _split_still_there(ref: FileRef | None) -> SplitSettings:
    """Return how rows are held out, without the columns that new data has no more."""
    split = draft().split
    if ref is None:
        return split
    try:
        known = {*table(ref.sha256, ref.name).columns.columns, ROW_ORDER}
    except RetrainError:
        return replace(split, time=None, id=None)
    return replace(
        split,
        time=split.time if split.time in known else None,
        id=split.id if split.id in known else None,
    )


def _draft_of(spec: ExperimentSpec) -> Draft:
    files = {"model": spec.model, "new": spec.new, "old": spec.old, "holdout": spec.holdout}
    schema = spec.schema
    flat = len(schema.bindings) == 1 and schema.bindings[0].columns
    return Draft(
        files={role: ref for role, ref in files.items() if ref},
        name=spec.name,
        note=spec.note,
        label=schema.labels,
        task=schema.task,
        from_logits=schema.from_logits,
        classes=schema.classes or None,
        columns=schema.bindings[0].columns if flat else None,
        split=spec.split,
    )


def fresh_id() -> str:
    """Return the id to save under: the open experiment's if it has not been run, else a new one."""
    id = st.session_state.get(EXPERIMENT)
    return id if id and not store().runs(id) else new_id()
