"""Errors that nobody expected: kept in the server's log under a number, and shown with that number alone."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages._ui.text import show_error
from retrain_core.errors import RetrainError

LOG = logging.getLogger("retrain")


class UnexpectedError(Exception):
    """What a visitor is told of an error that is our fault: its number, by which it is found in the log."""


@contextmanager
def told() -> Iterator[None]:
    """Show errors that a page or a part of it did not expect; also a decorator, for parts that draw themselves again.

    Streamlit's own way would tell no number. What is shown is made here and was never raised, so no traceback is in it.
    """
    try:
        yield
    except RetrainError as error:
        show_error(error)
    except Exception:
        number = secrets.token_hex(4)
        LOG.exception("Error %s", number)
        st.exception(
            UnexpectedError(
                "Something went wrong here, and it is our fault. What was saved is safe. Reload the page; if it happens "
                f"again, tell whoever runs this server the number of the error: {number}"
            )
        )
