"""Title, theme and navigation of the dashboard; the pages do the rest."""

import streamlit as st

from pages._ui import few, sandbox_parts, state
from pages._ui.unexpected import told

st.set_page_config(page_title="Retrain Compare", page_icon=str(state.ICON), layout="wide")
page = st.navigation(
    [
        st.Page("pages/start.py", title="Start", icon=":material/home:", default=True),
        st.Page("pages/data.py", title="Data", icon=":material/table:"),
        st.Page("pages/shift.py", title="Shift", icon=":material/trending_up:"),
        st.Page("pages/diagnosis.py", title="Diagnosis", icon=":material/troubleshoot:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/balance:"),
        st.Page("pages/report.py", title="Report", icon=":material/description:"),
    ]
)
with told():
    sandbox_parts.guard()
    state.limit_uploads()
    state.collect_garbage()
    state.sidebar()
    with few.turn():
        page.run()
