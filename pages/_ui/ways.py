"""Ways between the pages of an experiment: links, and what comes first where something is missing."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages._ui import state
from pages._ui.drafts import draft
from pages._ui.state import EXPERIMENT
from pages._ui.wishes import UNTOLD, keep_wishes
from retrain_core.types import (
    ExperimentSpec,
)


def require_experiment(why: str) -> ExperimentSpec:
    """Return the experiment of this tab, with its wishes in the link, or say what is missing and stop the page.

    Args:
        why: What this page would show.
    """
    spec = state.experiment()
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
    if not state.store().count_runs(spec.id):
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
