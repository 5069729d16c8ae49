"""Waiting for probes: what is being measured, how far it is, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from pages._ui import state
from pages._ui.text import literal, show_error
from pages._ui.unexpected import told
from retrain_core.errors import RetrainError
from retrain_core.figures.style import look_of
from retrain_core.runs import MEASURE, RunState, probe_states, request_probes, runs_done, unreadable
from retrain_core.types import RunSpec

LOOK_SECONDS = 1.0  # fifty visitors may wait at once


def ask(probes: Sequence[RunSpec], *, again: bool = False) -> dict[str, RunState]:
    """Ask for probes unless that was done, and return how each stands; if they cannot be asked for, the page ends.

    A read-only server asks for nothing: those that nobody has asked for are missing.
    """
    try:
        if not state.read_only():
            request_probes(state.store(), probes, again=again)
    except RetrainError as error:
        show_error(error)
        st.stop()
    return probe_states(state.store(), probes[0].experiment, [spec.id for spec in probes]) if probes else {}


def follow(probes: Sequence[RunSpec], what: str, key: str, *, of: int = 0) -> None:
    """Show the progress of probes, and draw the page again as soon as one of them has ended.

    Args:
        probes: Those that are not done.
        what: What they find out, as the end of "Measuring".
        key: Of the element.
        of: How many there are with those that are done, if that is to be told.
    """
    place = f"run {of - len(probes) + 1} of {of}, " if of else ""
    experiment, names = probes[0].experiment, [spec.id for spec in probes]

    @st.fragment(run_every=LOOK_SECONDS)
    @told()
    def board() -> None:
        states = list(probe_states(state.store(), experiment, names).values())
        if any(one.done for one in states) or not states:
            st.rerun()
        share = (max(0, of - len(states)) + sum(one.progress for one in states)) / max(of, len(states))
        st.progress(min(1.0, share), text=f"Measuring {what}: {place}{_doing(states)} ...")

    with st.container(key=f"follow_{key}"):
        board()


def not_asked(probes: Sequence[RunSpec], found: Mapping[str, RunState], what: str) -> bool:
    """Say that something was not measured, and will not be on a read-only server; return whether that is so."""
    missing = any(probe.id not in found for probe in probes)
    if missing:
        st.info(f"{what} was not measured, and this server measures nothing.", icon=":material/lock:")
    return missing


def _doing(states: Sequence[RunState]) -> str:
    running = [one for one in states if one.status == "running"]
    if running:
        return literal(running[0].label or "starting")
    if any(one.device != MEASURE for one in states) and _runs_on(states[0].spec.experiment):
        return "after the runs"
    waiting = max(one.waiting for one in states)
    return f"{waiting} before it in the queue" if waiting else "starting"


def _runs_on(experiment: str) -> bool:
    done, runs = runs_done(state.store(), experiment)
    return done < runs


def _error(one: RunState) -> str:
    """Return why a probe failed; of several models, it says which one it is about."""
    model = f"{look_of(one.spec.strategy).title}: " if one.spec.work == "sensitivity" else ""
    return model + (one.error or "")


def failed(states: Sequence[RunState], what: str, key: str) -> bool:
    """Say why probes failed, or cannot be read, and offer to try again; return whether there are such."""
    failures = [_error(one) for one in states if one.done and one.status != "finished"]
    damaged = unreadable(state.store(), [one.spec for one in states if one.status == "finished"])
    errors = list(dict.fromkeys([*failures, *damaged.values()]))
    if not errors:
        return False
    lines = "  \n".join(literal(error) for error in errors)
    st.error(f"**{what} could not be measured.**  \n{lines}", icon=":material/error:")
    if state.change_button("Try again", key=f"again_{key}", icon=":material/replay:"):
        ask([one.spec for one in states], again=True)
        st.rerun()
    return True
