"""What the user wants of the next model: held in the session by experiment, and in the link, so that a refresh keeps it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from retrain_core.compare.measures import deciding
from retrain_core.types import ExperimentSpec, Stakes, Wishes

USUAL = Wishes()
POINTS = 100  # shares are shown in points
MARGINS = (0.01, 100.0)  # the smallest and the largest difference that can be asked for, in points
UNTOLD: Mapping[str, object] = {  # what a field holds until the user says otherwise
    "old_weight": USUAL.old_weight,
    "score": "",
    "margin": POINTS * USUAL.margin,
    "most_forgetting": None,
    "most_seconds": None,
    "old_seen": USUAL.old_seen,
    "value": None,
    "a_day": None,
    "days": None,
    "an_hour": None,
}


def wish_key(spec: ExperimentSpec, name: str) -> str:
    """Return under which key a wish of an experiment is held in the session."""
    return f"{name}_{spec.id}"


def wishes(spec: ExperimentSpec) -> Wishes:
    """Return what the user wants of the next model, as chosen on the Compare page or by the link; else what is usual."""

    def said(name: str) -> Any:
        value = st.session_state.get(wish_key(spec, name))
        return UNTOLD[name] if value is None else value

    forgetting = said("most_forgetting")
    return Wishes(
        score=said("score") or None,
        old_weight=said("old_weight") if spec.old else 0.0,
        margin=said("margin") / POINTS,
        most_forgetting=None if forgetting is None else forgetting / POINTS,
        most_seconds=said("most_seconds"),
        old_seen=said("old_seen"),
        stakes=stakes(spec),
    )


def stakes(spec: ExperimentSpec) -> Stakes | None:
    """Return what a better model is worth to the user; ``None`` until all but the price of an hour is there."""
    value, a_day, days, an_hour = (
        st.session_state.get(wish_key(spec, name)) for name in ("value", "a_day", "days", "an_hour")
    )
    if value is None or a_day is None or days is None:
        return None
    return Stakes(value, a_day, days, an_hour or 0.0)


# --- in the link ----------------------------------------------------------------------------------


def keep_wishes(spec: ExperimentSpec) -> None:
    """Take over the wishes of a link that was opened, and have the link hold those of now that are not usual."""
    for name, read in _readers(spec).items():
        key, told = wish_key(spec, name), st.query_params.get(name)
        if told is not None and key not in st.session_state:
            wish = read(told)
            if wish is not None:
                st.session_state[key] = wish
    found = {name: st.session_state.get(wish_key(spec, name)) for name in UNTOLD}
    now = {name: _text(wish) for name, wish in found.items() if wish not in (None, UNTOLD[name])}
    for name in UNTOLD:
        if name not in now:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != now[name]:
            st.query_params[name] = now[name]


def _text(wish: object) -> str:
    return f"{wish:.10g}" if isinstance(wish, float) else str(wish).lower()


def _readers(spec: ExperimentSpec) -> dict[str, Callable[[str], object]]:
    """Return how each wish is read from a link; ``None`` is told of what no field would take."""
    old = {"old_weight": _number(0.0, 1.0), "most_forgetting": _number(0.0, 100.0), "old_seen": _seen}
    return {
        **(old if spec.old else {}),
        "score": lambda text: text if text in deciding(spec.schema.task) else None,
        "margin": _number(*MARGINS),
        **{name: _number(0.0) for name in ("most_seconds", "value", "a_day", "days", "an_hour")},
    }


def _seen(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)


def _number(low: float, high: float = math.inf) -> Callable[[str], float | None]:
    def read(text: str) -> float | None:
        try:
            value = float(text)
        except ValueError:
            return None
        return value if math.isfinite(value) and low <= value <= high else None

    return read
