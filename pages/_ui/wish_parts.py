"""The fields in which the user says what the next model is wanted for; wishes.py holds what was said."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages._ui.text import literal
from pages._ui.unexpected import told
from pages._ui.wishes import MARGINS, UNTOLD, USUAL, wish_key, wishes
from retrain_core.compare.evidence import Evidence
from retrain_core.compare.measures import SCORES
from retrain_core.compare.score_words import name_of
from retrain_core.compare.weighing import scores_weighed
from retrain_core.report.answers import margin_text
from retrain_core.types import ExperimentSpec

IN_EXPANDER = ("score", "margin", "most_forgetting", "most_seconds", "old_seen")


def _limit(spec: ExperimentSpec, name: str, label: str, most: float | None, step: float, help: str) -> None:
    st.number_input(
        label, 0.0, most, value=None, step=step, format="%g", placeholder="any", key=wish_key(spec, name), help=help,
        persist_state="session",
    )  # fmt: skip


MARGIN_HELP = {
    False: "Candidates closer to the best than about this count as equally good, and a cheap one is chosen. In percentage "
    "points of accuracy; for log-loss, 0.01 counts as much as 0.5 points.",
    True: "Candidates closer to the best than about this count as equally good, and a cheap one is chosen. In percent of "
    "keep's error.",
}


def ask_wishes(spec: ExperimentSpec, evidence: Evidence) -> None:
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
    help = "A candidate that trains longer, as the mean over its seeds, is out."
    with left:
        _limit(spec, "most_seconds", "Most seconds of training", None, 10.0, help)
    if spec.old:
        help = "A candidate that is worse than keep by more on the old rows is out."
        with right:
            _limit(spec, "most_forgetting", f"Most forgetting ({unit})", 100.0, 0.5, help)
        if now.most_forgetting is not None:
            right.caption(literal(f"That is {margin_text(weighed[0], now.most_forgetting)}."))
        st.checkbox(
            "The old model was trained on the old rows",
            key=wish_key(spec, "old_seen"),
            help="Then it knows the held-out old rows better than a model that is trained afresh without them, and candidates "
            "are weighed on old rows that both have been trained on.",
            persist_state="session",
        )


def _score(spec: ExperimentSpec, evidence: Evidence) -> None:
    usual = scores_weighed(evidence, USUAL)
    names = [name for name in evidence.scores if SCORES[name].decides and (name,) != usual]
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


@told()
def _reset(spec: ExperimentSpec) -> None:
    for name in IN_EXPANDER:
        st.session_state[wish_key(spec, name)] = UNTOLD[name]
