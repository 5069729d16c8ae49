"""Train: choose strategies and their options, start them, watch them."""

import streamlit as st

from pages._ui import state, ways
from pages._ui.live_parts import live
from pages._ui.plan_parts import settings

st.title("Train")
spec = ways.require_experiment("Here you run every strategy side by side on the same rows.")
if state.store().count_runs(spec.id):
    live(spec)
else:
    settings(spec)
