"""The answer to the open experiment, computed once for each set of results and weight."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages._ui import state, ways
from pages._ui.few import ANSWERS
from pages._ui.probes import ask
from pages._ui.text import help_for, literal, show_error
from pages._ui.wishes import wishes
from retrain_core.answer import HeldRows, answer, evidence_of, holdout_rows, weigh
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
from retrain_core.types import Comparison, ExperimentSpec, Wishes


@st.cache_resource(max_entries=16, show_spinner="Comparing ...")
def _evidence(experiment: str, ended: tuple[str, ...]) -> Evidence:
    """Return what the runs have told that have ended; a probe that ends later does not change it."""
    with ANSWERS:
        return evidence_of(state.store(), experiment)


@st.cache_resource(max_entries=16, show_spinner="Comparing ...")
def _answer(experiment: str, ended: tuple[str, ...], probes: tuple[tuple[str, int], ...]) -> ReportContent:
    """Return the answer; ``ended`` and ``probes`` name what it rests on, so that a new result makes a new one."""
    evidence = _evidence(experiment, ended)
    with ANSWERS:
        return answer(state.store(), experiment, Wishes(), evidence)


@st.cache_resource(max_entries=16, show_spinner=False)
def _weighed(
    experiment: str, ended: tuple[str, ...], probes: tuple[tuple[str, int], ...], wishes: Wishes
) -> ReportContent:
    """Return the answer under these wishes; all that does not hang on them is shared."""
    found = _answer(experiment, ended, probes)
    with ANSWERS:
        return weigh(found, wishes)


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
        return _weighed(spec.id, ended, known_probes(state.store(), spec.id), wishes(spec))
    except RetrainError as error:
        show_error(error)
        st.stop()


@st.cache_resource(max_entries=8, show_spinner=False)
def held_columns(experiment: str) -> dict[Side, pd.DataFrame]:
    """Return the held-out rows as they came, by part; experiments prepared by an older version have none."""
    folder, found = state.store().experiment_folder(experiment) / "data", dict[Side, pd.DataFrame]()
    for side in SIDES:
        try:
            found[side] = load_columns(folder / SCORED_PARTS[side])
        except FileNotFoundError:
            continue
    return found


@st.cache_resource(max_entries=8, show_spinner=False)
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
        return _weighed(spec.id, ended, known_probes(state.store(), spec.id), wishes(spec)).comparison
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
