"""The evidence below the decision of the Compare page, by section."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from pages._ui.answers import held_columns, held_places
from pages._ui.choosing import choose_models
from pages._ui.cost_parts import show_cost
from pages._ui.errors_parts import show_errors
from pages._ui.flips_parts import show_flips
from pages._ui.slices_parts import show_slices
from pages._ui.tables import show_table
from pages._ui.text import chart_of, help_for, literal
from retrain_core.compare.basis_words import told_rows
from retrain_core.compare.cost import main_score
from retrain_core.compare.evidence import SIDES, Evidence
from retrain_core.compare.measures import SCORES
from retrain_core.compare.score_words import name_of
from retrain_core.compare.weighing import old_side
from retrain_core.figures.compare import score_dots, tradeoff
from retrain_core.figures.curves import keep_on_validation, training_curves
from retrain_core.figures.style import look_of, trains
from retrain_core.report import verdict_tables as tables
from retrain_core.report.answers import all_scores
from retrain_core.report.content import ReportContent
from retrain_core.report.tables import SCORE_COLUMNS, TEXT_COLUMNS, score_table

SECOND_SCORES = ("log_loss", "auprc", "rmse", "mae")
KNOWN_WHY = "The old model has seen the held-out old rows, so candidates are compared on old rows that full retrain was trained on too."


def scores(content: ReportContent) -> None:
    """Show every score on the holdout."""
    comparison, evidence = content.comparison, _evidence(content)
    show_table(score_table(comparison), "scores", SCORE_COLUMNS, TEXT_COLUMNS)
    for name, candidate in comparison.strategies.items():
        if candidate.error:
            st.warning(f"**{look_of(name).title}**: {literal(candidate.error)}", icon=":material/warning:")
    for column, place, first in zip(st.columns(2), ("left", "right"), _first_scores(content), strict=True):
        with column:
            name = st.selectbox(
                "Score",
                evidence.scores,
                index=evidence.scores.index(first),
                format_func=lambda name: SCORES[name].title,
                key=f"dots_{place}_score",
                persist_state="session",
                help="\n\n".join(f"{SCORES[one].title}: {help_for(name_of(one))}" for one in evidence.scores),
            )
            chart_of(
                score_dots,
                comparison,
                name,
                key=f"dots_{place}",
                alt=f"{SCORES[name].title} of each candidate with 95 % intervals.",
            )
    st.markdown("**All scores**")
    st.caption("With 95 % intervals in brackets.")
    titles, rows = all_scores(comparison)
    st.dataframe(pd.DataFrame(rows, columns=titles), hide_index=True, key="all_scores")


def _first_scores(content: ReportContent) -> tuple[str, str]:
    """Return the two scores that are drawn at first: the one that decides, and one that tells something else."""
    first = main_score(content.comparison)
    return first, next(name for name in SECOND_SCORES if name in _evidence(content).scores and name != first)


def differences(content: ReportContent) -> None:
    """Show each candidate against keep and against every other."""
    found = content.comparison.differences
    if not found:
        st.caption("There is nothing to compare: it takes keep and another candidate with a score.")
        return
    sides = [side for side in SIDES if any(one.side == side for one in found)]
    evidence, asked = _evidence(content), content.comparison.wishes
    known, titles = old_side(evidence, asked) == "trained", told_rows(evidence, asked)
    names = list(dict.fromkeys(one.score for one in found))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        side = sides[0]
        if len(sides) > 1:
            side = st.segmented_control(
                "Rows", sides, default=side, required=True, key="differences_side", persist_state="session",
                format_func=titles.__getitem__,
            )  # fmt: skip
        score = main_score(content.comparison)
        if len(names) > 1:
            score = st.selectbox(
                "Score", names, index=names.index(score), key="differences_score", persist_state="session", width=260,
                format_func=lambda name: SCORES[name].title,
            )  # fmt: skip
    if side == "old" and known:
        st.caption(KNOWN_WHY)
    table = tables.difference_table(content.comparison, side, score)
    if table.empty:
        st.caption("This part has too few rows of a class for this score.")
        return
    show_table(table, "differences", tables.difference_columns(score), tables.DIFFERENCE_TEXTS)


def errors(content: ReportContent) -> None:
    """Show what stands behind the scores."""
    schema = content.spec.schema
    show_errors(_evidence(content), schema.classes, schema.labels, _nearest(content))


def groups(content: ReportContent) -> None:
    """Show scores by class and by columns."""
    spec, wishes = content.spec, content.comparison.wishes
    left_out = (*spec.schema.labels, *spec.split.columns)
    show_slices(
        _evidence(content),
        held_columns(spec.id),
        _classes(content),
        content.shift,
        wishes,
        _nearest(content),
        left_out,
        main_score(content.comparison),
    )


def changed_rows(content: ReportContent) -> None:
    """Show rows that got worse and better."""
    spec = content.spec
    places, columns = held_places(spec.id, spec), held_columns(spec.id)
    show_flips(_evidence(content), places, columns, _classes(content), _nearest(content), content.shift)


def old_and_new(content: ReportContent) -> None:
    """Show what is gained on the new rows against what is lost on the old."""
    comparison = content.comparison
    st.caption(
        "Up: better on the new rows. Right: better on the old rows. What lies left of keep has forgotten."
    )
    chart_of(
        tradeoff,
        comparison,
        comparison.wishes.old_weight,
        key="tradeoff",
        alt="Score on the new part against score on the old part.",
    )
    score = main_score(comparison)
    table = tables.forgetting_table(comparison, _evidence(content))
    if len(table):
        st.markdown(
            f"**What is forgotten**: {literal(name_of(score))} on the old rows", help=help_for("forgetting")
        )
        show_table(table, "forgetting", tables.forgetting_columns(score), tables.FORGOTTEN_TEXTS)


def training(content: ReportContent) -> None:
    """Show the scores along the training."""
    comparison = content.comparison
    everyone = {
        seed["run"]: name for name, candidate in comparison.strategies.items() for seed in candidate.per_seed
    }
    trained = [name for name in comparison.strategies if trains(name)]
    chosen = choose_models(trained, "training_models", _nearest(content))
    strategies = {run: name for run, name in everyone.items() if name in chosen}
    for column, value in zip(st.columns(2), ("loss", comparison.metric.name), strict=True):
        with column:
            chart_of(
                training_curves,
                content.curves,
                strategies,
                value=value,
                x="rows_seen",
                keep=keep_on_validation(content.curves, everyone, value),
                key=f"curves_{value}",
                alt=f"Validation {value} along the training.",
            )


OLD_AND_NEW = "Old and new"
SECTIONS: dict[str, Callable[[ReportContent], None]] = {
    "Scores": scores,
    "Differences": differences,
    "Errors": errors,
    "Groups": groups,
    "Changed rows": changed_rows,
    OLD_AND_NEW: old_and_new,
    "Training": training,
    "Cost": show_cost,
}
BEHIND_SCORES = ("Errors", "Groups", "Changed rows")


def sections(content: ReportContent) -> None:
    """Let the user choose what to look at, and show it."""
    names = [name for name in SECTIONS if name != OLD_AND_NEW or content.spec.old]
    section = st.segmented_control(
        "Look at", names, default=names[0], required=True, key="view", bind="query-params"
    )
    if section in BEHIND_SCORES and not _evidence(content).predicted:
        st.caption("No candidate has a score.")
        return
    SECTIONS[section](content)


def _nearest(content: ReportContent) -> tuple[str, ...]:
    found = content.comparison.recommendation
    return found.nearest if found else ()


def _evidence(content: ReportContent) -> Evidence:
    assert content.evidence is not None
    return content.evidence


def _classes(content: ReportContent) -> tuple[str, ...]:
    """Return the names of the classes, or of the labels where a row has several."""
    return content.spec.schema.classes
