"""The pages of the dashboard, which ``app.py`` puts in order."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

# Until ``st.navigation`` has run once, Streamlit takes a folder of this name for its old kind of pages: a link straight to
# one, the first of a server's life, would run it without ``app.py``.
if PagesManager.uses_pages_directory:
    PagesManager.uses_pages_directory = False
    st.rerun()
