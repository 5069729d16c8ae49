"""The runs of an experiment on the Train page: watched until they end, then what comes next."""

from __future__ import annotations

import time
from dataclasses import replace

import streamlit as st

from pages._ui import state, ways
from pages._ui.answers import preparation_failed
from pages._ui.cards import run_card
from pages._ui.text import chart_of
from pages._ui.unexpected import told
from retrain_core.figures.curves import keep_on_validation, training_curves
from retrain_core.runs import (
    RunState,
    experiment_status,
    new_id,
    place_words,
    queue_places,
    run_states,
)
from retrain_core.types import ExperimentSpec

CARDS_A_ROW = 4


def live(spec: ExperimentSpec) -> None:
    """Show every run; the part that changes draws itself again each second until all are done."""
    status, error = experiment_status(state.store(), spec.id)
    if status == "failed":
        preparation_failed(error)
        return
    runs = run_states(state.store(), spec.id)
    running = not all(run.done for run in runs)

    @st.fragment(run_every=1.0 if running else None)
    @told()
    def board() -> None:
        state.keep_runner()
        now = run_states(state.store(), spec.id)
        status, _ = experiment_status(state.store(), spec.id)
        if running and (status == "failed" or all(run.done for run in now)):
            st.rerun()
        note = st.empty()  # always there, so that the cards below do not move when it goes
        if status in ("submitted", "preparing"):
            note.caption("Reading and splitting the data ...")
        elif place := queue_places(state.store()).get(spec.id):
            note.caption(
                f"Waiting: {place_words(place)}.",
                help="Experiments take turns: each starts a run before any starts its next.",
            )
        _draw_whole(now)
        _draw_cards(now)
        _draw_curves(spec, now)

    board()
    if not running:
        _finished(spec, runs)


def _draw_whole(runs: tuple[RunState, ...]) -> None:
    """Draw how far all runs together are, as long as there is something to stop."""
    active = [run for run in runs if not run.done]
    if not active:
        return
    share = sum(1.0 if run.done else run.progress for run in runs) / len(runs)
    st.progress(min(share, 1.0), f"{len(runs) - len(active)} of {len(runs)} runs have ended")
    if state.change_button(
        "Stop all", icon=":material/stop:", help="Every run keeps its best weights and is scored."
    ):
        for run in active:
            state.store().request_stop(run.spec.experiment, run.spec.id)
        st.toast("All runs are stopping.")


def _draw_cards(runs: tuple[RunState, ...]) -> None:
    """Draw a card a run, four in a row."""
    several = len({run.spec.seed for run in runs}) > 1
    for start in range(0, len(runs), CARDS_A_ROW):
        for column, run in zip(st.columns(CARDS_A_ROW), runs[start : start + CARDS_A_ROW], strict=False):
            with column:
                run_card(run, several_seeds=several)


def _draw_curves(spec: ExperimentSpec, runs: tuple[RunState, ...]) -> None:
    """Draw loss and accuracy of all runs on the same axes."""
    x = st.segmented_control(
        "Along", ["rows_seen", "seconds"], default="rows_seen", required=True, key="curve_axis", persist_state="session",
        format_func={"rows_seen": "rows seen", "seconds": "seconds"}.__getitem__,
    )  # fmt: skip
    smooth = st.toggle("Smooth the training curves", key="smooth", persist_state="session")
    running = not all(run.done for run in runs)
    curves = {run.spec.id: run.curve for run in runs if run.curve}
    strategies = {run.spec.id: run.spec.strategy for run in runs}
    metric = "mae" if spec.schema.task == "regression" else "accuracy"
    for column, value in zip(st.columns(2), ("loss", metric), strict=True):
        with column:
            keep = keep_on_validation(curves, strategies, value)
            chart_of(
                training_curves, curves, strategies, value=value, x=x, keep=keep, smooth=smooth, passing=running,
                key=f"curves_{value}", alt=f"Validation {value} of every strategy along its training.",
            )  # fmt: skip
    st.caption(
        "Scores on the validation rows, which are used to stop early. The holdout is looked at once, at the end."
    )


def _finished(spec: ExperimentSpec, runs: tuple[RunState, ...]) -> None:
    """Say what comes next."""
    if any(run.result and run.result.new for run in runs):
        failed = sum(run.status == "failed" for run in runs)
        if failed:
            st.warning(f"All runs have ended, {failed} of them failed.", icon=":material/warning:")
        else:
            st.success("All runs have ended.", icon=":material/check_circle:")
        ways.page_link("compare", "Compare them", ":material/balance:")
    else:
        st.error("No run has a score. The cards say why.", icon=":material/error:")
    if state.change_button(
        "Run again with other settings",
        icon=":material/replay:",
        help="Makes a new experiment of the same data.",
    ):
        again = replace(spec, id=new_id(), created=time.time())
        state.store().save_experiment(again)
        state.open_experiment(again.id)
        st.rerun()
