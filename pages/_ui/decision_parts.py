"""The decision at the top of the Compare page: what to do and why, and what makes the comparison fair."""

from __future__ import annotations

import streamlit as st

from pages._ui.answers import certainty
from pages._ui.tables import show_table
from pages._ui.text import chart_of, help_for, literal
from pages._ui.wish_parts import ask_wishes
from retrain_core.figures.verdict import worth_dots
from retrain_core.report import verdict_tables as tables
from retrain_core.report.content import ReportContent
from retrain_core.report.facts import held_labels
from retrain_core.types import Recommendation


def decision(content: ReportContent) -> None:
    """Show what to do and why, with what the user wishes in between: a wish moves the sentence above it."""
    recommendation, evidence = content.comparison.recommendation, content.evidence
    assert evidence is not None
    if recommendation is None:
        st.error(
            "**There is no recommendation.** Keep has no score, and every number is read against it.",
            icon=":material/error:",
        )
        return
    with st.container(border=True, key="recommendation"):
        if content.complete:
            st.markdown(f"#### {literal(recommendation.summary)}")
            certainty(content.comparison)
        else:
            st.markdown(f"#### So far: {literal(recommendation.summary)}")
            st.caption(":material/hourglass: Not all runs have ended; another candidate may yet win.")
        ask_wishes(content.spec, evidence)
        st.markdown(_list(recommendation.reasons))
        if recommendation.changes:
            st.markdown(f"**What would change it**\n{_list(recommendation.changes)}")
        if recommendation.doubts:
            st.caption(f"**What is doubtful**\n{_list(recommendation.doubts)}")
    _why(content, recommendation)


def _list(sentences: tuple[str, ...]) -> str:
    return "\n".join(f"- {literal(sentence)}" for sentence in sentences)


def _why(content: ReportContent, recommendation: Recommendation) -> None:
    """Show what each candidate is worth against keep."""
    st.subheader("Why", help=help_for("margin"))
    st.caption(
        "How much better than keep, in margins. Mark: measured, with its 95 % interval. Bar: expected on other rows. Grey: "
        "within the smallest difference that matters."
    )
    chart_of(
        worth_dots, recommendation, key="worth", alt="What each candidate is worth against keep, in margins."
    )
    table = tables.weighed_table(content.comparison, recommendation)
    show_table(table, "weighed", tables.weighed_columns(recommendation), tables.WEIGHED_TEXTS)


def holdout(content: ReportContent) -> None:
    """Show what makes the comparison fair, and what the split makes doubtful."""
    comparison, split = content.comparison, content.split
    rows = comparison.holdout
    old = f" and {rows.old_rows:,} old" if rows.old_rows else ""
    st.markdown(
        f":green-badge[:material/verified_user: same holdout for all] {rows.new_rows:,} new{old} rows, "
        f"SHA-256 `{rows.sha256[:16]}`",
        help=f"{help_for('holdout')} Full hash: {rows.sha256}",
    )
    for sentence in held_labels(rows):
        st.caption(literal(sentence))
    for doubt in content.split_doubts:
        st.caption(f":material/warning: {literal(doubt.title)}. {literal(doubt.detail)}")
    for note in (*comparison.notes, *split.notes):
        st.caption(literal(note))
