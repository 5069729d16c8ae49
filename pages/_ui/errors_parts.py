"""The errors section of the Compare page: classes that are mixed up, thresholds and reliability; of numbers how errors are spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from pages._ui.choosing import choose_models, choose_side
from pages._ui.text import chart, literal
from retrain_core.compare.curves import confusion, precision_recall, reliability, roc
from retrain_core.compare.evidence import Evidence, Side
from retrain_core.compare.one_label import against_rest
from retrain_core.compare.predicted import Predicted
from retrain_core.compare.residuals import error_edges, residuals
from retrain_core.figures import errors as figures
from retrain_core.figures.style import look_of
from retrain_core.report import error_words


def show_errors(
    evidence: Evidence, classes: Sequence[str], labels: Sequence[str] = (), nearest: Sequence[str] = ()
) -> None:
    """Show which classes are mixed up, thresholds and reliability; of numbers how errors are spread.

    Args:
        evidence: What all candidates predict.
        classes: Names of the classes or labels; empty for numbers.
        labels: Names of the numbers to predict.
        nearest: Candidates, the likeliest to be chosen first; of many, these are shown at first.
    """
    side = choose_side(evidence, "errors")
    names = choose_models(evidence.predicted[side], "errors_models", nearest)
    models = {name: evidence.predicted[side][name][0] for name in names}
    if any(len(evidence.predicted[side][name]) > 1 for name in names):
        st.caption("Of several seeds, the charts show the first one's model: it is the one that is saved.")
    if evidence.task == "regression":
        _show_residuals(models, labels)
        return
    label = len(classes) - 1
    if len(classes) > 2 or evidence.task == "multilabel":
        chosen = st.selectbox("Label", list(classes), key="errors_label", persist_state="session")
        label = list(classes).index(chosen)
    _show_confusion(models, classes, label, side)
    left, right = st.columns(2)
    with left:
        _heading(error_words.roc_words(classes[label]))
        curves = {name: roc(one, label) for name, one in models.items()}
        chart(figures.roc_chart(curves, classes[label]), key="roc", alt=f"ROC curves for {classes[label]}.")
    with right:
        _heading(error_words.precision_recall_words(classes[label]))
        curves = {name: precision_recall(one, label) for name, one in models.items()}
        figure = figures.precision_recall_chart(curves, classes[label])
        chart(figure, key="precision_recall", alt=f"Precision against recall for {classes[label]}.")
    _heading(error_words.RELIABILITY)
    found = {name: reliability(against_rest(one, label)) for name, one in models.items()}
    chart(
        figures.reliability_chart(found, classes[label]),
        key="reliability",
        alt="How often it came as each candidate said.",
    )


def _heading(words: error_words.Words) -> None:
    title, sentence = words
    st.markdown(f"**{literal(title)}**")
    st.caption(literal(sentence))


def _show_confusion(models: Mapping[str, Predicted], classes: Sequence[str], label: int, side: Side) -> None:
    """Show a table of each candidate, two beside each other; with several labels that of the chosen one."""
    several = next(iter(models.values())).task == "multilabel"
    names = (f"not {classes[label]}", classes[label]) if several else classes
    for start in range(0, len(models), 2):
        for column, name in zip(st.columns(2), list(models)[start : start + 2], strict=False):
            one = against_rest(models[name], label) if several else models[name]
            with column:
                counts, title = confusion(one, len(names)), look_of(name).title
                right = int(np.trace(counts))
                _heading(error_words.confusion_words(title, right, int(counts.sum()), side))
                figure = figures.confusion_chart(counts, names)
                chart(figure, key=f"confusion_{name}", alt=f"What {title} takes each class for.")


def _show_residuals(models: Mapping[str, Predicted], labels: Sequence[str]) -> None:
    unit = 0
    if len(labels) > 1:
        chosen = st.selectbox("Label", list(labels), key="errors_number", persist_state="session")
        unit = list(labels).index(chosen)
    edges = error_edges(list(models.values()), unit)
    found = {name: residuals(one, edges, unit) for name, one in models.items()}
    left, right = st.columns(2)
    with left:
        _heading(error_words.ALONG)
        chart(figures.residual_lines(found), key="residual_lines", alt="Errors along the prediction.")
    with right:
        _heading(error_words.SPREAD)
        chart(figures.residual_histogram(found), key="residual_histogram", alt="How errors are spread.")
