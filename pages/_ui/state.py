"""What outlives a click: the experiment's id is in the URL, everything else is in the store."""

from __future__ import annotations

import gc
import math
import os
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import config

from pages._ui.few import FILES, MODELS, long, working
from pages._ui.text import literal, show_error
from pages._ui.wishes import UNTOLD
from retrain_core.data import read_table
from retrain_core.errors import RetrainError, in_a_line
from retrain_core.limits import MOST_UPLOAD_MB
from retrain_core.machine import give_back_memory, use_large_pages
from retrain_core.models import checked_card
from retrain_core.runs import (
    ROOM_BYTES,
    ReadOnlyStore,
    Store,
    check_index,
    ensure_runner,
    experiment_status,
    free,
    keep_going,
    known_shift,
    shift_of,
)
from retrain_core.types import (
    ExperimentSpec,
    FileRef,
    ModelCard,
    ShiftReport,
    ShiftSettings,
    Table,
)

ROOT = Path(__file__).parents[2]
ICON = Path(__file__).with_name(
    "icon.svg"
)  # a file of our own: a material icon would be fetched from the net
EXPERIMENT = "experiment"
DRAFT = "draft"
COLLECT_SECONDS = 10.0


@st.cache_resource
def store() -> Store:
    """Return the store of this server; where it is read-only, so is the store, whatever a browser sends."""
    kind = ReadOnlyStore if asks_for_read_only(os.environ.get("RETRAIN_READ_ONLY", "")) else Store
    return kind(Path(os.environ.get("RETRAIN_STORE", ROOT / "store")))


def asks_for_read_only(said: str) -> bool:
    """Return what a setting means; a slip opens nothing.

    >>> [asks_for_read_only(said) for said in ("", "0", "off", "1", "on", "yess ")]
    [False, False, False, True, True, True]
    """
    return said.strip().lower() not in ("", "0", "false", "no", "off")


def read_only() -> bool:
    """Whether this server only shows what there is."""
    return store().read_only


def limit_uploads() -> None:
    """Have Streamlit take no larger file than the store does, and none on a read-only server.

    It has an address for uploads of its own, whatever a page draws.
    """
    most = 0 if read_only() else math.ceil(MOST_UPLOAD_MB.value)
    if config.get_option("server.maxUploadSize") != most:
        config.set_option("server.maxUploadSize", most)


@st.cache_resource(ttl=COLLECT_SECONDS, show_spinner=False)
def collect_garbage() -> None:
    """Let go of what ended sessions and runs have left, every ten seconds at most.

    Looking through all that is loaded takes 0.15 s, during which every visitor waits. Streamlit would do it after each run of
    a page or of a part of one. What is loaded by the first time stays for good, and is not looked through again.
    """
    gc.collect()
    if not gc.get_freeze_count():
        gc.freeze()
        use_large_pages(False)
    give_back_memory()


def change_button(label: str, **options: Any) -> bool:
    """Draw a button for something that changes the store, unless nothing may; return whether it was pressed."""
    return not read_only() and st.button(label, **options)


@long("table")
@st.cache_resource(max_entries=24, show_spinner="Reading the file ...")
def table(sha256: str, name: str) -> Table:
    """Return a data file of the store, read once; nobody may change it."""
    path = store().file_path(FileRef(sha256, name))
    with working("table", sha256), FILES:
        return read_table(path, name)


def tables(files: dict[str, FileRef]) -> dict[str, Table]:
    """Return every data file by its role."""
    return {role: table(ref.sha256, ref.name) for role, ref in files.items() if role != "model"}


def card(sha256: str, name: str) -> ModelCard:
    """Return the card of a model file of the store, read once.

    Raises:
        RetrainError: If the model cannot be used, or not safely.
    """
    found = _card_or_refusal(sha256, name)
    if isinstance(found, RetrainError):
        raise type(found)(found.what, found.why, found.next_step)
    return found


# A refusal is kept too: to read a bad file may take long, and a page runs at each click. After a while it is tried again.
@long("card")
@st.cache_resource(max_entries=24, ttl=600, show_spinner="Reading the model ...")
def _card_or_refusal(sha256: str, name: str) -> ModelCard | RetrainError:
    path = store().file_path(FileRef(sha256, name))
    with working("card", sha256), MODELS:
        try:
            return checked_card(path, name)
        except RetrainError as error:
            return error


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


def sidebar() -> None:
    """Show which experiment this tab is about, on every page, and keep a runner ready."""
    keep_runner()
    _check_store()
    if read_only():
        st.sidebar.caption(":material/lock: Read-only: results can be looked at and taken away.")
    spec = experiment()
    if spec is None:
        return
    with st.sidebar:
        st.caption("Experiment")
        st.markdown(f"**{literal(spec.name)}**")
        status, _ = experiment_status(store(), spec.id)
        if status != "draft":
            st.caption(f"{spec.id}")
        if change_button("New experiment", icon=":material/add:", width="stretch"):
            forget_experiment()
            st.switch_page("pages/start.py")


def _check_store() -> None:
    """Say what is wrong with the store: no page can be drawn without its index, and no run ends well on a full disk."""
    try:
        check_index(store().root / "index.sqlite")
    except RetrainError as error:
        show_error(error)
        st.stop()
    left = free(store().root)
    if left < ROOM_BYTES:
        st.warning(
            f"**The disk is nearly full: {left / 1024**2:,.0f} MB are free.** Models and results may not be "
            "written. Free some room, or delete experiments and empty the bin on the start page.",
            icon=":material/warning:",
        )


def keep_runner() -> None:
    """Start a runner if there is none, such as after an idle hour or a crash; a read-only server never does."""
    if read_only():
        return
    try:
        ensure_runner(store())
        _keep_going()
    except RetrainError as error:
        show_error(error)
    except OSError as error:
        st.error(f"The runner cannot start: {literal(in_a_line(error))}.", icon=":material/error:")


@st.cache_resource
def _keep_going() -> None:
    """Have one thread of this server see to the runner when nobody looks."""
    keep_going(store())


# --- what was measured ----------------------------------------------------------------------------


def shift_report(spec: ExperimentSpec, settings: ShiftSettings) -> ShiftReport | None:
    """Return how the data has moved as far as it is known; read once for each state of knowledge."""
    known = known_shift(store(), spec.id, settings)
    return _shift_report(spec.id, settings, known) if known else None


@st.cache_resource(max_entries=24, show_spinner=False)
def _shift_report(
    id: str, _settings: ShiftSettings, known: tuple[tuple[str, int], ...]
) -> ShiftReport | None:
    return shift_of(store(), id, _settings)
