"""What disturbed rows cost the models, on the Diagnosis page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages._ui import state
from pages._ui.probes import failed, follow
from pages._ui.tables import column_width
from pages._ui.text import chart_of, decimals, help_for, literal
from retrain_core import diagnosis
from retrain_core.figures.sensitivity import importance_bars, robustness_lines
from retrain_core.figures.style import look_of
from retrain_core.report.text_table import five_digits
from retrain_core.runs import (
    RunState,
    sensitivities,
)
from retrain_core.types import (
    ExperimentSpec,
    Sensitivity,
)

MOST_MODELS = 5  # on one chart, unless more are asked for
ACCURACY, ERROR = "Accuracy (%)", "Mean absolute error"


def sensitivity(spec: ExperimentSpec, probes: Sequence[RunState]) -> None:
    """Show what disturbed rows cost the old model and every candidate."""
    st.subheader("Sensitivity of the model", help=help_for("robustness"))
    found = sensitivities(state.store(), spec.id)
    waiting = [one.spec for one in probes if not one.done]
    if waiting:
        follow(waiting, "how much disturbed rows cost the models", "sensitivity")
    failed(probes, "Sensitivity", "sensitivity")
    if not found:
        return
    table = _robustness(found)
    st.dataframe(
        table,
        hide_index=True,
        key="robustness",
        column_config={
            "Model": st.column_config.Column(pinned=True, width=column_width(table["Model"])),
            "Robustness (%)": st.column_config.NumberColumn(format="%.0f", help=help_for("robustness")),
            "Loss": st.column_config.NumberColumn(format=five_digits("%.4f", table["Loss"])),
            ACCURACY: st.column_config.NumberColumn(format="%.1f"),
            ERROR: st.column_config.NumberColumn(format=decimals(table[ERROR]) if ERROR in table else None),
        },
    )
    st.caption(f"Scores on {found[0].rows:,} held-out new rows, before anything is disturbed.")
    for sentence in diagnosis.no_better_than_one_class(found):
        st.info(literal(sentence), icon=":material/info:")
    if len(found) > MOST_MODELS:
        names = [one.model for one in found]
        chosen = st.multiselect(
            "Models",
            names,
            default=names[:MOST_MODELS],
            format_func=lambda name: look_of(name).title,
            key="sensitivity_models",
        )
        found = [one for one in found if one.model in chosen] or found[:1]
    kinds = list(dict.fromkeys(point.what for one in found for point in one.points if not point.column))
    if kinds:
        what = _choose("Disturb by", kinds, "disturbance")
        chart_of(robustness_lines, found, what, key="robustness_lines", alt=f"Scores under {what}.")
    single = list(dict.fromkeys(point.what for one in found for point in one.points if point.column))
    if single:
        st.markdown("**Which columns the models depend on**", help=help_for("permutation importance"))
        what = _choose("Disturb a column alone", single, "single_disturbance")
        chart_of(
            importance_bars,
            found,
            what,
            key="importance",
            alt="Columns whose disturbance changes the score most.",
        )
        for sentence in diagnosis.better_without(found):
            st.write(literal(sentence))
    if any(point.interval for one in found for point in one.points):
        st.caption(diagnosis.WHISKERS)
    for note in dict.fromkeys(note for one in found for note in one.notes):
        st.caption(literal(note))


def _choose(label: str, kinds: Sequence[str], key: str) -> str:
    """Let the user choose a kind of disturbance."""
    return st.segmented_control(
        label,
        kinds,
        default=kinds[0],
        required=True,
        key=key,
        format_func=lambda kind: diagnosis.DISTURBANCES[kind].title,
    )


def _robustness(found: Sequence[Sensitivity]) -> pd.DataFrame:
    percent = found[0].metric_name == "accuracy"
    score = ACCURACY if percent else ERROR
    return pd.DataFrame(
        [
            {
                "Model": look_of(one.model).title,
                score: 100 * one.metric if percent else one.metric,
                "Loss": one.loss,
                "Robustness (%)": 100 * one.robustness,
            }
            for one in found
        ]
    )
