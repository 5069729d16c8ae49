"""The first guess of the Diagnosis page: what the evidence points to before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages._ui import state, ways
from pages._ui.probes import failed, follow, not_asked
from pages._ui.text import help_for, literal
from retrain_core import diagnosis
from retrain_core.runs import (
    RunState,
    plan_shift,
)
from retrain_core.strategies import STRATEGIES
from retrain_core.types import (
    Comparison,
    ExperimentSpec,
    ShiftReport,
)


def first_guess(
    spec: ExperimentSpec,
    report: ShiftReport | None,
    probes: Mapping[str, RunState],
    comparison: Comparison | None,
) -> str | None:
    """Say what the evidence points to, and how the measurement agrees with it; return the strategy if there is one."""
    if spec.old is None:
        st.info(
            "**Without old data there is no first guess:** how the data has moved cannot be measured.",
            icon=":material/info:",
        )
        ways.page_link("data", "Add old data", ":material/upload_file:")
        return None
    shift, *model = plan_shift(spec.id, state.store().shift_settings(spec.id))
    if report is None:
        if not_asked([shift], probes, "The shift"):
            return None
        if not failed([probes[shift.id]], "The shift", "shift"):
            follow([shift], "how the data has moved", "shift")
        return None
    guess = diagnosis.first_guess(report, diagnosis.volume_of(report), comparison)
    with st.container(border=True, key="first_guess"):
        if guess.measured:
            st.markdown(f"**{literal(guess.measured)}**")
        lead = literal(guess.lead)
        st.markdown(lead if guess.measured else f"**{lead}**", help=help_for("first guess"))
        st.markdown("\n".join(f"- {literal(point)}" for point in guess.points))
        if not guess.measured:
            st.caption(_how_it_is_measured(spec, guess.strategy))
    seen = [probes[one.id] for one in model if one.id in probes]
    if not failed(seen, "What the model sees", "model") and (
        waiting := [one.spec for one in seen if not one.done]
    ):
        follow(waiting, "what the old model sees, which makes the guess better", "model")
    return guess.strategy


def _how_it_is_measured(spec: ExperimentSpec, strategy: str) -> str:
    guess = "It is a guess from the data alone."
    if runs := state.store().runs(spec.id):
        done = sum(state.store().result(spec.id, run.id) is not None for run in runs)
        return f"{guess} {done} of {len(runs)} runs that measure it are done."
    switched = ': "Go on to Train" below switches it on' if switched_on(strategy) else ""
    return f"{guess} Train measures it{switched}."


def switched_on(strategy: str | None) -> dict[str, str]:
    """Return the query that switches a strategy on at the Train page; empty if it is on anyway."""
    return {f"use_{strategy}": "true"} if strategy and not STRATEGIES[strategy].default_on else {}
