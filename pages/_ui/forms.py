"""Forms made from the option fields of a strategy: a new strategy needs no page code."""

from __future__ import annotations

import streamlit as st

from retrain_core.strategies import Option, Strategy, options_of
from retrain_core.types import Scalar


def options_form(
    strategy: type[Strategy], *, key: str, leave_out: tuple[str, ...] = ()
) -> dict[str, Scalar | None]:
    """Draw one input an option and return the values.

    Args:
        strategy: Whose options.
        key: Prefix of the widgets' keys; their values last for the session.
        leave_out: Options that are set elsewhere.
    """
    shown = [option for option in options_of(strategy) if option.name not in leave_out]
    return {option.name: _field(option, f"{key}_{option.name}") for option in shown}


def _field(option: Option, key: str) -> Scalar:
    common = {"key": key, "help": option.help, "bind": "query-params"}
    if option.kind is bool:
        return st.toggle(option.label, value=bool(option.default), **common)
    if option.kind is int:
        value = st.number_input(
            option.label,
            min_value=_int(option.low),
            max_value=_int(option.high),
            value=int(option.default),
            step=1,
            **common,
        )
    else:
        value = st.number_input(
            option.label,
            min_value=option.low,
            max_value=option.high,
            value=float(option.default),
            step=float(option.default) or 0.5,
            format="%g",
            **common,
        )
    return option.default if value is None else value


def _int(value: float | None) -> int | None:
    return None if value is None else int(value)
