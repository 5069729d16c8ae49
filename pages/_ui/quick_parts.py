"""The quick look on the Train page: asked for, watched, and taken over into the form."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages._ui import state
from pages._ui.text import help_for, literal, show_error
from pages._ui.unexpected import told
from pages._ui.wishes import wishes
from retrain_core.errors import RetrainError
from retrain_core.runs import (
    RunState,
    looks,
    plan_quick_look,
    quick_in_full,
    quick_title,
    quick_verdict,
    start_quick_look,
    stop_quick_look,
    try_states,
)
from retrain_core.strategies import SHARED_OPTIONS, STRATEGIES
from retrain_core.types import ExperimentSpec, QuickCandidate, QuickLook, QuickRung, QuickTry, RunSpec

GAIN = "Gain over keep (margins)"
ENDED = ("finished", "stopped", "failed")
STATUS = {"queued": "waiting", "running": "training", "finished": "scored"}


def quick_buttons(*, disabled: bool) -> tuple[bool, bool]:
    """Draw what asks for a quick look; return whether it was pressed, and whether options are tried too."""
    pressed = st.button(
        "Quick look",
        icon=":material/speed:",
        disabled=disabled,
        key="quick_look",
        help=help_for("quick look"),
    )
    vary = st.checkbox(
        "Try options too",
        key="quick_vary",
        bind="query-params",
        disabled=disabled,
        help="In the quick look: learning rates times 0.3 and 3, and for fine-tune twice the layers.",
    )
    return pressed, vary


def ask_quick_look(spec: ExperimentSpec, runs: Sequence[RunSpec], *, vary: bool) -> None:
    """Start a quick look at what the runs would do, in the place of an earlier one."""
    start_quick_look(state.store(), spec.id, plan_quick_look(runs, wishes(spec), vary=vary))


def quick_board(spec: ExperimentSpec) -> None:
    """Show the quick look at the experiment, if there is one; it draws itself again until it has ended."""
    try:
        look = looks.read(state.store(), spec.id)
    except RetrainError as error:
        show_error(error)
        return
    if look is None:
        return
    running = look.status == "running"

    @st.fragment(run_every=1.0 if running else None)
    @told()
    def board() -> None:
        state.keep_runner()
        now = looks.read(state.store(), spec.id)
        if now is None or (running and now.status != "running"):
            st.rerun()
        with st.container(border=True, key="quick_board"):
            st.markdown("**Quick look**", help=help_for("quick look"))
            _rounds(spec, now)
            if running and state.change_button(
                "Stop the quick look", icon=":material/stop:", key="stop_quick"
            ):
                stop_quick_look(state.store(), spec.id)
                st.toast("The quick look is stopping.")

    if not running:
        _conclusion(look)
    board()


def _rounds(spec: ExperimentSpec, look: QuickLook) -> None:
    states = try_states(state.store(), spec.id)
    if not look.rungs:
        if look.status == "running":
            st.caption("Waiting for its turn ...")
        return
    last = len(look.rungs)
    if look.status == "running":
        tries = look.rungs[-1].tries
        done = sum((now := states.get(one.run)) is not None and now.status in ENDED for one in tries)
        best = f" Best so far: {literal(quick_title(look.candidate(look.best)))}." if look.best else ""
        st.progress(done / len(tries), f"Round {last}: {done} of {len(tries)} tries have ended.{best}")
    _round(look, states, last)
    if last > 1:
        with st.expander("Rounds before"):
            for number in range(last - 1, 0, -1):
                _round(look, states, number)


def _round(look: QuickLook, states: dict[str, RunState], number: int) -> None:
    rung = look.rungs[number - 1]
    old = f" and {rung.old_rows:,} old" if rung.old_rows else ""
    st.caption(f"Round {number}: {rung.new_rows:,} new{old} rows to train on")
    _table(look, rung, states, number)


def _table(look: QuickLook, rung: QuickRung, states: dict[str, RunState], number: int) -> None:
    st.dataframe(
        pd.DataFrame([_row(look, one, states.get(one.run), number) for one in rung.tries]),
        hide_index=True,
        width="stretch",
        height="content",
        key=f"quick_{number}",
        column_config={
            "Candidate": st.column_config.TextColumn(pinned=True, width="medium"),
            GAIN: st.column_config.TextColumn(help=help_for("gain in margins")),
            "Expected in full": st.column_config.TextColumn(
                help="Where a try makes only some of its epochs, its validation loss is led on to a run in full."
            ),
        },
    )


def _row(look: QuickLook, one: QuickTry, now: RunState | None, number: int) -> dict[str, object]:
    status = STATUS.get(now.status, now.status) if now else "waiting"
    if one.stays is not None:
        status = "failed" if one.gain is None else _how_it_ended(look, one, number)
    gain = "" if one.gain is None else "0" if not one.error else f"{one.gain:+.1f} ± {one.error:.1f}"
    return {
        "Candidate": quick_title(look.candidate(one.candidate)),
        "Status": status,
        GAIN: gain,
        "Expected in full": "" if one.expected is None else f"{one.expected:+.1f}" if one.expected else "0",
        "Epochs": "–" if one.epochs is None else str(one.epochs),
    }


def _how_it_ended(look: QuickLook, one: QuickTry, number: int) -> str:
    if number == len(look.rungs) and look.status != "running":
        return "scored"
    return "goes on" if one.stays else "out"


def _conclusion(look: QuickLook) -> None:
    if look.status == "failed":
        st.error(f"**The quick look could not go on.**  \n{literal(look.error)}", icon=":material/error:")
        return
    candidate = quick_in_full(look)
    if candidate is None:
        st.info("The quick look was stopped before it told anything.", icon=":material/info:")
        return
    name = literal(quick_title(candidate))
    st.success(literal(quick_verdict(look)), icon=":material/check_circle:")
    st.button(
        f"Choose {name} alone",
        icon=":material/checklist:",
        key="take_quick",
        on_click=_take,
        args=(candidate,),
        help="Switches off the other strategies below. Keep is always run.",
    )


@told()
def _take(candidate: QuickCandidate) -> None:
    """Fill the form with one candidate."""
    for name in STRATEGIES:
        if name != "keep":
            st.session_state[f"use_{name}"] = name == candidate.strategy
    for option, value in candidate.options.items():
        if option not in SHARED_OPTIONS:
            st.session_state[f"option_{candidate.strategy}_{option}"] = value
    if not STRATEGIES[candidate.strategy].default_on:
        st.session_state["more_strategies_open"] = True
