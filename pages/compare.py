"""Compare: every candidate on the same holdout, what to do, and what that rests on."""

import streamlit as st

from pages._ui import state
from pages._ui import verdict_parts as parts
from pages._ui.answers import current_answer

st.title("Compare")
spec = state.require_experiment("Here all candidates are compared on the same held-out rows.")
state.require_runs(spec, "Run the strategies first, then they are compared here.")
content = current_answer(spec)
parts.decision(content)
parts.holdout(content)
parts.sections(content)
state.page_link("report", "Take a report away", ":material/description:")
