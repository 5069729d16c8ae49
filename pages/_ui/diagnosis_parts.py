"""The parts of the Diagnosis page: the first guess, volume, resources, sensitivity."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages._ui import state
from pages._ui.probes import ask, failed, follow
from pages._ui.text import chart, decimals, help_for, literal, show_error
from retrain_core import diagnosis
from retrain_core.errors import RetrainError
from retrain_core.figures.sensitivity import importance_bars, robustness_lines
from retrain_core.figures.style import look_of
from retrain_core.figures.volume import learning_curve_chart
from retrain_core.machine import available_memory_mb, total_memory_mb
from retrain_core.runs import (
    Costs,
    RunState,
    asked_curve,
    candidate_options,
    costs,
    curve_points,
    known_devices,
    plan_costs,
    plan_curve,
    probe_states,
    request_estimates,
    sensitivities,
)
from retrain_core.strategies import STRATEGIES
from retrain_core.types import (
    Comparison,
    ExperimentSpec,
    Machine,
    Sensitivity,
    ShiftReport,
)

LETTER = 8  # pixels that a letter of a table takes at most, on average
MOST_MODELS = 5  # on one chart, unless more are asked for
ACCURACY, ERROR = "Accuracy (%)", "Mean absolute error"
FITS = {True: "fits", False: "does not fit", None: "cannot tell"}


def first_guess(
    spec: ExperimentSpec,
    report: ShiftReport | None,
    probes: Sequence[RunState],
    comparison: Comparison | None,
) -> str | None:
    """Say what the evidence points to, and how the measurement agrees with it; return the strategy if there is one."""
    if spec.old is None:
        st.info(
            "**Without old data there is no first guess:** how the data has moved cannot be measured.",
            icon=":material/info:",
        )
        state.page_link("data", "Add old data", ":material/upload_file:")
        return None
    shift, *model = probes
    if report is None:
        if not failed([shift], "The shift", "shift"):
            follow([shift.spec], "how the data has moved", "shift")
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
    if not failed(model, "What the model sees", "model") and (
        waiting := [one.spec for one in model if not one.done]
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


# --- volume ---------------------------------------------------------------------------------------


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
        if (outdated or not asked) and st.button(
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


# --- resources ------------------------------------------------------------------------------------


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
                pinned=True, width=_name_width([look_of(one.strategy).title for one in judged])
            ),
            "In this budget": st.column_config.Column(width=120),
            "Why": st.column_config.Column(width="large"),
        },
    )


def _name_width(names: Sequence[str]) -> int:
    """Return the width of a column that shows its longest name whole, in pixels."""
    return max(100, LETTER * max(map(len, names)) + 24)


def _missing_costs(spec: ExperimentSpec, now: Costs) -> None:
    """Offer to measure what is not known."""
    names = ", ".join(look_of(name).title for name in now.missing)
    st.caption(
        f"Not measured yet: {literal(names)}."
        if now.known or now.asked
        else "What each strategy takes on this machine is not known yet. A few real steps of each tell it, "
        "in some seconds a strategy."
    )
    if st.button("Measure what they cost", icon=":material/timer:", help=help_for("forecast")):
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


# --- sensitivity ----------------------------------------------------------------------------------


def sensitivity(spec: ExperimentSpec, probes: Sequence[RunState]) -> None:
    """Show what disturbed rows cost the old model and every candidate."""
    st.subheader("Sensitivity of the model", help=help_for("robustness"))
    found = sensitivities(state.store(), spec.id)
    waiting = [one.spec for one in probes if not one.done]
    if waiting:
        follow(waiting, "how much disturbed rows cost the models", "sensitivity")
    failed(probes, "Sensitivity", "sensitivity")
    if not found:
        return
    table = _robustness(found)
    st.dataframe(
        table,
        hide_index=True,
        key="robustness",
        column_config={
            "Model": st.column_config.Column(pinned=True, width=_name_width(table["Model"])),
            "Robustness (%)": st.column_config.NumberColumn(format="%.0f", help=help_for("robustness")),
            "Loss": st.column_config.NumberColumn(format="%.4f"),
            ACCURACY: st.column_config.NumberColumn(format="%.1f"),
            ERROR: st.column_config.NumberColumn(format=decimals(table[ERROR]) if ERROR in table else None),
        },
    )
    st.caption(f"Scores on {found[0].rows:,} held-out new rows, before anything is disturbed.")
    for sentence in diagnosis.no_better_than_one_class(found):
        st.info(literal(sentence), icon=":material/info:")
    if len(found) > MOST_MODELS:
        names = [one.model for one in found]
        chosen = st.multiselect(
            "Models",
            names,
            default=names[:MOST_MODELS],
            format_func=lambda name: look_of(name).title,
            key="sensitivity_models",
        )
        found = [one for one in found if one.model in chosen] or found[:1]
    kinds = list(dict.fromkeys(point.what for one in found for point in one.points if not point.column))
    if kinds:
        what = _choose("Disturb by", kinds, "disturbance")
        chart(robustness_lines(found, what), key="robustness_lines", alt=f"Scores under {what}.")
    single = list(dict.fromkeys(point.what for one in found for point in one.points if point.column))
    if single:
        st.markdown("**Which columns the models depend on**", help=help_for("permutation importance"))
        what = _choose("Disturb a column alone", single, "single_disturbance")
        chart(
            importance_bars(found, what),
            key="importance",
            alt="Columns whose disturbance changes the score most.",
        )
        for sentence in diagnosis.better_without(found):
            st.write(literal(sentence))
    if any(point.interval for one in found for point in one.points):
        st.caption(diagnosis.WHISKERS)
    for note in dict.fromkeys(note for one in found for note in one.notes):
        st.caption(literal(note))


def _choose(label: str, kinds: Sequence[str], key: str) -> str:
    """Let the user choose a kind of disturbance."""
    return st.segmented_control(
        label,
        kinds,
        default=kinds[0],
        required=True,
        key=key,
        format_func=lambda kind: diagnosis.DISTURBANCES[kind].title,
    )


def _robustness(found: Sequence[Sensitivity]) -> pd.DataFrame:
    percent = found[0].metric_name == "accuracy"
    score = ACCURACY if percent else ERROR
    return pd.DataFrame(
        [
            {
                "Model": look_of(one.model).title,
                score: 100 * one.metric if percent else one.metric,
                "Loss": one.loss,
                "Robustness (%)": 100 * one.robustness,
            }
            for one in found
        ]
    )
