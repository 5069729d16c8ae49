"""How far something has moved, as a badge."""

from __future__ import annotations

import streamlit as st

LEVELS = {"none": ("no shift", "green"), "minor": ("minor shift", "orange"), "major": ("major shift", "red")}


def badge(level: str | None) -> None:
    """Show a level; nothing if it cannot be told."""
    if level:
        words, colour = LEVELS[level]
        st.badge(words, color=colour)  # type: ignore[arg-type]
