"""The cost section of the Compare page: what each candidate took, and when it pays."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from pages._ui.text import chart, chart_of, literal
from pages._ui.wishes import stakes, wish_key
from retrain_core.compare.cost import (
    Payoff,
    break_even,
    in_focus,
    main_score,
    scored_by,
    sensitivity,
)
from retrain_core.compare.cost_words import front_told, payoff_remarks, payoff_words, swing_words
from retrain_core.compare.score_words import name_of
from retrain_core.figures.cost import net_lines, pareto, tornado
from retrain_core.report.content import ReportContent
from retrain_core.report.costs import (
    COST_COLUMNS,
    DEVICE_HELP,
    PAYOFF_HEAD,
    cost_notes,
    cost_table,
    payoff_rows,
)
from retrain_core.types import Comparison, ExperimentSpec, Stakes

NO_STAKES = "Give the value of a better prediction, predictions a day and days: then you see when each candidate pays."


def show_cost(content: ReportContent) -> None:
    """Show what each candidate took, which has the best score for its time, and when it pays."""
    _show_table(content.comparison)
    _show_front(content.comparison)
    if content.comparison.recommendation is None:  # nothing to gain over
        return
    st.markdown("#### When does it pay?")
    _ask(content.spec)
    given = stakes(content.spec)
    if given is None:
        st.caption(NO_STAKES)
    else:
        _show_payoff(content, given)


def _show_table(comparison: Comparison) -> None:
    st.dataframe(
        cost_table(comparison),
        hide_index=True,
        key="cost_table",
        placeholder="–",
        column_config={
            "candidate": st.column_config.TextColumn(pinned=True),
            "device": st.column_config.TextColumn(help=DEVICE_HELP),
            **{
                name: st.column_config.NumberColumn(help=column.help, format=column.format)
                for name, column in COST_COLUMNS.items()
            },
        },
    )
    for note in cost_notes(comparison):
        st.caption(note)


def _show_front(comparison: Comparison) -> None:
    score = main_score(comparison)
    if scored_by(comparison, score):
        st.caption(literal(front_told(comparison, score)))
    chart_of(pareto, comparison, score, key="pareto", alt=f"{name_of(score)} against seconds of training.")


def _ask(spec: ExperimentSpec) -> None:
    """Draw the four inputs; all money is in one currency."""
    better = "an absolute error smaller by 1" if spec.schema.task == "regression" else "a right prediction"
    fields = (
        ("value", f"Value of {better}", "e.g. 0.50", f"What {better} brings more than the old model's, in your currency."),
        ("a_day", "Predictions a day", "e.g. 1000", "How many predictions the model makes a day."),
        ("days", "Days in use", "e.g. 90", "How long the next model is used: until you train again."),
        ("an_hour", "Price of an hour", "0", "What an hour of the machine costs that trains, in your currency; empty: nothing."),
    )  # fmt: skip
    for column, (name, label, example, help) in zip(st.columns(4), fields, strict=True):
        with column:
            st.number_input(
                label,
                min_value=0.0,
                value=None,
                format="%g",
                placeholder=example,
                help=help,
                key=wish_key(spec, name),
                persist_state="session",
            )


def _show_payoff(content: ReportContent, given: Stakes) -> None:
    comparison, found = content.comparison, content.comparison.recommendation
    assert content.evidence is not None and found is not None
    payoffs = break_even(content.evidence, comparison.strategies, given)
    name = in_focus(payoffs, found.choice)
    if name is None:
        st.caption("No candidate but keep has a score.")
        return
    st.markdown(f"**{literal(payoff_words(name, payoffs[name]))}**")
    st.caption(literal(" ".join(payoff_remarks(comparison, payoffs, name))))
    _show_payoff_charts(payoffs, name)
    st.dataframe(
        pd.DataFrame(payoff_rows(comparison.task, payoffs), columns=PAYOFF_HEAD),
        hide_index=True,
        key="payoffs",
    )


def _show_payoff_charts(payoffs: Mapping[str, Payoff], name: str) -> None:
    """Show when it pays, and beside it what that hangs on most."""
    payoff = payoffs[name]
    swings = sensitivity(payoff)
    left, right = st.columns(2)
    with left:
        words = "Net benefit over keep along the days, of each candidate."
        chart(net_lines(payoffs, name), key="payoff_lines", alt=words)
    with right:
        words = swing_words(swings, payoff.net)
        st.caption(literal(words))
        chart(tornado(swings, payoff), key="tornado", alt=words)
