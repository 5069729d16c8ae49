"""Compare: every candidate on the same holdout, what to do, and what that rests on."""

import streamlit as st

from pages._ui import ways
from pages._ui.answers import current_answer, not_known
from pages._ui.decision_parts import decision, holdout
from pages._ui.evidence_parts import sections

st.title("Compare")
spec = ways.require_experiment("Here all candidates are compared on the same held-out rows.")
ways.require_runs(spec, "Run the strategies first, then they are compared here.")
content = current_answer(spec)
decision(content)
holdout(content)
not_known(content)
sections(content)
ways.page_link("report", "Take a report away", ":material/description:")
