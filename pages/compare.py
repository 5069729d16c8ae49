"""Compare: every candidate on the same holdout, and what to do."""

import streamlit as st

from pages._ui import state
from pages._ui.answers import certainty, current_answer
from pages._ui.text import chart, help_for, literal
from retrain_core.figures.compare import cost_bars, score_dots, tradeoff
from retrain_core.figures.curves import keep_on_validation, training_curves
from retrain_core.figures.style import look_of
from retrain_core.report.tables import SCORE_COLUMNS, TEXT_COLUMNS, score_table
from retrain_core.types import Comparison, Recommendation, SplitSummary, Wishes

st.title("Compare")
spec = state.require_experiment("Here all candidates are compared on the same held-out rows.")
state.require_runs(spec, "Run the strategies first, then they are compared here.")
old_weight = (
    st.slider(
        "How much do the old rows count?",
        0.0,
        1.0,
        Wishes.old_weight,
        0.05,
        format="percent",
        key="old_weight",
        help="Weight of the old part of the holdout in the score that the recommendation maximises. 0 %: only new rows count.",
        persist_state="session",
    )
    if spec.old
    else 0.0
)
content = current_answer(spec)
comparison = content.comparison


def show_recommendation(recommendation: Recommendation | None) -> None:
    """Show the answer as one sentence with its reasons."""
    if recommendation is None:
        st.error(
            "**There is no recommendation.** Keep has no score, and every number is read against it.",
            icon=":material/error:",
        )
        return
    with st.container(border=True, key="recommendation"):
        st.markdown(f"### {literal(recommendation.summary)}")
        certainty(comparison)
        for reason in recommendation.reasons:
            st.markdown(f"- {literal(reason)}")


def show_holdout(comparison: Comparison, split: SplitSummary) -> None:
    """Show what makes the comparison fair."""
    holdout = comparison.holdout
    old = f" and {holdout.old_rows:,} old" if holdout.old_rows else ""
    st.markdown(
        f":green-badge[:material/verified_user: same holdout for all] {holdout.new_rows:,} new{old} rows, "
        f"SHA-256 `{holdout.sha256[:16]}`",
        help=f"{help_for('holdout')} Full hash: {holdout.sha256}",
    )
    classes = ", ".join(f"{literal(name)}: {count:,}" for name, count in list(split.held_labels.items())[:12])
    if classes:
        st.caption(f"New part by label: {classes}.")
    for doubt in split.warnings:
        st.caption(f":material/warning: {literal(doubt.title)}. {literal(doubt.detail)}")
    for note in (*comparison.notes, *split.notes):
        st.caption(literal(note))


show_recommendation(comparison.recommendation)
show_holdout(comparison, content.split)

st.subheader("Scores on the holdout")
st.dataframe(
    score_table(comparison),
    hide_index=True,
    key="scores",
    placeholder="–",
    column_config={
        **{
            name: st.column_config.TextColumn(help=text, pinned=name == "strategy")
            for name, text in TEXT_COLUMNS.items()
        },
        **{
            name: st.column_config.NumberColumn(help=column.help, format=column.format)
            for name, column in SCORE_COLUMNS.items()
        },
    },
)
for name, candidate in comparison.strategies.items():
    if candidate.error:
        st.warning(f"**{look_of(name).title}**: {literal(candidate.error)}", icon=":material/warning:")

metric = comparison.metric.name
left, right = st.columns(2)
with left:
    chart(
        score_dots(comparison, metric),
        key="dots_metric",
        alt=f"{metric} of each candidate with 95 % intervals.",
    )
with right:
    chart(score_dots(comparison, "loss"), key="dots_loss", alt="Loss of each candidate with 95 % intervals.")

if spec.old:
    st.subheader("New against old")
    st.caption(
        "Up: better on the new rows. Right: better on the old rows. What lies left of keep has forgotten."
    )
    chart(
        tradeoff(comparison, old_weight),
        key="tradeoff",
        alt="Score on the new part against score on the old part.",
    )

st.subheader("Training and validation")
strategies = {
    seed["run"]: name for name, candidate in comparison.strategies.items() for seed in candidate.per_seed
}
for column, value in zip(st.columns(2), ("loss", metric), strict=True):
    with column:
        figure = training_curves(
            content.curves,
            strategies,
            value=value,
            x="rows_seen",
            keep=keep_on_validation(content.curves, strategies, value),
        )
        chart(figure, key=f"curves_{value}", alt=f"Validation {value} along the training.")

st.subheader("Cost")
st.caption("Runs may have shared the machine's cores, so compare times roughly.")
chart(cost_bars(comparison), key="cost", alt="Seconds of training and peak memory of each strategy.")
state.page_link("report", "Take a report away", ":material/description:")
