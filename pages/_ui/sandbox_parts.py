"""How far models are locked in: a quiet line beside the device, and a warning where it is not far enough."""

from __future__ import annotations

import os

import streamlit as st

from pages._ui.text import help_for, literal
from retrain_core.sandbox import strength
from retrain_core.sandbox.least import LEAST, least_for
from retrain_core.sandbox.words import danger, in_full, in_short


def guard() -> None:
    """Ask for the whole sandbox if others can reach this server and its owner has said nothing; runner and workers inherit it."""
    os.environ.setdefault(LEAST, least_for(st.get_option("server.address")))


def sandbox_line() -> None:
    """Say how far models are locked in."""
    st.caption(literal(in_short(strength())), help=f"{help_for('sandbox')}\n\n{literal(in_full(strength()))}")


def sandbox_warning() -> None:
    """Warn where models are not fully locked in."""
    if (amiss := danger(strength())) is not None:
        what, *rest = map(literal, amiss)
        st.warning("  \n".join([f"**{what}**", *rest]), icon=":material/warning:")
