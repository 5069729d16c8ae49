"""Train: choose strategies and their options, start them, watch them."""

import time
from dataclasses import replace
from typing import Any

import streamlit as st

from pages._ui import state
from pages._ui.answers import preparation_failed
from pages._ui.cards import run_card
from pages._ui.forecasts import forecast_board
from pages._ui.forms import options_form
from pages._ui.quick_parts import ask_quick_look, quick_board, quick_buttons
from pages._ui.text import chart, help_for, show_error
from retrain_core.errors import RetrainError
from retrain_core.figures.curves import keep_on_validation, training_curves
from retrain_core.runs import (
    RunState,
    experiment_status,
    known_devices,
    plan_report,
    request_probes,
    run_states,
    stop_quick_look,
    submit,
)
from retrain_core.runs.plan import plan_estimates, plan_runs
from retrain_core.strategies import SHARED_OPTIONS, STRATEGIES, Strategy, unfit
from retrain_core.types import ExperimentSpec, Limits, Scalar

CARDS_A_ROW = 4
FORMS_A_ROW = 3

st.title("Train")
spec = state.require_experiment("Here you run every strategy side by side on the same rows.")
store = state.store()


def settings(spec: ExperimentSpec) -> None:
    """Draw the settings of all strategies, what they will cost, and start them."""
    st.markdown(
        "Every strategy trains on the same rows and is scored on the same holdout. Keep is always run."
    )
    shared, plan = shared_settings()
    start = st.container()  # above the forms, so that no one has to scroll to it
    st.subheader("Strategies")
    offered = [strategy for name, strategy in STRATEGIES.items() if name != "keep"]
    usual = [strategy for strategy in offered if strategy.default_on]
    others = [strategy for strategy in offered if not strategy.default_on]
    chosen = strategy_forms(spec, usual)
    if any(f"use_{strategy.name}" in st.query_params for strategy in others):
        st.session_state["more_strategies_open"] = True  # a link or a refresh shows what it chose
    is_open = st.session_state.get("more_strategies_open", False)
    with st.expander(f"More strategies ({len(others)})", expanded=is_open):
        chosen |= strategy_forms(spec, others)
    chosen = {name: chosen[name] for name in STRATEGIES if name in chosen}
    if not chosen:
        start.caption("Choose at least one strategy beside keep.")
    with start.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(
            "Start", type="primary", icon=":material/play_arrow:", disabled=not chosen, key="start"
        )
        quick, vary = quick_buttons(disabled=not chosen)
    if not chosen:
        with start:
            quick_board(spec)
        return
    plan |= {"devices": {name: device for name, (_, device) in chosen.items() if device}, "shared": shared}
    options = {name: options for name, (options, _) in chosen.items()}
    try:
        runs = plan_runs(spec.id, options, **plan)
        if clicked:
            stop_quick_look(store, spec.id)
            submit(store, runs)
            request_probes(store, plan_report(store, spec))
            st.rerun()
        if quick:
            ask_quick_look(spec, runs, vary=vary)
        with start:
            quick_board(spec)
            forecast_board(plan_estimates(runs))
    except RetrainError as error:
        show_error(error)


def strategy_forms(
    spec: ExperimentSpec, offered: list[type[Strategy]]
) -> dict[str, tuple[dict[str, Scalar | None], str]]:
    """Draw strategies side by side; return options and device of those that are switched on."""
    chosen: dict[str, tuple[dict[str, Scalar | None], str]] = {}
    for first in range(0, len(offered), FORMS_A_ROW):
        for column, strategy in zip(
            st.columns(FORMS_A_ROW), offered[first : first + FORMS_A_ROW], strict=False
        ):
            with column:
                found = strategy_form(spec, strategy)
            if found is not None:
                chosen[strategy.name] = found
    return chosen


def strategy_form(
    spec: ExperimentSpec, strategy: type[Strategy]
) -> tuple[dict[str, Scalar | None], str] | None:
    """Draw one strategy with its options; return them and its own device, or ``None`` if it is switched off."""
    name, first_line = strategy.name, (strategy.__doc__ or "").split("\n")[0]
    schema, has_old = spec.schema, spec.old is not None
    why_not = unfit(strategy, schema.task, has_old=has_old, new_classes=bool(schema.new_classes))
    with st.container(border=True, key=f"strategy_{name}", height="stretch"):
        on = st.checkbox(
            f"**{strategy.title}**",
            value=strategy.default_on and not why_not,
            key=f"use_{name}",
            bind="query-params",
            disabled=bool(why_not),
        )
        st.caption(first_line, help=f"Source: {strategy.source}.")
        if why_not or (not has_old and strategy.without_old):
            st.caption(f":material/info: {why_not or strategy.without_old}")
        with st.expander("Options"):
            options = options_form(strategy, key=f"option_{name}", leave_out=SHARED_OPTIONS)
            devices = {"": "As above", **device_names()}
            device = ""
            if len(devices) > 3:  # automatic and the CPU alone leave no choice
                device = st.selectbox(
                    "Device",
                    list(devices),
                    format_func=devices.__getitem__,
                    key=f"device_{name}",
                    bind="query-params",
                )
    return (options, device) if on and not why_not else None


def device_names() -> dict[str, str]:
    """Return the devices that can be chosen, with what to call them."""
    return {"auto": "Automatic", **{device.name: device.title for device in known_devices(store)}}


