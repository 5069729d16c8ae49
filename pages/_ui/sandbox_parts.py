"""How far models are locked in: a quiet line beside the device, and a warning where it is not far enough."""

from __future__ import annotations

import os

import streamlit as st

from pages._ui.text import help_for, literal
from retrain_core.sandbox import strength
from retrain_core.sandbox.least import LEAST, least_for
from retrain_core.sandbox.words import danger, in_full, in_short

_asked_for: dict[str, str] = {}  # what this server has asked for by itself
OF_A_PROXY = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")


def guard() -> None:
    """Ask for the whole sandbox if others can reach this server and its owner has said nothing; runner and workers inherit it."""
    said = os.environ.get(LEAST)
    if said not in (None, _asked_for.get(LEAST)) or said == "full":  # by its owner, or since others were seen
        return
    behind_proxy = any(name in st.context.headers for name in OF_A_PROXY)
    least = least_for(st.get_option("server.address"), behind_proxy=behind_proxy)
    os.environ[LEAST] = _asked_for[LEAST] = least


def sandbox_line() -> None:
    """Say how far models are locked in."""
    st.caption(literal(in_short(strength())), help=f"{help_for('sandbox')}\n\n{literal(in_full(strength()))}")


def sandbox_warning() -> None:
    """Warn where models are not fully locked in."""
    if (amiss := danger(strength())) is not None:
        what, *rest = map(literal, amiss)
        st.warning("  \n".join([f"**{what}**", *rest]), icon=":material/warning:")
