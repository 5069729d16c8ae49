"""What is to be run, on the Train page: strategies with their options, what they will cost, and the start."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages._ui import state
from pages._ui.forecasts import forecast_board
from pages._ui.forms import options_form
from pages._ui.quick_parts import ask_quick_look, quick_board, quick_buttons
from pages._ui.sandbox_parts import sandbox_line, sandbox_warning
from pages._ui.text import help_for, show_error
from retrain_core.errors import RetrainError
from retrain_core.runs import (
    known_devices,
    plan_report,
    request_probes,
    stop_quick_look,
    submit,
)
from retrain_core.runs.plan import plan_estimates, plan_runs
from retrain_core.strategies import SHARED_OPTIONS, STRATEGIES, Strategy, unfit
from retrain_core.types import ExperimentSpec, Limits, Scalar

FORMS_A_ROW = 3


def settings(spec: ExperimentSpec) -> None:
    """Draw the settings of all strategies, what they will cost, and start them."""
    if state.read_only():
        st.info("Nothing has been trained yet, and this server trains nothing.", icon=":material/lock:")
        return
    st.markdown(
        "Every strategy trains on the same rows and is scored on the same holdout. Keep is always run."
    )
    sandbox_warning()
    shared, plan = _shared_settings()
    start = st.container()  # above the forms, so that no one has to scroll to it
    st.subheader("Strategies")
    offered = [strategy for name, strategy in STRATEGIES.items() if name != "keep"]
    usual = [strategy for strategy in offered if strategy.default_on]
    others = [strategy for strategy in offered if not strategy.default_on]
    chosen = _strategy_forms(spec, usual)
    if any(f"use_{strategy.name}" in st.query_params for strategy in others):
        st.session_state["more_strategies_open"] = True  # a link or a refresh shows what it chose
    is_open = st.session_state.get("more_strategies_open", False)
    with st.expander(f"More strategies ({len(others)})", expanded=is_open):
        chosen |= _strategy_forms(spec, others)
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
            stop_quick_look(state.store(), spec.id)
            submit(state.store(), runs)
            request_probes(state.store(), plan_report(state.store(), spec))
            st.rerun()
        if quick:
            ask_quick_look(spec, runs, vary=vary)
        with start:
            quick_board(spec)
            forecast_board(plan_estimates(runs))
    except RetrainError as error:
        show_error(error)


def _strategy_forms(
    spec: ExperimentSpec, offered: list[type[Strategy]]
) -> dict[str, tuple[dict[str, Scalar | None], str]]:
    """Draw strategies side by side; return options and device of those that are switched on."""
    chosen: dict[str, tuple[dict[str, Scalar | None], str]] = {}
    for first in range(0, len(offered), FORMS_A_ROW):
        for column, strategy in zip(
            st.columns(FORMS_A_ROW), offered[first : first + FORMS_A_ROW], strict=False
        ):
            with column:
                found = _strategy_form(spec, strategy)
            if found is not None:
                chosen[strategy.name] = found
    return chosen


def _strategy_form(
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
            devices = {"": "As above", **_device_names()}
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


def _device_names() -> dict[str, str]:
    """Return the devices that can be chosen, with what to call them."""
    return {"auto": "Automatic", **{device.name: device.title for device in known_devices(state.store())}}


def _shared_settings() -> tuple[dict[str, Scalar | None], dict[str, Any]]:
    """Draw what holds for all strategies; return their shared options, and the rest of the plan."""
    devices, keep = _device_names(), {"bind": "query-params"}
    first, second, third, fourth = st.columns(4)
    with first:
        device = st.selectbox("Device", list(devices), format_func=devices.__getitem__, key="device", **keep)
        sandbox_line()
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
    limits, balanced = _limits(keep)
    options = {"epochs": epochs, "batch_size": size, "balanced": balanced}
    return options, {"device": str(device), "seeds": range(int(seeds)), "limits": limits}


def _limits(keep: dict[str, Any]) -> tuple[Limits, bool]:
    """Draw what a run may use, and whether classes are balanced."""
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
        with first:
            memory = st.number_input(
                "Memory limit (MB a run)",
                0,
                10_000_000,
                0,
                key="memory_limit",
                help="0: no limit. A run whose worker holds more memory ends with its best weights.",
                **keep,
            )
        with second:
            silence = st.number_input(
                "Silence limit (min)",
                0,
                10_000,
                15,
                key="silence_limit",
                help="0: no limit. A run that gives no sign of life for so long is taken to hang, and ends with its "
                "best weights. Signs come between steps, so it should be longer than the longest step.",
                **keep,
            )
    limits = Limits(
        seconds=float(minutes) * 60 if minutes else None,
        steps=int(steps) if steps else None,
        memory_mb=float(memory) if memory else None,
        silence_seconds=float(silence) * 60 if silence else None,
    )
    return limits, balanced