def shared_settings() -> tuple[dict[str, Scalar | None], dict[str, Any]]:
    """Draw what holds for all strategies; return their shared options, and the rest of the plan."""
    devices, keep = device_names(), {"bind": "query-params"}
    first, second, third, fourth = st.columns(4)
    with first:
        device = st.selectbox("Device", list(devices), format_func=devices.__getitem__, key="device", **keep)
    with second:
        epochs = st.number_input(
            "Epochs (at most)", 1, 1000, 10, key="epochs", help=help_for("epoch"), **keep
        )
    with third:
        size = st.number_input(
            "Batch size (rows)", 1, 65536, 32, key="batch_size", help=help_for("batch size"), **keep
        )
    with fourth:
        seeds = st.number_input(
            "Seeds",
            1,
            20,
            1,
            key="seeds",
            help="Runs a strategy, each with its own seed. Five show how much luck matters.",
            **keep,
        )
    with st.expander("Limits and class weights"):
        first, second, third = st.columns(3)
        with first:
            minutes = st.number_input(
                "Time limit (min a run)",
                0,
                10_000,
                0,
                key="minutes",
                help="0: no limit. A run over its limit ends with its best weights.",
                **keep,
            )
        with second:
            steps = st.number_input(
                "Step budget",
                0,
                100_000_000,
                0,
                key="steps",
                help="0: to convergence. Otherwise every strategy does exactly this many steps of one batch, "
                "whatever its epochs and patience; a step with replayed rows counts for more.",
                **keep,
            )
        with third:
            balanced = st.toggle("Balance classes", key="balanced", help=help_for("class weights"), **keep)
    limits = Limits(seconds=float(minutes) * 60 if minutes else None, steps=int(steps) if steps else None)
    options = {"epochs": epochs, "batch_size": size, "balanced": balanced}
    return options, {"device": str(device), "seeds": range(int(seeds)), "limits": limits}


def live(spec: ExperimentSpec) -> None:
    """Show every run; the part that changes draws itself again each second until all are done."""
    status, error = experiment_status(store, spec.id)
    if status == "failed":
        preparation_failed(error)
        return
    runs = run_states(store, spec.id)
    running = not all(run.done for run in runs)

    @st.fragment(run_every=1.0 if running else None)
    def board() -> None:
        state.keep_runner()
        now = run_states(store, spec.id)
        status, _ = experiment_status(store, spec.id)
        if running and (status == "failed" or all(run.done for run in now)):
            st.rerun()
        note = st.empty()  # always there, so that the cards below do not move when it goes
        if status in ("submitted", "preparing"):
            note.caption("Reading and splitting the data ...")
        draw_cards(now)
        draw_curves(spec, now)

    board()
    if not running:
        finished(spec, runs)


def draw_cards(runs: tuple[RunState, ...]) -> None:
    """Draw a card a run, four in a row."""
    several = len({run.spec.seed for run in runs}) > 1
    for start in range(0, len(runs), CARDS_A_ROW):
        for column, run in zip(st.columns(CARDS_A_ROW), runs[start : start + CARDS_A_ROW], strict=False):
            with column:
                run_card(run, several_seeds=several)
    active = [run for run in runs if not run.done]
    if active and st.button(
        "Stop all", icon=":material/stop:", help="Every run keeps its best weights and is scored."
    ):
        for run in active:
            store.request_stop(run.spec.experiment, run.spec.id)
        st.toast("All runs are stopping.")


def draw_curves(spec: ExperimentSpec, runs: tuple[RunState, ...]) -> None:
    """Draw loss and accuracy of all runs on the same axes."""
    x = st.segmented_control(
        "Along", ["rows_seen", "seconds"], default="rows_seen", required=True, key="curve_axis", persist_state="session",
        format_func={"rows_seen": "rows seen", "seconds": "seconds"}.__getitem__,
    )  # fmt: skip
    smooth = st.toggle("Smooth the training curves", key="smooth", persist_state="session")
    curves = {run.spec.id: run.curve for run in runs if run.curve}
    strategies = {run.spec.id: run.spec.strategy for run in runs}
    metric = "mae" if spec.schema.task == "regression" else "accuracy"
    for column, value in zip(st.columns(2), ("loss", metric), strict=True):
        with column:
            figure = training_curves(
                curves,
                strategies,
                value=value,
                x=x,
                keep=keep_on_validation(curves, strategies, value),
                smooth=smooth,
            )
            chart(
                figure, key=f"curves_{value}", alt=f"Validation {value} of every strategy along its training."
            )
    st.caption(
        "Scores on the validation rows, which are used to stop early. The holdout is looked at once, at the end."
    )


def finished(spec: ExperimentSpec, runs: tuple[RunState, ...]) -> None:
    """Say what comes next."""
    if any(run.result and run.result.new for run in runs):
        failed = sum(run.status == "failed" for run in runs)
        if failed:
            st.warning(f"All runs have ended, {failed} of them failed.", icon=":material/warning:")
        else:
            st.success("All runs have ended.", icon=":material/check_circle:")
        state.page_link("compare", "Compare them", ":material/balance:")
    else:
        st.error("No run has a score. The cards say why.", icon=":material/error:")
    if st.button(
        "Run again with other settings",
        icon=":material/replay:",
        help="Makes a new experiment of the same data.",
    ):
        again = replace(spec, id=state.new_id(), created=time.time())
        store.save_experiment(again)
        state.open_experiment(again.id)
        st.rerun()


if store.runs(spec.id):
    live(spec)
else:
    settings(spec)
