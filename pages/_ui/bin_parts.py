"""Deleting on the start page: what is in the bin, how to get it back, and what the store takes on disk."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from pages._ui import state
from pages._ui.text import literal, show_error
from retrain_core.errors import RetrainError
from retrain_core.limits import BIN_DAYS
from retrain_core.runs import (
    Binned,
    binned,
    delete_experiment,
    empty_bin,
    free,
    restore_experiment,
    taken,
)
from retrain_core.types import ExperimentSpec
from retrain_core.types.text import counted

JUST_DELETED = "just_deleted"
GB = 1024**3
WORTH_TELLING = 1024**2  # bytes


def delete_button(spec: ExperimentSpec) -> None:
    """Offer to move an experiment into the bin; it can be undone, so nobody is asked whether he is sure."""
    if not state.change_button(
        "Delete",
        key=f"delete_{spec.id}",
        type="tertiary",
        icon=":material/delete:",
        help="Moves it into the bin.",
    ):
        return
    try:
        delete_experiment(state.store(), spec.id)
    except RetrainError as error:
        show_error(error)
        return
    state.keep_runner()  # which moves it once its runs have stopped
    if st.session_state.get(state.EXPERIMENT) == spec.id:
        state.forget_experiment()
    st.session_state[JUST_DELETED] = spec.id
    st.rerun()


def undo() -> None:
    """Say what was deleted last in this tab, and offer to undo it."""
    last = st.session_state.get(JUST_DELETED)
    found = {one.id: one for one in binned(state.store())} if last else {}
    if last not in found:
        return
    one = found[last]
    moved = "It moves into the bin once its runs have stopped." if one.stopping else "It is in the bin."
    with st.container(horizontal=True, vertical_alignment="center", key="just_deleted"):
        st.markdown(f":material/delete: **{literal(one.name)}** was deleted. {moved}")
        _restore_button(one, "Undo")


def show_bin() -> None:
    """List what is in the bin, if anything is."""
    found = binned(state.store())
    if not found:
        return
    with st.expander(f"Bin ({len(found)})"):
        st.caption(f"What is here is removed for good {BIN_DAYS.value:.0f} days after it was deleted.")
        for one in found:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.deleted))
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(literal(one.name))
                st.caption(f"deleted {when}{' · its runs are stopping' if one.stopping else ''}")
                _restore_button(one, "Restore")
        moved = [one for one in found if not one.stopping]
        if moved and not state.read_only():
            _offer_to_empty(len(moved))


def _offer_to_empty(number: int) -> None:
    with st.popover("Empty the bin"):
        st.markdown(
            f"{counted(number, 'experiment')} with all models and results will be gone. This cannot be undone."
        )
        if st.button("Remove for good", key="empty_bin", type="primary"):
            try:
                empty_bin(state.store())
            except RetrainError as error:
                show_error(error)
            else:
                st.rerun()


def _restore_button(one: Binned, label: str) -> None:
    if not state.change_button(
        label, key=f"{label.lower()}_{one.id}", type="tertiary", icon=":material/undo:"
    ):
        return
    try:
        restore_experiment(state.store(), one.id)
    except RetrainError as error:
        show_error(error)
        return
    st.session_state.pop(JUST_DELETED, None)
    state.keep_runner()
    st.rerun()


def show_usage() -> None:
    """Say in a quiet line what the store takes on disk, and what is left; nothing while it takes nothing to speak of."""
    used = _taken(str(state.store().root))
    if used >= WORTH_TELLING:
        left = free(state.store().root)
        st.caption(f"The store takes {_size(used)} on disk; {_size(left)} are free.")


@st.cache_data(ttl=30, show_spinner=False)
def _taken(root: str) -> int:
    return taken(Path(root))


def _size(number: int) -> str:
    """Return a number of bytes as people say it.

    >>> _size(5_000_000), _size(3 * 1024**3)
    ('5 MB', '3.0 GB')
    """
    return f"{number / GB:,.1f} GB" if number >= GB else f"{number / 1024**2:,.0f} MB"
