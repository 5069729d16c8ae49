"""What the chosen strategies will cost, measured by rehearsals before anything trains."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from pages._ui import state
from pages._ui.tables import column_width
from pages._ui.text import help_for, literal
from pages._ui.unexpected import told
from retrain_core.figures.style import look_of
from retrain_core.runs import EstimateState, estimates, request_estimates
from retrain_core.types import RunSpec

WORTH_A_LOOK = 60.0  # seconds of the longest run, from which a quick look can save time
COLUMN_HELP = {
    "Memory (MB)": "Largest memory of the training process.",
    "Rows trained on": "Counted each time one is used.",
    "Energy (J)": "Of the whole machine while it trains; unknown where the machine does not tell.",
    "Steps": help_for("compiled steps"),
}
WAITING = {"queued": "waiting", "running": "measuring", "stopped": "–", "failed": "–"}


def forecast_board(rehearsals: list[RunSpec]) -> None:
    """Ask for what is not measured yet, and show each answer as it comes."""
    experiment, asked = rehearsals[0].experiment, tuple(spec.id for spec in rehearsals)
    before = st.session_state.get("asked_estimates", ("", ()))
    if before != (experiment, asked):
        request_estimates(state.store(), rehearsals, instead_of=before[1] if before[0] == experiment else ())
        st.session_state["asked_estimates"] = (experiment, asked)
    waiting = not all(found.done for found in _found(rehearsals))

    @st.fragment(run_every=0.7 if waiting else None)
    @told()
    def board() -> None:
        found = _found(rehearsals)
        if waiting and all(one.done for one in found):
            st.rerun()
        st.markdown("**What a run will cost**", help=help_for("forecast"))
        st.caption("A run is one strategy with one seed.")
        _table(found)
        if any(not one.done for one in found):
            st.caption("A few real steps of each strategy are being measured. You need not wait for it.")
        elif longest(found) < WORTH_A_LOOK:
            st.caption("No run takes longer than a minute: a quick look would save little time or none.")

    board()


def longest(found: list[EstimateState]) -> float:
    """Return the most seconds that a run may take; infinite as long as one is not known."""
    return max(one.estimate.seconds[1] if one.estimate else math.inf for one in found)


def _found(rehearsals: list[RunSpec]) -> list[EstimateState]:
    known = estimates(state.store(), rehearsals[0].experiment)
    return [known.get(spec.id, EstimateState(spec, "queued")) for spec in rehearsals]


def _table(found: list[EstimateState]) -> None:
    table = pd.DataFrame([_row(one) for one in found])
    width = {name: column_width([name, *table[name]]) for name in table}
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content",
        key="forecasts",
        column_config={
            name: st.column_config.TextColumn(
                pinned=name == "Strategy", width=width[name], help=COLUMN_HELP.get(name)
            )
            for name in table
        },
    )
    for one in found:
        if one.error and one.status == "failed":
            st.warning(
                f"**{look_of(one.spec.strategy).title}**: {literal(one.error)}", icon=":material/warning:"
            )


def _row(one: EstimateState) -> dict[str, object]:
    row: dict[str, object] = {
        "Strategy": look_of(one.spec.strategy).title,
        "Time": WAITING.get(one.status, "–"),
        "Memory (MB)": "",
        "Rows trained on": "",
        "Energy (J)": "",
        "Steps": "",
    }
    if one.estimate is None:
        return row
    low, high = one.estimate.rows_seen
    energy = one.estimate.energy_joules
    return row | {
        "Time": _seconds(*one.estimate.seconds) + (" (device busy)" if one.shared else ""),
        "Memory (MB)": f"{one.estimate.peak_memory_mb:,.0f}",
        "Rows trained on": f"{low:,}" if low == high else f"{low:,} to {high:,}",
        "Energy (J)": "unknown" if energy is None else f"{energy[0]:,.0f} to {energy[1]:,.0f}",
        "Steps": one.estimate.way,
    }


def _seconds(low: float, high: float) -> str:
    """Return a range of time as people read it.

    >>> _seconds(1.2, 3.4), _seconds(50, 400)
    ('1.2 to 3.4 s', '0.8 to 6.7 min')
    """
    return f"{low:,.1f} to {high:,.1f} s" if high < 120 else f"{low / 60:,.1f} to {high / 60:,.1f} min"
