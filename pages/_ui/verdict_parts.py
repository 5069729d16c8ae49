"""Parts of the Compare page: the decision with what it rests on, what the user wishes, and the evidence by section."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from pages._ui.answers import certainty, held_columns
from pages._ui.compare_parts import show_errors, show_flips, show_slices
from pages._ui.cost_parts import show_cost
from pages._ui.text import chart, help_for, literal
from pages._ui.wishes import MARGINS, UNTOLD, USUAL, wish_key, wishes
from retrain_core.compare.basis_words import told_rows
from retrain_core.compare.cost import main_score
from retrain_core.compare.evidence import SIDES, Evidence
from retrain_core.compare.measures import SCORES, deciding
from retrain_core.compare.score_words import name_of
from retrain_core.compare.weighing import old_side, scores_weighed
from retrain_core.figures.compare import score_dots, tradeoff
from retrain_core.figures.curves import keep_on_validation, training_curves
from retrain_core.figures.style import look_of
from retrain_core.figures.verdict import worth_dots
from retrain_core.report import verdict_tables as tables
from retrain_core.report.answers import all_scores, margin_text
from retrain_core.report.content import ReportContent
from retrain_core.report.tables import SCORE_COLUMNS, TEXT_COLUMNS, ScoreColumn, score_table
from retrain_core.types import ExperimentSpec, Recommendation

MOST_LABELS = 12  # in a sentence


# --- the decision ---------------------------------------------------------------------------------


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
        ask(content.spec, evidence)
        st.markdown(_list(recommendation.reasons))
        if recommendation.changes:
            st.markdown(f"**What would change it**\n{_list(recommendation.changes)}")
        if recommendation.doubts:
            st.caption(f"**What is doubtful**\n{_list(recommendation.doubts)}")
    _why(content, recommendation)


def _choice(content: ReportContent) -> str:
    found = content.comparison.recommendation
    return found.choice if found else "keep"


def _list(sentences: tuple[str, ...]) -> str:
    return "\n".join(f"- {literal(sentence)}" for sentence in sentences)


def _why(content: ReportContent, recommendation: Recommendation) -> None:
    """Show what each candidate is worth against keep."""
    st.subheader("Why", help=help_for("margin"))
    st.caption(
        "How much better than keep, in margins. Mark: measured, with its 95 % interval. Bar: expected on other rows. Grey: "
        "within the smallest difference that matters."
    )
    chart(
        worth_dots(recommendation), key="worth", alt="What each candidate is worth against keep, in margins."
    )
    table = tables.weighed_table(content.comparison, recommendation)
    _table(table, "weighed", tables.weighed_columns(recommendation), tables.WEIGHED_TEXTS)


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
    classes = [f"{literal(name)}: {count:,}" for name, count in split.held_labels.items()]
    if classes:
        more = f" and {len(classes) - MOST_LABELS:,} more" if len(classes) > MOST_LABELS else ""
        st.caption(f"New part by label: {', '.join(classes[:MOST_LABELS])}{more}.")
    for doubt in content.split_doubts:
        st.caption(f":material/warning: {literal(doubt.title)}. {literal(doubt.detail)}")
    for note in (*comparison.notes, *split.notes):
        st.caption(literal(note))


# --- wishes ---------------------------------------------------------------------------------------

IN_EXPANDER = ("score", "margin", "most_forgetting", "most_seconds", "old_seen")


def ask(spec: ExperimentSpec, evidence: Evidence) -> None:
    """Let the user say what the next model is wanted for; the recommendation follows at once."""
    for name in ("old_weight", *IN_EXPANDER):
        st.session_state.setdefault(wish_key(spec, name), UNTOLD[name])
    if spec.old:
        st.slider(
            "How much do the old rows count?",
            0.0,
            1.0,
            step=0.05,
            format="percent",
            key=wish_key(spec, "old_weight"),
            help="Weight of the old rows when candidates are weighed. 0 %: only new rows count.",
            persist_state="session",
        )
    now = wishes(spec)
    changed = now != replace(USUAL, old_weight=now.old_weight, stakes=now.stakes)
    opened = wish_key(spec, "limits_opened")  # a reset leaves it open
    st.session_state[opened] = changed or st.session_state.get(opened, False)
    with st.expander("Limits and scores", icon=":material/tune:", expanded=st.session_state[opened]):
        _limits(spec, evidence)
        st.button("Reset", icon=":material/replay:", disabled=not changed, on_click=_reset, args=(spec,))


def _limits(spec: ExperimentSpec, evidence: Evidence) -> None:
    unit = "%" if evidence.task == "regression" else "points"
    left, right = st.columns(2)
    with left:
        _score(spec, evidence)
    right.number_input(
        f"Smallest difference that matters ({unit})",
        *MARGINS,
        value=None,
        step=0.1,
        format="%g",
        placeholder=f"{UNTOLD['margin']:g}",
        key=wish_key(spec, "margin"),
        help=MARGIN_HELP[evidence.task == "regression"],
        persist_state="session",
    )
    now = wishes(spec)
    weighed = scores_weighed(evidence, now)
    right.caption(literal(f"That is {', '.join(margin_text(score, now.margin) for score in weighed)}."))
    left.number_input(
        "Most seconds of training",
        0.0,
        value=None,
        step=10.0,
        format="%g",
        placeholder="any",
        key=wish_key(spec, "most_seconds"),
        help="A candidate that trains longer, as the mean over its seeds, is out.",
        persist_state="session",
    )
    if spec.old:
        right.number_input(
            f"Most forgetting ({unit})",
            0.0,
            100.0,
            value=None,
            step=0.5,
            format="%g",
            placeholder="any",
            key=wish_key(spec, "most_forgetting"),
            help="A candidate that is worse than keep by more on the old rows is out.",
            persist_state="session",
        )
        if now.most_forgetting is not None:
            right.caption(literal(f"That is {margin_text(weighed[0], now.most_forgetting)}."))
        st.checkbox(
            "The old model was trained on the old rows",
            key=wish_key(spec, "old_seen"),
            help="Then it knows the held-out old rows better than a model that is trained afresh without them, and candidates "
            "are weighed on old rows that both have been trained on.",
            persist_state="session",
        )


MARGIN_HELP = {
    False: "Candidates closer to the best than about this count as equally good, and the fastest is chosen. In percentage "
    "points of accuracy; for log-loss, 0.01 counts as much as 0.5 points.",
    True: "Candidates closer to the best than about this count as equally good, and the fastest is chosen. In percent of "
    "keep's error.",
}


def _score(spec: ExperimentSpec, evidence: Evidence) -> None:
    usual = scores_weighed(evidence, USUAL)
    names = [name for name in deciding(evidence.task) if (name,) != usual]
    if st.session_state[wish_key(spec, "score")] not in names:
        st.session_state[wish_key(spec, "score")] = UNTOLD["score"]
    st.selectbox(
        "Weigh by",
        ["", *names],
        format_func=lambda name: SCORES[name].title if name else f"{_titles(usual)} (usual)",
        key=wish_key(spec, "score"),
        help="The score in which candidates are compared, on new and old rows as they count.",
        persist_state="session",
    )


def _titles(scores: tuple[str, ...]) -> str:
    return " and ".join([SCORES[scores[0]].title, *(name_of(score) for score in scores[1:])])


def _reset(spec: ExperimentSpec) -> None:
    for name in IN_EXPANDER:
        st.session_state[wish_key(spec, name)] = UNTOLD[name]


# --- sections -------------------------------------------------------------------------------------


def scores(content: ReportContent) -> None:
    """Show every score on the holdout."""
    comparison, evidence = content.comparison, _evidence(content)
    _table(score_table(comparison), "scores", SCORE_COLUMNS, TEXT_COLUMNS)
    for name, candidate in comparison.strategies.items():
        if candidate.error:
            st.warning(f"**{look_of(name).title}**: {literal(candidate.error)}", icon=":material/warning:")
    second = next((name for name in ("log_loss", "rmse") if name in evidence.scores), "loss")
    for column, place, first in zip(st.columns(2), ("left", "right"), (evidence.metric, second), strict=True):
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
            chart(
                score_dots(comparison, name),
                key=f"dots_{place}",
                alt=f"{SCORES[name].title} of each candidate with 95 % intervals.",
            )
    st.markdown("**All scores**")
    st.caption("With 95 % intervals in brackets.")
    titles, rows = all_scores(comparison)
    st.dataframe(pd.DataFrame(rows, columns=titles), hide_index=True, key="all_scores")


KNOWN_WHY = "The old model has seen the held-out old rows, so candidates are compared on old rows that full retrain was trained on too."


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
        score = names[0]
        if len(names) > 1:
            score = st.selectbox(
                "Score", names, key="differences_score", persist_state="session", width=260,
                format_func=lambda name: SCORES[name].title,
            )  # fmt: skip
    if side == "old" and known:
        st.caption(KNOWN_WHY)
    table = tables.difference_table(content.comparison, side, score)
    if table.empty:
        st.caption("This part has too few rows of a class for this score.")
        return
    _table(table, "differences", tables.difference_columns(score), tables.DIFFERENCE_TEXTS)


def errors(content: ReportContent) -> None:
    """Show what stands behind the scores."""
    schema = content.spec.schema
    show_errors(_evidence(content), schema.classes, schema.labels, _choice(content))


def groups(content: ReportContent) -> None:
    """Show scores by class and by columns."""
    columns = held_columns(content.spec.id)
    shift, wishes = content.shift, content.comparison.wishes
    show_slices(_evidence(content), columns, _classes(content), shift, wishes, _choice(content))


def changed_rows(content: ReportContent) -> None:
    """Show rows that got worse and better."""
    show_flips(_evidence(content), held_columns(content.spec.id), _classes(content), _choice(content))


def old_and_new(content: ReportContent) -> None:
    """Show what is gained on the new rows against what is lost on the old."""
    comparison = content.comparison
    st.caption(
        "Up: better on the new rows. Right: better on the old rows. What lies left of keep has forgotten."
    )
    chart(
        tradeoff(comparison, comparison.wishes.old_weight),
        key="tradeoff",
        alt="Score on the new part against score on the old part.",
    )
    score = main_score(comparison)
    table = tables.forgetting_table(comparison, _evidence(content))
    if len(table):
        st.markdown(
            f"**What is forgotten**: {literal(name_of(score))} on the old rows", help=help_for("forgetting")
        )
        _table(table, "forgetting", tables.forgetting_columns(score), tables.FORGOTTEN_TEXTS)


def training(content: ReportContent) -> None:
    """Show the scores along the training."""
    comparison = content.comparison
    strategies = {
        seed["run"]: name for name, candidate in comparison.strategies.items() for seed in candidate.per_seed
    }
    for column, value in zip(st.columns(2), ("loss", comparison.metric.name), strict=True):
        with column:
            figure = training_curves(
                content.curves,
                strategies,
                value=value,
                x="rows_seen",
                keep=keep_on_validation(content.curves, strategies, value),
            )
            chart(figure, key=f"curves_{value}", alt=f"Validation {value} along the training.")


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


# --- what they share ------------------------------------------------------------------------------


def _evidence(content: ReportContent) -> Evidence:
    assert content.evidence is not None
    return content.evidence


def _classes(content: ReportContent) -> tuple[str, ...]:
    """Return the names of the classes, or of the labels where a row has several."""
    return content.spec.schema.classes


WIDTHS = {tables.SAID: 290, tables.WHY_OUT: 290}  # pixels of columns that hold whole sentences


def _table(
    frame: pd.DataFrame, key: str, numbers: Mapping[str, ScoreColumn], texts: Mapping[str, str]
) -> None:
    """Show a table whose columns say what they hold."""
    first = frame.columns[0]
    st.dataframe(
        frame,
        hide_index=True,
        key=key,
        placeholder="–",
        column_config={
            **{
                name: st.column_config.TextColumn(help=text, pinned=name == first, width=WIDTHS.get(name))
                for name, text in texts.items()
            },
            **{
                name: st.column_config.NumberColumn(help=column.help, format=column.format)
                for name, column in numbers.items()
            },
        },
    )
