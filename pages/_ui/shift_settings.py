"""What the user decides about the measuring of a shift; a change measures again."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages._ui import state
from pages._ui.text import help_for
from retrain_core.types import (
    ExperimentSpec,
    ShiftSettings,
    Thresholds,
)


def thresholds_form(spec: ExperimentSpec, settings: ShiftSettings) -> None:
    """Let the user say when a movement counts."""
    if state.read_only():
        return
    now = settings.thresholds
    is_open = st.session_state.get("thresholds_open", False)  # once they were changed, to see what they did
    with st.expander("When does a movement count?", icon=":material/tune:", expanded=is_open):
        st.caption("It has to be real (adjusted p-value) and large enough to matter (effect).")
        with st.form("thresholds", border=False):
            first, second, third = st.columns(3)
            alpha = first.number_input(
                "Adjusted p below",
                0.0001,
                0.5,
                now.alpha,
                0.01,
                format="%g",
                help=help_for("adjusted p-value"),
            )
            minor = second.number_input(
                "Minor from (sd)", 0.0, 3.0, now.minor, 0.05, format="%g", help=help_for("movement")
            )
            major = third.number_input("Major from (sd)", 0.0, 3.0, now.major, 0.05, format="%g")
            with st.container(horizontal=True):
                use = st.form_submit_button("Use these")
                reset = st.form_submit_button("Back to the usual ones", disabled=now == Thresholds())
        if major < minor:
            st.error("Major has to be at least minor.", icon=":material/error:")
        elif use and (alpha, minor, major) != (now.alpha, now.minor, now.major):
            st.session_state["thresholds_open"] = True
            change(spec, replace(settings, thresholds=Thresholds(alpha, minor, major)))
        if reset:
            st.session_state["thresholds_open"] = True
            change(spec, replace(settings, thresholds=Thresholds()))


def change(spec: ExperimentSpec, settings: ShiftSettings) -> None:
    """Keep changed settings; the page measures again."""
    state.store().save_shift_settings(spec.id, settings)
    st.rerun()
