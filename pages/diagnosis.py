"""Diagnosis: what the evidence points to, how much new data there is, what can be afforded, how sensitive the model is."""

import streamlit as st

from pages._ui import diagnosis_parts as parts
from pages._ui import state
from pages._ui.answers import finished_comparison
from pages._ui.probes import ask
from retrain_core.runs import plan_sensitivity, plan_shift

st.title("Diagnosis")
spec = state.require_experiment(
    "Here you see what the evidence points to before anything is trained: the shift, the volume of new data, "
    "the resources, and how sensitive the model is."
)
runs = state.store().runs(spec.id)
settings = state.store().shift_settings(spec.id)
shift = ask(plan_shift(spec.id, settings)) if spec.old else {}
sensitivity = ask(plan_sensitivity(state.store(), spec.id))
report = state.shift_report(spec, settings) if spec.old else None
comparison = finished_comparison(spec)

guess = parts.first_guess(spec, report, list(shift.values()), comparison)
parts.volume(spec, report, guess)
parts.resources(spec)
parts.sensitivity(spec, list(sensitivity.values()))
if runs:
    state.page_link("compare", "Go on to Compare")
else:
    state.page_link("train", "Go on to Train", query=parts.switched_on(guess))
