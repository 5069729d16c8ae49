"""Diagnosis: what the evidence points to, how much new data there is, what can be afforded, how sensitive the model is."""

import streamlit as st

from pages._ui import state, ways
from pages._ui.answers import finished_comparison
from pages._ui.guess_parts import first_guess, switched_on
from pages._ui.probes import ask
from pages._ui.resource_parts import resources
from pages._ui.sensitivity_parts import sensitivity
from pages._ui.volume_parts import volume
from retrain_core.runs import plan_sensitivity, plan_shift

st.title("Diagnosis")
spec = ways.require_experiment(
    "Here you see what the evidence points to before anything is trained: the shift, the volume of new data, "
    "the resources, and how sensitive the model is."
)
runs = state.store().count_runs(spec.id)
settings = state.store().shift_settings(spec.id)
shift = ask(plan_shift(spec.id, settings)) if spec.old else {}
disturbed = ask(plan_sensitivity(state.store(), spec.id))
report = state.shift_report(spec, settings) if spec.old else None
comparison = finished_comparison(spec)

guess = first_guess(spec, report, shift, comparison)
volume(spec, report, guess)
resources(spec)
sensitivity(spec, list(disturbed.values()))
if runs:
    ways.page_link("compare", "Go on to Compare")
else:
    ways.page_link("train", "Go on to Train", query=switched_on(guess))
