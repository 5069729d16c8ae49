"""The answer to the open experiment, computed once for each set of results and weight."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from pages._ui import state, ways
from pages._ui.few import ANSWERS, long, turn, working
from pages._ui.probes import ask
from pages._ui.text import help_for, literal, show_error
from pages._ui.wishes import wishes
from retrain_core.answer import HeldRows, answer, compared, evidence_of, holdout_rows
from retrain_core.compare.basis_words import no_rival, resamples
from retrain_core.compare.evidence import SIDES, Evidence, Side
from retrain_core.data.parts import SCORED_PARTS, load_columns
from retrain_core.errors import RetrainError
from retrain_core.report import diagnosis_facts
from retrain_core.report.content import ReportContent
from retrain_core.runs import (
    experiment_status,
    known_probes,
    plan_report,
    run_states,
    runs_done,
)
from retrain_core.types import Comparison, ExperimentSpec, Level, Wishes

Ended = tuple[str, ...]
Known = tuple[tuple[str, int], ...]


@st.cache_resource(max_entries=32, show_spinner="Comparing ...")
def _evidence(experiment: str, ended: Ended) -> Evidence:
    """Return what the runs have told that have ended; a probe that ends later does not change it."""
    with working("answer", experiment), ANSWERS, turn():
        return evidence_of(state.store(), experiment)


@st.cache_resource(max_entries=32, show_spinner="Comparing ...")
def _compared(experiment: str, ended: Ended, wishes: Wishes, level: Level | None) -> Comparison:
    """Return the comparison; of what probes tell it only takes how much the data has moved, so most change nothing."""
    evidence = _evidence(experiment, ended)
    with working("answer", experiment), ANSWERS, turn():
        return compared(state.store(), experiment, wishes, level, evidence)


@st.cache_resource(max_entries=32, show_spinner=False)
def _answer(experiment: str, ended: Ended, probes: Known, level: Level | None) -> ReportContent:
    """Return the answer; ``ended`` and ``probes`` name what it rests on, so that a new result makes a new one."""
    evidence, comparison = _evidence(experiment, ended), _compared(experiment, ended, Wishes(), level)
    with working("answer", experiment), ANSWERS, turn():
        return answer(state.store(), experiment, Wishes(), evidence, comparison)


@long("answer")
@st.cache_resource(max_entries=32, show_spinner=False)
def _weighed(
    experiment: str, ended: Ended, probes: Known, wishes: Wishes, level: Level | None
) -> ReportContent:
    """Return the answer under these wishes; all that does not hang on them is shared."""
    comparison = _compared(experiment, ended, wishes, level)
    return replace(_answer(experiment, ended, probes, level), comparison=comparison)


def _answered(spec: ExperimentSpec, ended: Ended) -> ReportContent:
    """Return the answer that follows from these runs and from the probes that have ended."""
    store = state.store()
    probes = known_probes(store, spec.id)
    shift = state.shift_report(spec, store.shift_settings(spec.id)) if spec.old is not None else None
    return _weighed(spec.id, ended, probes, wishes(spec), shift.overall.level if shift else None)


def current_answer(spec: ExperimentSpec) -> ReportContent:
    """Return the answer to ``spec`` so far, or say what is missing and stop the page."""
    status, error = experiment_status(state.store(), spec.id)
    if status == "failed":
        preparation_failed(error)
        st.stop()
    ask(plan_report(state.store(), spec))  # nobody may have been at the pages that ask it
    runs = run_states(state.store(), spec.id)
    ended = tuple(run.spec.id for run in runs if run.done)
    waiting = len(runs) - len(ended)
    if waiting:
        st.info(
            f"{waiting} of {len(runs)} runs are not done yet; this page shows the others.",
            icon=":material/hourglass_top:",
        )
        ways.page_link("train", "Watch them", ":material/model_training:")
    try:
        return _answered(spec, ended)
    except RetrainError as error:
        show_error(error)
        st.stop()


@st.cache_resource(max_entries=24, show_spinner=False)
def held_columns(experiment: str) -> dict[Side, pd.DataFrame]:
    """Return the held-out rows as they came, by part; experiments prepared by an older version have none."""
    folder, found = state.store().experiment_folder(experiment) / "data", dict[Side, pd.DataFrame]()
    for side in SIDES:
        try:
            found[side] = load_columns(folder / SCORED_PARTS[side])
        except FileNotFoundError:
            continue
    return found


@st.cache_resource(max_entries=24, show_spinner=False)
def held_places(experiment: str, _spec: ExperimentSpec) -> dict[str, HeldRows]:
    """Return where in which file the held-out rows stand, by part."""
    return holdout_rows(state.store(), _spec)


def finished_comparison(spec: ExperimentSpec) -> Comparison | None:
    """Return the comparison once all runs have ended; ``None`` before, as others may yet win, or if none can be made."""
    done, runs = runs_done(state.store(), spec.id)
    if not runs or done < runs:
        return None
    ended = tuple(run.id for run in state.store().runs(spec.id))
    try:
        return _answered(spec, ended).comparison
    except RetrainError:  # such as runs that have all failed: the Compare page says so
        return None


def preparation_failed(error: str | None) -> None:
    """Say that nothing could be run, why, and where it can be mended."""
    st.error(f"**The data could not be prepared.**  \n{literal(error or '')}", icon=":material/error:")
    ways.page_link("data", "Change the data", ":material/table:")


def not_known(content: ReportContent) -> None:
    """Say which part of the answer is left out because it could not be measured or read, and why; a line each."""
    for sentence in diagnosis_facts.not_known(content):
        st.caption(f":material/warning: {literal(sentence)}")


def certainty(comparison: Comparison) -> None:
    """Say how sure the recommendation is, and for which weight of the old rows it holds."""
    recommendation = comparison.recommendation
    assert recommendation is not None
    if alone := no_rival(recommendation):
        st.caption(alone)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(
            "clear" if recommendation.clear else "not certain",
            color="green" if recommendation.clear else "orange",
            icon=":material/verified:" if recommendation.clear else ":material/help:",
            help=help_for("clear" if recommendation.clear else "not certain"),
        )
        weight = (
            f", if old rows count {100 * comparison.wishes.old_weight:.0f} %"
            if comparison.holdout.old_rows
            else ""
        )
        st.caption(
            f"same choice in {100 * recommendation.stability:.0f} % of {resamples(comparison.strategies)}{weight}",
            help=help_for("stability"),
            width="content",
        )
