"""The models that were trained, to take away; each is handed out once it was checked."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages._ui import state
from pages._ui.downloads import download
from pages._ui.text import show_error
from retrain_core.answer import is_checked, model_bytes, model_path
from retrain_core.errors import RetrainError
from retrain_core.figures.style import look_of
from retrain_core.report.content import ReportContent


def models(content: ReportContent, file_name: str) -> None:
    """Offer the model of each candidate that has one; ``file_name`` is how the names of the files begin."""
    names = [name for name, candidate in content.comparison.strategies.items() if candidate.model is not None]
    checked = [name for name in names if is_checked(state.store(), content, name)]
    with st.container(horizontal=True):
        for name in checked:
            download(
                f"{look_of(name).title} (.keras)",
                partial(model_bytes, state.store(), content, name),
                f"{file_name}-{name}.keras",
                "application/octet-stream",
                key=f"model_{name}",
            )
    if unchecked := [name for name in names if name not in checked]:
        _offer_check(content, unchecked)


def _offer_check(content: ReportContent, names: list[str]) -> None:
    """Offer to check models that nobody has: of runs by an earlier version, or on a disk that was full when they ended."""
    titles = ", ".join(look_of(name).title for name in names)
    here = " This server is read-only: they are checked on one that is not." if state.read_only() else ""
    st.caption(f"Not checked yet, so not handed out: {titles}.{here}")
    if not state.change_button("Check now", key="check_models", icon=":material/shield:"):
        return
    with st.spinner("Checking the models ..."):
        for name in names:
            try:
                model_path(state.store(), content, name)
            except RetrainError as error:
                show_error(error)
                return
    st.rerun()
