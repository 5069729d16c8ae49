"""How much new data there is, and what more would bring, on the Diagnosis page."""

from __future__ import annotations

import streamlit as st

from pages._ui import state
from pages._ui.probes import ask, failed, follow
from pages._ui.text import chart, help_for, literal
from retrain_core import diagnosis
from retrain_core.figures.style import look_of
from retrain_core.figures.volume import learning_curve_chart
from retrain_core.runs import (
    asked_curve,
    candidate_options,
    curve_points,
    plan_curve,
    probe_states,
)
from retrain_core.strategies import STRATEGIES
from retrain_core.types import (
    ExperimentSpec,
    ShiftReport,
)


def volume(spec: ExperimentSpec, report: ShiftReport | None, guess: str | None) -> None:
    """Say how much new data there is, and what more would bring, at first for the strategy that is guessed."""
    st.subheader("Volume of new data", help=help_for("effective old rows"))
    found = _volume(spec, report)
    split = state.store().split(spec.id)
    if found is not None:
        st.write(literal(found.summary))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [name for name in STRATEGIES if name != "keep"]
        first = guess if guess in names else "full_retrain"
        strategy = st.selectbox(
            "Strategy", names, index=names.index(first), format_func=lambda name: look_of(name).title,
            key=f"curve_strategy_{first}", width=260,
        )  # fmt: skip
        options = candidate_options(state.store(), spec.id, strategy)
        plan = [] if split is None else plan_curve(spec.id, strategy, options, split.rows["new_train"])
        asked = asked_curve(state.store(), spec.id, strategy)
        outdated = bool(asked) and asked[0].options != options
        if (outdated or not asked) and state.change_button(
            "Measure with the run's options" if outdated else "Measure what more new rows would bring",
            icon=":material/query_stats:",
            disabled=not plan,
            help="Runs the strategy on growing parts of the new rows, two seeds each, and scores it on the same holdout.",
        ):
            ask(plan)
            st.rerun()
    if not asked:
        return
    states = list(probe_states(state.store(), spec.id, [run.id for run in asked]).values())
    waiting = [one.spec for one in states if not one.done]
    if waiting:
        follow(waiting, "what more new rows would bring", "curve", of=len(states))
    failed(states, "Some points of the learning curve", "curve")
    points = curve_points(state.store(), asked)
    if points and split is not None and not waiting:
        metric = "mae" if spec.schema.task == "regression" else "accuracy"
        curve = diagnosis.learning_curve(
            points, strategy=strategy, metric=metric, rows_now=split.rows["new_train"]
        )
        st.write(literal(curve.summary))
        if outdated:
            st.caption("Measured with other options than its run has.")
        chart(learning_curve_chart(curve), key="learning_curve", alt=curve.summary)


def _volume(spec: ExperimentSpec, report: ShiftReport | None) -> diagnosis.Volume | None:
    split = state.store().split(spec.id)
    if report is not None:
        return diagnosis.volume_of(report, None if spec.holdout else split)
    if split is None:
        return None
    rows = diagnosis.used_rows(split)
    return diagnosis.volume(rows["new"], rows["old"], None)
