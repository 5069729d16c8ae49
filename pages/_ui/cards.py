"""Run cards: where each run is, in one glance."""

from __future__ import annotations

import streamlit as st

from pages._ui import state
from pages._ui.text import help_for, literal, seconds
from retrain_core.compare.score_words import score_text
from retrain_core.figures.style import look_of, trains
from retrain_core.runs import RunState
from retrain_core.types import RunResult, RunSpec

CARD_TERMS = ("forecast", "plain steps", "compiled steps", "device shared")
STATUS = {
    "queued": ("waiting", "gray"),
    "running": ("running", "blue"),
    "finished": ("finished", "green"),
    "stopped": ("stopped", "orange"),
    "failed": ("failed", "red"),
}


def run_card(run: RunState, *, several_seeds: bool) -> None:
    """Draw the card of one run: progress, time left, loss and accuracy, and a stop button while it lasts."""
    words, colour = ("stalled", "orange") if run.stalled else STATUS[run.status]
    with st.container(border=True, height="stretch", key=f"card_{run.spec.id}"):
        seed = f" · seed {run.spec.seed}" if several_seeds else ""
        st.markdown(f"**{look_of(run.spec.strategy).title}**{seed} :{colour}-badge[{words}]")
        st.progress(min(run.progress, 1.0))
        where = _where(run)
        terms = [f"{term.capitalize()}: {help_for(term)}" for term in CARD_TERMS if term in where]
        st.caption(literal(where), help="\n\n".join(terms) or None)
        st.markdown(_scores(run))
        for notice in run.notices:
            st.caption(f":material/info: {literal(notice)}")
        if run.error and run.status == "failed":
            st.error(literal(run.error), icon=":material/error:")
        if run.error and run.status == "stopped" and run.result and run.result.new:
            st.caption(f":material/timer_off: {literal(run.error)}")
        if not run.done and state.change_button(
            "Stop", key=f"stop_{run.spec.id}", help="It keeps its best weights and is scored."
        ):
            state.store().request_stop(run.spec.experiment, run.spec.id)
            st.toast(f"{look_of(run.spec.strategy).title} is stopping.")


def _where(run: RunState) -> str:
    if run.status == "queued":
        if not run.waiting:
            return "starts as soon as the device is free"
        return f"{run.waiting} run{'s'[: run.waiting > 1]} before it"
    if run.status == "running":
        parts = [run.label or "starting", f"{seconds(run.elapsed)} so far"]
        if run.left is not None:
            parts.append(f"about {seconds(max(run.left, 1))} left")
        return " · ".join(parts)
    if run.status == "failed":
        return f"ended after {seconds(run.elapsed)}"
    if run.result and run.result.new is None:
        return run.result.error or ""
    if run.result and not trains(run.spec.strategy):
        return f"nothing to train; scored on {run.result.device.upper()}"
    if run.result:
        return _trained(run.spec, run.result)
    return run.error or ""


def _trained(spec: RunSpec, result: RunResult) -> str:
    """Return what the training took, and whether that was forecast."""
    parts = [f"trained for {result.seconds:.1f} s on {result.device.upper()}"]
    if spec.forecast is not None:
        low, high = spec.forecast.seconds
        parts.append(f"forecast {low:.1f} to {high:.1f} s")
    if result.resumed:
        parts.append(f"cut off and resumed {result.resumed} time{'s'[: result.resumed != 1]}")
    if result.shared:
        parts.append("device shared")
    if result.steps:  # version 0.1.0 did not count them
        parts.append(f"{result.steps:,} {result.way} step{'s'[: result.steps != 1]}")
    return " · ".join(parts)


def _scores(run: RunState) -> str:
    """Return the latest validation scores while it runs, those on the holdout at the end."""
    if run.result and run.result.new:
        new = run.result.new
        name, value = ("accuracy", new.accuracy) if new.accuracy is not None else ("mae", new.mae)
        return _score_line("Holdout, new rows", name, value, new.loss)
    last = run.curve[-1] if run.curve else {}
    name = "accuracy" if "validation_accuracy" in last else "mae"
    metric, loss = last.get(f"validation_{name}"), last.get("validation_loss")
    if metric is not None and loss is not None:
        return _score_line("Validation", name, metric, loss)
    return "No scores yet"


def _score_line(where: str, name: str, value: float | None, loss: float) -> str:
    words = "accuracy" if name == "accuracy" else "mean abs. error"
    shown = "" if value is None else f"{words} **{score_text(name, value)}**, "
    return f"{where}: {shown}loss **{score_text('loss', loss)}**"
