"""What there is to compute on, and what the strategies cost, on the Diagnosis page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages._ui import state
from pages._ui.tables import column_width
from pages._ui.text import help_for, literal, show_error
from pages._ui.unexpected import told
from retrain_core import diagnosis
from retrain_core.errors import RetrainError
from retrain_core.figures.style import look_of
from retrain_core.machine import available_memory_mb, total_memory_mb
from retrain_core.runs import (
    Costs,
    costs,
    known_devices,
    plan_costs,
    request_estimates,
)
from retrain_core.types import (
    ExperimentSpec,
    Machine,
)

FITS = {True: "fits", False: "does not fit", None: "cannot tell"}


def resources(spec: ExperimentSpec) -> None:
    """Say what there is to compute on, and which strategies fit a budget."""
    st.subheader("Computing resources")
    found = diagnosis.machine(known_devices(state.store()), total_memory_mb(), available_memory_mb())
    for column, (title, value, note) in zip(
        st.columns(3),
        (
            ("CPU cores", f"{found.cores}", "that this app may use"),
            ("Memory", f"{found.memory_mb / 1024:.1f} GB", f"{found.free_mb / 1024:.1f} GB free"),
            ("GPUs", f"{len(found.gpus)}", ", ".join(found.gpus) or "TensorFlow finds none"),
        ),
        strict=True,
    ):
        with column:
            st.metric(title, value, border=True, height="stretch")
            st.caption(literal(note))
    now = costs(state.store(), spec)
    if now.known:
        _affordable(now, found)
    _failed_costs(now)
    if now.missing:
        _missing_costs(spec, now)
    if not all(one.done for one in now.asked.values()):
        _follow_costs(spec, now)


def _affordable(now: Costs, found: Machine) -> None:
    """Say which of the strategies whose cost is known fit a budget."""
    first, second = st.columns(2)
    minutes = first.number_input(
        "Time for one run (minutes)",
        0.0,
        100_000.0,
        10.0,
        1.0,
        key="budget_minutes",
        help="0: no limit.",
        bind="query-params",
    )
    memory = second.number_input(
        "Memory for one run (GB)", 0.0, 100_000.0, round(found.memory_mb / 1024, 1), 1.0, key="budget_memory", help="0: no limit.",
        bind="query-params",
    )  # fmt: skip
    judged = diagnosis.affordable(now.known, minutes * 60 or None, memory * 1024 or None)
    st.dataframe(
        pd.DataFrame(
            [
                {"Strategy": look_of(one.strategy).title, "In this budget": FITS[one.fits], "Why": one.why}
                for one in judged
            ]
        ),
        hide_index=True,
        key="affordable",
        height="content",
        column_config={
            "Strategy": st.column_config.Column(
                pinned=True, width=column_width([look_of(one.strategy).title for one in judged])
            ),
            "In this budget": st.column_config.Column(width=120),
            "Why": st.column_config.Column(width="large"),
        },
    )


def _missing_costs(spec: ExperimentSpec, now: Costs) -> None:
    """Offer to measure what is not known."""
    names = ", ".join(look_of(name).title for name in now.missing)
    st.caption(
        f"Not measured yet: {literal(names)}."
        if now.known or now.asked
        else "What each strategy takes on this machine is not known yet. A few real steps of each tell it, "
        "in some seconds a strategy."
    )
    if state.change_button("Measure what they cost", icon=":material/timer:", help=help_for("forecast")):
        wanted = [rehearsal for rehearsal in plan_costs(spec) if rehearsal.strategy in now.missing]
        try:
            request_estimates(state.store(), wanted, again=True)
        except RetrainError as error:
            show_error(error)
        else:
            st.rerun()


def _failed_costs(now: Costs) -> None:
    """Say why the cost of a strategy could not be measured."""
    reasons: dict[str, list[str]] = {}
    for name, one in now.asked.items():
        if one.status == "failed" and name in now.missing:
            reasons.setdefault(one.error or "", []).append(look_of(name).title)
    for reason, names in reasons.items():
        st.warning(f"**{literal(', '.join(names))}**: {literal(reason)}", icon=":material/warning:")


def _follow_costs(spec: ExperimentSpec, then: Costs) -> None:
    """Show how many costs are measured, and draw the page again as soon as there is one more."""

    @st.fragment(run_every=1.0)
    @told()
    def board() -> None:
        state.keep_runner()
        now = costs(state.store(), spec)
        done = sum(one.done for one in now.asked.values())
        if done != sum(one.done for one in then.asked.values()):
            st.rerun()
        started = any(one.status == "running" for one in now.asked.values())
        waits = "" if started else " Waiting for their turn."
        st.progress(
            done / len(now.asked),
            text=f"Measuring a few real steps of each strategy: {done} of {len(now.asked)} done.{waits}",
        )

    with st.container(key="follow_costs"):
        board()
