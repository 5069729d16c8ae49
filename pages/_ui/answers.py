"""The answer to the open experiment, computed once for each set of results and weight."""

from __future__ import annotations

import streamlit as st

from pages._ui import state
from pages._ui.text import show_error
from retrain_core.answer import answer
from retrain_core.errors import RetrainError
from retrain_core.report.content import ReportContent
from retrain_core.runs import run_states
from retrain_core.types import ExperimentSpec


@st.cache_resource(max_entries=32, show_spinner="Comparing ...")
def _answer(experiment: str, ended: tuple[str, ...], old_weight: float) -> ReportContent:
    """Return the answer; ``ended`` names the runs it rests on, so that a new result makes a new answer."""
    return answer(state.store(), experiment, old_weight)


def current_answer(spec: ExperimentSpec, old_weight: float) -> ReportContent:
    """Return the answer to ``spec`` so far, or say what is missing and stop the page."""
    runs = run_states(state.store(), spec.id)
    ended = tuple(run.spec.id for run in runs if run.done)
    waiting = len(runs) - len(ended)
    if waiting:
        st.info(
            f"{waiting} of {len(runs)} runs are not done yet; this page shows the others.",
            icon=":material/hourglass_top:",
        )
        state.page_link("train", "Watch them", ":material/model_training:")
    try:
        return _answer(spec.id, ended, old_weight)
    except RetrainError as error:
        show_error(error)
        st.stop()
