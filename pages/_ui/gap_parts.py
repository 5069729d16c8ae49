"""The choice of what becomes of rows with a missing or infinite input, shown where a file has any."""

from __future__ import annotations

import streamlit as st

from pages._ui import drafts, state
from pages._ui.reading import Files
from retrain_core.data.gaps import gaps_found
from retrain_core.types import Binding, Schema
from retrain_core.types.text import counted

WAYS = {None: "Leave these rows out", "fill": "Fill in the middle value of the column"}


def choose_gaps(schema: Schema, files: Files) -> None:
    """Let the user choose, and say how many gaps there are."""
    draft = drafts.draft()
    gaps = _count(files, schema.bindings)
    if not gaps and draft.gaps is None:
        return
    ways = list(WAYS)
    chosen = st.radio(
        "Rows with a missing or infinite input",
        ways,
        index=ways.index(draft.gaps),
        format_func=WAYS.__getitem__,
        captions=[
            f"{counted(gaps, 'value')} in all files.",
            f"The median of the {'old' if 'old' in files else 'new'} data.",
        ],
        help="What fills a gap is no measurement: rows that have many say little. Rows without a label are always left "
        "out.",
        key=f"gaps_{draft.version}",
        horizontal=True,
    )
    if chosen != draft.gaps:
        drafts.change_draft(gaps=chosen)
        st.rerun()


@st.cache_data(max_entries=24, show_spinner=False)
def _count(files: Files, bindings: tuple[Binding, ...]) -> int:
    """Return how many gaps the inputs have, in all files together."""
    return sum(sum(gaps_found(bindings, table).values()) for table in state.tables(files).values())
